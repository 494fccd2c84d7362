/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * answer.h - the JSON of the broker's answers.
 * Formats: RCAR 0.4.0 as Trustee's kbs speaks it; RFC 7516 section 7.2.2 (flattened JWE), RFC 7518
 * section 4.6.
 */
#ifndef COCO_ANSWER_H
#define COCO_ANSWER_H

#include "base/fault.h"
#include "base/secret.h"

#define ANSWER_NONCE_MAX 4096 /* bytes of its text */
#define ANSWER_PROTECTED_MAX 1024
#define ANSWER_TYPE_SIZE 64
#define ANSWER_DETAIL_SIZE 160

/* text: len bytes, and a NUL behind them. */

/* The nonce of an answer to auth, as a new string of printable ASCII. Returns 0, or -errno with f
 * saying malformed-answer or no-memory. */
int answer_nonce(const char *text, size_t len, char **ret_nonce, struct fault *f) _must_check_;

/* True of an answer to attest that has a token. It is not kept: the session has it, too. Returns 0,
 * or -errno likewise. */
int answer_token(const char *text, size_t len, struct fault *f) _must_check_;

/* What an error says: printable, cut, and empty where it says nothing that we can read. */
struct answer_error {
	char type[ANSWER_TYPE_SIZE];	 /* the last segment of its URI */
	char detail[ANSWER_DETAIL_SIZE]; /* or what stands there in place of JSON */
};
void answer_error(const char *text, size_t len, struct answer_error *ret_error);

struct answer_jwe {
	char protected_text[ANSWER_PROTECTED_MAX + 1]; /* as it came */
	unsigned char x[32], y[32];
	unsigned char wrapped_key[40];
	unsigned char iv[12];
	unsigned char tag[16];
	size_t len; /* of ciphertext, 0..SECRET_CAPACITY */
	unsigned char ciphertext[SECRET_CAPACITY];
};

/* A resource: a flattened JWE of exactly the kind that was asked for. Returns 0, or -errno with f
 * saying malformed-answer or no-memory. */
int answer_jwe(const char *text, size_t len, struct answer_jwe *ret_jwe,
	       struct fault *f) _must_check_;

#endif
