/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * fault.c - records the first cause of a failure as one printable sentence.
 * Trusts no byte of the text's arguments; may not print.
 */
#include "fault.h"

#include <stdarg.h>

#include "text.h"

static void record(struct fault *f, enum exitcode code, const char *fmt, va_list ap)
{
	char raw[FAULT_REASON_MAX];

	(void)vsnprintf(raw, sizeof(raw), fmt, ap); /* a long reason is cut on purpose */
	f->code = code;
	text_printable(raw, f->reason, sizeof(f->reason));
}

int fault_set(struct fault *f, enum exitcode code, int errno_value, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	if (f->code == EXITCODE_OK)
		record(f, code, fmt, ap);
	va_end(ap);
	return -errno_value;
}

int fault_replace(struct fault *f, enum exitcode code, int errno_value, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	record(f, code, fmt, ap);
	va_end(ap);
	f->outranks = true;
	return -errno_value;
}

void fault_merge(struct fault *f, const struct fault *other)
{
	if (other->code != EXITCODE_OK && (f->code == EXITCODE_OK || other->outranks))
		*f = *other;
}
