/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * verify_faults.c - verify-root when a call fails: on each Nth use of each call a root that has
 * to be refused stays refused, and a list that breaks off is never taken for a whole one.
 * Needs: mke2fs
 */
#include "rootfs/verify.h"

#include <dirent.h>
#include <linux/btrfs.h>
#include <sys/ioctl.h>
#include <sys/sysmacros.h>

#include "fixture.h"
#define INJECT_OWN_READDIR
#include "base/paths.h"
#include "inject.h"

#define UUID_ROOT "eeeeeeee-0000-4000-8000-0000000000e1"
#define UUID_OTHER "eeeeeeee-0000-4000-8000-0000000000e2"
#define FSID "01020304-0506-0708-090a-0b0c0d0e0f10"

static struct fixture images, fx;
static struct fault f;
static struct opened_volume volumes[1];

/* readdir gives the names in the order of the alphabet, and one of its uses fails. */
static struct {
	unsigned int nth, uses; /* from 1; 0: none fails */
	bool hit;
} names;

/* Directories that are read at the same time. */
static struct listing {
	DIR *d;
	struct dirent list[64];
	unsigned int nr, next;
} listings[16];

static int by_name(const void *a, const void *b)
{
	return strcmp(((const struct dirent *)a)->d_name, ((const struct dirent *)b)->d_name);
}

static struct listing *listing_of(DIR *d)
{
	struct listing *l = listings;
	struct dirent *e;

	while (l->d && l->d != d)
		FIXTURE_MUST(++l < listings + ARRAY_SIZE(listings));
	if (l->d)
		return l;
	*l = (struct listing){ .d = d };
	while (l->nr < ARRAY_SIZE(l->list) && (e = INJECT_NEXT(readdir)(d)))
		l->list[l->nr++] = *e;
	qsort(l->list, l->nr, sizeof(*e), by_name);
	return l;
}

struct dirent *readdir(DIR *d)
{
	struct listing *l = listing_of(d);

	if (++names.uses == names.nth) {
		names.hit = true;
		errno = EIO;
		return NULL;
	}
	return l->next < l->nr ? &l->list[l->next++] : NULL;
}

int closedir(DIR *d)
{
	size_t i;

	for (i = 0; i < ARRAY_SIZE(listings); i++)
		if (listings[i].d == d)
			listings[i] = (struct listing){ .d = NULL };
	return INJECT_NEXT(closedir)(d);
}

static uint64_t btrfs_devices; /* 0: what is mounted is no btrfs */

int ioctl(int fd, unsigned long request, ...)
{
	struct btrfs_ioctl_fs_info_args *info;
	va_list ap;
	void *arg;
	int i;

	va_start(ap, request);
	arg = va_arg(ap, void *);
	va_end(ap);
	if (request != BTRFS_IOC_FS_INFO || btrfs_devices == 0)
		return (int)INJECT_NEXT(syscall)(SYS_ioctl, fd, request, arg);
	info = arg;
	info->num_devices = btrfs_devices;
	for (i = 0; i < 16; i++)
		info->fsid[i] = (uint8_t)(i + 1);
	return 0;
}

static void make_image(const char *path, const char *uuid)
{
	char cmd[2 * PATH_MAX];

	fixture_put(&images, path, "", 0);
	FIXTURE_MUST(truncate(fixture_path(&images, path), 1024 * 1024) == 0);
	(void)snprintf(cmd, sizeof(cmd),
		       "PATH=$PATH:/usr/sbin:/sbin; mke2fs -q -t ext4 -O ^has_journal -U %s '%s' "
		       "> /dev/null",
		       uuid, fixture_path(&images, path));
	FIXTURE_MUST(system(cmd) == 0);
}

static void make_link(const char *target, const char *dir, const char *name)
{
	char path[300];

	(void)snprintf(path, sizeof(path), "%s/%s", dir, name);
	fixture_mkdir(&fx, dir);
	FIXTURE_MUST(symlink(target, fixture_path(&fx, path)) == 0);
}

