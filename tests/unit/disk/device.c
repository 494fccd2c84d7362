/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * device.c - the one device that a volume means: found, waited for, or none, or too many.
 * Disks are files in a tree. libblkid would ask the kernel for the table that a partition
 * comes from, so its answer about that is a fake; the virtual machines show the rest.
 * Needs: cryptsetup mke2fs
 */
#include "disk/device.h"

#include <blkid/blkid.h>
#include <dlfcn.h>
#include <linux/fs.h>
#include <poll.h>
#include <stdarg.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>

#include "base/paths.h"
#include "fixture.h"
#include "md.h"

#define UUID_A "aaaaaaaa-0000-4000-8000-00000000000a"
#define UUID_B "aaaaaaaa-0000-4000-8000-00000000000b"
#define UUID_EXT4 "eeeeeeee-0000-4000-8000-0000000000e4"

static struct fixture images, fx;
static struct fault f;
static struct device device;
static struct uevent no_events = UEVENT_NULL;

/* Instead of waiting, something happens; NULL: nothing does, until the deadline. */
static void (*on_wait)(unsigned int nr);
static unsigned int waits;
static int wait_error; /* of each wait; EINTR: only of the next one */
static int last_timeout_ms;

int poll(struct pollfd *fds, nfds_t nr, int timeout_ms)
{
	if (timeout_ms == 0)
		return (int)syscall(SYS_poll, fds, nr, 0);
	last_timeout_ms = timeout_ms;
	waits++;
	if (wait_error) {
		errno = wait_error;
		wait_error = wait_error == EINTR ? 0 : wait_error;
		return -1;
	}
	if (!on_wait)
		return (int)syscall(SYS_poll, fds, nr, 0);
	on_wait(waits);
	return 1;
}

/* Files count as block devices while this is true. */
static bool files_are_disks;

/* Happens while one of them is looked at. */
static void (*on_look)(unsigned int nr);
static unsigned int looks;

int fstat(int fd, struct stat *st)
{
	int r = fstatat(fd, "", st, AT_EMPTY_PATH);

	if (r == 0 && files_are_disks && S_ISREG(st->st_mode))
		st->st_mode = S_IFBLK | 0600;
	return r;
}

int ioctl(int fd, unsigned long request, ...)
{
	struct stat st;
	va_list ap;
	void *arg;

	va_start(ap, request);
	arg = va_arg(ap, void *);
	va_end(ap);
	if (!files_are_disks || request != BLKGETSIZE64)
		return (int)syscall(SYS_ioctl, fd, request, arg);
	if (fstatat(fd, "", &st, AT_EMPTY_PATH) < 0)
		return -1;
	*(uint64_t *)arg = (uint64_t)st.st_size;
	if (on_look)
		on_look(++looks);
	return 0;
}

/* The partition table's UUID of whatever is probed, once it was asked for rightly. */
static const char *part_uuid;
static bool partitions, details;

int blkid_probe_enable_partitions(blkid_probe pr, int enable)
{
	(void)pr;
	partitions = enable;
	return 0;
}

int blkid_probe_set_partitions_flags(blkid_probe pr, int flags)
{
	(void)pr;
	details = flags == BLKID_PARTS_ENTRY_DETAILS;
	return 0;
}

int blkid_probe_lookup_value(blkid_probe pr, const char *name, const char **data, size_t *len)
{
	__typeof__(&blkid_probe_lookup_value) next = dlsym(RTLD_NEXT, "blkid_probe_lookup_value");

	if (strcmp(name, "PART_ENTRY_UUID") != 0)
		return next(pr, name, data, len);
	if (!part_uuid || !partitions || !details)
		return -1;
	*data = part_uuid;
	return 0;
}

static void make_images(void)
{
	static unsigned char disk[64 * 1024], ext4[2048];
	char cmd[2 * PATH_MAX];
	int fd;

	fixture_init(&images);
	fixture_luks(&images, "/a", "key", "--label data --uuid " UUID_A);
	fixture_luks(&images, "/b", "key", "--uuid " UUID_B);
	memset(disk, 0, sizeof(disk));
	fixture_put(&images, "/zero", disk, sizeof(disk));
	memcpy(disk, "LUKS\xba\xbe\x00\x01", 8);
	fixture_put(&images, "/luks1", disk, sizeof(disk));
	fixture_put(&images, "/ext4", disk, 0);
	FIXTURE_MUST(truncate(fixture_path(&images, "/ext4"), 1024 * 1024) == 0);
	(void)snprintf(cmd, sizeof(cmd),
		       "PATH=$PATH:/usr/sbin:/sbin; mke2fs -q -t ext4 -O ^has_journal"
		       " -L data4 -U " UUID_EXT4 " '%s' > /dev/null",
		       fixture_path(&images, "/ext4"));
	FIXTURE_MUST(system(cmd) == 0);

	/* A LUKS2 disk with an ext4 superblock in the padding of its binary header. */
	fd = open(fixture_path(&images, "/ext4"), O_RDONLY | O_CLOEXEC);
	FIXTURE_MUST(fd >= 0 && pread(fd, ext4, 1024, 1024) == 1024 && close(fd) == 0);
	fd = open(fixture_path(&images, "/b"), O_RDONLY | O_CLOEXEC);
	FIXTURE_MUST(fd >= 0 && pread(fd, disk, sizeof(disk), 0) == (ssize_t)sizeof(disk));
	FIXTURE_MUST(close(fd) == 0);
	memcpy(disk + 1024, ext4, 1024);
	fixture_put(&images, "/both", disk, sizeof(disk));
}

