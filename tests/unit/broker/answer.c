/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * answer.c - the JSON of a broker: what RCAR has passes, what could mean something else does not.
 */
#include "broker/answer.h"

#include "tap.h"

static const struct {
	const char *json;
	const char *result; /* the nonce; NULL: refused */
	const char *why;
} challenges[] = {
	{ "{\"nonce\":\"abc\",\"extra-params\":\"\"}", "abc", NULL },
	{ "{\"nonce\":\"abc\"}", "abc", NULL },
	{ "{\"nonce\":\"abc\",\"extra-params\":{}}", "abc", NULL },
	{ "{\"nonce\":\"abc\",\"extra-params\":null}", "abc", NULL },
	{ "{\"nonce\":\"abc\",\"extra-params\":{\"selected-hash-algorithm\":\"SHA384\"}}", "abc",
	  NULL },
	{ "{\"nonce\":\"a/b+c=\",\"later\":[1]}", "a/b+c=", NULL },
	{ "{\"nonce\":\"a\\/b\"}", "a/b", NULL },
	{ "{\"nonce\":\"a\\\"b\\\\\"}", "a\"b\\", NULL },
	{ "{\"nonce\":\"abc\",\"extra-params\":{\"selected-hash-algorithm\":\"sha512\"}}", NULL,
	  "SHA-384" },
	{ "{\"nonce\":\"abc\",\"extra-params\":{\"selected-hash-algorithm\":1}}", NULL, "SHA-384" },
	{ "{\"nonce\":\"abc\",\"extra-params\":\"x\"}", NULL, "SHA-384" },
	{ "{\"nonce\":\"abc\",\"extra-params\":[]}", NULL, "SHA-384" },
	{ "{\"nonce\":\"\"}", NULL, "no nonce" },
	{ "{\"nonce\":12}", NULL, "no nonce" },
	{ "{\"nonce\":null}", NULL, "no nonce" },
	{ "{\"nonce\":\"a\\u0000b\"}", NULL, "no nonce" },
	{ "{\"nonce\":\"a\\nb\"}", NULL, "no nonce" },
	{ "{\"nonce\":\"a\\u00e4b\"}", NULL, "no nonce" },
	{ "{\"token\":\"abc\"}", NULL, "no nonce" },
	{ "{\"nonce\":\"abc\",\"nonce\":\"abd\"}", NULL, "no JSON" },
	{ "[\"nonce\"]", NULL, "no JSON" },
	{ "", NULL, "no JSON" },
	{ "{\"nonce\":\"abc\"", NULL, "no JSON" },
	{ "{\"nonce\":\"abc\"}x", NULL, "no JSON" },
};

static void check_challenges(void)
{
	char large[ANSWER_NONCE_MAX + 64], *nonce;
	struct fault f;
	size_t i;
	int r;

	for (i = 0; i < ARRAY_SIZE(challenges); i++) {
		nonce = NULL;
		f = (struct fault){ 0 };
		r = answer_nonce(challenges[i].json, strlen(challenges[i].json), &nonce, &f);
		if (challenges[i].result)
			is_str(r == 0 ? nonce : f.why, challenges[i].result, "challenge %s",
			       challenges[i].json);
		else
			ok(r < 0 && !nonce && f.code == EXITCODE_MALFORMED_ANSWER &&
				   strstr(f.why, challenges[i].why),
			   "no challenge: %s", challenges[i].json);
		free(nonce);
	}
	for (i = ANSWER_NONCE_MAX; i <= ANSWER_NONCE_MAX + 1; i++) {
		f = (struct fault){ 0 };
		nonce = NULL;
		(void)snprintf(large, sizeof(large), "{\"nonce\":\"%0*d\"}", (int)i, 0);
		r = answer_nonce(large, strlen(large), &nonce, &f);
		is_int(r<0, i> ANSWER_NONCE_MAX, "a nonce of %zu bytes", i);
		free(nonce);
	}
}

static int token(const char *json)
{
	struct fault f = { 0 };

	return answer_token(json, strlen(json), &f) < 0 ? -(int)f.code : 0;
}

