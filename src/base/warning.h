/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * warning.h - what is no refusal and still has to be reported: one sentence with what to do.
 */
#ifndef COCO_WARNING_H
#define COCO_WARNING_H

#include "base/util.h"

#define WARNING_MAX 512

struct warning_sink {
	/* what: one word, the place that the sentence is about. Both are printable. */
	void (*take)(void *arg, const char *what, const char *text);
	void *arg;
};

/* Hands the sentence on, made printable and cut if too long, since it may quote the disk. */
void warning_say(const struct warning_sink *sink, const char *what, const char *fmt, ...)
	_printf_(3, 4);

#endif
