/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * stop.h - the end of a boot that must not go on: the one line, the status file, the action.
 */
#ifndef COCO_STOP_H
#define COCO_STOP_H

#include "boot/report.h"

/*
 * First of all the end of the machine is armed (action.h), where it applies: from then on
 * nothing below can hold it up. Then: undoes what was done (unlock.h), prints the failure line
 * to the journal and, in an initramfs, to all consoles; writes status.json; carries out the
 * configured action. If another process is ending the machine, it waits before the consoles:
 * one line is enough.
 * Returns only if the machine is to go on (rescue, or no initramfs): the fault's exit code,
 * which is never 0.
 */
int stop(const struct root *root, const struct conf *conf, struct report *report,
	 struct fault *fault);

#endif
