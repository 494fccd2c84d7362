/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * screentext.c - cuts text to the lines and columns of a console.
 * Trusts no text: all is made printable. May not do I/O, nor know what is said.
 */
#include "boot/screentext.h"

#include <stdarg.h>
#include <stdbool.h>
#include <string.h>

#include "base/text.h"

struct screen_page screen_page_on(char text[static SCREEN_SIZE])
{
	*text = '\0';
	return (struct screen_page){ .text = text };
}

void screen_line(struct screen_page *p, const char *fmt, ...)
{
	char raw[SCREEN_COLUMNS + 1], text[SCREEN_COLUMNS + 1];
	va_list ap;

	if (p->lines == SCREEN_LINES)
		return;
	va_start(ap, fmt);
	(void)vsnprintf(raw, sizeof(raw), fmt, ap); /* cut on purpose */
	va_end(ap);
	text_printable(raw, text, sizeof(text));
	text_append(p->text, SCREEN_SIZE, "%s\n", text);
	p->lines++;
}

/* How much of a text goes into a line: up to a blank, if there is one. */
static size_t fitting(const char *text, size_t columns)
{
	size_t i, len = strlen(text);

	if (len <= columns)
		return len;
	for (i = columns; i > 0 && text[i] != ' '; i--)
		;
	return i > 0 ? i : columns;
}

static const char *behind(const char *text, size_t n)
{
	text += n;
	return text + strspn(text, " ");
}

void screen_field(struct screen_page *p, const char *label, const char *text, size_t max)
{
	const size_t columns = SCREEN_COLUMNS - SCREEN_LABEL_COLUMNS;
	size_t i, n;

	for (i = 0; i < max && *text != '\0'; i++) {
		bool cut;

		n = fitting(text, columns);
		cut = i + 1 == max && *behind(text, n) != '\0';
		if (cut)
			n = fitting(text, columns - strlen(" ..."));
		screen_line(p, "%-*s%.*s%s", SCREEN_LABEL_COLUMNS, i == 0 ? label : "", (int)n,
			    text, cut ? " ..." : "");
		text = behind(text, n);
	}
}

void screen_wrap(const char *text, char *ret_text, size_t size)
{
	size_t n;

	*ret_text = '\0';
	while (*text != '\0') {
		n = fitting(text, SCREEN_COLUMNS);
		text_append(ret_text, size, "%s%.*s", *ret_text ? "\n" : "", (int)n, text);
		text = behind(text, n);
	}
}
