/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * options.c - a table of options: what it takes and refuses, and how it is printed.
 */
#include "base/options.h"

#include <string.h>

#include "tap.h"

struct values {
	bool flag;
	const char *text, *word, *hidden;
	struct option_list list;
	struct option_number number, byte;
};

static const struct option_row rows[] = {
	OPTION_OPERAND("DISK", OPTION_USE_DISK, "the disk"),
	OPTION_TEXT('o', "output", "FILE", struct values, text, "where it goes"),
	OPTION_FLAG("force", struct values, flag, "replace it"),
	OPTION_WORD("format", "binary|base64|hex", struct values, word, "how it is written"),
	OPTION_FILES(
		"vmsa", "FILE", struct values, list, OPTION_USE_READ,
		"a text that is longer than one line has room for, so that it goes on in the next line"),
	OPTION_NUMBER("number", UINT64_MAX, struct values, number, "any number"),
	OPTION_NUMBER("byte", UINT8_MAX, struct values, byte, "a small one"),
	OPTION_TEXT(0, "hidden", "N", struct values, hidden, NULL),
	{ 0 },
};

static char *argv[OPTION_LIST_MAX + 8], verb[] = "verb", vmsa[] = "--vmsa=x";

/* Parses up to eight words. */
static int parse_words(struct values *v, struct fault *f, const char *const words[8])
{
	int argc = 1;

	argv[0] = verb;
	*v = (struct values){ 0 };
	*f = (struct fault){ 0 };
	for (; argc <= 8 && words[argc - 1]; argc++)
		argv[argc] = strdup(words[argc - 1]); /* as long as the process */
	argv[argc] = NULL;
	return options_parse(rows, argc, argv, v, f);
}

#define parse(v, f, ...) parse_words(v, f, (const char *const[8]){ __VA_ARGS__ })

static void test_takes(void)
{
	struct values v;
	struct fault f;
	int first;

	is_int(parse(&v, &f, NULL), 1, "nothing");
	ok(!v.flag && !v.text && !v.word && !v.list.nr && !v.number.given,
	   "... and nothing is set");
	first = parse(&v, &f, "a", "--force", "b", "-o", "out", "--byte=0xff");
	is_int(first, 5, "options between operands");
	is_str(argv[first], "a", "... whose order stays");
	is_str(argv[first + 1], "b", "... to the last");
	ok(v.flag, "a flag");
	is_str(v.text, "out", "a letter");
	ok(v.byte.given && v.byte.value == 255 && !v.number.given, "a number");
	(void)parse(&v, &f, "-oa", "--output=b", "--outp", "c");
	is_str(v.text, "c", "the last one counts; a name may be cut");
	(void)parse(&v, &f, "--vmsa", "x", "--vmsa", "-", "--vmsa=");
	is_int(v.list.nr, 3, "a list has each of them");
	is_str(v.list.texts[1], "-", "... in their order");
	is_int(parse(&v, &f, "--format", "hex", "--", "--force"), 4, "all behind -- are operands");
	ok(strcmp(v.word, "hex") == 0 && !v.flag, "... and a word is one of its row");
	(void)parse(&v, &f, "--number", "18446744073709551615", "--hidden", "n");
	ok(v.number.value == UINT64_MAX, "the largest number");
	is_str(v.hidden, "n", "an option that the help does not show");
}

static void refused(const char *const words[8], const char *why)
{
	struct values v;
	struct fault f;

	is_int(parse_words(&v, &f, words), -EINVAL, "%s: %s", words[0], why);
	is_int(f.code, EXITCODE_USAGE, "... is a mistake in the command line");
	is_str(f.why, why, "... and told so");
}

#define refuses(why, ...) refused((const char *const[8]){ __VA_ARGS__ }, why)

static void test_refuses(void)
{
	struct values v = { 0 };
	struct fault f = { 0 };
	int i;

	refuses("'--foo' is not an option, or lacks its value", "--foo");
	refuses("'-x' is not an option, or lacks its value", "a", "-x");
	refuses("'-?' is not an option, or lacks its value", "-?");
	refuses("'--DISK' is not an option, or lacks its value", "--DISK");
	refuses("'--output' is not an option, or lacks its value", "--output");
	refuses("'-o' is not an option, or lacks its value", "-o");
	refuses("'--force=1' is not an option, or lacks its value", "--force=1");
	refuses("'--fo' is not an option, or lacks its value", "--fo", "hex");
	refuses("--format=text: not binary, base64 or hex", "--format", "text");
	refuses("--format=: not binary, base64 or hex", "--format=");
	refuses("--format=he: not binary, base64 or hex", "--format", "he");
	refuses("--format=hex|: not binary, base64 or hex", "--format", "hex|");
	refuses("--byte=256: not a number from 0 to 255", "--byte", "256");
	refuses("--number=-1: not a number from 0 to 18446744073709551615", "--number", "-1");
	argv[0] = verb;
	for (i = 1; i <= OPTION_LIST_MAX + 1; i++)
		argv[i] = vmsa;
	argv[i] = NULL;
	is_int(options_parse(rows, i - 1, argv, &v, &f), i - 1, "as many as there is room for");
	v.list.nr = 0;
	is_int(options_parse(rows, i, argv, &v, &f), -EINVAL, "one more");
	is_str(f.why, "--vmsa: more than 512 of them", "... is told");
}

static void test_numbers(void)
{
	static const char *const bad[] = { "",
					   "x",
					   "-1",
					   " 1",
					   "1 ",
					   "0x",
					   "0xg",
					   "256",
					   "0x100",
					   "+1",
					   "1e1",
					   "0x10000000000000001",
					   "0x 1",
					   "99999999999999999999",
					   "0xffffffffffffffff" };
	uint64_t n = 4711;
	size_t i;

	for (i = 0; i < ARRAY_SIZE(bad); i++)
		ok(options_number(bad[i], 255, &n) < 0 && n == 4711, "number: not '%s'", bad[i]);
	ok(options_number("255", 255, &n) == 0 && n == 255, "number: decimal");
	ok(options_number("0xfF", 255, &n) == 0 && n == 255, "number: hexadecimal");
	ok(options_number("0XFFFFFFFF", UINT32_MAX, &n) == 0 && n == UINT32_MAX, "number: 32 bits");
	ok(options_number("010", 255, &n) == 0 && n == 10, "number: never octal");
}

static void test_print(void)
{
	char text[2048] = "";
	FILE *out = fmemopen(text, sizeof(text) - 1, "w");

	if (!ok(out != NULL, "a stream"))
		return;
	options_print(rows, out);
	(void)fclose(out);
	is_str(text,
	       "  DISK                  the disk\n"
	       "  -o, --output FILE     where it goes\n"
	       "  --force               replace it\n"
	       "  --format binary|base64|hex\n"
	       "                        how it is written\n"
	       "  --vmsa FILE           a text that is longer than one line has room for, so that it goes\n"
	       "                        on in the next line\n"
	       "  --number N            any number\n"
	       "  --byte N              a small one\n",
	       "the list for --help");
}

int main(void)
{
	test_takes();
	test_refuses();
	test_numbers();
	test_print();
	return tap_done();
}