static void check_tokens(void)
{
	is_int(token("{\"token\":\"a.b.c\"}"), 0, "a token");
	is_int(token("{\"token\":\"\"}"), -EXITCODE_MALFORMED_ANSWER, "an empty one");
	is_int(token("{\"token\":7}"), -EXITCODE_MALFORMED_ANSWER, "a number");
	is_int(token("{}"), -EXITCODE_MALFORMED_ANSWER, "none");
	is_int(token("a.b.c"), -EXITCODE_MALFORMED_ANSWER, "no JSON");
}

static const struct {
	const char *body;
	const char *type, *detail;
} errors[] = {
	{ "{\"type\":\"https://github.com/confidential-containers/kbs/errors/PolicyDeny\",\"detail\":\"no\"}",
	  "PolicyDeny", "no" },
	{ "{\"type\":\"about:blank\",\"title\":\"t\",\"status\":404,\"detail\":\"gone\"}",
	  "about:blank", "gone" },
	{ "{\"type\":\"PolicyDeny\"}", "PolicyDeny", "" },
	{ "{\"type\":\"x/\",\"detail\":\"a\\nb\"}", "", "a b" },
	{ "{\"type\":\"/PolicyDeny\",\"detail\":\"verst\303\266\303\237t \\u00e4\"}", "PolicyDeny",
	  "verst????t ??" },
	{ "{\"detail\":[]}", "", "" },
	{ "payload reached size limit", "", "payload reached size limit" },
	{ "<html>\r\n<body>", "", "<html>  <body>" },
	{ "\x1b[2Jx\"y\"", "", "?[2Jx'y'" },
	{ "", "", "" },
};

static void check_errors(void)
{
	struct answer_error error;
	char large[2000];
	size_t i;

	for (i = 0; i < ARRAY_SIZE(errors); i++) {
		answer_error(errors[i].body, strlen(errors[i].body), &error);
		is_str(error.type, errors[i].type, "type of error %zu", i);
		is_str(error.detail, errors[i].detail, "... and detail");
	}
	(void)snprintf(large, sizeof(large), "{\"type\":\"/%01000d\",\"detail\":\"%0900d\"}", 1, 2);
	answer_error(large, strlen(large), &error);
	ok(strlen(error.type) < sizeof(error.type) && strlen(error.detail) < sizeof(error.detail),
	   "a long one is cut");
}

/* Of key-release: made by another program. */
#define PROTECTED                                                                                  \
	"eyJhbGciOiJFQ0RILUVTK0EyNTZLVyIsImVuYyI6IkEyNTZHQ00iLCJlcGsiOnsieCI6Im8wSU1weVhjdGN3"     \
	"OVJNVkpINGI0RGhlcW4zQ0tFWGZqcHVCUVQ4c25KYjAiLCJjcnYiOiJQLTI1NiIsImt0eSI6IkVDIiwieSI6Ik1K" \
	"TF8xaVZNa1lvY1dQbVhCWUpQY0M5Y0tZS3ZhOTBLN2FaaWtxWVVNcncifX0"
#define KEY "OrJLm5qgeBJuPAG28s6dLyObHlsSWBoKXGfteuVkY9KX7OcPZXab8A"
#define IV "EWOI7SEPCuOilSi3"
#define TAG "A9Osaty2UcXm9oRYLYK34Q"
#define CIPHERTEXT "M_yNsidJfl1EQYXnIgnme7mUvBd5whI"
#define JWE(protected, key, iv, ciphertext, tag, more)                                \
	"{\"protected\":\"" protected "\",\"encrypted_key\":\"" key "\",\"iv\":\"" iv \
	"\",\"ciphertext\":\"" ciphertext "\",\"tag\":\"" tag "\"" more "}"

static struct answer_jwe jwe;

static const char *open_jwe(const char *json)
{
	static struct fault f;

	f = (struct fault){ 0 };
	jwe = (struct answer_jwe){ 0 };
	if (answer_jwe(json, strlen(json), &jwe, &f) == 0)
		return "good";
	return f.code == EXITCODE_MALFORMED_ANSWER ? f.why : "another code";
}

