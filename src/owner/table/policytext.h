/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * policytext.h - writes the policy entry that coco-unlock-policy(5) describes.
 */
#ifndef COCO_OWNER_POLICYTEXT_H
#define COCO_OWNER_POLICYTEXT_H

#include "owner/table/table.h"
#include "volume/pins.h"

/* The text of the entry, owned by the caller. Returns its length, or -E2BIG beyond
 * POLICY_ENTRY_SIZE_MAX, or -ENOMEM. */
ssize_t policytext_format(const struct policy_entry *policy, char **ret_text);

/*
 * Reads the policy entry of a table that table_check() has parsed; conf as for
 * policy_entry_parse(). A table without one is good, and present is false then. Returns 0, or
 * negative with f about path: policy-invalid.
 */
int policytext_read(const char *path, const struct secret *bytes, const struct table *table,
		    const struct conf *conf, struct policy_entry *ret_policy, struct fault *f);

#endif
