/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * entries.h - the names in a directory: all of them, or an error.
 */
#ifndef COCO_ENTRIES_H
#define COCO_ENTRIES_H

#include "root.h"

/*
 * Calls `each` for every name in the directory but `.` and `..`, in no order; a value other
 * than 0 ends that. Returns 0 when it was called for all of them, what it returned last, or
 * -errno if the directory cannot be read to its end: a list that breaks off is no list.
 */
int entries_each(const struct root *root, const char *path,
		 int (*each)(void *ctx, const char *name), void *ctx);

/* Whether the path is there: 1, 0, or -errno if that cannot be told. */
int entries_have(const struct root *root, const char *path);

#endif
