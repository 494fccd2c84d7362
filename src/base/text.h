/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * text.h - checks and splits text that may come from a hostile place.
 */
#ifndef COCO_TEXT_H
#define COCO_TEXT_H

#include <stdbool.h>
#include <stdint.h>

#include "base/util.h"

/* Copies src to dst (size bytes, always terminated); what is not plain ASCII becomes '?',
 * a double quote becomes a single one. */
void text_printable(const char *src, char *dst, size_t size);

/* Adds to a terminated string in a buffer of size bytes; what does not fit is cut. */
void text_append(char *dst, size_t size, const char *fmt, ...) _printf_(3, 4);

/* Decimal digits only, no sign, no space, at most max. Returns 0, -EINVAL or -ERANGE. */
int text_u64(const char *s, uint64_t max, uint64_t *ret_value);

/* Returns the next word of *cursor (separated by any byte of `separators`), terminated in
 * place, and moves the cursor behind it; NULL at the end. */
char *text_word(char **cursor, const char *separators);

/* Removes white space at both ends, in place. */
char *text_strip(char *s);

#endif
