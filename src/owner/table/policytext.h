/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * policytext.h - writes the policy entry that coco-unlock-policy(5) describes.
 */
#ifndef COCO_OWNER_POLICYTEXT_H
#define COCO_OWNER_POLICYTEXT_H

#include "volume/pins.h"

/* The text of the entry, owned by the caller. Returns its length, or -E2BIG beyond
 * POLICY_ENTRY_SIZE_MAX, or -ENOMEM. */
ssize_t policytext_format(const struct policy_entry *policy, char **ret_text);

#endif
