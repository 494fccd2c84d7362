/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * handover.h - from the initramfs into the root.
 */
#ifndef COCO_HANDOVER_H
#define COCO_HANDOVER_H

#include "conf/conf.h"
#include "init/settings.h"

/*
 * Moves the kernel's file systems, empties the initramfs, makes /sysroot the root, and executes
 * its first program, in this process, which is PID 1. What can fail by what lies in the root is
 * looked at first. Returns only before the first of these steps: -errno with f. From then on a
 * process that was started before says why it went wrong, and ends the machine.
 */
int handover(const struct root *root, const struct conf *conf, const struct settings *settings,
	     struct fault *f);

#endif
