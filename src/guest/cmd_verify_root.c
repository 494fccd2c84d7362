/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * cmd_verify_root.c - the verbs that look at what is mounted: verify-root runs between the mount
 * of the root and everything that reads it, verify-mounts right before the initramfs leaves.
 */
#include "guest/cmd.h"

#include "base/paths.h"
#include "boot/step.h"

static int run_verify_root(const struct root *root, int argc, char **argv)
{
	if (argc > 1)
		return cmd_usage(&cmd_verify_root, argv[1]);
	return step_look(root, verify_root,
			 "root: " PATH_SYSROOT
			 " is on what was opened, and nothing else claims it");
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
	return step_look(
		root, verify_mounts,
		"mounts: all mounts and swap areas are on what was opened, nothing else claims it");
}

const struct cmd cmd_verify_mounts = {
	.name = "verify-mounts",
	.args = "",
	.help = "the same for every mount and swap area, when all is mounted and before it is used",
	.run = run_verify_mounts,
};
