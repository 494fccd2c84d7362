/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * util.h - scope-bound cleanup and other small macros used everywhere.
 * Trusts nothing and knows nothing of the program's purpose; may not do I/O.
 */
#ifndef COCO_UTIL_H
#define COCO_UTIL_H

#include <errno.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#define ARRAY_SIZE(a) (sizeof(a) / sizeof((a)[0]))

#define _printf_(fmt, args) __attribute__((format(printf, fmt, args)))
#define _must_check_ __attribute__((warn_unused_result))
#define _cleanup_(fn) __attribute__((cleanup(fn)))
#define _cleanup_free_ _cleanup_(util_freep)
#define _cleanup_close_ _cleanup_(util_closep)

/* Takes the value out of a variable with a cleanup attribute, so that the caller owns it. */
#define TAKE_PTR(p)                     \
	({                              \
		__typeof__(p) _p = (p); \
		(p) = NULL;             \
		_p;                     \
	})
#define TAKE_FD(fd)             \
	({                      \
		int _fd = (fd); \
		(fd) = -EBADF;  \
		_fd;            \
	})

static inline void util_freep(void *p)
{
	free(*(void **)p);
}

/* All bits if low <= c <= high, else none; for 0..255, and without a branch: c may be secret. */
static inline int util_within(int c, int low, int high)
{
	return ((low - 1 - c) & (c - high - 1)) >> 31;
}

static inline void util_closep(const int *fd)
{
	if (*fd >= 0)
		(void)close(*fd); /* read-only or already synced: nothing to report */
}

#endif
