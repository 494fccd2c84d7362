/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * base64.c - base64 and base64url (RFC 4648), there and back.
 * Trusts no character; codes secrets without tables and branches that depend on them. May not do
 * I/O.
 */
#include "base/base64.h"

#include "base/util.h"

/* The two last digits are what sets the kinds apart. */
static int digit_62(enum base64 kind)
{
	return kind == BASE64_URL ? '-' : '+';
}

static int digit_63(enum base64 kind)
{
	return kind == BASE64_URL ? '_' : '/';
}

static char digit(enum base64 kind, unsigned int bits)
{
	int v = (int)(bits & 63);

	return (char)((util_within(v, 0, 25) & (v + 'A')) |
		      (util_within(v, 26, 51) & (v - 26 + 'a')) |
		      (util_within(v, 52, 61) & (v - 52 + '0')) |
		      (util_within(v, 62, 62) & digit_62(kind)) |
		      (util_within(v, 63, 63) & digit_63(kind)));
}

int base64_value(enum base64 kind, int c)
{
	return -1 + (util_within(c, 'A', 'Z') & (c - 'A' + 1)) +
	       (util_within(c, 'a', 'z') & (c - 'a' + 27)) +
	       (util_within(c, '0', '9') & (c - '0' + 53)) +
	       (util_within(c, digit_62(kind), digit_62(kind)) & 63) +
	       (util_within(c, digit_63(kind), digit_63(kind)) & 64);
}

size_t base64_encode(enum base64 kind, const unsigned char *bytes, size_t len, char *ret_text)
{
	unsigned int held = 0, bits = 0;
	size_t i, n = 0;

	for (i = 0; i < len; i++) {
		held = held << 8 | bytes[i];
		for (bits += 8; bits >= 6; bits -= 6)
			ret_text[n++] = digit(kind, held >> (bits - 6));
	}
	if (bits > 0)
		ret_text[n++] = digit(kind, held << (6 - bits));
	while (kind == BASE64_PADDED && n % 4 != 0)
		ret_text[n++] = '=';
	ret_text[n] = '\0';
	return n;
}

ssize_t base64_decode(enum base64 kind, const char *text, size_t len, unsigned char *ret_bytes,
		      size_t size)
{
	unsigned int held = 0, bits = 0;
	size_t padding = 0, n = 0, i;

	if (kind == BASE64_PADDED) {
		if (len % 4 != 0)
			return -EINVAL;
		while (padding < 2 && padding < len && text[len - 1 - padding] == '=')
			padding++;
	}
	for (i = 0; i < len - padding; i++) {
		int value = base64_value(kind, (unsigned char)text[i]);

		if (value < 0)
			return -EINVAL;
		held = held << 6 | (unsigned int)value;
		bits += 6;
		if (bits < 8)
			continue;
		if (n == size)
			return -EINVAL;
		bits -= 8;
		ret_bytes[n++] = (unsigned char)(held >> bits);
		held &= (1U << bits) - 1;
	}
	return held != 0 || bits == 6 ? -EINVAL : (ssize_t)n;
}
