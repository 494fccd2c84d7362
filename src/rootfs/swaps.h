/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * swaps.h - where the kernel writes the guest's memory to, from proc_swaps(5).
 */
#ifndef COCO_SWAPS_H
#define COCO_SWAPS_H

#include "rootfs/stack.h"

/*
 * Refuses if a swap area is in use that does not lie on the volumes: a device by its number, a
 * file by the device of its mount. zram counts as memory as long as it writes nothing back.
 * Returns 0, also for a kernel that knows no swap, or -errno with f saying root-confusion or
 * no-memory.
 */
int swaps_refuse(const struct root *root, const struct opened_volume *volumes, size_t nr,
		 struct fault *f);

#endif
