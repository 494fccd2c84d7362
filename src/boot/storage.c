/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * storage.c - looks at fstab, crypttab, swap areas and mounts for what is not on our volumes.
 * Trusts sysfs, the kernel's lists and the root's own files; a name below /dev/disk is only
 * followed to see where it leads now. May not take an error for "on a volume".
 */
#include "boot/storage.h"

#include <fcntl.h>
#include <limits.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>

#include "base/paths.h"
#include "rootfs/mounts.h"
#include "rootfs/stack.h"

#define STORAGE_FILE_MAX (256 * 1024)
#define STORAGE_PATH_MAX 1024
#define LOOP_DEPTH_MAX 4
#define TOLD_MAX 64

struct storage {
	const struct root *root;
	const struct conf *conf;
	const struct warning_sink *sink;
	struct opened_volume volumes[CONF_VOLUMES_MAX];
	size_t nr;
	bool opened; /* the volumes are known, and so are the mounts */
	struct mounts mounts;
	dev_t told[TOLD_MAX]; /* devices of fstab that need no second warning */
	size_t nr_told;
};

/* A line of fstab. */
struct entry {
	unsigned int line;
	const char *source;
	const char *point;
	const char *type;
	const char *options;
};

static bool is_one_of(const char *word, const char *list)
{
	size_t len = strlen(word);
	const char *s;

	for (s = list; len && (s = strstr(s, word)); s += len)
		if ((s == list || s[-1] == ' ') && (s[len] == ' ' || s[len] == '\0'))
			return true;
	return false;
}

/* Held in memory or by the kernel: nothing of it is on a disk. */
static bool is_virtual(const char *type)
{
	return is_one_of(type,
			 "proc sysfs tmpfs ramfs devtmpfs devpts mqueue hugetlbfs cgroup cgroup2 "
			 "debugfs tracefs securityfs configfs efivarfs bpf fusectl pstore autofs "
			 "binfmt_misc rpc_pipefs nsfs selinuxfs none rootfs overlay");
}

/* Served by somebody else: the host itself, or a network that it carries. */
static bool is_remote(const char *type)
{
	return is_one_of(type, "9p virtiofs vboxsf vmhgfs prl_fs nfs nfs4 cifs smb3 smbfs ceph "
			       "glusterfs afs ncpfs lustre gfs2 ocfs2 fuse.sshfs fuse.glusterfs "
			       "fuse.ceph fuse.s3fs fuse.rclone fuse.vmhgfs-fuse davfs");
}

/* Served by a program of the guest. */
static bool is_fuse(const char *type)
{
	return strcmp(type, "fuse") == 0 || strncmp(type, "fuse.", 5) == 0;
}

/* An option of a list with commas, with or without a value. */
static bool has_option(const char *options, const char *name)
{
	size_t len = strlen(name);
	const char *s;

	for (s = options; (s = strstr(s, name)); s += len)
		if ((s == options || s[-1] == ',') &&
		    (s[len] == ',' || s[len] == '=' || s[len] == '\0'))
			return true;
	return false;
}

static bool is_esp(const char *point)
{
	return strcmp(point, "/efi") == 0 || strcmp(point, "/boot/efi") == 0;
}

static bool is_mapping_of_ours(const struct storage *s, const char *path)
{
	size_t i;

	if (strncmp(path, PATH_DM_DIR "/", sizeof(PATH_DM_DIR)) != 0)
		return false;
	for (i = 0; i < s->conf->nr_volumes; i++)
		if (strcmp(path + sizeof(PATH_DM_DIR), s->conf->volumes[i].name) == 0)
			return true;
	return false;
}