static const struct {
	const char *name, *json, *why;
} jwes[] = {
	{ "the vector", JWE(PROTECTED, KEY, IV, CIPHERTEXT, TAG, ""), "good" },
	{ "without content", JWE(PROTECTED, KEY, IV, "", TAG, ""), "good" },
	{ "a header besides", JWE(PROTECTED, KEY, IV, CIPHERTEXT, TAG, ",\"header\":{}"),
	  "other members" },
	{ "an aad", JWE(PROTECTED, KEY, IV, CIPHERTEXT, TAG, ",\"aad\":\"\""), "other members" },
	{ "recipients", JWE(PROTECTED, KEY, IV, CIPHERTEXT, TAG, ",\"recipients\":[]"),
	  "other members" },
	{ "an unprotected header", JWE(PROTECTED, KEY, IV, CIPHERTEXT, TAG, ",\"unprotected\":{}"),
	  "other members" },
	{ "anything else", JWE(PROTECTED, KEY, IV, CIPHERTEXT, TAG, ",\"x\":1"), "other members" },
	{ "a member twice", JWE(PROTECTED, KEY, IV, CIPHERTEXT, TAG, ",\"tag\":\"" TAG "\""),
	  "no flattened JWE" },
	{ "no member but others",
	  "{\"protected\":\"" PROTECTED "\",\"ciphertext\":\"\",\"a\":1,\"b\":2,\"c\":3}",
	  "40, 12" },
	{ "a bare secret", "hunter2", "no flattened JWE" },
	{ "another object", "{\"secret\":\"hunter2\"}", "no flattened JWE" },
	{ "a compact JWE", "\"a.b.c.d.e\"", "no flattened JWE" },
	{ "a protected header that is an object", "{\"protected\":{},\"ciphertext\":\"\"}",
	  "no flattened JWE" },
	{ "a short key", JWE(PROTECTED, "OrJL", IV, CIPHERTEXT, TAG, ""), "40, 12" },
	{ "a long key", JWE(PROTECTED, KEY "AA", IV, CIPHERTEXT, TAG, ""), "40, 12" },
	{ "an iv of 16 bytes", JWE(PROTECTED, KEY, TAG, CIPHERTEXT, TAG, ""), "40, 12" },
	{ "a tag of 12 bytes", JWE(PROTECTED, KEY, IV, CIPHERTEXT, IV, ""), "40, 12" },
	{ "padding", JWE(PROTECTED, KEY, IV, CIPHERTEXT, "A9Osaty2UcXm9oRYLYK34Q==", ""),
	  "40, 12" },
	{ "the other alphabet", JWE(PROTECTED, KEY, IV, "M/yNsidJfl1EQYXnIgnme7mUvBd5whI", TAG, ""),
	  "ciphertext" },
	{ "bits behind the last byte",
	  JWE(PROTECTED, KEY, IV, CIPHERTEXT, "A9Osaty2UcXm9oRYLYK34R", ""), "40, 12" },
	{ "a digit too many", JWE(PROTECTED, KEY, IV, "M_yNA", TAG, ""), "ciphertext" },
	{ "a blank in it", JWE(PROTECTED, KEY, IV, "M_yN sid", TAG, ""), "ciphertext" },
};

/* Protected headers as they are, before base64url. */
#define X "o0IMpyXctcw9RMVJH4b4Dheqn3CKEXfjpuBQT8snJb0"
#define EPK(more) \
	"\"epk\":{\"kty\":\"EC\",\"crv\":\"P-256\",\"x\":\"" X "\",\"y\":\"" X "\"" more "}"
