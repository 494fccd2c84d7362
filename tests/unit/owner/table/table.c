/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * table.c - secret tables: built bit for bit, parsed, changed, and refused.
 */
#include "owner/table/table.h"
#include "conf/reference.h"
#include "owner/table/names.h"

#include "bytes.h"

#define OTHER "e6f5a162-d67f-4750-a67c-5d065f2a9910"

/* hunter2 for the disk, then five bytes; with 8 bytes of padding. */
static const char worked[] =
	"42f5741edd71664d963eef4287ff173b 48000000 e5696873f084734992ec06879ce3da0b 1b000000"
	"68756e74657232 62a1f5e67fd65047a67c5d065f2a9910 19000000 0102000405 0000000000000000";

static struct table table;
static struct table_flaw flaw;

static int add(struct secret *t, const char *guid, const void *data, size_t len, bool force,
	       struct fault *f)
{
	_cleanup_secret_ struct secret s = bytes_secret(data, len);

	*f = (struct fault){ 0 };
	return table_add(t, guid, &s, force, "FILE", f);
}

static struct secret started(void)
{
	struct secret t = bytes_secret("", 0);

	table_start(&t);
	return t;
}

static void test_worked_example(void)
{
	_cleanup_secret_ struct secret t = started(), want = bytes_secret_hex(worked);
	struct fault f;
	struct digest digest;

	is_int(add(&t, GUID_DISK_SECRET, "hunter2", 7, false, &f), 0, "build: the disk's key");
	is_int(add(&t, OTHER, "\1\2\0\4\5", 5, false, &f), 0, "build: another entry");
	is_int(t.len, 72, "build: no padding yet");
	is_int(digest_sha256(t.bytes, t.len, &digest), 0, "build: digest");
	is_str(bytes_hex(digest.octets, 32),
	       "8339dc51c24fea47d1a5c2595707e6866bc631bcc2d10b532537fa15633fabca",
	       "build: the published digest of the table");
	table_pad(&t);
	is_str(bytes_hex(t.bytes, t.len), bytes_hex(want.bytes, want.len),
	       "build: byte for byte the worked example, padded");
	is_int(digest_sha256(t.bytes, t.len, &digest), 0, "build: digest with padding");
	is_str(bytes_hex(digest.octets, 32),
	       "14381dea0484cf80123f45b2719c71561032dd8a6652eb45f3e50ed77d4a3687",
	       "build: the published digest of the padded table");

	is_int(table_parse(&t, &table, &flaw), 0, "parse: it reads its own table");
	is_int(table.nr, 2, "parse: two entries");
	is_int(table.len, 72, "parse: the length");
	is_int(table.rest, 0, "parse: no counted padding");
	is_str(table.entries[0].guid, GUID_DISK_SECRET, "parse: first GUID");
	is_int(table.entries[0].offset, 0x14, "parse: first entry");
	is_int(table.entries[0].data_offset, 0x28, "parse: its data");
	is_int(table.entries[0].len, 7, "parse: its length");
	is_str(table.entries[1].guid, OTHER, "parse: second GUID, at an odd offset");
	is_int(table.entries[1].offset, 0x2f, "parse: second entry");
	is_int(table.entries[1].len, 5, "parse: its length");
}

/* Cut at each byte, with the header's length as it was, and then adjusted. */
static void test_truncation(void)
{
	_cleanup_secret_ struct secret t = bytes_secret_hex(worked);
	unsigned int taken = 0, wrong = 0;
	size_t len;

	for (len = 0; len < 72; len++) {
		size_t offset = len < 20 ? len : 16;

		t.len = len;
		if (table_parse(&t, &table, &flaw) != -EINVAL || flaw.offset != offset ||
		    flaw.kind != (len < 20 ? TABLE_NO_HEADER : TABLE_HEADER_LENGTH))
			wrong++;
	}
	is_int(wrong, 0, "cut: refused at each byte, at the offset of the header or its length");
	for (; len <= 80; len++) {
		t.len = len;
		taken += table_parse(&t, &table, &flaw) == 0;
	}
	is_int(taken, 9, "cut: inside the padding nothing is lost");
	for (len = 20, taken = 0, wrong = 0; len < 72; len++) {
		t.len = len;
		t.bytes[16] = (unsigned char)len;
		if (table_parse(&t, &table, &flaw) == 0) {
			taken++;
			wrong += len != 20 && len != 47;
		} else {
			/* behind the last whole entry: too short for one more, or cut in its data */
			size_t begin = len < 47 ? 20 : 47;

			wrong += flaw.offset < begin || flaw.offset > begin + 16;
		}
	}
	is_int(taken, 2, "cut, length adjusted: only between entries it is a table");
	is_int(wrong, 0, "cut, length adjusted: each offset lies in the entry that is cut");
}

