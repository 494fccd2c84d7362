/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * mbr.c - reads and changes primary entries of a DOS partition table.
 * Trusts no byte of it. Writes the first sector of the given copy only, and there only places.
 */
#include "owner/disk/mbr.h"

#include <string.h>

#include "base/io.h"
#include "base/little.h"

/* UEFI 2.10, 5.2.1. */
#define SECTOR 512
#define SIGNATURE_AT 440 /* u32, of the disk */
#define TABLE_AT 446
#define MAGIC_AT 510
#define ENTRY_SIZE 16
#define BOOT_AT 0  /* 0x80: active; else 0 */
#define CHS_AT 1   /* 3 bytes: the first sector */
#define TYPE_AT 4  /* 0: unused */
#define CHS_END 5  /* 3 bytes: the last sector */
#define START_AT 8 /* u32: sectors */
#define SIZE_AT 12 /* u32: sectors */
#define ACTIVE 0x80
#define TYPE_GPT 0xee

/* The geometry that all have pretended since disks are larger than 8 GB. */
#define HEADS 255
#define TRACK 63
#define CYLINDERS 1024

static bool is_used(const unsigned char *entry)
{
	return entry[TYPE_AT] != 0 && little32(entry + SIZE_AT) != 0;
}

static bool read_table(const struct image *image, unsigned char sector[SECTOR])
{
	const unsigned char *entry;
	int i, used = 0;

	if (io_read_at(image->fd, sector, SECTOR, 0) < 0 || sector[MAGIC_AT] != 0x55 ||
	    sector[MAGIC_AT + 1] != 0xaa || memcmp(sector + 54, "FAT", 3) == 0 ||
	    memcmp(sector + 82, "FAT32", 5) == 0 || memcmp(sector + 3, "NTFS", 4) == 0)
		return false;
	for (i = 0; i < MBR_ENTRIES; i++) {
		entry = sector + TABLE_AT + i * ENTRY_SIZE;
		if (entry[BOOT_AT] & ~ACTIVE)
			return false;
		used += is_used(entry);
	}
	return used > 0;
}

bool mbr_is_there(const struct image *image)
{
	unsigned char sector[SECTOR];

	return read_table(image, sector);
}

bool mbr_is_protective(const struct image *image, bool beside)
{
	unsigned char sector[SECTOR];
	int i, gpt = 0, other = 0;

	if (!read_table(image, sector))
		return false;
	for (i = 0; i < MBR_ENTRIES; i++) {
		if (sector[TABLE_AT + i * ENTRY_SIZE + TYPE_AT] == TYPE_GPT)
			gpt++;
		else
			other += is_used(sector + TABLE_AT + i * ENTRY_SIZE);
	}
	return beside ? gpt > 0 && gpt + other > 1 : gpt > 0;
}

int mbr_list(const struct image *image, uint32_t sector_size,
	     struct partition ret_parts[MBR_ENTRIES])
{
	unsigned char sector[SECTOR];
	const unsigned char *entry;
	unsigned int i;
	int nr = 0;

	if (!read_table(image, sector))
		return 0;
	for (i = 0; i < MBR_ENTRIES; i++) {
		struct partition *part = &ret_parts[nr];

		entry = sector + TABLE_AT + i * ENTRY_SIZE;
		if (!is_used(entry))
			continue;
		*part = (struct partition){
			.number = i + 1,
			.offset = (uint64_t)little32(entry + START_AT) * sector_size,
			.size = (uint64_t)little32(entry + SIZE_AT) * sector_size,
			.active = entry[BOOT_AT] == ACTIVE,
		};
		(void)snprintf(part->type, sizeof(part->type), "0x%02x", entry[TYPE_AT]);
		if (little32(sector + SIGNATURE_AT) != 0)
			(void)snprintf(part->uuid, sizeof(part->uuid), "%08x-%02x",
				       little32(sector + SIGNATURE_AT), i + 1);
		nr++;
	}
	return nr;
}

bool mbr_is_extended(const struct partition *part)
{
	return strcmp(part->type, "0x05") == 0 || strcmp(part->type, "0x0f") == 0 ||
	       strcmp(part->type, "0x85") == 0;
}

/* Places of an entry when all is done, in sectors. */
static void new_place(const struct image *image, const unsigned char *entry, unsigned int number,
		      uint64_t growth, uint64_t *ret_start, uint64_t *ret_size)
{
	uint64_t start = little32(entry + START_AT), size = little32(entry + SIZE_AT);

	growth /= image->sector_size;
	if (number == image->partition)
		size += growth;
	else if (start * image->sector_size > image->offset)
		start += growth;
	*ret_start = start;
	*ret_size = size;
}

bool mbr_can_grow(const struct image *image, uint64_t growth)
{
	unsigned char sector[SECTOR];
	uint64_t start, size;
	unsigned int i;

	if (!read_table(image, sector))
		return false;
	for (i = 0; i < MBR_ENTRIES; i++) {
		new_place(image, sector + TABLE_AT + i * ENTRY_SIZE, i + 1, growth, &start, &size);
		if (is_used(sector + TABLE_AT + i * ENTRY_SIZE) &&
		    (start > UINT32_MAX || size > UINT32_MAX))
			return false;
	}
	return true;
}

/* What is too far for it gets the last value there is. */
static void put_chs(unsigned char *p, uint64_t sector)
{
	uint64_t cylinder = sector / (HEADS * TRACK);

	if (cylinder >= CYLINDERS) {
		memcpy(p, "\xfe\xff\xff", 3);
		return;
	}
	p[0] = (unsigned char)(sector / TRACK % HEADS);
	p[1] = (unsigned char)((sector % TRACK + 1) | (cylinder >> 8) << 6);
	p[2] = (unsigned char)cylinder;
}

int mbr_grow(int fd, const struct image *image, uint64_t growth)
{
	unsigned char sector[SECTOR], *entry;
	uint64_t start, size;
	unsigned int i;

	if (!mbr_can_grow(image, growth) || !read_table(image, sector))
		return -EINVAL;
	for (i = 0; i < MBR_ENTRIES; i++) {
		entry = sector + TABLE_AT + i * ENTRY_SIZE;
		new_place(image, entry, i + 1, growth, &start, &size);
		if (!is_used(entry) ||
		    (start == little32(entry + START_AT) && size == little32(entry + SIZE_AT)))
			continue;
		little32_put(entry + START_AT, (uint32_t)start);
		little32_put(entry + SIZE_AT, (uint32_t)size);
		put_chs(entry + CHS_AT, start);
		put_chs(entry + CHS_END, start + size - 1);
	}
	return io_write_at(fd, sector, SECTOR, 0);
}
