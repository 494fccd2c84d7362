/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * files.c - what is one file by two names, and what is not; tests/cli/owner/files.t tries all verbs.
 */
#include "owner/io/files.h"

#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>

#include "fixture.h"
#include "tap.h"

struct values {
	const char *in, *out, *other;
};

static const struct option_row rows[] = {
	OPTION_OPERAND("DISK", OPTION_USE_LOOK, NULL),
	OPTION_OPERAND("ENTRY", OPTION_USE_ENTRY, NULL),
	OPTION_FILE(0, "in", "FILE", struct values, in, OPTION_USE_READ, "read"),
	OPTION_FILE('o', "out", "FILE", struct values, out, OPTION_USE_WRITE, "written",
		    .spares = "ENTRY", .stream = true),
	OPTION_FILE(0, "other", "FILE", struct values, other, OPTION_USE_WRITE, "written"),
	{ 0 },
};

static struct fault f;

static int check(const struct values *values, char **operands, int nr)
{
	struct files files = { 0 };
	int r;

	f = (struct fault){ 0 };
	r = files_add_all(&files, rows, values, nr, operands, &f);
	if (r >= 0)
		r = files_check(&files, &f);
	files_done(&files);
	return r;
}

static void test_names(void)
{
	static const struct {
		struct values values;
		char *operands[4];
		int wanted;
		const char *what;
	} cases[] = {
		{ { 0 }, { 0 }, 0, "nothing" },
		{ { "a", "b", "c" }, { "d", "x=a" }, 0, "different files" },
		{ { "a", "a", NULL }, { 0 }, -EPERM, "read and written" },
		{ { "a", "hard", NULL }, { 0 }, -EPERM, "by a hard link" },
		{ { "a", "soft", NULL }, { 0 }, -EPERM, "by a symbolic link" },
		{ { NULL, "a", "./a" }, { 0 }, -EPERM, "written twice" },
		{ { NULL, "new", "./new" }, { 0 }, -EPERM, "twice, and not there yet" },
		{ { NULL, "new", "new.coco-new" }, { 0 }, -EPERM, "on the way" },
		{ { "new", "new", NULL }, { 0 }, 0, "what is not there cannot be read" },
		{ { NULL, "a", NULL }, { "a#2" }, -EPERM, "the disk of a partition" },
		{ { NULL, "a#2", NULL }, { "a" }, 0, "a name with a #" },
		{ { NULL, "a", NULL }, { "d", "x=a" }, 0, "as the row says" },
		{ { NULL, NULL, "a" }, { "d", "x=a" }, -EPERM, "no other row says it" },
		{ { NULL, NULL, "a" },
		  { "d", "x=d", "y=a" },
		  -EPERM,
		  "the last row goes for the rest" },
		{ { NULL, NULL, "a" }, { "d", "a" }, 0, "an entry without a file" },
		{ { "a", NULL, NULL }, { "a", "x=a" }, 0, "all of them read" },
		{ { "-", "-", NULL }, { 0 }, 0, "standard input and output" },
		{ { "-", NULL, NULL }, { "d", "x=-" }, -EINVAL, "standard input twice" },
		{ { NULL, NULL, "-" }, { 0 }, -EINVAL, "no standard output here" },
		{ { NULL, NULL, NULL }, { "-" }, -EINVAL, "no disk" },
		{ { "./-", "-", NULL }, { 0 }, 0, "a file that is called so" },
	};
	char *operands[4];
	size_t i;

	for (i = 0; i < ARRAY_SIZE(cases); i++) {
		int nr = 0;

		memcpy(operands, cases[i].operands, sizeof(operands));
		while (operands[nr])
			nr++;
		is_int(check(&cases[i].values, operands, nr), cases[i].wanted, "%s", cases[i].what);
		ok((cases[i].wanted == 0) == (f.code == EXITCODE_OK), "... %s", f.why);
	}
}

int main(void)
{
	struct fixture fx = { 0 };

	fixture_init(&fx);
	FIXTURE_MUST(chdir(fx.dir) == 0);
	FIXTURE_MUST(creat("a", 0600) >= 0 && creat("b", 0600) >= 0);
	FIXTURE_MUST(link("a", "hard") == 0 && symlink("a", "soft") == 0);
	test_names();
	FIXTURE_MUST(chdir("/") == 0);
	fixture_done(&fx);
	return tap_done();
}