/* A device without a disk behind it, as loop or dm. */
static void add_other(const char *name, const char *image)
{
	char path[300];

	(void)snprintf(path, sizeof(path), PATH_SYS_BLOCK "/%s", name);
	fixture_mkdir(&fx, path);
	(void)snprintf(path, sizeof(path), PATH_DEV "/%s", name);
	fixture_mkdir(&fx, PATH_DEV);
	FIXTURE_MUST(link(fixture_path(&images, image), fixture_path(&fx, path)) == 0);
}

static void add_disk(const char *name, const char *image)
{
	char path[300];

	add_other(name, image);
	(void)snprintf(path, sizeof(path), PATH_SYS_BLOCK "/%s/device", name);
	fixture_mkdir(&fx, path);
}

/* In the directory of its disk, which has a node if somebody has added that, too. */
static void add_partition(const char *name, const char *image, const char *disk)
{
	char path[300], text[300];

	(void)snprintf(path, sizeof(path), "/sys/devices/%s/%s/partition", disk, name);
	fixture_text(&fx, path, "1\n");
	(void)snprintf(path, sizeof(path), "/sys/devices/%s/uevent", disk);
	(void)snprintf(text, sizeof(text), "MAJOR=252\nDEVNAME=%s\nDEVTYPE=disk\n", disk);
	fixture_text(&fx, path, text);
	(void)snprintf(path, sizeof(path), PATH_SYS_BLOCK "/%s", name);
	(void)snprintf(text, sizeof(text), "../../devices/%s/%s", disk, name);
	FIXTURE_MUST(symlink(text, fixture_path(&fx, path)) == 0);
	(void)snprintf(path, sizeof(path), PATH_DEV "/%s", name);
	fixture_mkdir(&fx, PATH_DEV);
	FIXTURE_MUST(link(fixture_path(&images, image), fixture_path(&fx, path)) == 0);
}

static void begin(void)
{
	fixture_init(&fx);
	fixture_mkdir(&fx, PATH_SYS_BLOCK);
	on_wait = NULL;
	on_look = NULL;
	waits = looks = 0;
}

static void end(void)
{
	device_done(&device);
	fixture_done(&fx);
}

static int find_with(struct uevent *ue, enum device_kind kind, const char *value, uint64_t ms)
{
	struct device_spec spec = { .kind = kind };

	(void)snprintf(spec.value, sizeof(spec.value), "%s", value);
	f = (struct fault){ 0 };
	device_done(&device);
	return device_find(&fx.root, &spec, ue, deadline_in_ms(ms), &device, &f);
}

static int find(enum device_kind kind, const char *value)
{
	return find_with(&no_events, kind, value, 1000);
}

static void test_auto(void)
{
	begin();
	is_int(find(DEVICE_KIND_AUTO, ""), -ETIMEDOUT, "auto: no disk");
	is_int(f.code, EXITCODE_NO_DEVICE, "is no-device");
	is_str(f.why, "no disk with a LUKS header appeared in time; seen: no disk at all",
	       "and says so");
	add_disk("vda", "/ext4");
	add_disk("vdb", "/zero");
	add_other("loop0", "/a");
	is_int(find(DEVICE_KIND_AUTO, ""), -ETIMEDOUT, "auto: no candidate");
	ok(strstr(f.why, "/dev/vda (ext4)") && strstr(f.why, "/dev/vdb (unknown content)") &&
		   !strstr(f.why, "loop0"),
	   "tells the disks that it has seen: %s", f.why);
	is_int(device.fd, -EBADF, "and hands out nothing");
	add_disk("vdc", "/a");
	is_int(find(DEVICE_KIND_AUTO, ""), 0, "auto: one candidate");
	is_str(device.path, "/dev/vdc", "is found");
	is_int(device.size, 2 * 1024 * 1024, "with its size");
	is_int(fcntl(device.fd, F_GETFL) & O_ACCMODE, O_RDONLY, "opened for reading only");
	add_partition("vdb1", "/b", "vdb");
	is_int(find(DEVICE_KIND_AUTO, ""), -ENOTUNIQ, "auto: a disk and a partition");
	is_int(f.code, EXITCODE_AMBIGUOUS_DEVICE, "is ambiguous-device");
	ok(strncmp(f.why, "2 devices match auto: ", 22) == 0 && strstr(f.why, "/dev/vdc") &&
		   strstr(f.why, "/dev/vdb1"),
	   "and names both: %s", f.why);
	is_int(device.fd, -EBADF, "and hands out nothing");
	end();
}

