/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * fsmount.c - mounts by the calls of Linux 5.2, which take options one by one and give reasons.
 * Trusts the configuration. Does not trust what lies on the device: it is the volume's, but the
 * host can have damaged it, so that this is done in a process of its own.
 */
#include "init/fsmount.h"

#include <fcntl.h>
#include <linux/btrfs.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mount.h>

#include "base/paths.h"

#define REASON_SIZE 256

/* mount_setattr(2): attributes of the mount, which the file system does not see. */
static const struct {
	const char *word;
	unsigned int set;
} attributes[] = {
	{ "nosuid", MOUNT_ATTR_NOSUID },	 { "nodev", MOUNT_ATTR_NODEV },
	{ "noexec", MOUNT_ATTR_NOEXEC },	 { "noatime", MOUNT_ATTR_NOATIME },
	{ "nodiratime", MOUNT_ATTR_NODIRATIME }, { "strictatime", MOUNT_ATTR_STRICTATIME },
	{ "relatime", MOUNT_ATTR_RELATIME },
};

/* The kernel's reasons are messages of "e TEXT", one for each read. */
static void add_reason(int fs, char reason[static REASON_SIZE])
{
	char text[REASON_SIZE - 4];
	ssize_t n;

	while ((n = read(fs, text, sizeof(text) - 1)) > 0) {
		text[n] = '\0';
		text[strcspn(text, "\n")] = '\0';
		if (strncmp(text, "e ", 2) == 0) {
			(void)snprintf(reason, REASON_SIZE, " (%s)", text + 2);
			return;
		}
	}
}

/* What of the configuration to correct, which all stands in Usr= for /usr. */
static void advise(const char *setting, const char *point, const char *else_what, char *buf,
		   size_t size)
{
	(void)snprintf(buf, size, "correct %s in coco-unlock.conf, and build the initramfs again%s",
		       strcmp(point, PATH_SYSROOT) == 0 ? setting : "Usr=", else_what); /* fits */
}

static int refuse(int fs, const char *next, const char *what, const char *word, const char *point,
		  struct fault *f)
{
	const char *in_root = point + strlen(PATH_SYSROOT);
	char reason[REASON_SIZE] = "";
	int r = -errno;

	if (fs >= 0)
		add_reason(fs, reason);
	return fault_advise(f, EXITCODE_ABORTED, -r, next, "cannot mount %s: %s%s: %s%s",
			    *in_root ? in_root : "/", what, word, strerror(-r), reason);
}

#define NEXT_SIZE 256

static int refuse_setting(int fs, const char *setting, const char *what, const char *word,
			  const char *point, struct fault *f)
{
	char next[NEXT_SIZE];
	int error = errno;

	advise(setting, point, "", next, sizeof(next));
	errno = error;
	return refuse(fs, next, what, word, point, f);
}

/* The kernel has looked at the device, and made nothing of it. */
static int refuse_content(const struct root *root, int fs, const char *device, const char *point,
			  struct fault *f)
{
	char next[NEXT_SIZE];
	int error = errno;

	/* btrfs says the same of a subvolume, or of another of its devices. */
	if (error == ENOENT && root_exists(root, device) == 0) {
		errno = error;
		return refuse_setting(fs, "Device=", "there is no ", device, point, f);
	}
	advise("Type= or Options=", point,
	       "; if both are right, the file system is damaged or a part of it is missing: open the "
	       "volume on another machine, and check it there",
	       next, sizeof(next));
	errno = error;
	return refuse(fs, next, "there is no such file system on ", device, point, f);
}

static bool is_for_others(const char *word)
{
	return strcmp(word, "defaults") == 0 || strcmp(word, "auto") == 0 ||
	       strcmp(word, "noauto") == 0 || strcmp(word, "nofail") == 0 ||
	       strncmp(word, "x-", 2) == 0;
}

