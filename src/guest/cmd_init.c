/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * cmd_init.c - the verb that /init of an initramfs of our own executes.
 */
#include "guest/cmd.h"

#include <linux/magic.h>
#include <sys/vfs.h>

#include "init/init.h"

/* PID 1, and in memory: it mounts over what is there, and deletes it. Where that cannot be seen, it
 * goes on: an end of PID 1 is a panic without a word, and before it deletes it looks once more. */
static bool is_initramfs(void)
{
	struct statfs fs;

	return getpid() == 1 &&
	       (statfs("/", &fs) < 0 || fs.f_type == RAMFS_MAGIC || fs.f_type == TMPFS_MAGIC);
}

static int run_init(const struct root *root, int argc, char **argv)
{
	if (argc > 1 || !root->machine)
		return cmd_usage(&cmd_init, argc > 1 ? argv[1] : "--root=");
	if (!is_initramfs()) {
		fprintf(stderr, "coco-unlock: init is for PID 1 of an initramfs\n");
		return EXITCODE_USAGE;
	}
	return init();
}

const struct cmd cmd_init = {
	.name = "init",
	.args = "",
	.help = "be PID 1 of an initramfs: unlock, mount and prove the root, and go over into it",
	.run = run_init,
};
