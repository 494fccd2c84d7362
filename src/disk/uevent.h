/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * uevent.h - says when something about the machine's devices may have changed.
 */
#ifndef COCO_UEVENT_H
#define COCO_UEVENT_H

#include <stdbool.h>

#include "base/deadline.h"
#include "base/root.h"

struct uevent {
	int kernel;  /* the kernel's events */
	int udev;    /* udev's, as wake-ups only: nobody reads their content */
	int inotify; /* of udev's directory, where its queue file goes away */
};

#define UEVENT_NULL ((struct uevent){ .kernel = -EBADF, .udev = -EBADF, .inotify = -EBADF })

/* Returns 0 or -errno. With a root that is no machine nothing is opened. */
int uevent_open(const struct root *root, struct uevent *ret_ue);
void uevent_done(struct uevent *ue);

/* Forgets what has happened so far; call it before looking at the devices. Where events come faster
 * than they can be read, some are left. */
void uevent_drain(struct uevent *ue);

/*
 * Takes the next of the kernel's events that waits. Returns 1 and, in alias (size bytes, always
 * terminated), what its device asks the drivers for, "" if nothing; 0 if none waits; -ENOBUFS if
 * some were lost, or -errno: then only a look at all devices tells.
 */
int uevent_next(struct uevent *ue, char *ret_alias, size_t size);

/* True if the kernel has announced nothing since uevent_drain(): what it had announced before, a
 * look in between has seen. */
bool uevent_quiet(const struct uevent *ue);

/* True if no event is waiting and udev, where it runs, has none in work. */
bool uevent_idle(const struct root *root, const struct uevent *ue);

/* Waits for the next event. Returns 0, -ETIMEDOUT at the deadline, also if one is waiting, or
 * -errno. */
int uevent_wait(const struct uevent *ue, struct deadline deadline);

#endif
