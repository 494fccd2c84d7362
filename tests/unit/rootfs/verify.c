/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * verify.c - what is the root, and what is not: mounts, stacks of devices, btrfs, overlays,
 * live tables, rivals and generations. Devices are files; the kernel's answers to ioctl and
 * statx are fakes.
 * Needs: cryptsetup mke2fs mkswap
 */
#include "rootfs/verify.h"

#include <blkid/blkid.h>
#include <dlfcn.h>
#include <linux/btrfs.h>
#include <linux/dm-ioctl.h>
#include <stdarg.h>
#include <sys/ioctl.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>

#include "base/paths.h"
#include "fixture.h"
#include "md.h"
#include "rootfs/generation.h"
#include "rootfs/rivals.h"

#define UUID_ROOT "eeeeeeee-0000-4000-8000-0000000000e1"
#define UUID_OTHER "eeeeeeee-0000-4000-8000-0000000000e2"
#define UUID_DATA "eeeeeeee-0000-4000-8000-0000000000e3"
#define UUID_SWAP "eeeeeeee-0000-4000-8000-0000000000e4"
#define UUID_THIRD "eeeeeeee-0000-4000-8000-0000000000e5"
#define UUID_LUKS "bbbbbbbb-0000-4000-8000-00000000000b"
#define UUID_PV "abcdef-0123-4567-89AB-CDEF-GHIJ-KLMNOP"
#define FSID "01020304-0506-0708-090a-0b0c0d0e0f10"
#define DM_UUID "CRYPT-LUKS2-aaaaaaaa00004000800000000000000a-root"
#define DATA_DM_UUID "CRYPT-LUKS2-bbbbbbbb00004000800000000000000b-data"
#define PARAMS "aes-xts-plain64 :64:logon:cryptsetup:a-d0 0 252:0 2048"

static struct fixture images, fx;
static struct fault f;
static struct opened_volume volumes[2];
static size_t nr_volumes;

/* What the kernel answers: a btrfs' number of devices (0: it is none), and a live table. */
static uint64_t btrfs_devices;
static struct mapping live;
static int live_error;

int ioctl(int fd, unsigned long request, ...)
{
	struct btrfs_ioctl_fs_info_args *info;
	struct dm_target_spec spec = { 0 };
	struct dm_ioctl *io;
	va_list ap;
	void *arg;
	int i;

	va_start(ap, request);
	arg = va_arg(ap, void *);
	va_end(ap);
	if (request == BTRFS_IOC_FS_INFO && btrfs_devices > 0) {
		info = arg;
		info->num_devices = btrfs_devices;
		for (i = 0; i < 16; i++)
			info->fsid[i] = (uint8_t)(i + 1);
		return 0;
	}
	if (request != DM_TABLE_STATUS)
		return (int)syscall(SYS_ioctl, fd, request, arg);
	io = arg;
	if (live_error || strcmp(io->name, "root") != 0) {
		errno = live_error ? live_error : ENXIO;
		return -1;
	}
	io->dev = makedev(major(live.dev), minor(live.dev));
	io->target_count = live.nr_targets;
	io->flags = (live.read_only ? DM_READONLY_FLAG : 0) |
		    (live.suspended_or_pending ? DM_SUSPEND_FLAG : 0);
	memcpy(io->uuid, live.uuid, sizeof(io->uuid));
	spec.sector_start = live.start;
	spec.length = live.length;
	memcpy(spec.target_type, live.type, sizeof(spec.target_type));
	memcpy((char *)io + io->data_start, &spec, sizeof(spec));
	memcpy((char *)io + io->data_start + sizeof(spec), live.params, sizeof(live.params));
	return 0;
}

static uint64_t mount_id; /* of whatever a path leads to */
static bool tells_mount_id = true;

int statx(int fd, const char *path, int flags, unsigned int mask, struct statx *stx)
{
	(void)fd, (void)path, (void)flags;
	stx->stx_mask = tells_mount_id ? mask : 0;
	stx->stx_mnt_id = mount_id;
	return 0;
}

/* Opening this device fails, and takes a file of sysfs away. */
static const char *broken_node = "", *vanishes;
static int broken_errno;

long syscall(long number, ...)
{
	static long (*next)(long, ...);
	long a[6];
	va_list ap;
	int i;

	va_start(ap, number);
	for (i = 0; i < 6; i++)
		a[i] = va_arg(ap, long);
	va_end(ap);
	if (!next)
		next = (__typeof__(next))dlsym(RTLD_NEXT, "syscall");
	if (number == SYS_openat2 && strcmp((const char *)a[1], broken_node) == 0) {
		if (vanishes)
			fixture_unlink(&fx, vanishes);
		errno = broken_errno;
		return -1;
	}
	return next(number, a[0], a[1], a[2], a[3], a[4], a[5]);
}

/* The partition table's UUID of whatever is probed. */
static const char *part_uuid;

int blkid_probe_lookup_value(blkid_probe pr, const char *name, const char **data, size_t *len)
{
	__typeof__(&blkid_probe_lookup_value) next = dlsym(RTLD_NEXT, "blkid_probe_lookup_value");

	if (!part_uuid || strcmp(name, "PART_ENTRY_UUID") != 0)
		return next(pr, name, data, len);
	*data = part_uuid;
	return 0;
}

static void make_ext4(const char *path, const char *uuid, const char *label)
{
	char cmd[2 * PATH_MAX];

	fixture_put(&images, path, "", 0);
	FIXTURE_MUST(truncate(fixture_path(&images, path), 1024 * 1024) == 0);
	(void)snprintf(cmd, sizeof(cmd),
		       "PATH=$PATH:/usr/sbin:/sbin; mke2fs -q -t ext4 -O ^has_journal -L '%s' -U %s "
		       "'%s' > /dev/null",
		       label, uuid, fixture_path(&images, path));
	FIXTURE_MUST(system(cmd) == 0);
}

static void make_swap(const char *path, const char *uuid, const char *label)
{
	char cmd[2 * PATH_MAX];

	fixture_put(&images, path, "", 0);
	FIXTURE_MUST(truncate(fixture_path(&images, path), 1024 * 1024) == 0);
	(void)snprintf(cmd, sizeof(cmd),
		       "PATH=$PATH:/usr/sbin:/sbin; mkswap -q -L '%s' -U %s '%s' > /dev/null 2>&1",
		       label, uuid, fixture_path(&images, path));
	FIXTURE_MUST(system(cmd) == 0);
}

/* The label of a physical volume: lib/format_text/layout.h of LVM; its checksum is right. */
static void make_pv(const char *path)
{
	static unsigned char disk[64 * 1024];
	unsigned char *label = disk + 512;
	uint32_t crc = 0xf597a6cf;
	size_t i;
	int k;

	memcpy(label, "LABELONE", 8);
	label[8] = 1;	/* the sector that it is in */
	label[20] = 32; /* where its content begins */
	memcpy(label + 24, "LVM2 001", 8);
	for (i = 0, k = 32; UUID_PV[i] != '\0'; i++)
		if (UUID_PV[i] != '-')
			label[k++] = (unsigned char)UUID_PV[i];
	label[64 + 2] = 1; /* 64 KiB */
	for (i = 20; i < 512; i++) {
		crc ^= label[i];
		for (k = 0; k < 8; k++)
			crc = crc & 1 ? crc >> 1 ^ 0xedb88320 : crc >> 1;
	}
	for (i = 0; i < 4; i++)
		label[16 + i] = (unsigned char)(crc >> 8 * i);
	fixture_put(&images, path, disk, sizeof(disk));
	/* libblkid looks for no such label on what could be a floppy disk. */
	FIXTURE_MUST(truncate(fixture_path(&images, path), 2 * 1024 * 1024) == 0);
}

