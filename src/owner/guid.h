/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * guid.h - GUIDs: as text, as the bytes that UEFI makes of them, and by name.
 */
#ifndef COCO_OWNER_GUID_H
#define COCO_OWNER_GUID_H

#include "text.h"

#define GUID_SIZE 16

/* UEFI's form: the first three fields little-endian, the last eight bytes as printed. The text
 * is one that text_guid() or guid_text() has made. */
void guid_bytes(const char guid[static GUID_TEXT_SIZE], unsigned char ret_bytes[static GUID_SIZE]);
void guid_text(const unsigned char bytes[static GUID_SIZE], char ret_guid[static GUID_TEXT_SIZE]);

/* Reads an alias or a GUID of either case. Returns 0 or -EINVAL. */
int guid_parse(const char *text, char ret_guid[static GUID_TEXT_SIZE]);

/* The alias of a GUID in lower case, such as "luks-key", or NULL. */
const char *guid_alias(const char *guid);

/* What an entry with this GUID is for, or NULL. */
const char *guid_meaning(const char *guid);

#endif
