/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * ini.h - the syntax of coco-unlock.conf: [Section], Key=value, a line each; comments are lines
 * that begin with # or ;.
 */
#ifndef COCO_INI_H
#define COCO_INI_H

#include "base/fault.h"

struct conf; /* handed on to set() and not looked into */

#define INI_FILE_SIZE 320 /* bytes with the final NUL: a drop-in's path */

/* Where something stands. */
struct ini_place {
	char file[INI_FILE_SIZE]; /* for people; cut if it is longer */
	unsigned int line;	  /* from 1; 0: nowhere */
};

#define INI_PLACE_SIZE (INI_FILE_SIZE + 16)

/* "FILE:LINE: ", for the front of a sentence; empty if it is nowhere. Returns ret_text. */
const char *ini_place_text(const struct ini_place *place, char ret_text[static INI_PLACE_SIZE]);

/* A key that there is; a section is one that a key has. */
struct ini_key {
	const char *section;
	const char *key;
	/* Takes the value, without blanks around it, which it may change in place. Returns 0,
	 * or -errno if it is not what is expected. */
	int (*set)(struct conf *conf, char *value);
	const char *expected; /* what the key takes, for people */
	/* Where in struct conf the place of the key's last line is kept, for what can only be
	 * checked when all is read: an offset, known before set() is called. 0: it is not kept. */
	size_t place;
};

/*
 * Calls set() for each Key=value of a text, which is changed in place; a key that stands there
 * again is set again. `file` is for people. Returns 0, or -EINVAL at the first mistake, a
 * section or key that is not among the keys included: f says config, with file and line. What
 * stood before it has been set.
 */
int ini_parse(char *text, const char *file, const struct ini_key *keys, size_t nr_keys,
	      struct conf *conf, struct fault *f);

#endif
