/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * hpke.c - HPKE: the vectors of RFC 9180 in both directions, each bit that somebody can flip,
 * points of small order, wrong lengths; that no key is left; and libcrypto's own where it has one.
 */
#include "rescue/hpke.h"

#include <openssl/evp.h>
#include <openssl/opensslv.h>

#include "bytes.h"
#include "fixture.h"
#include "inject.h"

#define INFO "4f6465206f6e2061204772656369616e2055726e"
#define PSK "0247fd33b913760fa1fa51e1892d9f307fbe65eb171e8132c2af18555a738b82"
#define PSK_ID "456e6e796e20447572696e206172616e204d6f726961"
#define AAD "436f756e742d30"
#define TEXT "4265617574792069732074727574682c20747275746820626561757479"

#define TEXT_MAX 512
#define SEALED_MAX (HPKE_ENC_SIZE + TEXT_MAX + HPKE_TAG_SIZE)

static struct fault f;

struct vector {
	const char *name;
	enum hpke_aead aead;
	const char *ephemeral, *private, *public, *enc, *ciphertext;
};

static const struct vector vectors[] = {
	{ "A.1.2, AES-128-GCM", HPKE_AES_128_GCM,
	  "463426a9ffb42bb17dbe6044b9abd1d4e4d95f9041cef0e99d7824eef2b6f588",
	  "c5eb01eb457fe6c6f57577c5413b931550a162c71a03ac8d196babbd4e5ce0fd",
	  "9fed7e8c17387560e92cc6462a68049657246a09bfa8ade7aefe589672016366",
	  "0ad0950d9fb9588e59690b74f1237ecdf1d775cd60be2eca57af5a4b0471c91b",
	  "e52c6fed7f758d0cf7145689f21bc1be6ec9ea097fef4e959440012f4feb73fb611b946199e681f4cfc34db8"
	  "ea" },
	/* tests/cli/rescue.t makes it, too: the RFC has none for this AEAD and X25519. */
	{ "A.1.2 with AES-256-GCM", HPKE_AES_256_GCM,
	  "463426a9ffb42bb17dbe6044b9abd1d4e4d95f9041cef0e99d7824eef2b6f588",
	  "c5eb01eb457fe6c6f57577c5413b931550a162c71a03ac8d196babbd4e5ce0fd",
	  "9fed7e8c17387560e92cc6462a68049657246a09bfa8ade7aefe589672016366",
	  "0ad0950d9fb9588e59690b74f1237ecdf1d775cd60be2eca57af5a4b0471c91b",
	  "9d4fc691115401983bba70b5e26b06cbbee15050c5b8e4e2e68401f8f959cbb8154d23ff0badc6fc89053407"
	  "4f" },
	{ "A.2.2, ChaCha20Poly1305", HPKE_CHACHA20_POLY1305,
	  "0c35fdf49df7aa01cd330049332c40411ebba36e0c718ebc3edf5845795f6321",
	  "77d114e0212be51cb1d76fa99dd41cfd4d0166b08caa09074430a6c59ef17879",
	  "13640af826b722fc04feaa4de2f28fbd5ecc03623b317834e7ff4120dbe73062",
	  "2261299c3f40a9afc133b969a97f05e95be2c514e54f3de26cbe5644ac735b04",
	  "4a177f9c0d6f15cfdf533fb65bf84aecdc6ab16b8b85b4cf65a370e07fc1d78d28fb073214525276f4a89608"
	  "ff" },
};

/* The points of small order, and other encodings of 0 and 1. Each once more with the last bit set,
 * which nobody looks at (RFC 7748, section 5). */
static const char *const small_order[] = {
	"0000000000000000000000000000000000000000000000000000000000000000",
	"0100000000000000000000000000000000000000000000000000000000000000",
	"e0eb7a7c3b41b8ae1656e3faf19fc46ada098deb9c32b1fd866205165f49b800",
	"5f9c95bca3508c24b1d0b1559c83ef5b04445cc4581c8e86d8224eddd09f1157",
	"ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
	"edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
	"eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
};

