/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * rescue_answer.c - fuzz target: an answer of the owner. The first byte chooses: a message as it is
 * (`@`), one that gets a right signature (`A`), or records that are sealed and signed behind a right
 * header (`B`). Without a signature nothing is accepted; what is accepted has values in their
 * ranges, and what it says makes an answer once more.
 */
#include "rescue/answer.h"

#include <openssl/evp.h>
#include <openssl/pem.h>

#include "fuzz.h"
#include "rescue/hpke.h"
#include "rescue/signature.h"

#define CHALLENGE "a challenge"
#define SIGNED_TEXT "coco-unlock-answer-1"

static const char *const names[] = { "root", "data" };
static struct signing_key *owner;
static unsigned char owner_key[1][ANSWER_KEY_SIZE];
static struct rescue_keys *guest;
static struct secret shared, records;
static struct digest of_challenge;

/* Keys that nobody uses. */
static void set_up(void)
{
	static const char pem_text[] =
		"-----BEGIN PRIVATE KEY-----\n"
		"MC4CAQAwBQYDK2VwBCIEIHd3d3d3d3d3d3d3d3d3d3d3d3d3d3d3d3d3d3d3d3d3\n"
		"-----END PRIVATE KEY-----\n";
	struct secret entry = SECRET_NULL, pem = SECRET_NULL;
	struct fault f = { 0 };

	if (owner)
		return;
	fuzz_secret_set(&pem, (const uint8_t *)pem_text, strlen(pem_text));
	FUZZ_MUST(signing_key_read(&pem, NULL, &owner, &f) == 0);
	FUZZ_MUST(signing_key_public(owner, owner_key[0]) == 0);
	fuzz_secret_set(&entry, (const uint8_t *)"12345678901234567890123456789012", 32);
	FUZZ_MUST(rescue_keys_map(&guest, &f) == 0 && rescue_keys_make(&entry, guest, &f) == 0);
	FUZZ_MUST(rescue_shared(&entry, &guest->public, &shared, &f) == 0);
	FUZZ_MUST(digest_sha256(CHALLENGE, strlen(CHALLENGE), &of_challenge) == 0);
	fuzz_secret_open(&pem);
	fuzz_secret_open(&entry);
	secret_done(&pem);
	secret_done(&entry);
}

static int check(const unsigned char *message, size_t len, struct answer *answer)
{
	struct fault f = { 0 };
	int r = answer_check(message, len, CHALLENGE, strlen(CHALLENGE),
			     (const unsigned char (*)[ANSWER_KEY_SIZE])owner_key, 1, answer, &f);

	FUZZ_MUST(r == 0 || ((r == -EBADMSG || r == -EKEYREJECTED) && f.why[0]));
	return r;
}

static int open_secrets(const struct answer *answer, const unsigned char *message,
			struct answer_secret *secrets)
{
	struct secret opened[ARRAY_SIZE(names)] = { 0 };
	struct fault f = { 0 };
	size_t i, nr = 0;
	int r = answer_open(answer, message, CHALLENGE, strlen(CHALLENGE), guest, names,
			    ARRAY_SIZE(names), opened, &f);

	FUZZ_MUST(r == 0 || (r == -EBADMSG && f.code == EXITCODE_SECRET_REFUSED));
	for (i = 0; i < ARRAY_SIZE(names); i++) {
		if (!opened[i].bytes)
			continue;
		FUZZ_MUST(r == 0 && opened[i].len > 0 && opened[i].len <= ANSWER_SECRET_MAX);
		(void)snprintf(secrets[nr].volume, sizeof(secrets[nr].volume), "%s", names[i]);
		secrets[nr++].secret = opened[i];
	}
	FUZZ_MUST((nr > 0) == (r == 0));
	return (int)nr;
}

