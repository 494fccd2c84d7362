/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * xts.c - sectors through libcrypto.
 * Trusts libcrypto, which wipes the expanded key when it frees it. May not do I/O.
 */
#include "owner/disk/xts.h"

#include <openssl/evp.h>
#include <string.h>

#define IV_SIZE 16

struct xts {
	EVP_CIPHER *cipher;
	EVP_CIPHER_CTX *encrypt;
	EVP_CIPHER_CTX *decrypt;
};

int xts_new(const struct secret *key, struct xts **ret_xts)
{
	struct xts *xts;

	if (key->len != XTS_KEY_SIZE ||
	    CRYPTO_memcmp(key->bytes, key->bytes + XTS_KEY_SIZE / 2, XTS_KEY_SIZE / 2) == 0)
		return -EINVAL;
	xts = calloc(1, sizeof(*xts));
	if (!xts)
		return -ENOMEM;
	xts->cipher = EVP_CIPHER_fetch(NULL, "AES-256-XTS", NULL);
	xts->encrypt = EVP_CIPHER_CTX_new();
	xts->decrypt = EVP_CIPHER_CTX_new();
	if (!xts->cipher || !xts->encrypt || !xts->decrypt ||
	    EVP_EncryptInit_ex2(xts->encrypt, xts->cipher, key->bytes, NULL, NULL) != 1 ||
	    EVP_DecryptInit_ex2(xts->decrypt, xts->cipher, key->bytes, NULL, NULL) != 1) {
		xts_free(xts);
		return -ENOMEM;
	}
	*ret_xts = xts;
	return 0;
}

static void put_iv(unsigned char iv[IV_SIZE], uint64_t number)
{
	int i;

	for (i = 0; i < 8; i++)
		iv[i] = (unsigned char)(number >> 8 * i);
}

static int each_sector(EVP_CIPHER_CTX *ctx, unsigned char *buf, size_t len, uint64_t offset,
		       uint32_t sector_size)
{
	unsigned char iv[IV_SIZE] = { 0 };
	size_t at;
	int n;

	/* Only the tweak changes: the key and the direction stay. */
	for (at = 0; at < len; at += sector_size) {
		put_iv(iv, (offset + at) / XTS_IV_UNIT);
		if (EVP_CipherInit_ex2(ctx, NULL, NULL, iv, -1, NULL) != 1 ||
		    EVP_CipherUpdate(ctx, buf + at, &n, buf + at, (int)sector_size) != 1 ||
		    n != (int)sector_size)
			return -EIO;
	}
	return 0;
}

int xts_encrypt(struct xts *xts, unsigned char *buf, size_t len, uint64_t offset,
		uint32_t sector_size)
{
	return each_sector(xts->encrypt, buf, len, offset, sector_size);
}

int xts_decrypt(struct xts *xts, unsigned char *buf, size_t len, uint64_t offset,
		uint32_t sector_size)
{
	return each_sector(xts->decrypt, buf, len, offset, sector_size);
}

void xts_free(struct xts *xts)
{
	if (!xts)
		return;
	EVP_CIPHER_CTX_free(xts->encrypt);
	EVP_CIPHER_CTX_free(xts->decrypt);
	EVP_CIPHER_free(xts->cipher);
	free(xts);
}