static void is_flaw(const char *hex, int kind, size_t offset, const char *what)
{
	_cleanup_secret_ struct secret t = bytes_secret_hex(hex);
	int r;

	flaw = (struct table_flaw){ .offset = 99999 };
	table.nr = 12345;
	r = table_parse(&t, &table, &flaw);
	if (kind < 0) {
		ok(r == 0, "parse: %s is taken", what);
		return;
	}
	if (!ok(r == -EINVAL && (int)flaw.kind == kind && flaw.offset == offset &&
			(table.nr == 12345) == (kind != TABLE_TRAILING) && *flaw.reason,
		"parse: %s is refused at offset %zu", what, offset))
		printf("# got %d, kind %d at %zu: %s, nr %zu\n", r, flaw.kind, flaw.offset,
		       flaw.reason, table.nr);
}

#define H "42f5741edd71664d963eef4287ff173b"
#define G1 "e5696873f084734992ec06879ce3da0b"
#define G2 "62a1f5e67fd65047a67c5d065f2a9910"
#define G0 "00000000000000000000000000000000"
#define Z4 "00000000"
#define Z16 G0

static void test_flaws(void)
{
	is_flaw(H "14000000", -1, 0, "a table without entries");
	is_flaw(H "13000000", TABLE_HEADER_LENGTH, 16, "length 19");
	is_flaw(H "00000000", TABLE_HEADER_LENGTH, 16, "length 0");
	is_flaw(H "ffffffff", TABLE_HEADER_LENGTH, 16, "length 2^32-1");
	is_flaw(H "15000000", TABLE_HEADER_LENGTH, 16, "length one more than there is");
	is_flaw("43f5741edd71664d963eef4287ff173b 14000000", TABLE_NO_HEADER, 0, "another GUID");
	is_flaw("1e74f54271dd4d66963eef4287ff173b 14000000", TABLE_NO_HEADER, 0,
		"the header GUID as it is printed");
	is_flaw(Z16 Z4, TABLE_NO_HEADER, 0, "an empty area");
	is_flaw(H "28000000" G1 "14000000", -1, 0, "an entry without data");
	is_flaw(H "28000000" G1 "13000000", TABLE_ENTRY_LENGTH, 36, "an entry of 19 bytes");
	is_flaw(H "28000000" G1 "15000000", TABLE_ENTRY_LENGTH, 36, "an entry one byte too long");
	is_flaw(H "28000000" G1 "ffffffff", TABLE_ENTRY_LENGTH, 36, "an entry of 2^32-1 bytes");
	is_flaw(H "3c000000" G1 "14000000" G1 "14000000", TABLE_DUPLICATE, 40, "a GUID twice");
	is_flaw(H "3c000000" G0 "14000000" G0 "14000000", -1, 0, "a deleted entry twice");
	is_flaw(H "3c000000" G1 "14000000" G2 "00000000", TABLE_ENTRY_LENGTH, 56,
		"an entry that GRUB has wiped");
	/* A table of 40 bytes, and counted zeros. */
	is_flaw(H "37000000" G1 "14000000" Z4 Z4 Z4 "000000", -1, 0, "15 counted zeros");
	is_flaw(H "3b000000" G1 "14000000" Z16 "000000", -1, 0, "19 counted zeros");
	is_flaw(H "3c000000" G1 "14000000" Z16 Z4, TABLE_ENTRY_LENGTH, 56, "20 counted zeros");
	is_flaw(H "3b000000" G1 "14000000" Z16 "000001", TABLE_TRAILING, 58,
		"something in the counted zeros");
	is_flaw(H "28000000" G1 "14000000" Z16 Z16 Z16, -1, 0, "any number of zeros behind it");
	is_flaw(H "28000000" G1 "14000000" Z16 Z16 "01", TABLE_TRAILING, 72, "a byte behind it");
}

