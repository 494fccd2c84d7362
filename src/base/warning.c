/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * warning.c - hands warnings to whoever prints them.
 * Trusts no byte of the text; may not print by itself.
 */
#include "base/warning.h"

#include <stdarg.h>

#include "base/text.h"

void warning_say(const struct warning_sink *sink, const char *what, const char *fmt, ...)
{
	char raw[WARNING_MAX], text[WARNING_MAX];
	va_list ap;

	va_start(ap, fmt);
	(void)vsnprintf(raw, sizeof(raw), fmt, ap); /* cut if too long */
	va_end(ap);
	text_printable(raw, text, sizeof(text));
	sink->take(sink->arg, what, text);
}
