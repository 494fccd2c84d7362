/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * child.h - work that may hang is done in a process of its own, which is waited for no longer
 * than a deadline says.
 */
#ifndef COCO_CHILD_H
#define COCO_CHILD_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#include "base/deadline.h"
#include "base/fault.h"
#include "base/util.h"

struct child {
	pid_t pid;  /* 0: none */
	int status; /* what fn returned; -1: it was killed, or has not ended */
};

/*
 * Starts fn(arg) in a new process, which ends with what fn returns (0..255). From then on
 * SIGCHLD is blocked in the caller, so that its end can be waited for.
 * Returns 0, or -errno with ret_child->pid 0.
 */
int child_start(struct child *ret_child, int (*fn)(void *arg), void *arg);

/*
 * Waits until all have ended, but not beyond the deadline: who is late gets SIGKILL, and half
 * a second to die. A process that the kernel holds on to (a disk that does not answer) is left
 * behind. Fills in status; pid is 0 afterwards for those that have ended.
 */
void child_wait(struct child *children, size_t nr, struct deadline deadline);

/*
 * Calls fn(arg, f) in a process of its own, for work that may hang or crash. Returns 0 if fn has
 * returned: ret_r is what, and f its fault. Else f is as it was, and it returns -ETIMEDOUT if the
 * deadline has passed, -ECHILD if the process was killed, -EPROTO if it ended in another way, or
 * the reason why there is none.
 */
int child_call(int (*fn)(void *arg, struct fault *f), void *arg, struct deadline deadline,
	       int *ret_r, struct fault *f);

/* Kills a child of the caller and waits, half a second at most. True if it has ended. */
bool child_end(pid_t pid);

#endif
