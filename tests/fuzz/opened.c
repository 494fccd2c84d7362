/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * opened.c - fuzz target: the list of what this boot has opened. There is one way to write a list,
 * so what is accepted must be that to the byte.
 */
#include "fuzz.h"

#include "rootfs/opened.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct opened_volume volumes[CONF_VOLUMES_MAX];
	char *text = fuzz_text(data, size), again[OPENED_MAX];
	size_t nr = 0, i, roots = 0;
	int r;

	if (!text)
		return 0;
	r = opened_parse(text, volumes, CONF_VOLUMES_MAX, &nr);
	free(text);
	FUZZ_MUST(r == 0 || r == -EINVAL || r == -E2BIG);
	if (r < 0)
		return 0;
	FUZZ_MUST(nr >= 1 && nr <= CONF_VOLUMES_MAX);
	for (i = 0; i < nr; i++)
		roots += volumes[i].is_root;
	FUZZ_MUST(roots == 1);
	fuzz_accepted++;
	r = opened_format(volumes, nr, again);
	FUZZ_MUST(r == 0 && strlen(again) == size && memcmp(again, data, size) == 0);
	return 0;
}
