/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * verify.c - what is mounted as the root, and besides it, compared with what was opened.
 * Trusts the kernel's lists of mounts and devices, and the list that unlock left in /run;
 * trusts no name under /dev/disk, no source of a mount and no superblock. May not change
 * anything.
 */
#include "rootfs/verify.h"

#include <fcntl.h>
#include <limits.h>
#include <linux/btrfs.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>

#include "base/paths.h"
#include "base/text.h"
#include "rootfs/generation.h"
#include "rootfs/mounts.h"
#include "rootfs/rivals.h"
#include "rootfs/stack.h"
#include "rootfs/strangers.h"
#include "rootfs/swaps.h"

#define OVERLAY_DEPTH_MAX 4
#define BTRFS_PATH_MAX 128

struct verify {
	const struct root *root;
	const struct opened_volume *volumes;
	size_t nr;
	struct mounts mounts;
	struct ground *ground;
};

static int confusion(struct fault *f, const struct mount *m, const char *what)
{
	return fault_set(f, EXITCODE_ROOT_CONFUSION, EPERM, "%s on %s (device %u:%u) %s", m->type,
			 m->point, major(m->dev), minor(m->dev), what);
}

static int check_device(struct verify *v, const struct mount *m, dev_t dev, struct fault *f)
{
	struct ground *g = v->ground;
	size_t i;
	int r;

	r = stack_is_ours(v->root, dev, v->volumes, v->nr, &g->volumes);
	if (r < 0)
		return fault_errno(f, EXITCODE_ROOT_CONFUSION, r,
				   "cannot find out what device %u:%u is made of", major(dev),
				   minor(dev));
	if (r == 0)
		return fault_set(f, EXITCODE_ROOT_CONFUSION, EPERM,
				 "%s on %s uses device %u:%u, which is not on a volume that was opened",
				 m->type, m->point, major(dev), minor(dev));
	for (i = 0; i < g->nr_devices; i++)
		if (g->devices[i] == dev)
			return 0;
	if (g->nr_devices == VERIFY_GROUND_MAX)
		return confusion(f, m, "has too many devices");
	g->devices[g->nr_devices++] = dev;
	return 0;
}

/* The directory of the kernel's list of a mounted btrfs' devices. */
static int btrfs_directory(const struct verify *v, const struct mount *m, char *path, size_t size,
			   uint64_t *ret_devices)
{
	_cleanup_close_ int fd = root_open(v->root, m->point, O_RDONLY | O_DIRECTORY, 0);
	struct btrfs_ioctl_fs_info_args info = { 0 };
	char fsid[GUID_TEXT_SIZE] = "";
	size_t i;

	if (fd < 0)
		return fd;
	if (ioctl(fd, BTRFS_IOC_FS_INFO, &info) < 0)
		return -errno;
	for (i = 0; i < sizeof(info.fsid); i++)
		text_append(fsid, sizeof(fsid), "%s%02x",
			    i == 4 || i == 6 || i == 8 || i == 10 ? "-" : "", info.fsid[i]);
	(void)snprintf(path, size, "%s/%s/devices", PATH_SYS_BTRFS, fsid); /* fits */
	*ret_devices = info.num_devices;
	return 0;
}

/* The devices of a mounted btrfs, while its list is read. */
struct btrfs {
	struct verify *v;
	const struct mount *m;
	const char *path;
	uint64_t seen;
	struct fault *f;
};

static int check_btrfs_device(const char *name, void *ctx)
{
	char path[BTRFS_PATH_MAX + NAME_MAX + 8];
	struct btrfs *b = ctx;
	dev_t dev;
	int r;

	(void)snprintf(path, sizeof(path), "%s/%s/dev", b->path, name); /* fits */
	r = stack_read_dev(b->v->root, path, &dev);
	b->seen++;
	return r < 0 ? confusion(b->f, b->m, "has a device without a number") :
		       check_device(b->v, b->m, dev, b->f);
}

