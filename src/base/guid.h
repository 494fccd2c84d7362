/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * guid.h - GUIDs: as text, and as the bytes that UEFI makes of them.
 */
#ifndef COCO_GUID_H
#define COCO_GUID_H

#include "base/util.h"

#define GUID_SIZE 16 /* bytes */
#define GUID_TEXT_LEN 36
#define GUID_TEXT_SIZE (GUID_TEXT_LEN + 1)

/* Accepts a GUID in its usual text form, either case; writes it in lower case.
 * Returns 0 or -EINVAL. */
int guid_from_text(const char *s, char ret_guid[static GUID_TEXT_SIZE]);

/* UEFI's form: the first three fields little-endian, the last eight bytes as printed. The text
 * is one that guid_from_text() or guid_text() has made. */
void guid_bytes(const char guid[static GUID_TEXT_SIZE], unsigned char ret_bytes[static GUID_SIZE]);
void guid_text(const unsigned char bytes[static GUID_SIZE], char ret_guid[static GUID_TEXT_SIZE]);

#endif