static void add_device(const char *name, const char *dev, const char *image)
{
	char path[300], text[300];

	(void)snprintf(path, sizeof(path), "/sys/devices/%s/dev", name);
	(void)snprintf(text, sizeof(text), "%s\n", dev);
	fixture_text(&fx, path, text);
	(void)snprintf(path, sizeof(path), "/sys/devices/%s/uevent", name);
	(void)snprintf(text, sizeof(text), "MAJOR=1\nDEVNAME=%s\nDEVTYPE=disk\n", name);
	fixture_text(&fx, path, text);
	(void)snprintf(path, sizeof(path), "/sys/devices/%s/size", name);
	fixture_text(&fx, path, "2048\n");
	(void)snprintf(text, sizeof(text), "../../devices/%s", name);
	make_link(text, "/sys/dev/block", dev);
	make_link(text, "/sys/class/block", name);
	(void)snprintf(path, sizeof(path), "/dev/%s", name);
	fixture_mkdir(&fx, "/dev");
	FIXTURE_MUST(link(fixture_path(&images, image), fixture_path(&fx, path)) == 0);
}

static void add_slave(const char *name, const char *slave)
{
	char target[300], dir[300];

	(void)snprintf(target, sizeof(target), "../../%s", slave);
	(void)snprintf(dir, sizeof(dir), "/sys/devices/%s/slaves", name);
	make_link(target, dir, slave);
}

static void mounted(const char *lines)
{
	char text[1024];

	(void)snprintf(text, sizeof(text),
		       "1 1 0:2 / / rw - rootfs rootfs rw\n"
		       "20 1 0:20 / /proc rw - proc proc rw\n%s",
		       lines);
	fixture_text(&fx, PATH_MOUNTINFO, text);
}

#define ROOT "30 1 253:0 / /sysroot rw - ext4 /dev/x rw\n"

/* vda with the mapping 253:0 above it, which is mounted; vdb is another disk. */
static void begin(void)
{
	fixture_init(&fx);
	add_device("vda", "252:0", "/zero");
	add_device("vdb", "252:16", "/other");
	add_device("dm-0", "253:0", "/root");
	add_slave("dm-0", "vda");
	fixture_mkdir(&fx, "/sysroot");
	mounted(ROOT);
	memset(volumes, 0, sizeof(volumes));
	memcpy(volumes[0].name, "root", 5);
	volumes[0].is_root = true;
	volumes[0].mapping.dev = makedev(253, 0);
	btrfs_devices = 0;
}

static bool second; /* the second look */

static int verify(void)
{
	f = (struct fault){ 0 };
	names.uses = 0;
	names.hit = false;
	return (second ? verify_mounts : verify_root)(&fx.root, PATH_SYSROOT, volumes, 1, &f);
}

static void good(void)
{
}

static void second_is_foreign(void)
{
	add_device("dm-1", "253:1", "/zero");
	add_slave("dm-1", "dm-0");
	add_slave("dm-1", "vdb");
	mounted("30 1 253:1 / /sysroot rw - ext4 /dev/x rw\n");
}

static void foreign_below_root(void)
{
	mounted(ROOT "31 30 252:16 / /sysroot/usr rw - ext4 /dev/x rw\n");
}

static void add_btrfs(const char *name)
{
	char target[300];

	(void)snprintf(target, sizeof(target), "../../../../devices/%s", name);
	make_link(target, "/sys/fs/btrfs/" FSID "/devices", name);
}

static void foreign_in_btrfs(void)
{
	mounted("30 1 0:40 / /sysroot rw - btrfs /dev/x rw\n");
	add_btrfs("dm-0");
	add_btrfs("vdb");
	btrfs_devices = 1; /* one that was added behind the count */
}

static void rival(void)
{
	add_device("vdc", "252:32", "/root");
}

static void rival_above(void)
{
	add_device("dm-1", "253:1", "/other");
	add_slave("dm-1", "dm-0");
	fixture_unlink(&fx, "/dev/vdb");
	FIXTURE_MUST(link(fixture_path(&images, "/zero"), fixture_path(&fx, "/dev/vdb")) == 0);
	add_device("vdc", "252:32", "/other");
}

static void stranger(void)
{
	add_device("dm-9", "253:9", "/zero");
	add_slave("dm-9", "vdb");
	fixture_text(&fx, "/sys/devices/dm-9/dm/name", "debian--vg-swap_1\n");
}

static void stranger_partly(void)
{
	add_device("md9", "9:9", "/zero");
	add_slave("md9", "dm-0");
	add_slave("md9", "vdb");
	fixture_mkdir(&fx, "/sys/devices/md9/md");
}

static void foreign_elsewhere(void)
{
	mounted(ROOT "31 1 252:16 / /run/x rw - ext4 /dev/x rw\n");
}

#define SWAPS "Filename Type Size Used Priority\n"

static void swap_of_ours(void)
{
	fixture_text(&fx, PATH_SWAPS, SWAPS "/dev/dm-0 partition 9 0 -2\n");
}

