/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * rivals.h - other devices that claim to be the root's file system.
 */
#ifndef COCO_RIVALS_H
#define COCO_RIVALS_H

#include "stack.h"

/*
 * Refuses if a block device that is not on the volumes carries, in any superblock that
 * libblkid can find on it, a UUID or a label of those on the devices `ground`, which the root
 * is on. A device that cannot be read is refused, too; one without a medium has no claim.
 * Returns 0, or -errno with f saying root-confusion.
 */
int rivals_refuse(const struct root *root, const dev_t *ground, size_t nr_ground,
		  const struct opened_volume *volumes, size_t nr, struct fault *f);

#endif
