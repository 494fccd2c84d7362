/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * fault.h - why something stopped: an exit code and one sentence, carried up to the one
 * place that prints it. Layers that fill a fault do not print it.
 */
#ifndef COCO_FAULT_H
#define COCO_FAULT_H

#include <stdbool.h>

#include "base/exitcode.h"
#include "base/util.h"

#define FAULT_WHY_MAX 400
#define FAULT_TEXT_MAX 256
#define FAULT_NEXT_MAX 4096 /* a command has room, with the paths in it */

/* What and why are printable, without double quotes. A next step stays as it is: it is our own
 * words, or a command with the user's names, in which each byte counts. All are cut if too long. */
struct fault {
	enum exitcode code;
	bool outranks;		   /* recorded by fault_replace() */
	char what[FAULT_TEXT_MAX]; /* the file or object; empty where `why` names it */
	char why[FAULT_WHY_MAX];
	char next[FAULT_NEXT_MAX]; /* what to do; empty: what the code says */
};

/*
 * Records code and sentence, unless an earlier fault is recorded already: the first cause is
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

/* As fault_set(), for a call that has failed with r, which is -errno: its text ends the sentence,
 * behind a colon. Returns r. */
int fault_errno(struct fault *f, enum exitcode code, int r, const char *fmt, ...) _printf_(4, 5);

/*
 * As fault_set(), about `what`, with a next step of its own or an empty one; both are plain
 * text, and the next step has nothing that a disk, a table or the host says, unless quoted.
 * Returns -EPERM if coco-secret takes the code for a refusal, -EIO if for OUTCOME_IO, else -EINVAL.
 */
int fault_about(struct fault *f, enum exitcode code, const char *what, const char *next,
		const char *fmt, ...) _printf_(5, 6);

/* True if a next step is shown as it is: not cut, and without control characters, also of UTF-8 and
 * of terminals with 8 bits. Half a command is another one. */
bool fault_shows(const char *next);

/* Next steps that several places have. */
#define FAULT_REPORT "report this with all that the console has shown"
#define FAULT_KILLED "give the guest more memory; if it has enough, " FAULT_REPORT
#define FAULT_ROOT_TIMEOUT                                                              \
	"raise RootTimeout= and build the initramfs again; if it has had time enough, " \
	"look at the disk"

/* What to do about a call on the owner's file that has failed with this errno (positive). */
const char *fault_io_next(int error);

/* A call on the owner's file has failed with r, which is -errno: EXITCODE_IO, and a next step for
 * this number. Returns -EIO. */
int fault_io(struct fault *f, const char *what, int r, const char *doing);

/* If r is negative: says which file or object the fault is about, unless it is said already.
 * Returns r. */
int fault_name(struct fault *f, int r, const char *what);

/* As fault_set(), with a next step of its own in the place of the code's; plain text. */
int fault_advise(struct fault *f, enum exitcode code, int errno_value, const char *next,
		 const char *fmt, ...) _printf_(5, 6);

/* What to do, for the guest's reader: the fault's own words, or the code's. */
const char *fault_next(const struct fault *f);

#endif
