/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * dialog.h - what is typed at one console, and what is said to it: lines and words of bytes, the
 * lines of an answer, their acknowledgement. Does no I/O and has no clock.
 */
#ifndef COCO_DIALOG_H
#define COCO_DIALOG_H

#include "boot/console.h"
#include "rescue/line.h"

#define DIALOG_LINE_MAX 120    /* characters; a longer line is dropped as a whole */
#define DIALOG_OUT_SIZE 32768  /* bytes: the longest challenge and a screen */
#define DIALOG_HINT_US 1000000 /* between two hints */

enum dialog_escape {
	DIALOG_PLAIN,
	DIALOG_ESCAPE,	/* behind ESC */
	DIALOG_CONTROL, /* in what ECMA-48 calls a control sequence: the keys that are no letters */
	DIALOG_SHIFTED, /* one more character */
};

struct dialog {
	const struct console_page *page;
	char line[DIALOG_LINE_MAX + 1];
	size_t len;
	size_t echoed; /* characters of the line that were shown */
	bool too_long;
	bool after_cr; /* a LF belongs to it */
	enum dialog_escape escape;
	uint64_t hint_us; /* no hint before that */
	enum rescue_action action;
	struct line_reader reader;
	char out[DIALOG_OUT_SIZE]; /* what is to be written; texts that find no room are dropped */
	size_t out_len;
};

enum dialog_result {
	DIALOG_NOTHING,
	DIALOG_WORD,   /* reboot or poweroff: action */
	DIALOG_ANSWER, /* reader.message, reader.len bytes */
};

/* Begins with the first screen of the page, which must outlive it. */
void dialog_init(struct dialog *dialog, const struct console_page *page);

/* Takes one byte that was typed; now_us is the monotonic clock. */
enum dialog_result dialog_take(struct dialog *dialog, unsigned char c, uint64_t now_us);

/* A text, whose lines end with a newline or not at all: what is not printable in it becomes '?'. */
void dialog_say(struct dialog *dialog, const char *text);

/* The first n bytes of out are written. */
void dialog_wrote(struct dialog *dialog, size_t n);

#endif
