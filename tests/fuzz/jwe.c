/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * jwe.c - fuzz target: the fields of a JWE. The first byte chooses: a whole JWE, or a protected
 * header without base64url round it. What is accepted is, member for member, what another encoder
 * makes of the bytes that came out.
 */
#include "broker/answer.h"

#include "fuzz.h"

static void encode(const unsigned char *bytes, size_t len, char *ret_text)
{
	static const char digits[] =
		"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
	unsigned int value = 0, bits = 0;

	for (; len > 0; len--) {
		value = value << 8 | *bytes++;
		for (bits += 8; bits >= 6; bits -= 6)
			*ret_text++ = digits[value >> (bits - 6) & 63];
		value &= 63;
	}
	if (bits > 0)
		*ret_text++ = digits[value << (6 - bits) & 63];
	*ret_text = '\0';
}

/* The text that an encoder makes of the bytes stands in the JWE. A JSON escape may hide it. */
static bool has(const char *json, const unsigned char *bytes, size_t len)
{
	char *text = malloc(len * 2 + 3);
	bool found;

	FUZZ_MUST(text);
	encode(bytes, len, text);
	found = strchr(json, '\\') || strstr(json, text);
	free(text);
	return found;
}

static void look_at(const char *json, size_t size)
{
	struct answer_jwe *jwe = calloc(1, sizeof(*jwe));
	struct fault f = { 0 };
	int r;

	FUZZ_MUST(jwe);
	r = answer_jwe(json, size, jwe, &f);
	FUZZ_MUST(r == 0 || f.code == EXITCODE_MALFORMED_ANSWER);
	if (r == 0) {
		fuzz_accepted++;
		FUZZ_MUST(jwe->len <= sizeof(jwe->ciphertext));
		FUZZ_MUST(has(json, jwe->wrapped_key, sizeof(jwe->wrapped_key)));
		FUZZ_MUST(has(json, jwe->iv, sizeof(jwe->iv)) &&
			  has(json, jwe->tag, sizeof(jwe->tag)));
		FUZZ_MUST(has(json, jwe->ciphertext, jwe->len));
		FUZZ_MUST(strchr(json, '\\') || strstr(json, jwe->protected_text));
	}
	free(jwe);
}

/* The rest of the JWE is good. */
static void look_at_header(const uint8_t *data, size_t size)
{
	char *text = malloc(size * 2 + 3), *json;

	FUZZ_MUST(text);
	encode(data, size, text);
	FUZZ_MUST(
		asprintf(&json,
			 "{\"protected\":\"%s\",\"encrypted_key\":\"%054d\",\"iv\":\"AAAAAAAAAAAAAAAA\","
			 "\"ciphertext\":\"\","
			 "\"tag\":\"AAAAAAAAAAAAAAAAAAAAAA\"}",
			 text, 0) > 0);
	/* Its last digit is that of two bits which have to be zero. */
	memset(strstr(json, "_key\":\"") + 7, 'A', 54);
	look_at(json, strlen(json));
	free(json);
	free(text);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	unsigned int choice = fuzz_choice(&data, &size);
	char *text;

	if (choice % 2) {
		look_at_header(data, size);
		return 0;
	}
	text = fuzz_text(data, size);
	if (text)
		look_at(text, size);
	free(text);
	return 0;
}
