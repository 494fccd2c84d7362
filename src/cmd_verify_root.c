/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * cmd_verify_root.c - the verb that runs between the mount of the root and everything that
 * reads it.
 */
#include "cmd.h"

#include <string.h>

#include "action.h"
#include "log.h"
#include "paths.h"
#include "stop.h"
#include "unlock.h"
#include "verify.h"

static int verify(const struct root *root, bool *ret_opened, struct fault *f)
{
	struct opened_volume volumes[CONF_VOLUMES_MAX];
	size_t nr = 0;
	int r;

	r = opened_read(root, volumes, CONF_VOLUMES_MAX, &nr);
	*ret_opened = r != -ENOENT;
	if (r == -ENOENT)
		return fault_set(f, EXITCODE_ROOT_CONFUSION, ENOENT,
				 "coco-unlock has opened nothing in this boot");
	if (r < 0)
		return fault_set(f, EXITCODE_ROOT_CONFUSION, -r, "%s cannot be read: %s",
				 PATH_OPENED, strerror(-r));
	r = verify_root(root, PATH_SYSROOT, volumes, nr, f);
	if (r >= 0)
		log_info("root: %s is on what was opened, and nothing else claims it", PATH_SYSROOT);
	return r;
}

static int run_verify_root(const struct root *root, int argc, char **argv)
{
	struct fault f = { 0 }, ignored = { 0 };
	struct report report;
	struct conf conf;
	bool opened = false;

	if (argc > 1)
		return cmd_usage(&cmd_verify_root, argv[1]);
	if (verify(root, &opened, &f) >= 0)
		return EXITCODE_OK;
	report_init(&report);
	(void)conf_load(root, &conf, &ignored); /* on an error the defaults apply */
	report.discarded = opened; /* by unlock, before it has opened anything */
	if (action_applies(root))
		unlock_claim(&conf, &report);
	return stop(root, &conf, &report, &f);
}

const struct cmd cmd_verify_root = {
	.name = "verify-root",
	.args = "",
	.help = "prove that what is mounted on /sysroot is what was opened, or end the boot",
	.run = run_verify_root,
};
