/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * storage.h - what the real root mounts, swaps to and opens that is not on the volumes.
 *
 * Format facts: fstab(5), crypttab(5), proc_swaps(5), and util-linux' and udev's names below
 * /dev/disk (udev's 60-persistent-storage.rules; characters that are not safe there as \xNN).
 */
#ifndef COCO_STORAGE_H
#define COCO_STORAGE_H

#include "base/warning.h"
#include "conf/conf.h"

/*
 * Warns of each line of fstab and crypttab, each swap area and each mount that is there now, if
 * it is not on a volume that was opened in this boot. A look that fails is a warning.
 * A tree without a list of what was opened counts only mappings named in cocotab as ours.
 */
void storage_look(const struct root *root, const struct conf *conf,
		  const struct warning_sink *sink);

#endif
