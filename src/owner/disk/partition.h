/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * partition.h - makes room in a partition table.
 */
#ifndef COCO_OWNER_GPT_H
#define COCO_OWNER_GPT_H

#include "owner/disk/image.h"

/*
 * For a copy (fd, open for writing) of the image that is `growth` bytes longer: gives the
 * image's partition that much more at its end, moves all that are behind it, and writes the
 * protective MBR and both tables. Numbers, types, names, UUIDs and attributes stay. The bytes
 * of the partitions are the caller's to move. `growth` is a multiple of 4096.
 * Returns 0, or -EINVAL, -ENOMEM or -EIO with f saying no-device.
 */
int gpt_grow(int fd, const struct image *image, uint64_t growth, struct fault *f);

#endif