static void swap_on_disk(void)
{
	fixture_text(&fx, PATH_SWAPS, SWAPS "/dev/vdb partition 9 0 -2\n");
}

static void swap_partly_on_disk(void)
{
	add_device("dm-1", "253:1", "/zero");
	add_slave("dm-1", "dm-0");
	add_slave("dm-1", "vdb");
	fixture_text(&fx, PATH_SWAPS, SWAPS "/dev/dm-1 partition 9 0 -2\n");
}

static void swap_in_file(void)
{
	mounted(ROOT "31 30 253:0 / /sysroot/a rw - ext4 /dev/x rw\n");
	fixture_text(&fx, PATH_SWAPS, SWAPS "/swap file 9 0 -2\n");
}

static const struct {
	void (*make)(void);
	const char *what;
	bool accepted;
	unsigned int fewest; /* reads of directories */
	bool second;
} trees[] = {
	{ good, "a good root", true, 4, false },
	{ second_is_foreign, "a root that is partly on another disk", false, 4, false },
	{ foreign_below_root, "a foreign mount below the root", false, 0, false },
	{ foreign_in_btrfs, "a btrfs with a foreign device", false, 4, false },
	{ rival, "a twin of the root", false, 4, false },
	{ rival_above, "a twin of what lies above the root's mapping", false, 4, false },
	{ stranger, "a foreign logical volume", false, 4, false },
	{ stranger_partly, "a RAID that is partly on another disk", false, 4, false },
	{ swap_of_ours, "a good root and swap", true, 4, true },
	{ foreign_below_root, "a foreign /usr, looked at again", false, 0, true },
	{ foreign_elsewhere, "a foreign mount elsewhere", false, 0, true },
	{ rival_above, "a twin of what lies above, looked at again", false, 4, true },
	{ swap_on_disk, "swap on a disk", false, 4, true },
	{ swap_partly_on_disk, "swap partly on a disk", false, 4, true },
	{ swap_in_file, "swap in a file of the initramfs", false, 4, true },
};

static void test_readdir(size_t i)
{
	bool kept = true;
	unsigned int nth;
	int r;

	for (nth = 1;; nth++) {
		names.nth = nth;
		r = verify();
		if (!names.hit)
			break;
		if (r >= 0)
			printf("# accepted when the %u. readdir fails\n", nth);
		kept = kept && r < 0 && f.code == EXITCODE_ROOT_CONFUSION;
	}
	names.nth = 0;
	ok(kept && nth > trees[i].fewest, "%s: refused when any of %u reads of a directory fails",
	   trees[i].what, nth - 1);
}

/* A good root may be accepted, if what failed does not decide. */
static void test_calls(size_t i, enum inject_call call, int error)
{
	bool kept = true;
	unsigned int nth;
	int r;

	for (nth = 1;; nth++) {
		inject_failure(call, nth, error);
		r = verify();
		if (!inject.hit)
			break;
		if (r >= 0 && !trees[i].accepted)
			printf("# accepted when the %u. %s fails\n", nth, inject_names[call]);
		kept = kept && (trees[i].accepted || r < 0) && (r >= 0 || f.code != EXITCODE_OK);
	}
	inject_failure(INJECT_NONE, 0, 0);
	ok(kept && (nth > 1 || trees[i].fewest == 0),
	   "%s: not accepted when any of %u calls of %s fails (%s)", trees[i].what, nth - 1,
	   inject_names[call], strerror(error));
}

int main(void)
{
	unsigned int before;
	size_t i;
	int r;

	fixture_init(&images);
	make_image("/root", UUID_ROOT);
	make_image("/other", UUID_OTHER);
	fixture_put(&images, "/zero", "", 0);
	FIXTURE_MUST(truncate(fixture_path(&images, "/zero"), 1024 * 1024) == 0);
	before = fixture_fds();
	for (i = 0; i < ARRAY_SIZE(trees); i++) {
		begin();
		trees[i].make();
		second = trees[i].second;
		r = verify();
		if (!ok((r >= 0) == trees[i].accepted, "premise: %s is %s", trees[i].what,
			trees[i].accepted ? "accepted" : "refused"))
			printf("# %d: %s\n", r, f.why);
		test_readdir(i);
		test_calls(i, INJECT_OPENAT2, EMFILE);
		test_calls(i, INJECT_READ, EIO);
		test_calls(i, INJECT_FDOPENDIR, ENOMEM);
		fixture_done(&fx);
	}
	is_int(fixture_fds(), before, "no descriptor is left open");
	return tap_done();
}
