/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * program.h - the two programs beside ours that an image may have: e2fsck, and LVM's.
 */
#ifndef COCO_PROGRAM_H
#define COCO_PROGRAM_H

#include "base/deadline.h"
#include "base/fault.h"
#include "conf/conf.h"

/*
 * Checks a file system of ext, and repairs what can be repaired without a question. Returns 0, or
 * -errno with f saying aborted; also if the deadline ended it.
 */
int program_fsck(const char *device, struct deadline deadline, struct fault *f);

/* Activates the volume groups on the opened volumes, which is all that LVM is shown. The same. */
int program_lvm(const struct conf *conf, struct deadline deadline, struct fault *f);

#endif
