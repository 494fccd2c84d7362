/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * generation.h - the owner's counter against an old copy of the whole disk: a number in a file
 * of the encrypted root. It does not stop the return of single sectors.
 *
 * Format of PATH_GENERATION: decimal digits without zeros in front, and a line feed. No file
 * means 0. The greatest number is 2^63-1.
 */
#ifndef COCO_GENERATION_H
#define COCO_GENERATION_H

#include <stdint.h>

#include "base/fault.h"
#include "base/root.h"

#define GENERATION_MAX ((uint64_t)INT64_MAX)

/*
 * The file system that is mounted on `path`, without whatever is mounted below it, as a root
 * of its own: both functions below look at the same file, whether /var is mounted or not.
 * In a tree of tests it is the directory. Needs CAP_SYS_ADMIN and Linux 5.2. 0 or -errno.
 */
int generation_root(const struct root *root, const char *path, struct root *ret_root);

/* Returns 0, -EINVAL if the file is not of the form above, or -errno. */
int generation_read(const struct root *root, uint64_t *ret_generation);

/* Says that generation_read() has failed with r on `what`. Returns r. */
int generation_unreadable(const char *what, int r, struct fault *f);

/* Writes the file in one step and syncs it; makes the directories above it. Returns 0 or
 * -errno, -ERANGE above GENERATION_MAX. */
int generation_write(const struct root *root, uint64_t generation);

#endif
