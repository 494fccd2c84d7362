/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * jwe.c - makes the guest's EC key, says what a report binds to it, and opens what was encrypted
 * to it: ECDH-ES+A256KW with P-256, and A256GCM.
 * Trusts libcrypto; trusts no byte of an answer. May not print, keep or pass on a key: all of them
 * are in locked memory, and libcrypto's own copies live no longer than one function here.
 */
#include "source/kbs/jwe.h"

#include <openssl/core_names.h>
#include <openssl/crypto.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/kdf.h>
#include <openssl/params.h>
#include <string.h>

#include "base/base64.h"

#define POINT_SIZE (1 + 2 * EC_COORDINATE_SIZE)
#define POINT_UNCOMPRESSED 0x04 /* SEC 1, section 2.3.3 */
#define COORDINATE_TEXT_SIZE BASE64_SIZE(EC_COORDINATE_SIZE)
#define SCALAR_SIZE 32
#define Z_SIZE 32
#define KEY_SIZE 32 /* of A256KW and of A256GCM */
#define WRAPPED_SIZE (KEY_SIZE + 8)
#define IV_SIZE 12
#define TAG_SIZE 16
#define SHA384_SIZE 48

/* Where the keys lie that lead to a plaintext, in one piece of locked memory. */
enum {
	AT_Z = 0,
	AT_WRAPPING_KEY = AT_Z + Z_SIZE,
	AT_CONTENT_KEY = AT_WRAPPING_KEY + KEY_SIZE,
	AT_END = AT_CONTENT_KEY +
		 WRAPPED_SIZE, /* what is unwrapped may use as much as it came with */
};

static char group[] = "P-256"; /* not const: OSSL_PARAM(3) */

static void pkey_freep(EVP_PKEY **pkey)
{
	EVP_PKEY_free(*pkey); /* wipes the private half; takes NULL, as the others */
}

static void pkey_ctx_freep(EVP_PKEY_CTX **ctx)
{
	EVP_PKEY_CTX_free(*ctx);
}

static void kdf_freep(EVP_KDF **kdf)
{
	EVP_KDF_free(*kdf);
}

static void kdf_ctx_freep(EVP_KDF_CTX **ctx)
{
	EVP_KDF_CTX_free(*ctx);
}

static void cipher_ctx_freep(EVP_CIPHER_CTX **ctx)
{
	EVP_CIPHER_CTX_free(*ctx);
}

/* libcrypto's own words are for its authors. */
static int internal(struct fault *f, const char *what)
{
	ERR_clear_error();
	return fault_set(f, EXITCODE_INTERNAL, ENOTSUP, "libcrypto: %s", what);
}

static int malformed(struct fault *f, const char *why)
{
	ERR_clear_error();
	return fault_set(f, EXITCODE_MALFORMED_ANSWER, EBADMSG, "the broker's answer: %s", why);
}

/* Both halves out of libcrypto's key. */
static int take_key(EVP_PKEY *pkey, struct ec_key *key)
{
	unsigned char point[POINT_SIZE];
	OSSL_PARAM params[] = {
		OSSL_PARAM_construct_octet_string(OSSL_PKEY_PARAM_PUB_KEY, point, sizeof(point)),
		OSSL_PARAM_construct_BN(OSSL_PKEY_PARAM_PRIV_KEY, key->scalar.bytes, SCALAR_SIZE),
		OSSL_PARAM_construct_end(),
	};

	if (EVP_PKEY_get_params(pkey, params) != 1 || params[0].return_size != POINT_SIZE ||
	    params[1].return_size != SCALAR_SIZE || point[0] != POINT_UNCOMPRESSED)
		return -ENOTSUP;
	key->scalar.len = SCALAR_SIZE;
	memcpy(key->x, point + 1, EC_COORDINATE_SIZE);
	memcpy(key->y, point + 1 + EC_COORDINATE_SIZE, EC_COORDINATE_SIZE);
	return 0;
}

