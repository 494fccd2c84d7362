/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * snp.h - the evidence of SEV-SNP: a report in members, and the certificate that signed it.
 * Formats: AMD 56860, SEV Secure Nested Paging Firmware ABI, ATTESTATION_REPORT; virtee's sev,
 * src/firmware/guest/types/snp.rs, for the names.
 */
#ifndef COCO_SNP_H
#define COCO_SNP_H

#include "broker/evidence.h"

#define SNP_REPORT_SIZE 1184 /* bytes */

/*
 * Writes it to out, whose errors the caller looks for; sets null_chain and note. Members come in
 * the order of their names. Does not compare the report's data with what was asked for: whoever has
 * asked does. Returns 0, or -errno with f saying report-failed: another size, a version that is not
 * 3 to 5, a processor that brokers do not know; a malformed certificate table, unless a file of
 * the image stands in for it.
 */
int snp_write(const struct frame *frame, FILE *out, struct evidence *evidence,
	      struct fault *f) _must_check_;

#endif
