/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * jwe.c - the guest's key: vectors of what a report binds and of what is opened, with leading zeros;
 * points that are none, wrong lengths and every bit that the host can flip; and no key is left.
 */
#include "source/kbs/jwe.h"

#include <openssl/core_names.h>
#include <openssl/ec.h>
#include <openssl/evp.h>
#include <openssl/kdf.h>

#include "base/base64.h"
#include "base/digest.h"
#include "fixture.h"
#include "inject.h"
#include "residue.h"

/* The key of the vectors, and a JWE for it. */
#define VECTOR_D "UeWWP0VOmsgosPr6YJ5cFAXiDUt0OUMBFnjLJOAXsxQ"
#define VECTOR_X "uocsOPKuugQX5ZRnkTmuJYgf-1tB4YKBh21WC_fFpy0"
#define VECTOR_Y "_i90xczR75VwQiNXeyb4JEfGj4ntSH_zNU7WFlW6nwk"
#define VECTOR_PROTECTED                                                                   \
	"eyJhbGciOiJFQ0RILUVTK0EyNTZLVyIsImVuYyI6IkEyNTZHQ00iLCJlcGsiOnsieCI6Im8wSU1weVhj" \
	"dGN3OVJNVkpINGI0RGhlcW4zQ0tFWGZqcHVCUVQ4c25KYjAiLCJjcnYiOiJQLTI1NiIsImt0eSI6IkVD" \
	"IiwieSI6Ik1KTF8xaVZNa1lvY1dQbVhCWUpQY0M5Y0tZS3ZhOTBLN2FaaWtxWVVNcncifX0"
#define VECTOR_EPK_X "o0IMpyXctcw9RMVJH4b4Dheqn3CKEXfjpuBQT8snJb0"
#define VECTOR_EPK_Y "MJL_1iVMkYocWPmXBYJPcC9cKYKva90K7aZikqYUMrw"
#define VECTOR_WRAPPED "OrJLm5qgeBJuPAG28s6dLyObHlsSWBoKXGfteuVkY9KX7OcPZXab8A"
#define VECTOR_IV "EWOI7SEPCuOilSi3"
#define VECTOR_TAG "A9Osaty2UcXm9oRYLYK34Q"
#define VECTOR_CIPHERTEXT "M_yNsidJfl1EQYXnIgnme7mUvBd5whI"
#define VECTOR_PLAINTEXT "hunter2-luks-passphrase"

#define NONCE "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8"

static struct fault f;

static size_t from_base64url(const char *text, unsigned char *ret_bytes, size_t size)
{
	ssize_t len = base64_decode(BASE64_URL, text, strlen(text), ret_bytes, size);

	FIXTURE_MUST(len >= 0);
	return (size_t)len;
}

static const char *hex(const unsigned char *bytes, size_t len)
{
	static char text[256];
	size_t i;

	for (i = 0; i < len; i++)
		(void)snprintf(text + 2 * i, 3, "%02x", bytes[i]);
	return text;
}

/* The key with this scalar, big-endian, made by libcrypto in another way than jwe.c has. */
static struct ec_key key_of(const unsigned char scalar[static 32])
{
	struct ec_key key = EC_KEY_NULL;
	EC_GROUP *group = EC_GROUP_new_by_curve_name(NID_X9_62_prime256v1);
	EC_POINT *point = EC_POINT_new(group);
	BIGNUM *d = BN_bin2bn(scalar, 32, NULL);
	unsigned char octets[65];

	FIXTURE_MUST(secret_init(&key.scalar, &f) == 0);
	FIXTURE_MUST(BN_bn2nativepad(d, key.scalar.bytes, 32) == 32);
	key.scalar.len = 32;
	FIXTURE_MUST(EC_POINT_mul(group, point, d, NULL, NULL, NULL) == 1);
	FIXTURE_MUST(EC_POINT_point2oct(group, point, POINT_CONVERSION_UNCOMPRESSED, octets, 65,
					NULL) == 65);
	memcpy(key.x, octets + 1, 32);
	memcpy(key.y, octets + 33, 32);
	EC_POINT_free(point);
	EC_GROUP_free(group);
	BN_clear_free(d);
	return key;
}

