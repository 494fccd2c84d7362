/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * certificates.h - the certificate table that an SNP host may give beside a report.
 * Format: AMD 56421, SEV-ES Guest-Hypervisor Communication Block, MSG_REPORT_REQ in SNP Extended
 * Guest Request: entries of GUID (16 bytes, in printed order), offset from the table's start and
 * length (4 each), up to a GUID of zeros.
 */
#ifndef COCO_CERTIFICATES_H
#define COCO_CERTIFICATES_H

#include <stdbool.h>

#include "base/fault.h"

#define CERTIFICATES_ENTRIES_MAX 32

/* The two that sign reports; a broker has those above them. */
enum certificate_kind {
	CERTIFICATE_VCEK, /* of the chip */
	CERTIFICATE_VLEK, /* of a cloud */
	_CERTIFICATE_MAX,
};

struct certificate {
	const unsigned char *der; /* points into the table; NULL: not there */
	size_t len;
};

/* True if a DER sequence ends just where the bytes do. What is inside is the broker's to read. */
bool certificate_is_der(const unsigned char *bytes, size_t len);

/*
 * Finds both. A table of 0 bytes has none. Returns 0, or -EBADMSG with f saying report-failed for
 * one without an end, with too many entries, with an entry that lies outside or over the table
 * itself, and for a VCEK or VLEK that is there twice or no DER.
 */
int certificates_find(const unsigned char *table, size_t len,
		      struct certificate ret_certificates[static _CERTIFICATE_MAX],
		      struct fault *f) _must_check_;

#endif
