/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * words.c - the arguments for the root's first program.
 * Trusts the guard to have refused every word that the owner does not allow.
 */
#include "init/words.h"

#include <stdlib.h>
#include <string.h>

#include "base/paths.h"
#include "base/text.h"
#include "conf/conf.h"

/* Words without a value that the kernel keeps for itself (__setup() and early_param()). */
static bool is_the_kernels(const char *word)
{
	static const char *const words[] = { "ro",	   "rw",       "quiet",
					     "debug",	   "noresume", "nomodeset",
					     "nokaslr",	   "nosmp",    "ignore_loglevel",
					     "resumewait", "rootwait" };
	size_t i;

	for (i = 0; i < ARRAY_SIZE(words); i++)
		if (strcmp(word, words[i]) == 0)
			return true;
	return false;
}

int words_read(const struct root *root, char *program, struct words *ret_words)
{
	struct words w = WORDS_NULL;
	char *cursor, *word;
	bool all = false;
	size_t nr = 0;
	ssize_t n;

	n = root_read_text(root, PATH_CMDLINE, CONF_CMDLINE_MAX, &w.text);
	if (n < 0)
		return (int)n;
	w.argv[nr++] = program;
	cursor = w.text;
	while ((word = text_word(&cursor, " \t\n"))) {
		if (!all && strcmp(word, "--") == 0) {
			all = true; /* what follows is for the program alone */
			continue;
		}
		if (!all && (strpbrk(word, "=.") || is_the_kernels(word)))
			continue;
		if (nr > WORDS_MAX) {
			words_done(&w);
			return -E2BIG;
		}
		w.argv[nr++] = word;
	}
	*ret_words = w;
	return 0;
}

void words_done(struct words *words)
{
	free(words->text);
	*words = WORDS_NULL;
}
