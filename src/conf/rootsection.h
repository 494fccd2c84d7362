/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * rootsection.h - the sections [Root] and [Image] of coco-unlock.conf: what an initramfs of our own
 * mounts and starts, and what is in it.
 */
#ifndef COCO_ROOTSECTION_H
#define COCO_ROOTSECTION_H

#include "conf/conf.h"

/* Setters of conf.c's table of keys, as ini.h describes them. */
int rootsection_set_device(struct conf *conf, char *value);
int rootsection_set_type(struct conf *conf, char *value);
int rootsection_set_options(struct conf *conf, char *value);
int rootsection_set_usr(struct conf *conf, char *value);
int rootsection_set_init(struct conf *conf, char *value);
int rootsection_set_modules(struct conf *conf, char *value);

/* What the root is mounted from: Device=, or the mapping of the root's volume. */
void rootsection_device(const struct conf *conf, char ret_path[static CONF_DEVICE_SIZE]);

/* Is one of the two on no volume itself, so that LVM has to make a device of what lies on them? */
bool rootsection_wants_lvm(const struct conf *conf);

/* The file system has a check of its own that can run before it is mounted: those of ext. */
bool rootsection_has_fsck(const char *type);

/*
 * Can an initramfs without systemd, udev and a shell carry out this configuration? Returns 0, or
 * -EINVAL with f saying config and what to change.
 */
int rootsection_check(const struct conf *conf, struct fault *f);

#endif
