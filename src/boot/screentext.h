/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * screentext.h - text of printable ASCII for consoles of 80 columns and 24 lines.
 */
#ifndef COCO_SCREENTEXT_H
#define COCO_SCREENTEXT_H

#include "base/util.h"

#define SCREEN_LINES 23
#define SCREEN_COLUMNS 79
#define SCREEN_SIZE (SCREEN_LINES * (SCREEN_COLUMNS + 1) + 1) /* bytes with newlines and NUL */

#define SCREEN_LABEL_COLUMNS 9 /* in front of a field */

/* A page that is being written. */
struct screen_page {
	char *text; /* SCREEN_SIZE bytes, of the caller */
	size_t lines;
};

/* An empty one. */
struct screen_page screen_page_on(char text[static SCREEN_SIZE]);

/* Adds a line, cut at SCREEN_COLUMNS; none to a page that is full. */
void screen_line(struct screen_page *p, const char *fmt, ...) _printf_(2, 3);

/* Adds a text behind a label, in at most max lines; it ends in dots if it was cut. */
void screen_field(struct screen_page *p, const char *label, const char *text, size_t max);

/* Breaks a text into lines of at most SCREEN_COLUMNS; cut if it does not fit into size bytes. */
void screen_wrap(const char *text, char *ret_text, size_t size);

#endif
