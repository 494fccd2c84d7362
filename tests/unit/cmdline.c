/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * cmdline.c - the kernel command line, which the host may write, shortens the timeout and
 * does nothing else.
 */
#include "conf.h"
#include "fixture.h"
#include "paths.h"

static const struct {
	const char *cmdline;
	uint64_t timeout_ms; /* from 90 s */
} cases[] = {
	{ "root=/dev/mapper/root quiet\n", 90000 },
	{ "coco_unlock.timeout=20", 20000 },
	{ "quiet coco_unlock.timeout=20 ro\n", 20000 },
	{ "coco_unlock.timeout=1\n", 1000 },
	{ "coco_unlock.timeout=89\n", 89000 },
	{ "coco_unlock.timeout=90\n", 90000 },
	{ "coco_unlock.timeout=91\n", 90000 },
	{ "coco_unlock.timeout=3600\n", 90000 },
	{ "coco_unlock.timeout=0\n", 90000 },
	{ "coco_unlock.timeout=\n", 90000 },
	{ "coco_unlock.timeout\n", 90000 },
	{ "coco_unlock.timeout=-1\n", 90000 },
	{ "coco_unlock.timeout=20s\n", 90000 },
	{ "coco_unlock.timeout=18446744073709552\n", 90000 },	 /* 1000 times that is 384 ms */
	{ "coco_unlock.timeout=18446744073709551620\n", 90000 }, /* 2^64 + 4 */
	{ "xcoco_unlock.timeout=20\n", 90000 },
	{ "coco-unlock.timeout=20\n", 90000 },
	{ "coco_unlock.timeout=30 coco_unlock.timeout=20\n", 20000 },
	{ "coco_unlock.timeout=20 coco_unlock.timeout=30\n", 20000 },
	{ "coco_unlock.timeout=x coco_unlock.timeout=30\n", 30000 },
	{ "coco_unlock.FailureAction=rescue coco_unlock.action=rescue FailureAction=rescue\n", 90000 },
	{ "", 90000 },
};

int main(void)
{
	struct conf before, conf;
	struct fixture fx;
	size_t i;

	fixture_init(&fx);
	conf_defaults(&before);
	conf = before;
	conf_apply_cmdline(&fx.root, &conf);
	ok(memcmp(&conf, &before, sizeof(conf)) == 0, "no command line changes nothing");
	for (i = 0; i < ARRAY_SIZE(cases); i++) {
		char shown[128];

		text_printable(cases[i].cmdline, shown, sizeof(shown));
		fixture_text(&fx, PATH_CMDLINE, cases[i].cmdline);
		conf_defaults(&conf);
		conf_apply_cmdline(&fx.root, &conf);
		is_int(conf.timeout_ms, cases[i].timeout_ms, "timeout after: %s", shown);
		conf.timeout_ms = before.timeout_ms;
		ok(memcmp(&conf, &before, sizeof(conf)) == 0, "nothing else has changed");
	}
	fixture_done(&fx);
	return tap_done();
}