/* As much of the Microsoft FAT specification (FAT12) as libblkid wants to see. */
static void make_vfat(const char *path, const char *label)
{
	static unsigned char disk[64 * 1024];
	static const unsigned char boot[] = {
		0xeb, 0x3c, 0x90, 'm', 'k', 'f', 's',
		'.',  'f',  'a',  't', 0,   2, /* bytes of a sector */
		1,			       /* sectors of a cluster */
		1,    0,		       /* reserved sectors */
		1,			       /* FATs */
		16,   0,		       /* entries of the root directory: one sector */
		128,  0,		       /* sectors */
		0xf8, 1,    0,		       /* medium, sectors of a FAT */
	};

	memset(disk, 0, sizeof(disk));
	memcpy(disk, boot, sizeof(boot));
	disk[38] = 0x29; /* number, label and type follow */
	memcpy(disk + 43, "NO NAME    FAT12   ", 19);
	disk[510] = 0x55;
	disk[511] = 0xaa;
	memcpy(disk + 512, "\xf8\xff\xff", 3);
	memset(disk + 1024, ' ', 11);
	memcpy(disk + 1024, label, strlen(label)); /* the root directory's first entry */
	disk[1024 + 11] = 8;			   /* is the label */
	fixture_put(&images, path, disk, sizeof(disk));
}

static void make_images(void)
{
	static unsigned char disk[64 * 1024];
	unsigned char ext4[1024];
	int fd;

	fixture_init(&images);
	make_ext4("/root", UUID_ROOT, "system");
	make_ext4("/bare", UUID_ROOT, "");
	make_ext4("/same-uuid", UUID_ROOT, "x");
	make_ext4("/same-label", UUID_OTHER, "system");
	make_ext4("/other", UUID_OTHER, "");
	make_ext4("/data", UUID_DATA, "data");
	make_ext4("/data-uuid", UUID_DATA, "");
	make_ext4("/data-label", UUID_THIRD, "data");
	make_swap("/swap", UUID_SWAP, "swap");
	make_swap("/swap-uuid", UUID_SWAP, "");
	make_swap("/swap-label", UUID_THIRD, "swap");
	make_pv("/pv");
	fixture_luks(&images, "/data-luks", "key", "--uuid " UUID_LUKS);
	fixture_put(&images, "/zero", disk, sizeof(disk));
	fixture_luks(&images, "/luks", "key", "--label system2 --uuid " UUID_OTHER);
	fixture_luks(&images, "/named", "key", "--label system --uuid " UUID_OTHER);
	fixture_luks(&images, "/named-uuid", "key", "--label x --uuid " UUID_ROOT);
	fixture_luks(&images, "/half", "key", "--label system --uuid " UUID_OTHER);
	md_put(&images, "/half", 0, "system");
	make_vfat("/esp", "system");
	make_vfat("/efi", "EFI");
	/* A LUKS2 disk with the root's superblock in the padding of its binary header. */
	fd = open(fixture_path(&images, "/root"), O_RDONLY | O_CLOEXEC);
	FIXTURE_MUST(fd >= 0 && pread(fd, ext4, 1024, 1024) == 1024 && close(fd) == 0);
	fd = open(fixture_path(&images, "/luks"), O_RDONLY | O_CLOEXEC);
	FIXTURE_MUST(fd >= 0 && pread(fd, disk, sizeof(disk), 0) == (ssize_t)sizeof(disk));
	FIXTURE_MUST(close(fd) == 0);
	memcpy(disk + 1024, ext4, 1024);
	fixture_put(&images, "/both", disk, sizeof(disk));
}

static void make_link(const char *target, const char *dir, const char *name)
{
	char path[300], parent[300];

	(void)snprintf(path, sizeof(path), "%s/%s", dir, name);
	(void)snprintf(parent, sizeof(parent), "%s", path);
	*strrchr(parent, '/') = '\0';
	fixture_mkdir(&fx, parent);
	FIXTURE_MUST(symlink(target, fixture_path(&fx, path)) == 0);
}

/* A device as sysfs shows it; in "vdb/vdb1" the first is the disk of a partition. */
static void add_device(const char *where, const char *dev, const char *image)
{
	const char *name = strrchr(where, '/') ? strrchr(where, '/') + 1 : where;
	char path[300], text[300], target[300];

	(void)snprintf(path, sizeof(path), "/sys/devices/%s/dev", where);
	(void)snprintf(text, sizeof(text), "%s\n", dev);
	fixture_text(&fx, path, text);
	(void)snprintf(path, sizeof(path), "/sys/devices/%s/uevent", where);
	(void)snprintf(text, sizeof(text), "MAJOR=1\nDEVNAME=%s\nDEVTYPE=disk\n", name);
	fixture_text(&fx, path, text);
	(void)snprintf(path, sizeof(path), "/sys/devices/%s/size", where);
	fixture_text(&fx, path, "2048\n");
	if (name != where) {
		(void)snprintf(path, sizeof(path), "/sys/devices/%s/partition", where);
		fixture_text(&fx, path, "1\n");
	}
	(void)snprintf(target, sizeof(target), "../../devices/%s", where);
	make_link(target, "/sys/dev/block", dev);
	make_link(target, "/sys/class/block", name);
	(void)snprintf(path, sizeof(path), "/dev/%s", name);
	fixture_mkdir(&fx, "/dev");
	if (image)
		FIXTURE_MUST(link(fixture_path(&images, image), fixture_path(&fx, path)) == 0);
}

static void add_slave(const char *name, const char *slave)
{
	char target[300], dir[300];

	(void)snprintf(target, sizeof(target), "../../%s", slave);
	(void)snprintf(dir, sizeof(dir), "/sys/devices/%s/slaves", name);
	make_link(target, dir, strrchr(slave, '/') ? strrchr(slave, '/') + 1 : slave);
}

static void set_mounts(const char *lines)
{
	char text[4096];

	(void)snprintf(text, sizeof(text),
		       "1 1 0:2 / / rw - rootfs rootfs rw\n"
		       "20 1 0:20 / /proc rw,nosuid shared:5 - proc proc rw\n"
		       "21 1 0:21 / /run rw,nosuid shared:6 master:7 - tmpfs tmpfs rw\n%s",
		       lines);
	fixture_text(&fx, PATH_MOUNTINFO, text);
}

#define MOUNT(dev, type) "30 1 " dev " / /sysroot rw,relatime shared:9 - " type " /dev/x rw\n"
#define GOOD MOUNT("253:0", "ext4")

/* vda with the mapping 253:0 above it, which is mounted; vdb is another disk. */
static void begin(void)
{
	fixture_init(&fx);
	add_device("vda", "252:0", "/luks");
	add_device("vdb", "252:16", "/other");
	add_device("dm-0", "253:0", "/root");
	add_slave("dm-0", "vda");
	fixture_mkdir(&fx, "/sysroot");
	set_mounts(GOOD);
	memset(volumes, 0, sizeof(volumes));
	nr_volumes = 1;
	volumes[0] = (struct opened_volume){
		.name = "root",
		.is_root = true,
		.mapping = {
			.dev = makedev(253, 0),
			.uuid = DM_UUID,
			.nr_targets = 1,
			.length = 4096,
			.type = "crypt",
			.params = PARAMS,
		},
	};
	live = volumes[0].mapping;
	live_error = 0;
	btrfs_devices = 0;
	broken_node = "";
}

static int verify(void)
{
	f = (struct fault){ 0 };
	return verify_root(&fx.root, PATH_SYSROOT, volumes, nr_volumes, &f);
}

static void good(const char *what)
{
	int r = verify();

	if (!ok(r == 0 && f.code == EXITCODE_OK, "accepted: %s", what))
		printf("# %d: %s\n", r, f.why);
	fixture_done(&fx);
}

static void refused_as(enum exitcode code, const char *what, const char *reason, const char *next)
{
	int r = verify();

	if (!ok(r < 0 && f.code == code && strstr(f.why, reason) && strstr(fault_next(&f), next),
		"refused: %s", what))
		printf("# %d, code %d: %s; %s\n", r, f.code, f.why, fault_next(&f));
	fixture_done(&fx);
}

/* With a part of the reason, and one of the next step. */
static void advised(const char *what, const char *reason, const char *next)
{
	refused_as(EXITCODE_ROOT_CONFUSION, what, reason, next);
}

static void refused(const char *what, const char *reason)
{
	advised(what, reason, "");
}

