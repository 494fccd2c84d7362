/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * stack.c - walks from a block device down to what it is made of, in sysfs.
 * Trusts sysfs; trusts no name and nothing that a device says of itself.
 */
#include "stack.h"

#include <dirent.h>
#include <fcntl.h>
#include <limits.h>
#include <string.h>
#include <sys/sysmacros.h>

#include "paths.h"
#include "text.h"

#define STACK_DEPTH_MAX 16
#define STACK_DIR_MAX 64 /* /sys/dev/block/MAJOR:MINOR/partition */
#define STACK_PATH_MAX (STACK_DIR_MAX + NAME_MAX + 8)

int stack_read_dev(const struct root *root, const char *path, dev_t *ret_dev)
{
	_cleanup_free_ char *text = NULL;
	uint64_t major_nr, minor_nr;
	char *cursor, *a, *b;
	ssize_t n;

	n = root_read_text(root, path, 64, &text);
	if (n < 0)
		return (int)n;
	cursor = text;
	a = text_word(&cursor, ":\n");
	b = text_word(&cursor, ":\n");
	if (!a || !b || text_u64(a, UINT32_MAX, &major_nr) < 0 ||
	    text_u64(b, UINT32_MAX, &minor_nr) < 0)
		return -EINVAL;
	*ret_dev = makedev((unsigned int)major_nr, (unsigned int)minor_nr);
	return 0;
}

static int walk(const struct root *root, dev_t dev, const struct opened_volume *volumes, size_t nr,
		unsigned int depth, unsigned int *used);

/* Every entry must be ours, and there must be one. */
static int walk_slaves(const struct root *root, const char *dir,
		       const struct opened_volume *volumes, size_t nr, unsigned int depth,
		       unsigned int *used)
{
	_cleanup_close_ int fd = root_open(root, dir, O_RDONLY | O_DIRECTORY, 0);
	char path[STACK_PATH_MAX];
	struct dirent *e;
	DIR *d;
	dev_t dev;
	int r = 0;

	if (fd < 0)
		return fd == -ENOENT ? 0 : fd;
	d = fdopendir(fd);
	if (!d)
		return -errno;
	TAKE_FD(fd);
	while ((e = readdir(d))) {
		if (*e->d_name == '.')
			continue;
		(void)snprintf(path, sizeof(path), "%s/%s/dev", dir, e->d_name); /* fits */
		r = stack_read_dev(root, path, &dev);
		if (r >= 0)
			r = walk(root, dev, volumes, nr, depth, used);
		if (r <= 0)
			break;
	}
	(void)closedir(d);
	return r;
}

static int walk(const struct root *root, dev_t dev, const struct opened_volume *volumes, size_t nr,
		unsigned int depth, unsigned int *used)
{
	char path[STACK_DIR_MAX];
	dev_t disk;
	size_t i;
	int r;

	for (i = 0; i < nr; i++)
		if (volumes[i].mapping.dev == dev) {
			*used |= 1U << i;
			return 1;
		}
	if (depth == 0)
		return -ELOOP;
	(void)snprintf(path, sizeof(path), PATH_SYS_DEV_BLOCK "/%u:%u/partition", major(dev),
		       minor(dev)); /* these fit */
	if (root_exists(root, path)) {
		(void)snprintf(path, sizeof(path), PATH_SYS_DEV_BLOCK "/%u:%u/../dev", major(dev),
			       minor(dev));
		r = stack_read_dev(root, path, &disk);
		return r < 0 ? r : walk(root, disk, volumes, nr, depth - 1, used);
	}
	(void)snprintf(path, sizeof(path), PATH_SYS_DEV_BLOCK "/%u:%u/slaves", major(dev),
		       minor(dev));
	return walk_slaves(root, path, volumes, nr, depth - 1, used);
}

int stack_is_ours(const struct root *root, dev_t dev, const struct opened_volume *volumes,
		  size_t nr, unsigned int *volumes_used)
{
	unsigned int used = 0;
	int r;

	r = walk(root, dev, volumes, nr, STACK_DEPTH_MAX, &used);
	if (r > 0)
		*volumes_used |= used;
	return r;
}

bool stack_is_integrity_part(const struct root *root, const char *name,
			     const struct opened_volume *volumes, size_t nr)
{
	char path[STACK_PATH_MAX], expected[CONF_NAME_SIZE + 8];
	_cleanup_free_ char *text = NULL;
	size_t i;

	(void)snprintf(path, sizeof(path), PATH_SYS_BLOCK "/%s/dm/name", name); /* these fit */
	if (root_read_text(root, path, sizeof(expected), &text) < 0)
		return false;
	for (i = 0; i < nr; i++) {
		(void)snprintf(expected, sizeof(expected), "%s_dif\n", volumes[i].name);
		if (strcmp(text, expected) != 0)
			continue;
		(void)snprintf(path, sizeof(path), PATH_SYS_DEV_BLOCK "/%u:%u/slaves/%s",
			       major(volumes[i].mapping.dev), minor(volumes[i].mapping.dev), name);
		return root_exists(root, path);
	}
	return false;
}
