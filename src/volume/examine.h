/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * examine.h - everything that is decided about a volume, from its device and its secret to
 * the volume key, and nothing that changes the machine.
 */
#ifndef COCO_EXAMINE_H
#define COCO_EXAMINE_H

#include "disk/judge.h"
#include "volume/pins.h"
#include "volume/volume.h"

/* What was found. The device must outlive it. */
struct examined {
	char rule[POLICY_RULE_SIZE]; /* "accepted", or the broken rule; empty: not judged */
	struct verdict verdict;
	struct header header; /* sealed */
	struct volume volume; /* its volume key included */
};

#define EXAMINED_NULL ((struct examined){ .header = HEADER_NULL, .volume = VOLUME_NULL })

/*
 * Copies the header of volume number i of conf, compares it with the pins (NULL: none), has it
 * judged, seals it, and compares it with what libcryptsetup reads. Returns 0, or -errno with f
 * saying what was refused; *examined, which was EXAMINED_NULL, then has the rule and as much
 * of the verdict as there is.
 */
int examine_header(const struct conf *conf, size_t i, const struct pins *pins,
		   const struct judge_process *judge, const struct device *device,
		   struct examined *examined, struct fault *f);

/*
 * Opens a keyslot with the secret, which is wiped, and compares the volume key with the pins.
 * keyslot and memory_kib, which is what a key derivation may take, as for volume_unlock(). Returns
 * 0, or -errno with f; then nothing in *examined->volume counts.
 */
int examine_keyslot(struct examined *examined, const struct pins *pins, int keyslot,
		    uint64_t memory_kib, struct secret *secret, struct fault *f);

void examined_done(struct examined *examined);

#endif
