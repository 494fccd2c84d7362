/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * action.h - what is done when a boot must not go on.
 */
#ifndef COCO_ACTION_H
#define COCO_ACTION_H

#include "conf.h"

/*
 * True inside an initramfs (initrd-release(5) is there). Only there is a failure action
 * carried out: in a running system a failed unlock ends with its exit code and no more.
 */
bool action_applies(const struct root *root);

/* Powers off, reboots or halts at once, without asking an init system. Returns only for
 * rescue (0) and on failure (-errno). */
int action_run(enum failure_action action);

#endif
