/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * gpt.c - fuzz target: partition tables of foreign images. The input is a choice, the record of the
 * protective MBR, a header and its entries; both tables are made of it, with good checksums. What
 * is listed lies inside and apart; and when a partition has grown, nothing else has changed. What
 * partition_check_growth() lets through can grow.
 */
#include "owner/disk/partition.h"

#include "fuzz.h"

#define TOTAL (2 * 1024 * 1024)
#define GROWTH (64 * 1024)
#define MBR_RECORD_SIZE 16
#define HEADER_SIZE 92
#define ENTRIES_SIZE_MAX 32768

enum choice {
	SECTORS_4096 = 1,
	BAD_PRIMARY = 2, /* its checksum */
	BAD_BACKUP = 4,
	BAD_ENTRIES = 8,
	OWN_PLACES = 16, /* the header's own word on where the backup lies is kept */
};

/* Both ends of the disk; what is between them is a hole. */
#define FRONT_SIZE (2 * 4096 + ENTRIES_SIZE_MAX)
#define BACK_SIZE (4096 + ENTRIES_SIZE_MAX)

static unsigned char front[FRONT_SIZE], back[BACK_SIZE];
static int fds[2] = { -1, -1 };

/* Fields of the header: UEFI 2.10, 5.3.2. */
static void put(unsigned char *p, unsigned int size, uint64_t value)
{
	for (; size > 0; size--, value >>= 8)
		*p++ = (unsigned char)value;
}

static uint32_t get32(const unsigned char *p)
{
	return (uint32_t)p[0] | (uint32_t)p[1] << 8 | (uint32_t)p[2] << 16 | (uint32_t)p[3] << 24;
}

static uint32_t crc32(const unsigned char *p, size_t size)
{
	static uint32_t of_byte[256];
	uint32_t crc = UINT32_MAX, i, k;

	for (i = 0; i < 256 && !of_byte[255]; i++) {
		of_byte[i] = i;
		for (k = 0; k < 8; k++)
			of_byte[i] = of_byte[i] >> 1 ^ (of_byte[i] & 1 ? 0xedb88320 : 0);
	}
	for (; size > 0; size--)
		crc = crc >> 8 ^ of_byte[(crc ^ *p++) & 255];
	return ~crc;
}

static void seal_header(unsigned char *header, bool bad)
{
	uint32_t size = get32(header + 12);

	put(header + 16, 4, 0);
	put(header + 16, 4, crc32(header, size <= 512 ? size : 512) ^ bad);
}

static void make_disk(unsigned int choice, const uint8_t *data, size_t size)
{
	const size_t sector = choice & SECTORS_4096 ? 4096 : 512, last = TOTAL / sector - 1;
	unsigned char *header = front + sector, *entries = front + 2 * sector;
	unsigned char *backup = back + BACK_SIZE - sector;
	size_t entries_size, len;

	memset(front, 0, sizeof(front));
	memset(back, 0, sizeof(back));
	len = size < MBR_RECORD_SIZE ? size : MBR_RECORD_SIZE;
	memcpy(front + 446, data, len);
	front[510] = 0x55;
	front[511] = 0xaa;
	data += len;
	size -= len;
	len = size < HEADER_SIZE ? size : HEADER_SIZE;
	memcpy(header, data, len);
	entries_size = (size_t)get32(header + 80) * get32(header + 84);
	if (entries_size > ENTRIES_SIZE_MAX)
		entries_size = ENTRIES_SIZE_MAX;
	data += len;
	size -= len;
	memcpy(entries, data, size < entries_size ? size : entries_size);
	put(header + 88, 4, crc32(entries, entries_size) ^ !!(choice & BAD_ENTRIES));
	memcpy(backup - ENTRIES_SIZE_MAX, entries, entries_size);
	memcpy(backup, header, HEADER_SIZE);
	if (!(choice & OWN_PLACES)) {
		put(header + 32, 8, last);
		put(backup + 24, 8, last);
		put(backup + 32, 8, 1);
		put(backup + 72, 8, last - ENTRIES_SIZE_MAX / sector);
	}
	seal_header(header, choice & BAD_PRIMARY);
	seal_header(backup, choice & BAD_BACKUP);
}

