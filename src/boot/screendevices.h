/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * screendevices.h - the page of block devices.
 */
#ifndef COCO_SCREENDEVICES_H
#define COCO_SCREENDEVICES_H

#include "base/root.h"
#include "boot/screentext.h"

/* As the kernel lists them. What cannot be read is said on the page. */
void screen_devices(const struct root *root, char text[static SCREEN_SIZE]);

#endif
