/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * kernel.h - what the kernel must offer before a mapping can be made: dm_crypt, the ciphers,
 * the device-mapper control node, memory.
 */
#ifndef COCO_KERNEL_H
#define COCO_KERNEL_H

#include "conf/conf.h"

/*
 * Loads dm_crypt and the modules of every allowed cipher, and asks the device mapper for its
 * targets. Needs no disk and no secret, so it runs before either is touched.
 * Returns 0 or -errno with f saying no-dm-crypt.
 */
int kernel_prepare(const struct root *root, const struct conf *conf, struct fault *f);

/* Dry run of the same: loads nothing. */
int kernel_look(const struct root *root, const struct conf *conf, struct fault *f);

/* What one process may take without bringing out the OOM killer, in KiB: an estimate, with room
 * for the rest of the initramfs; without a limit for a tree that is no machine. Returns 0, or
 * -errno with f saying no-memory: what is not known may be too little. */
int kernel_available_kib(const struct root *root, uint64_t *ret_kib, struct fault *f);

#endif
