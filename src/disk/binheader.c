/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * binheader.c - rules on the binary part of a LUKS2 header.
 * Trusts no byte of it. May not do I/O or log.
 */
#include "disk/binheader.h"

#include <stdbool.h>
#include <string.h>

#include "base/digest.h"
#include "base/text.h"

/* LUKS2 spec, 2.1: offsets and sizes of fields; numbers are big endian. */
#define OFFSET_HDR_SIZE 8
#define OFFSET_SEQID 16
#define OFFSET_LABEL 24
#define OFFSET_CHECKSUM_ALG 72
#define CHECKSUM_ALG_SIZE 32
#define OFFSET_UUID 168
#define OFFSET_SUBSYSTEM 208
#define LABEL_SIZE 48 /* of the subsystem, too */
#define OFFSET_HDR_OFFSET 256
#define OFFSET_PADDING 264
#define OFFSET_CHECKSUM 448
#define CHECKSUM_SIZE 64
#define OFFSET_PADDING_4096 512

static const unsigned char magic_secondary[] = { 'S', 'K', 'U', 'L', 0xba, 0xbe, 0x00, 0x02 };
static const unsigned char zeros[HEADER_BINARY_SIZE];

static uint64_t be64(const unsigned char *p)
{
	uint64_t v = 0;
	int i;

	for (i = 0; i < 8; i++)
		v = v << 8 | p[i];
	return v;
}

static bool fields_equal(const unsigned char *first, const unsigned char *second, size_t offset,
			 size_t size)
{
	return memcmp(first + offset, second + offset, size) == 0;
}

/* A terminated printable text, with nothing but zeros behind it. */
static bool is_label(const unsigned char *field, size_t size)
{
	size_t len = strnlen((const char *)field, size), i;

	if (len == size)
		return false;
	for (i = 0; i < len; i++)
		if (field[i] < 0x20 || field[i] > 0x7e)
			return false;
	return memcmp(field + len, zeros, size - len) == 0;
}

/* The checksum is over the whole copy, with its own field zeroed. */
static const char *judge_checksum(const unsigned char *copy, size_t size)
{
	static const char algorithm[CHECKSUM_ALG_SIZE] = "sha256";
	const size_t behind = OFFSET_CHECKSUM + CHECKSUM_SIZE;
	const struct digest_part parts[] = {
		{ copy, OFFSET_CHECKSUM },
		{ zeros, CHECKSUM_SIZE },
		{ copy + behind, size - behind },
	};
	struct digest digest;

	if (memcmp(copy + OFFSET_CHECKSUM_ALG, algorithm, sizeof(algorithm)) != 0)
		return "checksum-algorithm";
	if (digest_sha256_parts(parts, ARRAY_SIZE(parts), &digest) < 0 ||
	    memcmp(copy + OFFSET_CHECKSUM, digest.octets, DIGEST_SIZE) != 0 ||
	    memcmp(copy + OFFSET_CHECKSUM + DIGEST_SIZE, zeros, CHECKSUM_SIZE - DIGEST_SIZE) != 0)
		return "checksum";
	return NULL;
}

static const char *judge_copy(const unsigned char *copy, size_t size)
{
	const char *rule = judge_checksum(copy, size);
	char guid[GUID_TEXT_SIZE];

	if (rule)
		return rule;
	if (memcmp(copy + OFFSET_PADDING, zeros, OFFSET_CHECKSUM - OFFSET_PADDING) != 0 ||
	    memcmp(copy + OFFSET_PADDING_4096, zeros, HEADER_BINARY_SIZE - OFFSET_PADDING_4096) !=
		    0)
		return "reserved-bytes";
	if (!is_label(copy + OFFSET_LABEL, LABEL_SIZE) ||
	    !is_label(copy + OFFSET_SUBSYSTEM, LABEL_SIZE))
		return "label";
	if (!is_label(copy + OFFSET_UUID, BINHEADER_UUID_SIZE) ||
	    guid_from_text((const char *)copy + OFFSET_UUID, guid) < 0)
		return "uuid";
	return NULL;
}

uint64_t binheader_size(const unsigned char *metadata)
{
	return be64(metadata + OFFSET_HDR_SIZE);
}

const char *binheader_judge(const unsigned char *metadata, size_t copy_size,
			    char ret_uuid[BINHEADER_UUID_SIZE])
{
	const unsigned char *first = metadata, *second = metadata + copy_size;
	const char *rule;

	if (be64(first + OFFSET_HDR_SIZE) != copy_size)
		return "metadata-size";
	if (memcmp(second, magic_secondary, sizeof(magic_secondary)) != 0)
		return "second-copy-missing";
	if (be64(second + OFFSET_HDR_SIZE) != copy_size)
		return "metadata-size";
	if (be64(first + OFFSET_HDR_OFFSET) != 0 || be64(second + OFFSET_HDR_OFFSET) != copy_size)
		return "header-offset";
	rule = judge_copy(first, copy_size);
	if (!rule)
		rule = judge_copy(second, copy_size);
	if (rule)
		return rule;
	/* The salt differs in each copy, and the checksum with it. */
	if (!fields_equal(first, second, OFFSET_SEQID, sizeof(uint64_t)) ||
	    !fields_equal(first, second, OFFSET_LABEL, LABEL_SIZE) ||
	    !fields_equal(first, second, OFFSET_UUID, BINHEADER_UUID_SIZE) ||
	    !fields_equal(first, second, OFFSET_SUBSYSTEM, LABEL_SIZE) ||
	    !fields_equal(first, second, HEADER_BINARY_SIZE, copy_size - HEADER_BINARY_SIZE))
		return "copies-differ";
	text_printable((const char *)first + OFFSET_UUID, ret_uuid, BINHEADER_UUID_SIZE);
	return NULL;
}
