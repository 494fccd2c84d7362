/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * swaps.c - compares the swap areas in use with what was opened.
 * Trusts the kernel's list of them, and sysfs; a name that sysfs does not know is refused. May
 * not change anything.
 */
#include "rootfs/swaps.h"

#include <limits.h>
#include <string.h>

#include "base/paths.h"
#include "base/text.h"
#include "rootfs/mounts.h"

#define SWAPS_MAX (256 * 1024)
#define SWAPS_PATH_MAX (sizeof(PATH_SYS_BLOCK) + NAME_MAX + 32)

static int unknown(struct fault *f, const char *swap, int error)
{
	return fault_errno(f, EXITCODE_ROOT_CONFUSION, error,
			   "cannot find out what the swap on %s lies on", swap);
}

static int foreign(struct fault *f, const char *swap)
{
	return fault_advise(f, EXITCODE_ROOT_CONFUSION, EPERM,
			    "let nothing in the initramfs swap to it, or make it a volume of cocotab "
			    "and swap to /dev/mapper/NAME",
			    "the swap on %s is not on a volume that was opened", swap);
}

static int check_device(const struct root *root, const char *swap, dev_t dev,
			const struct opened_volume *volumes, size_t nr, struct fault *f)
{
	unsigned int used = 0;
	int r;

	r = stack_is_ours(root, dev, volumes, nr, &used);
	if (r < 0)
		return unknown(f, swap, r);
	return r > 0 ? 0 : foreign(f, swap);
}

/* True if what is written to this zram device stays in memory. */
static bool stays_in_memory(const struct root *root, const char *name)
{
	_cleanup_free_ char *text = NULL;
	char path[SWAPS_PATH_MAX];
	ssize_t n;

	(void)snprintf(path, sizeof(path), PATH_SYS_BLOCK "/%s/backing_dev", name); /* fits */
	n = root_read_text(root, path, PATH_MAX, &text);
	/* A kernel without write-back has no such file. */
	return n == -ENOENT || (n > 0 && strcmp(text, "none\n") == 0);
}

static int check_partition(const struct root *root, const char *swap,
			   const struct opened_volume *volumes, size_t nr, struct fault *f)
{
	char name[NAME_MAX + 1], path[SWAPS_PATH_MAX], *p;
	dev_t dev = 0;
	int r;

	if (strncmp(swap, PATH_DEV "/", sizeof(PATH_DEV)) != 0 ||
	    strlen(swap + sizeof(PATH_DEV)) >= sizeof(name))
		return unknown(f, swap, -EINVAL);
	(void)snprintf(name, sizeof(name), "%s", swap + sizeof(PATH_DEV)); /* fits */
	for (p = name; *p != '\0'; p++)
		if (*p == '/') /* sysfs has another form of it */
			*p = '!';
	(void)snprintf(path, sizeof(path), PATH_SYS_BLOCK "/%s/dev", name); /* fits */
	r = stack_read_dev(root, path, &dev);
	if (r < 0)
		return unknown(f, swap, r);
	if (strncmp(name, "zram", 4) == 0)
		return stays_in_memory(root, name) ? 0 : foreign(f, swap);
	return check_device(root, swap, dev, volumes, nr, f);
}

/* The mount that the path of a file lies on: the last one on its longest part. */
static const struct mount *mount_of(const struct mounts *mounts, const char *path)
{
	const struct mount *found = NULL;
	size_t i;

	for (i = 0; i < mounts->nr; i++) {
		const struct mount *m = &mounts->list[i];

		if (mounts_is_below(path, m->point) &&
		    (!found || strlen(m->point) >= strlen(found->point)))
			found = m;
	}
	return found;
}

/* A file system of several devices has no number of its own here, and is refused with it. */
static int check_file(const struct root *root, const char *swap,
		      const struct opened_volume *volumes, size_t nr, struct fault *f)
{
	_cleanup_(mounts_done) struct mounts mounts = MOUNTS_NULL;
	const struct mount *m;
	int r;

	r = mounts_read(root, &mounts);
	if (r < 0)
		return unknown(f, swap, r);
	m = mount_of(&mounts, swap);
	return m ? check_device(root, swap, m->dev, volumes, nr, f) : foreign(f, swap);
}

static int check_line(const struct root *root, char *line, const struct opened_volume *volumes,
		      size_t nr, struct fault *f)
{
	char *swap = text_word(&line, " \t"), *type = text_word(&line, " \t");

	if (!type)
		return unknown(f, PATH_SWAPS, -EINVAL);
	mounts_unescape(swap);
	if (strcmp(type, "partition") == 0)
		return check_partition(root, swap, volumes, nr, f);
	if (strcmp(type, "file") == 0)
		return check_file(root, swap, volumes, nr, f);
	return unknown(f, swap, -EINVAL);
}

int swaps_refuse(const struct root *root, const struct opened_volume *volumes, size_t nr,
		 struct fault *f)
{
	_cleanup_free_ char *text = NULL;
	char *cursor, *line;
	ssize_t n;
	int r = 0;

	n = root_read_text(root, PATH_SWAPS, SWAPS_MAX, &text);
	if (n == -ENOENT)
		return 0;
	if (n < 0)
		return fault_errno(f, EXITCODE_ROOT_CONFUSION, (int)n, "%s cannot be read",
				   PATH_SWAPS);
	cursor = text;
	line = text_word(&cursor, "\n");
	if (!line || strncmp(line, "Filename", 8) != 0)
		return unknown(f, PATH_SWAPS, -EINVAL);
	while (r >= 0 && (line = text_word(&cursor, "\n")))
		r = check_line(root, line, volumes, nr, f);
	return r;
}
