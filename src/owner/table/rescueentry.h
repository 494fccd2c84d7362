/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * rescueentry.h - the entry of a table under which the secrets of a rescue's answer travel, and
 * what a guest's configuration makes of it. coco-unlock-rescue(7) is the contract.
 */
#ifndef COCO_OWNER_RESCUEENTRY_H
#define COCO_OWNER_RESCUEENTRY_H

#include "owner/table/table.h"

/* Can an answer carry secrets to a guest that has this configuration and gets this table? */
bool rescueentry_serves(const struct table *table, const struct conf *conf);

/*
 * One of the two is there without the other, or is of no use: a sentence about the table, or NULL.
 * conf: NULL if the guest's is not known; then only what holds for any is said.
 */
const char *rescueentry_doubt(const struct table *table, const struct conf *conf);

#endif
