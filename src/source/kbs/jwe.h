/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * jwe.h - the guest's EC key of one session: what a report binds to it, and what is opened with it.
 * Formats: RCAR 0.4.0 (the runtime data that is hashed), RFC 8785, RFC 7518 section 4.6 and 5.3,
 * RFC 7516 section 5.2, RFC 3394.
 */
#ifndef COCO_JWE_H
#define COCO_JWE_H

#include "base/secret.h"
#include "source/kbs/frame.h"

#define EC_COORDINATE_SIZE 32 /* P-256 */
#define REPORT_DATA_SIZE 64
#define NONCE_SIZE_MAX 4096 /* bytes of its text */
/* The text that is hashed, with a NUL: each byte of the nonce may need two. */
#define RUNTIME_DATA_SIZE (2 * NONCE_SIZE_MAX + 256)

struct ec_key {
	struct secret scalar; /* the private half, in the machine's order of bytes: OSSL_PARAM(3) */
	unsigned char x[EC_COORDINATE_SIZE]; /* of the public half, big-endian with leading zeros */
	unsigned char y[EC_COORDINATE_SIZE];
};

#define EC_KEY_NULL ((struct ec_key){ .scalar = SECRET_NULL })

/* A fresh P-256 key, in locked memory that no child process sees. Returns 0, or -errno with f
 * saying internal or no-memory. */
int ec_key_new(struct ec_key *ret_key, struct fault *f) _must_check_;
void ec_key_done(struct ec_key *key); /* wipes; safe twice */

/* The canonical text of nonce and public key. nonce: 1 to NONCE_SIZE_MAX bytes of printable ASCII.
 * Returns its length, or -EINVAL with f saying malformed-answer for a nonce of another kind. */
int ec_key_runtime_data(const struct ec_key *key, const unsigned char *nonce, size_t len,
			char ret_text[static RUNTIME_DATA_SIZE], struct fault *f) _must_check_;

/* What the report has to carry: SHA-384 of that text, and 16 zero bytes. Returns 0, or -errno with
 * f saying malformed-answer or internal. */
int ec_key_report_data(const struct ec_key *key, const unsigned char *nonce, size_t len,
		       unsigned char ret_data[static REPORT_DATA_SIZE],
		       struct fault *f) _must_check_;

/*
 * Opens a FRAME_ANSWER, whoever has made it, into locked memory; *ret_secret is the caller's, and
 * may be of no bytes. Z, the content key and its wrapping key are wiped. Returns 0, or -errno with
 * f saying malformed-answer, no-memory or internal.
 */
int jwe_open(const struct ec_key *key, const struct frame *answer, struct secret *ret_secret,
	     struct fault *f) _must_check_;

#endif