static struct ec_key small_key(unsigned int scalar)
{
	unsigned char d[32] = { 0 };

	d[30] = (unsigned char)(scalar >> 8);
	d[31] = (unsigned char)scalar;
	return key_of(d);
}

static struct ec_key vector_key(void)
{
	unsigned char d[32];

	FIXTURE_MUST(from_base64url(VECTOR_D, d, sizeof(d)) == 32);
	return key_of(d);
}

static bool is_malformed(int r)
{
	return r < 0 && f.code == EXITCODE_MALFORMED_ANSWER;
}

/* What is told about the vectors, in base64url. */
static bool has_coordinates(const struct ec_key *key, const char *x, const char *y)
{
	char text[RUNTIME_DATA_SIZE], want[64];

	f = (struct fault){ 0 };
	if (ec_key_runtime_data(key, (const unsigned char *)"n", 1, text, &f) < 0)
		return false;
	(void)snprintf(want, sizeof(want), "\"x\":\"%s\"", x);
	if (x && !strstr(text, want))
		return false;
	(void)snprintf(want, sizeof(want), "\"y\":\"%s\"", y);
	return !y || strstr(text, want);
}

static void test_runtime_data(void)
{
	static const struct {
		const char *nonce;
		int len;
		const char *hash, *digest;
	} vectors[] = {
		{ NONCE "=", 244, "SHA384",
		  "2c02bdd56d2e1a30df7e69a60907cd8c30059748214e0da17e24e79faec256df4310d21c09e0ef72"
		  "c8348d0a795ebf9e" },
		{ NONCE "=", 244, "SHA256",
		  "aa31b4e6f0b70d74a941ab608a0a310216e12fc498547f6aa2045288115c410b" },
		{ NONCE, 243, "SHA512",
		  "8c226ef1ed2a5bf00260aae02129cc29fb407c29b95f10f72abd1504a1fc55f5ba3eeb9965783595"
		  "c3a1029407fcd38f6e350e84eca0e4702a45e290e91b7d10" },
		{ "+/+/+/+/+/+/+/+/+/+/+/+/+/+/+/+/+/+/+/+/+/8=", 244, "SHA384",
		  "33b8de9da15003387cdb960725aa527233427906dd43e96d9132fd94bb91d75858863407f76110b1"
		  "bbe411bd56b85718" },
		{ "{\"request_blob\":\"a/b\\\"c\"}", 231, "SHA512",
		  "58fe8bed4784493339b5abb98d9a9897835a9b62a1d15b599be1a3241d0e47af9e21114674168e83"
		  "dbca23acf4715ac271db90fe772c4ee50f05f832528c522c" },
	};
	static const unsigned char zero[16];
	struct ec_key key = vector_key(), first = small_key(379), second = small_key(43);
	unsigned char digest[64], data[REPORT_DATA_SIZE];
	char text[RUNTIME_DATA_SIZE];
	size_t i, len = 0;

	for (i = 0; i < ARRAY_SIZE(vectors); i++) {
		const unsigned char *nonce = (const unsigned char *)vectors[i].nonce;
		size_t nonce_len = strlen(vectors[i].nonce);

		is_int(ec_key_runtime_data(&key, nonce, nonce_len, text, &f), vectors[i].len,
		       "text %zu is as long as it has to be", i);
		FIXTURE_MUST(EVP_Q_digest(NULL, vectors[i].hash, NULL, text, strlen(text), digest,
					  &len) == 1);
		is_str(hex(digest, len), vectors[i].digest, "its %s is right", vectors[i].hash);
		if (strcmp(vectors[i].hash, "SHA384") != 0)
			continue;
		is_int(ec_key_report_data(&key, nonce, nonce_len, data, &f), 0, "it is digested");
		is_str(hex(data, 48), vectors[i].digest, "and so is what the report carries");
		ok(memcmp(data + 48, zero, 16) == 0, "with 16 zero bytes behind it");
	}
	ok(has_coordinates(&key, VECTOR_X, VECTOR_Y), "the public key is text");
	ok(has_coordinates(&first, "AFVDiUrz0A7X10Cr29dclrBod7eH219w7qeLkKjXwAo", NULL),
	   "x keeps a leading zero");
	ok(has_coordinates(&second, NULL, "ADzMwKZGDgrjKKTZfTx7YdhvxiicGJ8lJREMRBuwfpc"),
	   "y keeps a leading zero");
	ec_key_done(&key);
	ec_key_done(&first);
	ec_key_done(&second);
}