int ec_key_new(struct ec_key *ret_key, struct fault *f)
{
	_cleanup_(pkey_freep) EVP_PKEY *pkey = NULL;
	struct ec_key key = EC_KEY_NULL;
	int r = secret_init(&key.scalar, f);

	if (r < 0)
		return r;
	pkey = EVP_PKEY_Q_keygen(NULL, NULL, "EC", group);
	if (!pkey || take_key(pkey, &key) < 0) {
		ec_key_done(&key);
		return internal(f, "no key of P-256");
	}
	*ret_key = key;
	return 0;
}

void ec_key_done(struct ec_key *key)
{
	secret_done(&key->scalar);
	*key = EC_KEY_NULL;
}

int ec_key_runtime_data(const struct ec_key *key, const unsigned char *nonce, size_t len,
			char ret_text[static RUNTIME_DATA_SIZE], struct fault *f)
{
	char escaped[2 * NONCE_SIZE_MAX + 1], x[COORDINATE_TEXT_SIZE], y[COORDINATE_TEXT_SIZE];
	size_t i, n = 0;

	if (len == 0 || len > NONCE_SIZE_MAX)
		return malformed(f, "a nonce of no bytes, or of more than 4096");
	for (i = 0; i < len; i++) {
		if (nonce[i] < ' ' || nonce[i] > '~')
			return malformed(f, "a nonce that is not printable ASCII");
		if (nonce[i] == '"' || nonce[i] == '\\')
			escaped[n++] = '\\';
		escaped[n++] = (char)nonce[i];
	}
	escaped[n] = '\0';
	(void)base64_encode(BASE64_URL, key->x, sizeof(key->x), x);
	(void)base64_encode(BASE64_URL, key->y, sizeof(key->y), y);
	/* RFC 8785: the names are sorted, no blanks, and a slash is not escaped. */
	return snprintf(
		ret_text, RUNTIME_DATA_SIZE,
		"{\"additional-evidence\":\"\",\"nonce\":\"%s\",\"tee-pubkey\":{\"alg\":\"ECDH-ES+A256KW\",\"crv\":\"P-256\",\"kty\":\"EC\",\"x\":\"%s\",\"y\":\"%s\"}}",
		escaped, x, y);
}

int ec_key_report_data(const struct ec_key *key, const unsigned char *nonce, size_t len,
		       unsigned char ret_data[static REPORT_DATA_SIZE], struct fault *f)
{
	unsigned char data[REPORT_DATA_SIZE] = { 0 };
	char text[RUNTIME_DATA_SIZE];
	unsigned int size = 0;
	int n = ec_key_runtime_data(key, nonce, len, text, f);

	if (n < 0)
		return n;
	if (EVP_Digest(text, (size_t)n, data, &size, EVP_sha384(), NULL) != 1 ||
	    size != SHA384_SIZE)
		return internal(f, "no SHA-384");
	memcpy(ret_data, data, REPORT_DATA_SIZE);
	return 0;
}

/* A key of libcrypto, of a point and, unless it is NULL, the scalar. NULL if it is none. */
static EVP_PKEY *make_pkey(const unsigned char *x, const unsigned char *y,
			   const struct secret *scalar)
{
	_cleanup_(pkey_ctx_freep) EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new_from_name(NULL, "EC", NULL);
	unsigned char point[POINT_SIZE] = { POINT_UNCOMPRESSED };
	OSSL_PARAM params[] = {
		OSSL_PARAM_construct_utf8_string(OSSL_PKEY_PARAM_GROUP_NAME, group, 0),
		OSSL_PARAM_construct_octet_string(OSSL_PKEY_PARAM_PUB_KEY, point, sizeof(point)),
		OSSL_PARAM_construct_end(),
		OSSL_PARAM_construct_end(),
	};
	EVP_PKEY *pkey = NULL;

	memcpy(point + 1, x, EC_COORDINATE_SIZE);
	memcpy(point + 1 + EC_COORDINATE_SIZE, y, EC_COORDINATE_SIZE);
	if (scalar)
		params[2] = OSSL_PARAM_construct_BN(OSSL_PKEY_PARAM_PRIV_KEY, scalar->bytes,
						    scalar->len);
	if (!ctx || EVP_PKEY_fromdata_init(ctx) != 1 ||
	    EVP_PKEY_fromdata(ctx, &pkey, scalar ? EVP_PKEY_KEYPAIR : EVP_PKEY_PUBLIC_KEY,
			      params) != 1)
		return NULL;
	return pkey;
}

