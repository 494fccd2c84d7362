/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * filesystem.h - what is in an image.
 */
#ifndef COCO_OWNER_FILESYSTEM_H
#define COCO_OWNER_FILESYSTEM_H

#include "base/fault.h"
#include "owner/disk/image.h"

#define FILESYSTEM_TYPE_SIZE 32

struct filesystem {
	char type[FILESYSTEM_TYPE_SIZE]; /* as in ext4, xfs, btrfs: libblkid's names */
	uint64_t size;			 /* bytes; 0 if it is not known for this type */
	uint64_t unit;			 /* bytes: it reads and writes no less; 0 as above */
	const char *gather; /* how what is on other devices comes to this one; NULL: nothing is */
};

/*
 * Looks at the image's part. Refuses (EXITCODE_REFUSED) what is encrypted already, an EFI system
 * partition, which the firmware could not read any more, what has no file system or a part of a
 * larger set (LVM, RAID), and what has a part on another device, which would stay plain; and one
 * that is larger than its place (EXITCODE_BAD_INPUT). Returns 0 or what fault_about() returns.
 */
int filesystem_look(const struct image *image, struct filesystem *ret_fs, struct fault *f);

/* Refuses an image that is encrypted, by the tool that libblkid calls `type`; next is prepare. */
int filesystem_refuse_encrypted(const struct image *image, const char *type, struct fault *f);

/* Refuses a file whose size is no multiple of `unit` bytes. */
int filesystem_refuse_rest(const struct image *image, uint32_t unit, struct fault *f);

/*
 * What is in another part of the image that is not encrypted: a file system, swap, or a member of
 * LVM or RAID, as libblkid names it; empty if it knows nothing there. Returns 0 or negative with f.
 */
int filesystem_find_plain(const struct image *image, uint64_t offset, uint64_t size,
			  char ret_type[FILESYSTEM_TYPE_SIZE], struct fault *f);

/*
 * The sectors, in bytes, that the volume of this file system can have: 4096, which cost the guest
 * and us less, if it never asks for less and fills its place in the image with them; else 512.
 */
uint32_t filesystem_sector_size(const struct filesystem *fs, const struct image *image);

/*
 * Refuses sectors of the volume that somebody has asked for (bytes; 0: nobody has) if the file
 * system may ask for less than one of them, since no kernel could then mount it (EXITCODE_REFUSED),
 * or if they do not fill its place (EXITCODE_BAD_INPUT). Only ext2 to ext4, xfs and btrfs say how
 * much they ask for; what does not say gets no more than 512. Returns 0 or negative with f set.
 */
int filesystem_check_sectors(const struct filesystem *fs, const struct image *image,
			     uint32_t sector_size, struct fault *f);

#endif
