/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * binheader.h - the binary part of a LUKS2 header, both copies.
 */
#ifndef COCO_BINHEADER_H
#define COCO_BINHEADER_H

#include "disk/header.h"

#define BINHEADER_UUID_SIZE 40 /* with the final NUL */

/*
 * Judges the binary headers of two copies of copy_size bytes each, of which the first starts with
 * the LUKS2 magic: sizes, offsets, checksums, both copies alike, label and subsystem printable.
 * Fills ret_uuid with the printable UUID. Returns NULL, or the name of the broken rule.
 *
 * Fields and checksum: LUKS2 On-Disk Format Specification 1.1, section 2.1.
 */
const char *binheader_judge(const unsigned char *metadata, size_t copy_size,
			    char ret_uuid[BINHEADER_UUID_SIZE]);

/* What the first copy says of its own size, in bytes: any number at all. */
uint64_t binheader_size(const unsigned char *metadata);

#endif
