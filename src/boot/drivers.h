/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * drivers.h - the kernel modules that an initramfs of our own loads by itself, where no udev does.
 */
#ifndef COCO_DRIVERS_H
#define COCO_DRIVERS_H

#include "base/fault.h"
#include "base/root.h"

#define DRIVERS_MAX 16384 /* bytes of the list */

/*
 * Loads each module of PATH_DRIVERS, a name in a line, in this order. A module whose hardware is
 * absent is left out; another that does not load is logged: if a disk needs it, the disk does not
 * appear, and that has a code. f: the list itself cannot be read.
 * When it returns, every driver has looked at all devices that were there (module loading waits
 * for that: kernel/module, do_init_module(), async_synchronize_full()).
 */
void drivers_load(const struct root *root, struct fault *f);

#endif
