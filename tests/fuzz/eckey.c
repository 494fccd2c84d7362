/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * eckey.c - fuzz target: what the guest's key of a session is used for: a nonce (behind an `n`), or
 * the frame of an answer (behind another letter). The text for a nonce reads as JSON that has the
 * same nonce; what is opened is as long as it was encrypted, and what is not leaves nothing.
 */
#include "source/kbs/jwe.h"

#include <json-c/json.h>
#include <openssl/evp.h>

#include "fuzz.h"

/* A key that nobody uses, big-endian. The seeds have an answer for it. */
/* clang-format off */
static const unsigned char scalar[32] = {
	0x51, 0xe5, 0x96, 0x3f, 0x45, 0x4e, 0x9a, 0xc8, 0x28, 0xb0, 0xfa, 0xfa, 0x60, 0x9e, 0x5c, 0x14,
	0x05, 0xe2, 0x0d, 0x4b, 0x74, 0x39, 0x43, 0x01, 0x16, 0x78, 0xcb, 0x24, 0xe0, 0x17, 0xb3, 0x14,
};
static struct ec_key key = {
	.x = {
		0xba, 0x87, 0x2c, 0x38, 0xf2, 0xae, 0xba, 0x04, 0x17, 0xe5, 0x94, 0x67, 0x91, 0x39, 0xae, 0x25,
		0x88, 0x1f, 0xfb, 0x5b, 0x41, 0xe1, 0x82, 0x81, 0x87, 0x6d, 0x56, 0x0b, 0xf7, 0xc5, 0xa7, 0x2d,
	},
	.y = {
		0xfe, 0x2f, 0x74, 0xc5, 0xcc, 0xd1, 0xef, 0x95, 0x70, 0x42, 0x23, 0x57, 0x7b, 0x26, 0xf8, 0x24,
		0x47, 0xc6, 0x8f, 0x89, 0xed, 0x48, 0x7f, 0xf3, 0x35, 0x4e, 0xd6, 0x16, 0x55, 0xba, 0x9f, 0x09,
	},
};
/* clang-format on */

static void make_key(void)
{
	struct fault f = { 0 };
	size_t i;

	FUZZ_MUST(secret_init(&key.scalar, &f) == 0);
	for (i = 0; i < sizeof(scalar); i++)
		key.scalar.bytes[__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__ ? 31 - i : i] =
			scalar[i];
	key.scalar.len = sizeof(scalar);
}

static void check_nonce(const unsigned char *nonce, size_t size)
{
	unsigned char data[REPORT_DATA_SIZE], digest[REPORT_DATA_SIZE] = { 0 };
	char text[RUNTIME_DATA_SIZE];
	struct json_object *tree, *member;
	struct fault f = { 0 };
	int r = ec_key_runtime_data(&key, nonce, size, text, &f);

	if (r < 0) {
		FUZZ_MUST(f.code == EXITCODE_MALFORMED_ANSWER);
		FUZZ_MUST(ec_key_report_data(&key, nonce, size, data, &f) == r);
		return;
	}
	fuzz_accepted++;
	FUZZ_MUST((size_t)r == strlen(text));
	tree = json_tokener_parse(text);
	FUZZ_MUST(tree && json_object_object_get_ex(tree, "nonce", &member));
	FUZZ_MUST((size_t)json_object_get_string_len(member) == size);
	FUZZ_MUST(memcmp(json_object_get_string(member), nonce, size) == 0);
	FUZZ_MUST(json_object_object_length(tree) == 3);
	json_object_put(tree);
	FUZZ_MUST(ec_key_report_data(&key, nonce, size, data, &f) == 0);
	FUZZ_MUST(EVP_Digest(text, strlen(text), digest, NULL, EVP_sha384(), NULL) == 1);
	FUZZ_MUST(memcmp(data, digest, sizeof(data)) == 0);
}

static void check_answer(const unsigned char *bytes, size_t size)
{
	struct secret s = SECRET_NULL;
	struct fault f = { 0 };
	struct frame frame;

	if (frame_parse(bytes, size, &frame) < 0)
		return;
	if (jwe_open(&key, &frame, &s, &f) < 0) {
		FUZZ_MUST(f.code == EXITCODE_MALFORMED_ANSWER && !s.bytes);
		return;
	}
	fuzz_accepted++;
	FUZZ_MUST(frame.nr == _ANSWER_MAX && s.len == frame.fields[ANSWER_CIPHERTEXT].len);
	secret_done(&s);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	unsigned int choice = fuzz_choice(&data, &size);
	unsigned char *bytes;

	if (!key.scalar.bytes)
		make_key();
	bytes = fuzz_copy(data, size);
	if (choice == 'n')
		check_nonce(bytes, size);
	else
		check_answer(bytes, size);
	free(bytes);
	return 0;
}