static void test_auto_candidates(void)
{
	static const struct {
		const char *name;
		const char *image;
		bool found;
		const char *what;
	} cases[] = {
		{ "vda", "/a", true, "LUKS2" },
		{ "vda", "/luks1", true, "LUKS1 (it is refused later, with its own reason)" },
		{ "vda", "/both", true, "LUKS2 with the superblock of a file system in the gap" },
		{ "vda", "/ext4", false, "ext4" },
		{ "vda", "/zero", false, "zeros" },
		{ "ram0", "/a", false, "a RAM disk" },
		{ "zram0", "/a", false, "a compressed RAM disk" },
	};
	size_t i;

	for (i = 0; i < ARRAY_SIZE(cases); i++) {
		begin();
		add_disk(cases[i].name, cases[i].image);
		ok((find(DEVICE_KIND_AUTO, "") == 0) == cases[i].found, "auto: %s is %s candidate",
		   cases[i].what, cases[i].found ? "a" : "no");
		end();
	}
	begin();
	add_disk("nvme0n1", "/zero");
	add_partition("nvme0n1p2", "/a", "nvme0n1");
	is_int(find(DEVICE_KIND_AUTO, ""), 0, "auto: a partition is a candidate");
	end();
	begin();
	add_disk("vda", "/a");
	fixture_unlink(&fx, "/dev/vda");
	fixture_text(&fx, "/dev/vda", "");
	is_int(find(DEVICE_KIND_AUTO, ""), -ETIMEDOUT, "auto: a drive without a medium is none");
	fixture_unlink(&fx, "/dev/vda");
	is_int(find(DEVICE_KIND_AUTO, ""), -ETIMEDOUT, "auto: a disk without a node is none");
	fixture_mkdir(&fx, "/dev/vda");
	is_int(find(DEVICE_KIND_AUTO, ""), -ETIMEDOUT, "auto: a directory is none");
	end();
}

static void test_names(void)
{
	begin();
	add_disk("vda", "/a");
	add_disk("vdb", "/b");
	add_disk("vdc", "/ext4");
	add_other("dm-0", "/both");
	ok(find(DEVICE_KIND_UUID, UUID_A) == 0 && strcmp(device.path, "/dev/vda") == 0,
	   "UUID= finds a LUKS2 disk");
	ok(find(DEVICE_KIND_UUID, UUID_EXT4) == 0 && strcmp(device.path, "/dev/vdc") == 0,
	   "UUID= finds another file system (it is refused later)");
	ok(find(DEVICE_KIND_UUID, UUID_B) == -ENOTUNIQ && f.code == EXITCODE_AMBIGUOUS_DEVICE,
	   "UUID= twice is ambiguous, also where one is no disk");
	ok(strstr(f.why, "2 devices match UUID=" UUID_B ": ") && strstr(f.why, "/dev/dm-0"),
	   "and both are named: %s", f.why);
	ok(find(DEVICE_KIND_LABEL, "data") == 0 && strcmp(device.path, "/dev/vda") == 0,
	   "LABEL= finds a LUKS2 disk");
	ok(find(DEVICE_KIND_LABEL, "data4") == 0 && strcmp(device.path, "/dev/vdc") == 0,
	   "LABEL= compares the whole label");
	is_int(find(DEVICE_KIND_LABEL, "dat"), -ETIMEDOUT,
	       "LABEL= with a part of one finds nothing");
	ok(f.code == EXITCODE_NO_DEVICE && strstr(f.why, "LABEL=dat did not appear") &&
		   strstr(f.why, "/dev/vda (crypto_LUKS)"),
	   "and tells what is there: %s", f.why);
	is_int(find(DEVICE_KIND_UUID, "aaaaaaaa"), -ETIMEDOUT, "UUID= with a part finds nothing");
	is_int(find(DEVICE_KIND_LABEL, UUID_A), -ETIMEDOUT, "LABEL= does not look at UUIDs");
	is_int(find(DEVICE_KIND_PARTUUID, UUID_A), -ETIMEDOUT, "PARTUUID= does not, either");
	ok(f.code == EXITCODE_NO_DEVICE && strstr(f.why, "PARTUUID=" UUID_A),
	   "and says what it looked for");
	partitions = details = false;
	is_int(find(DEVICE_KIND_UUID, UUID_A), 0, "UUID= again");
	ok(!partitions, "does not ask for partition tables");
	part_uuid = "01234567-02";
	is_int(find(DEVICE_KIND_PARTUUID, "01234567-0"), -ETIMEDOUT, "PARTUUID= with a part");
	is_int(find(DEVICE_KIND_PARTUUID, "01234567-02"), -ENOTUNIQ, "PARTUUID= of all of them");
	fixture_unlink(&fx, "/dev/vdb");
	fixture_unlink(&fx, "/dev/vdc");
	fixture_unlink(&fx, "/dev/dm-0");
	ok(find(DEVICE_KIND_PARTUUID, "01234567-02") == 0 && strcmp(device.path, "/dev/vda") == 0,
	   "PARTUUID= finds a partition");
	part_uuid = NULL;
	end();
}