static void test_nonces(void)
{
	static unsigned char nonce[NONCE_SIZE_MAX + 1];
	struct ec_key key = vector_key();
	unsigned char data[REPORT_DATA_SIZE], bad = 0;
	char text[RUNTIME_DATA_SIZE];
	unsigned int c;

	memset(nonce, '"', sizeof(nonce));
	f = (struct fault){ 0 };
	is_int(ec_key_runtime_data(&key, nonce, NONCE_SIZE_MAX, text, &f), 200 + 2 * NONCE_SIZE_MAX,
	       "the longest nonce has room, though each byte is escaped");
	is_int(strlen(text), 200 + 2 * NONCE_SIZE_MAX, "and is not cut");
	ok(is_malformed(ec_key_report_data(&key, nonce, NONCE_SIZE_MAX + 1, data, &f)),
	   "a longer one is refused");
	f = (struct fault){ 0 };
	ok(is_malformed(ec_key_report_data(&key, nonce, 0, data, &f)), "and so is an empty one");
	for (c = 0; c < 256; c++) {
		nonce[1] = (unsigned char)c;
		f = (struct fault){ 0 };
		bad += is_malformed(ec_key_report_data(&key, nonce, 3, data, &f)) !=
		       (c < ' ' || c > '~');
	}
	is_int(bad, 0, "no byte but those of printable ASCII is taken");
	ec_key_done(&key);
}

/* The fields of an answer, to be changed. */
struct answer {
	struct frame frame;
	unsigned char bytes[_ANSWER_MAX][512];
};

static void set_field(struct answer *a, enum answer_field i, const void *bytes, size_t len)
{
	FIXTURE_MUST(len <= sizeof(a->bytes[i]));
	memcpy(a->bytes[i], bytes, len);
	a->frame.fields[i] = (struct frame_field){ a->bytes[i], len };
}

static struct answer *vector_answer(void)
{
	static const char *const texts[_ANSWER_MAX] = {
		[ANSWER_X] = VECTOR_EPK_X,
		[ANSWER_Y] = VECTOR_EPK_Y,
		[ANSWER_WRAPPED_KEY] = VECTOR_WRAPPED,
		[ANSWER_IV] = VECTOR_IV,
		[ANSWER_CIPHERTEXT] = VECTOR_CIPHERTEXT,
		[ANSWER_TAG] = VECTOR_TAG,
	};
	static struct answer a;
	unsigned char bytes[64];
	size_t i;

	memset(&a, 0, sizeof(a));
	a.frame.type = FRAME_ANSWER;
	a.frame.nr = _ANSWER_MAX;
	set_field(&a, ANSWER_PROTECTED, VECTOR_PROTECTED, strlen(VECTOR_PROTECTED));
	for (i = ANSWER_X; i < _ANSWER_MAX; i++)
		set_field(&a, i, bytes, from_base64url(texts[i], bytes, sizeof(bytes)));
	return &a;
}

static struct secret opened;

/* 1 if it was opened, and is what it has to be; 0 if it was refused as malformed, and nothing of it
 * is there; else -1. */