static void test_mounts(void)
{
	static const struct {
		const char *lines;
		const char *reason; /* NULL: accepted */
		const char *what;
	} cases[] = {
		{ GOOD, NULL, "ext4 on the mapping" },
		{ MOUNT("253:0", "xfs"), NULL, "xfs on the mapping" },
		{ MOUNT("252:16", "ext4") GOOD, NULL, "what the root covers does not count" },
		{ "", "nothing is mounted on /sysroot", "no root at all" },
		{ MOUNT("0:40", "tmpfs"), "tmpfs on /sysroot (device 0:40) is of a kind", "tmpfs" },
		{ MOUNT("0:40", "nfs4"), "nfs4 on /sysroot", "nfs" },
		{ MOUNT("0:40", "9p"), "9p on /sysroot", "9p" },
		{ MOUNT("0:40", "virtiofs"), "virtiofs on /sysroot", "virtiofs" },
		{ MOUNT("253:0", "bcachefs"), "bcachefs on /sysroot", "bcachefs" },
		{ MOUNT("252:16", "ext4"), "uses device 252:16, which is not on a volume",
		  "a disk" },
		{ MOUNT("252:0", "ext4"), "252:0, which is not", "the disk below the mapping" },
		{ MOUNT("253:9", "ext4"), "253:9, which is not", "a device that nobody knows" },
		{ GOOD MOUNT("0:40", "tmpfs"), "tmpfs on /sysroot", "the topmost mount counts" },
		{ GOOD "31 30 252:16 / /sysroot/usr rw - ext4 /dev/vdb rw\n",
		  "ext4 on /sysroot/usr uses device 252:16", "a foreign /usr" },
		{ GOOD "31 30 0:40 / /sysroot/var rw - tmpfs tmpfs rw\n", "tmpfs on /sysroot/var",
		  "a tmpfs below the root" },
		{ GOOD "31 30 0:40 / /sysroot/a\\040b rw - nfs h:/ rw\n", "nfs on /sysroot/a b",
		  "a foreign mount with a space in its path" },
		{ GOOD "31 30 253:0 /x /sysroot/usr rw - ext4 /dev/dm-0 rw\n", NULL,
		  "a part of the root below it" },
		{ GOOD "31 1 252:16 / /sysroot2 rw - ext4 /dev/vdb rw\n"
		       "32 1 252:16 / /x/sysroot rw - ext4 /dev/vdb rw\n",
		  NULL, "mounts elsewhere" },
		{ GOOD "31 1 252:16 / /sysroot\\040x rw - ext4 /dev/vdb rw\n", NULL,
		  "a name that only begins like the root" },
		{ MOUNT("253", "ext4"), "mountinfo cannot be read", "a line without a number" },
		{ GOOD "31 30\n", "mountinfo cannot be read", "a line that is cut" },
		{ GOOD "31 30 253:0 / /x rw shared:1\n", "mountinfo cannot be read", "no type" },
	};
	size_t i;

	for (i = 0; i < ARRAY_SIZE(cases); i++) {
		begin();
		set_mounts(cases[i].lines);
		if (cases[i].reason)
			refused(cases[i].what, cases[i].reason);
		else
			good(cases[i].what);
	}
	begin();
	fixture_unlink(&fx, PATH_MOUNTINFO);
	refused("no list of mounts", "mountinfo cannot be read");
}

/* The mount that the list shows must be the one that the path reaches. */
static void test_reached(void)
{
	struct ground g;

	begin();
	fx.root.machine = true;
	f = (struct fault){ 0 };
	mount_id = 30;
	is_int(verify_mount(&fx.root, "/sysroot", volumes, 1, &g, &f), 0, "the path leads to it");
	ok(g.volumes == 1 && g.nr_devices == 1 && g.devices[0] == makedev(253, 0),
	   "and it is told what that is on");
	mount_id = 31;
	ok(verify_mount(&fx.root, "/sysroot", volumes, 1, &g, &f) < 0 &&
		   strstr(f.why, "is not what the path leads to"),
	   "refused: the path leads to another mount");
	f = (struct fault){ 0 };
	tells_mount_id = false;
	is_int(verify_mount(&fx.root, "/sysroot", volumes, 1, &g, &f), 0,
	       "a kernel before 5.8 does not tell");
	tells_mount_id = true;
	fixture_done(&fx);
}

static void test_stacks(void)
{
	static const char *const more[] = { "a", "b", "c", "d", "e", "w", "x", "y", "z" };
	size_t i;

	begin();
	add_device("dm-1", "253:1", "/root");
	add_slave("dm-1", "dm-0");
	set_mounts(MOUNT("253:1", "ext4"));
	good("a logical volume on the mapping");
	begin();
	add_device("md0", "9:0", "/zero");
	add_slave("md0", "dm-0");
	add_device("md0/md0p1", "259:1", "/root");
	set_mounts(MOUNT("259:1", "ext4"));
	good("a partition on a RAID on the mapping");
	begin();
	add_device("dm-1", "253:1", "/root");
	for (i = 0; i < ARRAY_SIZE(more); i++) { /* whichever comes last */
		make_link("../../dm-0", "/sys/devices/dm-1/slaves", more[i]);
		if (i == 4)
			add_slave("dm-1", "vdb");
	}
	set_mounts(MOUNT("253:1", "ext4"));
	refused("a logical volume that is partly on a plain disk",
		"uses device 253:1, which is not");
	begin();
	add_device("dm-1", "253:1", "/root");
	fixture_mkdir(&fx, "/sys/devices/dm-1/slaves");
	set_mounts(MOUNT("253:1", "ext4"));
	refused("a device that is made of nothing", "uses device 253:1, which is not");
	begin();
	add_device("vdb/vdb1", "252:17", "/root");
	set_mounts(MOUNT("252:17", "ext4"));
	refused("a partition of a plain disk", "uses device 252:17, which is not");
	begin();
	add_device("dm-1", "253:1", "/root");
	add_slave("dm-1", "dm-1");
	set_mounts(MOUNT("253:1", "ext4"));
	refused("a stack without an end", "cannot find out what device 253:1 is made of");
	begin();
	add_device("dm-1", "253:1", "/root");
	add_slave("dm-1", "dm-0");
	fixture_text(&fx, "/sys/devices/dm-0/dev", "x\n");
	set_mounts(MOUNT("253:1", "ext4"));
	refused("a slave without a number", "cannot find out what device 253:1 is made of");
}

static void add_btrfs(const char *name)
{
	char target[300];

	(void)snprintf(target, sizeof(target), "../../../../devices/%s", name);
	make_link(target, "/sys/fs/btrfs/" FSID "/devices", name);
}

static void test_btrfs(void)
{
	begin();
	set_mounts(MOUNT("0:40", "btrfs"));
	add_btrfs("dm-0");
	btrfs_devices = 1;
	good("btrfs on the mapping");
	begin();
	set_mounts(MOUNT("0:40", "btrfs"));
	add_btrfs("dm-0");
	add_btrfs("vdb");
	btrfs_devices = 2;
	refused("btrfs with a foreign device",
		"btrfs on /sysroot uses device 252:16, which is not");
	begin();
	set_mounts(MOUNT("0:40", "btrfs"));
	add_btrfs("dm-0");
	add_btrfs("vdb");
	fixture_unlink(&fx, "/sys/devices/vdb/dev");
	btrfs_devices = 2;
	refused("btrfs with a device that has no number", "has a device without a number");
	begin();
	set_mounts(MOUNT("0:40", "btrfs"));
	add_btrfs("dm-0");
	btrfs_devices = 2;
	refused("btrfs that lacks a device", "lacks one of its devices");
	begin();
	set_mounts(MOUNT("0:40", "btrfs"));
	fixture_mkdir(&fx, "/sys/fs/btrfs/" FSID "/devices");
	btrfs_devices = 1;
	refused("btrfs without a device", "lacks one of its devices");
	begin();
	set_mounts(MOUNT("0:40", "btrfs"));
	btrfs_devices = 1;
	refused("btrfs that sysfs does not know", "has no list of devices");
	begin();
	set_mounts(MOUNT("0:40", "btrfs"));
	add_btrfs("dm-0");
	refused("what is called btrfs and is none", "does not name its devices");
	begin();
	set_mounts(MOUNT("253:0", "btrfs"));
	refused("btrfs is not believed its one number", "does not name its devices");
}

