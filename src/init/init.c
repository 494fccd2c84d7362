/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * init.c - the order in which an initramfs of our own does its work; read this after unlock.c.
 *
 *   kernelfs, settings   what the kernel shows; nothing of the host's is obeyed meanwhile
 *   step_unlock          as in systemd's initramfs: drivers, secrets, volumes
 *   links, LVM           what names the devices, and what lies on the volumes
 *   fsck, mount          the root, as the configuration says
 *   step_look            is it what was opened?
 *   mount                /usr, which is then looked at with all the rest
 *   step_look            the second look
 *   records              for the root's udev
 *   handover             into the root
 *
 * All but the first line and the last is done by a child: PID 1 must not crash, or the kernel
 * panics, which ends the machine, too, but without a word. PID 1 waits, has the last deadline, and
 * says why when the child cannot.
 */
#include "init/init.h"

#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>

#include "base/child.h"
#include "base/io.h"
#include "base/log.h"
#include "base/paths.h"
#include "boot/step.h"
#include "conf/rootsection.h"
#include "init/fsmount.h"
#include "init/handover.h"
#include "init/kernelfs.h"
#include "init/program.h"
#include "init/settings.h"
#include "init/udevdb.h"

/* Looks and refusals have limits of their own; together they are shorter than this. */
#define WORK_GRACE_MS 180000

/* One mount. */
struct mounting {
	const struct root *root;
	const struct conf *conf;
	const struct mount_conf *mc;
	const char *device;
	const char *point;
};

static int mount_now(void *arg, struct fault *f)
{
	const struct mounting *m = arg;
	int r = fsmount_scan_btrfs(m->root, m->conf, f);

	return r < 0 ? r : fsmount_at(m->root, m->mc, m->device, m->point, f);
}

static int mount_in_time(struct mounting *m, struct deadline deadline, struct fault *f)
{
	int result, r;

	r = child_call(mount_now, m, deadline, &result, f);
	switch (r) {
	case 0:
		return result;
	case -ETIMEDOUT:
		return fault_advise(f, EXITCODE_ABORTED, ETIMEDOUT, FAULT_ROOT_TIMEOUT,
				    "%s is still being mounted", m->point);
	case -ECHILD:
	case -EPROTO:
		return fault_advise(f, EXITCODE_ABORTED, ECHILD, FAULT_KILLED,
				    "the process that mounts %s %s", m->point,
				    r == -ECHILD ? "was killed" : "has failed");
	default:
		return fault_errno(f, EXITCODE_NO_MEMORY, r, "no process to mount %s", m->point);
	}
}

static int mount_one(const struct root *root, const struct conf *conf, const struct mount_conf *mc,
		     const char *device, const char *point, const char *checked,
		     struct deadline deadline, struct fault *f)
{
	struct mounting m = {
		.root = root, .conf = conf, .mc = mc, .device = device, .point = point
	};
	int r;

	if (conf->fsck) {
		r = program_fsck(device, deadline, f);
		if (r < 0)
			return r;
		r = root_replace_text(root, checked, "", 0644);
		if (r < 0)
			return fault_advise(f, EXITCODE_ABORTED, -r, FAULT_KILLED,
					    "cannot write %s: %s", checked, strerror(-r));
	}
	return mount_in_time(&m, deadline, f);
}

/* From the open volumes to the mounted root. */
static int mount_root(const struct root *root, const struct conf *conf, struct deadline deadline,
		      struct fault *f)
{
	char device[CONF_DEVICE_SIZE];
	int r;

	rootsection_device(conf, device);
	r = udevdb_link(root, f);
	if (r >= 0 && rootsection_wants_lvm(conf)) {
		r = program_lvm(conf, deadline, f);
		if (r >= 0)
			r = udevdb_link(root, f);
	}
	if (r < 0)
		return r;
	return mount_one(root, conf, &conf->root, device, PATH_SYSROOT, PATH_FSCK_ROOT, deadline,
			 f);
}

struct work {
	const struct root *root;
	const struct conf *conf;
	bool *ready; /* shared with PID 1: to end well is not enough, a library may do that */
};

