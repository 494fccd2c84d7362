/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * text.h - checks and splits text that may come from a hostile place.
 */
#ifndef COCO_TEXT_H
#define COCO_TEXT_H

#include <stdbool.h>
#include <stdint.h>

#include "util.h"

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

#define GUID_TEXT_LEN 36
#define GUID_TEXT_SIZE (GUID_TEXT_LEN + 1)

/* The GUID of a disk secret; the name EFI_DISKPASSWD of GRUB's efisecret patches, and the
 * alias luks-key of libvirt's virt-qemu-sev-validate(1). */
#define GUID_DISK_SECRET "736869e5-84f0-4973-92ec-06879ce3da0b"
/* The example of Linux' Documentation/security/secrets/coco.rst: one byte pair differs. */
#define GUID_KERNEL_EXAMPLE "736870e5-84f0-4973-92ec-06879ce3da0b"

/* Accepts a GUID in its usual text form, either case; writes it in lower case.
 * Returns 0 or -EINVAL. */
int text_guid(const char *s, char ret_guid[static GUID_TEXT_SIZE]);

#endif
