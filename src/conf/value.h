/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * value.h - values that keys of several sections take.
 */
#ifndef COCO_VALUE_H
#define COCO_VALUE_H

#include "conf/conf.h"

/* yes or no, and no other word. Returns 0 or -EINVAL. */
int value_bool(const char *value, bool *ret_value);

/* A path that means what it says: absolute, without a step back, a blank or a slash at its end.
 * Returns 0 or -EINVAL; `to` has `size` bytes, and is as it was after an error. */
int value_path(const char *value, char *to, size_t size);

/* 1 to CONF_NAMES_MAX names with blanks between them, of these characters alone, in the place of
 * what the list held. `value` is changed in place. Returns 0, -E2BIG or -EINVAL. */
int value_names(char *value, const char *allowed, struct name_list *ret_list);

#endif
