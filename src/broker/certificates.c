/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * certificates.c - walks the certificate table of an SNP host.
 * Trusts no number in it: each one is compared with what is there before it is used. May not look
 * into a certificate.
 */
#include "broker/certificates.h"

#include <string.h>

#include "base/little.h"

#define TYPE_SIZE 16
#define ENTRY_SIZE 24

/* 63da758d-e664-4564-adc5-f4b93be8accd and a8074bc2-a25a-483e-aae6-39c045a0b8a1. */
static const unsigned char types[_CERTIFICATE_MAX][TYPE_SIZE] = {
	[CERTIFICATE_VCEK] = { 0x63, 0xda, 0x75, 0x8d, 0xe6, 0x64, 0x45, 0x64, 0xad, 0xc5, 0xf4,
			       0xb9, 0x3b, 0xe8, 0xac, 0xcd },
	[CERTIFICATE_VLEK] = { 0xa8, 0x07, 0x4b, 0xc2, 0xa2, 0x5a, 0x48, 0x3e, 0xaa, 0xe6, 0x39,
			       0xc0, 0x45, 0xa0, 0xb8, 0xa1 },
};

static int malformed(struct fault *f, size_t nr, const char *what)
{
	return fault_set(f, EXITCODE_REPORT_FAILED, EBADMSG,
			 "the host's certificate table is malformed: entry %zu %s", nr, what);
}

bool certificate_is_der(const unsigned char *bytes, size_t len)
{
	size_t octets, size = 0, i;

	if (len < 2 || bytes[0] != 0x30)
		return false;
	if (bytes[1] < 0x80)
		return bytes[1] == len - 2;
	octets = bytes[1] & 0x7f;
	/* DER has no length of more octets than it needs. */
	if (octets < 1 || octets > sizeof(uint32_t) || len - 2 < octets || bytes[2] == 0)
		return false;
	for (i = 0; i < octets; i++)
		size = size << 8 | bytes[2 + i];
	return size >= 0x80 && size == len - 2 - octets;
}

/* Bytes of the table with its end, or 0 with f set. */
static size_t size_of(const unsigned char *table, size_t len, struct fault *f)
{
	static const unsigned char end[TYPE_SIZE];
	size_t nr;

	for (nr = 0; nr <= CERTIFICATES_ENTRIES_MAX; nr++) {
		if (len - nr * ENTRY_SIZE < ENTRY_SIZE) {
			(void)malformed(f, nr, "is not whole, and none before it is the end");
			return 0;
		}
		if (memcmp(table + nr * ENTRY_SIZE, end, TYPE_SIZE) == 0)
			return (nr + 1) * ENTRY_SIZE;
	}
	(void)malformed(f, nr - 1, "is one too many");
	return 0;
}

int certificates_find(const unsigned char *table, size_t len,
		      struct certificate ret_certificates[static _CERTIFICATE_MAX], struct fault *f)
{
	struct certificate found[_CERTIFICATE_MAX] = { 0 };
	size_t size = len ? size_of(table, len, f) : 0, nr, kind;

	if (len > 0 && size == 0)
		return -EBADMSG;
	for (nr = 0; (nr + 1) * ENTRY_SIZE < size; nr++) {
		const unsigned char *entry = table + nr * ENTRY_SIZE;
		size_t offset = little32(entry + TYPE_SIZE);
		size_t length = little32(entry + TYPE_SIZE + 4);

		if (offset < size || offset > len || length > len - offset)
			return malformed(f, nr, "lies outside");
		for (kind = 0; kind < _CERTIFICATE_MAX; kind++) {
			if (memcmp(entry, types[kind], TYPE_SIZE) != 0)
				continue;
			if (found[kind].der)
				return malformed(f, nr, "is there twice");
			if (!certificate_is_der(table + offset, length))
				return malformed(f, nr, "is no certificate in DER");
			found[kind] = (struct certificate){ .der = table + offset, .len = length };
		}
	}
	memcpy(ret_certificates, found, sizeof(found));
	return 0;
}
