/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * cmd_verify_root.c - the verbs that look at what is mounted: verify-root runs between the mount
 * of the root and everything that reads it, verify-mounts right before the initramfs leaves.
 */
#include "guest/cmd.h"

#include "boot/action.h"
#include "base/log.h"
#include "base/paths.h"
#include "boot/stop.h"
#include "boot/unlock.h"
#include "rootfs/verify.h"

typedef int look_fn(const struct root *root, const char *point,
		    const struct opened_volume *volumes, size_t nr, struct fault *f);

static int verify(const struct root *root, look_fn *look, bool *ret_opened, struct fault *f)
{
	struct opened_volume volumes[CONF_VOLUMES_MAX];
	size_t nr = 0;
	int r;

	r = opened_read(root, volumes, CONF_VOLUMES_MAX, &nr);
	*ret_opened = r >= 0; /* if nobody knows, the secrets are looked for */
	if (r == -ENOENT)
		return fault_set(f, EXITCODE_ROOT_CONFUSION, ENOENT,
				 "coco-unlock has opened nothing in this boot");
	if (r < 0)
		return fault_errno(f, EXITCODE_ROOT_CONFUSION, r, "%s cannot be read", PATH_OPENED);
	return look(root, PATH_SYSROOT, volumes, nr, f);
}

static int run(const struct root *root, look_fn *look, const char *good)
{
	struct fault f = { 0 }, ignored = { 0 };
	struct report report;
	struct conf conf;
	bool opened = false;

	if (verify(root, look, &opened, &f) >= 0 && f.code == EXITCODE_OK) {
		log_info("%s", good);
		return EXITCODE_OK;
	}
	report_init(&report);
	(void)conf_load(root, &conf, &ignored); /* on an error the defaults apply */
	report.discarded = opened; /* by unlock, before it has opened anything */
	if (action_applies(root))
		unlock_claim(&conf, &report);
	return stop(root, &conf, &report, &f);
}

static int run_verify_root(const struct root *root, int argc, char **argv)
{
	if (argc > 1)
		return cmd_usage(&cmd_verify_root, argv[1]);
	return run(root, verify_root,
		   "root: " PATH_SYSROOT " is on what was opened, and nothing else claims it");
}

const struct cmd cmd_verify_root = {
	.name = "verify-root",
	.args = "",
	.help = "prove that what is mounted on /sysroot is what was opened, or end the boot",
	.run = run_verify_root,
};

static int run_verify_mounts(const struct root *root, int argc, char **argv)
{
	if (argc > 1)
		return cmd_usage(&cmd_verify_mounts, argv[1]);
	return run(root, verify_mounts,
		   "mounts: all mounts and swap areas are on what was opened, nothing else claims it");
}

const struct cmd cmd_verify_mounts = {
	.name = "verify-mounts",
	.args = "",
	.help = "the same for every mount and swap area, when all is mounted and before it is used",
	.run = run_verify_mounts,
};
