/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * mounts.h - what is mounted where, from proc_pid_mountinfo(5).
 */
#ifndef COCO_MOUNTS_H
#define COCO_MOUNTS_H

#include <stdint.h>

#include "base/root.h"

#define MOUNTS_MAX 1024

struct mount {
	uint64_t id;
	uint64_t parent;
	dev_t dev;	   /* of the file system; major 0 if it is on no single block device */
	const char *point; /* absolute, escapes undone */
	const char *type;
	const char *source;  /* escapes undone; a hint, no proof */
	const char *options; /* of the file system, as they stand there */
};

struct mounts {
	char *text;	    /* owned; the strings point into it */
	struct mount *list; /* owned; in the kernel's order: what covers comes after */
	size_t nr;
};

#define MOUNTS_NULL ((struct mounts){ .nr = 0 })

/* Returns 0, -EINVAL for a line that cannot be read, -E2BIG, or -errno. */
int mounts_read(const struct root *root, struct mounts *ret_mounts);
void mounts_done(struct mounts *mounts);

/* A part of mounts_read(), apart for tests: takes `text`, from malloc(3), which it frees on an
 * error. Returns the same, but for errors of the file. */
int mounts_parse(char *text, struct mounts *ret_mounts);

/* The topmost mount on exactly this path, or NULL. */
const struct mount *mounts_on(const struct mounts *mounts, const char *path);

/* The mount that held `path` before `cover` was mounted, which may cover it; or NULL. */
const struct mount *mounts_holding(const struct mounts *mounts, const char *path,
				   const struct mount *cover);

/* True if `path` is a path below `top`, and not `top` itself. */
bool mounts_is_below(const char *path, const char *top);

/* Undoes \ooo in place. */
void mounts_unescape(char *s);

#endif
