/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * device.c - finds block devices with libblkid.
 * Trusts sysfs for the list of devices; what a device says of itself only selects it and
 * proves nothing: the header copy is judged later, on bytes from the same descriptor.
 */
#include "disk/device.h"

#include <fcntl.h>
#include <linux/fs.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>

#include "base/paths.h"
#include "conf/devicespec.h"
#include "disk/probe.h"
#include "disk/raid.h"

#define SEEN_SIZE 160

/* What a scan saw: the first match, how many there are, and text for the error. A device that
 * cannot be looked at may be one more match: with one of them no match is taken. */
struct scan {
	const struct root *root;
	const struct device_spec *spec;
	struct device first;
	unsigned int matches;
	char matching[SEEN_SIZE]; /* names of the matches */
	char members[SEEN_SIZE];  /* names of what would match, but belongs to a RAID */
	char unknown[SEEN_SIZE];  /* names of what cannot be looked at, and why */
	char seen[SEEN_SIZE];	  /* names and types of all disks and partitions */
};

/* No node, no driver behind it any more, no medium. Every other error says nothing about what
 * is there. */
static bool is_absent(int r)
{
	return r == -ENOENT || r == -ENXIO || r == -ENODEV || r == -ENOMEDIUM;
}

/* Opens what may serve as a volume: a block device, or a file in a tree of tests. */
static int open_block(const struct root *root, const char *path, int flags, uint64_t *ret_size)
{
	_cleanup_close_ int fd = root_open(root, path, O_RDONLY | flags, 0);
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

/* libblkid: 0 found, 1 nothing known, -2 several things; -1 and every other -errno is an error,
 * mostly of a read. */
static int probe(blkid_probe pr)
{
	int r = blkid_do_safeprobe(pr);

	if (r == -2)
		return 0;
	return r < 0 ? (r == -1 ? -EIO : r) : r == 0;
}

/* Only the LUKS prober runs, so that other signatures on the disk cannot hide the magic. */
static int has_luks_magic(blkid_probe pr)
{
	char *only[] = { (char[]){ "crypto_LUKS" }, NULL };
	int r;

	blkid_probe_reset_superblocks_filter(pr);
	if (blkid_probe_filter_superblocks_type(pr, BLKID_FLTR_ONLYIN, only) < 0)
		return -ENOMEM;
	r = probe(pr);
	return r <= 0 ? r : blkid_probe_has_value(pr, "TYPE");
}

static bool value_is(blkid_probe pr, const char *name, const char *expected)
{
	const char *value = NULL;

	return blkid_probe_lookup_value(pr, name, &value, NULL) == 0 && value &&
	       strcmp(value, expected) == 0;
}

static bool is_specified(blkid_probe pr, const struct device_spec *spec, bool luks)
{
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

int device_matches(int fd, uint64_t offset, uint64_t size, const struct device_spec *spec,
		   char ret_type[static 32])
{
	_cleanup_(probe_done) blkid_probe pr = NULL;
	const char *type = NULL;
	int luks, member = 0, r;

	(void)snprintf(ret_type, 32, "unknown content");
	r = probe_start(fd, offset, size,
			BLKID_SUBLKS_TYPE | BLKID_SUBLKS_UUID | BLKID_SUBLKS_LABEL, &pr);
	if (r < 0)
		return r;
	if (spec->kind == DEVICE_KIND_PARTUUID) {
		(void)blkid_probe_enable_partitions(pr, 1);
		(void)blkid_probe_set_partitions_flags(pr, BLKID_PARTS_ENTRY_DETAILS);
	}
	if (spec->kind != DEVICE_KIND_PARTUUID) {
		member = raid_is_member(fd, offset, size);
		if (member < 0)
			return member;
	}
	luks = has_luks_magic(pr);
	if (luks < 0)
		return luks;
	if (!luks) {
		blkid_probe_reset_superblocks_filter(pr);
		r = probe(pr);
		if (r < 0)
			return r;
	}
	if (blkid_probe_lookup_value(pr, "TYPE", &type, NULL) == 0 && type)
		(void)snprintf(ret_type, 32, "%s", type);
	if (member)
		(void)snprintf(ret_type, 32, "part of a RAID");
	r = is_specified(pr, spec, luks);
	return r && member ? DEVICE_RAID_MEMBER : r;
}

/* Whole disks have a bus device behind them, which loop, dm and md have not; partitions have
 * an index. */
static int is_disk_or_partition(const struct root *root, const char *name)
{
	char path[sizeof(PATH_SYS_BLOCK) + NAME_MAX + 16];
	int r;

	(void)snprintf(path, sizeof(path), "%s/%s/device", PATH_SYS_BLOCK, name); /* fits */
	r = root_exists(root, path);
	if (r != 0)
		return r;
	(void)snprintf(path, sizeof(path), "%s/%s/partition", PATH_SYS_BLOCK, name);
	return root_exists(root, path);
}

static void add_match(struct scan *scan, const char *path, int fd, uint64_t size)
{
	text_append(scan->matching, SEEN_SIZE, "%s%s", *scan->matching ? ", " : "", path);
	if (scan->matches++ > 0) {
		(void)close(fd); /* only read from */
		return;
	}
	scan->first.fd = fd;
	scan->first.size = size;
	(void)snprintf(scan->first.path, CONF_DEVICE_SIZE, "%s", path); /* for people: may be cut */
}

/* device_matches() of a device with this name, which can be a part of a disk that as a whole is one
 * of a RAID: only what matches is worth a look at another device. */
static int matches(const struct scan *scan, const char *name, int fd, char type[static 32])
{
	char dir[sizeof(PATH_SYS_BLOCK) + NAME_MAX + 1];
	int r = device_matches(fd, 0, 0, scan->spec, type), member;

	if (r <= 0 || r == DEVICE_RAID_MEMBER || scan->spec->kind == DEVICE_KIND_PARTUUID)
		return r;
	(void)snprintf(dir, sizeof(dir), "%s/%s", PATH_SYS_BLOCK, name); /* fits */
	member = raid_has_disk(scan->root, dir);
	return member < 0 ? member : member > 0 ? DEVICE_RAID_MEMBER : r;
}

/* Looks at one device. Returns 0, also if it is absent or does not match, or -errno if nobody
 * can tell. */
static int look_at(struct scan *scan, const char *name, const char *path)
{
	char type[32];
	_cleanup_close_ int fd = -EBADF;
	uint64_t size = 0;
	int is_disk, r;

	is_disk = is_disk_or_partition(scan->root, name);
	if (is_disk < 0)
		return is_disk;
	/* Not O_NONBLOCK: an empty drive then says that it is empty. */
	fd = open_block(scan->root, path, 0, &size);
	if (fd < 0)
		return is_absent(fd) ? 0 : fd;
	r = matches(scan, name, fd, type);
	if (r < 0)
		return r;
	if (r == DEVICE_RAID_MEMBER)
		text_append(scan->members, SEEN_SIZE, "%s%s", *scan->members ? ", " : "", path);
	else if (r > 0 && (is_disk || scan->spec->kind != DEVICE_KIND_AUTO))
		add_match(scan, path, TAKE_FD(fd), size);
	if (is_disk)
		text_append(scan->seen, SEEN_SIZE, "%s%s (%s)", *scan->seen ? ", " : "", path,
			    type);
	return 0;
}

static void add_unknown(struct scan *scan, const char *path, int r)
{
	text_append(scan->unknown, SEEN_SIZE, "%s%s (%s)", *scan->unknown ? ", " : "", path,
		    strerror(-r));
}

static int scan_one(const char *name, void *data)
{
	char path[sizeof(PATH_DEV) + NAME_MAX + 1], *p;
	struct scan *scan = data;
	int r;

	if (strncmp(name, "ram", 3) == 0 || strncmp(name, "zram", 4) == 0)
		return 0;					     /* the guest's own memory */
	(void)snprintf(path, sizeof(path), "%s/%s", PATH_DEV, name); /* fits */
	for (p = path; *p != '\0'; p++)
		if (*p == '!') /* sysfs' form of a slash: cciss!c0d0 */
			*p = '/';
	r = look_at(scan, name, path);
	if (r < 0)
		add_unknown(scan, path, r);
	return 0;
}

static int scan_path(struct scan *scan)
{
	const char *path = scan->spec->value;
	uint64_t size = 0;
	int fd = open_block(scan->root, path, O_NONBLOCK, &size);

	if (fd == -ENOTBLK)
		return fd;
	if (fd >= 0)
		add_match(scan, path, fd, size);
	else if (!is_absent(fd) && fd != -ENOTDIR)
		add_unknown(scan, path, fd);
	return 0; /* else it is not there yet */
}

static int scan_devices(const struct root *root, const struct device_spec *spec, struct scan *scan)
{
	int r;

	*scan = (struct scan){ .root = root, .spec = spec, .first = DEVICE_NULL };
	if (spec->kind == DEVICE_KIND_PATH)
		return scan_path(scan);
	r = root_walk(root, PATH_SYS_BLOCK, 0, scan_one, scan);
	if (r == -ENOENT)
		return 0; /* no device yet */
	if (r < 0)
		device_done(&scan->first);
	return r;
}

/* Somebody who only checks may not be root. */
static int give_up_unknown(const struct device_spec *spec, const struct scan *scan, struct fault *f)
{
	bool by_path = spec->kind == DEVICE_KIND_PATH;
	const char *next = geteuid() != 0 ? "run it as root" :
			   by_path ? "attach a disk there that can be read, or correct the device "
				     "column of cocotab and build the initramfs again" :
				     "detach what cannot be read, or name the volume's device in "
				     "cocotab by a path and build the initramfs again";

	if (by_path)
		return fault_advise(f, EXITCODE_NO_DEVICE, ETIMEDOUT, next,
				    "the device cannot be opened: %s", scan->unknown);
	return fault_advise(f, EXITCODE_NO_DEVICE, ETIMEDOUT, next,
			    "%s%s cannot be looked at, so that nobody knows whether it is %s%s%s",
			    scan->matches > 0 ? "one device matches, but " : "", scan->unknown,
			    devicespec_prefix(spec->kind),
			    spec->kind == DEVICE_KIND_AUTO ? "a LUKS disk" : spec->value,
			    scan->matches > 0 ? ", too" : "");
}

static int give_up_member(const struct device_spec *spec, const struct scan *scan, struct fault *f)
{
	if (spec->kind == DEVICE_KIND_AUTO)
		return fault_advise(f, EXITCODE_NO_DEVICE, ETIMEDOUT,
				    "name the RAID in cocotab, by UUID= or LABEL= of that header, "
				    "and build the initramfs again",
				    "the only LUKS header is on what belongs to a RAID (%s)",
				    scan->members);
	return fault_advise(f, EXITCODE_NO_DEVICE, ETIMEDOUT,
			    "attach the missing parts of the RAID, and build the initramfs again "
			    "with what puts it together, as dracut's module mdraid does",
			    "%s%s is only on what belongs to a RAID (%s), and the RAID itself did "
			    "not appear in time",
			    devicespec_prefix(spec->kind), spec->value, scan->members);
}

static int give_up(const struct device_spec *spec, const struct scan *scan, struct fault *f)
{
	const char *prefix = devicespec_prefix(spec->kind);

	if (*scan->unknown)
		return give_up_unknown(spec, scan, f);
	if (scan->matches > 0)
		return fault_advise(f, EXITCODE_NO_DEVICE, ETIMEDOUT,
				    "raise Timeout= and build the initramfs again; if that does not "
				    "help, look for what keeps udev busy in the lines above",
				    "%s is there, but the queue of device events did not become "
				    "empty in time",
				    scan->matching);
	if (*scan->members)
		return give_up_member(spec, scan, f);
	if (spec->kind == DEVICE_KIND_AUTO)
		return fault_set(f, EXITCODE_NO_DEVICE, ETIMEDOUT,
				 "no disk with a LUKS header appeared in time; seen: %s",
				 *scan->seen ? scan->seen : "no disk at all");
	return fault_set(f, EXITCODE_NO_DEVICE, ETIMEDOUT,
			 "the device %s%s did not appear in time%s%s", prefix, spec->value,
			 *scan->seen ? "; seen: " : "", scan->seen);
}

/*
 * Does this scan count? A path names one device. Of auto, every LUKS disk is one, so udev may first
 * end its work on all that is there. The others name what they want: the first complete scan
 * counts, which is one during which the kernel has announced nothing.
 *
 * The kernel sends an event when sysfs and /dev show the device, and the event of a disk when its
 * partitions are there, too (device_add() in drivers/base/core.c, device_add_disk() in
 * block/genhd.c; a partition that comes later has an event of its own). So a scan has seen all that
 * was announced before it, and what is announced meanwhile leads to another scan. A disk that is
 * there but not yet announced may be missing. If it matches, the look at the mounted root finds it
 * (rootfs/rivals.c), like one that comes a minute later.
 *
 * udev's work goes on at the same time. It can neither give us another device nor take ours away:
 * - The nodes in /dev are the kernel's (devtmpfs); udev adds links, owners and modes.
 * - Its flock() on a disk holds up only those who lock it, too. Nobody here does.
 * - When a disk that was open for writing is closed, it asks the kernel to read the partition table
 *   again: partitions go and come, with events. Our descriptors are read-only, so that it is never
 *   because of us; and the kernel refuses while a partition is open or a mapping has the disk.
 * - A RAID or logical volume that it puts together has events of its own. Until then there is no
 *   match: parts of a RAID do not count, and a device without a table has no size.
 */
static bool counts(const struct root *root, const struct device_spec *spec, const struct uevent *ue)
{
	switch (spec->kind) {
	case DEVICE_KIND_PATH:
		return true;
	case DEVICE_KIND_UUID:
	case DEVICE_KIND_PARTUUID:
	case DEVICE_KIND_LABEL:
		return uevent_quiet(ue);
	case DEVICE_KIND_AUTO:
		break;
	}
	return uevent_idle(root, ue);
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
			return fault_errno(f, EXITCODE_NO_DEVICE, r, "%s",
					   *spec->value ? spec->value : PATH_SYS_BLOCK);
		if ((scan.matches > 1 || (scan.matches == 1 && !*scan.unknown)) &&
		    counts(root, spec, ue))
			break;
		device_done(&scan.first);
		r = uevent_wait(ue, deadline);
		if (r == -ETIMEDOUT)
			return give_up(spec, &scan, f);
		if (r < 0)
			return fault_errno(f, EXITCODE_INTERNAL, r, "waiting for devices");
	}
	if (scan.matches > 1) {
		device_done(&scan.first);
		return fault_set(f, EXITCODE_AMBIGUOUS_DEVICE, ENOTUNIQ,
				 "%u devices match %s%s: %s", scan.matches,
				 spec->kind == DEVICE_KIND_AUTO ? "auto" :
								  devicespec_prefix(spec->kind),
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
