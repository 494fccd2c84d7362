/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * probe.h - the launch secret's source in unit tests, asked as a boot and as `check` ask it.
 */
#ifndef COCO_TEST_PROBE_H
#define COCO_TEST_PROBE_H

#include "source/efi.h"

#define REF(guid_text) ((struct reference){ .guid = guid_text })

#define ABSENT 1

/* Returns 0 for a source that is there, ABSENT, or -errno. */
static inline int source_begin(const struct root *root, const struct conf *conf, bool look_only,
			       struct source *src, struct fault *f)
{
	int r;

	source_init(&source_efi, root, conf, src);
	src->look_only = look_only;
	r = src->ops->probe(src, f);
	return r > 0 ? 0 : r == 0 ? ABSENT : r;
}

#endif