/* What cannot be looked at may be one more match; what is not there cannot. */
static void test_unknown(void)
{
	begin();
	add_disk("cciss!c0d0", "/zero");
	fixture_unlink(&fx, "/dev/cciss!c0d0");
	fixture_mkdir(&fx, "/dev/cciss");
	FIXTURE_MUST(link(fixture_path(&images, "/a"), fixture_path(&fx, "/dev/cciss/c0d0")) == 0);
	ok(find(DEVICE_KIND_AUTO, "") == 0 && strcmp(device.path, "/dev/cciss/c0d0") == 0,
	   "sysfs' name cciss!c0d0 is the node /dev/cciss/c0d0");
	add_disk("vda", "/b");
	is_int(find(DEVICE_KIND_AUTO, ""), -ENOTUNIQ, "which counts beside another one");
	fixture_unlink(&fx, "/dev/vda");
	is_int(find(DEVICE_KIND_AUTO, ""), 0, "a disk without a node does not");
	FIXTURE_MUST(symlink("vda", fixture_path(&fx, "/dev/vda")) == 0);
	is_int(find(DEVICE_KIND_AUTO, ""), -ETIMEDOUT,
	       "one that cannot be opened may be the second");
	is_int(f.code, EXITCODE_NO_DEVICE, "is no-device");
	is_str(f.why,
	       "one device matches, but /dev/vda (Too many levels of symbolic links) cannot be "
	       "looked at, so that nobody knows whether it is a LUKS disk, too",
	       "and says so");
	is_int(device.fd, -EBADF, "and hands out nothing");
	is_int(find(DEVICE_KIND_UUID, UUID_A), -ETIMEDOUT, "UUID= the same");
	is_int(find(DEVICE_KIND_UUID, UUID_B), -ETIMEDOUT, "UUID= of none");
	ok(strncmp(f.why, "/dev/vda (Too many", 18) == 0 && strstr(f.why, "is UUID=" UUID_B),
	   "says what may be it: %s", f.why);
	is_int(find(DEVICE_KIND_PATH, "/dev/vda"), -ETIMEDOUT, "a path that cannot be opened");
	is_str(f.why, "the device cannot be opened: /dev/vda (Too many levels of symbolic links)",
	       "is told with the reason");
	ok(geteuid() != 0 ? strcmp(f.next, "run it as root") == 0 :
			    strstr(f.next, "attach a disk there that can be read") != NULL,
	   "... and what to do: %s", f.next);
	add_disk("vdb", "/b");
	is_int(find(DEVICE_KIND_AUTO, ""), -ENOTUNIQ, "two that match are ambiguous in any case");
	end();
}

/* Half of a mirror, made by `put`, whose content begins with the header of the disk /a. */
static void begin_member(int minor)
{
	begin();
	fixture_luks(&fx, "/half", "key", "--label data --uuid " UUID_A);
	if (minor == 90)
		md_put_old(&fx, "/half");
	else
		md_put(&fx, "/half", (unsigned int)minor, "name");
	fixture_mkdir(&fx, PATH_DEV);
	fixture_mkdir(&fx, PATH_SYS_BLOCK "/vda/device");
	fixture_mkdir(&fx, PATH_SYS_BLOCK "/vdb/partition");
	FIXTURE_MUST(link(fixture_path(&fx, "/half"), fixture_path(&fx, PATH_DEV "/vda")) == 0);
	FIXTURE_MUST(link(fixture_path(&fx, "/half"), fixture_path(&fx, PATH_DEV "/vdb")) == 0);
}

