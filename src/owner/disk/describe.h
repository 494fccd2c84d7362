/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * describe.h - what a LUKS2 header says of itself, for a person.
 */
#ifndef COCO_OWNER_DESCRIBE_H
#define COCO_OWNER_DESCRIBE_H

#include "owner/disk/header.h"

/* Both write one line without its end, cut if it is too long. */

/* Key derivation and priority of a keyslot, such as "pbkdf2 sha256, 1000 iterations". */
void describe_keyslot(const struct luksheader *header, int keyslot, char *buf, size_t size);

/* Cipher, place of the data, digest and flags. */
void describe_header(const struct luksheader *header, char *buf, size_t size);

#endif
