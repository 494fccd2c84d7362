/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * format.h - tells raw disks from image formats of virtual machines, archives and compressed files.
 */
#ifndef COCO_OWNER_FORMAT_H
#define COCO_OWNER_FORMAT_H

#include "owner/disk/image.h"

/*
 * Refuses an open image that is no raw disk; the next step is a command that makes one of it, as a
 * shell reads it. Where that does not fit, or the name has what a message does not show as it is,
 * it names the program alone. What begins with LUKS is a raw disk, unless the footer of a VHD is at
 * its end. Returns 0, -EINVAL with f saying bad input, or -errno with f.
 */
int format_check(const struct image *image, struct fault *f);

#endif
