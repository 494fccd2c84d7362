/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * cmd_drop_network.c - the verb that takes down the network of an initramfs, before the root
 * could use what the host has said there.
 */
#include <stdio.h>

#include "base/log.h"
#include "boot/action.h"
#include "boot/network.h"
#include "boot/step.h"
#include "guest/cmd.h"

static int run_drop_network(const struct root *root, int argc, char **argv)
{
	struct fault f = { 0 };

	if (argc > 1)
		return cmd_usage(&cmd_drop_network, argv[1]);
	if (!root->machine || !action_applies(root)) {
		fprintf(stderr,
			"coco-unlock: drop-network is for an initramfs: here it would cut off "
			"a running system\n");
		return EXITCODE_USAGE;
	}
	if (network_drop(&f) < 0)
		return step_abort(root, &f);
	log_info("network: no link, address or route of the initramfs is left");
	return EXITCODE_OK;
}

const struct cmd cmd_drop_network = {
	.name = "drop-network",
	.args = "",
	.help = "take down the network of the initramfs, or end the boot",
	.run = run_drop_network,
};
