/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * step.c - the steps of a boot in an initramfs, each with its end: what systemd's units start one
 * by one, and init one after the other.
 * Trusts the configuration of the initramfs; holds no secret, which only a child of a step does.
 */
#include "boot/step.h"

#include <string.h>
#include <sys/mman.h>

#include "base/child.h"
#include "base/log.h"
#include "base/paths.h"
#include "boot/action.h"
#include "boot/stop.h"
#include "boot/supervise.h"
#include "boot/unlock.h"
#include "conf/rootsection.h"

void step_conf(const struct root *root, struct conf *ret_conf, struct fault *f)
{
	if (conf_load(root, ret_conf, f) >= 0 && root->standalone &&
	    rootsection_check(ret_conf, f) < 0)
		conf_defaults(ret_conf);
}

int step_unlock(const struct root *root)
{
	struct report report;
	struct fault f = { 0 };
	struct conf conf;
	int r;

	report_init(&report);
	r = report_remove(root);
	if (r < 0)
		(void)fault_errno(&f, EXITCODE_INTERNAL, r, "cannot remove %s", PATH_STATUS);
	stages_enter(&report.stages, STAGE_PREPARE);
	r = secret_harden_process();
	if (r < 0)
		(void)fault_errno(&f, EXITCODE_INTERNAL, r, "cannot protect the process");
	step_conf(root, &conf, &f); /* a failure is in f; the secrets are wiped first */
	conf_apply_cmdline(root, &conf);
	volume_init_library();
	r = supervise(root, &conf, &report, &f);
	if (r < 0 || f.code != EXITCODE_OK)
		return stop(root, &conf, &report, &f);
	r = report_write(root, &conf, &report, &f, "none");
	if (r < 0)
		log_warning("cannot write the status file: %s", strerror(-r));
	return EXITCODE_OK;
}

/* What this process has not done itself is undone as the boot's: no mapping may stay that the boot
 * was to have. discarded: the secrets are gone for certain. */
static int give_up(const struct root *root, bool discarded, struct fault *f)
{
	struct fault ignored = { 0 };
	struct report report;
	struct conf conf;

	report_init(&report);
	step_conf(root, &conf, &ignored);
	report.discarded = discarded;
	if (action_applies(root))
		unlock_claim(&conf, &report);
	return stop(root, &conf, &report, f);
}

int step_abort(const struct root *root, struct fault *f)
{
	return give_up(root, false, f);
}

/* A disk that does not answer must not hold up the refusal; the unit ends this process a little
 * later, and then nobody would take the volume keys from the kernel. */
static int look_limit_ms = 45000;

static int verify(const struct root *root, look_fn *look, bool *ret_opened, struct fault *f)
{
	struct opened_volume volumes[CONF_VOLUMES_MAX];
	size_t nr = 0;
	int r;

	r = opened_read(root, volumes, CONF_VOLUMES_MAX, &nr);
	*ret_opened = r >= 0; /* if nobody knows, the secrets are looked for */
	if (r == -ENOENT)
		return fault_advise(f, EXITCODE_ROOT_CONFUSION, ENOENT,
				    "look for why coco-unlock.service has not run in the lines above",
				    "coco-unlock has opened nothing in this boot");
	if (r < 0)
		return fault_errno(f, EXITCODE_ROOT_CONFUSION, r, "%s cannot be read", PATH_OPENED);
	return look(root, PATH_SYSROOT, volumes, nr, f);
}

/* What the process that looks shares with this one. */
struct looking {
	const struct root *root;
	look_fn *look;
	struct fault fault;
	bool opened;
	bool good;
};

static int look_now(void *arg)
{
	struct looking *l = arg;

	l->good = verify(l->root, l->look, &l->opened, &l->fault) >= 0 &&
		  l->fault.code == EXITCODE_OK;
	return EXIT_SUCCESS;
}

/* verify() in a process that may hang. True if all is as it should be; else f says why not. */
static bool verify_in_time(const struct root *root, look_fn *look, bool *ret_opened,
			   struct fault *f)
{
	struct looking *l =
		mmap(NULL, sizeof(*l), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	struct deadline deadline = deadline_in_ms((uint64_t)look_limit_ms);
	struct child child;
	bool good;
	int r;

	*ret_opened = false;
	if (l == MAP_FAILED) {
		(void)fault_set(f, EXITCODE_NO_MEMORY, ENOMEM,
				"no memory to look at what is mounted");
		return false;
	}
	*l = (struct looking){ .root = root, .look = look };
	r = child_start(&child, look_now, l);
	if (r < 0)
		(void)fault_errno(f, EXITCODE_NO_MEMORY, r,
				  "no process to look at what is mounted");
	else
		child_wait(&child, 1, deadline);
	good = r >= 0 && child.status == EXIT_SUCCESS && l->good;
	*ret_opened = l->opened;
	*f = l->fault.code != EXITCODE_OK ? l->fault : *f;
	/* A look that ended by itself without a reason is left to stop(). */
	if (child.status < 0 && deadline_left_ms(deadline) > 0)
		(void)fault_advise(f, EXITCODE_INTERNAL, ECHILD,
				   "give the guest more memory; if it has enough, report this with "
				   "all that the console has shown",
				   "the process that looks at what is mounted was killed");
	if (child.status < 0)
		(void)fault_advise(f, EXITCODE_ROOT_CONFUSION, ETIMEDOUT,
				   "detach the disk that does not answer",
				   "the look at what is mounted has not come to an end within %d s",
				   look_limit_ms / 1000);
	(void)munmap(l, sizeof(*l)); /* its content is copied */
	return good;
}

int step_look(const struct root *root, look_fn *look, const char *good)
{
	struct fault f = { 0 };
	bool opened = false;

	if (verify_in_time(root, look, &opened, &f)) {
		log_info("%s", good);
		return EXITCODE_OK;
	}
	return give_up(root, opened, &f);
}
