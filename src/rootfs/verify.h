/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * verify.h - proves that the root is what unlock opened, and nothing else.
 */
#ifndef COCO_VERIFY_H
#define COCO_VERIFY_H

#include "rootfs/opened.h"

#define VERIFY_GROUND_MAX 64 /* block devices of one file system */

/* What a file system lies on. */
struct ground {
	unsigned int volumes; /* one bit for each that is used */
	dev_t devices[VERIFY_GROUND_MAX];
	size_t nr_devices;
};

/*
 * What is mounted on `point` lies on the volumes, the root's among them, and on nothing else: a
 * file system of one
 * block device by that device's number, however high the stack above the mapping; btrfs by the
 * kernel's list of its devices; overlay by each of its layers, of which upperdir and workdir
 * may be on a tmpfs. Returns 0, or -errno with f saying root-confusion.
 */
int verify_mount(const struct root *root, const char *point, const struct opened_volume *volumes,
		 size_t nr, struct ground *ret_ground, struct fault *f);

/* The live table of every volume is still the one that unlock has checked. The same. */
int verify_tables(const struct root *root, const struct opened_volume *volumes, size_t nr,
		  struct fault *f);

/*
 * All that can be said of the root before it is used: the tables (on a machine), what is
 * mounted on `point` and below it, that no device is put together from others than the
 * volumes, that nothing else claims a UUID or label of what lies on them, and that the root's
 * generation is not below the greatest minimum of the volumes it lies on.
 * Returns 0, or -errno with f saying root-confusion, old-generation or no-memory.
 */
int verify_root(const struct root *root, const char *point, const struct opened_volume *volumes,
		size_t nr, struct fault *f);

/*
 * The same once more, when all is mounted that the initramfs mounts, and nothing reads it yet;
 * and besides: every mount of the machine lies on the volumes, or is of a kind that the kernel
 * keeps for itself and not inside of the root; no other device claims a UUID or label of what
 * these lie on; every swap area lies on the volumes. Returns the same.
 */
int verify_mounts(const struct root *root, const char *point, const struct opened_volume *volumes,
		  size_t nr, struct fault *f);

#endif