static void test_raid(void)
{
	static const int minors[] = { 90, 0, 1, 2 };
	size_t i;

	for (i = 0; i < ARRAY_SIZE(minors); i++) {
		begin_member(minors[i]);
		is_int(find(DEVICE_KIND_AUTO, ""), -ETIMEDOUT, "RAID, metadata %d: auto",
		       minors[i]);
		is_int(find(DEVICE_KIND_UUID, UUID_A), -ETIMEDOUT, "... UUID= of the header");
		is_int(find(DEVICE_KIND_UUID, MD_UUID), -ETIMEDOUT, "... UUID= of the RAID");
		is_int(find(DEVICE_KIND_LABEL, "data"), -ETIMEDOUT, "... LABEL= of the header");
		is_int(find(DEVICE_KIND_LABEL, "name"), -ETIMEDOUT, "... LABEL= of the RAID");
		is_int(f.code, EXITCODE_NO_DEVICE, "... is no-device");
		is_int(find(DEVICE_KIND_PATH, "/dev/vda"), 0, "... a path is taken as it is");
		end();
	}
	begin_member(0);
	(void)find(DEVICE_KIND_AUTO, "");
	ok(strstr(f.why, "/dev/vda") && strstr(f.why, "/dev/vdb") &&
		   strstr(f.why, "belongs to a RAID") && strstr(f.next, "UUID= or LABEL="),
	   "auto: the reason names the parts, the next step what to name: %s; %s", f.why, f.next);
	(void)find(DEVICE_KIND_UUID, UUID_A);
	ok(strstr(f.why, "UUID=" UUID_A " is only on what belongs to a RAID (") &&
		   strstr(f.why, "/dev/vda") && strstr(f.next, "mdraid"),
	   "UUID=: the reason names the parts, the next step what to add: %s; %s", f.why, f.next);
	(void)find(DEVICE_KIND_UUID, UUID_B);
	ok(!strstr(f.why, "belongs to a RAID") && strstr(f.why, "/dev/vda (part of a RAID)"),
	   "UUID= of something else has another reason: %s", f.why);
	add_other("md127", "/a");
	ok(find(DEVICE_KIND_UUID, UUID_A) == 0 && strcmp(device.path, "/dev/md127") == 0,
	   "UUID= finds the RAID");
	ok(find(DEVICE_KIND_LABEL, "data") == 0 && strcmp(device.path, "/dev/md127") == 0,
	   "LABEL= finds the RAID");
	is_int(find(DEVICE_KIND_AUTO, ""), -ETIMEDOUT, "auto still counts no RAID");
	end();
	begin_member(0);
	md_put_old(&fx, "/half");
	is_int(find(DEVICE_KIND_UUID, UUID_A), -ETIMEDOUT, "two superblocks are as good as one");
	end();
	begin_member(0);
	part_uuid = "01234567-02";
	fixture_unlink(&fx, "/dev/vdb");
	is_int(find(DEVICE_KIND_PARTUUID, "01234567-02"), 0, "PARTUUID= means the partition");
	part_uuid = NULL;
	end();
	begin_member(0);
	md_write(fixture_path(&fx, "/half"),
		 2 * 1024 * 1024 - 8192 + offsetof(struct mdp_superblock_1, super_offset), "x", 1);
	fixture_unlink(&fx, "/dev/vdb");
	is_int(find(DEVICE_KIND_UUID, UUID_A), 0, "a superblock of another place is none");
	end();
}

#define TABLE_SECTORS 2048
#define DISK_SECTORS 8192

static void put_mbr(const char *path, uint32_t start, uint32_t sectors)
{
	unsigned char mbr[512] = { 0 };

	mbr[450] = 0x83;
	memcpy(mbr + 454, &start, 4); /* little endian, as this machine */
	memcpy(mbr + 458, &sectors, 4);
	memcpy(mbr + 510, "\x55\xaa", 2);
	md_write(path, 0, mbr, sizeof(mbr));
}

static void put_md(const char *path, int minor)
{
	if (minor == 90)
		md_put_old(&fx, path);
	else
		md_put(&fx, path, (unsigned int)minor, "name");
}

/* vda is half of a mirror, in which there is a partition table: the header is in vda1. */
static void begin_partitioned(int minor)
{
	begin();
	fixture_put(&fx, "/dev/vda", "", 0);
	FIXTURE_MUST(truncate(fixture_path(&fx, "/dev/vda"), 512 * DISK_SECTORS) == 0);
	put_md("/dev/vda", minor);
	put_mbr(fixture_path(&fx, "/dev/vda"), TABLE_SECTORS, 4096);
	fixture_mkdir(&fx, PATH_SYS_BLOCK "/vda/device");
	add_partition("vda1", "/a", "vda");
}

/* vda is no part of anything, but vda2 is, which ends where vda does; the header is in vda1. */
static void begin_beside_member(int minor)
{
	static unsigned char last[512 * (DISK_SECTORS - TABLE_SECTORS)];
	int fd;

	begin_partitioned(minor);
	fixture_put(&fx, "/last", "", 0);
	FIXTURE_MUST(truncate(fixture_path(&fx, "/last"), sizeof(last)) == 0);
	put_md("/last", minor);
	fd = open(fixture_path(&fx, "/last"), O_RDONLY | O_CLOEXEC);
	FIXTURE_MUST(fd >= 0 && pread(fd, last, sizeof(last), 0) == (ssize_t)sizeof(last));
	FIXTURE_MUST(close(fd) == 0);
	md_write(fixture_path(&fx, "/dev/vda"), 512 * TABLE_SECTORS, last, sizeof(last));
	put_mbr(fixture_path(&fx, "/dev/vda"), TABLE_SECTORS, DISK_SECTORS - TABLE_SECTORS);
}