/* All that goes in, as bytes. */
struct input {
	unsigned char ephemeral[32], private[32], public[32];
	unsigned char psk[HPKE_INPUT_MAX + 1], id[HPKE_INPUT_MAX + 1], info[HPKE_INPUT_MAX + 1];
	unsigned char aad[64];
	struct hpke_psk keys;
	struct hpke_data info_data, aad_data;
};

static void use_vector(const struct vector *v, struct input *in)
{
	*in = (struct input){ 0 };
	(void)bytes_from_hex(v->ephemeral, in->ephemeral, 32);
	(void)bytes_from_hex(v->private, in->private, 32);
	(void)bytes_from_hex(v->public, in->public, 32);
	in->keys.psk = (struct hpke_data){ in->psk, bytes_from_hex(PSK, in->psk, 32) };
	in->keys.id = (struct hpke_data){ in->id, bytes_from_hex(PSK_ID, in->id, 32) };
	in->info_data = (struct hpke_data){ in->info, bytes_from_hex(INFO, in->info, 32) };
	in->aad_data = (struct hpke_data){ in->aad, bytes_from_hex(AAD, in->aad, 32) };
	f = (struct fault){ 0 };
}

static int seal(enum hpke_aead aead, const struct input *in, const struct secret *text,
		const unsigned char *ephemeral, unsigned char *sealed)
{
	f = (struct fault){ 0 };
	return hpke_seal(aead, in->public, &in->keys, in->info_data, in->aad_data, text, ephemeral,
			 sealed, &f);
}

static int open_sealed(enum hpke_aead aead, const struct input *in, const unsigned char *sealed,
		       size_t len, struct secret *text)
{
	f = (struct fault){ 0 };
	return hpke_open(aead, in->private, &in->keys, in->info_data, in->aad_data,
			 (struct hpke_data){ sealed, len }, text, &f);
}

static bool refused(enum hpke_aead aead, const struct input *in, const unsigned char *sealed,
		    size_t len)
{
	struct secret text = SECRET_NULL;
	int r = open_sealed(aead, in, sealed, len, &text);
	bool empty = !text.bytes;

	secret_done(&text);
	return r == -EBADMSG && empty && f.code == EXITCODE_BAD_INPUT;
}

static void test_vector(const struct vector *v)
{
	unsigned char sealed[SEALED_MAX], bytes[TEXT_MAX];
	size_t len = bytes_from_hex(TEXT, bytes, sizeof(bytes));
	struct secret text = bytes_secret(bytes, len), opened = SECRET_NULL;
	struct input in;

	use_vector(v, &in);
	is_int(seal(v->aead, &in, &text, in.ephemeral, sealed), 0, "%s: sealed", v->name);
	is_str(bytes_hex(sealed, HPKE_ENC_SIZE), v->enc, "... to the encapsulated key");
	is_str(bytes_hex(sealed + HPKE_ENC_SIZE, len + HPKE_TAG_SIZE), v->ciphertext,
	       "... and the ciphertext of the RFC");
	is_int(open_sealed(v->aead, &in, sealed, HPKE_ENC_SIZE + len + HPKE_TAG_SIZE, &opened), 0,
	       "... opened");
	ok(opened.len == len && memcmp(opened.bytes, bytes, len) == 0, "... to the text");
	secret_done(&opened);
	secret_done(&text);
}