#define OVERLAY(options) "40 30 0:50 / /sysroot rw - overlay overlay rw," options "\n"

static void test_overlay(void)
{
	/* clang-format off */
	static const struct {
		const char *lines;
		const char *reason;
		const char *what;
	} cases[] = {
		{ GOOD OVERLAY("lowerdir=/sysroot,upperdir=/run/u,workdir=/run/w"), NULL,
		  "overlay over the root, written to memory" },
		{ GOOD OVERLAY("lowerdir=/sysroot/a:/sysroot/b"), NULL, "two layers of the root" },
		{ GOOD OVERLAY("lowerdir+=/sysroot/a,lowerdir+=/sysroot/b,datadir+=/sysroot/c"), NULL,
		  "the newer form of layers" },
		{ GOOD OVERLAY("lowerdir=/sysroot/a\\040b"), NULL, "a layer with a space" },
		{ GOOD OVERLAY("upperdir=/run/u,workdir=/run/w"), "does not name its layers",
		  "overlay without a lower layer" },
		{ GOOD OVERLAY("lowerdir=/sysroot:/run/x"), "tmpfs on /run", "a lower layer in memory" },
		{ GOOD OVERLAY("lowerdir+=/sysroot,lowerdir+=/run/x"), "tmpfs on /run",
		  "the same, in the newer form" },
		{ GOOD OVERLAY("lowerdir=/sysroot,datadir+=/run/x"), "tmpfs on /run", "data in memory" },
		{ GOOD "31 1 252:16 / /mnt rw - ext4 x rw\n" OVERLAY("lowerdir=/mnt/a:/sysroot"),
		  "ext4 on /mnt uses device 252:16", "a lower layer on a plain disk" },
		{ GOOD "31 1 252:16 / /mnt rw - ext4 x rw\n"
		  OVERLAY("lowerdir=/sysroot,upperdir=/mnt/u,workdir=/run/w"),
		  "ext4 on /mnt uses device 252:16", "an upper layer on a plain disk" },
		{ GOOD "31 1 252:16 / /mnt rw - ext4 x rw\n"
		  OVERLAY("lowerdir=/sysroot,upperdir=/run/u,workdir=/mnt/w"),
		  "ext4 on /mnt uses device 252:16", "a work directory on a plain disk" },
		{ OVERLAY("lowerdir=/sysroot"), "rootfs on /", "a lower layer in the initramfs" },
		{ GOOD OVERLAY("lowerdir=sysroot"), "path cannot be followed", "a relative path" },
		{ GOOD OVERLAY("lowerdir=/sysroot/../mnt"), "path cannot be followed", "a path up" },
		{ GOOD OVERLAY("lowerdir=/sysroot/a\\134b"), "path cannot be followed",
		  "a path that quotes something" },
		{ "28 1 253:0 / /base rw - ext4 x rw\n"
		  "35 1 0:49 / /o rw - overlay o rw,lowerdir=/base/a\n" OVERLAY("lowerdir=/o"), NULL,
		  "an overlay of an overlay of the root" },
	};
	/* clang-format on */
	size_t i;

	for (i = 0; i < ARRAY_SIZE(cases); i++) {
		begin();
		set_mounts(cases[i].lines);
		if (cases[i].reason)
			refused(cases[i].what, cases[i].reason);
		else
			good(cases[i].what);
	}
	begin();
	set_mounts("30 1 0:50 / /sysroot rw - overlay o rw,lowerdir=/a\n"
		   "31 1 0:51 / /a rw - overlay o rw,lowerdir=/b\n"
		   "32 1 0:52 / /b rw - overlay o rw,lowerdir=/a\n");
	refused("overlays in a circle", "is an overlay of overlays");
}

static int tables(void)
{
	f = (struct fault){ 0 };
	return verify_tables(&fx.root, volumes, nr_volumes, &f);
}

static void test_tables(void)
{
	int i;

	begin();
	fixture_text(&fx, PATH_DM_CONTROL, "");
	is_int(tables(), 0, "the live table is the recorded one");
	for (i = 0; i < 9; i++) {
		live = volumes[0].mapping;
		switch (i) {
		case 0:
			live.dev = makedev(253, 1);
			break;
		case 1:
			live.uuid[5]++;
			break;
		case 2:
			live.nr_targets = 2;
			break;
		case 3:
			live.start = 8;
			break;
		case 4:
			live.length--;
			break;
		case 5:
			memcpy(live.type, "linear", 7);
			break;
		case 6:
			live.params[0]++;
			break;
		case 7:
			live.read_only = true;
			break;
		case 8:
			live.suspended_or_pending = true;
			break;
		}
		ok(tables() < 0 && f.code == EXITCODE_ROOT_CONFUSION &&
			   strstr(f.why, "the mapping 'root' is not the one that was opened"),
		   "refused: field %d of the live table differs", i);
	}
	live = volumes[0].mapping;
	live_error = ENXIO;
	ok(tables() < 0 && strstr(f.why, "the mapping 'root' cannot be read: No such device"),
	   "refused: the mapping is gone");
	live_error = 0;
	nr_volumes = 2;
	volumes[1] = volumes[0];
	memcpy(volumes[1].name, "data", 5);
	ok(tables() < 0 && strstr(f.why, "the mapping 'data' cannot be read"),
	   "every volume is looked at");
	fx.root.machine = true;
	ok(verify() < 0 && strstr(f.why, "the mapping 'data'"),
	   "and on a machine that comes first");
	fixture_done(&fx);
}

static void test_rivals(void)
{
	char name[16], dev[16];
	int i;

	begin();
	add_device("vdc", "252:32", "/same-uuid");
	refused("another disk with the root's UUID",
		"/dev/vdc claims the UUID " UUID_ROOT " of /dev/dm-0");
	begin();
	add_device("vdc", "252:32", "/same-label");
	refused("another disk with the root's label",
		"/dev/vdc claims the label 'system' of /dev/dm-0");
	begin();
	add_device("vdc/vdc1", "252:33", "/same-uuid");
	add_device("vdc", "252:32", "/zero");
	refused("a partition with it", "/dev/vdc1 claims the UUID");
	begin();
	add_device("vdc", "252:32", "/both");
	refused("a LUKS disk with the root's superblock in a gap", "/dev/vdc claims the UUID");
	begin();
	add_device("bcache0", "251:0", "/same-uuid");
	refused("a device of any other kind with it", "/dev/bcache0 claims the UUID");
	begin();
	fixture_unlink(&fx, "/dev/dm-0");
	FIXTURE_MUST(link(fixture_path(&images, "/bare"), fixture_path(&fx, "/dev/dm-0")) == 0);
	good("two file systems without a label are not alike");
	begin();
	add_device("dm-1", "253:1", "/same-uuid");
	add_slave("dm-1", "dm-0");
	good("what lies on the mapping is no rival");
	begin();
	add_device("ram0", "1:0", "/same-uuid");
	add_device("zram0", "254:0", "/same-uuid");
	good("nor is a RAM disk");
	begin();
	add_device("loop0", "7:0", NULL);
	fixture_text(&fx, "/sys/devices/loop0/size", "0\n");
	good("nor is a device without a size");
	begin();
	add_device("vdc", "252:32", "/same-uuid");
	fixture_unlink(&fx, "/sys/devices/vdc/dev");
	good("nor is one that has no number (any more)");
	begin();
	add_device("sr0", "11:0", "/zero");
	broken_node = "/dev/sr0";
	broken_errno = ENOMEDIUM;
	good("nor is a drive without a medium");
	begin();
	add_device("sr0", "11:0", "/zero");
	broken_node = "/dev/sr0";
	broken_errno = EIO;
	refused("a device that cannot be opened", "/dev/sr0 cannot be read, so that it may claim");
	begin();
	add_device("fd0", "2:0", "/zero");
	broken_node = "/dev/fd0";
	broken_errno = ENXIO;
	good("a floppy drive has another word for that");
	begin();
	add_device("sdb", "8:16", "/zero");
	broken_node = "/dev/sdb";
	broken_errno = ENOENT;
	vanishes = "/sys/devices/sdb/dev";
	good("a disk that goes away while it is opened is no rival");
	vanishes = NULL;
	begin();
	add_device("sdb", "8:16", "/zero");
	broken_node = "/dev/sdb";
	broken_errno = ENXIO;
	refused("a disk that uses it", "/dev/sdb cannot be read, so that it may claim");
	begin();
	for (i = 0; i < 70; i++) {
		(void)snprintf(name, sizeof(name), "sd%d", i);
		(void)snprintf(dev, sizeof(dev), "8:%d", 16 * i);
		add_device(name, dev, "/other");
	}
	good("70 other disks are not too many");
	begin();
	add_device("dm-1", "253:1", "/other");
	add_slave("dm-1", "dm-1");
	refused("a device whose stack has no end", "cannot find out what /dev/dm-1 is made of");
	begin();
	add_device("vdc", "252:32", NULL);
	advised("a device without a node", "/dev/vdc cannot be read", "detach this device");
	begin();
	add_device("vdc", "252:32", NULL);
	fixture_mkdir(&fx, "/dev/vdc");
	refused("a device that cannot be probed", "/dev/vdc cannot be read");
	begin();
	fixture_unlink(&fx, "/dev/dm-0");
	refused("a mapping that cannot be opened",
		"/dev/dm-0 cannot be read, so that nobody knows");
	begin();
	fixture_unlink(&fx, "/sys/class/block/dm-0");
	refused("a mapping that is in no list", "has no device of the volume 'root'");
	begin();
	fixture_text(&fx, "/sys/devices/dm-0/size", "0\n");
	refused("a mapping without a size", "has no device of the volume 'root'");
	begin();
	FIXTURE_MUST(rename(fixture_path(&fx, "/sys/class/block"), fixture_path(&fx, "/away")) ==
		     0);
	refused("no list of devices", "/sys/class/block cannot be read");
	begin();
	fx.root.machine = true;
	f = (struct fault){ 0 };
	ok(rivals_refuse(&fx.root, volumes, 1, &f) < 0 && strstr(f.why, "Block device required"),
	   "refused: on a machine a file is no device");
	fixture_done(&fx);
}

