/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * codec.c - base64 and hexadecimal, there and back.
 */
#include "owner/io/codec.h"

#include <errno.h>
#include <string.h>

#include "base/util.h"
#include "tap.h"

static void test_encodings(void)
{
	/* RFC 4648, section 10 */
	/* clang-format off */
	static const struct {
		const char *bytes, *base64, *hex;
	} cases[] = {
		{ "", "", "" }, { "f", "Zg==", "66" }, { "fo", "Zm8=", "666f" },
		{ "foo", "Zm9v", "666f6f" }, { "foob", "Zm9vYg==", "666f6f62" },
		{ "fooba", "Zm9vYmE=", "666f6f6261" }, { "foobar", "Zm9vYmFy", "666f6f626172" },
		{ "\xfb\xff\xbf", "+/+/", "fbffbf" },
	};
	/* clang-format on */
	static const char *const bad[] = { "Zm9",   "Zm9v=",  "Zm9vYg=",  "Zm9vYh==",
					   "Zg=v",  "====",   "Zm9-",	  "Zm9_",
					   "66666", "6g6666", "Zm9vZm9v", "" };
	unsigned char all[256], bytes[256];
	char text[513];
	size_t i, len;

	for (i = 0; i < ARRAY_SIZE(cases); i++) {
		len = strlen(cases[i].bytes);
		codec_text(CODEC_BASE64, (const unsigned char *)cases[i].bytes, len, text);
		is_str(text, cases[i].base64, "base64 of %zu bytes", len);
		is_int(codec_text_len(CODEC_BASE64, len), strlen(text), "... as long as told");
		codec_text(CODEC_HEX, (const unsigned char *)cases[i].bytes, len, text);
		is_str(text, cases[i].hex, "hexadecimal of %zu bytes", len);
	}
	for (i = 0; i < 256; i++)
		all[i] = (unsigned char)i;
	for (i = 0; i < 2; i++) {
		codec_text(i ? CODEC_HEX : CODEC_BASE64, all, sizeof(all), text);
		memset(bytes, 0, sizeof(bytes));
		ok(codec_parse(text, bytes, 256) == 0 && memcmp(all, bytes, 256) == 0,
		   "each byte goes through %s", i ? "hexadecimal" : "base64");
	}
	for (i = 0; i < ARRAY_SIZE(bad); i++) {
		bytes[0] = 77;
		ok(codec_parse(bad[i], bytes, 3) < 0 && bytes[0] == 77, "'%s' is not three bytes",
		   bad[i]);
	}
	ok(codec_parse("Zm9v", bytes, 3) == 0 && codec_parse("666F6f\n", bytes, 3) == 0 &&
		   codec_parse("Zm 9v\r\n", bytes, 3) == 0,
	   "white space does not matter");
}

static void test_names(void)
{
	enum codec codec = CODEC_HEX;

	ok(codec_from_name("binary", &codec) == 0 && codec == CODEC_BINARY, "binary");
	ok(codec_from_name("base64", &codec) == 0 && codec == CODEC_BASE64, "base64");
	ok(codec_from_name("hex", &codec) == 0 && codec == CODEC_HEX, "hex");
	ok(codec_from_name("Hex", &codec) == -EINVAL && codec_from_name("", &codec) == -EINVAL &&
		   codec == CODEC_HEX,
	   "and nothing else");
}

static void test_decoder(void)
{
	unsigned char out[2] = { 0 };
	struct codec_decoder d = { .codec = CODEC_HEX, .out = out, .size = sizeof(out) };
	const char *p;

	for (p = "00 fF\n"; *p; p++)
		is_int(codec_decode(&d, *p), 0, "a character of hexadecimal");
	ok(d.len == 2 && out[0] == 0 && out[1] == 0xff && codec_decode_end(&d) == 0, "two bytes");
	is_int(codec_decode(&d, '='), -EINVAL, "hexadecimal has no padding");
	is_int(codec_decode(&d, '1'), 0, "half a byte more");
	is_int(codec_decode_end(&d), -EINVAL, "... is not a whole text");
	is_int(codec_decode(&d, '2'), -EFBIG, "a byte more than there is room for");
}

int main(void)
{
	test_encodings();
	test_names();
	test_decoder();
	return tap_done();
}
