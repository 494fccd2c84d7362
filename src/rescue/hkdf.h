/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * hkdf.h - HKDF with SHA-256 (RFC 5869), by libcrypto.
 */
#ifndef COCO_RESCUE_HKDF_H
#define COCO_RESCUE_HKDF_H

#include "base/util.h"

#define HKDF_SIZE 32 /* bytes of a pseudorandom key, and the most that is ever expanded here */

struct hkdf_data {
	const unsigned char *data; /* may be NULL if len is 0 */
	size_t len;
};

/* Each returns 0 or -ENOTSUP (no memory, too). What comes out is as secret as what goes in; it lies
 * where the caller says. */
int hkdf_extract(struct hkdf_data salt, struct hkdf_data key,
		 unsigned char ret_prk[static HKDF_SIZE]) _must_check_;
int hkdf_expand(const unsigned char prk[static HKDF_SIZE], struct hkdf_data info,
		unsigned char *ret_key, size_t size) _must_check_;

/* Both steps. */
int hkdf(struct hkdf_data salt, struct hkdf_data key, struct hkdf_data info, unsigned char *ret_key,
	 size_t size) _must_check_;

#endif
