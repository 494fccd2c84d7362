/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * x25519.h - X25519 (RFC 7748), by libcrypto.
 */
#ifndef COCO_RESCUE_X25519_H
#define COCO_RESCUE_X25519_H

#include "base/util.h"

#define X25519_SIZE 32 /* bytes of each half of a key, and of what two of them share */

/* A new key. Returns 0 or -ENOTSUP (no memory, too). */
int x25519_new(unsigned char ret_private[static X25519_SIZE],
	       unsigned char ret_public[static X25519_SIZE]) _must_check_;

/* The public half of a private one. Returns 0 or -ENOTSUP. */
int x25519_public(const unsigned char private[static X25519_SIZE],
		  unsigned char ret_public[static X25519_SIZE]) _must_check_;

/* What both sides derive, whoever has made the public half. Returns 0, -EBADMSG if it is all zero,
 * as with points of small order (RFC 7748, section 6.1; RFC 9180, section 7.1.4), or -ENOTSUP. */
int x25519_derive(const unsigned char private[static X25519_SIZE],
		  const unsigned char public[static X25519_SIZE],
		  unsigned char ret_shared[static X25519_SIZE]) _must_check_;

#endif
