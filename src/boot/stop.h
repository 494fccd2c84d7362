/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * stop.h - the end of a boot that must not go on: the one line, the status file, the action.
 */
#ifndef COCO_STOP_H
#define COCO_STOP_H

#include "boot/attempt.h"

/*
 * First of all the end of the machine is armed (action.h), where it applies: from then on
 * nothing below can hold it up. Then: undoes what was done (unlock.h), prints the failure line
 * to the journal and, in an initramfs, to all consoles; writes status.json; carries out the
 * configured action. If another process is ending the machine, it waits before the consoles:
 * one line is enough.
 * Under FailureAction=rescue without a shell somebody at a console may look at a report (rescue.h)
 * before the machine ends; the end is armed from the start, with RescueTimeout= more.
 * Returns only if the machine is to go on (a shell, or no initramfs): the fault's exit code,
 * which is never 0.
 */
int stop(const struct root *root, const struct conf *conf, struct report *report,
	 struct fault *fault);

/* The same, and nobody is asked: in the place of a rescue the machine powers off. */
int stop_unrescued(const struct root *root, const struct conf *conf, struct report *report,
		   struct fault *fault);

/* For a failed unlock: as stop(), but an answer of the owner may rescue it. Then it returns 0 with
 * *fault empty and *report filled. */
int stop_unlock(const struct root *root, const struct conf *conf, struct report *report,
		struct attempts *attempts, struct fault *fault);

#endif