static void test_refusals(void)
{
	_cleanup_secret_ struct secret t = started(),
				       before = bytes_secret_hex(H "30000000" G1
								   "1c00000068756e7465723221");
	struct fault f;

	is_int(add(&t, GUID_DISK_SECRET, "hunter2!", 8, false, &f), 0, "add: a key");
	ok(add(&t, TABLE_GUID, "x", 1, true, &f) == -EPERM, "add: not with the header's GUID");
	ok(add(&t, TABLE_GUID_DELETED, "x", 1, true, &f) == -EPERM, "add: not with the NULL GUID");
	ok(add(&t, GUID_DISK_SECRET, "x", 1, true, &f) == -EPERM,
	   "add: no GUID twice, even forced");
	ok(strstr(f.why, GUID_DISK_SECRET) != NULL, "... and the GUID is named");
	ok(add(&t, GUID_KERNEL_EXAMPLE, "x", 1, false, &f) == -EPERM,
	   "add: not with the GUID of the kernel's document");
	ok(strstr(f.next, "luks-key") != NULL, "... and the right one is named");
	is_str(bytes_hex(t.bytes, 64), bytes_hex(before.bytes, 64), "add: refusals change nothing");
	is_int(t.len, 48, "... nor the length");
	is_int(add(&t, GUID_KERNEL_EXAMPLE, "x", 1, true, &f), 0, "... unless forced");
	is_int(add(&t, OTHER, "", 0, false, &f), 0, "add: another entry may be empty");
	table_start(&t);
	ok(add(&t, GUID_DISK_SECRET, "", 0, true, &f) == -EPERM, "add: an empty key is none");
	is_int(t.len, 20, "... and the table is empty");
}

static void test_numbers(void)
{
	_cleanup_secret_ struct secret t = started();
	char guid[GUID_TEXT_SIZE];
	struct fault f;
	unsigned int i;
	int r = 0;

	for (i = 1; i <= 63 && r == 0; i++) {
		(void)snprintf(guid, sizeof(guid), "c0c0%04x-0000-4000-8000-000000000000", i);
		r = add(&t, guid, "12345678", 8, false, &f);
	}
	ok(r == 0 && i == 64, "63 entries are taken");
	ok(add(&t, OTHER, "", 0, false, &f) == -EPERM, "the 64th is not");
	is_int(add(&t, OTHER, "", 0, true, &f), 0, "... unless forced");
	ok(add(&t, GUID_DISK_SECRET, "x", 1, true, &f) == -EPERM, "the 65th never is");
	is_int(table_parse(&t, &table, &flaw), 0, "the table of 64 is read");
	is_int(table.nr, 64, "... with 64 entries");
	is_str(table.entries[62].guid, "c0c0003f-0000-4000-8000-000000000000", "... in order");
}

static void test_sizes(void)
{
	static unsigned char data[SECRET_CAPACITY];
	_cleanup_secret_ struct secret t = started();
	struct fault f = { 0 };

	memset(data, 'x', sizeof(data));
	is_int(add(&t, OTHER, data, 3072 - 40, false, &f), 0, "a secret of 3032 bytes");
	is_int(t.len, 3072, "... makes a table of 3072");
	is_int(table_fits("T", &t, 3072, &f), 0, "... which fits, to the last byte");
	ok(table_fits("T", &t, 3071, &f) == -EPERM, "... but not into one byte less");
	table_pad(&t);
	is_int(t.len, 3072, "... and needs no padding");
	table_start(&t);
	f = (struct fault){ 0 };
	is_int(add(&t, OTHER, data, 3072 - 39, false, &f), 0, "a secret of 3033 bytes");
	ok(table_fits("T", &t, 3072, &f) == -EPERM && strstr(f.why, "3088") &&
		   strstr(f.why, "3072"),
	   "... does not fit, and both sizes are told");
	f = (struct fault){ 0 };
	is_int(table_fits("T", &t, 3088, &f), 0, "... but where there is room");
	table_start(&t);
	is_int(add(&t, OTHER, data, SECRET_CAPACITY - 40, false, &f), 0, "the largest table");
	is_int(table_parse(&t, &table, &flaw), 0, "... is read");
	ok(add(&t, GUID_DISK_SECRET, "", 1, false, &f) == -EPERM && t.len == SECRET_CAPACITY,
	   "... and takes no other entry");
	table_start(&t);
	ok(add(&t, OTHER, data, SECRET_CAPACITY - 39, false, &f) == -EPERM && t.len == 20,
	   "one byte more does not go in");
}

static size_t not_zero(const struct secret *s)
{
	size_t i, nr = 0;

	for (i = s->len; i < SECRET_CAPACITY; i++)
		nr += s->bytes[i] != 0;
	return nr;
}

