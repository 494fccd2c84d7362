/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * log.h - lines for people: to the journal (or stderr), and the one failure line to every
 * console. Secrets have no way in here: only format strings of our own and checked text.
 */
#ifndef COCO_LOG_H
#define COCO_LOG_H

#include "base/root.h"
#include "base/util.h"

enum log_level {
	LOG_LEVEL_ERROR = 3,
	LOG_LEVEL_WARNING = 4,
	LOG_LEVEL_INFO = 6,
	LOG_LEVEL_DEBUG = 7,
};

/* One line to stderr. Where stderr is the journal's, the level goes in front in the form
 * of sd-daemon(3). Debug lines are printed only to the journal. */
void log_line(enum log_level level, const char *fmt, ...) _printf_(2, 3);

#define log_error(...) log_line(LOG_LEVEL_ERROR, __VA_ARGS__)
#define log_warning(...) log_line(LOG_LEVEL_WARNING, __VA_ARGS__)
#define log_info(...) log_line(LOG_LEVEL_INFO, __VA_ARGS__)
#define log_debug(...) log_line(LOG_LEVEL_DEBUG, __VA_ARGS__)

/* Writes one line to every console that the kernel has active, and waits a few seconds at
 * most until it is out. Never fails: a console that does not take it is the host's loss. */
void log_consoles(const struct root *root, const char *line);

#endif
