/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * cmd_repair.c - completes a header of which a crash has left two different copies. On the
 * owner's own disk the newer copy counts; a guest refuses such a header instead.
 */
#include "owner/cmd.h"

#include "owner/plan/target.h"

static int repair(const struct target_options *o)
{
	_cleanup_(target_done) struct target t = TARGET_NULL;
	struct fault f = { 0 };
	int r;

	r = target_open(&t, o, true, &f);
	if (r >= 0 && t.header.mended)
		r = target_put(&t, &f);
	if (r < 0)
		return cmd_fail(&f);
	printf("%s: %s\n", o->disk, t.header.mended ? "its header is whole again, as last written" :
						      "its header is whole, nothing to do");
	return cmd_finish();
}

static int run_repair(int argc, char **argv)
{
	static const struct option options[] = { TARGET_OPTIONS, { 0 } };
	struct target_options o = { 0 };
	int c;

	while ((c = getopt_long(argc, argv, ":", options, NULL)) != -1)
		if (!target_option(&o, c, optarg))
			return cmd_bad_option(&cmd_repair, argv);
	if (argc - optind != 1)
		return cmd_usage(&cmd_repair, "it takes one disk");
	o.disk = argv[optind];
	return repair(&o);
}

const struct cmd cmd_repair = {
	.name = "repair",
	.args = "DISK [--config DIR] [--volume NAME]",
	.help = "complete a header whose last write was interrupted",
	.details =
		"  DISK             encrypted disk: file or block device, or IMAGE#PARTITION\n"
		TARGET_OPTIONS_HELP
		"\n"
		"A guest refuses a header whose two copies differ. After this, the tables that were\n"
		"written before the interruption fit again.\n",
	.run = run_repair,
};
