/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * fault.c - records the first cause of a failure as one printable sentence.
 * Trusts no byte of the text's arguments; may not print.
 */
#include "fault.h"

#include <stdarg.h>

#include "text.h"

int fault_set(struct fault *f, enum exitcode code, int errno_value, const char *fmt, ...)
{
	char raw[FAULT_REASON_MAX];
	va_list ap;

	if (f->code != EXITCODE_OK)
		return -errno_value;
	va_start(ap, fmt);
	(void)vsnprintf(raw, sizeof(raw), fmt, ap); /* a long reason is cut on purpose */
	va_end(ap);
	f->code = code;
	text_printable(raw, f->reason, sizeof(f->reason));
	return -errno_value;
}