static int opens(const struct ec_key *key, const struct answer *a, const char *plaintext,
		 size_t len)
{
	unsigned int live = inject_secrets.nr_live;
	int r;

	f = (struct fault){ 0 };
	r = jwe_open(key, &a->frame, &opened, &f);
	if (r < 0)
		return is_malformed(r) && inject_secrets.nr_live == live && !opened.bytes &&
				       inject_secrets.dirty == 0 ?
			       0 :
			       -1;
	r = opened.len == len && (len == 0 || memcmp(opened.bytes, plaintext, len) == 0);
	secret_done(&opened);
	return r && inject_secrets.nr_live == live && inject_secrets.dirty == 0 ? 1 : -1;
}

static int opens_vector(const struct ec_key *key, const struct answer *a)
{
	return opens(key, a, VECTOR_PLAINTEXT, strlen(VECTOR_PLAINTEXT));
}

/* Encrypts as a broker does, by other calls than jwe.c has. ephemeral: its private half, too. */
static void encrypt(struct answer *a, const struct ec_key *to, const struct ec_key *ephemeral,
		    const void *plaintext, size_t len, unsigned char ret_z[static 32])
{
	static const char name[] = "\0\0\0\x0e"
				   "ECDH-ES+A256KW"
				   "\0\0\0\0\0\0\0\0\0\0\1";
	EC_GROUP *group = EC_GROUP_new_by_curve_name(NID_X9_62_prime256v1);
	EC_POINT *point = EC_POINT_new(group);
	BIGNUM *d = BN_native2bn(ephemeral->scalar.bytes, 32, NULL);
	EVP_CIPHER_CTX *ctx = EVP_CIPHER_CTX_new();
	unsigned char octets[65] = { 4 }, content_key[32], kek[32], wrapped[48], out[512];
	unsigned char input[4 + 32 + sizeof(name)] = { 0, 0, 0, 1 };
	int n = 0, more = 0;

	memcpy(octets + 1, to->x, 32);
	memcpy(octets + 33, to->y, 32);
	FIXTURE_MUST(EC_POINT_oct2point(group, point, octets, 65, NULL) == 1);
	FIXTURE_MUST(EC_POINT_mul(group, point, NULL, point, d, NULL) == 1);
	FIXTURE_MUST(EC_POINT_point2oct(group, point, POINT_CONVERSION_UNCOMPRESSED, octets, 65,
					NULL) == 65);
	memcpy(ret_z, octets + 1, 32);
	memcpy(input + 4, ret_z, 32);
	memcpy(input + 36, name, sizeof(name));
	FIXTURE_MUST(EVP_Digest(input, sizeof(input), kek, NULL, EVP_sha256(), NULL) == 1);
	memset(content_key, 0x5a, sizeof(content_key));
	EVP_CIPHER_CTX_set_flags(ctx, EVP_CIPHER_CTX_FLAG_WRAP_ALLOW);
	FIXTURE_MUST(EVP_EncryptInit_ex(ctx, EVP_aes_256_wrap(), NULL, kek, NULL) == 1);
	FIXTURE_MUST(EVP_EncryptUpdate(ctx, wrapped, &n, content_key, 32) == 1 && n == 40);
	EVP_CIPHER_CTX_free(ctx);
	a->frame.type = FRAME_ANSWER;
	a->frame.nr = _ANSWER_MAX;
	set_field(a, ANSWER_PROTECTED, "any header", 10);
	set_field(a, ANSWER_X, ephemeral->x, 32);
	set_field(a, ANSWER_Y, ephemeral->y, 32);
	set_field(a, ANSWER_WRAPPED_KEY, wrapped, 40);
	set_field(a, ANSWER_IV, "twelve bytes", 12);
	ctx = EVP_CIPHER_CTX_new();
	FIXTURE_MUST(EVP_EncryptInit_ex(ctx, EVP_aes_256_gcm(), NULL, content_key,
					a->bytes[ANSWER_IV]) == 1);
	FIXTURE_MUST(EVP_EncryptUpdate(ctx, NULL, &n, a->bytes[ANSWER_PROTECTED], 10) == 1);
	n = 0;
	FIXTURE_MUST(EVP_EncryptUpdate(ctx, out, &n, plaintext, (int)len) == 1);
	FIXTURE_MUST(EVP_EncryptFinal_ex(ctx, out + n, &more) == 1);
	set_field(a, ANSWER_CIPHERTEXT, out, len);
	FIXTURE_MUST(EVP_CIPHER_CTX_ctrl(ctx, EVP_CTRL_AEAD_GET_TAG, 16, out) == 1);
	set_field(a, ANSWER_TAG, out, 16);
	EVP_CIPHER_CTX_free(ctx);
	EC_POINT_free(point);
	EC_GROUP_free(group);
	BN_clear_free(d);
}