/* ECDH. The peer's point is checked to be on the curve, here and when its key is made. */
static int derive_z(const struct ec_key *key, const unsigned char *x, const unsigned char *y,
		    unsigned char *ret_z, struct fault *f)
{
	_cleanup_(pkey_freep) EVP_PKEY *own = make_pkey(key->x, key->y, &key->scalar);
	_cleanup_(pkey_freep) EVP_PKEY *peer = make_pkey(x, y, NULL);
	_cleanup_(pkey_ctx_freep) EVP_PKEY_CTX *ctx = NULL;
	size_t size = Z_SIZE;

	if (own)
		ctx = EVP_PKEY_CTX_new_from_pkey(NULL, own, NULL);
	if (!ctx || EVP_PKEY_derive_init(ctx) != 1)
		return internal(f, "no ECDH");
	if (!peer || EVP_PKEY_derive_set_peer_ex(ctx, peer, 1) != 1)
		return malformed(f, "its ephemeral key is not a point of P-256");
	if (EVP_PKEY_derive(ctx, ret_z, &size) != 1 || size != Z_SIZE)
		return malformed(f, "nothing can be derived with its ephemeral key");
	return 0;
}

/* Concat KDF, one round: libcrypto counts it. */
static int derive_wrapping_key(unsigned char *z, unsigned char *ret_key, struct fault *f)
{
	/* AlgorithmID with its length, no PartyUInfo, no PartyVInfo, 256 bits. */
	static unsigned char info[] = "\0\0\0\x0e"
				      "ECDH-ES+A256KW"
				      "\0\0\0\0\0\0\0\0\0\0\x01";
	static char digest[] = "SHA256";
	_cleanup_(kdf_freep) EVP_KDF *kdf = EVP_KDF_fetch(NULL, "SSKDF", NULL);
	_cleanup_(kdf_ctx_freep) EVP_KDF_CTX *ctx = kdf ? EVP_KDF_CTX_new(kdf) : NULL;
	const OSSL_PARAM params[] = {
		OSSL_PARAM_construct_utf8_string(OSSL_KDF_PARAM_DIGEST, digest, 0),
		OSSL_PARAM_construct_octet_string(OSSL_KDF_PARAM_KEY, z, Z_SIZE),
		OSSL_PARAM_construct_octet_string(OSSL_KDF_PARAM_INFO, info, sizeof(info)),
		OSSL_PARAM_construct_end(),
	};

	if (!ctx || EVP_KDF_derive(ctx, ret_key, KEY_SIZE, params) != 1)
		return internal(f, "no SSKDF");
	return 0;
}

/* ret_key: WRAPPED_SIZE bytes, of which KEY_SIZE are the key. */
static int unwrap_key(const unsigned char *wrapping_key, const unsigned char *wrapped,
		      unsigned char *ret_key, struct fault *f)
{
	_cleanup_(cipher_ctx_freep) EVP_CIPHER_CTX *ctx = EVP_CIPHER_CTX_new();
	int len = 0, more = 0;

	if (ctx)
		EVP_CIPHER_CTX_set_flags(ctx, EVP_CIPHER_CTX_FLAG_WRAP_ALLOW);
	if (!ctx || EVP_DecryptInit_ex2(ctx, EVP_aes_256_wrap(), wrapping_key, NULL, NULL) != 1)
		return internal(f, "no AES key wrap");
	if (EVP_DecryptUpdate(ctx, ret_key, &len, wrapped, WRAPPED_SIZE) != 1 || len != KEY_SIZE ||
	    EVP_DecryptFinal_ex(ctx, ret_key + len, &more) != 1 || more != 0)
		return malformed(f, "it is encrypted to another key than this session's");
	return 0;
}

