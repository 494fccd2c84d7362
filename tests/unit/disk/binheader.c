/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * binheader.c - every byte of both binary headers counts: a change is refused by the rule of
 * its field, whether or not the checksum was made good again.
 * Needs: cryptsetup
 */
#include "disk/binheader.h"

#include "luks2.h"

#define UUID "aaaaaaaa-0000-4000-8000-00000000000a"

static unsigned char base[HEADER_METADATA_SIZE], mutant[HEADER_METADATA_SIZE];
static char uuid[BINHEADER_UUID_SIZE];

static const char *judge(void)
{
	static const char untouched[BINHEADER_UUID_SIZE] = "untouched";
	const char *rule;

	memcpy(uuid, untouched, sizeof(uuid));
	rule = binheader_judge(mutant, HEADER_COPY_SIZE, uuid);
	if (rule && memcmp(uuid, untouched, sizeof(uuid)) != 0)
		return "contradiction";
	return rule ? rule : "accepted";
}

/* LUKS2 spec, 2.1 */
enum {
	MAGIC = 0,
	HDR_SIZE = 8,
	SEQID = 16,
	LABEL = 24,
	ALGORITHM = 72,
	SALT = 104,
	UUID_AT = 168,
	SUBSYSTEM = 208,
	HDR_OFFSET = 256,
	PADDING = 264,
	CHECKSUM = 448,
	PADDING_4096 = 512
};

static const struct {
	size_t start;
	const char *name;
	const char *both; /* the rule if one byte of both copies changes, with good checksums */
	const char *first, *second; /* and if it changes in one copy only */
} fields[] = {
	/* The first copy's magic is header_read()'s to check. */
	{ MAGIC, "magic", "second-copy-missing", "accepted", "second-copy-missing" },
	{ HDR_SIZE, "size", "metadata-size", "metadata-size", "metadata-size" },
	{ SEQID, "sequence", "accepted", "copies-differ", "copies-differ" },
	{ LABEL, "label", "label", "label", "label" },
	{ ALGORITHM, "algorithm", "checksum-algorithm", "checksum-algorithm",
	  "checksum-algorithm" },
	{ SALT, "salt", "accepted", "accepted", "accepted" },
	{ UUID_AT, "uuid", "uuid", "uuid", "uuid" },
	{ SUBSYSTEM, "subsystem", "label", "label", "label" },
	{ HDR_OFFSET, "offset", "header-offset", "header-offset", "header-offset" },
	{ PADDING, "padding", "reserved-bytes", "reserved-bytes", "reserved-bytes" },
	{ CHECKSUM, "checksum", "checksum", "checksum", "checksum" },
	{ PADDING_4096, "padding behind", "reserved-bytes", "reserved-bytes", "reserved-bytes" },
	{ HEADER_BINARY_SIZE, NULL, NULL, NULL, NULL },
};

/* Which: 0 first, 1 second, 2 both. With its highest bit no byte is a letter or a zero. */
static void flip(int which, size_t at)
{
	memcpy(mutant, base, sizeof(mutant));
	if (which != 1)
		mutant[at] ^= 0x80;
	if (which != 0)
		mutant[HEADER_COPY_SIZE + at] ^= 0x80;
}

static void test_every_byte(void)
{
	size_t i, at;
	int which;

	for (i = 0; fields[i].name; i++) {
		unsigned int wrong = 0, unsealed = 0;

		for (at = fields[i].start; at < fields[i + 1].start; at++) {
			for (which = 0; which <= 2; which++) {
				const char *rule = which == 2 ? fields[i].both :
						   which == 1 ? fields[i].second :
								fields[i].first;
				const char *got;

				flip(which, at);
				got = judge();
				/* Without a good checksum: that one, or an earlier rule. */
				unsealed += strcmp(got, "accepted") == 0;
				if (at < CHECKSUM || at >= CHECKSUM + LUKS2_CHECKSUM_SIZE)
					luks2_seal(mutant);
				got = judge();
				if (strcmp(got, rule) != 0)
					wrong++, printf("# byte %zu of %d: %s\n", at, which, got);
			}
		}
		is_int(wrong, 0, "each byte of %s: %s, %s, %s", fields[i].name, fields[i].first,
		       fields[i].second, fields[i].both);
		is_int(unsealed, 0, "without a good checksum none passes");
	}
	flip(0, HEADER_BINARY_SIZE);
	luks2_seal(mutant);
	is_str(judge(), "copies-differ", "a text that differs in its first byte");
	flip(1, HEADER_COPY_SIZE - 1);
	luks2_seal(mutant);
	is_str(judge(), "copies-differ", "and in its last one");
}

