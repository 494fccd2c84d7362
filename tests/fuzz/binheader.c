/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * binheader.c - fuzz target: the binary headers. The input is a list of changes of a good header,
 * of three bytes each: place (two) and value. Nothing but sequence number, label, salt, UUID,
 * subsystem and JSON may differ from the good one in what is accepted.
 */
#include "forge.h"

#define SEALED 1 /* the checksums are made good again */

/* Half of the places lie in the fields of one copy or of both; else anywhere. */
static void apply(unsigned char *metadata, unsigned int place, unsigned char value)
{
	unsigned char *copy = metadata + (place & 0x8000 ? HEADER_COPY_SIZE : 0);

	switch (place >> 13 & 3) {
	case 0:
		copy[place & 0x1ff] = value;
		break;
	case 1:
		metadata[place & 0x1ff] = value;
		metadata[HEADER_COPY_SIZE + (place & 0x1ff)] = value;
		break;
	default:
		copy[place & 0x3fff] = value;
	}
}

/* First and last byte of the fields that may have another content; see 2.1 of the format. */
static bool may_differ(size_t at)
{
	static const size_t fields[][2] = {
		{ 16, 23 },   /* seqid */
		{ 24, 71 },   /* label */
		{ 104, 167 }, /* salt */
		{ 168, 207 }, /* UUID */
		{ 208, 255 }, /* subsystem */
		{ 448, 479 }, /* SHA-256; the rest of the field is zero */
		{ HEADER_BINARY_SIZE, HEADER_COPY_SIZE - 1 },
	};
	size_t i;

	for (i = 0; i < ARRAY_SIZE(fields); i++)
		if (at >= fields[i][0] && at <= fields[i][1])
			return true;
	return false;
}

static bool is_text(const unsigned char *field, size_t size)
{
	size_t i, len = strnlen((const char *)field, size);

	for (i = 0; i < size; i++)
		if (i < len ? field[i] < 0x20 || field[i] > 0x7e : field[i] != 0)
			return false;
	return len < size;
}

static void check(const unsigned char *metadata, const unsigned char *good, const char *uuid)
{
	const unsigned char *second = metadata + HEADER_COPY_SIZE;
	size_t i;

	for (i = 0; i < HEADER_METADATA_SIZE; i++)
		FUZZ_MUST(metadata[i] == good[i] || may_differ(i % HEADER_COPY_SIZE));
	for (i = 16; i < HEADER_COPY_SIZE; i++)
		if (may_differ(i) && (i < 104 || i > 167) && (i < 448 || i > 479))
			FUZZ_MUST(metadata[i] == second[i]);
	FUZZ_MUST(is_text(metadata + 24, 48) && is_text(metadata + 168, 40) &&
		  is_text(metadata + 208, 48));
	FUZZ_MUST(strcmp(uuid, (const char *)metadata + 168) == 0 && strlen(uuid) == GUID_TEXT_LEN);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static unsigned char good[HEADER_METADATA_SIZE], metadata[HEADER_METADATA_SIZE];
	unsigned int choice = fuzz_choice(&data, &size);
	char uuid[BINHEADER_UUID_SIZE] = "";
	const char *rule;

	if (!good[0])
		forge_make("{}", 2, HEADER_COPY_SIZE, good);
	memcpy(metadata, good, sizeof(metadata));
	for (; size >= 3; data += 3, size -= 3)
		apply(metadata, (unsigned int)data[0] << 8 | data[1], data[2]);
	if (memcmp(metadata, good, 8) != 0)
		return 0; /* header_read() has seen to the magic */
	if (choice & SEALED)
		luks2_seal(metadata);
	rule = binheader_judge(metadata, HEADER_COPY_SIZE, uuid);
	if (memcmp(metadata, good, sizeof(metadata)) == 0)
		FUZZ_MUST(!rule);
	else if (!(choice & SEALED))
		FUZZ_MUST(rule);
	if (rule) {
		FUZZ_MUST(rule[0] != '\0' && strlen(rule) < POLICY_RULE_SIZE && uuid[0] == '\0');
		return 0;
	}
	fuzz_accepted++;
	check(metadata, good, uuid);
	return 0;
}
