/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * table.c - fuzz target: the secret table. A second reader, written after the kernel's driver, must
 * find the same entries in what is accepted; and an accepted table stays one when entries go and
 * come.
 */
#include "owner/table/table.h"

#include "fuzz.h"
#include "source/table.h"

static struct secret bytes = SECRET_NULL, data_of_entry = SECRET_NULL;

static uint32_t get32(const unsigned char *p)
{
	return (uint32_t)p[0] | (uint32_t)p[1] << 8 | (uint32_t)p[2] << 16 | (uint32_t)p[3] << 24;
}

/* Linux v6.1, drivers/virt/coco/efi_secret/efi_secret.c: the walk, without its limit of 64. */
static void read_as_kernel(const struct table *table)
{
	static const unsigned char deleted[GUID_SIZE], header[GUID_SIZE] = {
		0x42, 0xf5, 0x74, 0x1e, 0xdd, 0x71, 0x66, 0x4d,
		0x96, 0x3e, 0xef, 0x42, 0x87, 0xff, 0x17, 0x3b,
	};
	size_t nr = 0, nr_shown = 0, at = TABLE_HEADER_SIZE, left;

	FUZZ_MUST(bytes.len >= TABLE_HEADER_SIZE);
	FUZZ_MUST(memcmp(bytes.bytes, header, GUID_SIZE) == 0);
	FUZZ_MUST(get32(bytes.bytes + GUID_SIZE) == table->len);
	FUZZ_MUST(table->len >= TABLE_HEADER_SIZE && table->len <= bytes.len);
	for (left = table->len - at; left >= TABLE_HEADER_SIZE; nr++) {
		const unsigned char *entry = bytes.bytes + at;
		uint32_t len = get32(entry + GUID_SIZE);
		unsigned char guid[GUID_SIZE];

		FUZZ_MUST(len >= TABLE_HEADER_SIZE && len <= left && nr < table->nr);
		guid_bytes(table->entries[nr].guid, guid);
		FUZZ_MUST(memcmp(guid, entry, GUID_SIZE) == 0);
		FUZZ_MUST(table->entries[nr].offset == at);
		FUZZ_MUST(table->entries[nr].data_offset == at + TABLE_HEADER_SIZE);
		FUZZ_MUST(table->entries[nr].len == len - TABLE_HEADER_SIZE);
		nr_shown += memcmp(entry, deleted, GUID_SIZE) != 0;
		at += len;
		left -= len;
	}
	FUZZ_MUST(nr == table->nr && left == table->rest && nr_shown == table_count_shown(table));
}

/* The kernel makes a file for each GUID, so that a second one breaks all. */
static void check_unique(const struct table *table)
{
	size_t i;

	for (i = 0; i < table->nr; i++)
		FUZZ_MUST(strcmp(table->entries[i].guid, TABLE_GUID_DELETED) == 0 ||
			  table_find(table, table->entries[i].guid) == &table->entries[i]);
}

/* What a boot would find, as coco-secret verify sees it: the same, or nothing. */
static void check_source(const struct table *table, bool good, const struct table_flaw *flaw)
{
	static struct table_area area = { .area = &bytes };
	const struct table_entry *entry = good ? table_find(table, GUID_DISK_SECRET) : NULL;
	const struct reference ref = REFERENCE_DISK_SECRET;
	struct secret secret = SECRET_NULL;
	struct source src = { .ops = &source_table, .data = &area };
	struct fault f = { 0 };
	unsigned int nr = 0;
	bool has = false;
	int r = src.ops->probe(&src, &f);

	FUZZ_MUST(r == 1 || f.code);
	FUZZ_MUST((r == 1) == (good && table_count_shown(table) <= TABLE_ENTRIES_SHOWN));
	FUZZ_MUST(r != 0 || flaw->kind == TABLE_NO_HEADER);
	if (r != 1)
		return;
	FUZZ_MUST(src.ops->open(&src, &f) == 0 && src.ops->list(&src, &ref, &nr, &has) == 0);
	FUZZ_MUST(nr == table_count_shown(table) && has == (entry != NULL));
	r = src.ops->fetch(&src, &ref, &secret, &f);
	FUZZ_MUST((r == 0) == (entry && entry->len > 0));
	if (r == 0)
		FUZZ_MUST(secret.len == entry->len &&
			  memcmp(secret.bytes, bytes.bytes + entry->data_offset, secret.len) == 0);
	secret_done(&secret);
}