/* Each step ends the machine if it fails; what follows is never reached then. */
static int work(void *arg)
{
	const struct work *w = arg;
	const struct root *root = w->root;
	const struct conf *conf = w->conf;
	struct deadline deadline;
	struct fault f = { 0 };
	int r;

	if (kernelfs_mount_efivars(root, &f) < 0)
		return step_abort(root, &f);
	r = step_unlock(root);
	if (r != EXITCODE_OK)
		return r;
	deadline = deadline_in_ms(conf->root_timeout_ms);
	if (mount_root(root, conf, deadline, &f) < 0)
		return step_abort(root, &f);
	r = step_look(root, verify_root,
		      "root: it is on what was opened, and nothing else claims it");
	if (r != EXITCODE_OK)
		return r;
	if (*conf->usr.device && mount_one(root, conf, &conf->usr, conf->usr.device,
					   PATH_SYSROOT_USR, PATH_FSCK_USR, deadline, &f) < 0)
		return step_abort(root, &f);
	r = step_look(root, verify_mounts,
		      "mounts: all are on what was opened, nothing else claims it");
	if (r != EXITCODE_OK)
		return r;
	if (udevdb_write(root, &f) < 0)
		return step_abort(root, &f);
	*w->ready = true;
	return EXITCODE_OK;
}

/* A rescue that follows a failure of unlock, and one of a look: each has its whole time. A try that
 * begins when the first one's is almost over has its own. */
static uint64_t work_limit_ms(const struct conf *conf)
{
	uint64_t ms = conf->timeout_ms + conf->root_timeout_ms + WORK_GRACE_MS;

	return conf_rescues(conf) ? ms + 2 * conf->rescue.timeout_ms + conf->timeout_ms : ms;
}

/* Waits for the child that works; true if the root is ready. */
static bool wait_for(struct child *child, const struct work *w, struct fault *f)
{
	struct deadline deadline = deadline_in_ms(work_limit_ms(w->conf));

	child_wait(child, 1, deadline);
	while (waitpid(-1, NULL, WNOHANG) > 0)
		; /* what others have left is ours */
	if (child->status == EXITCODE_OK && *w->ready)
		return true;
	if (child->status < 0 && deadline_left_ms(deadline) == 0)
		(void)fault_set(f, EXITCODE_DEADLINE, ETIMEDOUT,
				"the time is over, and the root is not ready");
	else
		(void)fault_set(f, EXITCODE_INTERNAL, ECHILD,
				"the process that unlocks and mounts %s",
				child->status < 0 ? "was killed" : "has failed");
	return false;
}

/* True if the root is ready. */
static bool work_in_time(const struct root *root, const struct conf *conf, struct fault *f)
{
	struct work w = { .root = root, .conf = conf };
	struct child child;
	int r;

	w.ready = mmap(NULL, sizeof(*w.ready), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS,
		       -1, 0);
	if (w.ready == MAP_FAILED) {
		(void)fault_set(f, EXITCODE_NO_MEMORY, ENOMEM, "no memory to unlock with");
		return false;
	}
	r = child_start(&child, work, &w);
	if (r < 0)
		(void)fault_errno(f, EXITCODE_NO_MEMORY, r, "no process to unlock with");
	return r >= 0 && wait_for(&child, &w, f); /* the page goes with this program */
}

/* Lines go to the kernel's log, which the root's journal takes over; nothing reads the console. */
static void open_standard_fds(const struct root *root)
{
	int null = root_open(root, PATH_DEV_NULL, O_RDWR, 0);
	int kmsg = root_open(root, PATH_KMSG, O_WRONLY, 0);

	if (null >= 0)
		(void)dup2(null, STDIN_FILENO);
	if (kmsg < 0)
		kmsg = null;
	if (kmsg >= 0) {
		(void)dup2(kmsg, STDOUT_FILENO);
		(void)dup2(kmsg, STDERR_FILENO);
	}
}

int init(void)
{
	struct settings settings;
	struct fault f = { 0 };
	struct root root;
	struct conf conf;
	int r;

	r = kernelfs_mount(&f);
	/* Whatever has failed: ours must not get these numbers, which are written to. */
	if (io_open_standard_fds() < 0 && r >= 0)
		r = fault_set(&f, EXITCODE_INTERNAL, EBADF, "cannot open " PATH_DEV_NULL);
	/* An end of this process is a panic, which by itself would not end the machine yet. */
	if (root_init(&root, NULL) < 0)
		root = (struct root){ .fd = AT_FDCWD,
				      .machine = true }; /* the kernel starts us in / */
	root.standalone = true;
	open_standard_fds(&root);
	if (r >= 0)
		r = settings_strict(&root, &settings, &f);
	if (r < 0)
		return step_abort(&root, &f);
	log_info("version %s is PID 1", COCO_VERSION);
	step_conf(&root, &conf, &(struct fault){ 0 }); /* the unlock says what is wrong */
	if (!work_in_time(&root, &conf, &f))
		return step_end(&root, &f); /* it has had its rescue, or its time is over */
	(void)handover(&root, &conf, &settings, &f);
	return step_abort(&root, &f);
}
