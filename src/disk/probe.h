/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * probe.h - a probe of libblkid for the superblocks of a device, or of a part of it.
 */
#ifndef COCO_PROBE_H
#define COCO_PROBE_H

#include <blkid/blkid.h>
#include <stdint.h>

#include "base/util.h"

/*
 * Looks at `size` bytes of fd from an offset on; size 0: up to the end. flags: of BLKID_SUBLKS_*.
 * The descriptor stays the caller's. Returns 0, or -errno with *ret_pr as it was; who has a probe
 * ends it with probe_done(), which takes a NULL, too.
 */
int probe_start(int fd, uint64_t offset, uint64_t size, int flags,
		blkid_probe *ret_pr) _must_check_;
void probe_done(blkid_probe *pr);

#endif