static void test_opens(void)
{
	struct ec_key key = vector_key(), three = small_key(3), other, first = small_key(379);
	static struct answer a;
	unsigned char z[32];
	int i, good = 0;

	is_int(opens_vector(&key, vector_answer()), 1, "the vector is opened: %s", f.why);
	encrypt(&a, &key, &three, "a\0b\n", 4, z);
	is_str(hex(z, 32), "005653a9d255c98e3808baa2992e1d11c060e59323e1c47e281328224c84cb36",
	       "a Z with a leading zero");
	is_int(opens(&key, &a, "a\0b\n", 4), 1, "keeps it, and the plaintext its NUL: %s", f.why);
	encrypt(&a, &three, &first, "key", 3, z);
	is_int(opens(&three, &a, "key", 3), 1, "an x with a leading zero: %s", f.why);
	encrypt(&a, &first, &three, "", 0, z);
	is_int(opens(&first, &a, "", 0), 1, "a plaintext of no bytes is one: %s", f.why);
	for (i = 0; i < 20; i++) {
		FIXTURE_MUST(ec_key_new(&other, &f) == 0);
		encrypt(&a, &other, &three, "key", 3, z);
		good += opens(&other, &a, "key", 3);
		is_int(opens_vector(&other, vector_answer()), 0,
		       "a fresh key does not open what is for another");
		ec_key_done(&other);
	}
	is_int(good, 20, "fresh keys open what is for them");
	ec_key_done(&key);
	ec_key_done(&three);
	ec_key_done(&first);
}

/* Every bit of every field. */
static void test_bits(void)
{
	struct ec_key key = vector_key();
	struct answer *a;
	unsigned int bit;
	int field, refused, bits;

	for (field = 0; field < _ANSWER_MAX; field++) {
		a = vector_answer();
		bits = 8 * (int)a->frame.fields[field].len;
		refused = 0;
		for (bit = 0; bit < (unsigned int)bits; bit++) {
			a->bytes[field][bit / 8] ^= (unsigned char)(1 << bit % 8);
			refused += opens_vector(&key, a) == 0;
			a->bytes[field][bit / 8] ^= (unsigned char)(1 << bit % 8);
		}
		is_int(refused, bits, "each of the %d bits of field %d counts", bits, field);
	}
	ec_key_done(&key);
}

