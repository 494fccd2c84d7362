/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * words.c - what the root's first program is told of the command line.
 */
#include "init/words.h"

#include "base/paths.h"
#include "fixture.h"

static struct fixture fx;
static char program[] = "/sbin/init";

/* The arguments, with a space between them. */
static const char *told(const char *cmdline)
{
	static char text[4096];
	struct words words = WORDS_NULL;
	size_t i;
	int r;

	fixture_text(&fx, PATH_CMDLINE, cmdline);
	r = words_read(&fx.root, program, &words);
	if (r < 0)
		return strerror(-r);
	*text = '\0';
	for (i = 0; words.argv[i]; i++)
		(void)snprintf(text + strlen(text), sizeof(text) - strlen(text), "%s%s",
			       i ? " " : "", words.argv[i]);
	words_done(&words);
	return text;
}

int main(void)
{
	static const struct {
		const char *cmdline;
		const char *told;
	} cases[] = {
		{ "", "/sbin/init" },
		{ "\n", "/sbin/init" },
		{ "console=ttyS0 root=/dev/mapper/root rw\n", "/sbin/init" },
		{ "ro quiet noresume nomodeset debug\n", "/sbin/init" },
		{ "single\n", "/sbin/init single" },
		{ "quiet emergency  -b\t3 \n", "/sbin/init emergency -b 3" },
		{ "systemd.unit=x rd.break a.b LD_PRELOAD=/x.so\n", "/sbin/init" },
		{ "splash -- x=y z\n", "/sbin/init splash x=y z" },
		{ "quiet -- a.b=c -- ro\n", "/sbin/init a.b=c -- ro" },
	};
	char many[WORDS_MAX * 4 + 16] = "";
	size_t i;

	fixture_init(&fx);
	for (i = 0; i < ARRAY_SIZE(cases); i++)
		is_str(told(cases[i].cmdline), cases[i].told, "%s", cases[i].cmdline);
	for (i = 0; i < WORDS_MAX; i++)
		(void)snprintf(many + strlen(many), sizeof(many) - strlen(many), "w%zu ", i % 10);
	ok(strncmp(told(many), "/sbin/init w0", 13) == 0, "as many as the kernel takes");
	(void)strcat(many, "x");
	is_str(told(many), strerror(E2BIG), "one more");
	fixture_unlink(&fx, PATH_CMDLINE);
	{
		struct words words = WORDS_NULL;

		is_int(words_read(&fx.root, program, &words), -ENOENT, "no command line");
	}
	fixture_done(&fx);
	return tap_done();
}
