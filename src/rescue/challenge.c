/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * challenge.c - writes, reads and verifies the text of a challenge.
 * Trusts no byte of a text that it reads: a host may have written it, and only the HMAC says that
 * it has not. May not do I/O.
 */
#include "rescue/challenge.h"

#include <string.h>

#include "base/text.h"
#include "rescue/fields.h"

#define VERSION "1"
/* The last line, "mac=" or "sum=", with its end. */
#define LAST_NAME_SIZE 4
#define LAST_SIZE (LAST_NAME_SIZE + 2 * DIGEST_SIZE + 1)

static const char *const action_names[_RESCUE_ACTION_MAX] = {
	[RESCUE_UNLOCK] = "unlock",
	[RESCUE_FETCH] = "fetch",
	[RESCUE_REBOOT] = "reboot",
	[RESCUE_POWEROFF] = "poweroff",
};

const char *rescue_action_name(enum rescue_action action)
{
	return (unsigned int)action < _RESCUE_ACTION_MAX ? action_names[action] : NULL;
}

int rescue_action_from_name(const char *name)
{
	int i;

	for (i = 0; i < _RESCUE_ACTION_MAX; i++)
		if (strcmp(name, action_names[i]) == 0)
			return i;
	return -EINVAL;
}

static void put_text(struct fields_writer *w, const char *name, const char *value)
{
	char printable[CHALLENGE_TEXT_SIZE];

	text_printable(value, printable, sizeof(printable));
	fields_put(w, name, printable);
}

/* Empty if it does not count. */
static void put_octets(struct fields_writer *w, const char *name,
		       const unsigned char octets[static DIGEST_SIZE], bool counts)
{
	char text[DIGEST_TEXT_SIZE] = "";
	struct digest digest;

	memcpy(digest.octets, octets, DIGEST_SIZE);
	if (counts)
		digest_text(&digest, text);
	fields_put(w, name, text);
}

static void put_actions(struct fields_writer *w, unsigned int actions)
{
	char text[CHALLENGE_TEXT_SIZE] = "";
	int i;

	for (i = 0; i < _RESCUE_ACTION_MAX; i++)
		if (actions & 1U << i)
			text_append(text, sizeof(text), "%s%s", text[0] ? " " : "",
				    action_names[i]);
	fields_put(w, "actions", text);
}

static void put_volume(struct fields_writer *w, const struct challenge_volume *volume)
{
	put_text(w, "volume", volume->name);
	put_text(w, "secret", volume->secret);
	put_text(w, "device", volume->device);
	put_text(w, "uuid", volume->uuid);
	put_text(w, "header", volume->header);
	fields_put(w, "failed", volume->failed ? "yes" : "no");
}

static void put_fields(struct fields_writer *w, const struct challenge *c)
{
	char code[16];
	size_t i;

	fields_put(w, "coco-unlock-challenge", VERSION);
	put_octets(w, "key", c->public.key, c->has_keys);
	put_octets(w, "boot-nonce", c->public.nonce, c->has_keys);
	put_octets(w, "nonce", c->nonce, true);
	put_text(w, "boot-id", c->boot_id);
	put_octets(w, "configuration", c->configuration.octets, true);
	put_actions(w, c->actions);
	(void)snprintf(code, sizeof(code), "%d", c->code);
	fields_put(w, "code", code);
	put_text(w, "code-name", c->code_name);
	put_text(w, "reason", c->reason);
	put_text(w, "no-secret", c->no_secret);
	for (i = 0; i < c->nr_volumes; i++)
		put_volume(w, &c->volumes[i]);
}

ssize_t challenge_write(const struct challenge *challenge, const unsigned char *shared,
			char ret_text[static CHALLENGE_SIZE_MAX])
{
	char front[CHALLENGE_SIZE_MAX + 1] = "";
	struct fields_writer w = { .text = front, .size = sizeof(front) };
	struct digest digest;
	int r;

	if (challenge->nr_volumes > CHALLENGE_VOLUMES_MAX || (challenge->has_keys && !shared))
		return -EINVAL;
	put_fields(&w, challenge);
	if (challenge->has_keys)
		r = digest_hmac_sha256(shared, RESCUE_KEY_SIZE, w.text, &digest);
	else
		r = digest_sha256(w.text, w.len, &digest);
	if (r < 0)
		return r;
	put_octets(&w, challenge->has_keys ? "mac" : "sum", digest.octets, true);
	if (w.full)
		return -EFBIG;
	memcpy(ret_text, w.text, w.len);
	return (ssize_t)w.len;
}

