/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * guestconf.h - the configuration of the guest's image, and the volume that a verb is about.
 */
#ifndef COCO_OWNER_GUESTCONF_H
#define COCO_OWNER_GUESTCONF_H

#include "base/fault.h"
#include "conf/conf.h"
#include "volume/pins.h"

/*
 * dir: the guest's root directory, whose /etc/coco-unlock counts; NULL for the defaults.
 * name: of the volume; NULL for the only one. Without a configuration any name is good: it
 * becomes that of the only volume. Returns 0 or negative with f.
 */
int guestconf_load(const char *dir, const char *name, struct conf *ret_conf, size_t *ret_volume,
		   struct fault *f);

/* The same without a volume: all of the configuration, or the defaults. */
int guestconf_read(const char *dir, struct conf *ret_conf, struct fault *f);

/* The policy of the guest's image, or none without a directory; conf is from there. Returns 0 or
 * negative with f. */
int guestconf_policy(const char *dir, const struct conf *conf, struct policy_entry *ret_image,
		     struct fault *f);

#endif
