/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * room.h - is there room to encrypt a disk where it is, so that nothing is lost?
 */
#ifndef COCO_OWNER_ROOM_H
#define COCO_OWNER_ROOM_H

#include "base/fault.h"
#include "owner/disk/image.h"
#include "owner/disk/new.h"

#define ROOM_SIZE \
	(2 * NEWHEADER_SIZE) /* bytes: for the header, and for the part that is moved first */
/* Bytes of the whole disk: in a smaller one, libcryptsetup would encrypt the part that was moved
 * first into itself, and what is killed there is lost. */
#define ROOM_LEAST (ROOM_SIZE + NEWHEADER_SIZE)

/*
 * Looks at a plain disk. *sector_size (bytes) is set if it is 0; *ret_room is how many bytes the
 * disk must have for the work: as many as it has if its last ROOM_SIZE bytes are behind the file
 * system and all zeros, which are given up then; else a file must get longer, and a device is
 * refused. Checks that the file system has room for all of a file. Returns 0, or negative with f
 * set.
 */
int room_plan(const struct image *image, uint32_t *sector_size, uint64_t *ret_room,
	      struct fault *f);

/* May this process write a file of so many bytes (ulimit -f)? Returns 0, or negative with f set. */
int room_check_limit(const struct image *image, uint64_t room, struct fault *f);

#endif
