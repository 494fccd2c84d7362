/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * strangers.c - looks for devices that something in the initramfs has put together, and not
 * from the opened volumes: LVM, mdadm and others obey the labels of any disk.
 * Trusts sysfs for what a device is made of; trusts no name. May not open a device.
 */
#include "rootfs/strangers.h"

#include <limits.h>
#include <string.h>
#include <sys/sysmacros.h>

#include "base/paths.h"
#include "base/text.h"

#define STRANGERS_PATH_MAX (sizeof(PATH_SYS_BLOCK) + NAME_MAX + 32)
#define NAME_TEXT_MAX 256 /* a device-mapper name or UUID has at most 128 bytes */

struct look {
	const struct root *root;
	const struct opened_volume *volumes;
	size_t nr;
	struct fault *f;
};

/* A device, and what it is called. */
struct stacked {
	const char *name; /* the kernel's */
	dev_t dev;
	bool is_dm;
	bool is_md;
	bool has_parts;
};

static int has(const struct look *look, const char *name, const char *what)
{
	char path[STRANGERS_PATH_MAX];

	(void)snprintf(path, sizeof(path), PATH_SYS_BLOCK "/%s/%s", name, what); /* fits */
	return root_exists(look->root, path);
}

static int one_is_enough(const char *name, void *ctx)
{
	(void)ctx, (void)name;
	return 1;
}

static int has_parts(const struct look *look, const char *name)
{
	char path[STRANGERS_PATH_MAX];
	int r;

	(void)snprintf(path, sizeof(path), PATH_SYS_BLOCK "/%s/slaves", name); /* fits */
	r = root_walk(look->root, path, 0, one_is_enough, NULL);
	return r == -ENOENT ? 0 : r;
}

/* Reads a line of the device's directory in sysfs, without its line feed. */
static int read_line(const struct look *look, const char *name, const char *what, char **ret_text)
{
	char path[STRANGERS_PATH_MAX];
	ssize_t n;

	(void)snprintf(path, sizeof(path), PATH_SYS_BLOCK "/%s/%s", name, what); /* fits */
	n = root_read_text(look->root, path, NAME_TEXT_MAX, ret_text);
	if (n < 0)
		return (int)n;
	(*ret_text)[strcspn(*ret_text, "\n")] = '\0';
	return 0;
}

/* Whether the device counts at all: 1, 0, or -errno. */
static int is_stacked(const struct look *look, const char *name, struct stacked *ret)
{
	_cleanup_free_ char *size = NULL;
	int dm, md, parts, r;

	dm = strncmp(name, "dm-", 3) == 0 ? 1 : has(look, name, "dm");
	md = dm != 0 ? 0 : has(look, name, "md");
	parts = dm < 0 || md < 0 ? 0 : has_parts(look, name);
	if (dm < 0 || md < 0 || parts < 0)
		return dm < 0 ? dm : md < 0 ? md : parts;
	*ret = (struct stacked){ .name = name, .is_dm = dm, .is_md = md, .has_parts = parts };
	if (!parts && !dm && !md)
		return 0;
	if (!parts && read_line(look, name, "size", &size) >= 0 && strcmp(size, "0") == 0)
		return 0;
	r = stack_device_of(look->root, name, &ret->dev);
	return r;
}

struct sibling {
	const struct look *look;
	const char *uuid; /* that the one device below must have */
	unsigned int seen;
};

static int check_sibling(const char *name, void *ctx)
{
	struct sibling *sibling = ctx;
	const struct look *look = sibling->look;
	_cleanup_free_ char *uuid = NULL;
	dev_t dev = 0;
	int r;

	sibling->seen++;
	r = read_line(look, name, "dm/uuid", &uuid);
	if (r < 0)
		return r == -ENOENT ? 1 : r;
	r = stack_device_of(look->root, name, &dev);
	if (r > 0)
		r = stack_is_below(look->root, dev, look->volumes, look->nr);
	return r < 0 ? r : r == 0 || strcmp(uuid, sibling->uuid) != 0;
}

/*
 * kpartx names a partition partN-UUID, after the multipath device that it lies on; that one
 * must be below a volume. Whoever has LUKS on a partition of a multipath disk has the others.
 */
static int is_multipath_partition(const struct look *look, const struct stacked *stacked)
{
	struct sibling sibling = { .look = look };
	_cleanup_free_ char *uuid = NULL;
	char path[STRANGERS_PATH_MAX];
	int r;

	if (!stacked->is_dm)
		return 0;
	r = read_line(look, stacked->name, "dm/uuid", &uuid);
	if (r < 0)
		return r == -ENOENT ? 0 : r;
	if (strncmp(uuid, "part", 4) != 0)
		return 0;
	sibling.uuid = uuid + 4 + strspn(uuid + 4, "0123456789");
	if (sibling.uuid == uuid + 4 || strncmp(sibling.uuid, "-mpath-", 7) != 0)
		return 0;
	sibling.uuid++;
	(void)snprintf(path, sizeof(path), PATH_SYS_BLOCK "/%s/slaves", stacked->name); /* fits */
	r = root_walk(look->root, path, 0, check_sibling, &sibling);
	return r < 0 ? r : r == 0 && sibling.seen == 1;
}

/* What it is to the volumes: 1 if it may be there, 0 if not, or -errno. */
static int is_known(const struct look *look, const struct stacked *stacked)
{
	unsigned int used = 0;
	int r;

	r = stack_is_ours(look->root, stacked->dev, look->volumes, look->nr, &used);
	if (r == 0)
		r = stack_is_below(look->root, stacked->dev, look->volumes, look->nr);
	return r == 0 ? is_multipath_partition(look, stacked) : r;
}

static int look_at(const char *name, void *ctx)
{
	const struct look *look = ctx;
	_cleanup_free_ char *dm_name = NULL;
	struct stacked stacked = { .name = name };
	const char *kind;
	int r;

	r = is_stacked(look, name, &stacked);
	if (r == 0)
		return 0;
	if (r > 0)
		r = is_known(look, &stacked);
	if (r < 0)
		return fault_errno(look->f, EXITCODE_ROOT_CONFUSION, r,
				   "cannot find out what %s/%s is made of", PATH_DEV, name);
	if (r > 0)
		return 0;
	kind = stacked.is_dm ? "device-mapper" : stacked.is_md ? "md" : "stacked";
	if (stacked.is_dm && read_line(look, name, "dm/name", &dm_name) < 0)
		dm_name = NULL; /* it is refused under its other name */
	return fault_advise(look->f, EXITCODE_ROOT_CONFUSION, EPERM,
			    "detach its disk, or keep the initramfs from assembling it",
			    "the %s device '%s' (%s/%s) is no part of a volume that was opened",
			    kind, dm_name ? dm_name : name, PATH_DEV, name);
}

int strangers_refuse(const struct root *root, const struct opened_volume *volumes, size_t nr,
		     struct fault *f)
{
	struct look look = { .root = root, .volumes = volumes, .nr = nr, .f = f };
	int r;

	r = root_walk(root, PATH_SYS_BLOCK, 0, look_at, &look);
	return r < 0 ? fault_errno(f, EXITCODE_ROOT_CONFUSION, r, "%s cannot be read",
				   PATH_SYS_BLOCK) :
		       0;
}
