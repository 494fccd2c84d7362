/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * codec.h - how bytes are written down: as they are, in base64 or in hexadecimal.
 */
#ifndef COCO_OWNER_CODEC_H
#define COCO_OWNER_CODEC_H

#include <stddef.h>

enum codec {
	CODEC_BINARY,
	CODEC_BASE64, /* RFC 4648 section 4, with padding; one line when written */
	CODEC_HEX,    /* lower case when written; one line */
};

/* "binary", "base64" or "hex". Returns 0 or -EINVAL. */
int codec_from_name(const char *name, enum codec *ret_codec);

/* What these first bytes of a file are in; text if they could be nothing else but text. */
enum codec codec_guess(const unsigned char *bytes, size_t len);

/* A text on its way to bytes. The caller sets codec (not CODEC_BINARY), out and size; the rest
 * is zero at first. `out` holds len bytes, also of a secret: it is the caller's to wipe. */
struct codec_decoder {
	enum codec codec;
	unsigned int bits, nr_bits; /* not yet written */
	unsigned int nr_chars;	    /* of the text, without white space */
	unsigned int nr_padding;
	unsigned char *out;
	size_t len, size;
};

/* Takes one character, 0..255; white space is skipped. Returns 0, -EINVAL for one that does not
 * belong there, or -EFBIG if out is full. */
int codec_decode(struct codec_decoder *d, int c);

/* Was the text whole? Returns 0 or -EINVAL. */
int codec_decode_end(const struct codec_decoder *d);

/*
 * Reads exactly size bytes from text: hexadecimal if it has twice as many digits, else base64.
 * For values that are no secrets, and for size >= 3. Returns 0 or -EINVAL.
 */
int codec_parse(const char *text, unsigned char *ret_bytes, size_t size);

/* How many characters the encoding of len bytes has, and the text itself with its NUL; not for
 * CODEC_BINARY. The text of a secret is the caller's to wipe. */
size_t codec_text_len(enum codec codec, size_t len);
void codec_text(enum codec codec, const unsigned char *bytes, size_t len, char *ret_text);

#endif
