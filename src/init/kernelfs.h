/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * kernelfs.h - the kernel's own file systems, which the first program of a machine has to mount.
 */
#ifndef COCO_KERNELFS_H
#define COCO_KERNELFS_H

#include "base/fault.h"
#include "base/root.h"

/* Mounts /proc, /sys, /dev and /run in an initramfs in which nothing is mounted. Returns 0, or
 * -errno with f saying internal. */
int kernelfs_mount(struct fault *f);

/*
 * Mounts what shows EFI variables, where the firmware has any: the root's systemd reads words from
 * one of them, which the guard has to see. Returns 0, also if the kernel cannot show any, or
 * -errno with f saying command-line.
 */
int kernelfs_mount_efivars(const struct root *root, struct fault *f);

/* Moves them below the root that is mounted on /sysroot, where they keep their names. If one does
 * not move, the others go back: who ends the machine needs all of them in one place. Returns 0, or
 * -errno with f saying aborted. */
int kernelfs_move(struct fault *f);

/* Looks whether the root has a directory for each of them. The same. */
int kernelfs_can_move(const struct root *root, struct fault *f);

#endif
