/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * table.c - parses secret tables, and shows them as the kernel's driver would.
 * Trusts no byte of a table; works in the locked memory that it is given, and may not do I/O.
 */
#include "source/table.h"

#include <stdarg.h>
#include <string.h>

#include "base/little.h"

static bool same_guid(const char a[static GUID_TEXT_SIZE], const char b[static GUID_TEXT_SIZE])
{
	return memcmp(a, b, GUID_TEXT_SIZE) == 0;
}

static int flaw(struct table_flaw *ret_flaw, enum table_flaw_kind kind, size_t offset,
		const char *fmt, ...) _printf_(4, 5);

static int flaw(struct table_flaw *ret_flaw, enum table_flaw_kind kind, size_t offset,
		const char *fmt, ...)
{
	va_list ap;

	ret_flaw->kind = kind;
	ret_flaw->nr_shown = 0;
	ret_flaw->offset = offset;
	va_start(ap, fmt);
	(void)vsnprintf(ret_flaw->reason, sizeof(ret_flaw->reason), fmt, ap); /* always fits */
	va_end(ap);
	return -EINVAL;
}

/* Reads one entry. Deleted ones may repeat. */
static int parse_entry(const struct secret *bytes, size_t offset, struct table *table,
		       struct table_flaw *ret_flaw)
{
	struct table_entry *entry = &table->entries[table->nr];
	size_t left = table->len - offset, len = little32(bytes->bytes + offset + GUID_SIZE);
	const struct table_entry *other;

	if (len < TABLE_HEADER_SIZE)
		return flaw(ret_flaw, TABLE_ENTRY_LENGTH, offset + GUID_SIZE,
			    "the entry's length is %zu, below 20", len);
	if (len > left)
		return flaw(ret_flaw, TABLE_ENTRY_LENGTH, offset + GUID_SIZE,
			    "the entry's length is %zu, and only %zu bytes are left", len, left);
	guid_text(bytes->bytes + offset, entry->guid);
	other = same_guid(entry->guid, TABLE_GUID_DELETED) ? NULL : table_find(table, entry->guid);
	if (other)
		return flaw(ret_flaw, TABLE_DUPLICATE, offset, "GUID %s again, as at offset %zu",
			    entry->guid, other->offset);
	entry->offset = offset;
	entry->data_offset = offset + TABLE_HEADER_SIZE;
	entry->len = len - TABLE_HEADER_SIZE;
	table->nr++;
	return 0;
}

size_t table_count_shown(const struct table *table)
{
	size_t i, nr = 0;

	for (i = 0; i < table->nr; i++)
		if (!same_guid(table->entries[i].guid, TABLE_GUID_DELETED))
			nr++;
	return nr;
}

int table_parse(const struct secret *bytes, struct table *ret_table, struct table_flaw *ret_flaw)
{
	_cleanup_free_ struct table *table = calloc(1, sizeof(*table));
	unsigned char guid[GUID_SIZE];
	size_t offset = TABLE_HEADER_SIZE, i;
	int r;

	if (!table)
		return flaw(ret_flaw, TABLE_TOO_LARGE, 0, "no memory");
	guid_bytes(TABLE_GUID, guid);
	if (bytes->len < TABLE_HEADER_SIZE)
		return flaw(ret_flaw, TABLE_NO_HEADER, bytes->len,
			    "%zu bytes are too few for a table's header", bytes->len);
	if (memcmp(bytes->bytes, guid, GUID_SIZE) != 0)
		return flaw(ret_flaw, TABLE_NO_HEADER, 0, "the header GUID is not there");
	table->len = little32(bytes->bytes + GUID_SIZE);
	if (table->len < TABLE_HEADER_SIZE)
		return flaw(ret_flaw, TABLE_HEADER_LENGTH, GUID_SIZE,
			    "the table's length is %zu, below 20", table->len);
	if (table->len > bytes->len)
		return flaw(ret_flaw, TABLE_HEADER_LENGTH, GUID_SIZE,
			    "the table's length is %zu, and there are only %zu bytes", table->len,
			    bytes->len);
	/* Each entry takes 20 bytes at least, so the array cannot overflow. */
	while (table->len - offset >= TABLE_HEADER_SIZE) {
		r = parse_entry(bytes, offset, table, ret_flaw);
		if (r < 0) {
			ret_flaw->nr_shown = table_count_shown(table);
			return r;
		}
		offset += TABLE_HEADER_SIZE + table->entries[table->nr - 1].len;
	}
	table->rest = table->len - offset;
	*ret_table = *table; /* the kernel does not look at what is behind */
	for (i = offset; i < bytes->len; i++)
		if (bytes->bytes[i] != 0)
			return flaw(ret_flaw, TABLE_TRAILING, i,
				    "a byte behind the last entry that is not zero");
	return 0;
}

