/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * cmd_unlock.c - the verbs that run in the initramfs: unlock opens the volumes, abort takes
 * the place of an emergency shell.
 */
#include "guest/cmd.h"

#include <string.h>

#include "base/paths.h"
#include "boot/running.h"
#include "boot/step.h"

static int run_unlock(const struct root *root, int argc, char **argv)
{
	return argc > 1 ? cmd_usage(&cmd_unlock, argv[1]) : step_unlock(root);
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
		(void)fault_advise(f, EXITCODE_ABORTED, ECANCELED, FAULT_KILLED,
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
	bool unless_done = false;
	struct fault f = { 0 };
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
	say_why(root, unless_done, &f);
	return unless_done ? step_end(root, &f) : step_abort(root, &f);
}

const struct cmd cmd_abort = {
	.name = "abort",
	.args = "[--unless-done]",
	.help = "wipe every secret, say that the boot ends, and do the failure action",
	.run = run_abort,
};
