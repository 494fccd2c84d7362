/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * pump.h - moves bytes from one file to another on all cores, encrypting or copying them.
 */
#ifndef COCO_OWNER_PUMP_H
#define COCO_OWNER_PUMP_H

#include <stdint.h>

#include "owner/disk/xts.h"

/* A part of the source that goes to the target as a whole. */
struct pump_range {
	uint64_t src, dst, len; /* bytes; of an encrypted one all multiples of the sector size */
	bool encrypt;		/* else copied, and holes stay holes */
};

struct pump {
	int src_fd, dst_fd;
	const struct pump_range *ranges;
	size_t nr_ranges;
	const struct secret *key; /* XTS_KEY_SIZE bytes */
	uint32_t sector_size;
	unsigned int threads; /* 0: one for each core */
	int cancel_fd;	      /* when it can be read, all stops; or -1 */
	/* Called once from the thread that called pump_run(), while the others work already; what
	 * it returns below zero stops them. Or NULL. */
	int (*meanwhile)(void *data);
	/* Called now and then, but not while `meanwhile` runs, and at the end, from the thread
	 * that called pump_run(). */
	void (*progress)(void *data, uint64_t done, uint64_t total);
	void *data;
};

/*
 * Runs until all is in the target's page cache. The memory used does not depend on the sizes.
 * Returns 0, -ECANCELED, what `meanwhile` returned, or -errno with *ret_reading telling which file
 * it was: -ENODATA if the source is shorter than the ranges say.
 */
int pump_run(const struct pump *pump, bool *ret_reading);

#endif
