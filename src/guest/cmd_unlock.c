/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * cmd_unlock.c - the verbs that run in the initramfs: unlock opens the volumes, abort takes
 * the place of an emergency shell.
 */
#include "guest/cmd.h"

#include <string.h>

#include "base/log.h"
#include "base/paths.h"
#include "boot/action.h"
#include "boot/running.h"
#include "boot/stop.h"
#include "boot/supervise.h"
#include "boot/unlock.h"

static int run_unlock(const struct root *root, int argc, char **argv)
{
	struct report report;
	struct fault f = { 0 };
	struct conf conf;
	int r;

	if (argc > 1)
		return cmd_usage(&cmd_unlock, argv[1]);
	report_init(&report);
	r = report_remove(root);
	if (r < 0)
		(void)fault_errno(&f, EXITCODE_INTERNAL, r, "cannot remove %s", PATH_STATUS);
	stages_enter(&report.stages, STAGE_PREPARE);
	r = secret_harden_process();
	if (r < 0)
		(void)fault_errno(&f, EXITCODE_INTERNAL, r, "cannot protect the process");
	(void)conf_load(root, &conf, &f); /* a failure is in f; the secrets are wiped first */
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

const struct cmd cmd_unlock = {
	.name = "unlock",
	.args = "",
	.help = "open every volume of cocotab with its launch secret, and wipe the secrets",
	.run = run_unlock,
};

/* A job that lasts too long fails without a word of what it has waited for. */
static void say_why(const struct root *root, bool killed, struct fault *f)
{
	char name[RUNNING_NAME_SIZE];

	if (killed)
		(void)fault_advise(f, EXITCODE_ABORTED, ECANCELED,
				   "give the guest more memory; if it has enough, report this with "
				   "all that the console has shown",
				   "the unlock was killed");
	else if (running_name(root, name))
		(void)fault_advise(f, EXITCODE_ABORTED, ECANCELED,
				   "raise RootTimeout= and build the initramfs again; if it has had "
				   "time enough, look at what this unit waits for",
				   "the initramfs cannot go on: %s is still at work", name);
	else
		(void)fault_set(f, EXITCODE_ABORTED, ECANCELED, "the initramfs cannot go on");
}

/* Runs as emergency.service, where something else gave up, and after unlock was killed.
 * Whatever stage the boot was in, no secret may be left, and nobody gets a shell. */
static int run_abort(const struct root *root, int argc, char **argv)
{
	struct fault f = { 0 }, ignored = { 0 };
	bool unless_done = false;
	struct report report;
	struct conf conf;
	int i;

	for (i = 1; i < argc; i++) {
		if (strcmp(argv[i], "--unless-done") != 0)
			return cmd_usage(&cmd_abort, argv[i]);
		unless_done = true;
	}
	/* In the real root the unit only stops, at shutdown, and nothing is left to undo. Where
	 * that is unknown, all is undone. */
	if (unless_done &&
	    (root_exists(root, PATH_STATUS) > 0 || root_exists(root, PATH_INITRD_RELEASE) == 0))
		return EXITCODE_OK;
	report_init(&report);
	(void)conf_load(root, &conf, &ignored); /* on an error the defaults apply */
	say_why(root, unless_done, &f);
	/* No mapping may stay that the boot was to have. */
	if (action_applies(root))
		unlock_claim(&conf, &report);
	return stop(root, &conf, &report, &f);
}

const struct cmd cmd_abort = {
	.name = "abort",
	.args = "[--unless-done]",
	.help = "wipe every secret, say that the boot ends, and do the failure action",
	.run = run_abort,
};
