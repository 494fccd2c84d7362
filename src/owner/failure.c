/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * failure.c - records the first cause of a failure.
 * Trusts no byte of the texts; may not print.
 */
#include "failure.h"

#include <stdarg.h>
#include <string.h>

#include "text.h"

int failure_set(struct failure *f, enum outcome outcome, const char *what, const char *next,
		const char *why, ...)
{
	char raw[sizeof(f->why)];
	va_list ap;

	if (f->outcome == OUTCOME_OK) {
		va_start(ap, why);
		(void)vsnprintf(raw, sizeof(raw), why, ap); /* a long reason is cut on purpose */
		va_end(ap);
		f->outcome = outcome;
		text_printable(what, f->what, sizeof(f->what));
		text_printable(raw, f->why, sizeof(f->why));
		text_printable(next, f->next, sizeof(f->next));
	}
	return outcome == OUTCOME_REFUSED ? -EPERM : outcome == OUTCOME_IO ? -EIO : -EINVAL;
}

static const char *next_step(int errno_value)
{
	switch (errno_value) {
	case EACCES:
	case EPERM:
	case EROFS:
		return "use a place where you may write, or change the permissions";
	case ENOSPC:
	case EDQUOT:
		return "make room, or write somewhere else";
	case ENOENT:
	case ENOTDIR:
		return "check the path";
	case ENOMEM:
		return "free memory, or raise the limit of locked memory (ulimit -l)";
	default:
		return "check the file and the disk that it is on";
	}
}

int failure_io(struct failure *f, const char *what, int errno_value, const char *doing)
{
	return failure_set(f, OUTCOME_IO, what, next_step(errno_value), "%s: %s", doing,
			   strerror(errno_value));
}
