/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * files.h - all files that one run is given: is one of them written that is also another one?
 */
#ifndef COCO_OWNER_FILES_H
#define COCO_OWNER_FILES_H

#include "base/fault.h"
#include "base/options.h"

struct files_one;

/* Begins as { 0 }; files_done() ends it. */
struct files {
	struct files_one *list;
	size_t nr;
};

/*
 * Adds the file of one value; NULL is none. label: how a user knows the value ("--output"); row:
 * what is done with it. Both are not owned. What is written counts with the NAME.coco-new that
 * file_out_create() makes on its way. Returns 0, or negative with f.
 */
int files_add(struct files *files, const struct option_row *row, const char *label,
	      const char *name, struct fault *f);

/* Adds what the rows say of values (as options_parse() has filled them) and of the operands. */
int files_add_all(struct files *files, const struct option_row *rows, const void *values, int nr,
		  char **operands, struct fault *f);

/*
 * Refuses a file that is written and is given another time: as the same name, by a hard or a
 * symbolic link, as a device or the file behind a loop device, as standard input; and for what is
 * not there yet, as the same name in the same directory. Refuses also "-" (standard input, or
 * output) where it cannot be, and where it stands twice; a file of that name is "./-".
 * Opens none of them. Returns 0, or negative with f: EXITCODE_REFUSED, or EXITCODE_USAGE for "-".
 */
int files_check(const struct files *files, struct fault *f);

void files_done(struct files *files);

#endif
