/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * challenge.c - fuzz target: the text of a challenge. The first byte chooses if it is read as it
 * is, or with the last line that it ought to have (`A`). What is accepted is printable, is written
 * as the same text again, and has an HMAC only of the key that wrote it.
 */
#include "rescue/challenge.h"

#include "fuzz.h"

static struct secret shared, other;
static struct challenge challenge;

static void set_up(void)
{
	fuzz_secret_init(&shared);
	fuzz_secret_init(&other);
	memset(shared.bytes, 0x66, RESCUE_KEY_SIZE);
	shared.len = other.len = RESCUE_KEY_SIZE;
}

static void check_text(const char *text, size_t size)
{
	FUZZ_MUST(memchr(text, '\0', size));
	for (; *text; text++)
		FUZZ_MUST(*text >= ' ' && *text <= '~' && *text != '"');
}

static void check_texts(void)
{
	size_t i;

	FUZZ_MUST(challenge.nr_volumes <= CHALLENGE_VOLUMES_MAX && challenge.code >= 0);
	FUZZ_MUST(challenge.actions < 1U << _RESCUE_ACTION_MAX);
	check_text(challenge.boot_id, sizeof(challenge.boot_id));
	check_text(challenge.code_name, sizeof(challenge.code_name));
	check_text(challenge.reason, sizeof(challenge.reason));
	check_text(challenge.no_secret, sizeof(challenge.no_secret));
	for (i = 0; i < challenge.nr_volumes; i++) {
		const struct challenge_volume *v = &challenge.volumes[i];

		check_text(v->name, sizeof(v->name));
		check_text(v->secret, sizeof(v->secret));
		check_text(v->device, sizeof(v->device));
		check_text(v->uuid, sizeof(v->uuid));
		check_text(v->header, sizeof(v->header));
	}
}

static void look_at(const char *text, size_t len)
{
	static char written[CHALLENGE_SIZE_MAX];
	struct fault f = { 0 };
	bool verified = challenge_verify(text, len, &shared) == 0;
	int r = challenge_read(text, len, &challenge, &f);

	if (r < 0) {
		FUZZ_MUST(r == -EINVAL && f.code == EXITCODE_BAD_INPUT && f.why[0]);
		return;
	}
	fuzz_accepted++;
	check_texts();
	FUZZ_MUST(!verified || challenge.has_keys);
	FUZZ_MUST(challenge_verify(text, len, &other) == -EPERM);
	FUZZ_MUST(challenge_write(&challenge, shared.bytes, written) == (ssize_t)len);
	FUZZ_MUST(memcmp(written, text, len - (challenge.has_keys ? 65 : 0)) == 0);
	FUZZ_MUST(verified == (memcmp(written, text, len) == 0 && challenge.has_keys));
	FUZZ_MUST((challenge_verify(written, len, &shared) == 0) == challenge.has_keys);
}

/* With the HMAC by `shared`, or the sum. */
static void look_at_with_last(const char *front)
{
	bool has_keys = !strstr(front, "\nkey=\n");
	struct digest digest;
	size_t i, len = strlen(front);
	char *text = malloc(len + 70);

	FUZZ_MUST(text);
	if (has_keys)
		FUZZ_MUST(digest_hmac_sha256(shared.bytes, shared.len, front, &digest) == 0);
	else
		FUZZ_MUST(digest_sha256(front, len, &digest) == 0);
	memcpy(text, front, len);
	memcpy(text + len, has_keys ? "mac=" : "sum=", 4);
	for (i = 0; i < DIGEST_SIZE; i++)
		(void)snprintf(text + len + 4 + 2 * i, 3, "%02x", digest.octets[i]);
	text[len + 68] = '\n';
	look_at(text, len + 69);
	free(text);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	unsigned int choice = fuzz_choice(&data, &size);
	char *text;

	set_up();
	if (choice & 1) {
		text = fuzz_text(data, size);
		if (text)
			look_at_with_last(text);
	} else {
		text = fuzz_copy(data, size);
		look_at(text, size);
	}
	free(text);
	return 0;
}
