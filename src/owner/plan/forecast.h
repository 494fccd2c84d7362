/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * forecast.h - what a boot would say: the unlocker's own decisions, made about a table and an
 * image on the owner's machine.
 */
#ifndef COCO_OWNER_FORECAST_H
#define COCO_OWNER_FORECAST_H

#include "base/fault.h"
#include "owner/disk/image.h"
#include "volume/examine.h"

/*
 * Decides as a boot with configuration conf, this policy of the guest's image, this secret table
 * (as read from a file) and the disk image as the device of volume number i would, up to the volume
 * key, and to names of its content elsewhere on the image; the other volumes' disks are not looked
 * at, their secrets are. memory_kib as for examine_keyslot(). Not decided here: whether module,
 * kernel, firmware and command line are in order, and what the running system has. *examined, which
 * was EXAMINED_NULL, has what was found, also after a refusal; its keyslot counts after a success.
 * Returns 0, or -errno with f saying what the boot would say.
 */
int forecast(const struct conf *conf, size_t i, const struct policy_entry *image_policy,
	     const struct secret *table, const struct image *image, uint64_t memory_kib,
	     struct policy_entry *ret_policy, struct examined *examined, struct fault *f);

/* Refuses where the limit of a file's size would end a forecast: copies in memory of what is on the
 * image count as files, and a boot's words would be about that. Returns 0 or -EIO with f. */
int forecast_check_limit(const struct image *image, struct fault *f);

#endif