/* The root's device is made of vda, which has this image now. */
static void begin_below(const char *image)
{
	begin();
	fixture_unlink(&fx, "/dev/vda");
	FIXTURE_MUST(link(fixture_path(&images, image), fixture_path(&fx, "/dev/vda")) == 0);
}

/* Tools give a container the name of what is in it. Nobody can mount it, where it is ours. */
static void test_containers(void)
{
	begin_below("/named");
	good("the volume's own LUKS header has the root's label");
	begin_below("/named-uuid");
	good("... or its UUID");
	begin_below("/half");
	good("so has the RAID that it is half of");
	begin();
	add_device("vdc", "252:32", "/named");
	refused("a LUKS header elsewhere with the root's label",
		"/dev/vdc claims the label 'system' of /dev/dm-0");
	begin();
	add_device("vdc", "252:32", "/half");
	refused("part of a RAID elsewhere with it", "/dev/vdc claims the label 'system'");
	begin_below("/both");
	refused("a file system beside the LUKS header, on the volume's own disk",
		"/dev/vda claims the UUID " UUID_ROOT " of /dev/dm-0");
	begin_below("/same-label");
	advised("a file system in its place", "/dev/vda claims the label 'system' of /dev/dm-0",
		"detach it; if it is yours, give it another label: e2label '/dev/vda' EFI");
	begin_below("/swap");
	fixture_unlink(&fx, "/dev/dm-0");
	FIXTURE_MUST(link(fixture_path(&images, "/swap"), fixture_path(&fx, "/dev/dm-0")) == 0);
	refused("a swap area in its place", "/dev/vda claims the UUID " UUID_SWAP);
	begin_below("/pv");
	good("the part of LVM that it lies on");
	begin_below("/pv");
	fixture_unlink(&fx, "/dev/dm-0");
	FIXTURE_MUST(link(fixture_path(&images, "/pv"), fixture_path(&fx, "/dev/dm-0")) == 0);
	refused("a part of LVM below one with its UUID", "/dev/vda claims the UUID " UUID_PV);
	begin();
	add_device("vda/vda1", "252:1", "/esp");
	advised("an ESP with the root's label", "/dev/vda1 claims the label 'system' of /dev/dm-0",
		"detach it; if it is yours, give it another label: fatlabel '/dev/vda1' EFI");
	begin();
	add_device("cciss!c0d0p1", "252:1", NULL);
	FIXTURE_MUST(mkdir(fixture_path(&fx, "/dev/cciss"), 0755) == 0);
	FIXTURE_MUST(link(fixture_path(&images, "/esp"), fixture_path(&fx, "/dev/cciss/c0d0p1")) ==
		     0);
	advised("one whose name has a slash", "", "fatlabel '/dev/cciss/c0d0p1' EFI");
	begin();
	fixture_unlink(&fx, "/dev/dm-0");
	make_ext4("/root-efi", UUID_ROOT, "EFI");
	FIXTURE_MUST(link(fixture_path(&images, "/root-efi"), fixture_path(&fx, "/dev/dm-0")) == 0);
	add_device("vda/vda1", "252:1", "/efi");
	advised("an ESP and a root called EFI", "", "fatlabel '/dev/vda1' ESP");
}

/* Two volumes: root on dm-0, data on dm-5, which the host's disks claim to be. */
static void begin_data(const char *image)
{
	begin();
	nr_volumes = 2;
	volumes[1] = volumes[0];
	volumes[1].mapping.dev = makedev(253, 5);
	memcpy(volumes[1].name, "data", 5);
	memcpy(volumes[1].mapping.uuid, DATA_DM_UUID, sizeof(DATA_DM_UUID));
	add_device("vde", "252:64", "/zero");
	add_device("dm-5", "253:5", image);
	add_slave("dm-5", "vde");
}

/* Not only the root has names: every volume, and what lies above it. */
static void test_twins(void)
{
	begin_data("/data");
	add_device("vdc", "252:32", "/zero");
	good("two volumes and other disks");
	begin_data("/data");
	add_device("vdc", "252:32", "/data-uuid");
	refused("a disk with the UUID of another volume",
		"/dev/vdc claims the UUID " UUID_DATA " of /dev/dm-5");
	begin_data("/data");
	add_device("vdc/vdc1", "252:33", "/data-label");
	add_device("vdc", "252:32", "/zero");
	refused("a partition with the label of another volume",
		"/dev/vdc1 claims the label 'data' of /dev/dm-5");
	begin_data("/data");
	add_device("dm-6", "253:6", "/data-label");
	add_slave("dm-6", "dm-0");
	good("what lies on one volume may be called like what lies on another");
	begin_data("/swap");
	add_device("vdc", "252:32", "/swap-uuid");
	refused("a swap area with the UUID of a volume's",
		"/dev/vdc claims the UUID " UUID_SWAP " of /dev/dm-5");
	begin_data("/swap");
	add_device("vdc", "252:32", "/swap-label");
	refused("a swap area with the label of a volume's",
		"/dev/vdc claims the label 'swap' of /dev/dm-5");
	begin_data("/zero");
	add_device("dm-6", "253:6", "/swap");
	add_slave("dm-6", "dm-5");
	add_device("vdc", "252:32", "/swap-uuid");
	refused("a swap area with the UUID of a logical volume's",
		"/dev/vdc claims the UUID " UUID_SWAP " of /dev/dm-6");
	begin_data("/pv");
	add_device("vdc", "252:32", "/pv");
	refused("a disk with the UUID of a volume that belongs to LVM",
		"/dev/vdc claims the UUID " UUID_PV);
	begin_data("/data");
	add_device("vdc", "252:32", "/data-luks");
	refused("a disk with the UUID of a volume's LUKS header",
		"/dev/vdc claims the UUID " UUID_LUKS " of a volume's LUKS header");
	begin_data("/data");
	fixture_unlink(&fx, "/dev/vde");
	FIXTURE_MUST(link(fixture_path(&images, "/data-luks"), fixture_path(&fx, "/dev/vde")) == 0);
	good("the volume's own disk has it, too");
	begin_data("/data");
	add_device("sda", "8:0", "/data-luks");
	add_device("sdb", "8:16", "/data-luks");
	add_device("dm-7", "253:7", "/data-luks");
	add_slave("dm-7", "sda");
	add_slave("dm-7", "sdb");
	add_slave("dm-5", "dm-7");
	good("so have all paths of a multipath disk below it");
	begin_data("/data");
	fixture_unlink(&fx, "/dev/dm-5");
	refused("a volume besides the root that cannot be read",
		"/dev/dm-5 cannot be read, so that nobody");
}

