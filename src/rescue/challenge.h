/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * challenge.h - what a guest that could not unlock says to its owner, and what an answer is for.
 * Text, a field in a line; coco-unlock-rescue(7) is the contract.
 */
#ifndef COCO_RESCUE_CHALLENGE_H
#define COCO_RESCUE_CHALLENGE_H

#include "rescue/keys.h"

#define CHALLENGE_SIZE_MAX 14336 /* bytes: that of the longest configuration fits */
#define CHALLENGE_VOLUMES_MAX 16
#define CHALLENGE_NAME_SIZE 64
#define CHALLENGE_TEXT_SIZE 512
#define CHALLENGE_BOOT_ID_SIZE 37

enum rescue_action {
	RESCUE_UNLOCK, /* with secrets of the answer */
	RESCUE_FETCH,  /* everything again, from the source */
	RESCUE_REBOOT,
	RESCUE_POWEROFF,
	_RESCUE_ACTION_MAX,
};

/* "unlock", "fetch", "reboot", "poweroff"; NULL for a number that is none. */
const char *rescue_action_name(enum rescue_action action);
/* Returns an enum rescue_action, or -EINVAL. */
int rescue_action_from_name(const char *name);

/* A volume of cocotab, and how far it has come. All texts are printable. */
struct challenge_volume {
	char name[CHALLENGE_NAME_SIZE];
	char secret[CHALLENGE_TEXT_SIZE]; /* the third column of cocotab */
	char device[CHALLENGE_TEXT_SIZE]; /* that was found, or empty */
	char uuid[CHALLENGE_NAME_SIZE];	  /* of the header, or empty */
	char header[CHALLENGE_NAME_SIZE]; /* "accepted", the broken rule, or empty */
	bool failed;			  /* the one that the code is about */
};

struct challenge {
	bool has_keys; /* an answer can carry a secret: public counts, and there is an HMAC */
	struct rescue_public public;
	unsigned char nonce[RESCUE_NONCE_SIZE]; /* of this try */
	char boot_id[CHALLENGE_BOOT_ID_SIZE];
	struct digest configuration; /* of the image: conf_digest() */
	unsigned int actions;	     /* bits, 1 << enum rescue_action: what is on offer */
	int code;		     /* an enum exitcode */
	char code_name[CHALLENGE_NAME_SIZE];
	char reason[CHALLENGE_TEXT_SIZE];
	char no_secret[CHALLENGE_TEXT_SIZE]; /* why unlock is not on offer, or empty */
	struct challenge_volume volumes[CHALLENGE_VOLUMES_MAX];
	size_t nr_volumes;
};

/*
 * The text. Its last line is the HMAC of all the others by shared (K) if has_keys, else their
 * SHA-256, which only shows what was mixed up on the way. What is not printable in a text becomes
 * '?', a double quote a single one. ret_text is not terminated by a NUL. Returns its length, or
 * -errno (-EFBIG: CHALLENGE_SIZE_MAX; -EINVAL: more than CHALLENGE_VOLUMES_MAX volumes; -ENOTSUP:
 * libcrypto).
 */
ssize_t challenge_write(const struct challenge *challenge, const unsigned char *shared,
			char ret_text[static CHALLENGE_SIZE_MAX]) _must_check_;

/* Reads one, whoever has written it: exactly the fields of the contract, in their order. Nothing of
 * it is authentic yet. Returns 0, or -EINVAL with f (bad input) saying which line is not right. */
int challenge_read(const char *text, size_t len, struct challenge *ret_challenge,
		   struct fault *f) _must_check_;

/* Compares the HMAC of a text that challenge_read() has read, in constant time. Returns 0, or
 * -EPERM. shared: K. */
int challenge_verify(const char *text, size_t len, const struct secret *shared) _must_check_;

#endif
