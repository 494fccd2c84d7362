/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * unlock.h - the pipeline from the launch secret to the mappings.
 */
#ifndef COCO_UNLOCK_H
#define COCO_UNLOCK_H

#include "boot/attempt.h"

/*
 * Opens every volume of conf. When it returns, success or not, all secrets are wiped from
 * memory and all entries but the kept ones are gone from the secret table, or f says
 * wipe-failed. After a failure the mappings that it has made are left to unlock_undo(), which
 * has a time limit for them. On a root that is no
 * machine it does all of this on the tree's files, except that it loads nothing and maps
 * nothing: keyslots are opened, and that is the end.
 * attempts, zero at first but for the keys, gets what later tries need; attempt is an answer whose
 * secrets take the place of the source's, which is not asked then, or NULL.
 * f may hold a fault already: then the secrets are only wiped. Runs in a process of its own
 * (supervise.h), because a key derivation can only be ended together with its process.
 * Returns 0 or -errno with f set.
 */
int unlock_run(const struct root *root, const struct conf *conf, struct report *report,
	       struct attempts *attempts, const struct attempt *attempt, struct fault *f);

/* For a boot that unlock_run() did not end itself: any volume of the configuration and of the
 * list of what was opened may be mapped. Only for an initramfs: the mappings of a running
 * system are nobody's to take away. */
void unlock_claim(const struct conf *conf, struct report *report);

/*
 * After a failure, whose reason is in f: wipes the entries of the secret table, unless report
 * says that this has been done, which may change f; then takes away the mappings that report
 * says are made, by device mapper alone; then the list of what was opened.
 */
void unlock_undo(const struct root *root, const struct conf *conf, struct report *report,
		 struct fault *f);

#endif
