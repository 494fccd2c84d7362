/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * base64.h - base64 and base64url (RFC 4648), in one line of text without white space.
 */
#ifndef COCO_BASE64_H
#define COCO_BASE64_H

#include <stddef.h>
#include <sys/types.h>

enum base64 {
	BASE64_PADDED, /* section 4, with = at the end */
	BASE64_URL,    /* section 5, without padding */
};

/* Bytes of the text of len bytes, with its NUL; one or two more than it takes in base64url. */
#define BASE64_SIZE(len) (((len) + 2) / 3 * 4 + 1)

/* Writes at most BASE64_SIZE(len) bytes, and returns the length of the text. Works without tables
 * and branches that depend on the bytes: they may be secret. The text is the caller's to wipe. */
size_t base64_encode(enum base64 kind, const unsigned char *bytes, size_t len, char *ret_text);

/* Of a digit, 0..63, or negative if this character is none. Also without tables and branches. */
int base64_value(enum base64 kind, int c);

/*
 * Bytes have one text alone: with the padding of its kind, and no bit that stands for nothing.
 * Returns how many they are, or -EINVAL, also if there are more than size; ret_bytes may have
 * changed even then.
 */
ssize_t base64_decode(enum base64 kind, const char *text, size_t len, unsigned char *ret_bytes,
		      size_t size);

#endif
