/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * tdx.c - a TDX quote in the broker's form.
 * Trusts neither quote nor event log: both come through the host.
 */
#include "broker/tdx.h"

#include <string.h>

int tdx_write(const struct frame *frame, FILE *out, struct evidence *evidence, struct fault *f)
{
	(void)frame;
	(void)out;
	(void)evidence;
	return fault_set(f, EXITCODE_REPORT_FAILED, ENOTSUP, "tdx: not yet");
}
