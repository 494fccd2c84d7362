/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * drivers.h - the kernel modules that an initramfs of our own loads by itself, where no udev does.
 */
#ifndef COCO_DRIVERS_H
#define COCO_DRIVERS_H

#include <stdint.h>

#include "base/child.h"
#include "base/fault.h"
#include "base/root.h"
#include "disk/uevent.h"

#define DRIVERS_MAX 16384	/* bytes of the list */
#define DRIVERS_ALIASES_MAX 512 /* kinds of devices */

struct drivers {
	uint64_t known[DRIVERS_ALIASES_MAX]; /* sums of the aliases that were looked up */
	size_t nr_known;
	struct uevent uevent; /* of the process that watches */
	struct child child;   /* that process */
	int alive;	      /* our end of a pipe, owned: it ends when this is closed */
};

#define DRIVERS_NULL ((struct drivers){ .uevent = UEVENT_NULL, .alive = -EBADF })

/*
 * Loads each module of PATH_DRIVERS, a name in a line, in this order; then those of the image's
 * modules that the devices which are there ask for, and again for what appears with these. A module
 * that does not load is logged: if a disk needs it, the disk does not appear, and that has a code.
 * From then on a process of its own does the same for devices that come later, until
 * drivers_done(), or until the caller ends. f: the list cannot be read, or there is no such
 * process.
 * When it returns, every driver has looked at all devices that were there (module loading waits
 * for that: kernel/module, do_init_module(), async_synchronize_full()).
 */
void drivers_start(struct drivers *drivers, const struct root *root, struct fault *f);

/* Also for DRIVERS_NULL. */
void drivers_done(struct drivers *drivers);

#endif
