/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * table.c - builds, parses and changes secret tables.
 * Trusts no byte of a table; works in the locked memory that it is given, and may not do I/O.
 */
#include "table.h"

#include <stdarg.h>
#include <stdint.h>
#include <string.h>

#include "names.h"
#include "reference.h"

static uint32_t get32(const unsigned char *p)
{
	return (uint32_t)p[0] | (uint32_t)p[1] << 8 | (uint32_t)p[2] << 16 | (uint32_t)p[3] << 24;
}

static void put32(unsigned char *p, size_t value)
{
	p[0] = (unsigned char)value;
	p[1] = (unsigned char)(value >> 8);
	p[2] = (unsigned char)(value >> 16);
	p[3] = (unsigned char)(value >> 24);
}

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
	size_t left = table->len - offset, len = get32(bytes->bytes + offset + GUID_SIZE);
	const struct table_entry *other;

	if (len < TABLE_HEADER_SIZE)
		return flaw(ret_flaw, TABLE_ENTRY_LENGTH, offset + GUID_SIZE,
			    "the entry's length is %zu, below 20", len);
	if (len > left)
		return flaw(ret_flaw, TABLE_ENTRY_LENGTH, offset + GUID_SIZE,
			    "the entry's length is %zu, and only %zu bytes are left", len, left);
	guid_text(bytes->bytes + offset, entry->guid);
	other = same_guid(entry->guid, TABLE_GUID_DELETED) ? NULL :
							     table_find(table, entry->guid);
	if (other)
		return flaw(ret_flaw, TABLE_DUPLICATE, offset,
			    "GUID %s again, as at offset %zu", entry->guid, other->offset);
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

int table_parse(const struct secret *bytes, struct table *ret_table,
		struct table_flaw *ret_flaw)
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
	table->len = get32(bytes->bytes + GUID_SIZE);
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

int table_check(const char *path, const struct secret *bytes, struct table *ret_table,
		struct fault *f)
{
	struct table_flaw flaw;
	int r = table_parse(bytes, ret_table, &flaw);

	if (r == 0)
		return 0;
	return fault_about(f, EXITCODE_BAD_INPUT, path,
			   flaw.kind == TABLE_TRAILING ?
				   "build the table again; the kernel would not see these bytes" :
				   "build the table again; the kernel would show none of it",
			   "no secret table, at offset %zu: %s", flaw.offset, flaw.reason);
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

/* Makes the table end here. */
static void set_end(struct secret *bytes, size_t end)
{
	explicit_bzero(bytes->bytes + end, SECRET_CAPACITY - end);
	bytes->len = end;
	put32(bytes->bytes + GUID_SIZE, end);
}

void table_start(struct secret *bytes)
{
	guid_bytes(TABLE_GUID, bytes->bytes);
	set_end(bytes, TABLE_HEADER_SIZE);
}

void table_trim(struct secret *bytes, const struct table *table)
{
	set_end(bytes, table->len - table->rest);
}

static int check_new(const struct table *table, const char *guid, const struct secret *data,
		     bool force, const char *what, struct fault *f)
{
	if (same_guid(guid, TABLE_GUID) || same_guid(guid, TABLE_GUID_DELETED))
		return fault_about(f, EXITCODE_REFUSED, what, "use another GUID",
				   "GUID %s is the %s", guid, names_meaning(guid));
	if (same_guid(guid, GUID_KERNEL_EXAMPLE) && !force)
		return fault_about(f, EXITCODE_REFUSED, what,
				   "use luks-key, or --force if you mean this one",
				   "GUID %s is the %s", guid, names_meaning(guid));
	if (table_find(table, guid))
		return fault_about(f, EXITCODE_REFUSED, what, "give each entry its own GUID",
				   "GUID %s is there already; the kernel would show no entry at all",
				   guid);
	if (same_guid(guid, GUID_DISK_SECRET) && data->len == 0)
		return fault_about(f, EXITCODE_REFUSED, what, "give the file with the key",
				   "the key of the disk is empty");
	if (table->nr >= TABLE_ENTRIES_SHOWN)
		return fault_about(f, EXITCODE_REFUSED, what, "leave out entries",
				   "the kernel shows %d entries and hides the others",
				   TABLE_ENTRIES_SHOWN);
	if (table->nr >= TABLE_ENTRIES_SAFE && !force)
		return fault_about(f, EXITCODE_REFUSED, what, "leave out entries, or --force",
				   "with %d entries the guest must fear that the kernel hides one",
				   TABLE_ENTRIES_SHOWN);
	if (table->len - table->rest + TABLE_HEADER_SIZE + data->len > SECRET_CAPACITY)
		return fault_about(f, EXITCODE_REFUSED, what, "leave out entries",
				   "the table would have more than the %d bytes that a platform takes",
				   SECRET_CAPACITY);
	return 0;
}

int table_add(struct secret *bytes, const char *guid, const struct secret *data, bool force,
	      const char *what, struct fault *f)
{
	_cleanup_free_ struct table *table = malloc(sizeof(*table));
	unsigned char *entry;
	int r;

	if (!table)
		return fault_io(f, what, -ENOMEM, "cannot add it");
	r = table_check(what, bytes, table, f);
	if (r == 0)
		r = check_new(table, guid, data, force, what, f);
	if (r < 0)
		return r;
	table_trim(bytes, table);
	entry = bytes->bytes + bytes->len;
	guid_bytes(guid, entry);
	put32(entry + GUID_SIZE, TABLE_HEADER_SIZE + data->len);
	memcpy(entry + TABLE_HEADER_SIZE, data->bytes, data->len);
	set_end(bytes, bytes->len + TABLE_HEADER_SIZE + data->len);
	return 0;
}

void table_remove(struct secret *bytes, const struct table *table, const struct table_entry *entry)
{
	size_t next = entry->data_offset + entry->len;

	table_trim(bytes, table);
	memmove(bytes->bytes + entry->offset, bytes->bytes + next, bytes->len - next);
	set_end(bytes, bytes->len - (next - entry->offset));
}

void table_pad(struct secret *bytes)
{
	size_t padded = (bytes->len + 15) & ~(size_t)15; /* the capacity is a multiple of 16 */

	explicit_bzero(bytes->bytes + bytes->len, padded - bytes->len);
	bytes->len = padded;
}

int table_fits(const char *what, const struct secret *bytes, size_t area, struct fault *f)
{
	size_t padded = (bytes->len + 15) & ~(size_t)15;

	if (padded <= area)
		return 0;
	return fault_about(f, EXITCODE_REFUSED, what,
			   "make the entries smaller, or use --firmware with a file that has more room",
			   "the table has %zu bytes, the firmware's area %zu", padded, area);
}
