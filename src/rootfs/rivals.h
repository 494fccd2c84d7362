/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * rivals.h - other devices that claim to be what lies on an opened volume.
 */
#ifndef COCO_RIVALS_H
#define COCO_RIVALS_H

#include "rootfs/stack.h"

/*
 * Refuses if a block device that is not on the volumes carries, in any superblock that
 * libblkid can find on it, a UUID or a label of those on the volumes: on each mapping and on
 * all that lies above it (logical volumes, RAID, partitions), be it a file system, swap or a
 * part of LVM. The UUID of a volume's LUKS header counts, too; so does LABEL= or PARTUUID= in
 * cocotab, if another device matches it than those that the volume is made of. On these,
 * a superblock that nobody can mount (LUKS, integrity, a part of LVM or RAID) claims nothing
 * but to be another one of its kind with the same UUID; a second superblock there counts.
 * A device that cannot be read is refused on either side; one without a medium has no claim.
 * Reads /sys and /dev as they are at the moment of the call: call it again when devices may
 * have come. Returns 0, or -errno with f saying root-confusion or no-memory.
 */
int rivals_refuse(const struct root *root, const struct opened_volume *volumes, size_t nr,
		  struct fault *f);

#endif
