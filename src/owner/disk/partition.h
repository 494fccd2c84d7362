/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * partition.h - the partitions of an image (GPT), and how one of them grows.
 */
#ifndef COCO_OWNER_PARTITION_H
#define COCO_OWNER_PARTITION_H

#include "owner/disk/image.h"

#define PARTITIONS_MAX 128

/* One partition of the table; places in bytes. */
struct partition {
	unsigned int number; /* from 1 */
	uint64_t offset;
	uint64_t size;
	char name[IMAGE_NAME_SIZE];
	char uuid[IMAGE_UUID_SIZE];
	char type[IMAGE_UUID_SIZE];
};

/*
 * Lists the used partitions of the GPT of an open image, in the order of their places.
 * Returns their number (0 without a GPT), or -EINVAL or -ENOMEM with f as image_open() has it.
 */
int partition_list(const struct image *image, struct partition ret_parts[PARTITIONS_MAX],
		   struct fault *f);

/* True if a GPT signature is at its place, whether or not the rest of it is valid. */
bool partition_has_gpt(const struct image *image);

/*
 * Makes one partition the part of an open image that counts: the one of this number, name or
 * UUID. Returns 0, or -EINVAL or -ENOMEM with f.
 */
int partition_select(struct image *image, const char *wanted, struct fault *f);

/*
 * For a copy (fd, open for writing) of the image that is `growth` bytes longer: gives the
 * image's partition that much more at its end, moves all that are behind it, and writes the
 * protective MBR and both tables. Numbers, types, names, UUIDs and attributes stay. The bytes
 * of the partitions are the caller's to move. `growth` is a multiple of 4096.
 * Returns 0, or -EINVAL, -ENOMEM or -EIO with f saying no-device.
 */
int partition_grow(int fd, const struct image *image, uint64_t growth, struct fault *f);

#endif
