/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * cmd_packet.c - seals a secret table for one guest that has been measured.
 */
#include "cmd.h"

static int run_packet(int argc, char **argv)
{
	(void)argc;
	(void)argv;
	return cmd_usage(&cmd_packet, "not built yet");
}

const struct cmd cmd_packet = {
	.name = "packet",
	.args = "",
	.help = "check the measurement of a guest, then seal a secret table for it",
	.details = "",
	.run = run_packet,
};
