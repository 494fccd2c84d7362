/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * evidence.c - which writer a report gets.
 * Trusts no byte of it.
 */
#include "broker/evidence.h"

#include <string.h>

#include "broker/snp.h"
#include "broker/tdx.h"

int evidence_write(const char *tee, const struct frame *frame, struct evidence *ret_evidence,
		   struct fault *f)
{
	struct evidence evidence = EVIDENCE_NULL;
	size_t len;
	FILE *out;
	int r;

	if (frame->type != FRAME_EVIDENCE || frame->nr != _EVIDENCE_MAX)
		return fault_set(f, EXITCODE_INTERNAL, EBADMSG, "a frame that is no evidence");
	out = open_memstream(&evidence.json, &len);
	if (!out)
		return fault_set(f, EXITCODE_NO_MEMORY, ENOMEM, "no memory for the evidence");
	if (strcmp(tee, "snp") == 0)
		r = snp_write(frame, out, &evidence, f);
	else if (strcmp(tee, "tdx") == 0)
		r = tdx_write(frame, out, &evidence, f);
	else
		r = fault_set(f, EXITCODE_INTERNAL, ENOTSUP, "evidence of no kind: %s", tee);
	if (r == 0 && ferror(out))
		r = fault_set(f, EXITCODE_NO_MEMORY, ENOMEM, "no memory for the evidence");
	if (fclose(out) != 0 && r == 0)
		r = fault_set(f, EXITCODE_NO_MEMORY, ENOMEM, "no memory for the evidence");
	if (r < 0)
		evidence_done(&evidence);
	else
		*ret_evidence = evidence;
	return r;
}

void evidence_done(struct evidence *evidence)
{
	free(evidence->json);
	*evidence = EVIDENCE_NULL;
}
