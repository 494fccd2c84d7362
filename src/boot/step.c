/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * step.c - the steps of a boot in an initramfs, each with its end: what systemd's units start one
 * by one, and init one after the other.
 * Trusts the configuration of the initramfs; holds no secret, which only a child of a step does.
 */
#include "boot/step.h"

#include <string.h>

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

/* The one place for what of the rescue entry outlives the unlocking process. Without a key of the
 * owner in the image there is none. */
static void map_rescue_keys(const struct root *root, const struct conf *conf,
			    struct attempts *attempts)
{
	struct fault f = { 0 };

	if (action_applies(root) && conf_rescues(conf) && conf->rescue.nr_keys > 0 &&
	    rescue_keys_map(&attempts->keys, &f) < 0)
		log_warning("a rescue of this boot cannot carry secrets: %s", f.why);
}

int step_unlock(const struct root *root)
{
	struct attempts attempts = { 0 };
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
	map_rescue_keys(root, &conf, &attempts);
	r = supervise(root, &conf, &report, &attempts, NULL, &f);
	if (r < 0 || f.code != EXITCODE_OK)
		r = stop_unlock(root, &conf, &report, &attempts, &f);
	rescue_keys_done(&attempts.keys);
	if (r != EXITCODE_OK)
		return r;
	r = report_write(root, &conf, &report, &f, "none");
	if (r < 0)
		log_warning("cannot write the status file: %s", strerror(-r));
	return EXITCODE_OK;
}

/* What this process has not done itself is undone as the boot's: no mapping may stay that the boot
 * was to have. discarded: the secrets are gone for certain. rescue: where the image has that. */
static int give_up(const struct root *root, bool discarded, bool rescue, struct fault *f)
{
	struct fault ignored = { 0 };
	struct report report;
	struct conf conf;

	report_init(&report);
	step_conf(root, &conf, &ignored);
	report.discarded = discarded;
	if (action_applies(root))
		unlock_claim(&conf, &report);
	return rescue ? stop(root, &conf, &report, f) : stop_unrescued(root, &conf, &report, f);
}

int step_abort(const struct root *root, struct fault *f)
{
	return give_up(root, false, true, f);
}

int step_end(const struct root *root, struct fault *f)
{
	return give_up(root, false, false, f);
}

/* A disk that does not answer must not hold up the refusal; the unit ends this process a little
 * later, and then nobody would take the volume keys from the kernel. */
static int look_limit_ms = 45000;

static int read_opened(const struct root *root, struct opened_volume *volumes, size_t *ret_nr,
		       struct fault *f)
{
	int r = opened_read(root, volumes, CONF_VOLUMES_MAX, ret_nr);

	if (r == -ENOENT)
		return fault_advise(f, EXITCODE_ROOT_CONFUSION, ENOENT,
				    "look for why coco-unlock.service has not run in the lines above",
				    "coco-unlock has opened nothing in this boot");
	return r < 0 ? fault_errno(f, EXITCODE_ROOT_CONFUSION, r, "%s cannot be read",
				   PATH_OPENED) :
		       0;
}

struct looking {
	const struct root *root;
	look_fn *look;
	struct opened_volume volumes[CONF_VOLUMES_MAX];
	size_t nr;
};

static int look_now(void *arg, struct fault *f)
{
	const struct looking *l = arg;

	return l->look(l->root, PATH_SYSROOT, l->volumes, l->nr, f);
}

static int look_in_time(struct looking *l, struct fault *f)
{
	int result, r;

	r = child_call(look_now, l, deadline_in_ms((uint64_t)look_limit_ms), &result, f);
	switch (r) {
	case 0:
		return result;
	case -EPROTO:
		return r; /* without a reason, which stop() says */
	case -ETIMEDOUT:
		return fault_advise(f, EXITCODE_ROOT_CONFUSION, ETIMEDOUT,
				    "detach the disk that does not answer",
				    "the look at what is mounted has not come to an end within %d s",
				    look_limit_ms / 1000);
	case -ECHILD:
		return fault_advise(f, EXITCODE_INTERNAL, ECHILD,
				    "give the guest more memory; if it has enough, report this with "
				    "all that the console has shown",
				    "the process that looks at what is mounted was killed");
	default:
		return fault_errno(f, EXITCODE_NO_MEMORY, r,
				   "no process to look at what is mounted");
	}
}

int step_look(const struct root *root, look_fn *look, const char *good)
{
	struct looking l = { .root = root, .look = look };
	struct fault f = { 0 };
	bool opened = read_opened(root, l.volumes, &l.nr, &f) >= 0;

	if (opened && look_in_time(&l, &f) >= 0 && f.code == EXITCODE_OK) {
		log_info("%s", good);
		return EXITCODE_OK;
	}
	return give_up(root, opened, true, &f); /* if nobody knows, the secrets are looked for */
}