static void add_dm(const char *kernel, const char *dev, const char *name, const char *slave)
{
	char path[300], text[300];

	add_device(kernel, dev, "/zero");
	(void)snprintf(path, sizeof(path), "/sys/devices/%s/dm/name", kernel);
	(void)snprintf(text, sizeof(text), "%s\n", name);
	fixture_text(&fx, path, text);
	if (slave)
		add_slave(kernel, slave);
}

static void add_md(const char *name, const char *dev, const char *slave)
{
	char path[300];

	add_device(name, dev, "/zero");
	(void)snprintf(path, sizeof(path), "/sys/devices/%s/md", name);
	fixture_mkdir(&fx, path);
	if (slave)
		add_slave(name, slave);
}

static void test_strangers(void)
{
	begin();
	add_dm("dm-1", "253:1", "debian--vg-swap_1", "vdb");
	refused("a logical volume of another disk",
		"the device-mapper device 'debian--vg-swap_1' (/dev/dm-1) is no part of a volume");
	begin();
	add_dm("dm-1", "253:1", "debian--vg-swap_1", "dm-0");
	good("one of a volume");
	begin();
	add_dm("dm-1", "253:1", "debian--vg-swap_1", "dm-0");
	add_slave("dm-1", "vdb");
	refused("one that is partly on another disk", "device 'debian--vg-swap_1'");
	begin();
	add_dm("dm-1", "253:1", "debian--vg-swap_1", "vda");
	refused("one beside the volume, on the same disk", "device 'debian--vg-swap_1'");
	begin();
	add_device("vdb/vdb1", "252:17", "/zero");
	add_dm("dm-1", "253:1", "debian--vg-var", "vdb/vdb1");
	refused("one on a partition", "device 'debian--vg-var'");
	begin();
	add_dm("dm-1", "253:1", "zero", NULL);
	refused("a mapping that is made of nothing", "device 'zero'");
	begin();
	add_device("dm-1", "253:1", "/zero");
	refused("a mapping whose name cannot be read",
		"the device-mapper device 'dm-1' (/dev/dm-1)");
	begin();
	add_dm("dm-1", "253:1", "a\"b\033[2J", NULL);
	refused("a name is shown without its bytes", "device 'a'b?[2J'");
	begin();
	add_dm("dm-1", "253:1", "new", NULL);
	fixture_text(&fx, "/sys/devices/dm-1/size", "0\n");
	good("a mapping without a table is nothing yet");
	begin();
	add_dm("dm-1", "253:1", "new", "vdb");
	fixture_text(&fx, "/sys/devices/dm-1/size", "0\n");
	refused("one whose table only waits to become active", "device 'new'");
	begin();
	add_dm("dm-1", "253:1", "gone", "vdb");
	fixture_unlink(&fx, "/sys/devices/dm-1/dev");
	good("a mapping that is gone again");
	begin();
	add_md("md127", "9:127", "vdb");
	refused("a RAID of another disk",
		"the md device 'md127' (/dev/md127) is no part of a volume");
	begin();
	add_md("md127", "9:127", "vdb");
	fixture_text(&fx, "/sys/devices/md127/size", "0\n");
	refused("one that is not started yet", "the md device 'md127'");
	begin();
	add_md("md_data", "9:127", "vdb");
	refused("one with a name of its own", "the md device 'md_data'");
	begin();
	add_md("md0", "9:0", NULL);
	fixture_text(&fx, "/sys/devices/md0/size", "0\n");
	good("a RAID without a member and a size is nothing yet");
	begin();
	add_md("md0", "9:0", "dm-0");
	good("a RAID on the volume");
	begin();
	add_device("bcache0", "251:0", "/zero");
	add_slave("bcache0", "vdb");
	refused("whatever else is made of another disk",
		"the stacked device 'bcache0' (/dev/bcache0)");
}

/* What a volume's disk may be. */
static void test_below(void)
{
	begin();
	add_md("md0", "9:0", "vdb");
	add_slave("dm-0", "md0");
	good("LUKS on a RAID");
	begin();
	add_md("md0", "9:0", "vdb");
	add_device("md0/md0p2", "259:2", "/zero");
	add_device("md0/md0p1", "259:1", "/zero");
	add_slave("dm-0", "md0/md0p2");
	good("LUKS on a partition of a RAID");
	begin();
	add_dm("dm-1", "253:1", "vg-crypt", "vdb");
	add_slave("dm-0", "dm-1");
	good("LUKS on LVM");
	begin();
	add_dm("dm-1", "253:1", "vg-crypt_rimage_0", "vdb");
	add_dm("dm-2", "253:2", "vg-crypt", "dm-1");
	add_slave("dm-0", "dm-2");
	good("LUKS on LVM of several levels");
	begin();
	add_dm("dm-1", "253:1", "vg-crypt", "vdb");
	add_dm("dm-2", "253:2", "vg-swap", "vdb");
	add_slave("dm-0", "dm-1");
	refused("another logical volume beside LUKS on LVM", "device 'vg-swap'");
	begin();
	add_dm("dm-1", "253:1", "mpatha", "vdb");
	add_slave("dm-0", "dm-1");
	good("LUKS on multipath");
}

static void begin_multipath(const char *uuid, const char *slave)
{
	begin();
	add_dm("dm-1", "253:1", "mpatha", "vdb");
	fixture_text(&fx, "/sys/devices/dm-1/dm/uuid", "mpath-0x1\n");
	add_dm("dm-3", "253:3", "mpatha-part2", "dm-1");
	fixture_text(&fx, "/sys/devices/dm-3/dm/uuid", "part2-mpath-0x1\n");
	add_slave("dm-0", "dm-3");
	add_dm("dm-2", "253:2", "mpatha-part1", slave);
	fixture_text(&fx, "/sys/devices/dm-2/dm/uuid", uuid);
}

static void test_multipath(void)
{
	static const char *const others[] = {
		"LVM-x\n",     "part-mpath-0x1\n", "part1-mpath-0x2\n",
		"part1-0x1\n", "1-mpath-0x1\n",	   "part1mpath-0x1\n",
		"\n"
	};
	size_t i;

	begin_multipath("part1-mpath-0x1\n", "dm-1");
	good("the other partitions of a multipath disk with LUKS on one of them");
	for (i = 0; i < ARRAY_SIZE(others); i++) {
		begin_multipath(others[i], "dm-1");
		refused("what kpartx has not made of it", "device 'mpatha-part1'");
	}
	begin_multipath("part1-mpath-0x1\n", "vdb");
	refused("what lies beside the multipath device", "device 'mpatha-part1'");
	begin_multipath("part1-mpath-0x1\n", "dm-1");
	add_slave("dm-2", "vda");
	refused("what lies on another disk, too", "device 'mpatha-part1'");
	begin_multipath("part1-mpath-0x1\n", "dm-4");
	add_dm("dm-4", "253:4", "other", "vda");
	fixture_text(&fx, "/sys/devices/dm-4/dm/uuid", "mpath-0x1\n");
	refused("a partition of a multipath disk that no volume is on", "device");
}

