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
#define HPKE_INPUT_MAX 512 /* bytes of the PSK, of its id and of info */

/* RFC 9180, table 5. */
enum hpke_aead {
	HPKE_AES_128_GCM = 1,
	HPKE_AES_256_GCM = 2,
	HPKE_CHACHA20_POLY1305 = 3,
};

struct hpke_data {
	const unsigned char *data;
	size_t len;
};

struct hpke_psk {
	struct hpke_data psk; /* 32 bytes or more (RFC 9180, section 9.5) */
	struct hpke_data id;  /* not empty */
};

/*
 * To a public key. ephemeral: the private half for a test's vector, else NULL. ret_sealed: room for
 * HPKE_ENC_SIZE + text->len + HPKE_TAG_SIZE bytes: enc, ciphertext, tag. Returns 0, or -errno with
 * f saying internal or no-memory; -EBADMSG for a public key that nothing can be sealed to.
 */
int hpke_seal(enum hpke_aead aead, const unsigned char public[static 32],
	      const struct hpke_psk *psk, struct hpke_data info, struct hpke_data aad,
	      const struct secret *text, const unsigned char *ephemeral, unsigned char *ret_sealed,
	      struct fault *f) _must_check_;

/* Into *ret_text, from secret_init(). Returns 0, or -EBADMSG with f saying bad input if it was not
 * sealed so, or -errno with f saying internal or no-memory. */
int hpke_open(enum hpke_aead aead, const unsigned char private[static 32],
	      const struct hpke_psk *psk, struct hpke_data info, struct hpke_data aad,
	      struct hpke_data sealed, struct secret *ret_text, struct fault *f) _must_check_;

#endif
