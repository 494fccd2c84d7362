/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * surroundings.h - what in the real root, beside the volumes, obeys the host.
 */
#ifndef COCO_SURROUNDINGS_H
#define COCO_SURROUNDINGS_H

#include "base/warning.h"
#include "conf/conf.h"

/*
 * All looks, at a running system or at a tree of one: storage, services, and what the kernel,
 * the console and credentials let the host do. There is no error: a look that fails is
 * reported as a warning, too. Nothing is changed.
 */
void surroundings_look(const struct root *root, const struct conf *conf,
		       const struct warning_sink *sink);

#endif
