/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * unlock.h - the pipeline from the launch secret to the mappings.
 */
#ifndef COCO_UNLOCK_H
#define COCO_UNLOCK_H

#include "report.h"

/*
 * Opens every volume of conf. When it returns, success or not, all secrets are wiped from
 * memory and all entries but the kept ones are gone from the secret table, or f says
 * wipe-failed; after a failure none of the mappings it made is left. On a root that is no
 * machine it does all of this on the tree's files, except that it loads nothing and maps
 * nothing: keyslots are opened, and that is the end.
 * f may hold a fault already: then the secrets are only wiped. Runs in a process of its own
 * (supervise.h), because a key derivation can only be ended together with its process.
 * Returns 0 or -errno with f set.
 */
int unlock_run(const struct root *root, const struct conf *conf, struct report *report,
	       struct fault *f);

/*
 * Only wipes the entries of the secret table; f holds the reason already, and changes if the
 * wipe fails. Removes the mappings that report says are made. Returns 0 or -errno.
 */
int unlock_undo(const struct root *root, const struct conf *conf, struct report *report,
		struct fault *f);

#endif