/* *ret_there is false for an empty value; with NULL it may not be empty. */
static int take_octets(struct fields_reader *reader, const char *name,
		       unsigned char ret_octets[static DIGEST_SIZE], bool *ret_there)
{
	char *value = fields_take(reader, name);
	struct digest digest;

	if (!value)
		return -EINVAL;
	if (ret_there)
		*ret_there = *value != '\0';
	if (ret_there && *value == '\0')
		return 0;
	if (digest_parse(value, &digest) < 0)
		return fields_wrong(reader, "it is not 64 lower case hexadecimal digits");
	memcpy(ret_octets, digest.octets, DIGEST_SIZE);
	return 0;
}

static int take_version(struct fields_reader *reader)
{
	char *value = fields_take(reader, "coco-unlock-challenge");

	if (!value)
		return -EINVAL;
	if (strcmp(value, VERSION) != 0)
		return fields_wrong(reader, "a version that this program does not know");
	return 0;
}

static int take_keys(struct fields_reader *reader, struct challenge *c)
{
	bool has_nonce = false;
	int r = take_octets(reader, "key", c->public.key, &c->has_keys);

	if (r >= 0)
		r = take_octets(reader, "boot-nonce", c->public.nonce, &has_nonce);
	if (r >= 0 && has_nonce != c->has_keys)
		return fields_wrong(reader, "there is only one of key and boot-nonce");
	return r;
}

static int take_actions(struct fields_reader *reader, unsigned int *ret_actions)
{
	char *value = fields_take(reader, "actions"), *word;

	if (!value)
		return -EINVAL;
	while ((word = text_word(&value, " "))) {
		int action = rescue_action_from_name(word);

		if (action < 0)
			return fields_wrong(reader, "an action that this program does not know");
		*ret_actions |= 1U << action;
	}
	return 0;
}

static int take_code(struct fields_reader *reader, int *ret_code)
{
	char *value = fields_take(reader, "code");
	uint64_t code;

	if (!value)
		return -EINVAL;
	if (text_u64(value, 255, &code) < 0)
		return fields_wrong(reader, "it is no exit code");
	*ret_code = (int)code;
	return 0;
}

static int take_volume(struct fields_reader *reader, struct challenge_volume *v)
{
	char *failed;
	int r = fields_take_text(reader, "volume", v->name, sizeof(v->name));

	if (r >= 0)
		r = fields_take_text(reader, "secret", v->secret, sizeof(v->secret));
	if (r >= 0)
		r = fields_take_text(reader, "device", v->device, sizeof(v->device));
	if (r >= 0)
		r = fields_take_text(reader, "uuid", v->uuid, sizeof(v->uuid));
	if (r >= 0)
		r = fields_take_text(reader, "header", v->header, sizeof(v->header));
	if (r < 0)
		return r;
	failed = fields_take(reader, "failed");
	if (!failed)
		return -EINVAL;
	v->failed = strcmp(failed, "yes") == 0;
	if (!v->failed && strcmp(failed, "no") != 0)
		return fields_wrong(reader, "it is neither yes nor no");
	return 0;
}

static int take_volumes(struct fields_reader *reader, struct challenge *c)
{
	int r;

	while (strncmp(reader->next, "volume=", 7) == 0) {
		if (c->nr_volumes == CHALLENGE_VOLUMES_MAX)
			return fields_wrong(reader, "there are too many volumes");
		r = take_volume(reader, &c->volumes[c->nr_volumes]);
		if (r < 0)
			return r;
		c->nr_volumes++;
	}
	return 0;
}

