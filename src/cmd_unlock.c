/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * cmd_unlock.c - the verbs that run in the initramfs: unlock opens the volumes, abort takes
 * the place of an emergency shell.
 */
#include "cmd.h"

#include <string.h>

#include "log.h"
#include "stop.h"
#include "unlock.h"

static int run_unlock(const struct root *root, int argc, char **argv)
{
	struct report report;
	struct fault f = { 0 };
	struct conf conf;
	int r;

	if (argc > 1)
		return cmd_usage(&cmd_unlock, argv[1]);
	report_init(&report);
	report_stage(&report, STAGE_PREPARE);
	r = secret_harden_process();
	if (r < 0)
		(void)fault_set(&f, EXITCODE_INTERNAL, -r, "cannot protect the process: %s",
				strerror(-r));
	(void)conf_load(root, &conf, &f); /* a failure is in f; the secrets are wiped first */
	conf_apply_cmdline(root, &conf);
	volume_init_library();
	r = unlock_run(root, &conf, &report, &f);
	if (r < 0)
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

/* Runs as emergency.service: something else gave up. Whatever stage the boot was in, no
 * secret may be left, and nobody gets a shell. */
static int run_abort(const struct root *root, int argc, char **argv)
{
	struct fault f = { 0 }, ignored = { 0 };
	struct report report;
	struct conf conf;

	if (argc > 1)
		return cmd_usage(&cmd_abort, argv[1]);
	report_init(&report);
	(void)conf_load(root, &conf, &ignored); /* on an error the defaults apply */
	(void)fault_set(&f, EXITCODE_ABORTED, ECANCELED, "the initramfs cannot go on");
	(void)unlock_run(root, &conf, &report, &f); /* with a fault it only wipes */
	return stop(root, &conf, &report, &f);
}

const struct cmd cmd_abort = {
	.name = "abort",
	.args = "",
	.help = "wipe every secret, say that the boot ends, and do the failure action",
	.run = run_abort,
};