static void test_raid_partitions(void)
{
	static const int minors[] = { 90, 0 };
	size_t i;

	for (i = 0; i < ARRAY_SIZE(minors); i++) {
		begin_partitioned(minors[i]);
		is_int(find(DEVICE_KIND_AUTO, ""), -ETIMEDOUT,
		       "a partition in a RAID, metadata %d: auto", minors[i]);
		ok(strstr(f.why, "belongs to a RAID (/dev/vda1)"), "... says why: %s", f.why);
		is_int(find(DEVICE_KIND_UUID, UUID_A), -ETIMEDOUT, "... UUID= of the header");
		ok(strstr(f.why, "belongs to a RAID (/dev/vda1)"), "... says why: %s", f.why);
		is_int(find(DEVICE_KIND_LABEL, "data"), -ETIMEDOUT, "... LABEL= of the header");
		is_int(find(DEVICE_KIND_PATH, "/dev/vda1"), 0, "... a path is taken as it is");
		add_other("md127", "/zero");
		add_partition("md127p1", "/a", "md127");
		ok(find(DEVICE_KIND_UUID, UUID_A) == 0 && strcmp(device.path, "/dev/md127p1") == 0,
		   "... UUID= finds the partition of the RAID");
		fixture_unlink(&fx, "/dev/vda");
		fixture_unlink(&fx, "/dev/md127");
		fixture_unlink(&fx, "/dev/md127p1");
		part_uuid = "01234567-02";
		is_int(find(DEVICE_KIND_PARTUUID, "01234567-02"), 0, "... so is PARTUUID=");
		part_uuid = NULL;
		end();
		begin_beside_member(minors[i]);
		ok(find(DEVICE_KIND_UUID, UUID_A) == 0 && strcmp(device.path, "/dev/vda1") == 0,
		   "beside a partition at the end that is in one, metadata %d", minors[i]);
		end();
	}
	begin_partitioned(0);
	fixture_unlink(&fx, "/dev/vda");
	is_int(find(DEVICE_KIND_UUID, UUID_A), -ETIMEDOUT, "a disk that cannot be looked at");
	ok(strstr(f.why, "one device matches") || strstr(f.why, "/dev/vda1 (No such file"),
	   "is one that nobody knows: %s", f.why);
	end();
}

static void test_path(void)
{
	char magic[4];

	begin();
	add_disk("vda", "/a");
	fixture_mkdir(&fx, "/dev/disk/by-id");
	FIXTURE_MUST(symlink("../../vda", fixture_path(&fx, "/dev/disk/by-id/x")) == 0);
	ok(find(DEVICE_KIND_PATH, "/dev/vda") == 0 && strcmp(device.path, "/dev/vda") == 0,
	   "a path is taken");
	is_int(device.size, 2 * 1024 * 1024, "with its size");
	ok(pread(device.fd, magic, 4, 0) == 4 && memcmp(magic, "LUKS", 4) == 0, "and can be read");
	ok(find(DEVICE_KIND_PATH, "/dev/disk/by-id/x") == 0 &&
		   strcmp(device.path, "/dev/disk/by-id/x") == 0,
	   "a link is followed");
	is_int(find(DEVICE_KIND_PATH, "/dev/vdb"), -ETIMEDOUT, "a path that is not there");
	is_str(f.why, "the device /dev/vdb did not appear in time", "is no-device, with its name");
	is_int(find(DEVICE_KIND_PATH, "/dev/disk"), -ENOTBLK, "a directory is refused at once");
	is_int(f.code, EXITCODE_NO_DEVICE, "as no-device");
	fx.root.machine = true;
	is_int(find(DEVICE_KIND_PATH, "/dev/vda"), -ENOTBLK, "on a machine so is a file");
	end();
	fixture_init(&fx);
	is_int(find(DEVICE_KIND_AUTO, ""), -ETIMEDOUT,
	       "a machine without block devices has none yet");
	fixture_text(&fx, PATH_SYS_BLOCK, "");
	is_int(find(DEVICE_KIND_AUTO, ""), -ENOTDIR, "a list of devices that cannot be read");
	is_str(f.why, PATH_SYS_BLOCK ": Not a directory", "is no-device, with its name");
	end();
}

static void add_nothing_twice(unsigned int nr)
{
	if (nr == 3)
		add_disk("vda", "/a");
}

static int event, udev_event; /* what is written here is one */

