/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * device.c - finds block devices with libblkid.
 * Trusts sysfs for the list of devices; what a device says of itself only selects it and
 * proves nothing: the header copy is judged later, on bytes from the same descriptor.
 */
#include "device.h"

#include <blkid/blkid.h>
#include <dirent.h>
#include <fcntl.h>
#include <linux/fs.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>

#include "paths.h"

#define SEEN_SIZE 160

/* What a scan saw: the first match, how many there are, and text for the error. */
struct scan {
	struct device first;
	unsigned int matches;
	char matching[SEEN_SIZE]; /* names of the matches */
	char seen[SEEN_SIZE];	  /* names and types of all disks and partitions */
};

static void probe_freep(blkid_probe *pr)
{
	if (*pr)
		blkid_free_probe(*pr);
}

/* Opens what may serve as a volume: a block device, or a file in a tree of tests. */
static int open_block(const struct root *root, const char *path, uint64_t *ret_size)
{
	_cleanup_close_ int fd = root_open(root, path, O_RDONLY | O_NONBLOCK, 0);
	uint64_t size = 0;
	struct stat st;

	if (fd < 0)
		return fd;
	if (fstat(fd, &st) < 0)
		return -errno;
	if (S_ISREG(st.st_mode) && !root->machine)
		size = (uint64_t)st.st_size;
	else if (!S_ISBLK(st.st_mode))
		return -ENOTBLK;
	else if (ioctl(fd, BLKGETSIZE64, &size) < 0)
		return -errno;
	if (size == 0)
		return -ENOMEDIUM;
	*ret_size = size;
	return TAKE_FD(fd);
}

/* Only the LUKS prober runs, so that other signatures on the disk cannot hide the magic. */
static bool has_luks_magic(blkid_probe pr)
{
	char *only[] = { (char[]){ "crypto_LUKS" }, NULL };

	blkid_probe_reset_superblocks_filter(pr);
	(void)blkid_probe_filter_superblocks_type(pr, BLKID_FLTR_ONLYIN, only);
	return blkid_do_safeprobe(pr) == 0 && blkid_probe_has_value(pr, "TYPE");
}

static bool value_is(blkid_probe pr, const char *name, const char *expected)
{
	const char *value = NULL;

	return blkid_probe_lookup_value(pr, name, &value, NULL) == 0 && value &&
	       strcmp(value, expected) == 0;
}

bool device_matches(int fd, uint64_t offset, uint64_t size, const struct device_spec *spec,
		    char ret_type[static 32])
{
	_cleanup_(probe_freep) blkid_probe pr = blkid_new_probe();
	const char *type = NULL;
	bool luks;

	(void)snprintf(ret_type, 32, "unknown content");
	if (!pr || blkid_probe_set_device(pr, fd, (blkid_loff_t)offset, (blkid_loff_t)size) < 0)
		return false;
	(void)blkid_probe_enable_superblocks(pr, 1);
	(void)blkid_probe_set_superblocks_flags(pr, BLKID_SUBLKS_TYPE | BLKID_SUBLKS_UUID |
							    BLKID_SUBLKS_LABEL);
	if (spec->kind == DEVICE_KIND_PARTUUID) {
		(void)blkid_probe_enable_partitions(pr, 1);
		(void)blkid_probe_set_partitions_flags(pr, BLKID_PARTS_ENTRY_DETAILS);
	}
	luks = has_luks_magic(pr);
	if (!luks) {
		blkid_probe_reset_superblocks_filter(pr);
		(void)blkid_do_safeprobe(pr); /* nothing known is an answer, too */
	}
	if (blkid_probe_lookup_value(pr, "TYPE", &type, NULL) == 0 && type)
		(void)snprintf(ret_type, 32, "%s", type);
	switch (spec->kind) {
	case DEVICE_KIND_AUTO:
		return luks;
	case DEVICE_KIND_UUID:
		return value_is(pr, "UUID", spec->value);
	case DEVICE_KIND_LABEL:
		return value_is(pr, "LABEL", spec->value);
	case DEVICE_KIND_PARTUUID:
		return value_is(pr, "PART_ENTRY_UUID", spec->value);
	case DEVICE_KIND_PATH:
		break;
	}
	return false;
}

/* Whole disks have a bus device behind them, which loop, dm and md have not; partitions have
 * an index. */
static bool is_disk_or_partition(const struct root *root, const char *name)
{
	char path[sizeof(PATH_SYS_BLOCK) + NAME_MAX + 16];

	(void)snprintf(path, sizeof(path), "%s/%s/device", PATH_SYS_BLOCK, name); /* fits */
	if (root_exists(root, path))
		return true;
	(void)snprintf(path, sizeof(path), "%s/%s/partition", PATH_SYS_BLOCK, name);
	return root_exists(root, path);
}

