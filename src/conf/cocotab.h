/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * cocotab.h - the table of volumes, cocotab(5).
 */
#ifndef COCO_COCOTAB_H
#define COCO_COCOTAB_H

#include "conf/conf.h"

/*
 * Reads a whole table into conf->volumes, nr_volumes and root_volume, in the place of what they
 * held. `text` is changed in place, `file` is for people. Returns 0, or -EINVAL at the first
 * mistake: f says config, with file and line. The volumes are of no use then.
 */
int cocotab_parse(struct conf *conf, char *text, const char *file, struct fault *f);

/* Can a volume have this name? */
bool cocotab_is_name(const char *word);

#endif
