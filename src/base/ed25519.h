/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * ed25519.h - which public keys of Ed25519 (RFC 8032) are no good.
 */
#ifndef COCO_ED25519_H
#define COCO_ED25519_H

#include <stdbool.h>

#define ED25519_KEY_SIZE 32 /* bytes of a public key */

/* Is the order of this point a divisor of 8? Anybody can sign for such a key; 32 zero bytes are
 * one. */
bool ed25519_has_small_order(const unsigned char key[static ED25519_KEY_SIZE]);

#endif
