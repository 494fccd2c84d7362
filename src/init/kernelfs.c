/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * kernelfs.c - mounts the kernel's own file systems, with the options that systemd gives them: it
 * takes over what is there.
 * Trusts the kernel; may not touch a disk.
 */
#include "init/kernelfs.h"

#include <fcntl.h>
#include <string.h>
#include <sys/mount.h>

#include "base/modules.h"
#include "base/paths.h"

static const struct {
	const char *type;
	const char *point;
	unsigned long flags;
	const char *options;
} mounts[] = {
	{ "proc", PATH_PROC, MS_NOSUID | MS_NODEV | MS_NOEXEC, NULL },
	{ "sysfs", PATH_SYS, MS_NOSUID | MS_NODEV | MS_NOEXEC, NULL },
	{ "devtmpfs", PATH_DEV, MS_NOSUID | MS_STRICTATIME, "mode=0755" },
	{ "tmpfs", PATH_RUN, MS_NOSUID | MS_NODEV | MS_STRICTATIME, "mode=0755,size=20%" },
};

int kernelfs_mount(struct fault *f)
{
	size_t i;

	for (i = 0; i < ARRAY_SIZE(mounts); i++)
		if (mount(mounts[i].type, mounts[i].point, mounts[i].type, mounts[i].flags,
			  mounts[i].options) < 0)
			return fault_errno(f, EXITCODE_INTERNAL, -errno, "cannot mount %s",
					   mounts[i].point);
	return 0;
}

int kernelfs_mount_efivars(const struct root *root, struct fault *f)
{
	int r = root_exists(root, PATH_EFIVARS);

	if (r == 0)
		return 0;
	if (r > 0) {
		(void)module_load("efivarfs", NULL); /* the mount says whether it is there */
		r = mount("efivarfs", PATH_EFIVARS, "efivarfs", MS_NOSUID | MS_NODEV | MS_NOEXEC,
			  NULL) < 0 ?
			    -errno :
			    0;
	}
	/* ENODEV: a kernel without it; EOPNOTSUPP: a firmware without variables. Then the root's
	 * systemd reads none, either: the image has the module if the kernel's files have it. */
	if (r == -ENODEV || r == -EOPNOTSUPP)
		return 0;
	return r < 0 ? fault_errno(f, EXITCODE_COMMAND_LINE, r,
				   "cannot see whether there is an EFI variable SystemdOptions") :
		       0;
}

int kernelfs_can_move(const struct root *root, struct fault *f)
{
	char path[64];
	size_t i;

	for (i = 0; i < ARRAY_SIZE(mounts); i++) {
		_cleanup_close_ int fd = -EBADF;

		(void)snprintf(path, sizeof(path), "%s%s", PATH_SYSROOT,
			       mounts[i].point); /* fits */
		fd = root_open(root, path, O_PATH | O_DIRECTORY | O_NOFOLLOW, 0);
		if (fd < 0)
			return fault_advise(f, EXITCODE_ABORTED, -fd,
					    "make this directory in the root",
					    "the root has no directory %s: %s", mounts[i].point,
					    strerror(-fd));
	}
	return 0;
}

/* To its place in the root, or back. Returns 0 or -errno. */
static int move(const char *point, bool back)
{
	char path[64];

	(void)snprintf(path, sizeof(path), "%s%s", PATH_SYSROOT, point); /* fits */
	return mount(back ? path : point, back ? point : path, NULL, MS_MOVE, NULL) < 0 ? -errno :
											  0;
}

int kernelfs_move(struct fault *f)
{
	size_t i;
	int r;

	for (i = 0; i < ARRAY_SIZE(mounts); i++) {
		r = move(mounts[i].point, false);
		if (r >= 0)
			continue;
		(void)fault_advise(f, EXITCODE_ABORTED, -r, FAULT_REPORT,
				   "cannot move %s to the root: %s", mounts[i].point, strerror(-r));
		while (i-- > 0)
			(void)move(mounts[i].point, true); /* the refusal comes in any case */
		return r;
	}
	return 0;
}
