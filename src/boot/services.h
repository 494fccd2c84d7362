/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * services.h - programs of the real root that take orders from the host.
 */
#ifndef COCO_SERVICES_H
#define COCO_SERVICES_H

#include "base/root.h"
#include "base/warning.h"

/*
 * Warns of generators, services and agents that are installed, not masked in /etc, and obey the
 * host's disk or its channels into the guest. A look that fails is a warning.
 */
void services_look(const struct root *root, const struct warning_sink *sink);

#endif
