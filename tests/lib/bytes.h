/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * bytes.h - bytes from and to hexadecimal text, for the vectors of the owner's unit tests.
 * Gives up the whole test on a wrong text. Not for real secrets: it makes copies.
 */
#ifndef BYTES_H
#define BYTES_H

#include <stdlib.h>

#include "base/secret.h"
#include "tap.h"

#define BYTES_MUST(condition)                                                            \
	do {                                                                             \
		if (!(condition)) {                                                      \
			printf("Bail out! %s:%d: %s\n", __FILE__, __LINE__, #condition); \
			exit(99);                                                        \
		}                                                                        \
	} while (0)

/* Returns the number of bytes; spaces are skipped. */
static inline size_t bytes_from_hex(const char *text, unsigned char *out, size_t size)
{
	size_t len = 0;

	for (; *text; text += 2) {
		unsigned int byte;

		while (*text == ' ')
			text++;
		if (!*text)
			break;
		BYTES_MUST(len < size && sscanf(text, "%2x", &byte) == 1 && text[1]);
		out[len++] = (unsigned char)byte;
	}
	return len;
}

/* In one of four buffers. */
static inline const char *bytes_hex(const void *data, size_t len)
{
	static char buffers[4][2 * SECRET_CAPACITY + 1];
	static unsigned int next;
	char *buf = buffers[next++ % 4];
	size_t i;

	buf[0] = '\0';
	for (i = 0; i < len && i < SECRET_CAPACITY; i++)
		(void)sprintf(buf + 2 * i, "%02x", ((const unsigned char *)data)[i]);
	return buf;
}

/* A new secret with these bytes. */
static inline struct secret bytes_secret(const void *data, size_t len)
{
	struct secret s;

	BYTES_MUST(len <= SECRET_CAPACITY && secret_init(&s, &(struct fault){ 0 }) == 0);
	memcpy(s.bytes, data, len);
	s.len = len;
	return s;
}

static inline struct secret bytes_secret_hex(const char *text)
{
	unsigned char bytes[SECRET_CAPACITY];

	return bytes_secret(bytes, bytes_from_hex(text, bytes, sizeof(bytes)));
}

#endif