static void test_changes(void)
{
	_cleanup_secret_ struct secret t = bytes_secret_hex(worked),
				       data = bytes_secret("stale bytes", 11);
	_cleanup_secret_ struct secret one = started(), two = started();
	struct fault f;
	int r = add(&one, OTHER, "\1\2\0\4\5", 5, false, &f);

	is_int(r | add(&two, GUID_DISK_SECRET, "hunter2", 7, false, &f), 0, "tables of one entry");
	is_int(table_parse(&t, &table, &flaw), 0, "remove: a table of two");
	(void)table_get(&t, table_find(&table, OTHER), &data);
	ok(data.len == 5 && memcmp(data.bytes, "\1\2\0\4\5", 5) == 0 && not_zero(&data) == 0,
	   "get: the data and nothing else");
	ok(!table_find(&table, TABLE_GUID), "find: not what is not there");
	table_remove(&t, &table, &table.entries[0]);
	is_str(bytes_hex(t.bytes, t.len), bytes_hex(one.bytes, one.len),
	       "remove: the first entry, as if it had never been there");
	is_int(not_zero(&t), 0, "remove: and no byte of it is left");
	is_int(add(&t, GUID_DISK_SECRET, "hunter2", 7, false, &f), 0, "add: behind the last");
	is_int(table_parse(&t, &table, &flaw), 0, "remove: again two");
	table_remove(&t, &table, &table.entries[0]);
	is_str(bytes_hex(t.bytes, t.len), bytes_hex(two.bytes, two.len), "remove: the other one");
	is_int(table_parse(&t, &table, &flaw), 0, "remove: one is left");
	table_remove(&t, &table, &table.entries[0]);
	ok(t.len == 20 && not_zero(&t) == 0, "remove: the last one leaves the header alone");

	secret_done(&t);
	t = bytes_secret_hex(H "3b000000" G1 "14000000" Z16 "000000" Z16);
	is_int(add(&t, OTHER, "\1\2\0\4\5", 5, false, &f), 0, "add: to a table with padding");
	is_str(bytes_hex(t.bytes, t.len), H "41000000" G1 "14000000" G2 "190000000102000405",
	       "... which goes");
	t.bytes[36] = 19;
	ok(add(&t, TABLE_GUID, "x", 1, false, &f) == -EINVAL && f.code == EXITCODE_BAD_INPUT &&
		   strstr(f.why, "offset 36"),
	   "add: not to a broken table");
}

static void test_guids(void)
{
	unsigned char bytes[GUID_SIZE];
	char guid[GUID_TEXT_SIZE] = "untouched";

	guid_bytes("01234567-89ab-cdef-0f1e-2d3c4b5a6978", bytes);
	is_str(bytes_hex(bytes, 16), "67452301ab89efcd0f1e2d3c4b5a6978", "guid: mixed-endian");
	guid_text(bytes, guid);
	is_str(guid, "01234567-89ab-cdef-0f1e-2d3c4b5a6978", "guid: and back");
	ok(names_parse("luks", guid) < 0 && names_parse("LUKS-KEY", guid) < 0 &&
		   names_parse("", guid) < 0,
	   "guid: names are exact");
	ok(names_parse("luks-key", guid) == 0 && strcmp(guid, GUID_DISK_SECRET) == 0,
	   "guid: luks-key");
	ok(names_parse("policy", guid) == 0 &&
		   strcmp(guid, "f2d7c5a0-8f0e-4f36-9a3c-6b1de5a7c914") == 0,
	   "guid: policy");
	ok(names_parse("E6F5A162-D67F-4750-A67C-5D065F2A9910", guid) == 0 &&
		   strcmp(guid, OTHER) == 0,
	   "guid: either case");
	is_str(names_alias(GUID_DISK_SECRET), "luks-key", "guid: its name");
	ok(!names_alias(OTHER) && names_meaning(OTHER) && !names_meaning("x"), "guid: its meaning");
}

static void test_doubts(void)
{
	struct secret s = bytes_secret("0123456789abcdef", 16);

	ok(!table_secret_doubt(&s, 0), "no doubt about 16 bytes");
	s.bytes[15] = '\n';
	ok(strstr(table_secret_doubt(&s, 0), "newline") && !table_secret_doubt(&s, 1), "a newline");
	s.len = 15;
	ok(strstr(table_secret_doubt(&s, 0), "shorter") && !table_secret_doubt(&s, 1), "15 bytes");
	s.len = 0;
	ok(strstr(table_secret_doubt(&s, 0), "shorter") && !table_secret_doubt(&s, 1), "none");
	s.len = TABLE_AREA_SIZE - 40;
	ok(!table_secret_doubt(&s, 0), "what just fits into the area");
	s.bytes[s.len++] = '\n';
	ok(strstr(table_secret_doubt(&s, 0), "newline") &&
		   strstr(table_secret_doubt(&s, 1), "too long") && !table_secret_doubt(&s, 2),
	   "more than that, and a newline");
	secret_done(&s);
}

int main(void)
{
	test_worked_example();
	test_truncation();
	test_flaws();
	test_refusals();
	test_numbers();
	test_sizes();
	test_changes();
	test_guids();
	test_doubts();
	return tap_done();
}
