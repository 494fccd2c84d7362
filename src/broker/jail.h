/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * jail.h - takes everything from this process but two descriptors and memory, and leaves nothing
 * behind in that.
 */
#ifndef COCO_JAIL_H
#define COCO_JAIL_H

#include "base/util.h"

/* Call it first of all. The heap is one piece from here on, and no page of it goes back to the
 * kernel before the end: what is freed is not wiped, so that it is wiped as a whole. Returns where
 * it begins. */
void *jail_prepare_memory(void);

/*
 * All descriptors but FRAME_FD and FRAME_TCP_FD are closed; who was root is an own user without
 * groups, in a root that is an empty directory which is no more; no file, socket or program can be
 * opened. Returns 0 or -errno.
 */
int jail_enter(void) _must_check_;

/* Wipes heap and stack, and ends; it does not return. */
void jail_leave(void *heap, int status);

#endif
