/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * firmware.c - the walk over the table in front of an OVMF image's reset vector.
 */
#include "owner/launch/firmware.h"

#include "bytes.h"

#define SIZE 4096
#define TAIL 32 /* behind the footer */

/* The records of an AmdSev build of 2026.08, in the order of the file; the footer is last. */
static const char records[] =
	"00000000 1600 784fa70e 00000000000000000000 0000" /* its GUID is of no interest here */
	"c4050000 1600 3565 7ae4 8a09 8a47 865e4685a7bf8ec2"
	"c4050000 1600 665688dc 4a98 9847 a75e5585a7bf67cc"
	"000c8100 00040000 1a00 1f375572 3b3a 044b 927b1da6efa8d454"
	"00008100 000c0000 1a00 61b32e4c 9b7d c34c 8081127c90d3d294"
	"04b08000 1600 de71f700 1a7e cb4f 890e68c77e2fb44e";
#define RECORDS 140 /* bytes */
#define FOOTER_LEN_AT (SIZE - TAIL - 18)

static unsigned char image[SIZE];
static struct firmware firmware;
static struct fault f;

/* Puts records (hexadecimal) and a footer with this total at the end of the image. */
static void put(const char *text, unsigned int total)
{
	unsigned char bytes[512];
	size_t len = bytes_from_hex(text, bytes, sizeof(bytes));

	memset(image, 0xa5, sizeof(image));
	memcpy(image + FOOTER_LEN_AT - len, bytes, len);
	image[FOOTER_LEN_AT] = (unsigned char)total;
	image[FOOTER_LEN_AT + 1] = (unsigned char)(total >> 8);
	(void)bytes_from_hex("de82b596b21ff745baeaa366c55a082d", image + FOOTER_LEN_AT + 2, 16);
}

static int parse(size_t size)
{
	f = (struct fault){ 0 };
	firmware.secret.size = 4711;
	return firmware_parse("OVMF.fd", image + SIZE - size, size, &firmware, &f);
}

static void bad(const char *text, unsigned int total, size_t offset, const char *what)
{
	char place[32];
	int r;

	put(text, total);
	r = parse(SIZE);
	(void)snprintf(place, sizeof(place), "offset %zu:", offset);
	if (!ok(r == -EINVAL && f.code == EXITCODE_BAD_INPUT && firmware.secret.size == 4711 &&
			strstr(f.why, place),
		"%s is refused at offset %zu", what, offset))
		printf("# got %d: %s\n", r, f.why);
}

static void test_good(void)
{
	put(records, RECORDS + 18);
	is_int(parse(SIZE), 0, "a table as AmdSev builds have it is read");
	ok(firmware.secret.present && firmware.secret.base == 0x810000 &&
		   firmware.secret.size == 0xc00,
	   "the area for secrets");
	ok(firmware.hashes.present && firmware.hashes.base == 0x810c00 &&
		   firmware.hashes.size == 0x400,
	   "the area for hashes");
	is_int(parse(RECORDS + 18 + TAIL), 0, "the table may begin where the file does");
	put("", 18);
	is_int(parse(SIZE), 0, "a table without records is one");
	ok(!firmware.secret.present && !firmware.hashes.present, "and has no area");
}

static void test_cut(void)
{
	unsigned int refused = 0;
	size_t size;

	put(records, RECORDS + 18);
	for (size = 0; size < RECORDS + 18 + TAIL; size++)
		refused += parse(size) == -EINVAL && firmware.secret.size == 4711;
	is_int(refused, RECORDS + 18 + TAIL, "cut at the front, at any byte, it is refused");
	for (size = 0, refused = 0; size < SIZE; size++) {
		f = (struct fault){ 0 };
		refused += firmware_parse("OVMF.fd", image, size, &firmware, &f) == -EINVAL;
	}
	is_int(refused, SIZE, "cut at the end, at any byte, it is refused");
}

static void test_bad(void)
{
	const size_t end = FOOTER_LEN_AT;
	const char *const secret = "00008100 000c0000 1a00 61b32e4c9b7dc34c8081127c90d3d294";

	bad(records, 17, end, "a total below the footer's own size");
	bad(records, 0, end, "a total of 0");
	bad(records, FOOTER_LEN_AT + 19, end, "a total larger than the file");
	bad(records, 0xffff, end, "a total of 65535");
	bad(records, RECORDS + 17, end - RECORDS + 4, "a record that is longer than what is left");
	bad(records, RECORDS + 19, end - RECORDS - 1, "a byte in front of the records");
	bad("1100 000102030405060708090a0b0c0d0e0f", 18 + 18, end - 18, "a record of 17 bytes");
	bad("0000 000102030405060708090a0b0c0d0e0f", 18 + 18, end - 18, "a record of 0 bytes");
	bad("ffff 000102030405060708090a0b0c0d0e0f", 18 + 18, end - 18, "a record of 65535 bytes");
	bad("00008100 1600 61b32e4c9b7dc34c8081127c90d3d294", 18 + 22, end - 22,
	    "an area without a size");
	bad("00008100 00000000 1a00 61b32e4c9b7dc34c8081127c90d3d294", 18 + 26, end - 26,
	    "an area of size 0");
	bad("00000000 000c0000 1a00 61b32e4c9b7dc34c8081127c90d3d294", 18 + 26, end - 26,
	    "an area at address 0");
	bad("00f8ffff 00080000 1a00 61b32e4c9b7dc34c8081127c90d3d294", 18 + 26, end - 26,
	    "an area beyond 4 GiB");
	bad("00008100 000c0000 1a00 61b32e4c9b7dc34c8081127c90d3d294"
	    "00008100 000c0000 1a00 61b32e4c9b7dc34c8081127c90d3d294",
	    18 + 52, end - 52, "a second area");
	put(secret, 18 + 26);
	image[FOOTER_LEN_AT + 2] ^= 1;
	ok(parse(SIZE) == -EINVAL && strstr(f.why, "footer"), "another footer is none");
	put("1200 000102030405060708090a0b0c0d0e0f", 18 + 18);
	is_int(parse(SIZE), 0, "an unknown record without data is skipped");
}

int main(void)
{
	test_good();
	test_cut();
	test_bad();
	return tap_done();
}