static void put_disk(int fd, off_t total)
{
	fuzz_file_set(fd, front, sizeof(front), total);
	FUZZ_MUST(pwrite(fd, back, sizeof(back), TOTAL - BACK_SIZE) == BACK_SIZE);
}

static void check_list(const struct partition *parts, int nr)
{
	int i, k;

	for (i = 0; i < nr; i++) {
		FUZZ_MUST(parts[i].number >= 1 && parts[i].number <= PARTITIONS_MAX);
		FUZZ_MUST(parts[i].offset + parts[i].size >= parts[i].offset);
		FUZZ_MUST(parts[i].offset + parts[i].size <= TOTAL);
		FUZZ_MUST(memchr(parts[i].name, '\0', IMAGE_NAME_SIZE));
		for (k = 0; k < i; k++) {
			FUZZ_MUST(parts[k].number != parts[i].number);
			FUZZ_MUST(parts[k].offset + parts[k].size <= parts[i].offset);
		}
	}
}

static void check_same(const struct partition *was, const struct partition *is,
		       const struct image *image)
{
	bool grows = was->number == image->partition, moves = was->offset > image->offset;

	FUZZ_MUST(is->number == was->number && strcmp(is->name, was->name) == 0);
	FUZZ_MUST(strcmp(is->uuid, was->uuid) == 0 && strcmp(is->type, was->type) == 0);
	FUZZ_MUST(is->size == was->size + (grows ? GROWTH : 0));
	FUZZ_MUST(is->offset == was->offset + (moves ? GROWTH : 0));
}

static void grow(struct image *image, const struct partition *parts, int nr, int which)
{
	static struct partition after[PARTITIONS_MAX];
	struct image copy = *image;
	struct fault f = { 0 };
	bool checked;
	int i;

	image->partition = parts[which].number;
	image->offset = parts[which].offset;
	image->size = parts[which].size;
	put_disk(fds[1], TOTAL + GROWTH);
	checked = partition_check_growth(image, GROWTH, &f) == 0;
	f = (struct fault){ 0 };
	if (partition_grow(fds[1], image, GROWTH, &f) < 0) {
		FUZZ_MUST(!checked);
		FUZZ_MUST(f.code == EXITCODE_NO_DEVICE || f.code == EXITCODE_BAD_INPUT);
		return;
	}
	copy.fd = fds[1];
	copy.total = copy.size = TOTAL + GROWTH;
	FUZZ_MUST(partition_list(&copy, after, &f) == nr);
	for (i = 0; i < nr; i++)
		check_same(&parts[i], &after[i], image);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct partition parts[PARTITIONS_MAX];
	unsigned int choice = fuzz_choice(&data, &size), which = fuzz_choice(&data, &size);
	struct image image = { .path = "fuzz", .total = TOTAL, .size = TOTAL, .sector_size = 512 };
	struct fault f = { 0 };
	int nr;

	if (fds[0] < 0) {
		fds[0] = fuzz_file(NULL);
		fds[1] = fuzz_file(NULL);
	}
	make_disk(choice, data, size);
	put_disk(fds[0], TOTAL);
	image.fd = fds[0];
	if (memcmp(front + 512, "EFI PART", 8) != 0)
		image.sector_size = 4096; /* what image_open() finds out, if that is the place */
	nr = partition_list(&image, parts, &f);
	FUZZ_MUST(nr >= 0 || f.code == EXITCODE_BAD_INPUT);
	FUZZ_MUST(nr <= PARTITIONS_MAX);
	if (nr <= 0)
		return 0;
	fuzz_accepted++;
	check_list(parts, nr);
	grow(&image, parts, nr, (int)(which % (unsigned int)nr));
	return 0;
}
