/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * luks1.h - what the owner of a disk with the older format can do.
 */
#ifndef COCO_OWNER_OLDFORMAT_H
#define COCO_OWNER_OLDFORMAT_H

#include <stddef.h>

#include "owner/disk/image.h"

/* Writes the way to a LUKS2 header into buf, of FAULT_NEXT_MAX bytes: a line for a shell, of root
 * where it needs a device; and returns true. False if the image has no LUKS1 header, or cannot be
 * read. */
bool luks1_way(const struct image *image, char *buf, size_t size);

/* Refuses a disk of which cryptsetup has re-encrypted a part: its header is LUKS1 no more, until
 * all is. Returns 0, or -EPERM with f. */
int luks1_refuse_begun(const struct image *image, struct fault *f);

#endif
