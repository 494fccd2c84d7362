/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * cmd_measure.c - what a guest has to measure to when the host starts it as agreed.
 */
#include "cmd.h"

static int run_measure(int argc, char **argv)
{
	(void)argc;
	(void)argv;
	return cmd_usage(&cmd_measure, "not built yet");
}

const struct cmd cmd_measure = {
	.name = "measure",
	.args = "",
	.help = "compute the launch digest and the measurement that the host must report",
	.details = "",
	.run = run_measure,
};
