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

#define ATTEMPT_ENTRIES_MAX 64 /* what the kernel's driver shows */

/* What all tries of a boot share. */
struct attempts {
	struct rescue_keys *keys; /* NULL: this image has no rescue, or no memory for it */
	bool read; /* the source was read, so that an answer can take its place: policy counts */
	struct policy_entry policy; /* what image and entry pin together */
	size_t nr_entries;	    /* that were there; of them the names, and nothing else */
	char entries[ATTEMPT_ENTRIES_MAX][GUID_TEXT_SIZE];
};

/* An answer whose signature is right; NULL in its place is the first try, and RESCUE_FETCH. */
struct attempt {
	const struct answer *answer;
	const unsigned char *message;
	const char *challenge;
	size_t challenge_len;
	size_t volume; /* number of the one that keyslot is for */
	int keyslot;   /* -1: any */
};

#endif