const struct table_entry *table_find(const struct table *table, const char *guid)
{
	size_t i;

	for (i = 0; i < table->nr; i++)
		if (same_guid(table->entries[i].guid, guid))
			return &table->entries[i];
	return NULL;
}

int table_get(const struct secret *bytes, const struct table_entry *entry, struct secret *data)
{
	memcpy(data->bytes, bytes->bytes + entry->data_offset, entry->len);
	explicit_bzero(data->bytes + entry->len, SECRET_CAPACITY - entry->len);
	data->len = entry->len;
	return 0;
}

/* The driver stops at 64 files; then the boot ends, whatever else is wrong with the table. */
static int refuse_hidden(size_t nr, struct fault *f)
{
	return fault_set(f, EXITCODE_HIDDEN_ENTRIES, E2BIG,
			 "entries of the secret table would be hidden behind the first %d: it has "
			 "%zu or more",
			 TABLE_ENTRIES_SHOWN, nr);
}

/* What the kernel's driver makes of the table. */
static int probe(struct source *src, struct fault *f)
{
	struct table_area *t = src->data;
	struct table_flaw flaw;
	bool good = table_parse(t->area, &t->table, &flaw) == 0 || flaw.kind == TABLE_TRAILING;
	size_t nr = good ? table_count_shown(&t->table) : flaw.nr_shown;

	if (nr > TABLE_ENTRIES_SHOWN || (!good && nr == TABLE_ENTRIES_SHOWN))
		return refuse_hidden(nr, f);
	if (good)
		return 1;
	if (flaw.kind == TABLE_NO_HEADER) {
		(void)fault_set(f, EXITCODE_NO_SECRET_TABLE, ENODEV,
				"the firmware would publish no launch secret: %s", flaw.reason);
		return 0;
	}
	if (flaw.kind == TABLE_DUPLICATE)
		return fault_set(f, EXITCODE_TABLE_DUPLICATE, EEXIST,
				 "two entries of the secret table have one GUID: %s", flaw.reason);
	return fault_set(f, EXITCODE_TABLE_CORRUPT, EINVAL,
			 "the secret table is corrupt at offset %zu: %s", flaw.offset, flaw.reason);
}

static int open_table(struct source *src, struct fault *f)
{
	(void)src;
	(void)f;
	return 0;
}

static int list(struct source *src, const struct reference *ref, unsigned int *ret_nr,
		bool *ret_has)
{
	const struct table_area *t = src->data;

	*ret_nr = (unsigned int)table_count_shown(&t->table);
	if (ret_has)
		*ret_has = !(t->bare && same_guid(ref->guid, GUID_POLICY)) &&
			   table_find(&t->table, ref->guid) != NULL;
	return 0;
}

static int fetch(struct source *src, const struct reference *ref, struct secret *ret_secret,
		 struct fault *f)
{
	const struct table_area *t = src->data;
	const struct table_entry *entry = table_find(&t->table, ref->guid);
	_cleanup_secret_ struct secret s = SECRET_NULL;
	int r;

	if (t->resource && !same_guid(ref->guid, GUID_POLICY) &&
	    !conf_is_in_resource(src->conf, ref, t->resource))
		return 0;
	if (!entry)
		return source_missing(src, ref, f);
	if (entry->len == 0)
		return fault_set(f, EXITCODE_SECRET_EMPTY, ENODATA, "entry %s has no data",
				 ref->guid);
	r = secret_init(&s, f);
	if (r < 0)
		return r;
	(void)table_get(t->area, entry, &s); /* always 0 */
	src->info.read++;
	*ret_secret = s;
	s = SECRET_NULL;
	return 0;
}

static int discard(struct source *src, struct fault *f)
{
	(void)src;
	(void)f;
	return 0;
}

static void done(struct source *src)
{
	(void)src;
}

const struct source_ops source_table = {
	.kind = "table",
	.probe = probe,
	.open = open_table,
	.list = list,
	.fetch = fetch,
	.discard = discard,
	.done = done,
};