static void check_remove(const struct table *table)
{
	static struct table after;
	struct table_flaw flaw;
	size_t which = bytes.bytes[bytes.len - 1] % table->nr;

	fuzz_secret_open(&bytes);
	table_remove(&bytes, table, &table->entries[which]);
	FUZZ_MUST(table_parse(&bytes, &after, &flaw) == 0);
	FUZZ_MUST(after.nr == table->nr - 1 && after.rest == 0 && after.len == bytes.len);
}

/* Whether an entry may be added; len and GUID by the last byte. */
static void check_add(const struct table *table)
{
	/* clang-format off */
	static const char *const guids[] = {
		"2f9a6f4e-0a4e-4a5e-8b7a-9e1d3c5b7a90", TABLE_GUID, TABLE_GUID_DELETED,
		GUID_KERNEL_EXAMPLE, GUID_DISK_SECRET, NULL,
	};
	/* clang-format on */
	static struct table after;
	unsigned int last = bytes.bytes[bytes.len - 1];
	const char *guid = guids[last % ARRAY_SIZE(guids)];
	size_t len = last / 2 % 64 * 50;
	const struct table_entry *entry;
	struct fault f = { 0 };
	struct table_flaw flaw;
	int r;

	if (!guid) /* one that is there, if there is any */
		guid = table->nr ? table->entries[0].guid : guids[0];
	fuzz_secret_open(&bytes);
	data_of_entry.len = len;
	r = table_add(&bytes, guid, &data_of_entry, last & 1, "fuzz", &f);
	if (r < 0) {
		FUZZ_MUST(r == -EPERM && f.code == EXITCODE_REFUSED && f.why[0]);
		return;
	}
	FUZZ_MUST(!table_find(table, guid) && guid != guids[1] && guid != guids[2]);
	FUZZ_MUST(table_parse(&bytes, &after, &flaw) == 0);
	entry = table_find(&after, guid);
	FUZZ_MUST(entry && entry->len == len && after.nr == table->nr + 1);
	FUZZ_MUST(memcmp(bytes.bytes + entry->data_offset, data_of_entry.bytes, len) == 0);
	table_pad(&bytes);
	FUZZ_MUST(bytes.len % 16 == 0 && table_parse(&bytes, &after, &flaw) == 0);
	FUZZ_MUST((table_fits("fuzz", &bytes, TABLE_AREA_SIZE, &f) == 0) ==
		  (bytes.len <= TABLE_AREA_SIZE));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct table table;
	struct table_flaw flaw = { .kind = TABLE_TOO_LARGE };
	struct fault f = { 0 };
	size_t i;
	int r;

	fuzz_secret_init(&data_of_entry);
	fuzz_secret_set(&bytes, data, size);
	r = table_parse(&bytes, &table, &flaw);
	FUZZ_MUST(r == 0 || (r == -EINVAL && memchr(flaw.reason, '\0', sizeof(flaw.reason))));
	FUZZ_MUST(table_check("fuzz", &bytes, &table, &f) == r);
	check_source(&table, r == 0 || flaw.kind == TABLE_TRAILING, &flaw);
	if (r < 0) {
		FUZZ_MUST(flaw.offset <= bytes.len && flaw.nr_shown <= TABLE_ENTRIES_MAX);
		if (flaw.kind != TABLE_TRAILING)
			return 0;
	}
	fuzz_accepted += r == 0;
	read_as_kernel(&table);
	check_unique(&table);
	for (i = 0; i < table.nr; i++)
		FUZZ_MUST(table_get(&bytes, &table.entries[i], &data_of_entry) == 0 &&
			  memcmp(data_of_entry.bytes, bytes.bytes + table.entries[i].data_offset,
				 table.entries[i].len) == 0);
	if (r == 0)
		check_add(&table);
	fuzz_secret_set(&bytes, data, size);
	if (table.nr > 0)
		check_remove(&table);
	return 0;
}