static void scan_one(const struct root *root, const char *name, const struct device_spec *spec,
		     struct scan *scan)
{
	char path[sizeof(PATH_DEV) + NAME_MAX + 1], type[32];
	bool is_disk = is_disk_or_partition(root, name);
	_cleanup_close_ int fd = -EBADF;
	uint64_t size = 0;

	if (strncmp(name, "ram", 3) == 0 || strncmp(name, "zram", 4) == 0)
		return;
	(void)snprintf(path, sizeof(path), "%s/%s", PATH_DEV, name); /* fits */
	fd = open_block(root, path, &size);
	if (fd < 0)
		return; /* no medium, or gone again */
	if (device_matches(fd, 0, 0, spec, type) && (is_disk || spec->kind != DEVICE_KIND_AUTO)) {
		text_append(scan->matching, SEEN_SIZE, "%s%s", *scan->matching ? ", " : "", path);
		if (scan->matches++ == 0 && strlen(path) < CONF_DEVICE_SIZE) {
			scan->first.fd = TAKE_FD(fd);
			scan->first.size = size;
			memcpy(scan->first.path, path, strlen(path) + 1);
		}
	}
	if (is_disk)
		text_append(scan->seen, SEEN_SIZE, "%s%s (%s)", *scan->seen ? ", " : "", path,
			    type);
}

static int scan_all(const struct root *root, const struct device_spec *spec, struct scan *scan)
{
	_cleanup_close_ int fd = root_open(root, PATH_SYS_BLOCK, O_RDONLY | O_DIRECTORY, 0);
	struct dirent *e;
	DIR *d;

	if (fd < 0)
		return fd == -ENOENT ? 0 : fd;
	d = fdopendir(fd);
	if (!d)
		return -errno;
	TAKE_FD(fd);
	while ((e = readdir(d)))
		if (*e->d_name != '.')
			scan_one(root, e->d_name, spec, scan);
	(void)closedir(d);
	return 0;
}

static int scan_path(const struct root *root, const struct device_spec *spec, struct scan *scan)
{
	int fd = open_block(root, spec->value, &scan->first.size);

	if (fd == -ENOTBLK)
		return fd;
	if (fd < 0)
		return 0; /* not there yet */
	scan->first.fd = fd;
	memcpy(scan->first.path, spec->value, CONF_DEVICE_SIZE);
	scan->matches = 1;
	return 0;
}

static int scan_devices(const struct root *root, const struct device_spec *spec, struct scan *scan)
{
	*scan = (struct scan){ .first = DEVICE_NULL };
	if (spec->kind == DEVICE_KIND_PATH)
		return scan_path(root, spec, scan);
	return scan_all(root, spec, scan);
}

static int give_up(const struct device_spec *spec, const struct scan *scan, struct fault *f)
{
	const char *prefix = conf_device_kind_prefix(spec->kind);

	if (scan->matches > 0)
		return fault_set(f, EXITCODE_NO_DEVICE, ETIMEDOUT,
				 "%s is there, but the queue of device events did not become empty "
				 "in time", scan->matching);
	if (spec->kind == DEVICE_KIND_AUTO)
		return fault_set(f, EXITCODE_NO_DEVICE, ETIMEDOUT,
				 "no disk with a LUKS header appeared in time; seen: %s",
				 *scan->seen ? scan->seen : "no disk at all");
	return fault_set(f, EXITCODE_NO_DEVICE, ETIMEDOUT,
			 "the device %s%s did not appear in time%s%s", prefix, spec->value,
			 *scan->seen ? "; seen: " : "", scan->seen);
}

int device_find(const struct root *root, const struct device_spec *spec, struct uevent *ue,
		struct deadline deadline, struct device *ret_device, struct fault *f)
{
	struct scan scan;
	int r;

	for (;;) {
		uevent_drain(ue);
		r = scan_devices(root, spec, &scan);
		if (r < 0)
			return fault_set(f, EXITCODE_NO_DEVICE, -r, "%s: %s",
					 *spec->value ? spec->value : PATH_SYS_BLOCK, strerror(-r));
		if (scan.matches > 0 && (spec->kind == DEVICE_KIND_PATH || uevent_idle(root, ue)))
			break;
		device_done(&scan.first);
		r = uevent_wait(ue, deadline);
		if (r == -ETIMEDOUT)
			return give_up(spec, &scan, f);
		if (r < 0)
			return fault_set(f, EXITCODE_INTERNAL, -r, "waiting for devices: %s",
					 strerror(-r));
	}
	if (scan.matches > 1) {
		device_done(&scan.first);
		return fault_set(f, EXITCODE_AMBIGUOUS_DEVICE, ENOTUNIQ,
				 "%u devices match %s%s: %s", scan.matches,
				 spec->kind == DEVICE_KIND_AUTO ?
					 "auto" :
					 conf_device_kind_prefix(spec->kind),
				 spec->value, scan.matching);
	}
	*ret_device = scan.first;
	return 0;
}

void device_done(struct device *device)
{
	util_closep(&device->fd);
	*device = DEVICE_NULL;
}
