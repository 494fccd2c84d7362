/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * digest.h - SHA-256 and HMAC-SHA256, by libcrypto, which libcryptsetup brings along anyway.
 */
#ifndef COCO_DIGEST_H
#define COCO_DIGEST_H

#include <stdbool.h>

#include "base/util.h"

#define DIGEST_SIZE 32			       /* bytes */
#define DIGEST_TEXT_SIZE (2 * DIGEST_SIZE + 1) /* lower case hexadecimal, with the final NUL */

struct digest {
	unsigned char octets[DIGEST_SIZE];
};

/*
 * Makes libcrypto ready, so that later calls open no file: it reads its configuration here,
 * or never. Returns 0 or -ENOTSUP (it has no SHA-256).
 */
int digest_init_library(void);

/* FIPS 180-4. Returns 0 or -ENOTSUP. */
int digest_sha256(const void *data, size_t len, struct digest *ret_digest);

/* The same over several parts, one behind the other. Returns 0 or -ENOTSUP (no memory, too). */
struct digest_part {
	const void *data;
	size_t len;
};
int digest_sha256_parts(const struct digest_part *parts, size_t nr, struct digest *ret_digest);

/* RFC 2104 with SHA-256. Returns 0 or -ENOTSUP. */
int digest_hmac_sha256(const void *key, size_t key_len, const char *text,
		       struct digest *ret_digest);

/* In constant time. */
bool digest_equal(const struct digest *a, const struct digest *b);

/* 64 lower case hexadecimal digits, nothing behind them. Returns 0 or -EINVAL. */
int digest_parse(const char *text, struct digest *ret_digest);

/* The same digits. */
void digest_text(const struct digest *digest, char ret_text[static DIGEST_TEXT_SIZE]);

#endif
