/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * cmd_repair.c - completes a header of which a crash has left two different copies. On the
 * owner's own disk the newer copy counts; a guest refuses such a header instead.
 */
#include "owner/cmd.h"

#include "owner/plan/target.h"

struct options {
	struct target_options target;
};

static int repair(const struct options *o)
{
	_cleanup_(target_done) struct target t = TARGET_NULL;
	struct fault f = { 0 };
	int r;

	r = target_open(&t, &o->target, true, &f);
	if (r >= 0 && t.header.mended)
		r = target_put(&t, &f);
	if (r < 0)
		return cmd_fail(&f);
	printf("%s: %s\n", o->target.disk,
	       t.header.mended ? "its header is whole again, as last written" :
				 "its header is whole, nothing to do");
	return cmd_finish();
}

static int run_repair(int argc, char **argv)
{
	struct options o = { 0 };
	char **operands;
	int nr = cmd_options(&cmd_repair, argc, argv, &o, &operands);

	if (nr < 0)
		return -nr;
	if (nr != 1)
		return cmd_usage(&cmd_repair, "it takes one disk");
	o.target.disk = operands[0];
	return repair(&o);
}

/* clang-format off */
static const struct option_row repair_options[] = {
	TARGET_DISK,
	TARGET_OPTIONS(struct options, target),
	{ 0 },
};
/* clang-format on */

const struct cmd cmd_repair = {
	.name = "repair",
	.args = "DISK [--config DIR] [--volume NAME]",
	.help = "complete a header whose last write was interrupted",
	.options = repair_options,
	.notes =
		"A guest refuses a header whose two copies differ. After this, the tables that were\n"
		"written before the interruption fit again.\n",
	.run = run_repair,
};
