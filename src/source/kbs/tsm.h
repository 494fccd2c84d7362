/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * tsm.h - reports of the platform, through configfs-tsm.
 * Interface: Linux' Documentation/ABI/testing/configfs-tsm-report.
 */
#ifndef COCO_TSM_H
#define COCO_TSM_H

#include "base/deadline.h"
#include "base/fault.h"
#include "base/root.h"

#define TSM_OUTBLOB_MAX (1024 * 1024) /* bytes */
#define TSM_AUXBLOB_MAX (64 * 1024)
#define TSM_PROVIDER_SIZE 64
#define TSM_DATA_SIZE 64

struct tsm_report {
	unsigned char *outblob; /* owned */
	size_t outblob_len;
	unsigned char *auxblob; /* owned; NULL: empty */
	size_t auxblob_len;
	int privlevel_floor; /* only told; -1: not said */
};

#define TSM_REPORT_NULL ((struct tsm_report){ .privlevel_floor = -1 })

/*
 * Which provider is registered? Mounts configfs of the machine if it is not. Returns 1 with its
 * name, 0 with f saying no-provider if the kernel has none, or -errno with f saying report-failed,
 * or no-answer at the deadline: what cannot be looked at is never none.
 *
 * look_only mounts nothing and makes no directory, so the kernel is not asked. It then knows the
 * devices that sev_guest and tdx_guest have while they are registered; without one, it returns 0,
 * and f says that only a boot can tell.
 */
int tsm_provider(const struct root *root, bool look_only, struct deadline deadline,
		 char ret_name[static TSM_PROVIDER_SIZE], struct fault *f) _must_check_;

/*
 * Makes one report with these 64 bytes, and sees to it that it has them. provider: what
 * tsm_provider() has said, sev_guest or tdx_guest. All of it is done in a process of its own, which
 * is ended at the deadline, and in a directory of its own, which is gone when this returns; if the
 * kernel does not let it go, a process is left behind that removes it as soon as it does. Never
 * repeats a request. Returns 0, or -errno with f saying report-failed, or no-answer at the
 * deadline.
 */
int tsm_report(const struct root *root, const char *provider,
	       const unsigned char data[static TSM_DATA_SIZE], struct deadline deadline,
	       struct tsm_report *ret_report, struct fault *f) _must_check_;
void tsm_report_done(struct tsm_report *report);

#endif
