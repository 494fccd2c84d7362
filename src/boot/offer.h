/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * offer.h - what a boot that has failed offers its owner: a challenge, or why there is none.
 */
#ifndef COCO_OFFER_H
#define COCO_OFFER_H

#include "boot/attempt.h"

/* What needs no answer: a word at a console does it. */
#define OFFER_BY_WORD (1U << RESCUE_REBOOT | 1U << RESCUE_POWEROFF)

struct offer {
	size_t len; /* of the text; 0: no answer is taken, and nothing of the challenge counts */
	char text[CHALLENGE_SIZE_MAX];
	struct challenge challenge;
	char note[CHALLENGE_TEXT_SIZE]; /* why not, or why no answer can carry a secret; or empty */
};

/* cause: what has failed. report and attempts are what the try has left of itself; without
 * attempts, NULL, nothing can be tried again. */
void offer_make(const struct root *root, const struct conf *conf, const struct report *report,
		const struct attempts *attempts, const struct fault *cause,
		struct offer *ret_offer);

#endif
