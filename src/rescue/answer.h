/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * answer.h - what the owner answers to a challenge: an action, its arguments, secrets that only
 * this boot can open, and the signature of a key that the image knows.
 * coco-unlock-rescue(7) is the contract.
 */
#ifndef COCO_RESCUE_ANSWER_H
#define COCO_RESCUE_ANSWER_H

#include "rescue/challenge.h"

#define ANSWER_SIZE_MAX 16384 /* bytes: LINE_MESSAGE_MAX of line.h */
#define ANSWER_SECRET_MAX 512 /* bytes of one volume's secret */
#define ANSWER_KEY_SIZE 32    /* a public key of Ed25519 (RFC 8032) */
#define ANSWER_SIGNATURE_SIZE 64
#define ANSWER_DEVICE_SIZE 256

/* What is signed in clear text. */
struct answer {
	enum rescue_action action;
	/* That device and keyslot are about; may be empty without them. Printable ASCII, both. */
	char volume[CHALLENGE_NAME_SIZE];
	char device[ANSWER_DEVICE_SIZE]; /* as in cocotab's second column; empty: cocotab's own */
	int keyslot;			 /* 0..31; -1: any */
	/* Where the sealed secrets are in the message; of RESCUE_UNLOCK alone, and then always. */
	const unsigned char *sealed;
	size_t sealed_len;
	size_t header_len; /* of the text in front of it: the additional data of the seal */
};

/* A secret and the volume that it is for. */
struct answer_secret {
	char volume[CHALLENGE_NAME_SIZE];
	struct secret secret; /* 1..ANSWER_SECRET_MAX bytes */
};

/*
 * The guest's side. First the signature, by any of nr keys, over SHA-256 of the challenge and of
 * the answer; only then is a byte of it read. Returns 0 with *ret_answer pointing into the message,
 * or -errno with f, of which only the sentence counts, for the person at the console: -EBADMSG it
 * is not an answer, -EKEYREJECTED no key has signed it for this challenge. It knows nothing of what
 * the challenge offers.
 */
int answer_check(const unsigned char *message, size_t len, const char *challenge,
		 size_t challenge_len, const unsigned char (*keys)[ANSWER_KEY_SIZE], size_t nr,
		 struct answer *ret_answer, struct fault *f) _must_check_;

/*
 * Opens what is sealed, into secrets[], one for each of names[], SECRET_NULL where the answer has
 * none for it, as all of them are before; a volume that is not among them is an error. Returns 0,
 * or -errno with f, and all of secrets[] are SECRET_NULL: -EBADMSG (secret-refused) it does not
 * open, or is not written as it has to be.
 */
int answer_open(const struct answer *answer, const unsigned char *message, const char *challenge,
		size_t challenge_len, const struct rescue_keys *keys, const char *const *names,
		size_t nr, struct secret *secrets, struct fault *f) _must_check_;

struct signing_key; /* signature.h */

/*
 * The owner's side: makes the message, of at most ANSWER_SIZE_MAX bytes, for a challenge of this
 * text. Of the answer only action, volume, device and keyslot are looked at. public and shared (K)
 * are for secrets, and may be NULL without any. Returns its length, or -errno with f saying bad
 * input, no-memory or internal.
 */
ssize_t answer_make(const struct answer *answer, const struct answer_secret *secrets, size_t nr,
		    const char *challenge, size_t challenge_len, const struct rescue_public *public,
		    const struct secret *shared, const struct signing_key *key,
		    unsigned char *ret_message, size_t size, struct fault *f) _must_check_;

#endif
