/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * exitcode.c - the table of outcomes is frozen, complete, and the one of the man page.
 */
#include "exitcode.h"

#include <ctype.h>

#include "tap.h"
#include "util.h"

#define MAN_PAGE "src/man/coco-unlock.8.scd"

/* Append only: scripts and images know these numbers and names. Never edit a line. */
static const struct {
	int code;
	const char *name;
} frozen[] = {
	{ 0, "ok" },
	{ 1, "usage" },
	{ 2, "secret-refused" },
	{ 3, "no-memory" },
	{ 4, "no-device" },
	{ 5, "busy" },
	{ 6, "header-refused" },
	{ 7, "no-secret-table" },
	{ 8, "secret-missing" },
	{ 9, "example-guid" },
	{ 10, "config" },
	{ 11, "no-secret-module" },
	{ 12, "no-securityfs" },
	{ 13, "table-corrupt" },
	{ 14, "table-duplicate" },
	{ 15, "wipe-failed" },
	{ 16, "hidden-entries" },
	{ 17, "no-dm-crypt" },
	{ 18, "ambiguous-device" },
	{ 19, "not-luks2" },
	{ 20, "internal" },
	{ 21, "secret-empty" },
	{ 22, "aborted" },
	{ 23, "no-status" },
	{ 24, "judge-failed" },
	{ 25, "command-line" },
	{ 26, "foreign-credential" },
	{ 27, "policy-missing" },
	{ 28, "policy-invalid" },
	{ 29, "pin-mismatch" },
	{ 30, "mapping-differs" },
	{ 31, "root-confusion" },
	{ 32, "old-generation" },
	{ 33, "deadline" },
};

static void test_table(void)
{
	int i, j;

	is_int(_EXITCODE_MAX, ARRAY_SIZE(frozen), "no code is missing from the frozen table");
	for (i = 0; i < (int)ARRAY_SIZE(frozen); i++) {
		enum exitcode code = (enum exitcode)frozen[i].code;
		bool unique = true;

		is_int(frozen[i].code, i, "%d: no gap in the numbers", i);
		is_str(exitcode_name(code), frozen[i].name, "%d: its name", i);
		for (j = 0; j < _EXITCODE_MAX; j++)
			if (j != i &&
			    (strcmp(exitcode_name(code), exitcode_name((enum exitcode)j)) == 0 ||
			     strcmp(exitcode_next(code), exitcode_next((enum exitcode)j)) == 0))
				unique = false;
		ok(unique, "%d: name and next step are its own", i);
		ok(strlen(exitcode_next(code)) > 10 && !strpbrk(exitcode_next(code), "\"\n\r"),
		   "%d: a next step, one line without quotes", i);
	}
	is_str(exitcode_name(_EXITCODE_MAX), "internal", "a number above the table is internal");
	is_str(exitcode_name((enum exitcode)-1), "internal", "a negative number is internal");
	is_str(exitcode_next(_EXITCODE_MAX), exitcode_next(EXITCODE_INTERNAL),
	       "and so is its next step");
}

/* An entry of the page is a line "*7 no-secret-table*", in the section EXIT STATUS. */
static void test_man_page(void)
{
	bool listed[_EXITCODE_MAX] = { false }, in_section = false;
	FILE *page = fopen(MAN_PAGE, "re");
	char line[1024], expected[64];
	unsigned long code;
	int surplus = 0;
	size_t i;

	if (!ok(page != NULL, "%s is there", MAN_PAGE))
		return;
	while (fgets(line, sizeof(line), page)) {
		if (strncmp(line, "# ", 2) == 0)
			in_section = strcmp(line, "# EXIT STATUS\n") == 0;
		if (!in_section || *line != '*' || !isdigit((unsigned char)line[1]))
			continue;
		code = strtoul(line + 1, NULL, 10);
		(void)snprintf(expected, sizeof(expected), "*%lu %s*\n", code,
			       exitcode_name((enum exitcode)code));
		if (code < _EXITCODE_MAX && strcmp(line, expected) == 0 && !listed[code])
			listed[code] = true;
		else
			surplus++, printf("# not of the table, or twice: %s", line);
	}
	(void)fclose(page);
	is_int(surplus, 0, "the man page lists nothing else");
	for (i = 0; i < ARRAY_SIZE(listed); i++)
		ok(listed[i], "the man page lists %d", (int)i);
}

int main(void)
{
	test_table();
	test_man_page();
	return tap_done();
}
