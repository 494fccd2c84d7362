/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * answer.c - makes an answer, and checks one: first whose it is, then what it says.
 * Trusts no byte of a message before a key that the image knows has signed it for this challenge.
 * May not do I/O; what is secret in an answer is sealed.c's.
 *
 * A message: a header of text, as put_header() writes it; as many sealed bytes as that says; the
 * signature.
 */
#include "rescue/answer.h"

#include <string.h>

#include "base/text.h"
#include "rescue/fields.h"
#include "rescue/sealed.h"
#include "rescue/signature.h"

#define VERSION "1"
#define SIGNED_TEXT "coco-unlock-answer-1" /* its NUL belongs to it */
#define SIGNED_SIZE (sizeof(SIGNED_TEXT) + 2 * DIGEST_SIZE)
#define HEADER_SIZE_MAX 512
#define KEYSLOT_MAX 31 /* LUKS2_KEYSLOTS_MAX */

_Static_assert(ANSWER_SIGNATURE_SIZE == SIGNATURE_SIZE, "an answer ends in a signature");
_Static_assert(ANSWER_KEY_SIZE == ED25519_KEY_SIZE, "a key of the image is one that signs");

static int signed_bytes(const unsigned char *message, size_t len, const char *challenge,
			size_t challenge_len, unsigned char ret_bytes[static SIGNED_SIZE])
{
	struct digest of_challenge, of_answer;

	if (digest_sha256(challenge, challenge_len, &of_challenge) < 0 ||
	    digest_sha256(message, len, &of_answer) < 0)
		return -ENOTSUP;
	memcpy(ret_bytes, SIGNED_TEXT, sizeof(SIGNED_TEXT));
	memcpy(ret_bytes + sizeof(SIGNED_TEXT), of_challenge.octets, DIGEST_SIZE);
	memcpy(ret_bytes + sizeof(SIGNED_TEXT) + DIGEST_SIZE, of_answer.octets, DIGEST_SIZE);
	return 0;
}

/* What an action may come with. */
static const char *contradiction(const struct answer *answer, size_t sealed_len)
{
	bool argued = answer->volume[0] || answer->device[0] || answer->keyslot >= 0;

	if (answer->action != RESCUE_UNLOCK && (argued || sealed_len > 0))
		return "only unlock has a volume, a device, a keyslot and secrets";
	if (answer->action == RESCUE_UNLOCK && sealed_len == 0)
		return "unlock needs a secret";
	if (argued && !answer->volume[0])
		return "a device and a keyslot are of a volume";
	return NULL;
}

/* Returns its length, or -EINVAL. */
static ssize_t put_header(const struct answer *answer, size_t sealed_len,
			  char ret_text[static HEADER_SIZE_MAX])
{
	struct fields_writer w = { .text = ret_text, .size = HEADER_SIZE_MAX };
	char number[24] = "";

	fields_put(&w, "coco-unlock-answer", VERSION);
	fields_put(&w, "action", rescue_action_name(answer->action));
	fields_put(&w, "volume", answer->volume);
	fields_put(&w, "device", answer->device);
	if (answer->keyslot >= 0)
		(void)snprintf(number, sizeof(number), "%d", answer->keyslot);
	fields_put(&w, "keyslot", number);
	(void)snprintf(number, sizeof(number), "%zu", sealed_len);
	fields_put(&w, "sealed", number);
	return w.full ? -EINVAL : (ssize_t)w.len;
}

static int take_version(struct fields_reader *reader)
{
	const char *value = fields_take(reader, "coco-unlock-answer");

	if (!value)
		return -EINVAL;
	if (strcmp(value, VERSION) != 0)
		return fields_wrong(reader, "a version that this guest does not know");
	return 0;
}

static int take_action(struct fields_reader *reader, enum rescue_action *ret_action)
{
	const char *value = fields_take(reader, "action");
	int action;

	if (!value)
		return -EINVAL;
	action = rescue_action_from_name(value);
	if (action < 0)
		return fields_wrong(reader, "an action that this guest does not know");
	*ret_action = (enum rescue_action)action;
	return 0;
}

