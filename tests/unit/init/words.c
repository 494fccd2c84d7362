/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * words.c - what the root's first program is told of what the stub has kept.
 */
#include "init/words.h"

#include "base/paths.h"
#include "fixture.h"

static struct fixture fx;
static char program[] = "/sbin/init";

/* A file of strings as the stub writes it; in `text` each ends with a |, in place of the NUL. */
static void kept(const char *path, const char *text)
{
	char bytes[4096];
	size_t i, len = strlen(text);

	for (i = 0; i < len; i++)
		bytes[i] = (char)(text[i] == '|' ? '\0' : text[i]);
	fixture_put(&fx, path, bytes, len);
}

static void append(char *const *strings, char *text, size_t size)
{
	for (; *strings; strings++)
		(void)snprintf(text + strlen(text), size - strlen(text), "%s|", *strings);
}

/* Arguments, a space, variables; each ends with a |. */
static const char *told(void)
{
	static char text[4096];
	struct words words = WORDS_NULL;
	int r = words_read(&fx.root, program, &words);

	if (r < 0)
		return strerror(-r);
	*text = '\0';
	append(words.argv, text, sizeof(text));
	(void)strcat(text, " ");
	append(words.envp, text, sizeof(text));
	words_done(&words);
	return text;
}

static void as_kept(const char *argv, const char *envp, const char *expected)
{
	kept(PATH_KERNEL_ARGV, argv);
	kept(PATH_KERNEL_ENVP, envp);
	is_str(told(), expected, "argv '%s', envp '%s'", argv, envp);
}

static void test_variables(void)
{
	as_kept("", "HOME=/|TERM=linux|", "/sbin/init| HOME=/|TERM=linux|");
	as_kept("single|-b|", "HOME=/x|TERM=|A=b c=d|",
		"/sbin/init|single|-b| HOME=/x|TERM=|A=b c=d|");
	as_kept("|x=y|", "http_proxy=proxy:80|", "/sbin/init||x=y| http_proxy=proxy:80|");
	as_kept("", "", "/sbin/init| ");
	/* what would run other code, or read other tables */
	as_kept("", "LD_PRELOAD=/x.so|A=1|LD_AUDIT=|LD_LIBRARY_PATH=/x|B=2|",
		"/sbin/init| A=1|B=2|");
	as_kept("", "GLIBC_TUNABLES=x|GCONV_PATH=/x|LOCPATH=/x|NLSPATH=/x|MALLOC_CHECK_=3|",
		"/sbin/init| ");
	as_kept("", "LDX=1|OLD_LD_PRELOAD=1|GLIBC_TUNABLE=1|", /* only by their whole names */
		"/sbin/init| LDX=1|OLD_LD_PRELOAD=1|GLIBC_TUNABLE=1|");
	as_kept("LD_PRELOAD=/x.so|", "A=1|", "/sbin/init|LD_PRELOAD=/x.so| A=1|");
}

static void test_limits(void)
{
	char many[WORDS_MAX * 4 + 16] = "";
	size_t i;

	for (i = 0; i < WORDS_MAX; i++)
		(void)snprintf(many + strlen(many), sizeof(many) - strlen(many), "w%zu|", i % 10);
	kept(PATH_KERNEL_ARGV, many);
	kept(PATH_KERNEL_ENVP, many);
	ok(strncmp(told(), "/sbin/init|w0|", 14) == 0, "as many as the kernel takes");
	(void)strcat(many, "x|");
	kept(PATH_KERNEL_ENVP, many);
	is_str(told(), strerror(E2BIG), "one variable more");
	kept(PATH_KERNEL_ENVP, "");
	kept(PATH_KERNEL_ARGV, many);
	is_str(told(), strerror(E2BIG), "one argument more");
}

static void test_files(void)
{
	as_kept("a|", "A=1|B=", strerror(EINVAL));
	as_kept("a", "A=1|", strerror(EINVAL));
	fixture_unlink(&fx, PATH_KERNEL_ARGV);
	kept(PATH_KERNEL_ENVP, "A=1|");
	is_str(told(), strerror(ENOENT), "arguments are not kept");
	kept(PATH_KERNEL_ARGV, "");
	fixture_unlink(&fx, PATH_KERNEL_ENVP);
	is_str(told(), strerror(ENOENT), "variables are not kept");
	FIXTURE_MUST(symlinkat("/etc/environment", fx.root.fd, PATH_KERNEL_ENVP + 1) == 0);
	is_str(told(), strerror(ELOOP), "a link");
}

int main(void)
{
	fixture_init(&fx);
	test_variables();
	test_limits();
	test_files();
	fixture_done(&fx);
	return tap_done();
}
