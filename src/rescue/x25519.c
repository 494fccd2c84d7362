/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * x25519.c - X25519.
 * Trusts libcrypto, whose copies of a key are wiped when it is freed, in the function that has made
 * it; trusts no public half. May not keep, print or copy a private one.
 */
#include "rescue/x25519.h"

#include <openssl/crypto.h>
#include <openssl/err.h>
#include <openssl/evp.h>

static void pkey_freep(EVP_PKEY **pkey)
{
	EVP_PKEY_free(*pkey); /* wipes the private half; takes NULL, as the other one */
}

static void pkey_ctx_freep(EVP_PKEY_CTX **ctx)
{
	EVP_PKEY_CTX_free(*ctx);
}

static int unsupported(void)
{
	ERR_clear_error();
	return -ENOTSUP;
}

int x25519_new(unsigned char ret_private[static X25519_SIZE],
	       unsigned char ret_public[static X25519_SIZE])
{
	_cleanup_(pkey_freep) EVP_PKEY *pkey = EVP_PKEY_Q_keygen(NULL, NULL, "X25519");
	size_t private_len = X25519_SIZE, public_len = X25519_SIZE;

	if (!pkey || EVP_PKEY_get_raw_private_key(pkey, ret_private, &private_len) != 1 ||
	    EVP_PKEY_get_raw_public_key(pkey, ret_public, &public_len) != 1 ||
	    private_len != X25519_SIZE || public_len != X25519_SIZE)
		return unsupported();
	return 0;
}

static EVP_PKEY *private_key(const unsigned char private[static X25519_SIZE])
{
	return EVP_PKEY_new_raw_private_key_ex(NULL, "X25519", NULL, private, X25519_SIZE);
}

int x25519_public(const unsigned char private[static X25519_SIZE],
		  unsigned char ret_public[static X25519_SIZE])
{
	_cleanup_(pkey_freep) EVP_PKEY *own = private_key(private);
	size_t len = X25519_SIZE;

	if (!own || EVP_PKEY_get_raw_public_key(own, ret_public, &len) != 1 || len != X25519_SIZE)
		return unsupported();
	return 0;
}

int x25519_derive(const unsigned char private[static X25519_SIZE],
		  const unsigned char public[static X25519_SIZE],
		  unsigned char ret_shared[static X25519_SIZE])
{
	static const unsigned char zero[X25519_SIZE];
	_cleanup_(pkey_freep) EVP_PKEY *own = private_key(private);
	_cleanup_(pkey_freep) EVP_PKEY *peer =
		EVP_PKEY_new_raw_public_key_ex(NULL, "X25519", NULL, public, X25519_SIZE);
	_cleanup_(pkey_ctx_freep) EVP_PKEY_CTX *ctx = NULL;
	size_t len = X25519_SIZE;

	if (own)
		ctx = EVP_PKEY_CTX_new_from_pkey(NULL, own, NULL);
	if (!ctx || !peer || EVP_PKEY_derive_init(ctx) != 1 ||
	    EVP_PKEY_derive_set_peer(ctx, peer) != 1)
		return unsupported();
	/* libcrypto refuses zero, but not in each of its ways to compute it. */
	if (EVP_PKEY_derive(ctx, ret_shared, &len) != 1 || len != X25519_SIZE ||
	    CRYPTO_memcmp(ret_shared, zero, X25519_SIZE) == 0) {
		ERR_clear_error();
		return -EBADMSG;
	}
	return 0;
}
