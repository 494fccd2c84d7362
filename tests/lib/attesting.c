/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * attesting.c - is linked with the command line of coco-unlock: the program as it is, in a tree
 * whose platform makes reports. FAKE_PLATFORM says which; see fake_platform.h.
 * May not do anything on a machine: without --root= there is no platform.
 */
#include "fake_platform.h"

/* Before main(), so that the program itself needs no test mode. */
__attribute__((constructor)) static void attesting_init(int argc, char **argv)
{
	static struct root root;
	int i;

	for (i = 1; i < argc; i++) {
		if (strncmp(argv[i], "--root=", 7) != 0)
			continue;
		FIXTURE_MUST(root_init(&root, argv[i] + 7) == 0);
		fake_platform_init(&root);
	}
}
