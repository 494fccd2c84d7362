/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * eventlog.h - the firmware's event log (CCEL), played through.
 * Format: TCG PC Client Platform Firmware Profile 1.06, 10.2.2 and 10.4.5.1; UEFI 2.11, 38.4.1: the
 * register of a record is that of TDX plus 1.
 */
#ifndef COCO_EVENTLOG_H
#define COCO_EVENTLOG_H

#include "base/util.h"

#define EVENTLOG_REGISTERS 4
#define EVENTLOG_DIGEST_SIZE 48 /* SHA-384 */
#define EVENTLOG_MARK_SIZE 8	/* all 0xff or all 0: the end */

struct eventlog {
	unsigned char registers[EVENTLOG_REGISTERS][EVENTLOG_DIGEST_SIZE]; /* RTMR0 to RTMR3 */
	size_t nr;  /* records behind the first, which only describes the log */
	size_t len; /* bytes of all records; what is behind them is no part of the log */
};

struct eventlog_flaw {
	const char *why; /* "a record that is cut" */
	size_t offset;	 /* of the record */
};

/*
 * Walks the log up to its mark, or to where less than a mark is left, and extends registers by what
 * is written there. A record that brokers refuse is a flaw, and so is one that they read in two
 * ways. Returns 0; -EBADMSG with the flaw; or -ENOTSUP (libcrypto).
 */
int eventlog_replay(const unsigned char *log, size_t len, struct eventlog *ret_eventlog,
		    struct eventlog_flaw *ret_flaw) _must_check_;

#endif
