/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * member.h - is an image a part of a RAID, of which only the RAID itself may be written?
 */
#ifndef COCO_OWNER_MEMBER_H
#define COCO_OWNER_MEMBER_H

#include "owner/disk/image.h"

enum member {
	MEMBER_NONE,
	MEMBER_PART, /* the part that counts */
	MEMBER_DISK, /* the disk that it is a partition of: the table is in the RAID */
};

/* Returns an enum member, or -errno if nobody can tell. */
int member_find(const struct image *image);

/* Refuses what is one (EXITCODE_REFUSED). Returns 0 or negative with f. */
int member_refuse(const struct image *image, struct fault *f);

#endif