static void test_lengths(void)
{
	static const size_t lengths[] = { 0,  1,  11, 12, 13, 15, 16, 17, 24,
					  31, 32, 33, 39, 40, 41, 48, 64, 512 };
	static unsigned char large[SECRET_CAPACITY + 1];
	struct ec_key key = vector_key();
	struct answer *a;
	size_t i, right;
	int field, r;

	for (field = 0; field < _ANSWER_MAX; field++) {
		unsigned int bad = 0;

		for (i = 0; i < ARRAY_SIZE(lengths); i++) {
			a = vector_answer();
			right = a->frame.fields[field].len;
			a->frame.fields[field].len = lengths[i];
			r = opens_vector(&key, a);
			bad += r != (lengths[i] == right);
		}
		is_int(bad, 0, "no other length of field %d is taken", field);
	}
	a = vector_answer();
	a->frame.fields[ANSWER_CIPHERTEXT] = (struct frame_field){ large, SECRET_CAPACITY + 1 };
	is_int(opens_vector(&key, a), 0, "a ciphertext that has no room");
	ok(strstr(f.why, "16384"), "is said to be too large");
	a->frame.fields[ANSWER_CIPHERTEXT].len = SIZE_MAX;
	is_int(opens_vector(&key, a), 0, "as is one without end");
	a = vector_answer();
	a->frame.fields[ANSWER_PROTECTED].len = SIZE_MAX;
	is_int(opens_vector(&key, a), 0, "and a header without end");
	for (i = 0; i < _ANSWER_MAX; i++) {
		a = vector_answer();
		a->frame.nr = i;
		is_int(opens_vector(&key, a), 0, "%zu fields are no answer", i);
	}
	a = vector_answer();
	a->frame.nr = FRAME_FIELDS_MAX;
	is_int(opens_vector(&key, a), 0, "nor are eight");
	a = vector_answer();
	a->frame.type = FRAME_ATTESTED;
	is_int(opens_vector(&key, a), 0, "nor is another frame");
	ec_key_done(&key);
}

static void test_points(void)
{
	/* The field's prime, and a point of P-256 with x below 2^256 - p, whose x + p has room. */
	static const unsigned char prime[32] = { 0xff, 0xff, 0xff, 0xff, 0,    0,    0,	   1,
						 0,    0,    0,	   0,	 0,    0,    0,	   0,
						 0,    0,    0,	   0xff, 0xff, 0xff, 0xff, 0xff,
						 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff };
	struct ec_key key = vector_key(), three = small_key(3);
	struct answer *a = vector_answer();
	unsigned char zero[32] = { 0 }, beyond[32], z[32];
	unsigned int carry = 0;
	EC_GROUP *group = EC_GROUP_new_by_curve_name(NID_X9_62_prime256v1);
	EC_POINT *point = EC_POINT_new(group);
	BIGNUM *x = BN_new();
	unsigned char octets[65];
	int i;

	set_field(a, ANSWER_X, zero, 32);
	set_field(a, ANSWER_Y, zero, 32);
	is_int(opens_vector(&key, a), 0, "the point of two zeros is refused");
	ok(strstr(f.why, "not a point of P-256"), "and it is said why: %s", f.why);
	set_field(a, ANSWER_X, key.x, 32);
	set_field(a, ANSWER_Y, three.y, 32);
	is_int(opens_vector(&key, a), 0, "x of one point and y of another are refused");
	ok(strstr(f.why, "not a point of P-256"), "with the same words");
	set_field(a, ANSWER_X, prime, 32);
	is_int(opens_vector(&key, a), 0, "a coordinate of the prime is refused");
	memset(beyond, 0xff, sizeof(beyond));
	set_field(a, ANSWER_X, beyond, 32);
	set_field(a, ANSWER_Y, beyond, 32);
	is_int(opens_vector(&key, a), 0, "as are coordinates of ones");
	/* A small x that is on the curve: the same point with x + p must not be taken. */
	for (i = 1; i < 100; i++) {
		FIXTURE_MUST(BN_set_word(x, (BN_ULONG)i) == 1);
		if (EC_POINT_set_compressed_coordinates(group, point, x, 0, NULL) == 1)
			break;
	}
	FIXTURE_MUST(EC_POINT_point2oct(group, point, POINT_CONVERSION_UNCOMPRESSED, octets, 65,
					NULL) == 65);
	encrypt(a, &key, &three, "key", 3, z);
	for (i = 31; i >= 0; i--) {
		carry += prime[i] + (unsigned int)octets[1 + i];
		octets[1 + i] = (unsigned char)carry;
		carry >>= 8;
	}
	set_field(a, ANSWER_X, octets + 1, 32);
	set_field(a, ANSWER_Y, octets + 33, 32);
	is_int(opens(&key, a, "key", 3), 0, "a coordinate is not reduced");
	ok(strstr(f.why, "not a point of P-256"), "with the same words");
	EC_POINT_free(point);
	EC_GROUP_free(group);
	BN_free(x);
	ec_key_done(&key);
	ec_key_done(&three);
}

