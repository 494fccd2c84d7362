/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * rules.h - what the owner of a disk does about a header that breaks a rule of the unlocker.
 */
#ifndef COCO_OWNER_RULES_H
#define COCO_OWNER_RULES_H

#include <stddef.h>

#include "disk/policy.h"
#include "owner/disk/image.h"
#include "owner/io/shell.h"

/* A disk as a command of another program has it: of a partition, a loop device. */
struct rules_disk {
	char before[IMAGE_LOOP_SIZE + 16]; /* what makes the device, or empty */
	char name[SHELL_NAME_SIZE];	   /* for a shell */
	char after[32];			   /* what takes the device away, or empty */
	bool file;			   /* cryptsetup cannot see that nobody uses it */
};

void rules_name(const struct image *image, struct rules_disk *ret_disk);

/*
 * Writes the next step, with a command that runs as it is where the header tells which one, and
 * returns true; false if nothing is known that would help. v has the broken rule; metadata is what
 * was judged for the volume vc, both copies.
 */
bool rules_way(const struct image *image, const struct verdict *v, const unsigned char *metadata,
	       const struct volume_conf *vc, char *buf, size_t size);

#endif