/* Decimal; an empty value leaves *ret_value. */
static int take_number(struct fields_reader *reader, const char *name, uint64_t max,
		       uint64_t *ret_value)
{
	const char *value = fields_take(reader, name);

	if (!value)
		return -EINVAL;
	if (*value != '\0' && text_u64(value, max, ret_value) < 0)
		return fields_wrong(reader, "it is no number, or too high");
	return 0;
}

static int take_header(struct fields_reader *reader, struct answer *a)
{
	uint64_t keyslot = UINT64_MAX, sealed_len = UINT64_MAX;
	const char *why;
	int r = take_version(reader);

	if (r >= 0)
		r = take_action(reader, &a->action);
	if (r >= 0)
		r = fields_take_text(reader, "volume", a->volume, sizeof(a->volume));
	if (r >= 0)
		r = fields_take_text(reader, "device", a->device, sizeof(a->device));
	if (r >= 0)
		r = take_number(reader, "keyslot", KEYSLOT_MAX, &keyslot);
	if (r >= 0)
		r = take_number(reader, "sealed", ANSWER_SIZE_MAX, &sealed_len);
	if (r < 0)
		return r;
	a->keyslot = keyslot == UINT64_MAX ? -1 : (int)keyslot;
	if (sealed_len == UINT64_MAX)
		return fields_wrong(reader, "it is no number");
	a->sealed_len = sealed_len;
	why = contradiction(a, a->sealed_len);
	return why ? fields_wrong(reader, why) : 0;
}

/* Each header has one text. */
static bool is_canonical(const struct answer *a, const unsigned char *message)
{
	char text[HEADER_SIZE_MAX];
	ssize_t len = put_header(a, a->sealed_len, text);

	return len >= 0 && (size_t)len == a->header_len &&
	       memcmp(text, message, a->header_len) == 0;
}

/* message: signed, and without the signature. */
static int read_message(const unsigned char *message, size_t len, struct answer *a, struct fault *f)
{
	struct fields_reader reader = { .what = "answer", .code = EXITCODE_USAGE, .f = f };
	char header[HEADER_SIZE_MAX] = "";
	int r;

	/* A NUL among the sealed bytes ends the text behind the header. */
	memcpy(header, message, len < sizeof(header) - 1 ? len : sizeof(header) - 1);
	reader.next = header;
	r = take_header(&reader, a);
	if (r < 0)
		return -EBADMSG;
	a->header_len = (size_t)(reader.next - header);
	if (a->header_len + a->sealed_len != len)
		return fault_set(f, EXITCODE_USAGE, EBADMSG,
				 "the answer is longer or shorter than it says");
	if (!is_canonical(a, message))
		return fault_set(f, EXITCODE_USAGE, EBADMSG,
				 "the answer is not written as coco-secret writes it");
	if (a->sealed_len > 0)
		a->sealed = message + a->header_len;
	return 0;
}

int answer_check(const unsigned char *message, size_t len, const char *challenge,
		 size_t challenge_len, const unsigned char (*keys)[ANSWER_KEY_SIZE], size_t nr,
		 struct answer *ret_answer, struct fault *f)
{
	struct answer answer = { .keyslot = -1 };
	unsigned char bytes[SIGNED_SIZE];
	size_t front, i;
	int r;

	if (len <= ANSWER_SIGNATURE_SIZE || len > ANSWER_SIZE_MAX)
		return fault_set(f, EXITCODE_USAGE, EBADMSG,
				 "it does not have the length of an answer");
	front = len - ANSWER_SIGNATURE_SIZE;
	if (signed_bytes(message, front, challenge, challenge_len, bytes) < 0)
		return fault_set(f, EXITCODE_USAGE, ENOTSUP, "libcrypto: no SHA-256");
	for (i = 0; i < nr; i++)
		if (signature_verify(keys[i], bytes, sizeof(bytes), message + front))
			break;
	if (i == nr)
		return fault_set(f, EXITCODE_USAGE, EKEYREJECTED,
				 "no key of this image has signed it for this challenge");
	r = read_message(message, front, &answer, f);
	if (r < 0)
		return r;
	*ret_answer = answer;
	return 0;
}