static int check_btrfs(struct verify *v, const struct mount *m, struct fault *f)
{
	char path[BTRFS_PATH_MAX];
	struct btrfs b = { .v = v, .m = m, .path = path, .f = f };
	uint64_t expected = 0;
	int r;

	r = btrfs_directory(v, m, path, sizeof(path), &expected);
	if (r < 0)
		return confusion(f, m, "does not name its devices");
	r = root_walk(v->root, path, 0, check_btrfs_device, &b);
	if (r < 0) /* unless a device has been named already */
		return confusion(f, m, "has no list of devices in sysfs");
	if (b.seen == 0 || b.seen < expected)
		return confusion(f, m, "lacks one of its devices");
	return 0;
}

static int check_one(struct verify *v, const struct mount *m, unsigned int depth, struct fault *f);

/* One layer of an overlay: the file system that held it when the overlay was mounted. */
static int check_layer(struct verify *v, const struct mount *overlay, char *path, bool may_be_ram,
		       unsigned int depth, struct fault *f)
{
	const struct mount *m;

	mounts_unescape(path);
	/* A backslash that is left quotes something inside the path; nobody needs that here. */
	if (*path != '/' || strchr(path, '\\') || strstr(path, "/../") || strstr(path, "/./"))
		return confusion(f, overlay, "has a layer whose path cannot be followed");
	m = mounts_holding(&v->mounts, path, overlay);
	if (!m)
		return confusion(f, overlay, "has a layer that is nowhere");
	if (may_be_ram && strcmp(m->type, "tmpfs") == 0)
		return 0;
	return check_one(v, m, depth, f);
}

static int check_overlay(struct verify *v, const struct mount *m, unsigned int depth,
			 struct fault *f)
{
	static const char *const lower[] = { "lowerdir=", "lowerdir+=", "datadir+=" };
	static const char *const upper[] = { "upperdir=", "workdir=" };
	_cleanup_free_ char *options = strdup(m->options);
	unsigned int layers = 0;
	char *cursor, *word, *layer;
	size_t i;
	int r = 0;

	if (!options)
		return fault_set(f, EXITCODE_NO_MEMORY, ENOMEM, "no memory to look at mounts");
	if (depth == 0)
		return confusion(f, m, "is an overlay of overlays");
	cursor = options;
	while (r >= 0 && (word = text_word(&cursor, ","))) {
		for (i = 0; i < ARRAY_SIZE(upper); i++)
			if (strncmp(word, upper[i], strlen(upper[i])) == 0)
				r = check_layer(v, m, word + strlen(upper[i]), true, depth - 1, f);
		for (i = 0; i < ARRAY_SIZE(lower); i++) {
			if (strncmp(word, lower[i], strlen(lower[i])) != 0)
				continue;
			word += strlen(lower[i]);
			for (; r >= 0 && (layer = text_word(&word, ":")); layers++)
				r = check_layer(v, m, layer, false, depth - 1, f);
			break;
		}
	}
	if (r >= 0 && layers == 0)
		return confusion(f, m, "does not name its layers");
	return r;
}

static int check_one(struct verify *v, const struct mount *m, unsigned int depth, struct fault *f)
{
	if (strcmp(m->type, "overlay") == 0)
		return check_overlay(v, m, depth, f);
	if (strcmp(m->type, "btrfs") == 0)
		return check_btrfs(v, m, f);
	/* bcachefs: of many devices, too, but only one of them is in the number. */
	if (major(m->dev) == 0 || strcmp(m->type, "bcachefs") == 0)
		return confusion(f, m, "is of a kind whose devices are unknown");
	return check_device(v, m, m->dev, f);
}

