/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * stop.h - the end of a boot that must not go on: the one line, the status file, the action.
 */
#ifndef COCO_STOP_H
#define COCO_STOP_H

#include "report.h"

/*
 * Prints the failure line to the journal and, in an initramfs, to all consoles; writes
 * status.json; then carries out the configured action where it applies (action.h). If another
 * process is ending the machine, it waits before the consoles: one line is enough.
 * Returns the fault's exit code if the machine is to go on (rescue, or no initramfs).
 */
int stop(const struct root *root, const struct conf *conf, const struct report *report,
	 const struct fault *fault);

#endif
