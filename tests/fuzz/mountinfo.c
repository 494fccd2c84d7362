/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * mountinfo.c - fuzz target: the list of mounts, in which sources and mount points are words of
 * others. What is accepted lies inside the text, and can be asked for.
 */
#include "fuzz.h"

#include "rootfs/mounts.h"

static void check_string(const struct mounts *m, size_t size, const char *s)
{
	FUZZ_MUST(s >= m->text && s <= m->text + size && s + strlen(s) <= m->text + size);
}

static void check_asked(const struct mounts *m, const struct mount *one)
{
	const struct mount *on = mounts_on(m, one->point);
	const struct mount *holding = mounts_holding(m, one->point, one);

	FUZZ_MUST(on && on >= one && strcmp(on->point, one->point) == 0);
	FUZZ_MUST(!mounts_is_below(one->point, one->point));
	FUZZ_MUST(!holding || (holding != one && holding->parent != one->id));
	FUZZ_MUST(!holding || strcmp(one->point, holding->point) == 0 ||
		  mounts_is_below(one->point, holding->point));
}

static size_t count_lines(const uint8_t *data, size_t size)
{
	size_t i, nr = 0;

	for (i = 0; i < size; i++)
		nr += data[i] != '\n' && (i == 0 || data[i - 1] == '\n');
	return nr;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct mounts m = MOUNTS_NULL;
	char *text = fuzz_text(data, size);
	size_t i;
	int r;

	if (!text)
		return 0;
	r = mounts_parse(text, &m);
	FUZZ_MUST(r == 0 || r == -EINVAL || r == -E2BIG);
	if (r < 0) {
		FUZZ_MUST(!m.text && !m.list && m.nr == 0);
		return 0;
	}
	fuzz_accepted++;
	FUZZ_MUST(m.nr == count_lines(data, size) && m.nr <= MOUNTS_MAX);
	for (i = 0; i < m.nr; i++) {
		check_string(&m, size, m.list[i].point);
		check_string(&m, size, m.list[i].type);
		check_string(&m, size, m.list[i].source);
		check_string(&m, size, m.list[i].options);
		if (i < 16)
			check_asked(&m, &m.list[i]);
	}
	mounts_done(&m);
	return 0;
}
