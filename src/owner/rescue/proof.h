/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * proof.h - whose is a challenge? What the owner has of his own to say it by: the table that the
 * guest was started with, and the configuration of its image.
 */
#ifndef COCO_OWNER_PROOF_H
#define COCO_OWNER_PROOF_H

#include "conf/conf.h"
#include "owner/table/table.h"
#include "rescue/challenge.h"

/* Begins as zeros with the first two; proof_done() ends it. */
struct proof {
	const char *path;   /* of the table, or NULL; not owned */
	const char *config; /* the guest's root directory, or NULL; not owned */
	struct conf conf;   /* counts with config */
	struct secret bytes;
	struct table table;
	struct secret entry;  /* R */
	struct secret shared; /* K, once a challenge is proved */
};

/* Reads both. Returns 0, or negative with f: also for a table that can prove nothing. */
int proof_read(struct proof *p, struct fault *f) _must_check_;

/* Holds a challenge, of this text, against them; without both, all is good. Returns 0, or negative
 * with f, which has nothing of the challenge in it. */
int proof_check(struct proof *p, const char *text, size_t len, const struct challenge *challenge,
		struct fault *f) _must_check_;

/* The table's secret of a volume of a challenge that is proved; secret is from secret_init().
 * *ret_resource: of the broker, that the guest has it from, or empty. Returns 0 or negative with
 * f. */
int proof_secret(const struct proof *p, const struct challenge_volume *volume,
		 struct secret *secret, char ret_resource[static REFERENCE_RESOURCE_SIZE],
		 struct fault *f) _must_check_;

void proof_done(struct proof *p);

#endif
