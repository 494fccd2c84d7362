/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * policy.h - decides whether a header copy may be used for a volume.
 */
#ifndef COCO_POLICY_H
#define COCO_POLICY_H

#include <stdint.h>

#include "conf.h"
#include "header.h"

#define POLICY_UUID_SIZE 40 /* bytes of the field, with its final NUL */

/* What an accepted header says, as far as the next steps need it. */
struct verdict {
	const char *rule; /* name of the rule that was broken; NULL if accepted */
	char uuid[POLICY_UUID_SIZE];
	char cipher[CONF_NAME_SIZE]; /* of the segment: one of the allowed ones */
	uint64_t data_offset;	     /* bytes */
	uint32_t sector_size;	     /* bytes: 512, 1024, 2048 or 4096 */
	struct header_area areas[HEADER_AREAS_MAX];
	size_t nr_areas;
};

/*
 * Judges HEADER_METADATA_SIZE bytes of a header that starts with the LUKS2 magic.
 * Accepts: both copies alike; exactly one segment, of type crypt, with a cipher that is on
 * the list letter by letter; one to four luks2 keyslots, whose areas lie between metadata
 * and data and are encrypted with a listed cipher; no requirements. device_size in bytes.
 * Returns 0 with *ret_verdict filled, -EPERM with ret_verdict->rule naming the broken rule
 * (a constant string), or -ENOMEM.
 */
int policy_judge(const unsigned char *metadata, uint64_t device_size,
		 const struct name_list *ciphers, struct verdict *ret_verdict);

#endif
