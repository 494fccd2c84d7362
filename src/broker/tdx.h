/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * tdx.h - the evidence of TDX: a quote, and the event log that explains its registers.
 * Format: Intel TDX DCAP Quoting Library API, quotes of version 4 and 5.
 */
#ifndef COCO_TDX_H
#define COCO_TDX_H

#include "broker/evidence.h"

#define TDX_AT_RTMR 328 /* in a body: four registers of 48 bytes */

/* Finds the body of a quote, 584 bytes at least. Returns it, pointing into the quote, or NULL with
 * f saying report-failed. */
const unsigned char *tdx_quote_body(const unsigned char *quote, size_t len, struct fault *f);

/*
 * Writes the evidence to out, whose errors the caller looks for. The event log is sent up to its
 * end mark, and only if it replays to the quote's registers and is not too large: a broker refuses
 * any other. A note says why it is not; an empty one needs none. Does not compare the quote's data
 * with what was asked for: whoever has asked does. Returns 0, or -errno with f saying
 * report-failed.
 */
int tdx_write(const struct frame *frame, FILE *out, struct evidence *evidence,
	      struct fault *f) _must_check_;

#endif