static int event_pair(int *ret_fd)
{
	int fds[2];

	FIXTURE_MUST(socketpair(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, fds) == 0);
	*ret_fd = fds[1];
	return fds[0];
}

static struct uevent some_events(void)
{
	return (struct uevent){
		.kernel = event_pair(&event),
		.udev = event_pair(&udev_event),
		.inotify = -EBADF,
	};
}

static void no_more_events(struct uevent *ue)
{
	uevent_done(ue);
	FIXTURE_MUST(close(event) == 0 && close(udev_event) == 0);
}

static void test_wait(void)
{
	struct uevent ue = some_events();

	begin();
	is_int(find_with(&ue, DEVICE_KIND_AUTO, "", 20), -ETIMEDOUT, "nothing comes in time");
	ok(waits == 1 && last_timeout_ms > 0 && last_timeout_ms <= 20,
	   "it waited for no longer than is left");
	end();
	begin();
	wait_error = EINVAL;
	is_int(find_with(&ue, DEVICE_KIND_AUTO, "", 1000), -EINVAL, "a wait that fails");
	is_int(f.code, EXITCODE_INTERNAL, "is internal");
	wait_error = EINTR;
	ok(find_with(&ue, DEVICE_KIND_AUTO, "", 1000) == -ETIMEDOUT && waits == 3,
	   "one that a signal ends is begun again");
	end();
	begin();
	is_int(find_with(&ue, DEVICE_KIND_AUTO, "", 0), -ETIMEDOUT, "no time at all");
	ok(waits == 0, "is no wait");
	end();
	begin();
	on_wait = add_nothing_twice;
	is_int(find_with(&ue, DEVICE_KIND_AUTO, "", 60000), 0, "a late disk is found");
	is_int(waits, 3, "at the event that brought it");
	end();
	begin();
	on_wait = add_nothing_twice;
	is_int(find_with(&ue, DEVICE_KIND_PATH, "/dev/vda", 60000), 0, "a late path is found");
	end();
	begin();
	on_wait = add_nothing_twice;
	is_int(find_with(&ue, DEVICE_KIND_UUID, UUID_A, 60000), 0, "a late UUID is found");
	end();
	no_more_events(&ue);
}

static void settle_with_second(unsigned int nr)
{
	if (nr == 1)
		add_disk("vdb", "/b");
	else
		fixture_unlink(&fx, PATH_UDEV_QUEUE);
}

static void settle(unsigned int nr)
{
	if (nr == 2)
		fixture_unlink(&fx, PATH_UDEV_QUEUE);
}

/* As on a machine: the first candidate is not taken while udev has events in work. */
static void begin_machine(bool queue)
{
	begin();
	fx.root.machine = true;
	files_are_disks = true;
	add_disk("vda", "/a");
	fixture_text(&fx, PATH_UDEV_CONTROL, "");
	if (queue)
		fixture_text(&fx, PATH_UDEV_QUEUE, "");
}

static void end_machine(void)
{
	files_are_disks = false;
	end();
}

static void test_queue(void)
{
	struct uevent ue = some_events();

	begin_machine(false);
	ok(find_with(&ue, DEVICE_KIND_AUTO, "", 60000) == 0 && waits == 0,
	   "an empty queue: the candidate is taken at once");
	is_int(device.size, 2 * 1024 * 1024, "with the size that the kernel says");
	end_machine();
	begin_machine(false);
	FIXTURE_MUST(write(event, "x", 1) == 1);
	ok(find_with(&ue, DEVICE_KIND_AUTO, "", 60000) == 0 && waits == 0,
	   "an event from before the look is no reason to wait");
	end_machine();
	begin_machine(true);
	on_wait = settle;
	ok(find_with(&ue, DEVICE_KIND_AUTO, "", 60000) == 0 && waits == 2,
	   "udev is at work: the candidate is taken when it has finished");
	end_machine();
	begin_machine(true);
	on_wait = settle_with_second;
	is_int(find_with(&ue, DEVICE_KIND_AUTO, "", 60000), -ENOTUNIQ,
	       "a second candidate that comes meanwhile is counted");
	end_machine();
	begin_machine(true);
	is_int(find_with(&ue, DEVICE_KIND_AUTO, "", 1000), -ETIMEDOUT, "udev never finishes");
	ok(f.code == EXITCODE_NO_DEVICE && strstr(f.why, "/dev/vda is there, but the queue"),
	   "is no-device, and says why: %s", f.why);
	is_int(device.fd, -EBADF, "and hands out nothing");
	end_machine();
	begin_machine(true);
	fixture_unlink(&fx, PATH_UDEV_CONTROL);
	ok(find_with(&ue, DEVICE_KIND_AUTO, "", 1000) == 0 && waits == 0,
	   "without udev nobody waits for it");
	end_machine();
	begin_machine(true);
	ok(find_with(&ue, DEVICE_KIND_PATH, "/dev/vda", 1000) == 0 && waits == 0,
	   "a path does not wait for the others");
	end_machine();
	no_more_events(&ue);
}

