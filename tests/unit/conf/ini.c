/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * ini.c - sections, keys and comments, whatever the keys are for: what is handed on, and what
 * is an error, with file and line.
 */
#include "conf/ini.h"

#include <string.h>

#include "base/text.h"
#include "tap.h"

struct conf {
	char seen[256]; /* one letter for the key, and its value, for each call */
	struct ini_place a_place;
};

static struct conf conf;
static struct fault f;

static int see(struct conf *c, char letter, const char *value)
{
	text_append(c->seen, sizeof(c->seen), "%c<%s>", letter, value);
	return strcmp(value, "bad") == 0 ? -ERANGE : 0;
}

static int set_a(struct conf *c, char *value)
{
	return see(c, 'a', value);
}

static int set_b(struct conf *c, char *value)
{
	return see(c, 'b', value);
}

static int set_other(struct conf *c, char *value)
{
	return see(c, 'o', value);
}

static const struct ini_key keys[] = {
	{ "One", "A", set_a, "what is good", offsetof(struct conf, a_place) },
	{ "One", "B", set_b, "what is better", 0 },
	{ "Two", "A", set_other, "what is best", 0 },
};

static int parse(const char *text)
{
	_cleanup_free_ char *copy = strdup(text);

	conf = (struct conf){ 0 };
	f = (struct fault){ 0 };
	return ini_parse(copy, "FILE", keys, ARRAY_SIZE(keys), &conf, &f);
}

static void test_good(void)
{
	static const struct {
		const char *text;
		const char *seen;
	} good[] = {
		{ "", "" },
		{ "\n \t\r\n# A=1\n;A=1\n", "" },
		{ "[One]\nA=1\nB=2\n[Two]\nA=3\n", "a<1>b<2>o<3>" },
		{ "  [One]\r\n\tA =\t5s \r\n[Two]\n[One]\nB=halt", "a<5s>b<halt>" },
		{ "[One]\nA=1\nA=2\n", "a<1>a<2>" },
		{ "[One]\nA=\nB==#;\n", "a<>b<=#;>" },
		{ "[One]\nA=1 # 2\n  # A=3\n", "a<1 # 2>" },
	};
	size_t i;

	for (i = 0; i < ARRAY_SIZE(good); i++) {
		is_int(parse(good[i].text), 0, "text no. %zu", i);
		is_str(conf.seen, good[i].seen, "is understood");
	}
}

static void test_bad(void)
{
	static const struct {
		const char *text;
		const char *reason;
	} bad[] = {
		{ "[One]\n\n# c\n; c\nC=1\n", "FILE:5: unknown key 'C' in section [One]" },
		{ "[One]\na=1\n", "FILE:2: unknown key 'a' in section [One]" },
		{ "[Two]\nB=1\n", "FILE:2: unknown key 'B' in section [Two]" },
		{ "A=1\n", "FILE:1: unknown key 'A' in section []" },
		{ "[One]\n=1\n", "FILE:2: unknown key '' in section [One]" },
		{ "[One]\nA\n", "FILE:2: expected Key=value" },
		{ "[one]\n", "FILE:1: unknown section [one]" },
		{ "[Three]\n", "FILE:1: unknown section [Three]" },
		{ "[]\n", "FILE:1: unknown section []" },
		{ "[\n", "FILE:1: not a section header" },
		{ "[One\n", "FILE:1: not a section header" },
		{ "[One] # why\n", "FILE:1: not a section header" },
		{ "\n\n[aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa]\n",
		  "FILE:3: not a section header" }, /* 64 bytes: does not fit */
		{ "[aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa]\n",
		  "FILE:1: unknown section "
		  "[aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa]" },
		{ "[One]\nB=bad\n", "FILE:2: B= takes what is better" },
		{ "[Two]\nA=1\nA=bad", "FILE:3: A= takes what is best" },
		{ "[One]\n\x1b[2J=\"1\"\n", "FILE:2: unknown key '?[2J' in section [One]" },
	};
	size_t i;

	for (i = 0; i < ARRAY_SIZE(bad); i++) {
		is_int(parse(bad[i].text), -EINVAL, "refused: %s", bad[i].reason);
		is_int(f.code, EXITCODE_CONFIG, "with the exit code of the configuration");
		is_str(f.why, bad[i].reason, "and this reason");
	}
	(void)parse("[One]\nA=1\nA=bad\nA=2\n");
	is_str(conf.seen, "a<1>a<bad>", "nothing behind the first mistake is read");
}

static void test_place(void)
{
	is_int(parse("[One]\nB=1\n[Two]\nA=2\n"), 0, "a key whose place is kept is not there");
	is_int(conf.a_place.line, 0, "... and has none");
	is_int(parse("[One]\nA=1\nA=2\nB=3\n"), 0, "it is there twice");
	is_int(conf.a_place.line, 3, "... the last line counts");
	is_str(conf.a_place.file, "FILE", "... and its file");
}

int main(void)
{
	test_good();
	test_bad();
	test_place();
	return tap_done();
}
