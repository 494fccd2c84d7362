/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * partition.h - the partitions of an image (GPT or MBR), and how one of them grows.
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
	char type[IMAGE_UUID_SIZE]; /* GUID; of an MBR 0x and two digits */
	bool active;		    /* MBR: boot code may be in it */
};

/*
 * Lists the used partitions of an open image, of an MBR the primary ones, in the order of their
 * places. Returns their number (0 without a table), or -EINVAL or -ENOMEM with f as image_open()
 * has it.
 */
int partition_list(const struct image *image, struct partition ret_parts[PARTITIONS_MAX],
		   struct fault *f);

#define PARTITION_LISTER_SIZE 1152 /* bytes */

/* The command of a next step that lists number, place, name and UUID of each partition. Returns
 * buf. */
const char *partition_lister(const struct image *image, char buf[PARTITION_LISTER_SIZE]);

/* True if a partition table is at its place, whether or not the rest of it is valid. */
bool partition_has_table(const struct image *image);

/* True if this type, as struct partition has it, is that of an EFI system partition. */
bool partition_type_is_esp(const char *type);

/*
 * Makes one partition the part of an open image that counts: the one of this number, name or
 * UUID. A logical partition of an MBR is refused. Returns 0, or negative with f.
 */
int partition_select(struct image *image, const char *wanted, struct fault *f);

/*
 * Refuses what partition_grow() could not do, or not without a loss: damage in a copy of a GPT,
 * with the command that repairs it; a hybrid MBR; places that an MBR has no numbers for. Before
 * anything is written. Returns 0 or negative with f.
 */
int partition_check_growth(const struct image *image, uint64_t growth, struct fault *f);

/*
 * For a copy (fd, open for writing) of the image that is `growth` bytes longer: gives the
 * image's partition that much more at its end, moves all that are behind it, and writes the
 * protective MBR and both tables. Numbers, types, names, UUIDs and attributes stay. The bytes
 * of the partitions are the caller's to move. `growth` is a multiple of 4096.
 * Returns 0, or -EINVAL, -ENOMEM or -EIO with f saying no-device.
 */
int partition_grow(int fd, const struct image *image, uint64_t growth, struct fault *f);

#endif
