/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * exitcode.c - the table of outcomes is frozen, complete, and the one of the man page; what
 * coco-secret makes of it is frozen, too.
 */
#include "base/exitcode.h"

#include <ctype.h>

#include "base/util.h"
#include "tap.h"

#define MAN_PAGE "src/man/coco-unlock.8.scd"

/* Append only: scripts and images know these numbers and names. Never edit a line. */
static const struct {
	int code;
	const char *name;
	enum outcome outcome; /* of coco-secret */
} frozen[] = {
	{ 0, "ok", OUTCOME_OK },
	{ 1, "usage", OUTCOME_USAGE },
	{ 2, "secret-refused", OUTCOME_REFUSED },
	{ 3, "no-memory", OUTCOME_IO },
	{ 4, "no-device", OUTCOME_IO },
	{ 5, "busy", OUTCOME_REFUSED },
	{ 6, "header-refused", OUTCOME_REFUSED },
	{ 7, "no-secret-table", OUTCOME_REFUSED },
	{ 8, "secret-missing", OUTCOME_REFUSED },
	{ 9, "example-guid", OUTCOME_REFUSED },
	{ 10, "config", OUTCOME_BAD_INPUT },
	{ 11, "no-secret-module", OUTCOME_REFUSED },
	{ 12, "no-securityfs", OUTCOME_REFUSED },
	{ 13, "table-corrupt", OUTCOME_REFUSED },
	{ 14, "table-duplicate", OUTCOME_REFUSED },
	{ 15, "wipe-failed", OUTCOME_REFUSED },
	{ 16, "hidden-entries", OUTCOME_REFUSED },
	{ 17, "no-dm-crypt", OUTCOME_REFUSED },
	{ 18, "ambiguous-device", OUTCOME_REFUSED },
	{ 19, "not-luks2", OUTCOME_REFUSED },
	{ 20, "internal", OUTCOME_IO },
	{ 21, "secret-empty", OUTCOME_REFUSED },
	{ 22, "aborted", OUTCOME_REFUSED },
	{ 23, "no-status", OUTCOME_REFUSED },
	{ 24, "judge-failed", OUTCOME_IO },
	{ 25, "command-line", OUTCOME_REFUSED },
	{ 26, "foreign-credential", OUTCOME_REFUSED },
	{ 27, "policy-missing", OUTCOME_REFUSED },
	{ 28, "policy-invalid", OUTCOME_BAD_INPUT },
	{ 29, "pin-mismatch", OUTCOME_REFUSED },
	{ 30, "mapping-differs", OUTCOME_REFUSED },
	{ 31, "root-confusion", OUTCOME_REFUSED },
	{ 32, "old-generation", OUTCOME_REFUSED },
	{ 33, "deadline", OUTCOME_REFUSED },
	{ 34, "no-provider", OUTCOME_REFUSED },
	{ 35, "no-network", OUTCOME_REFUSED },
	{ 36, "no-route", OUTCOME_REFUSED },
	{ 37, "connection", OUTCOME_REFUSED },
	{ 38, "tls-parameters", OUTCOME_REFUSED },
	{ 39, "broker-identity", OUTCOME_REFUSED },
	{ 40, "broker-http", OUTCOME_REFUSED },
	{ 41, "protocol-version", OUTCOME_REFUSED },
	{ 42, "evidence-refused", OUTCOME_REFUSED },
	{ 43, "release-denied", OUTCOME_REFUSED },
	{ 44, "resource-missing", OUTCOME_REFUSED },
	{ 45, "malformed-answer", OUTCOME_REFUSED },
	{ 46, "report-failed", OUTCOME_REFUSED },
	{ 47, "no-answer", OUTCOME_REFUSED },
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
	is_int(_EXITCODE_MAX <= EXITCODE_REFUSED, true,
	       "the numbers of coco-secret alone are above it");
	is_str(exitcode_name(_EXITCODE_MAX), "internal", "a number above the table is internal");
	is_str(exitcode_name((enum exitcode) - 1), "internal", "a negative number is internal");
	is_str(exitcode_next(_EXITCODE_MAX), exitcode_next(EXITCODE_INTERNAL),
	       "and so is its next step");
}

static void test_owner(void)
{
	size_t i;

	for (i = 0; i < ARRAY_SIZE(frozen); i++) {
		enum exitcode code = (enum exitcode)frozen[i].code;
		const char *next = exitcode_owner_next(code);

		is_int(exitcode_outcome(code), frozen[i].outcome,
		       "%s: its exit code of coco-secret", frozen[i].name);
		ok(strlen(next) > 10 && !strpbrk(next, "\"\n\r") &&
			   !strstr(next, "coco-unlock --help"),
		   "%s: a next step for the owner", frozen[i].name);
	}
	is_str(exitcode_owner_next(EXITCODE_TABLE_DUPLICATE),
	       exitcode_next(EXITCODE_TABLE_DUPLICATE), "the boot's step, where it is the same");
	is_str(exitcode_owner_next(EXITCODE_INTERNAL), "report this", "and another one, where not");
	is_int(exitcode_outcome(EXITCODE_REFUSED), 2, "refused");
	is_int(exitcode_outcome(EXITCODE_BAD_INPUT), 3, "bad input");
	is_int(exitcode_outcome(EXITCODE_IO), 4, "the machine");
	is_str(exitcode_name(EXITCODE_REFUSED), "internal", "these are no names of a boot");
	is_int(exitcode_outcome(_EXITCODE_MAX), OUTCOME_IO, "a number above the table is internal");
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
	test_owner();
	test_man_page();
	return tap_done();
}
