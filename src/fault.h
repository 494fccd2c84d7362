/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * fault.h - why something stopped: an exit code and one sentence, carried up to the one
 * place that prints it. Layers that fill a fault do not log it.
 */
#ifndef COCO_FAULT_H
#define COCO_FAULT_H

#include <stdbool.h>

#include "exitcode.h"
#include "util.h"

#define FAULT_REASON_MAX 400

struct fault {
	enum exitcode code;
	bool outranks; /* recorded by fault_replace() */
	char reason[FAULT_REASON_MAX]; /* printable, without quotes, cut if too long */
};

/*
 * Records code and reason, unless an earlier fault is recorded already: the first cause is
 * the one the user needs. The text is made printable, since it may quote a disk or a table.
 * Returns -errno_value, so that a caller can write `return fault_set(...)`.
 */
int fault_set(struct fault *f, enum exitcode code, int errno_value, const char *fmt, ...)
	_printf_(4, 5);

/* The same, but it outranks a fault that is recorded already: for secrets that may still be
 * there, whatever else went wrong. */
int fault_replace(struct fault *f, enum exitcode code, int errno_value, const char *fmt, ...)
	_printf_(4, 5);

/* Takes over another fault, unless one is recorded already that it does not outrank. */
void fault_merge(struct fault *f, const struct fault *other);

#endif
