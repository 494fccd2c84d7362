/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * certificates.c - fuzz target: the certificate table of an SNP host. A second reader, which looks
 * for faults and nothing else, has to agree on each table.
 */
#include "broker/certificates.h"

#include "fuzz.h"

#define VCEK "\x63\xda\x75\x8d\xe6\x64\x45\x64\xad\xc5\xf4\xb9\x3b\xe8\xac\xcd"
#define VLEK "\xa8\x07\x4b\xc2\xa2\x5a\x48\x3e\xaa\xe6\x39\xc0\x45\xa0\xb8\xa1"

static uint64_t be(const unsigned char *p, size_t size)
{
	uint64_t value = 0;

	for (; size > 0; size--)
		value = value << 8 | *p++;
	return value;
}

static uint64_t le32(const unsigned char *p)
{
	return (uint64_t)p[0] | (uint64_t)p[1] << 8 | (uint64_t)p[2] << 16 | (uint64_t)p[3] << 24;
}

/* X.690, 8.1.3 and 10.1, by the shortest form of the length that there is. */
static bool is_der(const unsigned char *p, uint64_t size)
{
	size_t octets;

	for (octets = 0; octets <= 4; octets++) {
		uint64_t head = 2 + octets, content = size - head;

		if (size < head || p[0] != 0x30)
			return false;
		if (octets == 0 && content < 0x80)
			return p[1] == content;
		if (octets > 0 &&
		    content >= (octets == 1 ? 0x80 : UINT64_C(1) << (8 * octets - 8)) &&
		    content < UINT64_C(1) << (8 * octets))
			return p[1] == (0x80 | octets) && be(p + 2, octets) == content;
	}
	return false;
}

/* Entries in front of the end, or -1. */
static int count(const unsigned char *table, size_t size)
{
	static const unsigned char end[16];
	int nr;

	for (nr = 0; nr <= CERTIFICATES_ENTRIES_MAX; nr++) {
		if ((size_t)nr * 24 + 24 > size)
			return -1;
		if (memcmp(table + nr * 24, end, sizeof(end)) == 0)
			return nr;
	}
	return -1;
}

/* The one with this GUID: its number, -1 for none. */
static int find(const unsigned char *table, int nr, const char *guid)
{
	int i;

	for (i = 0; i < nr; i++)
		if (memcmp(table + i * 24, guid, 16) == 0)
			return i;
	return -1;
}

static bool is_good(const unsigned char *table, size_t size, int nr)
{
	const char *const guids[] = { VCEK, VLEK };
	int i, first;
	size_t k;

	for (i = 0; i < nr; i++) {
		uint64_t at = le32(table + i * 24 + 16), len = le32(table + i * 24 + 20);

		if (at < (uint64_t)nr * 24 + 24 || at + len > size)
			return false;
	}
	for (k = 0; k < ARRAY_SIZE(guids); k++) {
		first = find(table, nr, guids[k]);
		if (first < 0)
			continue;
		if (find(table + first * 24 + 24, nr - first - 1, guids[k]) >= 0 ||
		    !is_der(table + le32(table + first * 24 + 16), le32(table + first * 24 + 20)))
			return false;
	}
	return true;
}

static void check(const unsigned char *table, int nr, const struct certificate *found,
		  const char *guid)
{
	int i = find(table, nr, guid);

	FUZZ_MUST((i >= 0) == (found->der != NULL));
	if (i >= 0)
		FUZZ_MUST(found->der == table + le32(table + i * 24 + 16) &&
			  found->len == le32(table + i * 24 + 20));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct certificate found[_CERTIFICATE_MAX] = { 0 };
	struct fault f = { 0 };
	unsigned char *table;
	int nr, r;

	if (size == 0) /* no table */
		return 0;
	table = fuzz_copy(data, size);
	nr = count(table, size);
	r = certificates_find(table, size, found, &f);
	FUZZ_MUST(r == 0 || (r == -EBADMSG && f.code == EXITCODE_REPORT_FAILED && f.why[0]));
	FUZZ_MUST((r == 0) == (nr >= 0 && is_good(table, size, nr)));
	if (r == 0) {
		fuzz_accepted++;
		check(table, nr, &found[CERTIFICATE_VCEK], VCEK);
		check(table, nr, &found[CERTIFICATE_VLEK], VLEK);
	} else {
		FUZZ_MUST(!found[CERTIFICATE_VCEK].der && !found[CERTIFICATE_VLEK].der);
	}
	free(table);
	return 0;
}