static void put(int which, size_t at, const char *bytes, size_t len)
{
	memcpy(mutant, base, sizeof(mutant));
	if (which != 1)
		memcpy(mutant + at, bytes, len);
	if (which != 0)
		memcpy(mutant + HEADER_COPY_SIZE + at, bytes, len);
	luks2_seal(mutant);
}

#define ZEROS_40 "\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0"

static void test_values(void)
{
	/* clang-format off */
	static const struct {
		const char *name;
		int which;
		size_t at;
		const char *bytes;
		size_t len;
		const char *rule;
	} cases[] = {
		{ "32 KiB", 2, HDR_SIZE, "\0\0\0\0\0\0\x80\0", 8, "metadata-size" },
		{ "0", 2, HDR_SIZE, "\0\0\0\0\0\0\0\0", 8, "metadata-size" },
		{ "the largest size", 2, HDR_SIZE, "\xff\xff\xff\xff\xff\xff\xff\xff", 8, "metadata-size" },
		{ "little endian", 2, HDR_SIZE, "\0\x40\0\0\0\0\0\0", 8, "metadata-size" },
		{ "the first magic", 1, MAGIC, "LUKS\xba\xbe\0\2", 8, "second-copy-missing" },
		{ "version 1", 1, MAGIC, "SKUL\xba\xbe\0\1", 8, "second-copy-missing" },
		{ "no second copy", 1, MAGIC, ZEROS_40, 16, "second-copy-missing" },
		{ "offset 16 KiB", 0, HDR_OFFSET, "\0\0\0\0\0\0\x40\0", 8, "header-offset" },
		{ "offset 0", 1, HDR_OFFSET, "\0\0\0\0\0\0\0\0", 8, "header-offset" },
		{ "offset 32 KiB", 1, HDR_OFFSET, "\0\0\0\0\0\0\x80\0", 8, "header-offset" },
		{ "sha512", 2, ALGORITHM, "sha512", 7, "checksum-algorithm" },
		{ "sha1", 2, ALGORITHM, "sha1\0\0\0", 7, "checksum-algorithm" },
		{ "SHA256", 2, ALGORITHM, "SHA256", 7, "checksum-algorithm" },
		{ "no algorithm", 2, ALGORITHM, ZEROS_40, 32, "checksum-algorithm" },
		{ "more behind it", 2, ALGORITHM, "sha256\0x", 8, "checksum-algorithm" },
		{ "a label", 2, LABEL, "a label ~", 10, "accepted" },
		{ "the longest label", 2, LABEL, "aaaaaaaaaabbbbbbbbbbccccccccccddddddddddeeeeeee", 48, "accepted" },
		{ "one without an end", 2, LABEL, "aaaaaaaaaabbbbbbbbbbccccccccccddddddddddeeeeeeee", 48, "label" },
		{ "an escape", 2, LABEL, "\x1b[2J", 5, "label" },
		{ "a letter that is not ASCII", 2, LABEL, "\xc3\xa4", 3, "label" },
		{ "more behind the end", 2, LABEL, "a\0b", 4, "label" },
		{ "a label in one copy", 0, LABEL, "a", 2, "copies-differ" },
		{ "a label in the other", 1, LABEL, "a", 2, "copies-differ" },
		{ "a subsystem", 2, SUBSYSTEM, "a", 2, "accepted" },
		{ "one in one copy", 1, SUBSYSTEM, "a", 2, "copies-differ" },
		{ "a tab", 2, SUBSYSTEM, "\t", 2, "label" },
		{ "another UUID", 2, UUID_AT, "bbbbbbbb", 8, "accepted" },
		{ "another in one copy", 0, UUID_AT, "b", 1, "copies-differ" },
		{ "no UUID", 2, UUID_AT, ZEROS_40, 40, "uuid" },
		{ "a short one", 2, UUID_AT, "aaaaaaaa-0000-4000-8000-00000000000", 36, "uuid" },
		{ "one digit more", 2, UUID_AT, UUID "a", 38, "uuid" },
		{ "no digits", 2, UUID_AT, "gggggggg", 8, "uuid" },
		{ "dashes elsewhere", 2, UUID_AT, "aaaaaaa-a", 9, "uuid" },
		{ "a UUID without an end", 2, UUID_AT, UUID "aaaa", 40, "uuid" },
		{ "more behind the end", 2, UUID_AT, UUID "\0a", 38, "uuid" },
		{ "another sequence", 2, SEQID, "\xff\xff\xff\xff\xff\xff\xff\xff", 8, "accepted" },
	};
	/* clang-format on */
	size_t i;

	for (i = 0; i < ARRAY_SIZE(cases); i++) {
		put(cases[i].which, cases[i].at, cases[i].bytes, cases[i].len);
		FIXTURE_MUST(memcmp(mutant, base, sizeof(mutant)) != 0);
		is_str(judge(), cases[i].rule, "%s", cases[i].name);
	}
	put(2, UUID_AT, "AAAAAAAA", 8);
	is_str(judge(), "accepted", "a UUID with large letters");
	is_str(uuid, "AAAAAAAA-0000-4000-8000-00000000000a", "is told as it is");
	memcpy(mutant, base, sizeof(mutant));
	memset(mutant + CHECKSUM, 0, LUKS2_CHECKSUM_SIZE);
	is_str(judge(), "checksum", "no checksum");
	memcpy(mutant, base, sizeof(mutant));
	memcpy(mutant + CHECKSUM, mutant + HEADER_COPY_SIZE + CHECKSUM, LUKS2_CHECKSUM_SIZE);
	is_str(judge(), "checksum", "the other copy's checksum");
	memcpy(mutant, base, sizeof(mutant));
	memcpy(mutant + HEADER_COPY_SIZE, mutant, HEADER_COPY_SIZE);
	is_str(judge(), "second-copy-missing", "the first copy twice");
}

