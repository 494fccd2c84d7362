/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * jwe.h - the guest's EC key of one session: what a report binds to it, and what is opened with it.
 * Formats: RCAR 0.4.0 (the runtime data that is hashed), RFC 8785, RFC 7518 section 4.6 and 5.3,
 * RFC 7516 section 5.2, RFC 3394.
 */
#ifndef COCO_JWE_H
#define COCO_JWE_H

#include "base/secret.h"

#define EC_COORDINATE_SIZE 32 /* P-256 */
#define REPORT_DATA_SIZE 64
#define NONCE_SIZE_MAX 4096 /* bytes of its text */

struct ec_key {
	void *pkey;			     /* owned */
	unsigned char x[EC_COORDINATE_SIZE]; /* of the public half, big-endian with leading zeros */
	unsigned char y[EC_COORDINATE_SIZE];
};

#define EC_KEY_NULL ((struct ec_key){ 0 })

/* A fresh P-256 key. Returns 0, or -errno with f saying internal. */
int ec_key_new(struct ec_key *ret_key, struct fault *f) _must_check_;
void ec_key_done(struct ec_key *key); /* wipes; safe twice */

/*
 * What the report has to carry: SHA-384 of the canonical text of nonce and public key, and 16 zero
 * bytes. nonce: printable ASCII. Returns 0, or -EINVAL with f saying malformed-answer for a nonce
 * of another kind.
 */
int ec_key_report_data(const struct ec_key *key, const unsigned char *nonce, size_t len,
		       unsigned char ret_data[static REPORT_DATA_SIZE], struct fault *f);

/* The binary fields of a JWE; they are whoever's who sent them. */
struct jwe {
	const unsigned char *protected_text; /* the additional data */
	size_t protected_len;
	const unsigned char *x, *y;	  /* EC_COORDINATE_SIZE */
	const unsigned char *wrapped_key; /* 40 bytes */
	const unsigned char *iv;	  /* 12 bytes */
	const unsigned char *ciphertext;
	size_t ciphertext_len;	  /* 0..SECRET_CAPACITY */
	const unsigned char *tag; /* 16 bytes */
};

/* Opens it into locked memory; *ret_secret is the caller's. Z, the content key and its wrapping key
 * are wiped. Returns 0, or -errno with f saying malformed-answer or no-memory. */
int jwe_open(const struct ec_key *key, const struct jwe *jwe, struct secret *ret_secret,
	     struct fault *f) _must_check_;

#endif
