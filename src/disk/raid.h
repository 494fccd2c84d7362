/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * raid.h - is this a part of a RAID? Opened past the RAID, its parts would no longer be alike.
 */
#ifndef COCO_RAID_H
#define COCO_RAID_H

#include <stdint.h>

#include "base/root.h"

/* What raid_is_member() looks for, as libblkid and wipefs name it. */
#define RAID_TYPES "linux_raid_member,ddf_raid_member,isw_raid_member"

/*
 * Does this part of fd (bytes; size 0: up to the end) belong to what md puts together, by any of
 * its own metadata or the two foreign ones that it knows? Returns 1, 0, or -errno if it cannot be
 * read.
 *
 * The same bytes can be the metadata of a disk and of its last partition, if both end at one place.
 * libblkid tells them apart, as udev and mdadm have it: version 1 says where on its device it lies;
 * version 0.90 says how large its device is, and is the disk's if no partition has all of that.
 */
int raid_is_member(int fd, uint64_t offset, uint64_t size) _must_check_;

/*
 * The same of the whole disk of a partition, whose directory in sysfs is `dir` (below
 * /sys/class/block or /sys/dev/block): with metadata at its end and a partition table in the RAID,
 * the kernel finds that table on each disk, too. 0 also for what is no partition.
 *
 * Format facts: Documentation/ABI/stable/sysfs-block, a partition lies in its disk's directory;
 * Linux drivers/base/core.c, `uevent` there has the name of its node as DEVNAME.
 */
int raid_has_disk(const struct root *root, const char *dir) _must_check_;

#endif
