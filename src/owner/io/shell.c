/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * shell.c - quotes words for a shell.
 * Trusts nothing in a word. May print only what it is told to.
 */
#include "owner/io/shell.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/fault.h"
#include "base/paths.h"

#define PLAIN                                                            \
	"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789" \
	"_./-+:,@%"

struct text {
	char *buf;
	size_t size, len;
};

static void add(struct text *t, const char *bytes, size_t nr)
{
	size_t i;

	for (i = 0; i < nr; i++, t->len++)
		if (t->len < t->size)
			t->buf[t->len] = bytes[i];
}

static void add_word(struct text *t, const char *word)
{
	if (*word && word[strspn(word, PLAIN)] == '\0') {
		add(t, word, strlen(word));
		return;
	}
	add(t, "'", 1);
	for (; *word; word++)
		if (*word == '\'')
			add(t, "'\\''", 4);
		else
			add(t, word, 1);
	add(t, "'", 1);
}

int shell_command(char *buf, size_t size, const char *const *words)
{
	struct text t = { .buf = buf, .size = size };
	size_t i;

	for (i = 0; words[i]; i++) {
		if (i > 0)
			add(&t, " ", 1);
		add_word(&t, words[i]);
	}
	add(&t, "", 1);
	if (t.len <= size)
		return 0;
	if (size > 0)
		buf[0] = '\0';
	return -ENAMETOOLONG;
}

void shell_print(FILE *out, const char *const *words)
{
	char buf[4096];
	size_t i;

	for (i = 0; words[i]; i++) {
		size_t size = 4 * strlen(words[i]) + 3; /* each byte may be a quote */
		char *longer = size > sizeof(buf) ? malloc(size) : NULL;

		(void)shell_word(longer ? longer : buf, longer ? size : sizeof(buf), words[i]);
		fprintf(out, "%s%s", i > 0 ? " " : "", longer ? longer : buf);
		free(longer);
	}
}

const char *shell_file(char *buf, size_t size, const char *name)
{
	if (name[0] != '-' || snprintf(buf, size, "./%s", name) >= (int)size)
		return name;
	return buf;
}

bool shell_is_stream(const char *name)
{
	static const char *const beginnings[] = { PATH_DEV_FD "/", PATH_SELF_FDS "/" };
	size_t i;

	for (i = 0; i < ARRAY_SIZE(beginnings); i++)
		if (strncmp(name, beginnings[i], strlen(beginnings[i])) == 0)
			return true;
	return strcmp(name, "-") == 0 || strcmp(name, PATH_DEV_STDIN) == 0;
}

const char *shell_source(char *buf, size_t size, const char *name, const char *otherwise)
{
	return shell_is_stream(name) ? otherwise : shell_file(buf, size, name);
}

int shell_word(char *buf, size_t size, const char *word)
{
	return shell_command(buf, size, (const char *const[]){ word, NULL });
}

const char *shell_name(char buf[SHELL_NAME_SIZE], const char *name, const char *otherwise)
{
	char file[SHELL_NAME_SIZE];

	if (strlen(name) + sizeof("./") > sizeof(file) ||
	    shell_word(buf, SHELL_NAME_SIZE, shell_file(file, sizeof(file), name)) < 0 ||
	    !fault_shows(buf))
		(void)snprintf(buf, SHELL_NAME_SIZE, "%s", otherwise); /* fits */
	return buf;
}