/* UUID=, "UUID=..." and so on: the link that udev makes of it, or the path itself. */
static int device_path(const char *source, char path[static STORAGE_PATH_MAX])
{
	static const char *const kinds[][2] = {
		{ "UUID=", "by-uuid" },
		{ "LABEL=", "by-label" },
		{ "PARTUUID=", "by-partuuid" },
		{ "PARTLABEL=", "by-partlabel" },
		{ "ID=", "by-id" },
	};
	static const char safe[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"
				   "#+-.:=@_";
	const char *value = NULL;
	char end = '\0';
	size_t i;

	path[0] = '\0';
	for (i = 0; i < ARRAY_SIZE(kinds); i++)
		if (strncasecmp(source, kinds[i][0], strlen(kinds[i][0])) == 0) {
			value = source + strlen(kinds[i][0]);
			(void)snprintf(path, STORAGE_PATH_MAX, "%s/%s/", PATH_DEV_DISK,
				       kinds[i][1]); /* fits */
		}
	if (!value) {
		if (strncmp(source, PATH_DEV "/", sizeof(PATH_DEV)) != 0)
			return -EINVAL;
		text_append(path, STORAGE_PATH_MAX, "%s", source);
		return strcmp(path, source) == 0 ? 0 : -ENAMETOOLONG;
	}
	if (*value == '"' || *value == '\'')
		end = *value++;
	for (; *value != '\0' && !(*value == end && value[1] == '\0'); value++)
		text_append(path, STORAGE_PATH_MAX,
			    strchr(safe, *value) || *value & 0x80 ? "%c" : "\\x%02x",
			    (unsigned char)*value);
	return strlen(path) + 1 < STORAGE_PATH_MAX ? 0 : -ENAMETOOLONG;
}

/* The number of the device that a path leads to now; in a tree nodes are files. */
static int resolve(const struct storage *s, const char *path, dev_t *ret_dev)
{
	_cleanup_close_ int fd = root_open(s->root, path, O_PATH, 0);
	char self[64], target[PATH_MAX], number[NAME_MAX + sizeof(PATH_SYS_BLOCK) + 8];
	const char *name;
	struct stat st;
	ssize_t n;

	if (fd < 0)
		return fd;
	if (fstat(fd, &st) < 0)
		return -errno;
	if (s->root->machine) {
		if (!S_ISBLK(st.st_mode))
			return -ENOTBLK;
		*ret_dev = st.st_rdev;
		return 0;
	}
	(void)snprintf(self, sizeof(self), PATH_SELF_FD, fd); /* fits */
	n = readlink(self, target, sizeof(target) - 1);
	if (n < 0)
		return -errno;
	target[n] = '\0';
	name = strrchr(target, '/');
	if (!name || snprintf(number, sizeof(number), "%s%s/dev", PATH_SYS_BLOCK, name) >=
			     (int)sizeof(number))
		return -ENAMETOOLONG;
	return stack_read_dev(s->root, number, ret_dev);
}

/* A file of the device's directory in sysfs; -ENOENT where a device has none. */
static int read_attribute(const struct storage *s, dev_t dev, const char *name, char **ret_text)
{
	char path[128];
	ssize_t n;

	(void)snprintf(path, sizeof(path), PATH_SYS_DEV_BLOCK "/%u:%u/%s", major(dev), minor(dev),
		       name); /* fits */
	n = root_read_text(s->root, path, PATH_MAX, ret_text);
	if (n < 0)
		return (int)n;
	if (n > 0 && (*ret_text)[n - 1] == '\n')
		(*ret_text)[n - 1] = '\0';
	return 0;
}

static int is_ours(const struct storage *s, dev_t dev, unsigned int depth);

/* The mount that a path is on now. */
static const struct mount *mount_of(const struct storage *s, const char *path)
{
	static const struct mount none = { .id = UINT64_MAX };

	return mounts_holding(&s->mounts, path, &none);
}

static int mount_is_ours(const struct storage *s, const struct mount *m, unsigned int depth)
{
	const struct mount *top = mounts_on(&s->mounts, "/");
	dev_t dev;
	int r;

	if (is_remote(m->type))
		return 0;
	if (major(m->dev) != 0)
		return is_ours(s, m->dev, depth);
	/* The root's file system was proved in the initramfs. */
	if (is_virtual(m->type) || is_fuse(m->type) || (top && m->dev == top->dev))
		return 1;
	/* btrfs, zfs and the like: no number of a device, and a source that is only a hint. */
	r = strncmp(m->source, PATH_DEV "/", sizeof(PATH_DEV)) == 0 ? resolve(s, m->source, &dev) :
								      -EMEDIUMTYPE;
	return r < 0 ? r : is_ours(s, dev, depth);
}

static int file_is_ours(const struct storage *s, const char *path, unsigned int depth)
{
	const struct mount *m = mount_of(s, path);

	return m ? mount_is_ours(s, m, depth) : -ENOENT;
}

/* True (1) if all of the device is on the volumes, in the guest's memory, or behind a key that
 * this boot has drawn: nothing of it can come from the host. */
static int is_ours(const struct storage *s, dev_t dev, unsigned int depth)
{
	_cleanup_free_ char *file = NULL, *backing = NULL, *uuid = NULL;
	unsigned int used = 0;
	int r;

	if (depth == 0)
		return -ELOOP;
	r = stack_is_ours(s->root, dev, s->volumes, s->nr, &used);
	if (r != 0)
		return r;
	/* libcryptsetup's name of a plain mapping: it has no header that could name a cipher. */
	r = read_attribute(s, dev, "dm/uuid", &uuid);
	if (r >= 0 && strncmp(uuid, "CRYPT-PLAIN-", 12) == 0)
		return 1;
	if (r < 0 && r != -ENOENT)
		return r;
	r = read_attribute(s, dev, "loop/backing_file", &file);
	if (r >= 0)
		return file_is_ours(s, file, depth - 1);
	if (r != -ENOENT)
		return r;
	/* zram: memory, unless it has a device to write to. */
	r = read_attribute(s, dev, "comp_algorithm", &backing);
	if (r < 0)
		return r == -ENOENT ? 0 : r;
	util_freep(&backing);
	backing = NULL;
	r = read_attribute(s, dev, "backing_dev", &backing);
	if (r < 0)
		return r == -ENOENT ? 1 : r;
	return strcmp(backing, "none") == 0;
}

static bool is_told(const struct storage *s, dev_t dev)
{
	size_t i;

	for (i = 0; i < s->nr_told; i++)
		if (s->told[i] == dev)
			return true;
	return false;
}

static void tell_once(struct storage *s, dev_t dev)
{
	if (s->nr_told < TOLD_MAX)
		s->told[s->nr_told++] = dev;
}

/* What an entry that is not on our volumes means, and what to do. */
static const char *advice(const char *point, const char *type)
{
	if (strcmp(type, "swap") == 0)
		return "the guest's memory goes there in clear; put it on a volume of cocotab, or behind a random key in crypttab (plain,swap)";
	if (is_esp(point))
		return "it is plain and the host's, so nothing on it may be believed; mount it with noauto, or as vfat with nosuid,nodev,noexec";
	if (strcmp(point, "/boot") == 0)
		return "it is plain and the host's: only what the launch measures counts; mount it with noauto, or keep /boot on a volume";
	return "the host decides what is in it; put it on a volume of cocotab and name it by " PATH_DM_DIR
	       "/NAME";
}

static void warn_entry(const struct storage *s, const struct entry *e, const char *where)
{
	warning_say(s->sink, "fstab", "%s:%u: %s (%s) %s; %s", PATH_FSTAB, e->line,
		    strcmp(e->type, "swap") == 0 ? "swap" : e->point, e->source, where,
		    advice(e->point, e->type));
}

/* vfat has no device nodes and no setuid; with these options nothing on it is run, either. */
static bool is_harmless_esp(const struct entry *e)
{
	return is_esp(e->point) && strcmp(e->type, "vfat") == 0 &&
	       has_option(e->options, "nosuid") && has_option(e->options, "nodev") &&
	       has_option(e->options, "noexec");
}

static void look_at_file(const struct storage *s, const struct entry *e)
{
	int r = s->opened ? file_is_ours(s, e->source, LOOP_DEPTH_MAX) : 1;

	if (r < 0)
		warning_say(s->sink, "fstab",
			    "%s:%u: cannot find out where %s is: %s; put it on a volume of cocotab",
			    PATH_FSTAB, e->line, e->source, strerror(-r));
	else if (r == 0)
		warn_entry(s, e, "is a file that is not on a volume that was opened");
}

static void look_at_device(struct storage *s, const struct entry *e)
{
	char path[STORAGE_PATH_MAX];
	bool named;
	dev_t dev = 0;
	int r;

	r = device_path(e->source, path);
	named = r >= 0 && is_mapping_of_ours(s, path);
	if (r >= 0)
		r = resolve(s, path, &dev);
	if (r == -ENOENT || r == -ENODEV) {
		/* What has the name of a volume can only be that volume. */
		if (!named)
			warn_entry(s, e, "is not there now, so that the host can bring it");
		return;
	}
	if (r >= 0 && named && !s->opened)
		return;
	if (r >= 0)
		r = is_ours(s, dev, LOOP_DEPTH_MAX);
	if (r < 0) {
		warning_say(s->sink, "fstab",
			    "%s:%u: cannot find out what %s is made of: %s; name it by " PATH_DM_DIR
			    "/NAME of a volume of cocotab",
			    PATH_FSTAB, e->line, e->source, strerror(-r));
		return;
	}
	if (r == 0) {
		tell_once(s, dev);
		if (!is_harmless_esp(e))
			warn_entry(s, e,
				   s->opened ?
					   "is not on a volume that was opened" :
					   "is not known to be on a volume: nothing was opened in this boot");
	} else if (has_option(e->options, "x-systemd.growfs")) {
		warning_say(s->sink, "fstab",
			    "%s:%u: x-systemd.growfs of %s has systemd read the LUKS header on the disk, which nobody has judged then; grow it by hand",
			    PATH_FSTAB, e->line, e->point);
	}
}

static void look_at_entry(struct storage *s, const struct entry *e)
{
	if (has_option(e->options, "noauto") && !has_option(e->options, "x-systemd.automount"))
		return;
	if (is_remote(e->type)) {
		warn_entry(s, e, "is served by the host or over its network");
		return;
	}
	if (has_option(e->options, "bind") || has_option(e->options, "rbind"))
		return; /* what is bound is mounted elsewhere */
	if (strncmp(e->source, PATH_DEV "/", sizeof(PATH_DEV)) != 0 && is_virtual(e->type))
		return;
	if (*e->source == '/' && strncmp(e->source, PATH_DEV "/", sizeof(PATH_DEV)) != 0)
		look_at_file(s, e);
	else if (strchr(e->source, '=') || *e->source == '/')
		look_at_device(s, e);
	else
		warn_entry(s, e, "is of a kind that cannot be followed to its disks");
}

/* Reads a file whose lines have words, and hands each line on. */
static void for_lines(struct storage *s, const char *path, const char *what,
		      void (*look)(struct storage *s, unsigned int nr, char *line))
{
	_cleanup_free_ char *text = NULL;
	char *line, *next;
	unsigned int nr = 0;
	ssize_t n;

	n = root_read_text(s->root, path, STORAGE_FILE_MAX, &text);
	if (n == -ENOENT)
		return;
	if (n < 0) {
		warning_say(s->sink, what,
			    "%s cannot be read: %s; see that nothing in it is on a disk outside the volumes",
			    path, strerror((int)-n));
		return;
	}
	for (line = text; line; line = next) {
		next = strchr(line, '\n');
		if (next)
			*next++ = '\0';
		nr++;
		line += strspn(line, " \t\r");
		if (*line != '\0' && *line != '#')
			look(s, nr, line);
	}
}

static void look_at_fstab_line(struct storage *s, unsigned int nr, char *line)
{
	char *source = text_word(&line, " \t\r"), *point = text_word(&line, " \t\r");
	char *type = text_word(&line, " \t\r"), *options = text_word(&line, " \t\r");

	if (!type) {
		warning_say(s->sink, "fstab",
			    "%s:%u: cannot be read: a line has a source, a place and a type; correct it",
			    PATH_FSTAB, nr);
		return;
	}
	mounts_unescape(source);
	mounts_unescape(point);
	look_at_entry(s, &(struct entry){ .line = nr,
					  .source = source,
					  .point = point,
					  .type = type,
					  .options = options ? options : "" });
}

/* Behind a random key, without a header: what the host puts there is noise. */
static bool is_random_plain(const char *key, const char *options)
{
	return (strcmp(key, PATH_DEV "/urandom") == 0 || strcmp(key, PATH_DEV "/random") == 0 ||
		strcmp(key, PATH_DEV "/hwrng") == 0) &&
	       (has_option(options, "plain") || has_option(options, "swap") ||
		has_option(options, "tmp"));
}

static void look_at_crypttab_line(struct storage *s, unsigned int nr, char *line)
{
	char *name = text_word(&line, " \t\r"), *source = text_word(&line, " \t\r");
	char *key = text_word(&line, " \t\r"), *options = text_word(&line, " \t\r");
	char path[STORAGE_PATH_MAX];
	dev_t dev = 0;
	int r;

	if (!source) {
		warning_say(s->sink, "crypttab",
			    "%s:%u: cannot be read: a line has a name and a device; correct it",
			    PATH_CRYPTTAB, nr);
		return;
	}
	options = options ? options : line + strlen(line);
	if (has_option(options, "noauto") || is_random_plain(key ? key : "", options))
		return;
	mounts_unescape(source);
	r = device_path(source, path);
	if (r >= 0)
		r = resolve(s, path, &dev);
	if (r >= 0)
		r = is_ours(s, dev, LOOP_DEPTH_MAX);
	/* Inside one of our volumes the header is not the host's. */
	if (r > 0)
		return;
	warning_say(s->sink, "crypttab",
		    "%s:%u: '%s' (%s) is opened by a header that nobody judges, and the host writes it; put it into cocotab instead",
		    PATH_CRYPTTAB, nr, name, source);
}

static void look_at_swap(struct storage *s, unsigned int nr, char *line)
{
	char *path = text_word(&line, " \t");
	dev_t dev = 0;
	int r;

	if (nr == 1 && path && strcmp(path, "Filename") == 0)
		return;
	if (!path) {
		warning_say(s->sink, "swap", "%s:%u: cannot be read", PATH_SWAPS, nr);
		return;
	}
	mounts_unescape(path);
	if (strncmp(path, PATH_DEV "/", sizeof(PATH_DEV)) == 0) {
		r = resolve(s, path, &dev);
		if (r >= 0 && is_told(s, dev))
			return;
		if (r >= 0)
			r = is_ours(s, dev, LOOP_DEPTH_MAX);
	} else {
		r = file_is_ours(s, path, LOOP_DEPTH_MAX);
	}
	if (r < 0)
		warning_say(s->sink, "swap",
			    "cannot find out what the swap area %s is made of: %s; swapoff it if it is not on a volume",
			    path, strerror(-r));
	else if (r == 0)
		warning_say(s->sink, "swap",
			    "swap is in use on %s, which is not %s: the guest's memory goes there in clear; swapoff %s, and put it on a volume of cocotab",
			    path,
			    s->opened ? "on a volume that was opened" : "known to be on a volume",
			    path);
}

static void look_at_mount(struct storage *s, const struct mount *m)
{
	int r = mount_is_ours(s, m, LOOP_DEPTH_MAX);

	if (r > 0 || is_told(s, m->dev))
		return;
	tell_once(s, m->dev);
	if (r < 0)
		warning_say(s->sink, "mount",
			    "cannot find out what %s (%s, %s) is on: %s; put it on a volume of cocotab",
			    m->point, m->type, m->source, strerror(-r));
	else
		warning_say(s->sink, "mount",
			    "%s (%s) is mounted from %s, which is not on a volume that was opened; %s",
			    m->point, m->type, m->source, advice(m->point, m->type));
}

/* What was opened, and the mounts; where that is not known, why. */
static void begin(struct storage *s)
{
	int r = opened_read(s->root, s->volumes, CONF_VOLUMES_MAX, &s->nr);

	if (r == -ENOENT) {
		if (s->root->machine)
			warning_say(s->sink, "volumes",
				    "nothing was opened in this boot (%s), so what lies on a volume is unknown; check again after a boot with coco-unlock",
				    PATH_OPENED);
		return;
	}
	if (r < 0) {
		s->nr = 0;
		warning_say(s->sink, "volumes",
			    "%s cannot be read: %s; what lies on a volume is unknown, boot again",
			    PATH_OPENED, strerror(-r));
		return;
	}
	r = mounts_read(s->root, &s->mounts);
	if (r < 0 && (s->root->machine || r != -ENOENT))
		warning_say(s->sink, "mount",
			    "%s cannot be read: %s; see that nothing is mounted from outside the volumes",
			    PATH_MOUNTINFO, strerror(-r));
	s->opened = true;
}

void storage_look(const struct root *root, const struct conf *conf, const struct warning_sink *sink)
{
	_cleanup_free_ struct storage *s = calloc(1, sizeof(*s));
	size_t i;

	if (!s) {
		warning_say(sink, "storage",
			    "no memory to look at fstab, crypttab, swap and mounts; check again");
		return;
	}
	s->root = root;
	s->conf = conf;
	s->sink = sink;
	begin(s);
	for_lines(s, PATH_FSTAB, "fstab", look_at_fstab_line);
	for_lines(s, PATH_CRYPTTAB, "crypttab", look_at_crypttab_line);
	for_lines(s, PATH_SWAPS, "swap", look_at_swap);
	for (i = 0; s->opened && i < s->mounts.nr; i++)
		look_at_mount(s, &s->mounts.list[i]);
	mounts_done(&s->mounts);
}
