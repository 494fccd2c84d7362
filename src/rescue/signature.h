/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * signature.h - Ed25519 (RFC 8032), by libcrypto.
 */
#ifndef COCO_RESCUE_SIGNATURE_H
#define COCO_RESCUE_SIGNATURE_H

#include "base/ed25519.h"
#include "base/secret.h"

#define SIGNATURE_SIZE 64

/* Is it the signature of this public key over data? A key that is no point is never one, nor is one
 * of small order, such as 32 zero bytes: everybody can sign for those. */
bool signature_verify(const unsigned char key[static ED25519_KEY_SIZE], const void *data,
		      size_t len, const unsigned char signature[static SIGNATURE_SIZE]);

/* The owner's private key, of libcrypto. */
struct signing_key;

/*
 * Reads PEM, as `openssl genpkey -algorithm ed25519` writes it. ask() is called, once, if it is
 * encrypted, and fills a secret from secret_init(); NULL: nobody can be asked. Returns 0, or -errno
 * with f: -EINVAL it is no such key (bad input), -EPERM the passphrase does not open it (refused),
 * or what ask() has returned.
 */
int signing_key_read(const struct secret *pem,
		     int (*ask)(struct secret *passphrase, struct fault *f),
		     struct signing_key **ret_key, struct fault *f) _must_check_;

/* Returns 0 or -ENOTSUP. */
int signing_key_sign(const struct signing_key *key, const void *data, size_t len,
		     unsigned char ret_signature[static SIGNATURE_SIZE]) _must_check_;

/* Its public half. Returns 0 or -ENOTSUP. */
int signing_key_public(const struct signing_key *key,
		       unsigned char ret_key[static ED25519_KEY_SIZE]) _must_check_;

/* Wipes; takes a pointer to NULL. */
void signing_key_done(struct signing_key **key);

#endif
