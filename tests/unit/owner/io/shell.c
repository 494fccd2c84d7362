/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * shell.c - each word comes back from a real shell as it was.
 */
#include "owner/io/shell.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/util.h"
#include "tap.h"

/* What sh makes of the words, with a LF behind each. */
static void ask_shell(const char *command, char *ret, size_t size)
{
	char line[512];
	FILE *pipe;
	size_t len = 0;

	(void)snprintf(line, sizeof(line), "printf '%%s\\n' %s", command);
	pipe = popen(line, "r");
	if (pipe) {
		len = fread(ret, 1, size - 1, pipe);
		(void)pclose(pipe);
	}
	ret[len] = '\0';
}

static void test_words(void)
{
	static const char *const words[] = {
		"",	"plain-1.img", "a b",	   "it's", "'",		"''",	 "$HOME", "`id`",
		"a\\b", "\"",	       "*?",	   "a#2",  "#2",	"~",	 "a;b&c", "!x",
		"=",	"{a,b}",       "\xc3\xa9", "-x",   "tab\there", "(a|b)", "a=b c",
	};
	char quoted[128], back[128], expected[128];
	size_t i;

	for (i = 0; i < ARRAY_SIZE(words); i++) {
		is_int(shell_word(quoted, sizeof(quoted), words[i]), 0, "word %zu fits", i);
		ask_shell(quoted, back, sizeof(back));
		(void)snprintf(expected, sizeof(expected), "%s\n", words[i]);
		is_str(back, expected, "... and a shell reads it back");
	}
}

static void test_commands(void)
{
	const char *const words[] = { "cp", "a b", "c", NULL };
	char buf[16];

	is_int(shell_command(buf, sizeof(buf), words), 0, "a command");
	is_str(buf, "cp 'a b' c", "... has blanks between its words");
	is_int(shell_command(buf, 11, words), 0, "... fits exactly");
	is_int(shell_command(buf, 10, words), -ENAMETOOLONG, "... or not at all");
	is_str(buf, "", "... and then nothing of it is there");
}

static void test_print(void)
{
	const char *const words[] = { "cp", "a b", "c", NULL };
	char *text = NULL, buf[8];
	size_t size;
	FILE *out = open_memstream(&text, &size);

	shell_print(out, words);
	(void)fclose(out);
	is_str(text, "cp 'a b' c", "a command to a stream");
	free(text);
	is_str(shell_file(buf, sizeof(buf), "a-b"), "a-b", "a name");
	is_str(shell_file(buf, sizeof(buf), "-a"), "./-a", "... that looks like an option");
	is_str(shell_file(buf, sizeof(buf), "-"), "./-", "... or like standard input");
}

int main(void)
{
	test_words();
	test_commands();
	test_print();
	return tap_done();
}