static void test_integrity(void)
{
	begin();
	add_device("dm-1", "253:1", "/same-uuid");
	add_slave("dm-1", "vda");
	add_slave("dm-0", "dm-1");
	fixture_text(&fx, "/sys/devices/dm-1/dm/name", "root_dif\n");
	good("the volume's own integrity device is no rival");
	begin();
	add_device("dm-1", "253:1", "/same-uuid");
	fixture_text(&fx, "/sys/devices/dm-1/dm/name", "root_dif\n");
	refused("one that only has its name", "the device-mapper device 'root_dif' (/dev/dm-1)");
	begin();
	add_device("dm-1", "253:1", "/same-uuid");
	add_slave("dm-0", "dm-1");
	fixture_text(&fx, "/sys/devices/dm-1/dm/name", "x_dif\n");
	refused("one that only has its place", "/dev/dm-1 claims the UUID");
}

static void test_generation(void)
{
	begin();
	volumes[0].min_generation = 1;
	refused_as(EXITCODE_OLD_GENERATION, "no generation, 1 is demanded",
		   "the root is of generation 0, the policy demands 1", "");
	begin();
	volumes[0].min_generation = 8;
	fixture_text(&fx, "/sysroot" PATH_GENERATION, "7\n");
	refused_as(EXITCODE_OLD_GENERATION, "7, 8 is demanded", "of generation 7", "");
	begin();
	volumes[0].min_generation = 8;
	fixture_text(&fx, "/sysroot" PATH_GENERATION, "8\n");
	good("8, 8 is demanded");
	begin();
	fixture_text(&fx, "/sysroot" PATH_GENERATION, "x\n");
	refused_as(EXITCODE_OLD_GENERATION, "a file of another form, nothing is demanded",
		   "cannot be read: not a number and a line feed", "");
	begin();
	nr_volumes = 2;
	volumes[1] = volumes[0];
	volumes[1].mapping.dev = makedev(253, 5);
	volumes[1].min_generation = 9;
	add_device("dm-5", "253:5", "/zero");
	good("what another volume demands does not count");
	begin();
	nr_volumes = 2;
	volumes[1] = volumes[0];
	volumes[1].mapping.dev = makedev(253, 5);
	volumes[1].min_generation = 9;
	add_device("dm-1", "253:1", "/root");
	add_slave("dm-1", "dm-0");
	add_device("dm-5", "253:5", "/zero");
	add_slave("dm-1", "dm-5");
	set_mounts(MOUNT("253:1", "ext4"));
	refused_as(EXITCODE_OLD_GENERATION, "the root is on both, the greater minimum counts",
		   "the policy demands 9", "");
}

/* A second volume, dm-5, with a file system of its own. */
static void add_volume(const char *image)
{
	add_device("dm-5", "253:5", image);
	volumes[1] = volumes[0];
	(void)snprintf(volumes[1].name, sizeof(volumes[1].name), "usr");
	volumes[1].is_root = false;
	volumes[1].mapping.dev = makedev(253, 5);
	nr_volumes = 2;
}

static void test_root_volume(void)
{
	begin();
	add_volume("/zero");
	good("the root is on its volume");
	begin();
	add_volume("/zero");
	set_mounts(MOUNT("253:5", "ext4"));
	refused("another volume of ours", "/sysroot does not lie on the volume 'root'");
	begin();
	add_volume("/zero");
	volumes[0].is_root = false;
	volumes[1].is_root = true;
	refused("the volume of that name, if another is the root's",
		"does not lie on the volume 'usr', which is the root's");
	begin();
	volumes[0].is_root = false;
	refused("no volume is the root's", "does not lie on the volume 'root'");
	begin();
	add_volume("/zero");
	add_device("dm-1", "253:1", "/root");
	add_slave("dm-1", "dm-5");
	set_mounts(MOUNT("253:1", "ext4"));
	refused("a stack on another volume only", "does not lie on the volume 'root'");
	begin();
	add_volume("/zero");
	add_device("dm-1", "253:1", "/root");
	add_slave("dm-1", "dm-0");
	add_slave("dm-1", "dm-5");
	set_mounts(MOUNT("253:1", "ext4"));
	good("another volume joins it");
	begin();
	add_volume("/zero");
	add_device("dm-1", "253:1", "/root");
	add_slave("dm-1", "dm-0");
	add_slave("dm-1", "dm-5");
	set_mounts(MOUNT("253:1", "ext4"));
	volumes[0].min_generation = 1;
	volumes[1].min_generation = 0;
	refused_as(EXITCODE_OLD_GENERATION, "its minimum counts there, too", "demands 1", "");
}

#define USR "31 30 253:5 / /sysroot/usr rw - ext4 /dev/dm-5 rw\n"
#define AT(dev, type, point) "40 1 " dev " / " point " rw - " type " x rw\n"
#define SWAPS "Filename\t\t\t\tType\t\tSize\t\tUsed\t\tPriority\n"
#define SWAP_ON(name, type) name "                              " type "\t1048572\t\t0\t\t-2\n"

/* The second look; says what came of it. */
static void looked(enum exitcode code, const char *what, const char *reason)
{
	int r;

	f = (struct fault){ 0 };
	r = verify_mounts(&fx.root, PATH_SYSROOT, volumes, nr_volumes, &f);
	if (!ok((r < 0) == (code != EXITCODE_OK) && f.code == code && strstr(f.why, reason),
		"%s: %s", code == EXITCODE_OK ? "accepted" : "refused", what))
		printf("# %d, code %d: %s\n", r, f.code, f.why);
	fixture_done(&fx);
}

static void look(const char *reason, const char *what)
{
	looked(reason ? EXITCODE_ROOT_CONFUSION : EXITCODE_OK, what, reason ? reason : "");
}

static void test_all_mounts(void)
{
	static const struct {
		const char *lines;
		const char *reason; /* NULL: accepted */
		const char *what;
	} cases[] = {
		{ GOOD USR, NULL, "root and /usr on two volumes" },
		{ USR, "nothing is mounted on /sysroot", "no root" },
		{ MOUNT("253:5", "ext4"), "/sysroot does not lie on the volume 'root'",
		  "the root on the other volume" },
		{ GOOD "31 30 252:16 / /sysroot/usr rw - ext4 x rw\n",
		  "ext4 on /sysroot/usr uses device 252:16", "a foreign /usr" },
		{ GOOD "31 30 252:16 / /sysroot/usr rw - ext4 x rw\n" USR,
		  "ext4 on /sysroot/usr uses device 252:16", "a foreign /usr that is covered" },
		{ GOOD USR "32 31 252:16 / /sysroot/usr/lib rw - ext4 x rw\n",
		  "ext4 on /sysroot/usr/lib uses", "something foreign inside of /usr" },
		{ GOOD "31 30 0:40 / /sysroot/usr ro - squashfs x ro\n", "squashfs on /sysroot/usr",
		  "a /usr of a kind that is not known" },
		{ GOOD "31 30 0:40 / /sysroot/run rw - tmpfs x rw\n", "tmpfs on /sysroot/run",
		  "memory inside of the root" },
		{ GOOD "31 30 0:40 / /sysroot/usr rw - autofs x rw\n", "autofs on /sysroot/usr",
		  "a mount that comes later" },
		{ MOUNT("252:16", "ext4") GOOD, "ext4 on /sysroot uses device 252:16",
		  "a foreign one that the root covers" },
		{ GOOD AT("252:16", "ext4", "/run/x"), "ext4 on /run/x uses device 252:16",
		  "a disk that goes over with /run" },
		{ GOOD AT("252:16", "ext4", "/usr/bin"), "ext4 on /usr/bin uses device 252:16",
		  "a disk over the initramfs" },
		{ GOOD AT("7:0", "squashfs", "/media"), "squashfs on /media uses device 7:0",
		  "a loop device" },
		{ GOOD AT("253:5", "ext4", "/media"), NULL, "a volume elsewhere" },
		{ GOOD AT("0:40", "9p", "/run/host"), "9p on /run/host", "the host's 9p" },
		{ GOOD AT("0:40", "virtiofs", "/run/host"), "virtiofs on /run/host", "virtiofs" },
		{ GOOD AT("0:40", "nfs4", "/x"), "nfs4 on /x", "nfs" },
		{ GOOD AT("0:40", "fuse.sshfs", "/x"), "fuse.sshfs on /x", "fuse" },
		{ GOOD AT("0:40", "overlay", "/usr"), "overlay on /usr",
		  "an extension of the initramfs" },
		{ GOOD AT("252:16", "tmpfs", "/x"), "tmpfs on /x uses device 252:16",
		  "the name of a kind of the kernel's, on a disk" },
		{ GOOD AT("0:40", "devtmpfs", "/dev") AT("0:41", "cgroup2", "/sys/fs/cgroup")
			  AT("0:42", "autofs", "/proc/sys/fs/binfmt_misc")
				  AT("0:43", "ramfs", "/run/credentials/x"),
		  NULL, "what the kernel keeps for itself" },
		{ GOOD "31 30\n", "mountinfo cannot be read", "a line that is cut" },
	};
	size_t i;

	for (i = 0; i < ARRAY_SIZE(cases); i++) {
		begin();
		add_volume("/zero");
		set_mounts(cases[i].lines);
		look(cases[i].reason, cases[i].what);
	}
}

