/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * luks1.h - what the owner of a disk with the older format can do.
 */
#ifndef COCO_OWNER_OLDFORMAT_H
#define COCO_OWNER_OLDFORMAT_H

#include <stddef.h>

#include "owner/disk/image.h"

/* Writes the way to a LUKS2 header, with commands that run as they are, and returns true; false if
 * the image has no LUKS1 header, or cannot be read. */
bool luks1_way(const struct image *image, char *buf, size_t size);

#endif
