/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * signing.h - keys of Ed25519 that sign in unit tests; a number says which. Gives up the whole test
 * when it cannot make one.
 */
#ifndef SIGNING_H
#define SIGNING_H

#include <openssl/bio.h>
#include <openssl/evp.h>
#include <openssl/pem.h>

#include "bytes.h"
#include "rescue/signature.h"

/* By way of PEM, as an owner's key comes. */
static inline struct signing_key *signing_key_of(unsigned char number)
{
	unsigned char seed[32];
	BIO *bio = BIO_new(BIO_s_mem());
	struct signing_key *key = NULL;
	struct fault ignored = { 0 };
	struct secret pem;
	EVP_PKEY *pkey;
	char *text;
	long len;

	memset(seed, number, sizeof(seed));
	pkey = EVP_PKEY_new_raw_private_key(EVP_PKEY_ED25519, NULL, seed, sizeof(seed));
	BYTES_MUST(PEM_write_bio_PrivateKey(bio, pkey, NULL, NULL, 0, NULL, NULL) == 1);
	len = BIO_get_mem_data(bio, &text);
	pem = bytes_secret(text, (size_t)len);
	BYTES_MUST(signing_key_read(&pem, NULL, &key, &ignored) == 0);
	secret_done(&pem);
	EVP_PKEY_free(pkey);
	BIO_free(bio);
	return key;
}

#endif
