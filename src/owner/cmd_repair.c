/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * cmd_repair.c - completes a header of which a crash has left two different copies. On the
 * owner's own disk the newer copy counts; a guest refuses such a header instead.
 */
#include "cmd.h"

#include "forecast.h"
#include "guestconf.h"
#include "luksheader.h"

static int repair(const char *disk, const char *config, const char *volume)
{
	_cleanup_(luksheader_done) struct luksheader header = LUKSHEADER_NULL;
	_cleanup_image_ struct image image = IMAGE_NULL;
	struct failure f = { 0 };
	struct fault fault = { 0 };
	struct conf conf;
	size_t i = 0;
	int r;

	if (guestconf_load(config, volume, &conf, &i, &f) < 0)
		return cmd_fail(&f);
	r = image_open(disk, true, &image, &fault);
	if (r >= 0)
		r = luksheader_take(&image, &conf, &conf.volumes[i], &header, &fault);
	if (r >= 0 && header.mended)
		r = luksheader_put(&header, &fault);
	if (r < 0) {
		(void)forecast_failure(&fault, disk, &f);
		return cmd_fail(&f);
	}
	printf("%s: %s\n", disk, header.mended ? "its header is whole again, as last written" :
						 "its header is whole, nothing to do");
	return cmd_finish();
}

static int run_repair(int argc, char **argv)
{
	static const struct option options[] = {
		{ "config", required_argument, NULL, 'c' },
		{ "volume", required_argument, NULL, 'v' },
		{ 0 },
	};
	const char *config = NULL, *volume = NULL;
	int c;

	while ((c = getopt_long(argc, argv, ":", options, NULL)) != -1) {
		switch (c) {
		case 'c':
			config = optarg;
			break;
		case 'v':
			volume = optarg;
			break;
		default:
			return cmd_bad_option(&cmd_repair, argv);
		}
	}
	if (argc - optind != 1)
		return cmd_usage(&cmd_repair, "it takes one disk");
	return repair(argv[optind], config, volume);
}

const struct cmd cmd_repair = {
	.name = "repair",
	.args = "DISK [--config DIR] [--volume NAME]",
	.help = "complete a header whose last write was interrupted",
	.details =
		"  DISK           encrypted disk: file or block device, or IMAGE#PARTITION\n"
		"  --config DIR   the guest's root directory, whose /etc/coco-unlock counts\n"
		"  --volume NAME  the volume of cocotab that DISK is; root without a configuration\n\n"
		"A guest refuses a header whose two copies differ. After this, the tables that were\n"
		"written before the interruption fit again.\n",
	.run = run_repair,
};