/* Without locked memory there is neither key nor plaintext. */
static void test_no_memory(void)
{
	struct ec_key key = vector_key(), none = EC_KEY_NULL;
	unsigned int live = inject_secrets.nr_live, nth;

	f = (struct fault){ 0 };
	inject_failure(INJECT_MLOCK, 1, ENOMEM);
	ok(ec_key_new(&none, &f) < 0 && f.code == EXITCODE_NO_MEMORY, "no key: %s", f.why);
	ok(!none.scalar.bytes, "is none");
	for (nth = 1; nth <= 2; nth++) {
		f = (struct fault){ 0 };
		inject_failure(INJECT_MLOCK, nth, ENOMEM);
		ok(jwe_open(&key, &vector_answer()->frame, &opened, &f) < 0 &&
			   f.code == EXITCODE_NO_MEMORY,
		   "no memory %u: %s", nth, f.why);
		is_int(inject_secrets.nr_live, live, "all of it is given back");
	}
	inject_failure(INJECT_NONE, 0, 0);
	ec_key_done(&key);
	ec_key_done(&key);
	is_int(inject_secrets.nr_live, 0, "and the key twice");
}

/* Each byte is flipped at once, so that the key is nowhere as it is. */
static struct residue residue_of_hex(const char *text)
{
	struct residue r;
	unsigned int octet;
	size_t i;

	for (i = 0; i < sizeof(r.flipped); i++) {
		FIXTURE_MUST(sscanf(text + 2 * i, "%2x", &octet) == 1);
		r.flipped[i] = (unsigned char)~octet;
	}
	return r;
}

/* In the order of the scalar, and in the other one. */
static void scalar_residue(const struct ec_key *key, struct residue ret_orders[2])
{
	size_t i;

	ret_orders[0] = residue_of(key->scalar.bytes);
	for (i = 0; i < 32; i++)
		ret_orders[1].flipped[31 - i] = ret_orders[0].flipped[i];
}

/* What libcrypto has had to know is not in its memory afterwards, nor on the stack. */
static void test_residue(void)
{
	static const char *const keys[] = {
		"b5db799ad5d70ff57c81dcbe8b6bbe9f4f86af65dd08402b4cdd5114ce8e6c93", /* Z */
		"d147956a8bf6b56af064352fcb44c0ad68d841a3c23197b9a265a50c92182c3c",
		"8d57f7c1de58b609b1a643461f3dac18d1c02e6d59e2ca77ba2e97ba6351804d",
	};
	static struct residue scalar[2], of_vector;
	struct ec_key key = EC_KEY_NULL;
	size_t i;

	FIXTURE_MUST(ec_key_new(&key, &f) == 0);
	scalar_residue(&key, scalar);
	is_int(residue_count(&scalar[0]), 2, "a fresh key is in locked memory, and nowhere else");
	is_int(residue_count(&scalar[1]), 0, "nor is it in the other order");
	is_int(opens_vector(&key, vector_answer()), 0, "it is used");
	is_int(residue_count(&scalar[0]), 2, "and is still in locked memory alone");
	is_int(residue_count(&scalar[1]), 0, "in one order");
	ec_key_done(&key);
	is_int(residue_count(&scalar[0]), 0, "then it is nowhere");
	key = vector_key();
	is_int(opens_vector(&key, vector_answer()), 1, "the vector is opened");
	for (i = 0; i < ARRAY_SIZE(keys); i++) {
		of_vector = residue_of_hex(keys[i]);
		is_int(residue_count(&of_vector), 0, "key %zu of it is nowhere", i);
	}
	ec_key_done(&key);
}

int main(void)
{
	FIXTURE_MUST(digest_init_library() == 0);
	test_runtime_data();
	test_nonces();
	test_opens();
	test_bits();
	test_lengths();
	test_points();
	test_no_memory();
	if (!SANITIZED)
		test_residue();
	return tap_done();
}
