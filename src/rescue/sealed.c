/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * sealed.c - puts secrets into records, which are sealed, and takes them out again.
 * Trusts hpke.c to open only what somebody with K has sealed; checks what that somebody wrote all
 * the same. Secrets lie in locked memory all the way; may not print, keep or pass on one.
 *
 * A record: one byte with the length of a volume's name, the name, two bytes (big-endian) with the
 * length of the secret, the secret. A zero byte is behind the last one, and zero bytes follow up
 * to a multiple of PADDING.
 */
#include "rescue/sealed.h"

#include <string.h>

#include "rescue/hpke.h"

#define PADDING 128

static const unsigned char psk_id[] = "coco-unlock-rescue-1";

static int refused(struct fault *f, const char *why)
{
	return fault_set(f, EXITCODE_SECRET_REFUSED, EBADMSG, "the answer's secrets: %s", why);
}

static size_t name_len(const char name[static CHALLENGE_NAME_SIZE])
{
	size_t n = 0;

	while (n < CHALLENGE_NAME_SIZE - 1 && name[n] != '\0')
		n++;
	return n;
}

static bool is_name(const char *name, const unsigned char *octets, size_t len)
{
	size_t i;

	for (i = 0; i < len; i++)
		if (name[i] == '\0' || (unsigned char)name[i] != octets[i])
			return false;
	return name[len] == '\0';
}

static size_t text_size(const struct answer_secret *secrets, size_t nr)
{
	size_t i, size = 1;

	for (i = 0; i < nr; i++)
		size += 1 + name_len(secrets[i].volume) + 2 + secrets[i].secret.len;
	return (size + PADDING - 1) / PADDING * PADDING;
}

size_t sealed_size(const struct answer_secret *secrets, size_t nr)
{
	return HPKE_ENC_SIZE + text_size(secrets, nr) + HPKE_TAG_SIZE;
}

/* text: pages of zero. */
static void put_records(const struct answer_secret *secrets, size_t nr, struct secret *text)
{
	unsigned char *to = text->bytes;
	size_t i;

	for (i = 0; i < nr; i++) {
		size_t len = name_len(secrets[i].volume);
		const struct secret *s = &secrets[i].secret;

		*to++ = (unsigned char)len;
		memcpy(to, secrets[i].volume, len);
		to += len;
		*to++ = (unsigned char)(s->len >> 8);
		*to++ = (unsigned char)s->len;
		memcpy(to, s->bytes, s->len);
		to += s->len;
	}
	text->len = text_size(secrets, nr);
}

static struct hpke_psk psk_of(const unsigned char *shared)
{
	return (struct hpke_psk){ { shared, RESCUE_KEY_SIZE },
				  { psk_id, sizeof(psk_id) - 1 } }; /* no NUL */
}

static struct hpke_data info_of(const struct sealed *sealed)
{
	return (struct hpke_data){ sealed->challenge.octets, DIGEST_SIZE };
}

static struct hpke_data aad_of(const struct sealed *sealed)
{
	return (struct hpke_data){ sealed->header, sealed->header_len };
}

int sealed_make(const struct sealed *sealed, const struct answer_secret *secrets, size_t nr,
		const unsigned char public[static RESCUE_KEY_SIZE], const struct secret *shared,
		unsigned char *ret_data, struct fault *f)
{
	_cleanup_secret_ struct secret text = SECRET_NULL;
	const struct hpke_psk psk = psk_of(shared->bytes);
	int r = secret_init(&text, f);

	if (r < 0)
		return r;
	put_records(secrets, nr, &text);
	return hpke_seal(HPKE_AES_256_GCM, public, &psk, info_of(sealed), aad_of(sealed), &text,
			 NULL, ret_data, f);
}

/* One record, at *from, of which `left` bytes are there. */
struct record {
	const unsigned char *name, *secret;
	size_t name_len, len;
};

/* Returns 0, or -EBADMSG if it has no end. */
static int take_record(const unsigned char **from, size_t *left, struct record *ret_record)
{
	struct record record = { .name_len = **from };

	if (*left < 1 + record.name_len + 2)
		return -EBADMSG;
	record.name = *from + 1;
	record.secret = record.name + record.name_len + 2;
	record.len = (size_t)record.secret[-2] << 8 | record.secret[-1];
	if (*left < 1 + record.name_len + 2 + record.len)
		return -EBADMSG;
	*left -= 1 + record.name_len + 2 + record.len;
	*from = record.secret + record.len;
	*ret_record = record;
	return 0;
}

static int keep_record(const struct record *record, const char *const *names, size_t nr,
		       struct secret *secrets, struct fault *f)
{
	size_t i;
	int r;

	if (record->len == 0 || record->len > ANSWER_SECRET_MAX)
		return refused(f, "one has no bytes, or more than 512");
	for (i = 0; i < nr; i++)
		if (is_name(names[i], record->name, record->name_len))
			break;
	if (i == nr)
		return refused(f, "one is for a volume that is not there");
	if (secrets[i].bytes)
		return refused(f, "a volume has two");
	r = secret_init(&secrets[i], f);
	if (r < 0)
		return r;
	memcpy(secrets[i].bytes, record->secret, record->len);
	secrets[i].len = record->len;
	return 0;
}

static int take_records(const struct secret *text, const char *const *names, size_t nr,
			struct secret *secrets, struct fault *f)
{
	const unsigned char *from = text->bytes;
	size_t left = text->len, nr_taken = 0;
	struct record record;
	int r;

	while (left > 0 && *from != 0) {
		if (take_record(&from, &left, &record) < 0)
			return refused(f, "the last one has no end");
		r = keep_record(&record, names, nr, secrets, f);
		if (r < 0)
			return r;
		nr_taken++;
	}
	if (left == 0 || nr_taken == 0)
		return refused(f, "there is none, or no end of them");
	for (; left > 0; left--)
		if (*from++ != 0)
			return refused(f, "there is more behind them");
	return 0;
}

int sealed_open(const struct sealed *sealed, const struct rescue_keys *keys,
		const char *const *names, size_t nr, struct secret *secrets, struct fault *f)
{
	_cleanup_secret_ struct secret text = SECRET_NULL;
	const struct hpke_psk psk = psk_of(keys->shared);
	struct fault why = { 0 };
	size_t i;
	int r;

	if (!keys->there)
		return refused(f, "this boot has no keys to open them");
	r = hpke_open(HPKE_AES_256_GCM, keys->private, &psk, info_of(sealed), aad_of(sealed),
		      (struct hpke_data){ sealed->data, sealed->len }, &text, &why);
	if (r == -EBADMSG)
		return refused(f, "they are sealed for another boot, or by somebody without R");
	fault_merge(f, &why);
	if (r >= 0)
		r = take_records(&text, names, nr, secrets, f);
	for (i = 0; r < 0 && i < nr; i++)
		secret_done(&secrets[i]);
	return r;
}
