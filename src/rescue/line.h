/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * line.h - a message as lines for a console: text of a begin mark, numbered lines with a checksum
 * each, and an end mark. Lines may be lost, doubled, in any order, with anything between them.
 * coco-unlock-rescue(7) is the contract.
 *
 *     -----BEGIN COCO-UNLOCK CHALLENGE-----
 *     NNN/TTT PAYLOAD CCCCCCC
 *     -----END COCO-UNLOCK CHALLENGE-----
 *
 * NNN counts from 001 to TTT; PAYLOAD is up to 48 characters of base64 (36 bytes); CCCCCCC are the
 * first seven hexadecimal digits of SHA-256 over all that stands before the blank in front of it. A
 * full line has 64 characters. All lines but the last are full.
 */
#ifndef COCO_RESCUE_LINE_H
#define COCO_RESCUE_LINE_H

#include <stdbool.h>

#include "base/util.h"

#define LINE_PAYLOAD 36	       /* bytes of the message in one line */
#define LINE_TEXT_SIZE 80      /* a line or mark without its end, with the final NUL */
#define LINE_MESSAGE_MAX 16384 /* bytes of a message: below 999 lines */

enum line_kind {
	LINE_CHALLENGE,
	LINE_ANSWER,
};

/* How many lines a message of len bytes (1..LINE_MESSAGE_MAX) has, with both marks. */
size_t line_count(size_t len);

/* Line number n, counted from 0, the marks included: line 0 and line_count() - 1 are the marks. */
void line_text(enum line_kind kind, const unsigned char *message, size_t len, size_t n,
	       char ret_text[static LINE_TEXT_SIZE]);

enum line_result {
	LINE_FOREIGN,  /* not a line of a message of this kind */
	LINE_BEGUN,    /* the begin mark: all before it is forgotten */
	LINE_TAKEN,    /* number `n` is good, maybe once more */
	LINE_BROKEN,   /* it looks like line `n`, but its checksum or its form is not right, or it
			* is one of another message */
	LINE_MISSING,  /* the end mark, but number `n` is missing, and maybe more; 0: all are */
	LINE_COMPLETE, /* the end mark, and the message is whole */
};

#define LINE_NUMBERS_MAX ((LINE_MESSAGE_MAX + LINE_PAYLOAD - 1) / LINE_PAYLOAD)

struct line_reader {
	enum line_kind kind;
	bool begun;
	unsigned int total, n; /* total: 0 until a line has said it; n: see the results */
	size_t len;	       /* of the message, once it is complete */
	unsigned char message[LINE_MESSAGE_MAX];
	unsigned char lengths[LINE_NUMBERS_MAX + 1]; /* by number; 0: not there */
};

void line_reader_init(struct line_reader *reader, enum line_kind kind);

/*
 * Takes one line of text, without its end. Blanks around it, and terminal escapes, other control
 * characters and bytes beyond ASCII wherever they are, do no harm. If the begin mark was lost, the
 * first good line begins the message. A number that comes again takes the place of the first.
 * Behind LINE_MISSING more lines and the end mark may follow; behind LINE_COMPLETE a new message
 * begins. Never holds more than one message, whatever comes, and takes time by the length of the
 * text.
 */
enum line_result line_read(struct line_reader *reader, const char *text);

/* The next number behind `after` that is missing, or 0. */
unsigned int line_missing(const struct line_reader *reader, unsigned int after);

#endif
