/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * choice.h - which of the configured sources a boot asks.
 */
#ifndef COCO_CHOICE_H
#define COCO_CHOICE_H

#include "boot/sources.h"

/*
 * The sources of Sources=, in the order of the table, not asked yet. Returns how many there are, at
 * least 1. root and conf must outlive them.
 */
size_t choice_list(const struct root *root, const struct conf *conf, bool look_only,
		   struct deadline deadline, struct source ret_sources[static SOURCES_MAX]);

/*
 * Takes the first that is there, and skips those behind it, which are not even probed. The next one
 * is asked only if this one is absent; an error ends the search. If that, or a fault that f holds
 * already, means that no secret will be read, sources whose secrets lie in this machine are probed
 * all the same, so that their discard() finds them.
 * Returns the source that counts, for the report, never NULL: the one to be opened if f holds no
 * fault; else the one that f speaks of, or the one that was found to be wiped.
 */
struct source *choice_make(struct source *list, size_t nr, struct fault *f);

#endif
