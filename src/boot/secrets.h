/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * secrets.h - how a try to unlock gets its secrets: from the source, or from the owner's answer.
 */
#ifndef COCO_SECRETS_H
#define COCO_SECRETS_H

#include "base/secret.h"
#include "boot/attempt.h"

/* The secrets of one try, and what it takes to get them; all but the list stays the caller's. */
struct secrets {
	const struct root *root;
	const struct conf *conf;
	struct report *report;
	struct attempts *attempts;	      /* NULL only behind a fault: nothing is read */
	struct deadline deadline;	      /* for sources that wait */
	struct policy_entry image;	      /* what the image pins */
	struct secret list[CONF_VOLUMES_MAX]; /* one for each volume, SECRET_NULL before */
};

/*
 * Reads the source of this boot: what it pins, into attempts; what a rescue's secrets would travel
 * under; the secrets. Then it wipes, whatever went wrong before, and in each source, also those
 * that were not needed. f may hold a fault already: then it only wipes. Returns 0, or -errno with
 * f; what was read is in the list all the same, until secrets_done().
 */
int secrets_take(struct secrets *s, struct fault *f);

/* Opens those of an answer, which has to have one for each volume; no source is asked. Returns 0,
 * or -errno with f, which may hold a fault already: then nothing is opened. */
int secrets_take_answer(struct secrets *s, const struct attempt *attempt, struct fault *f);

void secrets_done(struct secrets *s); /* wipes the list; safe twice */

#endif
