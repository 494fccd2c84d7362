/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * codec.c - bytes in base64 and in hexadecimal.
 * Trusts no character; codes secrets without tables and branches that depend on them. May not
 * do I/O.
 */
#include "owner/io/codec.h"

#include <errno.h>
#include <stdbool.h>
#include <string.h>

#include "base/base64.h"
#include "base/util.h"

int codec_from_name(const char *name, enum codec *ret_codec)
{
	static const char *const names[] = {
		[CODEC_BINARY] = "binary",
		[CODEC_BASE64] = "base64",
		[CODEC_HEX] = "hex",
	};
	size_t i;

	for (i = 0; i < ARRAY_SIZE(names); i++) {
		if (strcmp(name, names[i]) != 0)
			continue;
		*ret_codec = (enum codec)i;
		return 0;
	}
	return -EINVAL;
}

static bool is_space(int c)
{
	return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

/* 0..15, or negative. */
static int hex_value(int c)
{
	return -1 + (util_within(c, '0', '9') & (c - '0' + 1)) +
	       (util_within(c, 'a', 'f') & (c - 'a' + 11)) +
	       (util_within(c, 'A', 'F') & (c - 'A' + 11));
}

static char hex_char(int v)
{
	return (char)((util_within(v, 0, 9) & (v + '0')) |
		      (util_within(v, 10, 15) & (v - 10 + 'a')));
}

enum codec codec_guess(const unsigned char *bytes, size_t len)
{
	bool hex = true;
	size_t i;

	for (i = 0; i < len; i++) {
		if (is_space(bytes[i]))
			continue;
		if (base64_value(BASE64_PADDED, bytes[i]) < 0 && bytes[i] != '=')
			return CODEC_BINARY;
		hex = hex && hex_value(bytes[i]) >= 0;
	}
	return len == 0 ? CODEC_BINARY : hex ? CODEC_HEX : CODEC_BASE64;
}

int codec_decode(struct codec_decoder *d, int c)
{
	int value = d->codec == CODEC_HEX ? hex_value(c) : base64_value(BASE64_PADDED, c);

	if (is_space(c))
		return 0;
	d->nr_chars++;
	if (d->codec == CODEC_BASE64 && c == '=')
		return ++d->nr_padding > 2 ? -EINVAL : 0;
	if (value < 0 || d->nr_padding > 0)
		return -EINVAL;
	d->nr_bits += d->codec == CODEC_HEX ? 4 : 6;
	d->bits = d->bits << (d->codec == CODEC_HEX ? 4 : 6) | (unsigned int)value;
	if (d->nr_bits < 8)
		return 0;
	if (d->len == d->size)
		return -EFBIG;
	d->nr_bits -= 8;
	d->out[d->len++] = (unsigned char)(d->bits >> d->nr_bits);
	d->bits &= (1U << d->nr_bits) - 1;
	return 0;
}

int codec_decode_end(const struct codec_decoder *d)
{
	unsigned int group = d->codec == CODEC_HEX ? 2 : 4;

	return d->nr_chars % group != 0 || d->bits != 0 || d->nr_bits >= 6 ? -EINVAL : 0;
}

int codec_parse(const char *text, unsigned char *ret_bytes, size_t size)
{
	struct codec_decoder d = { .size = size };
	_cleanup_free_ unsigned char *out = malloc(size);
	size_t nr_chars = 0;
	const char *p;

	if (!out)
		return -EINVAL;
	for (p = text; *p; p++)
		nr_chars += !is_space(*p);
	d.codec = nr_chars == 2 * size ? CODEC_HEX : CODEC_BASE64;
	for (d.out = out; *text; text++)
		if (codec_decode(&d, (unsigned char)*text) < 0)
			return -EINVAL;
	if (codec_decode_end(&d) < 0 || d.len != size)
		return -EINVAL;
	memcpy(ret_bytes, out, size);
	return 0;
}

size_t codec_text_len(enum codec codec, size_t len)
{
	return codec == CODEC_HEX ? 2 * len : BASE64_SIZE(len) - 1;
}

void codec_text(enum codec codec, const unsigned char *bytes, size_t len, char *ret_text)
{
	size_t i;

	if (codec != CODEC_HEX) {
		(void)base64_encode(BASE64_PADDED, bytes, len, ret_text);
		return;
	}
	for (i = 0; i < len; i++) {
		*ret_text++ = hex_char(bytes[i] >> 4);
		*ret_text++ = hex_char(bytes[i] & 15);
	}
	*ret_text = '\0';
}
