/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * running.h - what was still at work on a file system when the initramfs was given up.
 */
#ifndef COCO_RUNNING_H
#define COCO_RUNNING_H

#include <limits.h>

#include "base/root.h"

#define RUNNING_NAME_SIZE (NAME_MAX + 1)

/*
 * Writes the name of a unit of systemd that checks or mounts a file system at this moment; a
 * check counts more than a mount. Returns false if there is none. What cannot be read counts
 * as nothing: the name only helps who reads the failure line, and decides nothing.
 */
bool running_name(const struct root *root, char name[static RUNNING_NAME_SIZE]);

#endif