static void announce(void)
{
	FIXTURE_MUST(write(event, "x", 1) == 1 || errno == EAGAIN);
}

/* While the first disk is looked at, the kernel announces a second one that matches. */
static void twin_meanwhile(unsigned int nr)
{
	if (nr > 1)
		return;
	add_disk("vdb", "/a");
	announce();
}

/* ... or the one that has matched goes away for a while, as when a partition table is read again. */
static void gone_meanwhile(unsigned int nr)
{
	if (nr > 1)
		return;
	fixture_unlink(&fx, "/dev/vda");
	announce();
}

static void back_again(unsigned int nr)
{
	if (nr == 2)
		FIXTURE_MUST(link(fixture_path(&images, "/a"), fixture_path(&fx, "/dev/vda")) == 0);
}

static void udev_meanwhile(unsigned int nr)
{
	(void)nr;
	FIXTURE_MUST(write(udev_event, "x", 1) == 1 || errno == EAGAIN);
}

static void announce_always(unsigned int nr)
{
	(void)nr;
	announce();
}

/* UUID=, PARTUUID= and LABEL=: what the kernel has announced counts, udev's work does not. */
static void test_named(void)
{
	static const struct {
		enum device_kind kind;
		const char *value;
	} kinds[] = {
		{ DEVICE_KIND_UUID, UUID_A },
		{ DEVICE_KIND_LABEL, "data" },
		{ DEVICE_KIND_PARTUUID, "01234567-02" },
	};
	struct uevent ue = some_events();
	char magic[4];
	size_t i;

	part_uuid = "01234567-02";
	for (i = 0; i < ARRAY_SIZE(kinds); i++) {
		const char *prefix = kinds[i].value;

		begin_machine(true);
		on_look = udev_meanwhile;
		ok(find_with(&ue, kinds[i].kind, kinds[i].value, 2000) == 0 && waits == 0,
		   "%s: is taken while udev is at work", prefix);
		end_machine();
		begin_machine(true);
		add_disk("vdb", "/a");
		ok(find_with(&ue, kinds[i].kind, kinds[i].value, 60000) == -ENOTUNIQ && waits == 0,
		   "%s: two that are there are ambiguous", prefix);
		is_int(f.code, EXITCODE_AMBIGUOUS_DEVICE, "with that code");
		end_machine();
		begin_machine(true);
		on_look = twin_meanwhile;
		ok(find_with(&ue, kinds[i].kind, kinds[i].value, 60000) == -ENOTUNIQ && waits == 1,
		   "%s: a second that is announced during the scan is counted", prefix);
		end_machine();
		begin_machine(false);
		on_look = announce_always;
		is_int(find_with(&ue, kinds[i].kind, kinds[i].value, 50), -ETIMEDOUT,
		       "events without an end: the deadline ends them");
		ok(f.code == EXITCODE_NO_DEVICE && looks > 1 &&
			   strstr(f.why, "/dev/vda is there, but the queue"),
		   "%s: is no-device, and says why: %s", prefix, f.why);
		is_int(device.fd, -EBADF, "and hands out nothing");
		end_machine();
	}
	part_uuid = NULL;
	begin_machine(true);
	on_look = gone_meanwhile;
	on_wait = back_again;
	ok(find_with(&ue, DEVICE_KIND_UUID, UUID_A, 60000) == 0 && waits == 2,
	   "one that goes away during the scan is taken when it is there again");
	end_machine();
	begin_machine(true);
	FIXTURE_MUST(find_with(&ue, DEVICE_KIND_UUID, UUID_A, 60000) == 0);
	fixture_unlink(&fx, "/dev/vda");
	FIXTURE_MUST(link(fixture_path(&images, "/zero"), fixture_path(&fx, "/dev/vda")) == 0);
	ok(pread(device.fd, magic, 4, 0) == 4 && memcmp(magic, "LUKS", 4) == 0,
	   "another disk in its place later is none of ours");
	end_machine();
	begin_machine(true);
	on_wait = settle;
	ok(find_with(&ue, DEVICE_KIND_AUTO, "", 60000) == 0 && waits == 2,
	   "auto waits for udev all the same");
	end_machine();
	no_more_events(&ue);
}

int main(void)
{
	const unsigned int fds = fixture_fds();

	device = DEVICE_NULL;
	make_images();
	test_auto();
	test_auto_candidates();
	test_names();
	test_unknown();
	test_raid();
	test_raid_partitions();
	test_path();
	test_wait();
	test_queue();
	test_named();
	fixture_done(&images);
	is_int(fixture_fds(), fds, "no descriptor is left open");
	return tap_done();
}