/* The list's last mount on the point must be the one that a path reaches (Linux 5.8). */
static bool is_reached(const struct root *root, const struct mount *m)
{
	_cleanup_close_ int fd = root_open(root, m->point, O_PATH | O_DIRECTORY, 0);
	struct statx stx = { 0 };

	if (fd < 0)
		return false;
	if (!root->machine)
		return true;
	if (statx(fd, "", AT_EMPTY_PATH, STATX_MNT_ID, &stx) < 0)
		return false;
	return !(stx.stx_mask & STATX_MNT_ID) || stx.stx_mnt_id == m->id;
}

static int begin(struct verify *v, struct ground *ground, struct fault *f)
{
	int r = mounts_read(v->root, &v->mounts);

	*ground = (struct ground){ .nr_devices = 0 };
	v->ground = ground;
	return r < 0 ? fault_errno(f, EXITCODE_ROOT_CONFUSION, r, "%s cannot be read",
				   PATH_MOUNTINFO) :
		       0;
}

static int check_point(struct verify *v, const char *point, struct fault *f)
{
	const struct mount *m = mounts_on(&v->mounts, point);

	if (!m)
		return fault_advise(f, EXITCODE_ROOT_CONFUSION, ENOENT,
				    "look for why the root was not mounted in the lines above",
				    "nothing is mounted on %s", point);
	if (!is_reached(v->root, m))
		return confusion(f, m, "is not what the path leads to");
	return check_one(v, m, OVERLAY_DEPTH_MAX, f);
}

/* Others may join, but without the volume that cocotab says is the root's it is another root. */
static int check_root_volume(const struct verify *v, const char *point, struct fault *f)
{
	char next[CONF_NAME_SIZE + 160];
	const char *name = "root";
	size_t i;

	for (i = 0; i < v->nr; i++) {
		if (!v->volumes[i].is_root)
			continue;
		if (v->ground->volumes & 1U << i)
			return 0;
		name = v->volumes[i].name;
	}
	(void)snprintf(next, sizeof(next),
		       "use root=/dev/mapper/%s, or mark another volume with the option root in "
		       "cocotab and build the initramfs again",
		       name); /* fits */
	return fault_advise(f, EXITCODE_ROOT_CONFUSION, EPERM, next,
			    "%s does not lie on the volume '%s', which is the root's", point, name);
}

int verify_mount(const struct root *root, const char *point, const struct opened_volume *volumes,
		 size_t nr, struct ground *ret_ground, struct fault *f)
{
	struct verify v = { .root = root, .volumes = volumes, .nr = nr, .mounts = MOUNTS_NULL };
	struct ground ground;
	int r;

	r = begin(&v, &ground, f);
	if (r >= 0)
		r = check_point(&v, point, f);
	if (r >= 0)
		r = check_root_volume(&v, point, f);
	mounts_done(&v.mounts);
	if (r >= 0)
		*ret_ground = ground;
	return r;
}

/* Kinds in which the kernel shows or keeps what is its own. Outside of the root these may be
 * anywhere; whatever else has no device comes over a network, or from the host. */
static bool is_of_the_kernel(const struct mount *m)
{
	/* clang-format off */
	static const char *const types[] = {
		"autofs", "binfmt_misc", "bpf", "cgroup", "cgroup2", "configfs", "debugfs",
		"devpts", "devtmpfs", "efivarfs", "fusectl", "hugetlbfs", "mqueue", "nsfs", "proc",
		"pstore", "ramfs", "resctrl", "rootfs", "rpc_pipefs", "securityfs", "selinuxfs",
		"smackfs", "sysfs", "tmpfs", "tracefs",
	};
	/* clang-format on */
	size_t i;

	for (i = 0; i < ARRAY_SIZE(types) && major(m->dev) == 0; i++)
		if (strcmp(m->type, types[i]) == 0)
			return true;
	return false;
}

/*
 * Whatever is mounted below the point must be ours, too; it does not count as the root. With
 * `all` so must be what is mounted elsewhere, or covered by the root: mounts below /run go over
 * into the root.
 */
