/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * attempt.h - one try to unlock, of which a rescued boot has several: how it gets its secrets, and
 * what stays of it for the next. It lies in memory that the process that unlocks shares with its
 * parent; of secrets there is nothing in it but the rescue keys, which have a page of their own.
 */
#ifndef COCO_ATTEMPT_H
#define COCO_ATTEMPT_H

#include "boot/report.h"
#include "rescue/answer.h"
#include "volume/pins.h"

/* What all tries of a boot share. */
struct attempts {
	struct rescue_keys *keys; /* NULL: this image has no rescue */
	bool has_policy;	  /* policy counts: what image and entry pin together */
	struct policy_entry policy;
	bool read;		 /* the secrets were read, so that an answer can take their place */
	unsigned int nr_entries; /* that were there, without their contents; names are in entries */
	char entries[64][GUID_TEXT_SIZE];
};

/* An answer that was checked; NULL in its place is the first try, and "fetch". */
struct attempt {
	const struct answer *answer;
	const unsigned char *message;
	const char *challenge;
	size_t challenge_len;
};

#endif
