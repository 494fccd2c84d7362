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

/* As unlock_undo(); kept entries are wiped, too: from here on somebody is at a console. */
void rescue_undo(const struct root *root, const struct conf *conf, struct report *report,
		 struct fault *f);

/*
 * After a failed unlock, whose reason is in f, and rescue_undo(): tries again as often as the owner
 * answers, each time with an undo behind it, until RescueTimeout= is over. attempts is what the
 * unlocking processes have left. Returns RESCUE_DONE with f empty and report filled; or RESCUE_STOP
 * with f, and *ret_action FAILURE_ACTION_REBOOT or FAILURE_ACTION_POWEROFF.
 */
enum rescue_end rescue_unlock(const struct root *root, const struct conf *conf,
			      struct report *report, struct attempts *attempts,
			      enum failure_action *ret_action, struct fault *f);

/* For failures that no answer can help, after rescue_undo(): the report, until somebody types
 * reboot or poweroff, or the time is over. Returns what follows, and notes it in report. */
enum failure_action rescue_report(const struct root *root, const struct conf *conf,
				  struct report *report, const struct fault *f);

#endif