/* Once more, with the same arguments and secrets. */
static void make_again(const struct answer *answer, const struct answer_secret *secrets, size_t nr)
{
	static unsigned char message[ANSWER_SIZE_MAX];
	struct answer again;
	struct fault f = { 0 };
	ssize_t len = answer_make(answer, secrets, nr, CHALLENGE, strlen(CHALLENGE), &guest->public,
				  &shared, owner, message, sizeof(message), &f);

	FUZZ_MUST(len > 0 && check(message, (size_t)len, &again) == 0);
	FUZZ_MUST(again.action == answer->action && again.keyslot == answer->keyslot &&
		  strcmp(again.volume, answer->volume) == 0 &&
		  strcmp(again.device, answer->device) == 0);
}

static void look_at(const unsigned char *message, size_t len)
{
	struct answer_secret secrets[ARRAY_SIZE(names)] = { 0 };
	struct answer a;
	int nr = 0, i;

	if (check(message, len, &a) < 0)
		return;
	FUZZ_MUST((unsigned int)a.action < _RESCUE_ACTION_MAX && a.keyslot >= -1 && a.keyslot < 32);
	FUZZ_MUST(a.header_len + a.sealed_len + ANSWER_SIGNATURE_SIZE == len);
	FUZZ_MUST((a.action == RESCUE_UNLOCK) == (a.sealed_len > 0) &&
		  (a.sealed == (a.sealed_len > 0 ? message + a.header_len : NULL)));
	if (a.action == RESCUE_UNLOCK) {
		nr = open_secrets(&a, message, secrets);
		if (nr == 0)
			return;
	}
	fuzz_accepted++;
	make_again(&a, secrets, (size_t)nr);
	for (i = 0; i < nr; i++)
		secret_done(&secrets[i].secret);
}

/* message has room for a signature behind len bytes. */
static void look_at_signed(unsigned char *message, size_t len)
{
	unsigned char bytes[sizeof(SIGNED_TEXT) + 2 * DIGEST_SIZE] = SIGNED_TEXT;
	struct digest digest;

	FUZZ_MUST(digest_sha256(message, len, &digest) == 0);
	memcpy(bytes + sizeof(SIGNED_TEXT), of_challenge.octets, DIGEST_SIZE);
	memcpy(bytes + sizeof(SIGNED_TEXT) + DIGEST_SIZE, digest.octets, DIGEST_SIZE);
	FUZZ_MUST(signing_key_sign(owner, bytes, sizeof(bytes), message + len) == 0);
	look_at(message, len + ANSWER_SIGNATURE_SIZE);
}

static void look_at_records(const uint8_t *data, size_t size)
{
	const struct hpke_psk psk = { { shared.bytes, shared.len },
				      { (const unsigned char *)"coco-unlock-rescue-1", 20 } };
	size_t sealed = HPKE_ENC_SIZE + size + HPKE_TAG_SIZE;
	unsigned char *message = malloc(256 + sealed + ANSWER_SIGNATURE_SIZE);
	struct fault f = { 0 };
	int len;

	FUZZ_MUST(message);
	len = snprintf((char *)message, 256,
		       "coco-unlock-answer=1\naction=unlock\nvolume=root\ndevice=\nkeyslot=\n"
		       "sealed=%zu\n",
		       sealed);
	fuzz_secret_set(&records, data, size);
	FUZZ_MUST(hpke_seal(HPKE_AES_256_GCM, guest->public.key, &psk,
			    (struct hpke_data){ of_challenge.octets, DIGEST_SIZE },
			    (struct hpke_data){ message, (size_t)len }, &records, NULL,
			    message + len, &f) == 0);
	look_at_signed(message, (size_t)len + sealed);
	free(message);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	unsigned int choice = fuzz_choice(&data, &size) & 3;
	unsigned char *message;

	set_up();
	if (size > SECRET_CAPACITY)
		return 0;
	if (choice == 2) {
		look_at_records(data, size);
		return 0;
	}
	message = malloc(size + ANSWER_SIGNATURE_SIZE);
	FUZZ_MUST(message);
	if (size > 0)
		memcpy(message, data, size);
	if (choice == 1)
		look_at_signed(message, size);
	else
		look_at(message, size);
	free(message);
	return 0;
}
