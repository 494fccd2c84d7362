/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * supply.h - where the secrets of an answer come from.
 */
#ifndef COCO_OWNER_SUPPLY_H
#define COCO_OWNER_SUPPLY_H

#include "owner/rescue/proof.h"
#include "rescue/answer.h"

/* All secrets are from the table that proves the challenge, but maybe one. Not owned. */
struct supply {
	const struct proof *proof;
	const struct challenge_volume *volume; /* whose secret `file` or `ask` gives */
	const char *file;		       /* or NULL */
	bool ask;			       /* on the terminal; not with file */
};

/*
 * Names the volumes of the challenge in `secrets`, which is empty before, and reads the secret of
 * each but for the one that is asked for: all volumes are opened anew. Warns of what looks like a
 * slip. Returns 0 or negative with f; the secrets are the caller's to wipe even then.
 */
int supply_read(const struct supply *supply, const struct challenge *challenge,
		struct answer_secret secrets[static CHALLENGE_VOLUMES_MAX],
		struct fault *f) _must_check_;

/* Asks for that one, which supply_read() has left empty. */
int supply_ask(const struct supply *supply, struct answer_secret *s, struct fault *f) _must_check_;

#endif
