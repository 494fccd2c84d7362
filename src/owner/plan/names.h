/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * names.h - what the guest's verify-root would say of the names on an image.
 */
#ifndef COCO_OWNER_NAMES_H
#define COCO_OWNER_NAMES_H

#include "base/fault.h"
#include "owner/disk/image.h"
#include "volume/examine.h"

/*
 * Compares UUIDs and labels of the other partitions, and of what lies beside the header, with those
 * in the first MiB of the volume, which is decrypted in memory with the volume key of `examined`.
 * Looks at nothing where another cipher or integrity is used, and not into LVM or RAID. Returns 0,
 * or -errno with f saying root-confusion, or no-memory.
 */
int names_refuse(const struct image *image, const struct examined *examined, const char *volume,
		 struct fault *f);

#endif