/* Every size of the format, and each of them judged as each other one. */
static void test_sizes(void)
{
	static unsigned char large[8 * 1024 * 1024];
	unsigned int wrong = 0;
	size_t size, asked;
	int i;

	for (size = HEADER_COPY_SIZE; size <= sizeof(large) / 2; size *= 2) {
		memset(large, 0, 2 * size);
		memcpy(large, base, HEADER_COPY_SIZE);
		memcpy(large + size, base + HEADER_COPY_SIZE, HEADER_COPY_SIZE);
		for (i = 0; i < 4; i++) {
			large[HDR_SIZE + 7 - i] = (unsigned char)(size >> 8 * i);
			large[size + HDR_SIZE + 7 - i] = (unsigned char)(size >> 8 * i);
			large[size + HDR_OFFSET + 7 - i] = (unsigned char)(size >> 8 * i);
		}
		large[size - 1] = large[2 * size - 1] = '!';
		luks2_seal_sized(large, size);
		ok(!binheader_judge(large, size, uuid) && binheader_size(large) == size,
		   "copies of %zu bytes", size);
		for (asked = HEADER_COPY_SIZE; asked <= sizeof(large) / 2; asked *= 2)
			wrong += (asked != size) != !!binheader_judge(large, asked, uuid);
		large[2 * size - 1] = '?';
		is_str(binheader_judge(large, size, uuid), "checksum", "... up to the last byte");
		luks2_seal_sized(large, size);
		is_str(binheader_judge(large, size, uuid), "copies-differ", "... of both");
	}
	is_int(wrong, 0, "none passes for another size");
}

int main(void)
{
	struct fixture fx;

	fixture_init(&fx);
	fixture_luks(&fx, "/vda", "key", "--uuid " UUID);
	luks2_read(&fx, "/vda", base);
	memcpy(mutant, base, sizeof(mutant));
	is_str(judge(), "accepted", "the header as cryptsetup has written it");
	is_str(uuid, UUID, "and its UUID");
	test_every_byte();
	test_values();
	test_sizes();
	fixture_done(&fx);
	return tap_done();
}
