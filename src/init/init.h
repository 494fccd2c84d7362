/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * init.h - PID 1 of an initramfs of our own.
 */
#ifndef COCO_INIT_H
#define COCO_INIT_H

/*
 * Brings the machine from the kernel's start into its root: mounts what the kernel shows, unlocks,
 * mounts and proves the root, and executes its first program in the place of this one. Whatever
 * goes wrong ends the machine (stop.h). Returns only, with an exit code, if this process is not
 * PID 1 of an initramfs.
 */
int init(void);

#endif
