/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * rescueconf.h - the keys of [Unlock] that say who may rescue a boot that fails, and how.
 */
#ifndef COCO_RESCUECONF_H
#define COCO_RESCUECONF_H

#include "base/warning.h"
#include "conf/conf.h"

/* Setters of conf.c's table of keys, as ini.h describes them. */
int rescueconf_set_key(struct conf *conf, char *value);
int rescueconf_set_shell(struct conf *conf, char *value);

/* When all files are read: says what does not go together. Returns 0, or -EINVAL with f saying
 * config, with file and line. */
int rescueconf_check(const struct conf *conf, struct fault *f) _must_check_;

/* What is no mistake, and still not what one may expect of it. */
void rescueconf_warn(const struct conf *conf, const struct warning_sink *sink);

#endif
