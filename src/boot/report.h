/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * report.h - what happened, for people and for status.json: never a secret, only names,
 * counts and times.
 */
#ifndef COCO_REPORT_H
#define COCO_REPORT_H

#include "boot/run.h"
#include "source/source.h"

/* A boot that was rescued, or not: the last that somebody has said at a console, if nothing else is
 * said. Texts behind pointers are constant ones of the program. */
struct rescue_record {
	bool happened;
	enum exitcode code; /* of the first failure */
	unsigned int tries;
	unsigned int refused; /* answers that were not obeyed */
	const char *action;   /* "unlock", "fetch", "reboot", "poweroff"; NULL: the time was over */
	char console[CONF_NAME_SIZE];  /* such as ttyS0 */
	char volume[CONF_NAME_SIZE];   /* that the answer's device and keyslot are for, or empty */
	char device[CONF_DEVICE_SIZE]; /* of the answer, or empty */
	int keyslot;		       /* of the answer, or -1 */
};

struct report {
	struct stages stages; /* up to the first volume */
	struct source_info source;
	bool discarded;			   /* the entries were wiped, or f says why not */
	bool claimed;			   /* whatever the lists of volumes name is the boot's */
	struct run runs[CONF_VOLUMES_MAX]; /* one for each volume; of the last try */
	struct rescue_record rescue;
};

void report_init(struct report *ret_report);

/* A stage's first start (CLOCK_MONOTONIC) and the time spent in it, over the boot and all its
 * volumes. Returns false, with zeros, if it was not reached. */
bool report_stage(const struct report *report, enum stage stage, uint64_t *ret_start_us,
		  uint64_t *ret_us);

/* Its name in status.json. */
const char *report_stage_name(enum stage stage);

/*
 * Writes /run/coco-unlock/status.json (0644), replacing an older one in one step. fault is
 * the outcome, with code ok after a success; action the name of what follows, or "none".
 * Returns 0 or -errno.
 */
int report_write(const struct root *root, const struct conf *conf, const struct report *report,
		 const struct fault *fault, const char *action);

/* Removes a status.json that is there: an old one would say that this unlock has ended. Returns 0
 * or -errno. */
int report_remove(const struct root *root);

#endif
