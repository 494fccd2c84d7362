/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * xts.h - AES-256-XTS with the sector's number in front, as dm-crypt's aes-xts-plain64.
 */
#ifndef COCO_OWNER_XTS_H
#define COCO_OWNER_XTS_H

#include <stdint.h>

#include "base/secret.h"

#define XTS_KEY_SIZE 64 /* bytes: two AES-256 keys */
#define XTS_IV_UNIT 512 /* bytes: plain64 counts these, however large the sectors are */

/* A key made ready; each thread needs its own. */
struct xts;

/* Returns 0, -EINVAL (not 64 bytes, or both halves alike, which IEEE 1619 forbids) or -ENOMEM. */
int xts_new(const struct secret *key, struct xts **ret_xts);

/*
 * Encrypts or decrypts in place. `offset` is that of buf in the volume; it and len are
 * multiples of sector_size (512 to 4096). Returns 0 or -EIO (libcrypto fails).
 *
 * IEEE Std 1619-2007; the tweak is offset / 512 in 64 bits, little endian, then zeros:
 * Documentation/admin-guide/device-mapper/dm-crypt.rst, without iv_large_sectors.
 */
int xts_encrypt(struct xts *xts, unsigned char *buf, size_t len, uint64_t offset,
		uint32_t sector_size);
int xts_decrypt(struct xts *xts, unsigned char *buf, size_t len, uint64_t offset,
		uint32_t sector_size);

/* Wipes the key; takes NULL. */
void xts_free(struct xts *xts);

#endif
