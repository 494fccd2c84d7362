/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * hpke.c - seals a text to a public key and a key that both sides have, and opens it.
 * Trusts libcrypto; trusts no byte of what was sealed. May not print, keep or pass on a key: all
 * that is derived lies in one piece of locked memory, which is wiped before the function returns.
 */
#include "rescue/hpke.h"

#include <openssl/err.h>
#include <openssl/evp.h>
#include <string.h>

#include "rescue/hkdf.h"
#include "rescue/x25519.h"

#define KEM_X25519_SHA256 0x0020 /* RFC 9180, table 2 */
#define KDF_HKDF_SHA256 0x0001	 /* RFC 9180, table 3 */
#define MODE_PSK 0x01		 /* RFC 9180, table 1 */
#define KEY_SIZE_MAX 32
#define NONCE_SIZE 12
#define CONTEXT_SIZE (1 + 2 * HKDF_SIZE)
/* A version, a suite, a label and an input. */
#define LABELED_MAX (2 + 7 + 10 + 16 + HPKE_INPUT_MAX)

/* All that is derived, in one piece of locked memory. */
struct work {
	unsigned char ephemeral[X25519_SIZE];
	unsigned char dh[X25519_SIZE];
	unsigned char prk[HKDF_SIZE];	 /* of the KEM, then of the key schedule */
	unsigned char shared[HKDF_SIZE]; /* what the KEM has made */
	unsigned char key[KEY_SIZE_MAX];
	unsigned char nonce[NONCE_SIZE];
	unsigned char labeled[LABELED_MAX];
	size_t labeled_len;
};

_Static_assert(sizeof(struct work) <= SECRET_CAPACITY, "the work lies in a secret's pages");

/* The identifiers of section 4.1 and of section 5.1. */
struct suite {
	unsigned char id[10];
	size_t len;
};

/* One direction. */
struct box {
	enum hpke_aead aead;
	const struct hpke_psk *psk;
	struct hpke_data info, aad;
	bool sealing;
};

static void cipher_ctx_freep(EVP_CIPHER_CTX **ctx)
{
	EVP_CIPHER_CTX_free(*ctx); /* takes NULL */
}

static int internal(struct fault *f, const char *what)
{
	ERR_clear_error();
	return fault_set(f, EXITCODE_INTERNAL, ENOTSUP, "libcrypto: %s", what);
}

static int does_not_open(struct fault *f)
{
	ERR_clear_error();
	return fault_set(f, EXITCODE_BAD_INPUT, EBADMSG, "it is not sealed for this boot");
}

static struct suite kem_suite(void)
{
	return (struct suite){ { 'K', 'E', 'M', KEM_X25519_SHA256 >> 8, KEM_X25519_SHA256 & 0xff },
			       5 };
}

static struct suite hpke_suite(enum hpke_aead aead)
{
	return (struct suite){ { 'H', 'P', 'K', 'E', KEM_X25519_SHA256 >> 8,
				 KEM_X25519_SHA256 & 0xff, KDF_HKDF_SHA256 >> 8,
				 KDF_HKDF_SHA256 & 0xff, 0, (unsigned char)aead },
			       10 };
}

/* Its lengths were checked: all fits. */
static void put(struct work *work, const void *data, size_t len)
{
	memcpy(work->labeled + work->labeled_len, data, len);
	work->labeled_len += len;
}

/* Section 4: LabeledExtract. */
static int labeled_extract(struct work *work, const struct suite *suite, struct hkdf_data salt,
			   const char *label, size_t label_len, struct hpke_data key,
			   unsigned char *ret_prk)
{
	work->labeled_len = 0;
	put(work, "HPKE-v1", 7);
	put(work, suite->id, suite->len);
	put(work, label, label_len);
	put(work, key.data, key.len);
	return hkdf_extract(salt, (struct hkdf_data){ work->labeled, work->labeled_len }, ret_prk);
}

/* Section 4: LabeledExpand. */
static int labeled_expand(struct work *work, const struct suite *suite, const char *label,
			  size_t label_len, struct hpke_data context, unsigned char *ret_key,
			  size_t size)
{
	const unsigned char length[2] = { 0, (unsigned char)size };

	work->labeled_len = 0;
	put(work, length, sizeof(length));
	put(work, "HPKE-v1", 7);
	put(work, suite->id, suite->len);
	put(work, label, label_len);
	put(work, context.data, context.len);
	return hkdf_expand(work->prk, (struct hkdf_data){ work->labeled, work->labeled_len },
			   ret_key, size);
}

#define LABEL(text) text, sizeof(text) - 1

