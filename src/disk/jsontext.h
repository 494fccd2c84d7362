/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * jsontext.h - a look at the raw text of JSON, before a parser makes a tree of it and
 * forgets what was written twice.
 */
#ifndef COCO_JSONTEXT_H
#define COCO_JSONTEXT_H

#include "base/util.h"

#define JSONTEXT_DEPTH_MAX 8	  /* LUKS2 needs 5 */
#define JSONTEXT_VALUES_MAX 16384 /* in all: time and memory stay small, however long the text */
#define JSONTEXT_MEMBERS_MAX 256  /* of all objects that are open at one point */

/*
 * Checks that the text is one JSON object (RFC 8259) and nothing behind it but white space,
 * ASCII only, not deeper than JSONTEXT_DEPTH_MAX, of no more
 * than JSONTEXT_VALUES_MAX values. Names of members are stricter than the
 * RFC: no backslash, so that no name can be spelled in two ways. Returns 0, -EINVAL (not
 * such a text), -E2BIG (too deep, too many members or
 * values) or -EEXIST (an object has a name twice).
 */
int jsontext_check(const char *text, size_t len);

#endif
