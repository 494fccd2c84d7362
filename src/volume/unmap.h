/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * unmap.h - takes mappings out of use, also those that are in use.
 */
#ifndef COCO_UNMAP_H
#define COCO_UNMAP_H

#include <stdbool.h>
#include <stddef.h>

#include "base/root.h"

#define UNMAP_MAX 32	    /* mappings at once */
#define UNMAP_LIMIT_MS 3000 /* for all of them together */

/*
 * Each mapping gets a table that answers every request with an error, in place of the one it
 * has: the crypt target is freed, and with it the kernel's copy of the volume key. Then it is
 * removed; if somebody has it open, it goes when it is closed. The same with NAME_dif, the
 * integrity device that libcryptsetup puts below. Nothing is read from a disk.
 * ret_gone[i] is true for those that are gone or were not there. No mapping holds up the
 * others, nor the caller for more than UNMAP_LIMIT_MS and half a second: the device mapper
 * waits for requests that the disk has not answered.
 */
void unmap_all(const struct root *root, const char *const *names, size_t nr, bool *ret_gone);

#endif
