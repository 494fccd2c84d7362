/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * cmd_table.c - builds, shows and changes secret tables.
 */
#include "cmd.h"

static int run_table(int argc, char **argv)
{
	(void)argc;
	(void)argv;
	return cmd_usage(&cmd_table, "not built yet");
}

const struct cmd cmd_table = {
	.name = "table",
	.args = "",
	.help = "build, show and change secret tables",
	.details = "",
	.run = run_table,
};
