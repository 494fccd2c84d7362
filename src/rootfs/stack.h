/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * stack.h - which block devices lie on the volumes that were opened, and which below them.
 *
 * Format facts: Documentation/ABI/stable/sysfs-block and testing/sysfs-block: `slaves` are the
 * devices that one is made of; a partition lies in its disk's directory.
 */
#ifndef COCO_STACK_H
#define COCO_STACK_H

#include "rootfs/opened.h"

/*
 * True (1) if the device is the mapping of a volume, or is made, over any number of levels, of
 * nothing else. The volumes are added to *volumes_used, one bit each. Returns 1, 0, -ELOOP for
 * a stack that is too high, or -errno.
 */
int stack_is_ours(const struct root *root, dev_t dev, const struct opened_volume *volumes,
		  size_t nr, unsigned int *volumes_used);

/*
 * True (1) if the mapping of a volume is made of this device, over any number of levels, with
 * other devices or alone; of a partition, its disk counts, too. The same.
 */
int stack_is_below(const struct root *root, dev_t dev, const struct opened_volume *volumes,
		   size_t nr);

/* True (1) if the device is what libcryptsetup puts between a volume and its disk: the
 * integrity device NAME_dif, right below the mapping NAME. Returns 1, 0 or -errno. */
int stack_is_integrity_part(const struct root *root, const char *name,
			    const struct opened_volume *volumes, size_t nr);

/* The number "MAJOR:MINOR" in the file `path`. Returns 0 or -errno. */
int stack_read_dev(const struct root *root, const char *path, dev_t *ret_dev);

/* The number of a device of the kernel's name `name`. Returns 1, 0 if it has none (any more),
 * or -errno. */
int stack_device_of(const struct root *root, const char *name, dev_t *ret_dev);

#endif
