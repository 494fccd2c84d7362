/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * screen.h - pages of text about a boot that has failed, for consoles of 80 columns and 24 lines.
 */
#ifndef COCO_SCREEN_H
#define COCO_SCREEN_H

#include "boot/attempt.h"
#include "boot/console.h"
#include "boot/screentext.h"

#define SCREEN_BAR_COLUMNS 36

/* Each is printable ASCII and newlines. */
struct screens {
	char report[SCREEN_SIZE];
	char devices[SCREEN_SIZE];
	char secrets[SCREEN_SIZE];
	char times[SCREEN_SIZE];
};

/* What there is to say; nothing of it is a secret, and all of it is kept by the caller. */
struct screen_facts {
	const struct root *root;
	const struct conf *conf;
	const struct report *report;
	const struct fault *fault;
	const struct attempts *attempts; /* whose entries are listed; NULL: none is known */
	const char *note; /* why no answer is taken, or what became of the last; or NULL */
};

/* Makes all of them, and fills in the page's screens, which point into *screens; its actions and
 * its challenge have to be there before. What cannot be looked at is said on the page. */
void screens_make(const struct screen_facts *facts, struct screens *screens,
		  struct console_page *page);

/* A span of time as a bar in a line that stands for total_us: at least one mark for what lasted at
 * all. Always SCREEN_BAR_COLUMNS characters. */
void screen_bar(uint64_t start_us, uint64_t us, uint64_t total_us,
		char ret_bar[static SCREEN_BAR_COLUMNS + 1]);

#endif
