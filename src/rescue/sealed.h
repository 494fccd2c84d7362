/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * sealed.h - the secrets of an answer, sealed to the boot that has made the challenge: HPKE (RFC
 * 9180), mode_psk with K, info = SHA-256 of the challenge, aad = the text of the answer in front.
 */
#ifndef COCO_RESCUE_SEALED_H
#define COCO_RESCUE_SEALED_H

#include "rescue/answer.h"

/* A piece of a message, and what it belongs to. */
struct sealed {
	const unsigned char *data;
	size_t len;
	const unsigned char *header; /* the additional data */
	size_t header_len;
	struct digest challenge;
};

/* How many bytes nr secrets have when they are sealed; they differ by steps, so that little is said
 * about the length of a secret. */
size_t sealed_size(const struct answer_secret *secrets, size_t nr);

/* Fills ret_data with sealed->len bytes, which is sealed_size(). shared: K. Returns 0, or -errno
 * with f saying bad input, internal or no-memory. */
int sealed_make(const struct sealed *sealed, const struct answer_secret *secrets, size_t nr,
		const unsigned char public[static RESCUE_KEY_SIZE], const struct secret *shared,
		unsigned char *ret_data, struct fault *f) _must_check_;

/* See answer_open(). */
int sealed_open(const struct sealed *sealed, const struct rescue_keys *keys,
		const char *const *names, size_t nr, struct secret *secrets,
		struct fault *f) _must_check_;

#endif
