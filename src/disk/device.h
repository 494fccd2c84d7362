/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * device.h - finds the block device that cocotab names, and waits for it.
 */
#ifndef COCO_DEVICE_H
#define COCO_DEVICE_H

#include "base/deadline.h"
#include "conf/conf.h"
#include "disk/uevent.h"

struct device {
	int fd;			     /* opened once, read-only, owned */
	char path[CONF_DEVICE_SIZE]; /* for people */
	uint64_t offset;	     /* bytes: where the volume begins in fd; 0 for a device */
	uint64_t size;		     /* bytes of the volume */
};

#define DEVICE_NULL ((struct device){ .fd = -EBADF })

/*
 * Looks for the device until the deadline, woken by events. A path is taken when it is there.
 * UUID=, PARTUUID= and LABEL= are counted in the first scan that has a match and during which the
 * kernel has announced nothing; auto (whole disks and partitions with LUKS magic) when udev's
 * event queue is empty, too. There must be exactly one, and none of the others may refuse to be
 * looked at, since it could be the second. What belongs to a RAID, itself or with all of its disk,
 * is not counted there, but for PARTUUID=.
 * Returns 0, or -errno with f saying no-device or ambiguous-device.
 */
int device_find(const struct root *root, const struct device_spec *spec, struct uevent *ue,
		struct deadline deadline, struct device *ret_device, struct fault *f);

#define DEVICE_RAID_MEMBER 2

/*
 * Compares what lies there, as libblkid sees it, with the spec. size 0 means up to the end. auto
 * needs the LUKS magic only; PARTUUID= a real partition. Returns 1 if it matches, 0 if not (always
 * for a path), or -errno if it cannot be read; for auto, UUID= and LABEL= DEVICE_RAID_MEMBER in
 * the place of 1 if it belongs to a RAID: with metadata at the end, a mirror's members begin with
 * the header of what is in the RAID. Of a partition that does not, the disk may (raid.h). ret_type
 * gets what is there, for messages.
 */
int device_matches(int fd, uint64_t offset, uint64_t size, const struct device_spec *spec,
		   char ret_type[static 32]);

void device_done(struct device *device);

#endif