static int take_fields(struct fields_reader *reader, struct challenge *c)
{
	int r = take_version(reader);

	if (r >= 0)
		r = take_keys(reader, c);
	if (r >= 0)
		r = take_octets(reader, "nonce", c->nonce, NULL);
	if (r >= 0)
		r = fields_take_text(reader, "boot-id", c->boot_id, sizeof(c->boot_id));
	if (r >= 0)
		r = take_octets(reader, "configuration", c->configuration.octets, NULL);
	if (r >= 0)
		r = take_actions(reader, &c->actions);
	if (r >= 0)
		r = take_code(reader, &c->code);
	if (r >= 0)
		r = fields_take_text(reader, "code-name", c->code_name, sizeof(c->code_name));
	if (r >= 0)
		r = fields_take_text(reader, "reason", c->reason, sizeof(c->reason));
	if (r >= 0)
		r = fields_take_text(reader, "no-secret", c->no_secret, sizeof(c->no_secret));
	return r < 0 ? r : take_volumes(reader, c);
}

/* len: of all but the last line. The sum is compared here; the HMAC by who has the key. */
static int take_last(struct fields_reader *reader, const struct challenge *c, const char *text,
		     size_t len)
{
	struct digest said, sum;
	int r = take_octets(reader, c->has_keys ? "mac" : "sum", said.octets, NULL);

	if (r < 0)
		return r;
	if (*reader->next != '\0')
		return fields_wrong(reader, "there is more behind it");
	if (c->has_keys)
		return 0;
	if (digest_sha256(text, len, &sum) < 0)
		return fault_set(reader->f, EXITCODE_INTERNAL, EINVAL, "libcrypto: no SHA-256");
	return digest_equal(&said, &sum) ? 0 :
					   fields_wrong(reader, "the text above is another one");
}

/* Each challenge has one text. */
static bool is_canonical(const struct challenge *c, const char *text, size_t len)
{
	char written[CHALLENGE_SIZE_MAX + 1];
	struct fields_writer w = { .text = written, .size = sizeof(written) };

	put_fields(&w, c);
	return !w.full && w.len == len && memcmp(w.text, text, len) == 0;
}

int challenge_read(const char *text, size_t len, struct challenge *ret_challenge, struct fault *f)
{
	char copy[CHALLENGE_SIZE_MAX + 1] = "";
	struct fields_reader reader = { .what = "challenge", .code = EXITCODE_BAD_INPUT, .f = f };
	struct challenge c = { 0 };
	size_t front;
	int r;

	if (len > CHALLENGE_SIZE_MAX || memchr(text, '\0', len))
		return fault_set(f, EXITCODE_BAD_INPUT, EINVAL,
				 "it is no challenge: it is too long, or no text");
	memcpy(copy, text, len);
	reader.next = copy;
	r = take_fields(&reader, &c);
	if (r < 0)
		return r;
	front = (size_t)(reader.next - copy);
	r = take_last(&reader, &c, text, front);
	if (r < 0)
		return r;
	if (!is_canonical(&c, text, front))
		return fault_set(f, EXITCODE_BAD_INPUT, EINVAL,
				 "the challenge is not written as a guest writes it");
	*ret_challenge = c;
	return 0;
}

int challenge_verify(const char *text, size_t len, const struct secret *shared)
{
	char front[CHALLENGE_SIZE_MAX + 1] = "", last[DIGEST_TEXT_SIZE] = "";
	struct digest said, mac;

	if (len < LAST_SIZE || len > CHALLENGE_SIZE_MAX || memchr(text, '\0', len) ||
	    shared->len != RESCUE_KEY_SIZE)
		return -EPERM;
	memcpy(front, text, len - LAST_SIZE);
	text += len - LAST_SIZE;
	memcpy(last, text + LAST_NAME_SIZE, 2 * DIGEST_SIZE);
	if (strncmp(text, "mac=", LAST_NAME_SIZE) != 0 || digest_parse(last, &said) < 0 ||
	    text[LAST_SIZE - 1] != '\n')
		return -EPERM;
	if (digest_hmac_sha256(shared->bytes, shared->len, front, &mac) < 0 ||
	    !digest_equal(&said, &mac))
		return -EPERM;
	return 0;
}
