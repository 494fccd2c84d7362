/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * fsmount.h - mounts the root and /usr, as the configuration says and not as a disk does.
 */
#ifndef COCO_FSMOUNT_H
#define COCO_FSMOUNT_H

#include "conf/conf.h"

/*
 * Mounts a file system of exactly this type from this device, read-only unless its options have
 * rw. Options as in mount(8): those of the kernel's VFS, and the file system's own; defaults,
 * auto, noauto, nofail and x-... are for others and left out. Returns 0, or -errno with f saying
 * aborted, in the kernel's own words where it has some.
 */
int fsmount_at(const struct root *root, const struct mount_conf *mc, const char *device,
	       const char *point, struct fault *f);

/* Tells btrfs which devices there are: the opened volumes, and no other. The same; a kernel without
 * btrfs is no error. */
int fsmount_scan_btrfs(const struct root *root, const struct conf *conf, struct fault *f);

#endif
