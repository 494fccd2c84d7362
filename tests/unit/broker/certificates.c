/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * certificates.c - the certificate table of an SNP host: what is found, and every way to be none.
 */
#include "broker/certificates.h"

#include "bytes.h"

#define END "00000000000000000000000000000000 00000000 00000000"
#define VCEK "63da758de6644564adc5f4b93be8accd"
#define VLEK "a8074bc2a25a483eaae639c045a0b8a1"
#define ARK "c0b406a4a80349529743 3fb6014cd0ae"

static struct certificate found[_CERTIFICATE_MAX];
static struct fault f;

/* In memory of its own, so that a sanitizer sees each byte that is read behind it. */
static int find(const char *text, size_t cut)
{
	static unsigned char *copy;
	unsigned char bytes[4096];
	size_t len = bytes_from_hex(text, bytes, sizeof(bytes));

	BYTES_MUST(cut <= len);
	free(copy);
	copy = malloc(len - cut + 1);
	BYTES_MUST(copy);
	memcpy(copy, bytes, len - cut);
	memset(found, 0xa5, sizeof(found));
	f = (struct fault){ 0 };
	return certificates_find(copy, len - cut, found, &f);
}

static void bad(const char *text, const char *why, const char *what)
{
	static const unsigned char untouched[sizeof(found)] = { [0 ... sizeof(found) - 1] = 0xa5 };
	int r = find(text, 0);

	if (!ok(r == -EBADMSG && f.code == EXITCODE_REPORT_FAILED && strstr(f.why, why) &&
			memcmp(found, untouched, sizeof(found)) == 0,
		"%s is refused", what))
		printf("# got %d: %s\n", r, f.why);
}

static bool is_certificate(enum certificate_kind kind, const char *hex)
{
	return found[kind].der && strcmp(bytes_hex(found[kind].der, found[kind].len), hex) == 0;
}

static void test_good(void)
{
	is_int(find("", 0), 0, "no table");
	ok(!found[CERTIFICATE_VCEK].der && !found[CERTIFICATE_VLEK].der, "... has none");
	is_int(find(END, 0), 0, "a table without entries");
	ok(!found[CERTIFICATE_VCEK].der && !found[CERTIFICATE_VLEK].der, "... has none");
	is_int(find(VCEK "30000000 04000000" END "3002aabb", 0), 0, "a table with one");
	ok(is_certificate(CERTIFICATE_VCEK, "3002aabb") && !found[CERTIFICATE_VLEK].der,
	   "... a VCEK");
	is_int(find(ARK "60000000 06000000" VLEK "62000000 03000000" VCEK "60000000 02000000" END
			"3000 300101",
		    0),
	       -EBADMSG, "a table whose last entry is longer than the table");
	is_int(find(ARK "60000000 05000000" VLEK "62000000 03000000" VCEK "60000000 02000000" END
			"3000 300101",
		    0),
	       0, "a table with three");
	ok(is_certificate(CERTIFICATE_VCEK, "3000") && is_certificate(CERTIFICATE_VLEK, "300101"),
	   "... both are found, in any order");
	is_int(find(ARK "30000000 00000000" END, 0), 0, "others may be empty, and are not read");
}

static void test_bad(void)
{
	char many[(CERTIFICATES_ENTRIES_MAX + 2) * 64] = "";
	size_t i, refused = 0;

	bad(VCEK "30000000 04000000", "is not whole", "a table without an end");
	bad(VCEK "18000000 04000000 3002aabb", "is not whole", "bytes in the place of the end");
	bad("00", "is not whole", "a single byte");
	bad(VCEK "2f000000 04000000" END "3002aabb", "outside", "an entry over the table's end");
	bad(VCEK "00000000 04000000" END "3002aabb", "outside", "one over the table's start");
	bad(VCEK "30000000 05000000" END "3002aabb", "outside", "one that is too long");
	bad(VCEK "34000000 01000000" END "3002aabb", "outside", "one that begins at the end");
	bad(VCEK "ffffffff 04000000" END "3002aabb", "outside", "an offset of 2^32 - 1");
	bad(VCEK "30000000 ffffffff" END "3002aabb", "outside", "a length of 2^32 - 1");
	bad(VCEK "30000000 d4ffffff" END "3002aabb", "outside", "a sum of 2^32 + 4");
	bad(ARK "30000000 05000000" END "3002aabb", "outside",
	    "an entry that nobody wants, outside");
	bad(VCEK "30000000 00000000" END "3002aabb", "DER", "an empty VCEK");
	bad(VCEK "30000000 03000000" END "3002aabb", "DER", "a VCEK that is cut");
	bad(VLEK "30000000 04000000" END "3001aabb", "DER", "a VLEK with a byte behind it");
	bad(VCEK "48000000 04000000" VCEK "48000000 04000000" END "3002aabb", "twice",
	    "a second VCEK");
	for (i = 0; i < CERTIFICATES_ENTRIES_MAX; i++)
		strcat(many, ARK "18030000 00000000");
	strcat(many, END);
	is_int(find(many, 0), 0, "as many entries as may be");
	strcat(many, END);
	memcpy(many + CERTIFICATES_ENTRIES_MAX * strlen(ARK "18030000 00000000"), ARK, strlen(ARK));
	bad(many, "too many", "one entry more");
	for (i = 1; i <= 76; i++)
		refused += find(VCEK "48000000 04000000" VLEK "48000000 04000000" END "3002aabb",
				i) == (i == 76 ? 0 : -EBADMSG);
	is_int(refused, 76, "cut at any byte it is refused; without any it is no table");
}

static void test_der(void)
{
	static const struct {
		const char *hex;
		bool good;
	} cases[] = {
		{ "", false },
		{ "30", false },
		{ "3000", true },
		{ "300100", true },
		{ "3101aa", false },
		{ "30017f7f", false },
		{ "3080", false },
		{ "308100", false },
		{ "308101aa", false },
		{ "30820001aa", false },
		{ "30850000000001aa", false },
		{ "30ff", false },
		{ "3084ffffffff", false },
		{ "3082", false },
		{ "308201", false },
	};
	unsigned char bytes[70000] = { 0x30, 0x81, 0x80 };
	size_t i;

	for (i = 0; i < ARRAY_SIZE(cases); i++) {
		size_t len = bytes_from_hex(cases[i].hex, bytes, sizeof(bytes));
		unsigned char *copy = malloc(len + 1); /* for a sanitizer */

		BYTES_MUST(copy);
		memcpy(copy + 1, bytes, len);
		ok(certificate_is_der(copy + 1, len) == cases[i].good, "'%s' is %sDER",
		   cases[i].hex, cases[i].good ? "" : "not ");
		free(copy);
	}
	memset(bytes, 0, sizeof(bytes));
	memcpy(bytes, "\x30\x82\x00\x80", 4);
	ok(!certificate_is_der(bytes, 4 + 0x80), "a length with a zero in front of it is not DER");
	memcpy(bytes, "\x30\x81\x80", 3);
	ok(certificate_is_der(bytes, 3 + 0x80) && !certificate_is_der(bytes, 4 + 0x80),
	   "128 bytes");
	memcpy(bytes, "\x30\x82\x01\x00", 4);
	ok(certificate_is_der(bytes, 4 + 0x100) && !certificate_is_der(bytes, 3 + 0x100),
	   "256 bytes");
	memcpy(bytes, "\x30\x83\x01\x00\x00", 5);
	ok(certificate_is_der(bytes, 5 + 0x10000), "65536 bytes");
}

int main(void)
{
	test_good();
	test_bad();
	test_der();
	return tap_done();
}
