/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * keys.h - what a rescue's secrets are made of: the owner's rescue entry, and of it and of a key
 * pair of this boot the key that challenge and answer share. coco-unlock-rescue(7) is the contract.
 */
#ifndef COCO_RESCUE_KEYS_H
#define COCO_RESCUE_KEYS_H

#include "base/secret.h"

#define RESCUE_KEY_SIZE 32   /* bytes of K, and of each half of an X25519 key (RFC 7748) */
#define RESCUE_NONCE_SIZE 32 /* bytes of b, and of a try's nonce */
#define RESCUE_ENTRY_SIZE 32 /* bytes of R, the rescue entry */

/* What the owner sees of a boot. */
struct rescue_public {
	unsigned char key[RESCUE_KEY_SIZE];	/* E, the public half of this boot's X25519 pair */
	unsigned char nonce[RESCUE_NONCE_SIZE]; /* b */
};

/* What a boot keeps of R; in locked memory of whoever made it, see rescue_keys_map(). */
struct rescue_keys {
	bool there; /* the rest counts */
	struct rescue_public public;
	unsigned char private[RESCUE_KEY_SIZE]; /* of E */
	unsigned char shared[RESCUE_KEY_SIZE];	/* K */
};

/*
 * One page of locked memory, in no core file, and zero; no child has it: madvise(2), MADV_DONTFORK.
 * Returns 0, or -errno with f saying no-memory. rescue_keys_done() wipes it for everybody who has
 * it, and takes NULL.
 */
int rescue_keys_map(struct rescue_keys **ret_keys, struct fault *f) _must_check_;
void rescue_keys_done(struct rescue_keys **keys);

/* Whether children that are forked from now on have the page, too: theirs is the same memory. Holds
 * for who calls and is passed on with the page, so that a child that must not pass it on says so
 * itself. Takes NULL. Returns 0 or -errno. */
int rescue_keys_share(struct rescue_keys *keys, bool share) _must_check_;

/* Makes a pair, a nonce and K of the rescue entry, which stays the caller's to wipe. Returns 0, or
 * -EINVAL for an entry that is not RESCUE_ENTRY_SIZE bytes (f: bad input for the owner's side), or
 * -errno with f saying internal or no-memory; then keys->there is false. */
int rescue_keys_make(const struct secret *entry, struct rescue_keys *keys,
		     struct fault *f) _must_check_;

/* The owner's side: K = HKDF-SHA256 (RFC 5869) of R, E and b, into locked memory. */
int rescue_shared(const struct secret *entry, const struct rescue_public *public,
		  struct secret *ret_shared, struct fault *f) _must_check_;

#endif
