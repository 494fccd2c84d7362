/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * lvmfilter.h - the line of lvm.conf(5) that keeps LVM on what was unlocked.
 */
#ifndef COCO_LVMFILTER_H
#define COCO_LVMFILTER_H

#include "conf/conf.h"

#define LVMFILTER_SIZE (CONF_VOLUMES_MAX * (3 * CONF_NAME_SIZE + 32) + 32)

/*
 * Writes the value of devices/global_filter that accepts the mappings of cocotab and nothing
 * else: `[ "a|^/dev/mapper/NAME$|", ..., "r|.*|" ]`. Returns 0, or -ENOTSUP with an empty text
 * if a volume's device is named by a path that may itself be a logical volume: LVM must then
 * see other disks, too.
 */
int lvmfilter_value(const struct conf *conf, char ret_text[static LVMFILTER_SIZE]);

/* True if the line stands in a file of LVM's configuration below the root, and counts. */
bool lvmfilter_is_set(const struct root *root, const char *value);

/* True if the root has LVM, that is, a configuration of it. */
bool lvmfilter_has_lvm(const struct root *root);

#endif
