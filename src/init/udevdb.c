/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * udevdb.c - does for the mappings what udev would have done.
 * Trusts the kernel's list of devices. Names are the configuration's or LVM's own.
 */
#include "init/udevdb.h"

#include <fcntl.h>
#include <limits.h>
#include <string.h>

#include "base/paths.h"
#include "base/text.h"

#define ATTRIBUTE_MAX 256
#define DB_PATH_MAX (sizeof(PATH_SYS_BLOCK) + NAME_MAX + 32)

struct walk {
	const struct root *root;
	int (*fn)(const struct root *root, const char *kernel_name, const char *name);
	struct fault *f;
};

/* An attribute of a device, without its line feed. Returns 0 or -errno. */
static int read_attribute(const struct root *root, const char *kernel_name, const char *attribute,
			  char **ret_text)
{
	char path[DB_PATH_MAX];
	ssize_t n;

	(void)snprintf(path, sizeof(path), "%s/%s/%s", PATH_SYS_BLOCK, kernel_name,
		       attribute); /* fits */
	n = root_read_text(root, path, ATTRIBUTE_MAX, ret_text);
	if (n < 0)
		return (int)n;
	(*ret_text)[strcspn(*ret_text, "\n")] = '\0';
	return 0;
}

static int for_one(const char *kernel_name, void *data)
{
	_cleanup_free_ char *name = NULL;
	struct walk *walk = data;
	int r;

	if (strncmp(kernel_name, "dm-", 3) != 0)
		return 0;
	r = read_attribute(walk->root, kernel_name, "dm/name", &name);
	if (r >= 0)
		r = walk->fn(walk->root, kernel_name, name);
	return r < 0 ? fault_advise(walk->f, EXITCODE_ABORTED, -r, FAULT_KILLED,
				    "cannot leave what the root's udev needs for %s: %s",
				    kernel_name, strerror(-r)) :
		       0;
}

static int for_each(const struct root *root,
		    int (*fn)(const struct root *root, const char *kernel_name, const char *name),
		    struct fault *f)
{
	struct walk walk = { .root = root, .fn = fn, .f = f };
	int r = root_walk(root, PATH_SYS_BLOCK, 0, for_one, &walk);

	return r < 0 ? fault_advise(f, EXITCODE_ABORTED, -r, FAULT_REPORT, "cannot read %s: %s",
				    PATH_SYS_BLOCK, strerror(-r)) :
		       0;
}

/* udev makes links, and does not replace a node. */
static int link_one(const struct root *root, const char *kernel_name, const char *name)
{
	_cleanup_close_ int dir = root_open(root, PATH_DM_DIR, O_RDONLY | O_DIRECTORY, 0);
	char target[NAME_MAX + 4];

	if (dir < 0)
		return dir;
	(void)snprintf(target, sizeof(target), "../%s", kernel_name); /* fits */
	if (unlinkat(dir, name, 0) < 0 && errno != ENOENT)
		return -errno;
	return symlinkat(target, dir, name) < 0 ? -errno : 0;
}

static int write_one(const struct root *root, const char *kernel_name, const char *name)
{
	_cleanup_free_ char *dev = NULL, *uuid = NULL, *text = NULL;
	char path[sizeof(PATH_UDEV_DATA) + ATTRIBUTE_MAX + 4];
	int r;

	r = read_attribute(root, kernel_name, "dev", &dev);
	if (r >= 0)
		r = read_attribute(root, kernel_name, "dm/uuid", &uuid);
	if (r < 0)
		return r;
	if (asprintf(&text,
		     "E:DM_UDEV_PRIMARY_SOURCE_FLAG=1\nE:DM_NAME=%s\nE:DM_UUID=%s\nE:DM_SUSPENDED=0\nV:1\n",
		     name, uuid) < 0) {
		text = NULL;
		return -ENOMEM;
	}
	(void)snprintf(path, sizeof(path), "%s/b%s", PATH_UDEV_DATA, dev); /* fits */
	return root_replace_text(root, path, text, 0644);
}

int udevdb_link(const struct root *root, struct fault *f)
{
	return for_each(root, link_one, f);
}

int udevdb_write(const struct root *root, struct fault *f)
{
	int r = root_mkdir(root, PATH_UDEV_DIR);

	if (r < 0)
		return fault_advise(f, EXITCODE_ABORTED, -r, FAULT_KILLED, "cannot make %s: %s",
				    PATH_UDEV_DIR, strerror(-r));
	return for_each(root, write_one, f);
}
