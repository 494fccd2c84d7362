/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * sources.h - the sources that a boot asks.
 */
#ifndef COCO_SOURCES_H
#define COCO_SOURCES_H

#include "source/source.h"

#define SOURCES_MAX 8

/* In the order in which they are asked; a NULL behind the last. */
extern const struct source_ops *const sources[SOURCES_MAX + 1];

#endif
