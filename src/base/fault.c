/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * fault.c - records the first cause of a failure as one printable sentence.
 * Trusts no byte of the text's arguments but next steps, which are ours; may not print.
 */
#include "base/fault.h"

#include <stdarg.h>
#include <string.h>

#include "base/text.h"

/* error: a number whose text is appended, or 0. */
static void record(struct fault *f, enum exitcode code, int error, const char *fmt, va_list ap)
{
	char raw[FAULT_WHY_MAX];

	(void)vsnprintf(raw, sizeof(raw), fmt, ap); /* a long sentence is cut on purpose */
	if (error)
		text_append(raw, sizeof(raw), ": %s", strerror(error));
	*f = (struct fault){ .code = code };
	text_printable(raw, f->why, sizeof(f->why));
}

int fault_set(struct fault *f, enum exitcode code, int errno_value, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	if (f->code == EXITCODE_OK)
		record(f, code, 0, fmt, ap);
	va_end(ap);
	return -errno_value;
}

int fault_replace(struct fault *f, enum exitcode code, int errno_value, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	record(f, code, 0, fmt, ap);
	va_end(ap);
	f->outranks = true;
	return -errno_value;
}

void fault_merge(struct fault *f, const struct fault *other)
{
	if (other->code != EXITCODE_OK && (f->code == EXITCODE_OK || other->outranks))
		*f = *other;
}

int fault_errno(struct fault *f, enum exitcode code, int r, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	if (f->code == EXITCODE_OK)
		record(f, code, -r, fmt, ap);
	va_end(ap);
	return r;
}

static bool is_control(char c)
{
	return ((unsigned char)c < ' ' && c != '\0') || c == 0x7f;
}

/* All letters and quotes stay: each byte of a command counts. What moves a terminal's cursor does
 * not. */
static void set_next(struct fault *f, const char *next)
{
	char *p;

	(void)snprintf(f->next, sizeof(f->next), "%s", next); /* see fault_shows() */
	for (p = f->next; *p; p++)
		if (is_control(*p))
			*p = '?';
}

static void tell(struct fault *f, const char *what, const char *next)
{
	text_printable(what, f->what, sizeof(f->what));
	set_next(f, next);
}

int fault_about(struct fault *f, enum exitcode code, const char *what, const char *next,
		const char *fmt, ...)
{
	enum outcome outcome = exitcode_outcome(code);
	va_list ap;

	va_start(ap, fmt);
	if (f->code == EXITCODE_OK) {
		record(f, code, 0, fmt, ap);
		tell(f, what, next);
	}
	va_end(ap);
	return outcome == OUTCOME_REFUSED ? -EPERM : outcome == OUTCOME_IO ? -EIO : -EINVAL;
}

bool fault_shows(const char *next)
{
	size_t i;

	for (i = 0; next[i]; i++)
		if (is_control(next[i]))
			return false;
	return i < FAULT_NEXT_MAX;
}

static const char *next_step(int error)
{
	switch (error) {
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
		return exitcode_owner_next(EXITCODE_NO_MEMORY);
	default:
		return "check the file and the disk that it is on";
	}
}

int fault_io(struct fault *f, const char *what, int r, const char *doing)
{
	if (f->code == EXITCODE_OK) {
		(void)fault_errno(f, EXITCODE_IO, r, "%s", doing);
		tell(f, what, next_step(-r));
	}
	return -EIO;
}

int fault_name(struct fault *f, int r, const char *what)
{
	if (r < 0 && !*f->what)
		text_printable(what, f->what, sizeof(f->what));
	return r;
}

int fault_advise(struct fault *f, enum exitcode code, int errno_value, const char *next,
		 const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	if (f->code == EXITCODE_OK) {
		record(f, code, 0, fmt, ap);
		set_next(f, next);
	}
	va_end(ap);
	return -errno_value;
}

const char *fault_next(const struct fault *f)
{
	return *f->next ? f->next : exitcode_next(f->code);
}
