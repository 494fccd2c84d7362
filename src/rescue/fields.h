/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * fields.h - text of lines "name=value", in a fixed order: what challenge and answer consist of.
 */
#ifndef COCO_RESCUE_FIELDS_H
#define COCO_RESCUE_FIELDS_H

#include <stdbool.h>

#include "base/fault.h"

/* Only ASCII from blank to tilde? */
bool fields_printable(const char *text);

/* A text that grows in a buffer of the caller. full: something did not fit, and len is wrong. */
struct fields_writer {
	char *text;
	size_t size, len;
	bool full;
};

/* The value is printable ASCII. */
void fields_put(struct fields_writer *w, const char *name, const char *value);

/* A text that is read line by line, and changed by that. */
struct fields_reader {
	char *next;	    /* of the lines that are left; ends in a NUL */
	const char *what;   /* "challenge" or "answer", for the sentence */
	enum exitcode code; /* of the fault */
	unsigned int line;  /* of the last one that was read */
	struct fault *f;
};

/* The value of the next line, printable ASCII; NULL, with f, if that has another name or no end. */
char *fields_take(struct fields_reader *reader, const char *name);

/* The same into a buffer. Returns 0 or -EINVAL with f. */
int fields_take_text(struct fields_reader *reader, const char *name, char *ret_text,
		     size_t size) _must_check_;

/* About the line that was read last. Returns -EINVAL. */
int fields_wrong(struct fields_reader *reader, const char *why);

#endif
