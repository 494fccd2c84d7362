/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * signature.c - Ed25519: the vectors of RFC 8032, each bit flipped, keys for which everybody can
 * sign; and the owner's key in PEM, with a passphrase and without.
 */
#include "rescue/signature.h"

#include <openssl/evp.h>
#include <openssl/pem.h>

#include "bytes.h"
#include "fixture.h"
#include "inject.h"

struct vector {
	const char *private, *public, *message, *signature;
};

/* RFC 8032, section 7.1. */
static const struct vector vectors[] = {
	{ "9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60",
	  "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a", "",
	  "e5564300c360ac729086e2cc806e828a84877f1eb8e5d974d873e065224901555fb8821590a33bacc61e3970"
	  "1cf9b46bd25bf5f0595bbe24655141438e7a100b" },
	{ "4ccd089b28ff96da9db6c346ec114e0f5b8a319f35aba624da8cf6ed4fb8a6fb",
	  "3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c", "72",
	  "92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da085ac1e43e15996e458f3613"
	  "d0f11d8c387b2eaeb4302aeeb00d291612bb0c00" },
};

static struct fault f;

enum form { PLAIN, PUBLIC, ENCRYPTED };

/* The key in PEM, as openssl(1) writes it. */
static struct secret pem_of(int type, const char *hex, enum form form)
{
	unsigned char bytes[32];
	BIO *bio = BIO_new(BIO_s_mem());
	EVP_PKEY *pkey;
	struct secret pem;
	char *text;
	long len;

	(void)bytes_from_hex(hex, bytes, sizeof(bytes));
	pkey = EVP_PKEY_new_raw_private_key(type, NULL, bytes, sizeof(bytes));
	FIXTURE_MUST(pkey && bio);
	if (form == PUBLIC)
		FIXTURE_MUST(PEM_write_bio_PUBKEY(bio, pkey) == 1);
	else
		FIXTURE_MUST(
			PEM_write_bio_PKCS8PrivateKey(bio, pkey,
						      form == ENCRYPTED ? EVP_aes_256_cbc() : NULL,
						      form == ENCRYPTED ? "of the owner" : NULL,
						      form == ENCRYPTED ? 12 : 0, NULL, NULL) == 1);
	len = BIO_get_mem_data(bio, &text);
	pem = bytes_secret(text, (size_t)len);
	BIO_free(bio);
	EVP_PKEY_free(pkey);
	return pem;
}

static unsigned int nr_asked;
static const char *typed;

static int ask(struct secret *passphrase, struct fault *fault)
{
	nr_asked++;
	if (!typed)
		return fault_set(fault, EXITCODE_IO, EIO, "no terminal");
	*passphrase = bytes_secret(typed, strlen(typed));
	return 0;
}

/* What reading says; the key is freed. */
static int reads(struct secret pem, const char *passphrase, bool asks)
{
	struct signing_key *key = NULL;
	int r;

	f = (struct fault){ 0 };
	nr_asked = 0;
	typed = passphrase;
	r = signing_key_read(&pem, asks ? ask : NULL, &key, &f);
	if (!(r == 0) != !key)
		r = -1000;
	signing_key_done(&key);
	secret_done(&pem);
	return r;
}

static void test_vector(const struct vector *v)
{
	unsigned char public[32], own_public[32], message[8], signature[64], own[64];
	size_t len = bytes_from_hex(v->message, message, sizeof(message)), i;
	struct secret pem = pem_of(EVP_PKEY_ED25519, v->private, PLAIN);
	struct signing_key *key = NULL;
	unsigned int good = 0;

	(void)bytes_from_hex(v->public, public, 32);
	(void)bytes_from_hex(v->signature, signature, 64);
	ok(signature_verify(public, message, len, signature), "a signature of the RFC verifies");
	is_int(signing_key_read(&pem, NULL, &key, &f), 0, "its key is read");
	ok(signing_key_public(key, own_public) == 0 && memcmp(own_public, public, 32) == 0,
	   "... with the public half of the RFC");
	ok(signing_key_sign(key, message, len, own) == 0 && memcmp(own, signature, 64) == 0,
	   "... and makes the same signature");
	for (i = 0; i < 512; i++) {
		own[i / 8] ^= (unsigned char)(1 << i % 8);
		good += signature_verify(public, message, len, own);
		own[i / 8] ^= (unsigned char)(1 << i % 8);
	}
	for (i = 0; i < 256; i++) {
		own_public[i / 8] ^= (unsigned char)(1 << i % 8);
		good += signature_verify(own_public, message, len, own);
		own_public[i / 8] ^= (unsigned char)(1 << i % 8);
	}
	for (i = 0; i < 8 * len; i++) {
		message[i / 8] ^= (unsigned char)(1 << i % 8);
		good += signature_verify(public, message, len, own);
		message[i / 8] ^= (unsigned char)(1 << i % 8);
	}
	is_int(good, 0, "... of which no bit may be flipped, nor one of key and message");
	ok(!signature_verify(public, message, len + 1, signature), "... and none added");
	signing_key_done(&key);
	signing_key_done(&key);
	secret_done(&pem);
}

