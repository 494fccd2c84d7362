/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * words.h - what the root's first program is told.
 */
#ifndef COCO_WORDS_H
#define COCO_WORDS_H

#include "base/root.h"

/* Arguments, and as many variables, as the kernel has it (init/main.c, MAX_INIT_ARGS). */
#define WORDS_MAX 32

struct words {
	char *text[2];		   /* owned; argv and envp point into them */
	char *argv[WORDS_MAX + 2]; /* the program, its arguments, NULL */
	char *envp[WORDS_MAX + 2]; /* variables, NULL */
};

#define WORDS_NULL ((struct words){ .text = { NULL, NULL } })

/*
 * The arguments and the environment that the kernel would give to `program`: those that it gave to
 * the stub, which has left them in PATH_KERNEL_ARGV and PATH_KERNEL_ENVP, each string with its NUL.
 * The guard has passed the whole command line before. Variables by which a library would take code
 * or files from elsewhere are left out in any case. Returns 0, -E2BIG for too many, -EINVAL for
 * files that the stub has not written, or -errno.
 */
int words_read(const struct root *root, char *program, struct words *ret_words);
void words_done(struct words *words);

#endif