static int verify_others(const struct root *root, const char *point, bool all,
			 const struct opened_volume *volumes, size_t nr, struct fault *f)
{
	struct verify v = { .root = root, .volumes = volumes, .nr = nr, .mounts = MOUNTS_NULL };
	struct ground ground;
	size_t i;
	int r;

	r = begin(&v, &ground, f);
	for (i = 0; r >= 0 && i < v.mounts.nr; i++) {
		const struct mount *m = &v.mounts.list[i];
		bool within = mounts_is_below(m->point, point);

		if (within || (all && (strcmp(m->point, point) == 0 || !is_of_the_kernel(m))))
			r = check_one(&v, m, OVERLAY_DEPTH_MAX, f);
	}
	mounts_done(&v.mounts);
	return r;
}

int verify_tables(const struct root *root, const struct opened_volume *volumes, size_t nr,
		  struct fault *f)
{
	struct mapping live;
	size_t i;
	int r;

	for (i = 0; i < nr; i++) {
		const struct mapping *m = &volumes[i].mapping;
		bool same;

		r = mapping_read(root, volumes[i].name, &live);
		if (r < 0)
			return fault_errno(f, EXITCODE_ROOT_CONFUSION, r,
					   "the mapping '%s' cannot be read", volumes[i].name);
		same = live.dev == m->dev && strcmp(live.uuid, m->uuid) == 0 &&
		       live.nr_targets == m->nr_targets && live.start == m->start &&
		       live.length == m->length && strcmp(live.type, m->type) == 0 &&
		       strcmp(live.params, m->params) == 0 && live.read_only == m->read_only &&
		       !live.suspended_or_pending;
		explicit_bzero(&live, sizeof(live));
		if (!same)
			return fault_set(f, EXITCODE_ROOT_CONFUSION, EPERM,
					 "the mapping '%s' is not the one that was opened",
					 volumes[i].name);
	}
	return 0;
}

static int verify_generation(const struct root *root, const char *point, uint64_t minimum,
			     struct fault *f)
{
	struct root fs = { .fd = -EBADF };
	uint64_t generation = 0;
	int r;

	r = generation_root(root, point, &fs);
	if (r >= 0)
		r = generation_read(&fs, &generation);
	root_done(&fs);
	if (r < 0)
		return generation_unreadable("the root's generation (" PATH_GENERATION ")", r, f);
	if (generation < minimum)
		return fault_set(f, EXITCODE_OLD_GENERATION, ESTALE,
				 "the root is of generation %llu, the policy demands %llu",
				 (unsigned long long)generation, (unsigned long long)minimum);
	return 0;
}

static int look(const struct root *root, const char *point, bool all,
		const struct opened_volume *volumes, size_t nr, struct fault *f)
{
	struct ground ground;
	uint64_t minimum = 0;
	size_t i;
	int r;

	r = root->machine ? verify_tables(root, volumes, nr, f) : 0;
	if (r >= 0)
		r = verify_mount(root, point, volumes, nr, &ground, f);
	if (r >= 0)
		r = verify_others(root, point, all, volumes, nr, f);
	if (r >= 0)
		r = strangers_refuse(root, volumes, nr, f);
	if (r >= 0)
		r = rivals_refuse(root, volumes, nr, f);
	if (r >= 0 && all)
		r = swaps_refuse(root, volumes, nr, f);
	if (r < 0)
		return r;
	for (i = 0; i < nr; i++)
		if ((ground.volumes & 1U << i) && volumes[i].min_generation > minimum)
			minimum = volumes[i].min_generation;
	return verify_generation(root, point, minimum, f);
}

int verify_root(const struct root *root, const char *point, const struct opened_volume *volumes,
		size_t nr, struct fault *f)
{
	return look(root, point, false, volumes, nr, f);
}

int verify_mounts(const struct root *root, const char *point, const struct opened_volume *volumes,
		  size_t nr, struct fault *f)
{
	return look(root, point, true, volumes, nr, f);
}
