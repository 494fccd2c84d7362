/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * mbr.c - fuzz target: DOS partition tables of foreign images. The input is two choices and what
 * the first sector has from the disk's signature on. What is listed lies inside and apart; and when
 * a partition has grown, the kernel's arithmetic finds all of them, and no other byte has changed.
 */
#include "owner/disk/mbr.h"

#include "fuzz.h"

#define SECTOR 512
#define SIGNATURE_AT 440 /* UEFI 2.10, 5.2.1 */
#define TABLE_AT 446
#define ENTRY_SIZE 16
#define LARGE (3ULL << 40) /* bytes: behind what 32 bits can say */
#define SMALL (64ULL << 20)
#define GROWTH (16ULL << 20)

static unsigned char first[SECTOR], grown[SECTOR];
static int fds[2] = { -1, -1 };

static uint64_t get32(const unsigned char *p)
{
	return (uint64_t)p[0] | (uint64_t)p[1] << 8 | (uint64_t)p[2] << 16 | (uint64_t)p[3] << 24;
}

static void check_list(const struct partition *parts, int nr, uint64_t total)
{
	const unsigned char *entry;
	int i;

	for (i = 0; i < nr; i++) {
		FUZZ_MUST(parts[i].number >= 1 && parts[i].number <= MBR_ENTRIES);
		entry = first + TABLE_AT + (parts[i].number - 1) * ENTRY_SIZE;
		FUZZ_MUST(parts[i].offset == get32(entry + 8) * SECTOR && parts[i].offset > 0);
		FUZZ_MUST(parts[i].size == get32(entry + 12) * SECTOR && parts[i].size > 0);
		FUZZ_MUST(parts[i].offset + parts[i].size <= total);
		FUZZ_MUST(i == 0 || parts[i - 1].offset + parts[i - 1].size <= parts[i].offset);
	}
}

/* Places are the only bytes that may differ. */
static void check_bytes(void)
{
	size_t i, in_entry;

	for (i = 0; i < SECTOR; i++) {
		in_entry = (i - TABLE_AT) % ENTRY_SIZE;
		if (i < TABLE_AT || i >= TABLE_AT + MBR_ENTRIES * ENTRY_SIZE || in_entry == 0 ||
		    in_entry == 4)
			FUZZ_MUST(first[i] == grown[i]);
	}
}

static void grow(struct image *image, const struct partition *parts, int nr, int which)
{
	struct partition after[PARTITIONS_MAX];
	struct image copy = *image;
	struct fault f = { 0 };
	bool moves, grows;
	int i;

	image->partition = parts[which].number;
	image->offset = parts[which].offset;
	image->size = parts[which].size;
	fuzz_file_set(fds[1], first, sizeof(first), (off_t)(image->total + GROWTH));
	if (partition_check_growth(image, GROWTH, &f) < 0) {
		FUZZ_MUST(f.code == EXITCODE_REFUSED);
		FUZZ_MUST(mbr_grow(fds[1], image, GROWTH) == -EINVAL);
		return;
	}
	FUZZ_MUST(partition_grow(fds[1], image, GROWTH, &f) == 0);
	FUZZ_MUST(pread(fds[1], grown, SECTOR, 0) == SECTOR);
	check_bytes();
	copy.fd = fds[1];
	copy.total = copy.size = image->total + GROWTH;
	FUZZ_MUST(partition_list(&copy, after, &f) == nr);
	for (i = 0; i < nr; i++) {
		moves = parts[i].offset > image->offset;
		grows = parts[i].number == image->partition;
		FUZZ_MUST(after[i].number == parts[i].number);
		FUZZ_MUST(after[i].offset == parts[i].offset + (moves ? GROWTH : 0));
		FUZZ_MUST(after[i].size == parts[i].size + (grows ? GROWTH : 0));
		FUZZ_MUST(strcmp(after[i].type, parts[i].type) == 0);
		FUZZ_MUST(strcmp(after[i].uuid, parts[i].uuid) == 0);
		FUZZ_MUST(after[i].active == parts[i].active);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct partition parts[PARTITIONS_MAX];
	unsigned int large = fuzz_choice(&data, &size) & 1, which = fuzz_choice(&data, &size);
	struct image image = { .path = "fuzz", .sector_size = SECTOR };
	struct fault f = { 0 };
	int nr;

	image.total = image.size = large ? LARGE : SMALL;
	if (fds[0] < 0) {
		fds[0] = fuzz_file(NULL);
		fds[1] = fuzz_file(NULL);
	}
	memset(first, 0, sizeof(first));
	memcpy(first + SIGNATURE_AT, data,
	       size < SECTOR - SIGNATURE_AT ? size : SECTOR - SIGNATURE_AT);
	fuzz_file_set(fds[0], first, sizeof(first), (off_t)image.total);
	image.fd = fds[0];
	nr = partition_list(&image, parts, &f);
	FUZZ_MUST(nr >= 0 ? f.code == EXITCODE_OK : f.code == EXITCODE_BAD_INPUT);
	FUZZ_MUST(nr <= MBR_ENTRIES);
	if (nr <= 0)
		return 0;
	fuzz_accepted++;
	check_list(parts, nr, image.total);
	grow(&image, parts, nr, (int)(which % (unsigned int)nr));
	return 0;
}
