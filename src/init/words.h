/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * words.h - what the root's first program is told.
 */
#ifndef COCO_WORDS_H
#define COCO_WORDS_H

#include "base/root.h"

#define WORDS_MAX 32 /* arguments, as the kernel has it (init/main.c, MAX_INIT_ARGS) */

struct words {
	char *text;		   /* owned; the arguments point into it */
	char *argv[WORDS_MAX + 2]; /* the program, its arguments, NULL */
};

#define WORDS_NULL ((struct words){ .text = NULL })

/*
 * The arguments that the kernel would give to `program`: the words of the command line without =
 * and dot that are not the kernel's own, and all behind --. The guard has passed the whole line
 * before. Returns 0, -E2BIG for too many, or -errno.
 */
int words_read(const struct root *root, char *program, struct words *ret_words);
void words_done(struct words *words);

#endif
