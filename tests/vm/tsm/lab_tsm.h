/* SPDX-License-Identifier: GPL-2.0-or-later */
/* lab_tsm.h - how a program answers the lab's provider of TSM reports. */
#ifndef LAB_TSM_H
#define LAB_TSM_H

#include <linux/types.h>

/* outblob and auxblob follow, one behind the other. */
struct lab_tsm_answer {
	__u32 error; /* an errno; 0: a report */
	__u32 outblob_len;
	__u32 auxblob_len;
};

#endif
