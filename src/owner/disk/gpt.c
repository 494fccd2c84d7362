/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * gpt.c - bounds and checksums of the two tables of a GPT.
 * Trusts no byte of the image; only reads it.
 */
#include "owner/disk/gpt.h"

#include <string.h>

#include "base/io.h"

/* UEFI 2.10, 5.3.2 */
#define GPT_SIGNATURE "EFI PART"
#define GPT_HEADER_SIZE 92
#define GPT_CRC_AT 16	      /* u32, of the header with zeros in its place */
#define GPT_MINE_AT 24	      /* u64: the header's own sector */
#define GPT_ALTERNATE_AT 32   /* u64: the other header's sector */
#define GPT_ENTRIES_AT 72     /* u64: sector */
#define GPT_NR_ENTRIES_AT 80  /* u32 */
#define GPT_ENTRY_SIZE_AT 84  /* u32 */
#define GPT_ENTRIES_CRC_AT 88 /* u32 */
#define GPT_HEADER_SIZE_AT 12 /* u32: at most a sector */
#define GPT_ENTRY_SIZE_MIN 128
#define GPT_ENTRIES_SIZE_MAX (1024 * 1024) /* bytes; everybody writes 16 KiB */

bool gpt_has_signature(const struct image *image, uint32_t sector_size)
{
	char sig[sizeof(GPT_SIGNATURE) - 1];

	return io_read_at(image->fd, sig, sizeof(sig), sector_size) == 0 &&
	       memcmp(sig, GPT_SIGNATURE, sizeof(sig)) == 0;
}

static uint64_t get_number(const unsigned char *p, size_t size)
{
	uint64_t value = 0;

	while (size-- > 0)
		value = value << 8 | p[size];
	return value;
}

/* What libfdisk must not see in a header, if there is one at this sector; or NULL. Also says where
 * the other header is. */
static const char *judge_gpt_header(const struct image *image, uint32_t sector_size,
				    uint64_t sector, uint64_t *ret_alternate)
{
	unsigned char header[GPT_HEADER_SIZE];
	uint64_t nr, size;

	if (sector >= image->total / sector_size ||
	    io_read_at(image->fd, header, sizeof(header), sector * sector_size) < 0 ||
	    memcmp(header, GPT_SIGNATURE, sizeof(GPT_SIGNATURE) - 1) != 0)
		return NULL;
	*ret_alternate = get_number(header + GPT_ALTERNATE_AT, 8);
	nr = get_number(header + GPT_NR_ENTRIES_AT, 4);
	size = get_number(header + GPT_ENTRY_SIZE_AT, 4);
	if (size < GPT_ENTRY_SIZE_MIN)
		return "its partition table has entries that are too small";
	return nr * size > GPT_ENTRIES_SIZE_MAX ? "its partition table has too many entries" : NULL;
}

const char *gpt_judge(const struct image *image, uint32_t sector_size)
{
	uint64_t alternate = 0, ignored, last = image->total / sector_size - 1;
	const char *why = judge_gpt_header(image, sector_size, 1, &alternate);

	if (!why)
		why = judge_gpt_header(image, sector_size, alternate, &ignored);
	return why ? why : judge_gpt_header(image, sector_size, last, &ignored);
}

/* CRC-32 as zlib and ISO 3309 have it. */
static uint32_t crc32(const unsigned char *p, size_t size)
{
	uint32_t crc = UINT32_MAX;
	int k;

	for (; size > 0; size--) {
		crc ^= *p++;
		for (k = 0; k < 8; k++)
			crc = crc >> 1 ^ (crc & 1 ? 0xedb88320 : 0);
	}
	return ~crc;
}

static bool is_entries_whole(const struct image *image, uint32_t sector_size,
			     const unsigned char *header)
{
	uint64_t at = get_number(header + GPT_ENTRIES_AT, 8);
	size_t size = (size_t)(get_number(header + GPT_NR_ENTRIES_AT, 4) *
			       get_number(header + GPT_ENTRY_SIZE_AT, 4));
	_cleanup_free_ unsigned char *entries = malloc(size + 1);

	return entries && at < image->total / sector_size &&
	       io_read_at(image->fd, entries, size, at * sector_size) == 0 &&
	       crc32(entries, size) == get_number(header + GPT_ENTRIES_CRC_AT, 4);
}

/* True if the table whose header is at this sector is whole. */
static bool is_whole(const struct image *image, uint32_t sector_size, uint64_t sector,
		     uint64_t *ret_alternate)
{
	_cleanup_free_ unsigned char *header = malloc(sector_size);
	uint64_t size, crc;

	if (!header || sector >= image->total / sector_size ||
	    io_read_at(image->fd, header, sector_size, sector * sector_size) < 0 ||
	    memcmp(header, GPT_SIGNATURE, sizeof(GPT_SIGNATURE) - 1) != 0)
		return false;
	size = get_number(header + GPT_HEADER_SIZE_AT, 4);
	crc = get_number(header + GPT_CRC_AT, 4);
	memset(header + GPT_CRC_AT, 0, 4);
	if (size < GPT_HEADER_SIZE || size > sector_size || crc32(header, size) != crc ||
	    get_number(header + GPT_MINE_AT, 8) != sector ||
	    !is_entries_whole(image, sector_size, header))
		return false;
	*ret_alternate = get_number(header + GPT_ALTERNATE_AT, 8);
	return true;
}

const char *gpt_find_damage(const struct image *image, uint32_t sector_size, bool *ret_other)
{
	uint64_t last = image->total / sector_size - 1, backup = last, ignored;
	bool first = is_whole(image, sector_size, 1, &backup);
	bool second = is_whole(image, sector_size, backup, &ignored);

	*ret_other = first || second;
	if (first && second)
		return NULL;
	return !first && !second ? "both copies of its partition table (GPT) are damaged" :
	       first		 ? "the second copy of its partition table (GPT) is damaged" :
				   "the first copy of its partition table (GPT) is damaged";
}
