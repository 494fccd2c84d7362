/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * show.h - prints a challenge for a person.
 */
#ifndef COCO_OWNER_SHOW_H
#define COCO_OWNER_SHOW_H

#include <stdio.h>

#include "rescue/challenge.h"

/* What is known of a challenge apart from itself. Not owned. */
struct show {
	const char *table;  /* whose rescue entry has proved it; NULL: nothing has */
	const char *config; /* whose configuration the guest has; NULL: not compared */
};

/* In lines that begin with a word each. No byte of it is other than plain ASCII. */
void show_challenge(const struct challenge *challenge, const struct show *show, FILE *out);

/* "unlock, fetch": of bits as challenge.actions has them. Returns buf. */
const char *show_actions(unsigned int actions, char *buf, size_t size);

#endif
