/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * evidence.h - the JSON of a report, as the broker wants it.
 * Format: Trustee's deps/verifier, types of RCAR 0.4.0.
 */
#ifndef COCO_EVIDENCE_H
#define COCO_EVIDENCE_H

#include "base/fault.h"
#include "source/kbs/frame.h"

struct evidence {
	char *json;		     /* owned: the value of primary_evidence */
	bool null_chain;	     /* snp without a certificate of the chip */
	char note[FRAME_REASON_MAX]; /* for the owner, on what is not sent; or empty */
};

#define EVIDENCE_NULL ((struct evidence){ 0 })

/*
 * tee: "snp" or "tdx"; frame: of FRAME_EVIDENCE. Same bytes, same text: members come in the order
 * of their names, without white space. That the report carries what was asked for is not looked at
 * here: the unlocking process has asked, and the broker compares it. Returns 0, or -errno with f
 * saying report-failed for a report, quote or certificate table that is none.
 */
int evidence_write(const char *tee, const struct frame *frame, struct evidence *ret_evidence,
		   struct fault *f) _must_check_;
void evidence_done(struct evidence *evidence);

#endif
