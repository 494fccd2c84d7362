/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * base64.c - base64 and base64url, there and back: the texts of RFC 4648, each byte, each character
 * in each place, and what is not the one text of its bytes.
 */
#include "base/base64.h"

#include <string.h>

#include "base/util.h"
#include "tap.h"

/* RFC 4648, section 10, and the digits that the two kinds do not share. */
static void test_vectors(void)
{
	static const struct {
		const char *bytes, *padded, *url;
	} cases[] = {
		{ "", "", "" },
		{ "f", "Zg==", "Zg" },
		{ "fo", "Zm8=", "Zm8" },
		{ "foo", "Zm9v", "Zm9v" },
		{ "foob", "Zm9vYg==", "Zm9vYg" },
		{ "fooba", "Zm9vYmE=", "Zm9vYmE" },
		{ "foobar", "Zm9vYmFy", "Zm9vYmFy" },
		{ "\xff", "/w==", "_w" },
		{ "\xfb\xef\xbe", "++++", "----" },
		{ "\xff\xff\xff", "////", "____" },
		{ "\xfb\xff", "+/8=", "-_8" },
	};
	unsigned char bytes[16];
	char text[16];
	size_t i, kind;

	for (i = 0; i < ARRAY_SIZE(cases); i++)
		for (kind = BASE64_PADDED; kind <= BASE64_URL; kind++) {
			const char *want = kind == BASE64_URL ? cases[i].url : cases[i].padded;
			size_t len = strlen(cases[i].bytes), n;

			memset(text, 'x', sizeof(text));
			n = base64_encode((enum base64)kind, (const unsigned char *)cases[i].bytes,
					  len, text);
			is_str(text, want, "%zu bytes as kind %zu", len, kind);
			ok(n == strlen(want) && n < BASE64_SIZE(len) && text[n + 1] == 'x',
			   "... and as long as it says");
			is_int(base64_decode((enum base64)kind, want, strlen(want), bytes, len),
			       (long)len, "... and back");
			ok(memcmp(bytes, cases[i].bytes, len) == 0, "... these bytes");
			ok(len == 0 || base64_decode((enum base64)kind, want, strlen(want), bytes,
						     len - 1) == -EINVAL,
			   "... not into one less");
		}
}

/* Three bytes are four digits; of each place all 256 characters are tried. */
static void test_characters(void)
{
	static const char digits[] =
		"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";
	unsigned char bytes[3];
	char text[8], again[8];
	size_t place, kind, wrong = 0, taken = 0;
	int c;

	for (kind = BASE64_PADDED; kind <= BASE64_URL; kind++)
		for (place = 0; place < 4; place++)
			for (c = 0; c < 256; c++) {
				const char *more = kind == BASE64_URL ? "-_" : "+/";
				bool digit = c != 0 && (strchr(digits, c) || strchr(more, c));

				memcpy(text, "AAAA", 5);
				text[place] = (char)c;
				/* Padding is no digit, and has its own cases. */
				if (kind == BASE64_PADDED && place == 3 && c == '=')
					continue;
				if (base64_decode((enum base64)kind, text, 4, bytes, 3) < 0) {
					wrong += digit;
					continue;
				}
				taken++;
				(void)base64_encode((enum base64)kind, bytes, 3, again);
				wrong += !digit || strcmp(text, again) != 0;
			}
	is_int((long)wrong, 0, "each digit, and no other character");
	is_int((long)taken, 2 * 4 * 64, "... all of them");
}

static void test_bad(void)
{
	static const struct {
		enum base64 kind;
		const char *text, *what;
	} bad[] = {
		{ BASE64_PADDED, "Zg", "no padding" },
		{ BASE64_PADDED, "Zg=", "half of it" },
		{ BASE64_PADDED, "Zm8==", "one too many" },
		{ BASE64_PADDED, "Zm9v=", "padding without a cause" },
		{ BASE64_PADDED, "Zm9v====", "a group of padding" },
		{ BASE64_PADDED, "Z===", "three" },
		{ BASE64_PADDED, "====", "four" },
		{ BASE64_PADDED, "=Zg=", "padding in front" },
		{ BASE64_PADDED, "Zg=v", "padding before a digit" },
		{ BASE64_PADDED, "Zg==Zm9v", "padding in the middle" },
		{ BASE64_PADDED, "Zh==", "bits left over" },
		{ BASE64_PADDED, "Zm9=", "two bits left over" },
		{ BASE64_PADDED, "Zm 9v", "a blank" },
		{ BASE64_PADDED, "Zm9v\n", "a line feed" },
		{ BASE64_URL, "Zg==", "padding" },
		{ BASE64_URL, "Z", "a digit that ends no byte" },
		{ BASE64_URL, "A", "a digit of no bits that ends no byte" },
		{ BASE64_URL, "Zm9vA", "the same behind a group" },
		{ BASE64_URL, "Zh", "bits left over" },
		{ BASE64_URL, "Zm9", "two bits left over" },
		{ BASE64_URL, "Zm9v\n", "a line feed" },
	};
	unsigned char bytes[16];
	size_t i;

	for (i = 0; i < ARRAY_SIZE(bad); i++)
		is_int(base64_decode(bad[i].kind, bad[i].text, strlen(bad[i].text), bytes,
				     sizeof(bytes)),
		       -EINVAL, "kind %d: %s", (int)bad[i].kind, bad[i].what);
	is_int(base64_decode(BASE64_PADDED, "Zm9vZm9v", 4, bytes, 3), 3,
	       "the text ends at its length");
}

static void test_all_bytes(void)
{
	unsigned char all[256], bytes[256];
	char text[BASE64_SIZE(256)];
	size_t kind, len, i;
	bool good;

	for (i = 0; i < sizeof(all); i++)
		all[i] = (unsigned char)(i * 167 + 3);
	for (kind = BASE64_PADDED; kind <= BASE64_URL; kind++) {
		good = true;
		for (len = 0; len <= sizeof(all); len++) {
			size_t n = base64_encode((enum base64)kind, all, len, text);

			memset(bytes, 0, sizeof(bytes));
			good = good &&
			       base64_decode((enum base64)kind, text, n, bytes, len) == (long)len &&
			       memcmp(all, bytes, len) == 0;
		}
		ok(good, "each length goes through kind %zu", kind);
	}
}

int main(void)
{
	test_vectors();
	test_characters();
	test_bad();
	test_all_bytes();
	return tap_done();
}
