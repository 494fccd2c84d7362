/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * strangers.h - device-mapper and RAID devices that have nothing to do with the volumes.
 */
#ifndef COCO_STRANGERS_H
#define COCO_STRANGERS_H

#include "rootfs/stack.h"

/*
 * Refuses if there is a device made of others (device-mapper, md, and whatever else has
 * `slaves` in sysfs) that neither lies on the volumes and on nothing else, nor is what one of
 * them is made of. Such a device has a name in /dev that a disk of the host has chosen, or
 * takes the place of one of ours. A device-mapper or md device without a table, a member and
 * a size is nothing yet. The partitions that kpartx makes of a multipath device below a volume
 * are like a disk's, and pass.
 * Reads /sys as it is at the moment of the call: call it again when devices may have come.
 * Returns 0, or -errno with f saying root-confusion.
 */
int strangers_refuse(const struct root *root, const struct opened_volume *volumes, size_t nr,
		     struct fault *f);

#endif
