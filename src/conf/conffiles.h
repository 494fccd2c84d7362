/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * conffiles.h - which files the configuration is: coco-unlock.conf, its drop-ins, cocotab and the
 * image's policy.
 */
#ifndef COCO_CONFFILES_H
#define COCO_CONFFILES_H

#include "base/digest.h"
#include "base/fault.h"
#include "base/root.h"

#define CONF_FILE_MAX 65536 /* bytes of one */

/*
 * Calls take() with the path and the text, which it may change, of coco-unlock.conf and of each
 * drop-in that counts, in the order in which they are read. Files that do not exist are skipped. An
 * error of take() ends it. Returns 0, or -errno with f saying config or no-memory.
 */
int conffiles_walk(const struct root *root,
		   int (*take)(const char *path, char *text, size_t len, void *data,
			       struct fault *f),
		   void *data, struct fault *f) _must_check_;

#endif
