/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * supervise.h - runs the pipeline in a process of its own, and knows what became of it.
 */
#ifndef COCO_SUPERVISE_H
#define COCO_SUPERVISE_H

#include "boot/attempt.h"

/*
 * unlock_run() in a child process, which is killed a few seconds after the configuration's
 * timeout: a key derivation ends in no other way. The volume key's place in the child's
 * thread keyring goes with it. If the child is killed, crashes, or somebody asks this process
 * to end, f says so, and report says what there is to undo (unlock.h). If f has an earlier reason,
 * a SIGTERM that is blocked says so to who waits next. A child that does not even die of SIGKILL is
 * left behind. attempts->keys is NULL if nothing could keep the page from later children.
 * Returns 0 with *report and *attempts filled, or -errno with f and both filled.
 */
int supervise(const struct root *root, const struct conf *conf, struct report *report,
	      struct attempts *attempts, const struct attempt *attempt, struct fault *f);

#endif
