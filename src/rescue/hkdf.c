/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * hkdf.c - HKDF with SHA-256.
 * Trusts libcrypto, whose copies of a key are wiped when its context is freed; may not keep, print
 * or copy what goes through it.
 */
#include "rescue/hkdf.h"

#include <limits.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/kdf.h>
#include <stdbool.h>

static void pkey_ctx_freep(EVP_PKEY_CTX **ctx)
{
	EVP_PKEY_CTX_free(*ctx); /* takes NULL */
}

static bool set_up(EVP_PKEY_CTX *ctx, int mode, struct hkdf_data salt, struct hkdf_data key,
		   struct hkdf_data info)
{
	if (EVP_PKEY_derive_init(ctx) != 1 || EVP_PKEY_CTX_set_hkdf_mode(ctx, mode) != 1 ||
	    EVP_PKEY_CTX_set_hkdf_md(ctx, EVP_sha256()) != 1 ||
	    EVP_PKEY_CTX_set1_hkdf_key(ctx, key.data, (int)key.len) != 1)
		return false;
	if (salt.len > 0 && EVP_PKEY_CTX_set1_hkdf_salt(ctx, salt.data, (int)salt.len) != 1)
		return false;
	return info.len == 0 || EVP_PKEY_CTX_add1_hkdf_info(ctx, info.data, (int)info.len) == 1;
}

static int derive(int mode, struct hkdf_data salt, struct hkdf_data key, struct hkdf_data info,
		  unsigned char *ret_key, size_t size)
{
	_cleanup_(pkey_ctx_freep) EVP_PKEY_CTX *ctx =
		EVP_PKEY_CTX_new_from_name(NULL, "HKDF", NULL);
	size_t len = size;

	if (salt.len > INT_MAX || key.len > INT_MAX || info.len > INT_MAX)
		return -ENOTSUP;
	if (!ctx || !set_up(ctx, mode, salt, key, info) ||
	    EVP_PKEY_derive(ctx, ret_key, &len) != 1 || len != size) {
		ERR_clear_error();
		return -ENOTSUP;
	}
	return 0;
}

int hkdf_extract(struct hkdf_data salt, struct hkdf_data key,
		 unsigned char ret_prk[static HKDF_SIZE])
{
	return derive(EVP_PKEY_HKDEF_MODE_EXTRACT_ONLY, salt, key, (struct hkdf_data){ 0 }, ret_prk,
		      HKDF_SIZE);
}

int hkdf_expand(const unsigned char prk[static HKDF_SIZE], struct hkdf_data info,
		unsigned char *ret_key, size_t size)
{
	return derive(EVP_PKEY_HKDEF_MODE_EXPAND_ONLY, (struct hkdf_data){ 0 },
		      (struct hkdf_data){ prk, HKDF_SIZE }, info, ret_key, size);
}

int hkdf(struct hkdf_data salt, struct hkdf_data key, struct hkdf_data info, unsigned char *ret_key,
	 size_t size)
{
	return derive(EVP_PKEY_HKDEF_MODE_EXTRACT_AND_EXPAND, salt, key, info, ret_key, size);
}
