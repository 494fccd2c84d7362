/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * confirm.h - asks before something that cannot be taken back.
 */
#ifndef COCO_OWNER_CONFIRM_H
#define COCO_OWNER_CONFIRM_H

#include <stdbool.h>

#include "base/fault.h"

/* Asks on the controlling terminal; with yes (from --yes), does not. Returns 0, or -EPERM with f
 * about `what`: there is no terminal, or the answer is not "yes". */
int confirm(const char *what, const char *question, bool yes, struct fault *f);

#endif
