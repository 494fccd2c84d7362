/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * tsm_request.h - what is done with configfs-tsm in processes of their own; tsm.c starts them, and
 * nobody else calls this.
 */
#ifndef COCO_TSM_REQUEST_H
#define COCO_TSM_REQUEST_H

#include <sys/types.h>

#include "source/kbs/tsm.h"

#define TSM_NAME_SIZE 64 /* bytes, with its end */

/* In memory that the process which does it shares with the one that waits. Owns nothing. */
struct tsm_request {
	const struct root *root;
	const char *provider;	   /* that it has to be; NULL: any, and no report is made */
	const unsigned char *data; /* TSM_DATA_SIZE */
	pid_t owner;
	int end; /* of a pipe, open as long as a removal goes on */
	/* Written there. */
	char name[TSM_NAME_SIZE]; /* of the directory; empty: none was made */
	bool removed;
	int removal; /* -errno of a removal that has failed */
	char found[TSM_PROVIDER_SIZE];
	int floor;
	size_t outblob_len, auxblob_len;
	unsigned char outblob[TSM_OUTBLOB_MAX], auxblob[TSM_AUXBLOB_MAX];
};

/*
 * For child_call(); arg is a struct tsm_request. Removes what earlier runs have left, makes a
 * directory and asks it for its provider; if provider is set, makes a report, and sees to it that
 * it has data; removes the directory. Closes all descriptors above stderr but the root's. Returns
 * 0; -ENXIO without a fault, and with an empty name, if the kernel has no provider; or -errno with
 * f saying report-failed.
 */
int tsm_request_make(void *arg, struct fault *f) _must_check_;

/*
 * For child_start(); arg is a struct tsm_request. Removes its directory, however long the kernel
 * holds on to it. Closes all descriptors but the root's and end. Returns 0, or 1 if it is still
 * there; removal says why, or is 0 if the directory of reports cannot be opened.
 */
int tsm_request_remove_late(void *arg);

/* Fills f with what -errno r says of a report that the kernel has not made. Returns r. */
int tsm_request_refused(struct fault *f, int r);

#endif
