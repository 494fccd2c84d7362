/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * claims.h - what the superblocks of a device say that it is: UUIDs and labels.
 */
#ifndef COCO_CLAIMS_H
#define COCO_CLAIMS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/util.h"

#define CLAIM_SIZE 256
#define CLAIM_TYPE_SIZE 32
#define CLAIM_OWNER_SIZE 256

/* What one superblock says; empty: nothing. */
struct claim {
	char uuid[CLAIM_SIZE];
	char label[CLAIM_SIZE];
	char type[CLAIM_TYPE_SIZE]; /* libblkid's word */
	bool container; /* nobody can mount it: LUKS, integrity, a part of LVM or RAID */
	char owner[CLAIM_OWNER_SIZE]; /* what it is on, as the caller calls it */
};

struct claims {
	struct claim *list; /* owned */
	size_t nr;
	size_t room;
};

/*
 * Adds every superblock that libblkid finds in a part of fd (bytes; size 0: up to the end), one
 * after the other. libblkid's safe probing would say nothing of a device that has two of them; this
 * way each counts. Returns 0, -ENOMEM, -E2BIG or the error of a read; what was found before it is
 * in the list.
 */
int claims_read(int fd, uint64_t offset, uint64_t size, const char *owner,
		struct claims *claims) _must_check_;

/* Adds an empty one, for the caller to fill in. Returns 0, -ENOMEM or -E2BIG. */
int claims_add(struct claims *claims, const char *owner, struct claim **ret_claim) _must_check_;

void claims_done(struct claims *claims);

enum clash {
	CLASH_NONE,
	CLASH_UUID,
	CLASH_LABEL,
};

/*
 * Does a superblock elsewhere claim to be one of ours? `below`: it is on what our volume is made
 * of. What a container is called there is no claim, since tools give container and content one
 * name, and no name leads through it to another content; but a part of LVM or RAID by the UUID of
 * one of ours could be taken for that.
 */
enum clash claim_clashes(const struct claim *claim, const struct claim *ours, bool below);

/* The program that takes a device and a new label for this type of file system, or NULL. */
const char *claim_relabel_command(const struct claim *claim);

/* A label for it that is another one. */
const char *claim_other_label(const struct claim *claim);

#endif