/* Section 4.1: ExtractAndExpand, of work->dh. */
static int kem_secret(struct work *work, const unsigned char *enc, const unsigned char *public)
{
	const struct suite suite = kem_suite();
	unsigned char context[2 * X25519_SIZE];
	int r;

	memcpy(context, enc, X25519_SIZE);
	memcpy(context + X25519_SIZE, public, X25519_SIZE);
	r = labeled_extract(work, &suite, (struct hkdf_data){ 0 }, LABEL("eae_prk"),
			    (struct hpke_data){ work->dh, X25519_SIZE }, work->prk);
	if (r < 0)
		return r;
	return labeled_expand(work, &suite, LABEL("shared_secret"),
			      (struct hpke_data){ context, sizeof(context) }, work->shared,
			      HKDF_SIZE);
}

static size_t key_size(enum hpke_aead aead)
{
	return aead == HPKE_AES_128_GCM ? 16 : 32;
}

/* Section 5.1: KeySchedule, without the exporter's secret, which nobody needs. */
static int key_schedule(struct work *work, const struct box *box)
{
	const struct suite suite = hpke_suite(box->aead);
	unsigned char context[CONTEXT_SIZE] = { MODE_PSK };
	const struct hpke_data all = { context, sizeof(context) };
	int r = labeled_extract(work, &suite, (struct hkdf_data){ 0 }, LABEL("psk_id_hash"),
				box->psk->id, context + 1);

	if (r >= 0)
		r = labeled_extract(work, &suite, (struct hkdf_data){ 0 }, LABEL("info_hash"),
				    box->info, context + 1 + HKDF_SIZE);
	if (r >= 0)
		r = labeled_extract(work, &suite, (struct hkdf_data){ work->shared, HKDF_SIZE },
				    LABEL("secret"), box->psk->psk, work->prk);
	if (r >= 0)
		r = labeled_expand(work, &suite, LABEL("key"), all, work->key, key_size(box->aead));
	if (r >= 0)
		r = labeled_expand(work, &suite, LABEL("base_nonce"), all, work->nonce, NONCE_SIZE);
	return r;
}

static const EVP_CIPHER *cipher_of(enum hpke_aead aead)
{
	switch (aead) {
	case HPKE_AES_128_GCM:
		return EVP_aes_128_gcm();
	case HPKE_AES_256_GCM:
		return EVP_aes_256_gcm();
	case HPKE_CHACHA20_POLY1305:
		return EVP_chacha20_poly1305();
	}
	return NULL;
}

static int begin(const struct box *box, const struct work *work, EVP_CIPHER_CTX *ctx,
		 struct fault *f)
{
	const EVP_CIPHER *cipher = cipher_of(box->aead);
	int len;

	if (!ctx || !cipher ||
	    EVP_CipherInit_ex2(ctx, cipher, work->key, work->nonce, box->sealing, NULL) != 1)
		return internal(f, "no such AEAD");
	if (box->aad.len > 0 &&
	    EVP_CipherUpdate(ctx, NULL, &len, box->aad.data, (int)box->aad.len) != 1)
		return internal(f, "the AEAD takes no additional data");
	return 0;
}

/* The only message of its context, so that the nonce is the base nonce. */
static int encrypt(const struct box *box, const struct work *work, const struct secret *text,
		   unsigned char *ret_sealed, struct fault *f)
{
	_cleanup_(cipher_ctx_freep) EVP_CIPHER_CTX *ctx = EVP_CIPHER_CTX_new();
	unsigned char *to = ret_sealed + HPKE_ENC_SIZE;
	int len = 0, more = 0, r = begin(box, work, ctx, f);

	if (r < 0)
		return r;
	if ((text->len > 0 && EVP_CipherUpdate(ctx, to, &len, text->bytes, (int)text->len) != 1) ||
	    EVP_CipherFinal_ex(ctx, to + len, &more) != 1 || (size_t)(len + more) != text->len)
		return internal(f, "the AEAD does not encrypt");
	if (EVP_CIPHER_CTX_ctrl(ctx, EVP_CTRL_AEAD_GET_TAG, HPKE_TAG_SIZE, to + text->len) != 1)
		return internal(f, "the AEAD has no tag");
	return 0;
}

static int decrypt(const struct box *box, const struct work *work, struct hpke_data sealed,
		   struct secret *text, struct fault *f)
{
	_cleanup_(cipher_ctx_freep) EVP_CIPHER_CTX *ctx = EVP_CIPHER_CTX_new();
	const size_t size = sealed.len - HPKE_ENC_SIZE - HPKE_TAG_SIZE;
	const unsigned char *from = sealed.data + HPKE_ENC_SIZE;
	unsigned char tag[HPKE_TAG_SIZE];
	int len = 0, more = 0, r = begin(box, work, ctx, f);

