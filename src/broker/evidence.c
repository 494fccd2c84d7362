/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * evidence.c - which writer a report gets.
 * Trusts no byte of it.
 */
#include "broker/evidence.h"

int evidence_write(const char *tee, const struct frame *frame, struct evidence *ret_evidence,
		   struct fault *f)
{
	(void)frame;
	*ret_evidence = EVIDENCE_NULL;
	return fault_set(f, EXITCODE_REPORT_FAILED, ENOTSUP, "%s: not yet", tee);
}

void evidence_done(struct evidence *evidence)
{
	free(evidence->json);
	*evidence = EVIDENCE_NULL;
}
