/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * imagepins.h - the policy of the guest's image, for verbs that change a header or a table: they do
 * not write it, and it stays as it is until the image is built again.
 */
#ifndef COCO_OWNER_IMAGEPINS_H
#define COCO_OWNER_IMAGEPINS_H

#include "base/secret.h"
#include "owner/plan/target.h"

/* Does the image pin something else than the disk's UUID, its volume key or its header as it is in
 * memory now? Then buf has a sentence about it, for a warning before the first write. */
bool imagepins_doubt(const struct target *t, const struct secret *volume_key, char *buf,
		     size_t size);

#endif