	if (r < 0)
		return r;
	memcpy(tag, from + size, HPKE_TAG_SIZE); /* libcrypto takes it as not const */
	if (size > 0 && EVP_CipherUpdate(ctx, text->bytes, &len, from, (int)size) != 1)
		return internal(f, "the AEAD does not decrypt");
	if (EVP_CIPHER_CTX_ctrl(ctx, EVP_CTRL_AEAD_SET_TAG, HPKE_TAG_SIZE, tag) != 1)
		return internal(f, "the AEAD takes no tag");
	if (EVP_CipherFinal_ex(ctx, text->bytes + len, &more) != 1)
		return does_not_open(f);
	text->len = (size_t)(len + more);
	return 0;
}

static int check_inputs(const struct box *box, struct fault *f)
{
	if (box->psk->psk.len < 32 || box->psk->psk.len > HPKE_INPUT_MAX || box->psk->id.len == 0 ||
	    box->psk->id.len > HPKE_INPUT_MAX || box->info.len > HPKE_INPUT_MAX ||
	    box->aad.len > SECRET_CAPACITY)
		return internal(f, "a length that HPKE is not used with here");
	return 0;
}

/* Both derivations, when work->dh is there. */
static int schedule(struct work *work, const struct box *box, const unsigned char *enc,
		    const unsigned char *public, struct fault *f)
{
	int r = kem_secret(work, enc, public);

	if (r >= 0)
		r = key_schedule(work, box);
	return r < 0 ? internal(f, "no HKDF") : 0;
}

/* work: zero. enc is written, and work->dh. */
static int encapsulate(struct work *work, const unsigned char *public,
		       const unsigned char *ephemeral, unsigned char *enc, struct fault *f)
{
	int r;

	if (ephemeral) {
		memcpy(work->ephemeral, ephemeral, X25519_SIZE);
		r = x25519_public(work->ephemeral, enc);
	} else {
		r = x25519_new(work->ephemeral, enc);
	}
	if (r < 0)
		return internal(f, "no X25519");
	r = x25519_derive(work->ephemeral, public, work->dh);
	if (r == -EBADMSG)
		return fault_set(f, EXITCODE_BAD_INPUT, EBADMSG,
				 "nothing can be sealed to its public key");
	return r < 0 ? internal(f, "no X25519") : 0;
}

int hpke_seal(enum hpke_aead aead, const unsigned char public[static 32],
	      const struct hpke_psk *psk, struct hpke_data info, struct hpke_data aad,
	      const struct secret *text, const unsigned char *ephemeral, unsigned char *ret_sealed,
	      struct fault *f)
{
	const struct box box = { aead, psk, info, aad, true };
	_cleanup_secret_ struct secret pages = SECRET_NULL;
	struct work *work;
	int r = check_inputs(&box, f);

	if (r < 0)
		return r;
	r = secret_init(&pages, f);
	if (r < 0)
		return r;
	work = (struct work *)(void *)pages.bytes;
	r = encapsulate(work, public, ephemeral, ret_sealed, f);
	if (r >= 0)
		r = schedule(work, &box, ret_sealed, public, f);
	return r < 0 ? r : encrypt(&box, work, text, ret_sealed, f);
}

static int open_with(struct work *work, const struct box *box, const unsigned char *private,
		     struct hpke_data sealed, struct secret *text, struct fault *f)
{
	unsigned char public[X25519_SIZE];
	int r = x25519_public(private, public);

	if (r >= 0)
		r = x25519_derive(private, sealed.data, work->dh);
	if (r == -EBADMSG)
		return does_not_open(f);
	if (r < 0)
		return internal(f, "no X25519");
	r = schedule(work, box, sealed.data, public, f);
	return r < 0 ? r : decrypt(box, work, sealed, text, f);
}

int hpke_open(enum hpke_aead aead, const unsigned char private[static 32],
	      const struct hpke_psk *psk, struct hpke_data info, struct hpke_data aad,
	      struct hpke_data sealed, struct secret *ret_text, struct fault *f)
{
	const struct box box = { aead, psk, info, aad, false };
	_cleanup_secret_ struct secret pages = SECRET_NULL, text = SECRET_NULL;
	int r = check_inputs(&box, f);

	if (r < 0)
		return r;
	if (sealed.len < HPKE_ENC_SIZE + HPKE_TAG_SIZE ||
	    sealed.len > HPKE_ENC_SIZE + HPKE_TAG_SIZE + SECRET_CAPACITY)
		return does_not_open(f);
	r = secret_init(&pages, f);
	if (r >= 0)
		r = secret_init(&text, f);
	if (r >= 0)
		r = open_with((struct work *)(void *)pages.bytes, &box, private, sealed, &text, f);
	if (r < 0)
		return r;
	*ret_text = text;
	text = SECRET_NULL;
	return 0;
}
