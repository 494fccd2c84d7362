/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * devicespec.h - the second column of cocotab: which device a volume is on.
 *
 * Formats: what libblkid can say. A LUKS2 header has room for a label of 47 bytes and a NUL (LUKS2
 * On-Disk Format Specification 1.1, section 2.1), and the header's rules want them printable; a
 * UUID is as libuuid writes it; that of a partition is one, or 8 hexadecimal digits of an MBR and,
 * behind a hyphen, the partition's number. Escapes are those of fstab(5) and udev.
 */
#ifndef COCO_DEVICESPEC_H
#define COCO_DEVICESPEC_H

#include "conf/conf.h"

#define DEVICESPEC_LABEL_MAX 47 /* bytes */

/* Cuts the next column off, as text_word() with blanks does; blanks inside of double quotes are
 * part of it. NULL if there is none. */
char *devicespec_word(char **cursor);

/*
 * Understands a column, which is changed in place: quotes are taken off, and in a label \040, \x20,
 * \\ and \" are undone. Returns 0, or -EINVAL with *ret_why (a constant string) saying what is
 * wrong with what is then in `word`: also of a device that can never be there.
 */
int devicespec_parse(char *word, struct device_spec *ret_spec, const char **ret_why);

/* "UUID=" and so on; empty for a path and auto. */
const char *devicespec_prefix(enum device_kind kind);

#endif