/* Every length of a text that an answer may have, and some. */
static void test_lengths(void)
{
	static const size_t lengths[] = { 0, 1, 15, 16, 17, 31, 32, 33, 511, 512 };
	unsigned char sealed[SEALED_MAX], bytes[TEXT_MAX];
	struct input in;
	size_t i;

	use_vector(&vectors[0], &in);
	memset(bytes, 0x5a, sizeof(bytes));
	for (i = 0; i < ARRAY_SIZE(lengths); i++) {
		struct secret text = bytes_secret(bytes, lengths[i]), opened = SECRET_NULL;
		size_t len = HPKE_ENC_SIZE + lengths[i] + HPKE_TAG_SIZE;

		ok(seal(HPKE_AES_256_GCM, &in, &text, NULL, sealed) == 0 &&
			   open_sealed(HPKE_AES_256_GCM, &in, sealed, len, &opened) == 0 &&
			   opened.len == lengths[i] && memcmp(opened.bytes, bytes, opened.len) == 0,
		   "%zu bytes there and back", lengths[i]);
		ok(refused(HPKE_AES_256_GCM, &in, sealed, len - 1), "... and not one less");
		secret_done(&opened);
		secret_done(&text);
	}
	for (i = 0; i < HPKE_ENC_SIZE + HPKE_TAG_SIZE; i++)
		if (!refused(HPKE_AES_256_GCM, &in, sealed, i))
			break;
	is_int(i, HPKE_ENC_SIZE + HPKE_TAG_SIZE, "nothing that is shorter than key and tag");
}

static unsigned int flips_of(struct input *in, unsigned char *bytes, size_t len,
			     const unsigned char *sealed, size_t sealed_len)
{
	unsigned int open = 0;
	size_t i;

	for (i = 0; i < 8 * len; i++) {
		bytes[i / 8] ^= (unsigned char)(1 << i % 8);
		open += !refused(HPKE_AES_256_GCM, in, sealed, sealed_len);
		bytes[i / 8] ^= (unsigned char)(1 << i % 8);
	}
	return open;
}

/* RFC 7748, section 5: of a public half the last bit is not looked at, and of a private one five
 * are fixed. The public half of the sealer is in the context, so that even that bit counts. */
static void test_flips(void)
{
	unsigned char sealed[SEALED_MAX];
	struct secret text = bytes_secret("a passphrase", 12), opened = SECRET_NULL;
	const size_t len = HPKE_ENC_SIZE + 12 + HPKE_TAG_SIZE;
	struct input in;

	use_vector(&vectors[0], &in);
	is_int(seal(HPKE_AES_256_GCM, &in, &text, NULL, sealed), 0, "a secret is sealed");
	is_int(flips_of(&in, sealed, len, sealed, len), 0, "it opens with no bit of it flipped");
	is_int(flips_of(&in, in.psk, in.keys.psk.len, sealed, len), 0, "... no bit of the PSK");
	is_int(flips_of(&in, in.id, in.keys.id.len, sealed, len), 0, "... of its id");
	is_int(flips_of(&in, in.info, in.info_data.len, sealed, len), 0, "... of info");
	is_int(flips_of(&in, in.aad, in.aad_data.len, sealed, len), 0, "... of additional data");
	is_int(flips_of(&in, in.private, 32, sealed, len), 5,
	       "... or of the key, but the 5 unused");
	ok(refused(HPKE_CHACHA20_POLY1305, &in, sealed, len) &&
		   refused(HPKE_AES_128_GCM, &in, sealed, len),
	   "... nor with another AEAD");
	is_int(open_sealed(HPKE_AES_256_GCM, &in, sealed, len, &opened), 0, "it opens as it is");
	secret_done(&opened);
	secret_done(&text);
}

static void test_small_order(void)
{
	unsigned char sealed[SEALED_MAX];
	struct secret text = bytes_secret("a passphrase", 12);
	const size_t len = HPKE_ENC_SIZE + 12 + HPKE_TAG_SIZE;
	unsigned int sealable = 0, openable = 0;
	struct input in;
	size_t i;

	use_vector(&vectors[0], &in);
	is_int(seal(HPKE_AES_256_GCM, &in, &text, NULL, sealed), 0, "a secret is sealed");
	for (i = 0; i < 2 * ARRAY_SIZE(small_order); i++) {
		(void)bytes_from_hex(small_order[i / 2], sealed, 32);
		sealed[31] |= (unsigned char)(i % 2 << 7);
		openable += !refused(HPKE_AES_256_GCM, &in, sealed, len);
	}
	is_int(openable, 0, "none of %zu encodings of points of small order opens", i);
	for (i = 0; i < 2 * ARRAY_SIZE(small_order); i++) {
		(void)bytes_from_hex(small_order[i / 2], in.public, 32);
		in.public[31] |= (unsigned char)(i % 2 << 7);
		sealable += seal(HPKE_AES_256_GCM, &in, &text, NULL, sealed) != -EBADMSG;
	}
	is_int(sealable, 0, "... and nothing is sealed to one");
	secret_done(&text);
}

