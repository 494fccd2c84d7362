/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * names.h - GUIDs of entries by name.
 */
#ifndef COCO_OWNER_NAMES_H
#define COCO_OWNER_NAMES_H

#include "base/guid.h"

/* Reads an alias or a GUID of either case. Returns 0 or -EINVAL. */
int names_parse(const char *text, char ret_guid[static GUID_TEXT_SIZE]);

/* The alias of a GUID in lower case, such as "luks-key", or NULL. */
const char *names_alias(const char *guid);

/* What an entry with this GUID is for, or NULL. */
const char *names_meaning(const char *guid);

#endif
