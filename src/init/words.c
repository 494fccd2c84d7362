/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * words.c - arguments and environment for the root's first program.
 * Only the kernel knows which words of the command line are its own, so what it has made of them is
 * taken. Trusts the guard to have refused every word that the owner does not allow.
 */
#include "init/words.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>

#include "base/io.h"
#include "base/paths.h"
#include "conf/conf.h"

/* By these the loader and the C library take code, or tables that decide like code, from anywhere
 * (ld.so(8), glibc's sysdeps/generic/unsecvars.h). A final `*` makes a prefix. */
static bool is_dangerous(const char *variable)
{
	static const char *const names[] = {
		"LD_*", "GLIBC_TUNABLES=*", "GCONV_PATH=*", "LOCPATH=*", "MALLOC_*", "NLSPATH=*",
	};
	size_t i;

	for (i = 0; i < ARRAY_SIZE(names); i++)
		if (strncmp(variable, names[i], strlen(names[i]) - 1) == 0)
			return true;
	return false;
}

/* Reads a file of strings, and has strings[] point to at most max of them. Returns their number. */
static ssize_t read_strings(const struct root *root, const char *path, size_t max, char **ret_text,
			    char **strings)
{
	_cleanup_close_ int fd = root_open(root, path, O_RDONLY | O_NOFOLLOW, 0);
	size_t nr = 0;
	char *next;
	ssize_t n;

	if (fd < 0)
		return fd;
	*ret_text = malloc(CONF_CMDLINE_MAX);
	if (!*ret_text)
		return -ENOMEM;
	n = io_read(fd, *ret_text, CONF_CMDLINE_MAX);
	if (n < 0)
		return n;
	if (n > 0 && (*ret_text)[n - 1] != '\0')
		return -EINVAL;
	for (next = *ret_text; next < *ret_text + n; next += strlen(next) + 1) {
		if (nr == max)
			return -E2BIG;
		strings[nr++] = next;
	}
	return (ssize_t)nr;
}

static int read_both(const struct root *root, char *program, struct words *w)
{
	size_t nr = 0;
	ssize_t n, i;

	w->argv[0] = program;
	n = read_strings(root, PATH_KERNEL_ARGV, WORDS_MAX, &w->text[0], w->argv + 1);
	if (n < 0)
		return (int)n;
	n = read_strings(root, PATH_KERNEL_ENVP, WORDS_MAX, &w->text[1], w->envp);
	if (n < 0)
		return (int)n;
	for (i = 0; i < n; i++)
		if (!is_dangerous(w->envp[i]))
			w->envp[nr++] = w->envp[i];
	w->envp[nr] = NULL;
	return 0;
}

int words_read(const struct root *root, char *program, struct words *ret_words)
{
	struct words w = WORDS_NULL;
	int r = read_both(root, program, &w);

	if (r < 0)
		words_done(&w);
	*ret_words = w;
	return r;
}

void words_done(struct words *words)
{
	free(words->text[0]);
	free(words->text[1]);
	*words = WORDS_NULL;
}