static void test_inputs(void)
{
	struct secret text = bytes_secret("x", 1);
	unsigned char sealed[SEALED_MAX];
	struct input in;

	use_vector(&vectors[0], &in);
	in.keys.psk.len = 31;
	is_int(seal(HPKE_AES_256_GCM, &in, &text, NULL, sealed), -ENOTSUP, "a PSK of 31 bytes");
	in.keys.psk.len = HPKE_INPUT_MAX + 1;
	is_int(seal(HPKE_AES_256_GCM, &in, &text, NULL, sealed), -ENOTSUP, "... of too many");
	in.keys.psk.len = HPKE_INPUT_MAX;
	is_int(seal(HPKE_AES_256_GCM, &in, &text, NULL, sealed), 0, "... of as many as may be");
	in.keys.id.len = 0;
	is_int(seal(HPKE_AES_256_GCM, &in, &text, NULL, sealed), -ENOTSUP, "no id of the PSK");
	in.keys.id.len = HPKE_INPUT_MAX + 1;
	is_int(seal(HPKE_AES_256_GCM, &in, &text, NULL, sealed), -ENOTSUP, "one too long");
	use_vector(&vectors[0], &in);
	in.info_data.len = HPKE_INPUT_MAX + 1;
	is_int(seal(HPKE_AES_256_GCM, &in, &text, NULL, sealed), -ENOTSUP, "too long an info");
	use_vector(&vectors[0], &in);
	is_int(seal(0xffff, &in, &text, NULL, sealed), -ENOTSUP, "an AEAD that only exports");
	is_int(f.code, EXITCODE_INTERNAL, "... all of them are faults of the program");
	secret_done(&text);
}

/* Two calls never make the same, and leave nothing. */
static void test_fresh(void)
{
	unsigned char one[SEALED_MAX], two[SEALED_MAX];
	struct secret text = bytes_secret("x", 1), opened = SECRET_NULL;
	struct input in;

	use_vector(&vectors[0], &in);
	ok(seal(HPKE_AES_256_GCM, &in, &text, NULL, one) == 0 &&
		   seal(HPKE_AES_256_GCM, &in, &text, NULL, two) == 0 &&
		   memcmp(one, two, HPKE_ENC_SIZE) != 0,
	   "each seal has a key of its own");
	is_int(open_sealed(HPKE_AES_256_GCM, &in, one, HPKE_ENC_SIZE + 1 + HPKE_TAG_SIZE, &opened),
	       0, "it opens");
	secret_done(&opened);
	secret_done(&text);
}

static void test_no_memory(void)
{
	struct secret text = bytes_secret("x", 1), opened = SECRET_NULL;
	unsigned char sealed[SEALED_MAX];
	struct input in;
	unsigned int nth;

	use_vector(&vectors[0], &in);
	inject_failure(INJECT_MLOCK, 1, EAGAIN);
	is_int(seal(HPKE_AES_256_GCM, &in, &text, NULL, sealed), -EAGAIN, "no memory to seal in");
	is_int(f.code, EXITCODE_NO_MEMORY, "... is said");
	inject_failure(INJECT_NONE, 0, 0);
	is_int(seal(HPKE_AES_256_GCM, &in, &text, NULL, sealed), 0, "with memory it is sealed");
	for (nth = 1; nth <= 2; nth++) {
		inject_failure(INJECT_MLOCK, nth, EAGAIN);
		is_int(open_sealed(HPKE_AES_256_GCM, &in, sealed, HPKE_ENC_SIZE + 1 + HPKE_TAG_SIZE,
				   &opened),
		       -EAGAIN, "no memory to open in, %u", nth);
		ok(!opened.bytes, "... and nothing is handed out");
		inject_failure(INJECT_NONE, 0, 0);
	}
	secret_done(&text);
}

