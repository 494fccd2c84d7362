/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * rescue.h - what follows a failure under FailureAction=rescue: a report for whoever is at a
 * console, and an answer of the owner, if the image knows a key of his.
 */
#ifndef COCO_RESCUE_H
#define COCO_RESCUE_H

#include "boot/attempt.h"

enum rescue_end {
	RESCUE_DONE, /* all volumes are open */
	RESCUE_STOP, /* the machine ends: by what action says */
};

/*
 * After a failed unlock, whose reason is in f and whose traces are in report: undoes it, wipes the
 * kept entries, too, and tries again as often as the owner answers, until RescueTimeout= is over.
 * shared is what the unlocking processes have left. Returns RESCUE_DONE with f empty and report
 * filled; or RESCUE_STOP with f, and *ret_action FAILURE_ACTION_REBOOT or FAILURE_ACTION_POWEROFF.
 */
enum rescue_end rescue_unlock(const struct root *root, const struct conf *conf,
			      struct report *report, struct attempts *attempts,
			      enum failure_action *ret_action, struct fault *f);

/* For failures that no answer can help: the report, until somebody types reboot or poweroff, or the
 * time is over. Returns what follows. */
enum failure_action rescue_report(const struct root *root, const struct conf *conf,
				  const struct report *report, const struct fault *f);

#endif