/* One option: an attribute of the mount, or the file system's. Returns 0 or -1 with errno. */
static int take_option(int fs, char *word, unsigned int *attr, bool *rw)
{
	char *value = strchr(word, '=');
	size_t i;

	*rw = strcmp(word, "rw") == 0 || (*rw && strcmp(word, "ro") != 0);
	if (is_for_others(word) || strcmp(word, "rw") == 0 || strcmp(word, "ro") == 0)
		return 0;
	for (i = 0; i < ARRAY_SIZE(attributes); i++) {
		if (strcmp(word, attributes[i].word) != 0)
			continue;
		*attr |= attributes[i].set;
		return 0;
	}
	if (!value)
		return fsconfig(fs, FSCONFIG_SET_FLAG, word, NULL, 0);
	*value = '\0';
	return fsconfig(fs, FSCONFIG_SET_STRING, word, value + 1, 0);
}

int fsmount_at(const struct root *root, const struct mount_conf *mc, const char *device,
	       const char *point, struct fault *f)
{
	_cleanup_close_ int fs = fsopen(mc->type, FSOPEN_CLOEXEC), mnt = -EBADF, dir = -EBADF;
	char options[CONF_OPTIONS_SIZE], *cursor = options, *word;
	unsigned int attr = 0;
	bool rw = false;

	if (fs < 0)
		return refuse_setting(-1, "Type=", "the kernel has no file system ", mc->type,
				      point, f);
	if (fsconfig(fs, FSCONFIG_SET_STRING, "source", device, 0) < 0)
		return refuse_setting(fs, "Device=", "the device ", device, point, f);
	memcpy(options, mc->options, sizeof(options));
	while ((word = text_word(&cursor, ",")))
		if (take_option(fs, word, &attr, &rw) < 0)
			return refuse_setting(fs, "Options=", "the option ", word, point, f);
	if (!rw)
		attr |= MOUNT_ATTR_RDONLY;
	if (fsconfig(fs, FSCONFIG_SET_FLAG, rw ? "rw" : "ro", NULL, 0) < 0)
		return refuse_setting(fs, "Options=", "the option ", rw ? "rw" : "ro", point, f);
	if (fsconfig(fs, FSCONFIG_CMD_CREATE, NULL, NULL, 0) < 0)
		return refuse_content(root, fs, device, point, f);
	mnt = fsmount(fs, FSMOUNT_CLOEXEC, attr);
	if (mnt < 0)
		return refuse(fs, FAULT_REPORT, "attributes", "", point, f);
	dir = root_open(root, point, O_PATH | O_DIRECTORY | O_NOFOLLOW, 0);
	if (dir < 0) {
		errno = -dir;
		return refuse(-1, "make this directory in the root", "there is no directory ",
			      point, point, f);
	}
	if (move_mount(mnt, "", dir, "", MOVE_MOUNT_F_EMPTY_PATH | MOVE_MOUNT_T_EMPTY_PATH) < 0)
		return refuse(-1, FAULT_REPORT, "on ", point, point, f);
	return 0;
}

int fsmount_scan_btrfs(const struct root *root, const struct conf *conf, struct fault *f)
{
	_cleanup_close_ int control = root_open(root, PATH_BTRFS_CONTROL, O_RDWR, 0);
	struct btrfs_ioctl_vol_args args = { 0 };
	size_t i;

	if (control == -ENOENT)
		return 0;
	if (control < 0)
		return fault_advise(f, EXITCODE_ABORTED, -control, FAULT_REPORT, "%s: %s",
				    PATH_BTRFS_CONTROL, strerror(-control));
	for (i = 0; i < conf->nr_volumes; i++) {
		(void)snprintf(args.name, sizeof(args.name), "%s/%s", PATH_DM_DIR,
			       conf->volumes[i].name); /* fits */
		/* EINVAL: no btrfs is on this one. */
		if (ioctl(control, BTRFS_IOC_SCAN_DEV, &args) < 0 && errno != EINVAL)
			return fault_advise(f, EXITCODE_ABORTED, errno, FAULT_REPORT,
					    "cannot show %s to btrfs: %s", args.name,
					    strerror(errno));
	}
	return 0;
}
