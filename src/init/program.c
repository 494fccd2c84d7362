/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * program.c - runs e2fsck and LVM, each in a process without a secret, and waits for it.
 * Trusts the programs of the image; what they read is on an opened volume.
 */
#include "init/program.h"

#include <signal.h>
#include <string.h>

#include "base/child.h"
#include "base/paths.h"
#include "boot/lvmfilter.h"

#define LVM_CONFIG_SIZE (LVMFILTER_SIZE + 160)
#define NEXT_LVM                                                                                 \
	"read LVM's own words in the lines above; all parts of the volume group have to lie on " \
	"volumes of cocotab"

static int execute(void *arg)
{
	char path[] = "PATH=/usr/sbin:/usr/bin:/sbin:/bin", *envp[] = { path, NULL };
	char **argv = arg;
	sigset_t none;

	sigemptyset(&none);
	(void)sigprocmask(SIG_SETMASK, &none, NULL); /* cannot fail with these arguments */
	(void)execve(argv[0], argv, envp);
	return 127; /* as a shell says it */
}

/* Returns the program's exit code, or -errno with f. */
static int run(char **argv, struct deadline deadline, struct fault *f)
{
	struct child child;
	int r;

	r = child_start(&child, execute, argv);
	if (r < 0)
		return fault_errno(f, EXITCODE_NO_MEMORY, r, "no process for %s", argv[0]);
	child_wait(&child, 1, deadline);
	if (child.status >= 0 && child.status != 127)
		return child.status;
	if (child.status == 127)
		return fault_advise(f, EXITCODE_ABORTED, ENOEXEC, "build the initramfs again",
				    "%s cannot be run", argv[0]);
	if (deadline_left_ms(deadline) == 0)
		return fault_advise(f, EXITCODE_ABORTED, ETIMEDOUT, FAULT_ROOT_TIMEOUT,
				    "%s is still at work", argv[0]);
	return fault_advise(f, EXITCODE_ABORTED, ECHILD, FAULT_KILLED, "%s was killed", argv[0]);
}

/* e2fsck(8): 1: corrected, 2: corrected, and to be started again if it was mounted; a larger
 * number: errors are left, or it could not do it. */
int program_fsck(const char *device, struct deadline deadline, struct fault *f)
{
	char program[] = PATH_E2FSCK, preen[] = "-p", path[CONF_DEVICE_SIZE];
	char *argv[] = { program, preen, path, NULL };
	int r;

	(void)snprintf(path, sizeof(path), "%s", device); /* fits: conf.h */
	r = run(argv, deadline, f);
	if (r < 0)
		return r;
	if (r > 3)
		return fault_advise(
			f, EXITCODE_ABORTED, EUCLEAN,
			"open the volume on another machine, and repair the file system there: it "
			"is ext4 with damage about which e2fsck asks, or no ext4",
			"e2fsck could not repair the file system on %s (exit code %d)", device, r);
	return 0;
}

/*
 * lvmautoactivation(7): files under /run/lvm say which groups are complete, and so active. Without
 * them the root's udev would activate a group once more, and meet a disk of the host by the same
 * name. This is the command of LVM's own rule for udev.
 */
static int record_groups(const struct conf *conf, char *text, struct deadline deadline,
			 struct fault *f)
{
	char program[] = PATH_LVM, verb[] = "pvscan", cache[] = "--cache", list[] = "--listvg",
	     complete[] = "--checkcomplete", online[] = "--vgonline", config[] = "--config",
	     device[sizeof(PATH_DM_DIR) + CONF_NAME_SIZE];
	char *argv[] = { program, verb, cache, list, complete, online, config, text, device, NULL };
	size_t i;
	int r = 0;

	for (i = 0; i < conf->nr_volumes && r == 0; i++) {
		(void)snprintf(device, sizeof(device), "%s/%s", PATH_DM_DIR,
			       conf->volumes[i].name); /* fits */
		r = run(argv, deadline, f);	       /* 0, too, if LVM is not on this one */
	}
	if (r > 0)
		return fault_advise(f, EXITCODE_ABORTED, EIO, NEXT_LVM,
				    "LVM cannot record that %s is in use (exit code %d)", device,
				    r);
	return r;
}

int program_lvm(const struct conf *conf, struct deadline deadline, struct fault *f)
{
	char program[] = PATH_LVM, verb[] = "vgchange", activate[] = "-aay",
	     sysinit[] = "--sysinit", config[] = "--config", text[LVM_CONFIG_SIZE],
	     filter[LVMFILTER_SIZE];
	char *argv[] = { program, verb, activate, sysinit, config, text, NULL };
	int r;

	if (lvmfilter_value(conf, filter) < 0)
		return fault_set(f, EXITCODE_CONFIG, EINVAL,
				 "a volume lies on LVM itself, so that LVM would look at all disks");
	/* lvm.conf(5): no udev is there to make nodes and links. */
	(void)snprintf(text, sizeof(text),
		       "devices { global_filter = %s use_devicesfile = 0 } "
		       "activation { udev_sync = 0 udev_rules = 0 } backup { backup = 0 archive = 0 }",
		       filter); /* fits */
	r = run(argv, deadline, f);
	if (r > 0)
		return fault_advise(f, EXITCODE_ABORTED, EIO, NEXT_LVM,
				    "LVM cannot activate what lies on the volumes (exit code %d)",
				    r);
	return r < 0 ? r : record_groups(conf, text, deadline, f);
}
