/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * settings.h - settings of the kernel that are stricter while the initramfs runs.
 */
#ifndef COCO_SETTINGS_H
#define COCO_SETTINGS_H

#include "base/fault.h"
#include "base/root.h"

#define SETTINGS_NR 5
#define SETTINGS_VALUE_SIZE 256

struct settings {
	char old[SETTINGS_NR][SETTINGS_VALUE_SIZE]; /* with a line feed; empty: not there */
};

/*
 * No SysRq, an end after each panic, a panic after each oops, no program that the kernel would
 * start to load a module, and a log that drops no line of ours: by itself it takes ten in five
 * seconds. A setting that this kernel has not is left out, and so is the log's if the command line
 * has fixed it.
 * Returns 0, or -errno with f saying internal.
 */
int settings_strict(const struct root *root, struct settings *ret_settings, struct fault *f);

/* Puts them back. Returns the same. */
int settings_restore(const struct root *root, const struct settings *settings, struct fault *f);

#endif
