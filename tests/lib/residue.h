/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * residue.h - looks for what is left of a key in the memory of a test. May not hold the key itself,
 * which would be found. Gives up the whole test when it cannot look.
 */
#ifndef RESIDUE_H
#define RESIDUE_H

#include "fixture.h"

#ifdef __SANITIZE_ADDRESS__
#define SANITIZED true /* it keeps what was freed, and maps terabytes: nobody can look there */
#else
#define SANITIZED false
#endif

/* 32 bytes that are looked for, with each bit flipped so that this is not found. */
struct residue {
	unsigned char flipped[32];
};

static inline struct residue residue_of(const unsigned char bytes[static 32])
{
	struct residue r;
	size_t i;

	for (i = 0; i < sizeof(r.flipped); i++)
		r.flipped[i] = (unsigned char)~bytes[i];
	return r;
}

/* How many halves of it are in memory that can be written: two for each time it is there. */
static inline unsigned int residue_count(const struct residue *r)
{
	FILE *maps = fopen("/proc/self/maps", "re");
	unsigned int nr = 0, half;
	unsigned long from, to;
	char line[512], mode[8];

	FIXTURE_MUST(maps);
	while (fgets(line, sizeof(line), maps)) {
		const unsigned char *p;

		if (sscanf(line, "%lx-%lx %7s", &from, &to, mode) != 3 ||
		    strncmp(mode, "rw", 2) != 0)
			continue;
		for (p = (const unsigned char *)from; p + 16 <= (const unsigned char *)to; p++)
			for (half = 0; half < 2; half++) {
				size_t i = 0;

				while (i < 16 && (p[i] ^ r->flipped[16 * half + i]) == 0xff)
					i++;
				nr += i == 16;
			}
	}
	(void)fclose(maps);
	return nr;
}

#endif