#define ALG "\"alg\":\"ECDH-ES+A256KW\","
#define ENC "\"enc\":\"A256GCM\","
static const struct {
	const char *name, *json, *why;
} headers[] = {
	{ "as it should be", "{" ALG ENC EPK("") "}", "good" },
	{ "no epk", "{\"alg\":\"ECDH-ES+A256KW\",\"enc\":\"A256GCM\"}", "no epk" },
	{ "an epk of null", "{" ALG ENC "\"epk\":null}", "no epk" },
	{ "another alg", "{\"alg\":\"ECDH-ES\"," ENC EPK("") "}", "ECDH-ES+A256KW" },
	{ "a direct key", "{\"alg\":\"dir\"," ENC EPK("") "}", "ECDH-ES+A256KW" },
	{ "no alg", "{" ENC EPK("") "}", "ECDH-ES+A256KW" },
	{ "another enc", "{" ALG "\"enc\":\"A128GCM\"," EPK("") "}", "A256GCM" },
	{ "apu", "{" ALG ENC EPK("") ",\"apu\":\"\"}", "more than" },
	{ "apv", "{" ALG ENC EPK("") ",\"apv\":\"QQ\"}", "more than" },
	{ "crit", "{" ALG ENC EPK("") ",\"crit\":[]}", "more than" },
	{ "zip", "{" ALG ENC EPK("") ",\"zip\":\"DEF\"}", "more than" },
	{ "kid", "{" ALG ENC EPK("") ",\"kid\":\"a\"}", "more than" },
	{ "a private key", "{" ALG ENC EPK(",\"d\":\"" X "\"") "}", "P-256" },
	{ "another curve",
	  "{" ALG ENC "\"epk\":{\"kty\":\"EC\",\"crv\":\"P-384\",\"x\":\"" X "\",\"y\":\"" X "\"}}",
	  "P-256" },
	{ "another kind of key",
	  "{" ALG ENC "\"epk\":{\"kty\":\"OKP\",\"crv\":\"P-256\",\"x\":\"" X "\",\"y\":\"" X
	  "\"}}",
	  "P-256" },
	{ "a short x",
	  "{" ALG ENC "\"epk\":{\"kty\":\"EC\",\"crv\":\"P-256\",\"x\":\"o0IM\",\"y\":\"" X "\"}}",
	  "P-256" },
	{ "no y",
	  "{" ALG ENC "\"epk\":{\"kty\":\"EC\",\"crv\":\"P-256\",\"x\":\"" X "\",\"z\":\"" X "\"}}",
	  "P-256" },
	{ "no JSON", "alg", "no JSON" },
	{ "an array", "[]", "no JSON" },
	{ "alg twice", "{" ALG ALG ENC EPK("") "}", "no JSON" },
};

static void encode(const char *text, char *ret_text)
{
	static const char digits[] =
		"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
	size_t len = strlen(text), bits;

	for (bits = 0; bits < 8 * len; bits += 6) {
		unsigned int pair = (unsigned int)(unsigned char)text[bits / 8] << 8 |
				    (unsigned char)text[bits / 8 + 1];

		*ret_text++ = digits[pair >> (10 - bits % 8) & 63];
	}
	*ret_text = '\0';
}

static void check_jwes(void)
{
	static const unsigned char x[] = { 0xa3, 0x42, 0x0c, 0xa7 },
				   iv[] = { 0x11, 0x63, 0x88, 0xed };
	char text[4096], protected[2048];
	char *large = malloc(40000);
	size_t i;

	for (i = 0; i < ARRAY_SIZE(jwes); i++)
		ok(strstr(open_jwe(jwes[i].json), jwes[i].why), "JWE: %s", jwes[i].name);
	for (i = 0; i < ARRAY_SIZE(headers); i++) {
		encode(headers[i].json, protected);
		(void)snprintf(text, sizeof(text), JWE("%s", KEY, IV, CIPHERTEXT, TAG, ""),
			       protected);
		ok(strstr(open_jwe(text), headers[i].why), "protected header: %s", headers[i].name);
	}
	ok(strcmp(open_jwe(jwes[0].json), "good") == 0 &&
		   strcmp(jwe.protected_text, PROTECTED) == 0 && jwe.len == 23 &&
		   memcmp(jwe.x, x, sizeof(x)) == 0 && memcmp(jwe.iv, iv, sizeof(iv)) == 0,
	   "the fields of the vector");
	if (!large)
		abort();
	for (i = 21845; i <= 21848; i += 3) { /* 16384 bytes have 21846 digits */
		memset(large, 0, 40000);
		(void)snprintf(large, 40000,
			       "{\"protected\":\"%s\",\"encrypted_key\":\"%s\",\"iv\":\"%s\",\"tag\":\"%s\","
			       "\"ciphertext\":\"",
			       PROTECTED, KEY, IV, TAG);
		memset(large + strlen(large), 'A', i + 1);
		memcpy(large + strlen(large), "\"}", 2);
		is_int(strcmp(open_jwe(large), "good") == 0, i < 21846,
		       "a ciphertext of %zu digits", i + 1);
	}
	free(large);
}

int main(void)
{
	check_challenges();
	check_tokens();
	check_errors();
	check_jwes();
	return tap_done();
}
