/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * paste.h - a challenge, out of what a person has copied from a console, or of its record.
 */
#ifndef COCO_OWNER_PASTE_H
#define COCO_OWNER_PASTE_H

#include "base/fault.h"
#include "rescue/line.h"

/*
 * Reads the file, or standard input for "-". At a terminal it says what to paste and which lines
 * are missing, and ends at the end mark; else it reads all, and takes the last challenge: a guest
 * makes a new one for each try. Returns 0 with the text, which nobody has checked, or negative with
 * f about the file.
 */
int paste_read(const char *path, char ret_text[static LINE_MESSAGE_MAX], size_t *ret_len,
	       struct fault *f) _must_check_;

#endif
