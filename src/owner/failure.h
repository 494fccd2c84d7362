/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * failure.h - why coco-secret stopped: an exit code, the object, the reason and the next step,
 * carried up to the one place that prints it. Layers that fill a failure do not print it.
 */
#ifndef COCO_OWNER_FAILURE_H
#define COCO_OWNER_FAILURE_H

#include "exitcode.h"
#include "util.h"

struct failure {
	enum outcome outcome;
	char what[256]; /* the file or object; printable, cut if too long */
	char why[400];
	char next[256];
};

/*
 * Records a failure, unless an earlier one is recorded: the first cause is the one that the
 * user needs. `what` and `next` are plain text. All is made printable.
 * Returns -EPERM for a refusal, -EIO for OUTCOME_IO, else -EINVAL.
 */
int failure_set(struct failure *f, enum outcome outcome, const char *what, const char *next,
		const char *why, ...) _printf_(5, 6);

/* A call on a file has failed: OUTCOME_IO with the text of the error number. Returns -EIO. */
int failure_io(struct failure *f, const char *what, int errno_value, const char *doing);

#endif
