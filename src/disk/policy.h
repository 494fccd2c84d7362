/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * policy.h - decides whether a copy of a LUKS2 header may be used.
 */
#ifndef COCO_POLICY_H
#define COCO_POLICY_H

#include "conf/conf.h"
#include "disk/binheader.h"

#define POLICY_RULE_SIZE 32 /* of a rule's name, with the final NUL */

/* Bounds of the work that a header may ask for. The installers' defaults stay far below. */
#define POLICY_ITERATIONS_MIN 1000
#define POLICY_ITERATIONS_MAX 10000000 /* PBKDF2: all keyslots and their digest checks together */
#define POLICY_ARGON2_TIME_MAX 16
#define POLICY_ARGON2_MEMORY_KIB_MAX (1024 * 1024)
#define POLICY_ARGON2_CPUS_MAX 4
#define POLICY_ARGON2_KIB_MAX ((uint64_t)POLICY_ARGON2_TIME_MAX * POLICY_ARGON2_MEMORY_KIB_MAX)

struct policy_keyslot {
	uint32_t id;	     /* 0..31 */
	uint32_t priority;   /* 1: normal, 2: preferred */
	uint64_t memory_kib; /* of its key derivation; 0 for PBKDF2 */
	struct header_area area;
};

/* What was judged, and what the loaded header and the live mapping must agree with. */
struct verdict {
	char rule[POLICY_RULE_SIZE];	/* the broken rule; empty: accepted */
	char uuid[BINHEADER_UUID_SIZE]; /* printable; empty: binary header not valid */
	char cipher[CONF_NAME_SIZE];	/* of the segment */
	uint64_t data_offset;		/* bytes */
	uint32_t sector_size;		/* bytes: 512 or 4096 */
	uint32_t volume_key_size;	/* bytes: 32, 64; 96 with integrity */
	uint32_t digest_id;		/* 0..31 */
	bool integrity;			/* hmac(sha256) */
	uint64_t iterations;		/* PBKDF2, all keyslots and digest checks together */
	uint64_t argon2_kib;		/* Argon2: time * memory, all keyslots together */
	struct policy_keyslot keyslots[HEADER_AREAS_MAX];
	uint32_t nr_keyslots;
};

/*
 * Judges both copies of a header, of vc->metadata_size bytes each, which starts with the LUKS2
 * magic, for the volume vc of conf. device_size in bytes. coco-unlock-threats(7) lists the rules.
 * Returns 0 with *ret_verdict filled, -EPERM with ret_verdict->rule naming the broken rule,
 * or -ENOMEM.
 *
 * Objects, members and their meaning: LUKS2 On-Disk Format Specification 1.1, section 3.
 */
int policy_judge(const unsigned char *metadata, uint64_t device_size, const struct conf *conf,
		 const struct volume_conf *vc, struct verdict *ret_verdict);

/* The bytes at the end of the device that fill no sector of the segment. */
uint64_t policy_excess(const struct verdict *v, uint64_t device_size);

#endif
