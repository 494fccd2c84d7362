/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * signature.c - verifies and makes signatures of Ed25519, and reads the owner's key.
 * Trusts libcrypto, which keeps a private key in memory of its own and wipes that when it is freed;
 * trusts neither data, signature nor file. May not print or keep a passphrase.
 */
#include "rescue/signature.h"

#include <openssl/bio.h>
#include <openssl/crypto.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <string.h>

struct signing_key {
	EVP_PKEY *pkey;
};

static void pkey_freep(EVP_PKEY **pkey)
{
	EVP_PKEY_free(*pkey); /* wipes the private half; takes NULL, as the others */
}

static void md_ctx_freep(EVP_MD_CTX **ctx)
{
	EVP_MD_CTX_free(*ctx);
}

static void bio_freep(BIO **bio)
{
	(void)BIO_free(*bio); /* memory */
}

bool signature_verify(const unsigned char key[static ED25519_KEY_SIZE], const void *data,
		      size_t len, const unsigned char signature[static SIGNATURE_SIZE])
{
	_cleanup_(pkey_freep) EVP_PKEY *pkey =
		EVP_PKEY_new_raw_public_key_ex(NULL, "ED25519", NULL, key, ED25519_KEY_SIZE);
	_cleanup_(md_ctx_freep) EVP_MD_CTX *ctx = EVP_MD_CTX_new();
	bool good = pkey && ctx && !ed25519_has_small_order(key) &&
		    EVP_DigestVerifyInit_ex(ctx, NULL, NULL, NULL, NULL, pkey, NULL) == 1 &&
		    EVP_DigestVerify(ctx, signature, SIGNATURE_SIZE, data, len) == 1;

	ERR_clear_error();
	return good;
}

/* Between signing_key_read() and the callback that libcrypto calls, maybe more than once. */
struct question {
	int (*ask)(struct secret *passphrase, struct fault *f);
	struct secret passphrase;
	bool asked;
	int r;
	struct fault *f;
};

static int answer_question(char *ret_passphrase, int size, int rwflag, void *data)
{
	struct question *q = data;

	(void)rwflag; /* it only reads */
	if (!q->asked) {
		q->asked = true;
		q->r = -EINVAL;
		if (q->ask)
			q->r = q->ask(&q->passphrase, q->f);
	}
	if (q->r < 0 || q->passphrase.len > (size_t)size)
		return -1;
	memcpy(ret_passphrase, q->passphrase.bytes, q->passphrase.len);
	return (int)q->passphrase.len;
}

static int not_read(const struct question *q, struct fault *f)
{
	ERR_clear_error();
	if (q->asked && !q->ask)
		return fault_set(f, EXITCODE_BAD_INPUT, EINVAL,
				 "the key has a passphrase, and nobody can be asked for it");
	if (q->asked && q->r < 0)
		return q->r; /* f says it */
	if (q->asked)
		return fault_set(f, EXITCODE_REFUSED, EPERM,
				 "the passphrase does not open the key");
	return fault_set(f, EXITCODE_BAD_INPUT, EINVAL, "it is no private key in PEM");
}

int signing_key_read(const struct secret *pem,
		     int (*ask)(struct secret *passphrase, struct fault *f),
		     struct signing_key **ret_key, struct fault *f)
{
	_cleanup_(pkey_freep) EVP_PKEY *pkey = NULL;
	_cleanup_(bio_freep) BIO *bio = BIO_new_mem_buf(pem->bytes, (int)pem->len);
	struct question q = { .ask = ask, .f = f };
	struct signing_key *key;

	if (bio)
		pkey = PEM_read_bio_PrivateKey_ex(bio, NULL, answer_question, &q, NULL, NULL);
	secret_done(&q.passphrase);
	if (!pkey)
		return not_read(&q, f);
	if (EVP_PKEY_is_a(pkey, "ED25519") != 1)
		return fault_set(f, EXITCODE_BAD_INPUT, EINVAL, "it is a key, but not of Ed25519");
	key = calloc(1, sizeof(*key));
	if (!key)
		return fault_set(f, EXITCODE_NO_MEMORY, ENOMEM, "no memory for a key");
	key->pkey = TAKE_PTR(pkey);
	*ret_key = key;
	return 0;
}

int signing_key_sign(const struct signing_key *key, const void *data, size_t len,
		     unsigned char ret_signature[static SIGNATURE_SIZE])
{
	_cleanup_(md_ctx_freep) EVP_MD_CTX *ctx = EVP_MD_CTX_new();
	size_t size = SIGNATURE_SIZE;

	if (!ctx || EVP_DigestSignInit_ex(ctx, NULL, NULL, NULL, NULL, key->pkey, NULL) != 1 ||
	    EVP_DigestSign(ctx, ret_signature, &size, data, len) != 1 || size != SIGNATURE_SIZE) {
		ERR_clear_error();
		return -ENOTSUP;
	}
	return 0;
}

int signing_key_public(const struct signing_key *key,
		       unsigned char ret_key[static ED25519_KEY_SIZE])
{
	size_t size = ED25519_KEY_SIZE;

	if (EVP_PKEY_get_raw_public_key(key->pkey, ret_key, &size) != 1 ||
	    size != ED25519_KEY_SIZE) {
		ERR_clear_error();
		return -ENOTSUP;
	}
	return 0;
}

void signing_key_done(struct signing_key **key)
{
	if (*key) {
		EVP_PKEY_free((*key)->pkey);
		free(*key);
	}
	*key = NULL;
}
