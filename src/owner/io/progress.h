/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * progress.h - shows people how far a long task is.
 */
#ifndef COCO_OWNER_PROGRESS_H
#define COCO_OWNER_PROGRESS_H

#include <stdbool.h>
#include <stdint.h>

#include "base/util.h"

#define PROGRESS_LINE_SIZE 128

struct progress {
	FILE *file;
	const char *what;  /* such as "encrypt", constant */
	bool terminal;	   /* a bar that is drawn again; else a line for each tenth */
	double start;	   /* seconds */
	unsigned int told; /* tenths */
	bool drawn;	   /* the bar's line is not ended */
};

/* Begins now; `what` stays the caller's. */
void progress_start(struct progress *progress, FILE *file, const char *what);

/* struct progress as data, so that it fits struct pump. The time counts from the last call with
 * nothing done. */
void progress_show(void *data, uint64_t done, uint64_t total);

/* Ends the bar's line, so that other messages can follow. */
void progress_end(struct progress *progress);

/* One line without its end: a bar that fits `room` columns of a terminal, or plain for 0. seconds
 * since the start. */
void progress_format(char line[static PROGRESS_LINE_SIZE], const char *what, size_t room,
		     uint64_t done, uint64_t total, double seconds);

#endif
