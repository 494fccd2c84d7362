/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * mbr.h - the four entries of a DOS partition table (MBR).
 */
#ifndef COCO_OWNER_MBR_H
#define COCO_OWNER_MBR_H

#include "owner/disk/partition.h"

#define MBR_ENTRIES 4

/* True if the first sector is such a table with at least one entry. The boot sector of a FAT or an
 * NTFS is none; the protective MBR of a GPT is one. */
bool mbr_is_there(const struct image *image);

/* True if an entry of the table is that of a GPT, or if with `beside` there is another one, too. */
bool mbr_is_protective(const struct image *image, bool beside);

/*
 * Lists the entries in use, places unchecked but for overflow. `uuid` is what the kernel makes of
 * the disk's signature: 8 digits, a dash, and the number. Returns how many there are.
 */
int mbr_list(const struct image *image, uint32_t sector_size,
	     struct partition ret_parts[MBR_ENTRIES]);

/* True if this partition is one that only holds others: logical ones. */
bool mbr_is_extended(const struct partition *part);

/* True if each place still has a number in sectors of 32 bits once the image's partition has grown
 * by so many bytes, and those behind it have moved. */
bool mbr_can_grow(const struct image *image, uint64_t growth);

/* As partition_grow(), for a copy whose first sector is the image's. Logical partitions need no
 * change: their places count from the extended one. Returns 0 or -errno. */
int mbr_grow(int fd, const struct image *image, uint64_t growth);

#endif
