/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * hpke.h - RFC 9180, single shot, mode_psk: DHKEM(X25519, HKDF-SHA256), HKDF-SHA256, and an AEAD,
 * which is AES-256-GCM but in tests. On libcrypto's EVP: OpenSSL 3.0 has no HPKE of its own.
 */
#ifndef COCO_RESCUE_HPKE_H
#define COCO_RESCUE_HPKE_H

#include "base/secret.h"

#define HPKE_ENC_SIZE 32
#define HPKE_TAG_SIZE 16

/* RFC 9180, table 5. */
enum hpke_aead {
	HPKE_AES_128_GCM = 1,
	HPKE_AES_256_GCM = 2,
	HPKE_CHACHA20_POLY1305 = 3,
};

struct hpke_psk {
	const unsigned char *psk;
	size_t psk_len; /* 32 or more */
	const char *id; /* not empty */
};

struct hpke_data {
	const unsigned char *data;
	size_t len;
};

/* To a public key; text is ret_sealed_size - HPKE_ENC_SIZE - HPKE_TAG_SIZE bytes. ephemeral: the
 * private half for a test's vector, else NULL. ret: enc, ciphertext, tag. Returns 0 or -errno. */
int hpke_seal(enum hpke_aead aead, const unsigned char public[static 32],
	      const struct hpke_psk *psk, struct hpke_data info, struct hpke_data aad,
	      const struct secret *text, const unsigned char *ephemeral, unsigned char *ret_sealed,
	      struct fault *f) _must_check_;

/* Into *ret_text, from secret_init(). Returns 0, -EBADMSG if it was not sealed so, or -errno. */
int hpke_open(enum hpke_aead aead, const unsigned char private[static 32],
	      const struct hpke_psk *psk, struct hpke_data info, struct hpke_data aad,
	      struct hpke_data sealed, struct secret *ret_text, struct fault *f) _must_check_;

#endif
