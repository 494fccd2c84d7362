/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * udevdb.h - what the root's udev has to find, so that it takes our mappings for good ones.
 */
#ifndef COCO_UDEVDB_H
#define COCO_UDEVDB_H

#include "base/fault.h"
#include "base/root.h"

/*
 * Makes /dev/mapper/NAME of each device-mapper device a link to its node. Returns 0, or -errno
 * with f saying aborted.
 */
int udevdb_link(const struct root *root, struct fault *f);

/*
 * Writes a record below /run/udev/data for each device-mapper device: name, UUID, and
 * DM_UDEV_PRIMARY_SOURCE_FLAG=1. Without the last, 10-dm.rules takes an event that no
 * device-mapper program has caused, such as that of udev's start in the root, for one of a device
 * that is not ready, and systemd waits for it for ever.
 * Format: systemd, src/libsystemd/sd-device/device-private.c, device_update_db(): E:KEY=VALUE, and
 * V:1 for the version. The same.
 */
int udevdb_write(const struct root *root, struct fault *f);

#endif
