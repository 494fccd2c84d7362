/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * reason.h - why a session with a broker has failed, in the broker program.
 */
#ifndef COCO_REASON_H
#define COCO_REASON_H

#include "base/fault.h"
#include "source/kbs/frame.h"

struct reason {
	struct fault fault; /* code and sentence */
	enum kbs_step step;
	enum kbs_retry retry;
};

#endif