/* vdb, a plain disk, claims what is on the volume of /usr. */
/* What cocotab calls the device of a volume may be the name of no other. */
static void test_specs(void)
{
	static const struct device_spec label = { .kind = DEVICE_KIND_LABEL, .value = "system2" };
	static const struct device_spec part = { .kind = DEVICE_KIND_PARTUUID, .value = "0-2" };

	begin_below("/luks");
	volumes[0].spec = label;
	good("the label of cocotab on the volume's own disk");
	begin();
	add_device("vdc", "252:32", "/luks");
	good("on another disk, if cocotab has no label");
	begin();
	volumes[0].spec = label;
	add_device("vdc", "252:32", "/luks");
	refused("on another disk, if it has",
		"/dev/vdc is LABEL=system2, too, as cocotab calls the device of the volume 'root'");
	begin();
	volumes[0].spec = label;
	volumes[0].spec.value[5] = '\0';
	add_device("vdc", "252:32", "/luks");
	good("the whole label counts");
	begin();
	volumes[0].spec = part;
	part_uuid = "0-3";
	good("partitions with other UUIDs");
	begin();
	volumes[0].spec = part;
	part_uuid = "0-2";
	refused("another one with that of cocotab", "is PARTUUID=0-2, too, as cocotab calls");
	part_uuid = NULL;
	begin_data("/data");
	volumes[1].spec = label;
	add_device("vdc", "252:32", "/luks");
	refused("another volume's", "the device of the volume 'data'");
}

static void test_all_rivals(void)
{
	begin();
	add_volume("/other");
	set_mounts(GOOD USR);
	look("/dev/vdb claims the UUID " UUID_OTHER " of /dev/dm-5", "a twin of /usr");
	begin();
	add_volume("/zero");
	set_mounts(GOOD USR);
	add_device("vdc", "252:32", "/same-label");
	look("/dev/vdc claims the label 'system' of /dev/dm-0", "a twin of the root, as before");
	begin();
	add_device("dm-7", "253:7", "/zero");
	add_slave("dm-7", "vdb");
	look("/dev/dm-7", "a device made of the host's disk, as before");
	begin();
	volumes[0].min_generation = 4;
	looked(EXITCODE_OLD_GENERATION, "an old root, as before", "demands 4");
}

static void test_swaps(void)
{
	/* clang-format off */
	static const struct {
		const char *text;
		const char *reason; /* NULL: accepted */
		const char *what;
	} cases[] = {
		{ SWAPS, NULL, "no swap" },
		{ SWAPS SWAP_ON("/dev/dm-5", "partition"), NULL, "swap on a volume" },
		{ SWAPS SWAP_ON("/dev/dm-1", "partition"), NULL, "swap on a stack above a volume" },
		{ SWAPS SWAP_ON("/dev/vdb", "partition"),
		  "the swap on /dev/vdb is not on a volume that was opened", "swap on a disk" },
		{ SWAPS SWAP_ON("/dev/dm-5", "partition") SWAP_ON("/dev/vdb", "partition"),
		  "the swap on /dev/vdb is not", "the second one on a disk" },
		{ SWAPS SWAP_ON("/dev/vdx", "partition"), "what the swap on /dev/vdx lies on: No such file",
		  "swap on a device that nobody knows" },
		{ SWAPS SWAP_ON("/dev/cciss/c0", "partition"), "the swap on /dev/cciss/c0 is not",
		  "a device in a directory" },
		{ SWAPS SWAP_ON("/dev/vdb\\040(deleted)", "partition"), "lies on: No such file",
		  "a node that is gone" },
		{ SWAPS SWAP_ON("/x/vdb", "partition"), "what the swap on /x/vdb lies on",
		  "a node elsewhere" },
		{ SWAPS SWAP_ON("/dev/zram0", "partition"), NULL, "zram" },
		{ SWAPS SWAP_ON("/dev/zram1", "partition"), NULL, "zram that could write back" },
		{ SWAPS SWAP_ON("/dev/zram2", "partition"), "the swap on /dev/zram2 is not",
		  "zram that writes back" },
		{ SWAPS SWAP_ON("/dev/zram9", "partition"), "lies on: No such file", "zram that is not" },
		{ SWAPS SWAP_ON("/sysroot/swap", "file"), NULL, "a file in the root" },
		{ SWAPS SWAP_ON("/sysroot/usr/swap", "file"), NULL, "a file in a volume" },
		{ SWAPS SWAP_ON("/sysroot/a\\040b", "file"), NULL, "a file with a space" },
		{ SWAPS SWAP_ON("/swap", "file"), "the swap on /swap is not", "a file elsewhere" },
		{ SWAPS SWAP_ON("swap", "file"), "the swap on swap is not", "a file without a path" },
		{ SWAPS SWAP_ON("/dev/dm-5", "other"), "lies on: Invalid argument", "another type" },
		{ SWAPS "/dev/dm-5\n", "proc/swaps lies on: Invalid argument", "a line that is cut" },
		{ "", "proc/swaps lies on: Invalid argument", "an empty list" },
		{ SWAP_ON("/dev/dm-5", "partition"), "proc/swaps lies on", "a list of another form" },
	};
	/* clang-format on */
	size_t i;

	for (i = 0; i < ARRAY_SIZE(cases); i++) {
		begin();
		add_volume("/zero");
		add_device("dm-1", "253:1", "/zero");
		add_slave("dm-1", "dm-5");
		add_device("zram0", "251:0", NULL);
		add_device("zram1", "251:1", NULL);
		fixture_text(&fx, "/sys/devices/zram1/backing_dev", "none\n");
		add_device("zram2", "251:2", NULL);
		fixture_text(&fx, "/sys/devices/zram2/backing_dev", "/dev/vdb\n");
		add_device("cciss!c0", "104:0", NULL);
		fixture_text(&fx, "/dev/cciss/c0", "");
		FIXTURE_MUST(truncate(fixture_path(&fx, "/dev/cciss/c0"), 65536) == 0);
		set_mounts(GOOD USR);
		fixture_text(&fx, PATH_SWAPS, cases[i].text);
		look(cases[i].reason, cases[i].what);
	}
	begin();
	fixture_mkdir(&fx, PATH_SWAPS);
	look("/proc/swaps cannot be read: Is a directory", "a list that cannot be read");
	begin();
	fixture_text(&fx, PATH_SWAPS, SWAPS);
	broken_node = PATH_SWAPS;
	broken_errno = EMFILE;
	look("/proc/swaps cannot be read: Too many open files", "no descriptor for it");
}

int main(void)
{
	unsigned int before;

	make_images();
	before = fixture_fds();
	test_mounts();
	test_reached();
	test_stacks();
	test_btrfs();
	test_overlay();
	test_tables();
	test_rivals();
	test_containers();
	test_twins();
	test_strangers();
	test_below();
	test_multipath();
	test_integrity();
	test_generation();
	test_root_volume();
	test_all_mounts();
	test_specs();
	test_all_rivals();
	test_swaps();
	is_int(fixture_fds(), before, "no descriptor is left open");
	return tap_done();
}