int answer_open(const struct answer *answer, const unsigned char *message, const char *challenge,
		size_t challenge_len, const struct rescue_keys *keys, const char *const *names,
		size_t nr, struct secret *secrets, struct fault *f)
{
	struct sealed sealed = {
		.data = answer->sealed,
		.len = answer->sealed_len,
		.header = message,
		.header_len = answer->header_len,
	};

	if (digest_sha256(challenge, challenge_len, &sealed.challenge) < 0)
		return fault_set(f, EXITCODE_INTERNAL, ENOTSUP, "libcrypto: no SHA-256");
	return sealed_open(&sealed, keys, names, nr, secrets, f);
}

static int bad(struct fault *f, const char *why)
{
	return fault_set(f, EXITCODE_BAD_INPUT, EINVAL, "the answer: %s", why);
}

static int check_inputs(const struct answer *answer, const struct answer_secret *secrets, size_t nr,
			struct fault *f)
{
	const char *why = contradiction(answer, nr);
	size_t i;

	if (why)
		return bad(f, why);
	if (!rescue_action_name(answer->action) || answer->keyslot > KEYSLOT_MAX)
		return bad(f, "there is no such action or keyslot");
	if (!fields_printable(answer->volume) || !fields_printable(answer->device))
		return bad(f, "the volume or the device is not printable ASCII");
	if (nr > CHALLENGE_VOLUMES_MAX)
		return bad(f, "there are too many secrets");
	for (i = 0; i < nr; i++)
		if (secrets[i].volume[0] == '\0' || secrets[i].secret.len == 0 ||
		    secrets[i].secret.len > ANSWER_SECRET_MAX)
			return bad(f, "a secret is for a volume, and has 1 to 512 bytes");
	return 0;
}

/* Behind the first len bytes of the message. */
static int sign(unsigned char *message, size_t len, const char *challenge, size_t challenge_len,
		const struct signing_key *key, struct fault *f)
{
	unsigned char bytes[SIGNED_SIZE];

	if (signed_bytes(message, len, challenge, challenge_len, bytes) < 0 ||
	    signing_key_sign(key, bytes, sizeof(bytes), message + len) < 0)
		return fault_set(f, EXITCODE_INTERNAL, ENOTSUP, "libcrypto does not sign");
	return 0;
}

ssize_t answer_make(const struct answer *answer, const struct answer_secret *secrets, size_t nr,
		    const char *challenge, size_t challenge_len, const struct rescue_public *public,
		    const struct secret *shared, const struct signing_key *key,
		    unsigned char *ret_message, size_t size, struct fault *f)
{
	struct sealed sealed = { .header = ret_message };
	char header[HEADER_SIZE_MAX];
	ssize_t len;
	int r = check_inputs(answer, secrets, nr, f);

	if (r < 0)
		return r;
	sealed.len = nr > 0 ? sealed_size(secrets, nr) : 0;
	len = put_header(answer, sealed.len, header);
	if (len < 0 || (size_t)len + sealed.len + ANSWER_SIGNATURE_SIZE > size)
		return bad(f, "it is too long");
	memcpy(ret_message, header, (size_t)len);
	sealed.header_len = (size_t)len;
	if (digest_sha256(challenge, challenge_len, &sealed.challenge) < 0)
		return fault_set(f, EXITCODE_INTERNAL, ENOTSUP, "libcrypto: no SHA-256");
	if (nr > 0)
		r = sealed_make(&sealed, secrets, nr, public->key, shared, ret_message + len, f);
	if (r < 0)
		return r;
	len += (ssize_t)sealed.len;
	r = sign(ret_message, (size_t)len, challenge, challenge_len, key, f);
	return r < 0 ? r : len + ANSWER_SIGNATURE_SIZE;
}
