/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * digest.c - the libcrypto part: SHA-256 and HMAC.
 * Trusts libcrypto; may not keep, print or copy what it digests.
 */
#include "base/digest.h"

#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <string.h>

int digest_init_library(void)
{
	struct digest ignored;

	/* A configuration file could only bring surprises into an initramfs. */
	if (OPENSSL_init_crypto(OPENSSL_INIT_NO_LOAD_CONFIG | OPENSSL_INIT_NO_ATEXIT, NULL) != 1)
		return -ENOTSUP;
	return digest_sha256("", 0, &ignored); /* fetches the algorithm */
}

int digest_sha256(const void *data, size_t len, struct digest *ret_digest)
{
	struct digest digest;
	unsigned int size = 0;

	if (EVP_Digest(data, len, digest.octets, &size, EVP_sha256(), NULL) != 1 ||
	    size != DIGEST_SIZE)
		return -ENOTSUP;
	*ret_digest = digest;
	return 0;
}

static void md_ctx_freep(EVP_MD_CTX **ctx)
{
	EVP_MD_CTX_free(*ctx); /* takes NULL */
}

int digest_sha256_parts(const struct digest_part *parts, size_t nr, struct digest *ret_digest)
{
	_cleanup_(md_ctx_freep) EVP_MD_CTX *ctx = EVP_MD_CTX_new();
	struct digest digest;
	unsigned int size = 0;
	size_t i;

	if (!ctx || EVP_DigestInit_ex(ctx, EVP_sha256(), NULL) != 1)
		return -ENOTSUP;
	for (i = 0; i < nr; i++)
		if (EVP_DigestUpdate(ctx, parts[i].data, parts[i].len) != 1)
			return -ENOTSUP;
	if (EVP_DigestFinal_ex(ctx, digest.octets, &size) != 1 || size != DIGEST_SIZE)
		return -ENOTSUP;
	*ret_digest = digest;
	return 0;
}

int digest_hmac_sha256(const void *key, size_t key_len, const char *text, struct digest *ret_digest)
{
	struct digest digest;
	unsigned int size = 0;

	if (key_len > INT32_MAX ||
	    !HMAC(EVP_sha256(), key, (int)key_len, (const unsigned char *)text, strlen(text),
		  digest.octets, &size) ||
	    size != DIGEST_SIZE)
		return -ENOTSUP;
	*ret_digest = digest;
	return 0;
}

bool digest_equal(const struct digest *a, const struct digest *b)
{
	return CRYPTO_memcmp(a->octets, b->octets, DIGEST_SIZE) == 0;
}

static int hex_value(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	return -EINVAL;
}

int digest_parse(const char *text, struct digest *ret_digest)
{
	struct digest digest;
	size_t i;

	if (strlen(text) != 2 * sizeof(digest.octets))
		return -EINVAL;
	for (i = 0; i < sizeof(digest.octets); i++) {
		int high = hex_value(text[2 * i]), low = hex_value(text[2 * i + 1]);

		if (high < 0 || low < 0)
			return -EINVAL;
		digest.octets[i] = (unsigned char)(high << 4 | low);
	}
	*ret_digest = digest;
	return 0;
}

void digest_text(const struct digest *digest, char ret_text[static DIGEST_TEXT_SIZE])
{
	size_t i;

	for (i = 0; i < DIGEST_SIZE; i++)
		(void)snprintf(ret_text + 2 * i, 3, "%02x", digest->octets[i]); /* fits */
}