static bool libcrypto_verifies(const unsigned char *key, const char *text,
			       const unsigned char *signature)
{
	EVP_PKEY *pkey = EVP_PKEY_new_raw_public_key(EVP_PKEY_ED25519, NULL, key, 32);
	EVP_MD_CTX *ctx = EVP_MD_CTX_new();
	bool good = pkey && EVP_DigestVerifyInit(ctx, NULL, NULL, NULL, pkey) == 1 &&
		    EVP_DigestVerify(ctx, signature, 64, (const unsigned char *)text,
				     strlen(text)) == 1;

	EVP_MD_CTX_free(ctx);
	EVP_PKEY_free(pkey);
	return good;
}

/* With a point of small order as key, a signature with S = 0 and such a point as R is good for one
 * text in eight at least: for the neutral point, for all of them. */
static void test_small_order(void)
{
	static const char *const orders[] = {
		"0000000000000000000000000000000000000000000000000000000000000000",
		"0100000000000000000000000000000000000000000000000000000000000000",
		"26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05",
		"c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a",
		"ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
		"edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
		"eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
	};
	unsigned char key[32], signature[64] = { 0x01 };
	unsigned int forged = 0, good = 0;
	size_t i, n;

	for (i = 0; i < 2 * ARRAY_SIZE(orders); i++) {
		(void)bytes_from_hex(orders[i / 2], key, 32);
		key[31] |= (unsigned char)(i % 2 << 7);
		for (n = 0; n < 100; n++) {
			char text[16];

			(void)snprintf(text, sizeof(text), "%zu", n);
			forged += libcrypto_verifies(key, text, signature);
			good += signature_verify(key, text, strlen(text), signature);
		}
	}
	ok(forged > 100, "control: libcrypto takes forged signatures of keys of small order");
	is_int(good, 0, "signature_verify() takes none of %u", forged);
}

static void test_pem(void)
{
	const char *private = vectors[0].private;
	struct secret pem;

	is_int(reads(pem_of(EVP_PKEY_ED25519, private, PLAIN), "x", true), 0, "a plain key");
	is_int(nr_asked, 0, "... needs no passphrase");
	is_int(reads(pem_of(EVP_PKEY_ED25519, private, ENCRYPTED), "of the owner", true), 0,
	       "an encrypted key is read with its passphrase");
	is_int(nr_asked, 1, "... which is asked for once");
	is_int(reads(pem_of(EVP_PKEY_ED25519, private, ENCRYPTED), "of a thief", true), -EPERM,
	       "... not with another one");
	is_int(nr_asked, 1, "... which is asked for once");
	is_int(f.code, EXITCODE_REFUSED, "... a refusal: %s", f.why);
	is_int(reads(pem_of(EVP_PKEY_ED25519, private, ENCRYPTED), "", true), -EPERM,
	       "... nor with none");
	is_int(reads(pem_of(EVP_PKEY_ED25519, private, ENCRYPTED), NULL, true), -EIO,
	       "... what cannot be asked is said by who asks");
	is_str(f.why, "no terminal", "... in his words");
	is_int(reads(pem_of(EVP_PKEY_ED25519, private, ENCRYPTED), NULL, false), -EINVAL,
	       "... and nobody may be there to ask");
	is_int(reads(pem_of(EVP_PKEY_X25519, private, PLAIN), "x", true), -EINVAL,
	       "a key of X25519 signs nothing");
	is_str(f.why, "it is a key, but not of Ed25519", "... is said");
	is_int(reads(pem_of(EVP_PKEY_ED25519, private, PUBLIC), "x", true), -EINVAL,
	       "a public key is not enough");
	is_int(reads(bytes_secret("", 0), "x", true), -EINVAL, "nor is an empty file");
	pem = pem_of(EVP_PKEY_ED25519, private, PLAIN);
	pem.len -= 30;
	is_int(reads(pem, "x", true), -EINVAL, "... or half of one");
	is_int(f.code, EXITCODE_BAD_INPUT, "... bad input: %s", f.why);
	pem = bytes_secret("", 0);
	memset(pem.bytes, '-', SECRET_CAPACITY);
	pem.len = SECRET_CAPACITY;
	is_int(reads(pem, "x", true), -EINVAL, "... or noise");
	pem = pem_of(EVP_PKEY_ED25519, private, ENCRYPTED);
	{
		static char longer[2000];

		memset(longer, 'x', sizeof(longer) - 1);
		is_int(reads(pem, longer, true), -EPERM, "a passphrase of 1999 characters");
	}
}

int main(void)
{
	size_t i;

	for (i = 0; i < ARRAY_SIZE(vectors); i++)
		test_vector(&vectors[i]);
	test_small_order();
	test_pem();
	is_int(inject_secrets.dirty, 0, "all secret memory was wiped");
	is_int(inject_secrets.nr_live, 0, "... and given back");
	return tap_done();
}