#if OPENSSL_VERSION_NUMBER >= 0x30200000L
#include <openssl/hpke.h>

/* libcrypto seals, we open; we seal, libcrypto opens. */
static void test_libcrypto(enum hpke_aead aead)
{
	const OSSL_HPKE_SUITE suite = { OSSL_HPKE_KEM_ID_X25519, OSSL_HPKE_KDF_ID_HKDF_SHA256,
					(uint16_t)aead };
	unsigned char sealed[SEALED_MAX], out[TEXT_MAX];
	size_t enc_len = HPKE_ENC_SIZE, len = sizeof(sealed) - HPKE_ENC_SIZE, out_len = sizeof(out);
	struct secret text = bytes_secret("a passphrase", 12), opened = SECRET_NULL;
	OSSL_HPKE_CTX *ctx =
		OSSL_HPKE_CTX_new(OSSL_HPKE_MODE_PSK, suite, OSSL_HPKE_ROLE_SENDER, NULL, NULL);
	EVP_PKEY *private;
	struct input in;

	use_vector(&vectors[0], &in);
	in.id[in.keys.id.len] = '\0';
	private = EVP_PKEY_new_raw_private_key(EVP_PKEY_X25519, NULL, in.private, 32);
	FIXTURE_MUST(ctx && private);
	FIXTURE_MUST(OSSL_HPKE_CTX_set1_psk(ctx, (char *)in.id, in.psk, in.keys.psk.len) == 1);
	FIXTURE_MUST(OSSL_HPKE_encap(ctx, sealed, &enc_len, in.public, 32, in.info,
				     in.info_data.len) == 1);
	FIXTURE_MUST(OSSL_HPKE_seal(ctx, sealed + HPKE_ENC_SIZE, &len, in.aad, in.aad_data.len,
				    text.bytes, text.len) == 1);
	OSSL_HPKE_CTX_free(ctx);
	is_int(open_sealed(aead, &in, sealed, enc_len + len, &opened), 0,
	       "AEAD %d: what libcrypto seals, we open", aead);
	ok(opened.len == 12 && memcmp(opened.bytes, "a passphrase", 12) == 0, "... to the text");
	is_int(seal(aead, &in, &text, NULL, sealed), 0, "we seal");
	ctx = OSSL_HPKE_CTX_new(OSSL_HPKE_MODE_PSK, suite, OSSL_HPKE_ROLE_RECEIVER, NULL, NULL);
	FIXTURE_MUST(ctx);
	FIXTURE_MUST(OSSL_HPKE_CTX_set1_psk(ctx, (char *)in.id, in.psk, in.keys.psk.len) == 1);
	ok(OSSL_HPKE_decap(ctx, sealed, HPKE_ENC_SIZE, private, in.info, in.info_data.len) == 1 &&
		   OSSL_HPKE_open(ctx, out, &out_len, in.aad, in.aad_data.len,
				  sealed + HPKE_ENC_SIZE, 12 + HPKE_TAG_SIZE) == 1 &&
		   out_len == 12 && memcmp(out, "a passphrase", 12) == 0,
	   "... and libcrypto opens it");
	OSSL_HPKE_CTX_free(ctx);
	EVP_PKEY_free(private);
	secret_done(&opened);
	secret_done(&text);
}
#else
static void test_libcrypto(enum hpke_aead aead)
{
	ok(true, "AEAD %d # SKIP this libcrypto has no HPKE", aead);
}
#endif

int main(void)
{
	size_t i;

	for (i = 0; i < ARRAY_SIZE(vectors); i++)
		test_vector(&vectors[i]);
	test_lengths();
	test_flips();
	test_small_order();
	test_inputs();
	test_fresh();
	test_no_memory();
	test_libcrypto(HPKE_AES_128_GCM);
	test_libcrypto(HPKE_AES_256_GCM);
	test_libcrypto(HPKE_CHACHA20_POLY1305);
	is_int(inject_secrets.dirty, 0, "all secret memory was wiped before it was given back");
	return tap_done();
}