static int decrypt(const unsigned char *content_key, const struct frame_field *fields,
		   struct secret *s, struct fault *f)
{
	const struct frame_field *text = &fields[ANSWER_PROTECTED];
	const struct frame_field *ciphertext = &fields[ANSWER_CIPHERTEXT];
	_cleanup_(cipher_ctx_freep) EVP_CIPHER_CTX *ctx = EVP_CIPHER_CTX_new();
	unsigned char tag[TAG_SIZE];
	int len = 0, more = 0;

	memcpy(tag, fields[ANSWER_TAG].data, TAG_SIZE); /* libcrypto takes it as not const */
	if (!ctx || EVP_DecryptInit_ex2(ctx, EVP_aes_256_gcm(), content_key, fields[ANSWER_IV].data,
					NULL) != 1)
		return internal(f, "no AES-GCM");
	if (EVP_DecryptUpdate(ctx, NULL, &len, text->data, (int)text->len) != 1)
		return internal(f, "AES-GCM takes no additional data");
	len = 0;
	if (ciphertext->len > 0 &&
	    EVP_DecryptUpdate(ctx, s->bytes, &len, ciphertext->data, (int)ciphertext->len) != 1)
		return internal(f, "AES-GCM does not decrypt");
	if (EVP_CIPHER_CTX_ctrl(ctx, EVP_CTRL_AEAD_SET_TAG, TAG_SIZE, tag) != 1)
		return internal(f, "AES-GCM takes no tag");
	if (EVP_DecryptFinal_ex(ctx, s->bytes + len, &more) != 1)
		return malformed(f, "its tag does not match: something has changed on the way");
	s->len = (size_t)(len + more);
	return 0;
}

/* The lengths, of which all but two are fixed. */
static int check_fields(const struct frame *answer, struct fault *f)
{
	static const size_t sizes[_ANSWER_MAX] = {
		[ANSWER_X] = EC_COORDINATE_SIZE,
		[ANSWER_Y] = EC_COORDINATE_SIZE,
		[ANSWER_WRAPPED_KEY] = WRAPPED_SIZE,
		[ANSWER_IV] = IV_SIZE,
		[ANSWER_TAG] = TAG_SIZE,
	};
	size_t i;

	if (answer->type != FRAME_ANSWER || answer->nr != _ANSWER_MAX)
		return malformed(f, "a field is missing");
	for (i = 0; i < _ANSWER_MAX; i++)
		if (sizes[i] != 0 && answer->fields[i].len != sizes[i])
			return malformed(f, "a coordinate, key, iv or tag has a wrong length");
	if (answer->fields[ANSWER_PROTECTED].len == 0 ||
	    answer->fields[ANSWER_PROTECTED].len > FRAME_SIZE_MAX)
		return malformed(f, "its protected header has a wrong length");
	if (answer->fields[ANSWER_CIPHERTEXT].len > SECRET_CAPACITY)
		return malformed(f, "a secret has at most 16384 bytes");
	return 0;
}

int jwe_open(const struct ec_key *key, const struct frame *answer, struct secret *ret_secret,
	     struct fault *f)
{
	_cleanup_secret_ struct secret keys = SECRET_NULL, s = SECRET_NULL;
	const struct frame_field *fields = answer->fields;
	int r = check_fields(answer, f);

	if (r < 0)
		return r;
	r = secret_init(&keys, f);
	if (r >= 0)
		r = secret_init(&s, f);
	if (r < 0)
		return r;
	keys.len = AT_END;
	r = derive_z(key, fields[ANSWER_X].data, fields[ANSWER_Y].data, keys.bytes + AT_Z, f);
	if (r >= 0)
		r = derive_wrapping_key(keys.bytes + AT_Z, keys.bytes + AT_WRAPPING_KEY, f);
	if (r >= 0)
		r = unwrap_key(keys.bytes + AT_WRAPPING_KEY, fields[ANSWER_WRAPPED_KEY].data,
			       keys.bytes + AT_CONTENT_KEY, f);
	if (r >= 0)
		r = decrypt(keys.bytes + AT_CONTENT_KEY, fields, &s, f);
	if (r < 0)
		return r;
	*ret_secret = s;
	s = SECRET_NULL;
	return 0;
}
