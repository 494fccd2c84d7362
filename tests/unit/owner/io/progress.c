/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * progress.c - what people see of a long task.
 */
#include "owner/io/progress.h"

#include "fixture.h"
#include "tap.h"

#define MIB (1024ULL * 1024)

static void test_format(void)
{
	static const struct {
		size_t room;
		uint64_t done, total;
		double seconds;
		const char *wanted;
	} cases[] = {
		{ 0, 0, 100 * MIB, 0, "encrypt:   0 % of 100 MiB" },
		{ 0, 50 * MIB, 100 * MIB, 2, "encrypt:  50 % of 100 MiB, 25 MiB/s, 0:02 left" },
		{ 0, 100 * MIB, 100 * MIB, 4, "encrypt: 100 % of 100 MiB, 25 MiB/s" },
		{ 0, MIB, 100 * MIB, 1, "encrypt:   1 % of 100 MiB, 1 MiB/s, 1:39 left" },
		{ 0, MIB, 8192 * MIB, 1, "encrypt:   0 % of 8192 MiB, 1 MiB/s, 2:16:31 left" },
		{ 0, MIB, 1ULL << 50, 1, "encrypt:   0 % of 1073741824 MiB, 1 MiB/s" },
		{ 0, 0, 0, 1, "encrypt: 100 % of 0 MiB" },
		{ 79, 0, 10 * MIB, 0, "encrypt [........................]   0 % of 10 MiB" },
		{ 79, 5 * MIB, 10 * MIB, 1,
		  "encrypt [############............]  50 % of 10 MiB, 5 MiB/s, 0:01 left" },
		{ 79, 10 * MIB, 10 * MIB, 1,
		  "encrypt [########################] 100 % of 10 MiB, 10 MiB/s" },
		{ 39, 5 * MIB, 10 * MIB, 1, "encrypt  50 %, 5 MiB/s, 0:01 left" },
		{ 45, 5 * MIB, 10 * MIB, 1, "encrypt [####.....]  50 %, 5 MiB/s, 0:01 left" },
		{ 39, MIB, 8192 * MIB, 1, "encrypt   0 %, 1 MiB/s, 2:16:31 left" },
		{ 39, 0, 1ULL << 50, 0, "encrypt [.......................]   0 %" },
		{ 19, MIB, 8192 * MIB, 1, "encrypt   0 %, 1 Mi" },
		{ 1, MIB, 8192 * MIB, 1, "e" },
	};
	char line[PROGRESS_LINE_SIZE];
	size_t i;

	for (i = 0; i < ARRAY_SIZE(cases); i++) {
		progress_format(line, "encrypt", cases[i].room, cases[i].done, cases[i].total,
				cases[i].seconds);
		ok(cases[i].room == 0 || strlen(line) <= cases[i].room, "... it fits");
		is_str(line, cases[i].wanted, "case %zu", i);
	}
}

/* A file is no terminal: a line for each tenth, and none twice. */
static void test_lines(void)
{
	struct progress progress;
	char *text = NULL;
	size_t size, lines = 0, i;
	FILE *file = tmpfile();

	FIXTURE_MUST(file);
	progress_start(&progress, file, "encrypt");
	ok(!progress.terminal, "a file is no terminal");
	for (i = 0; i <= 1000; i++)
		progress_show(&progress, i * MIB, 1000 * MIB);
	progress_show(&progress, 1000 * MIB, 1000 * MIB);
	progress_end(&progress);
	size = (size_t)ftell(file);
	text = calloc(1, size + 1);
	rewind(file);
	FIXTURE_MUST(text && fread(text, 1, size, file) == size);
	for (i = 0; i < size; i++)
		lines += text[i] == '\n';
	is_int(lines, 10, "ten lines");
	ok(strncmp(text, "encrypt:  10 % of 1000 MiB", 26) == 0, "... the first: %.26s", text);
	ok(strstr(text, "\nencrypt: 100 % of 1000 MiB"), "... the last");
	ok(!strchr(text, '\r') && !strchr(text, '\033'), "... nothing for terminals");
	free(text);
	(void)fclose(file);
}

int main(void)
{
	test_format();
	test_lines();
	return tap_done();
}
