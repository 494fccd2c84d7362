/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * sources.h - the sources that a boot can ask.
 */
#ifndef COCO_SOURCES_H
#define COCO_SOURCES_H

#include "source/source.h"

#define SOURCES_MAX 8

struct source_row {
	enum source_kind kind; /* what Sources= calls it */
	const struct source_ops *ops;
};

/* In the order in which choice.h prefers them; a row without operations behind the last. */
extern const struct source_row sources[SOURCES_MAX + 1];

#endif
