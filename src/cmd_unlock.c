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
	_cleanup_free_ struct conf *conf = calloc(1, sizeof(*conf));
	_cleanup_free_ struct report *report = calloc(1, sizeof(*report));
	struct fault f = { 0 };
	int r;

	if (argc > 1)
		return cmd_usage(&cmd_unlock, argv[1]);
	if (!conf || !report) /* nothing is known yet: the unit's own failure action follows */
		return EXITCODE_NO_MEMORY;
	report_init(report);
	report_stage(report, STAGE_PREPARE);
	r = secret_harden_process();
	if (r < 0)
		(void)fault_set(&f, EXITCODE_INTERNAL, -r, "cannot protect the process: %s",
				strerror(-r));
	(void)conf_load(root, conf, &f); /* a failure is in f; the secrets are wiped first */
	conf_apply_cmdline(root, conf);
	volume_init_library();
	r = unlock_run(root, conf, report, &f);
	if (r < 0)
		return stop(root, conf, report, &f);
	r = report_write(root, conf, report, &f, "none");
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
	_cleanup_free_ struct conf *conf = calloc(1, sizeof(*conf));
	_cleanup_free_ struct report *report = calloc(1, sizeof(*report));
	struct source_efi source = SOURCE_EFI_NULL;
	struct fault f = { 0 }, ignored = { 0 };

	if (argc > 1)
		return cmd_usage(&cmd_abort, argv[1]);
	if (!conf || !report)
		return EXITCODE_NO_MEMORY;
	report_init(report);
	(void)conf_load(root, conf, &ignored); /* on an error the defaults apply */
	if (source_efi_open(root, conf, &source, &ignored) >= 0)
		(void)source_efi_discard(root, conf, &source, &f);
	source_efi_done(&source);
	(void)fault_set(&f, EXITCODE_ABORTED, ECANCELED, "the initramfs cannot go on");
	return stop(root, conf, report, &f);
}

const struct cmd cmd_abort = {
	.name = "abort",
	.args = "",
	.help = "wipe every secret, say that the boot ends, and do the failure action",
	.run = run_abort,
};
