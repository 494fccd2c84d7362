/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * lock.h - who else uses an image, and that nobody does as long as it is open here.
 */
#ifndef COCO_OWNER_LOCK_H
#define COCO_OWNER_LOCK_H

#include <sys/stat.h>

#include "owner/disk/image.h"

/*
 * Locks an image that has just been opened, which is locked until its descriptor is closed;
 * st is what fstat(2) says of it. A file must not be behind a loop device or in a running QEMU.
 * Of a loop device, the file behind it is locked in the same way (image->backing_fd), so that
 * nobody uses that by its own name, or by another loop device; and no such device may be mounted.
 * If that file has no name any more, there must be no other loop device of it.
 * A device is waited for up to 10 s, with SIGALRM and ITIMER_REAL, which are as before then.
 * Returns 0, -EBUSY with f saying refused, or -errno with f if nobody can tell.
 */
int lock_image(struct image *image, const struct stat *st, bool writable, struct fault *f);

#endif
