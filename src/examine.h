/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * examine.h - everything that is decided about a volume, from its device and its secret to
 * the volume key, and nothing that changes the machine.
 */
#ifndef COCO_EXAMINE_H
#define COCO_EXAMINE_H

#include "judge.h"
#include "policy_entry.h"
#include "report.h"

/* An unlocked volume. The device must outlive it. */
struct examined {
	struct verdict verdict;
	struct header header; /* sealed */
	struct volume volume; /* its volume key included */
};

#define EXAMINED_NULL ((struct examined){ .header = HEADER_NULL, .volume = VOLUME_NULL })

/*
 * Copies the header of volume number i of conf, compares it with the pins (NULL: none), has
 * it judged, seals it, hears libcryptsetup's opinion, and opens a keyslot with the secret,
 * which is wiped. memory_kib is what a key derivation may take, VOLUME_MEMORY_UNKNOWN for no
 * limit. Stages, rule, keyslot and form go to *report. Returns 0, or -errno with f saying what
 * was refused.
 */
int examine(const struct conf *conf, size_t i, const struct pins *pins,
	    const struct judge_process *judge, const struct device *device, uint64_t memory_kib,
	    struct secret *secret, struct report *report, struct examined *ret_examined,
	    struct fault *f);

void examined_done(struct examined *examined);

#endif
