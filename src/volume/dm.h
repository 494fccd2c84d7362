/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * dm.h - one ioctl of the device mapper about a mapping by its name.
 *
 * Format facts: linux/dm-ioctl.h, interface version 4: a fixed header, then what the request
 * carries, from data_start on.
 */
#ifndef COCO_DM_H
#define COCO_DM_H

#include <linux/dm-ioctl.h>
#include <stdint.h>
#include <sys/ioctl.h> /* the requests are made of its macros */

#include "base/util.h"

#define DM_BUFFER_SIZE 4096

/*
 * Clears io, which has DM_BUFFER_SIZE bytes, sets its header, and makes the request; the answer
 * is in io. fd is the control node. Returns 0, -ENAMETOOLONG, -E2BIG if the answer did not fit,
 * or -errno.
 */
int dm_call(int fd, unsigned long request, const char *name, uint32_t flags, struct dm_ioctl *io);

/* The same, with a table of one target without parameters: DM_TABLE_LOAD. */
int dm_load(int fd, const char *name, const char *target, uint64_t sectors, struct dm_ioctl *io);

#endif
