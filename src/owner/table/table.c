/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * table.c - builds and changes secret tables.
 * Trusts no byte of a table; works in the locked memory that it is given, and may not do I/O.
 */
#include "owner/table/table.h"

#include <stdint.h>
#include <string.h>

#include "owner/table/names.h"
#include "rescue/keys.h"

#define SECRET_SHORT 16 /* bytes */
#define SECRET_ROOM \
	(TABLE_AREA_SIZE - TABLE_HEADER_SIZE - TABLE_HEADER_SIZE) /* an entry's own, too */

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

const char *table_secret_doubt(const struct secret *secret, size_t n)
{
	const struct {
		bool is_true;
		const char *sentence;
	} doubts[] = {
		{ secret->len > 0 && secret->bytes[secret->len - 1] == '\n',
		  "it ends with a newline, which is a part of the secret" },
		{ secret->len < SECRET_SHORT,
		  "it is shorter than 16 bytes: who has a copy of the disk may find it by trying" },
		{ secret->len > SECRET_ROOM,
		  "it is too long for a table: the firmware's area has 3072 bytes" },
	};
	size_t i;

	for (i = 0; i < ARRAY_SIZE(doubts); i++)
		if (doubts[i].is_true && n-- == 0)
			return doubts[i].sentence;
	return NULL;
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
	if (same_guid(guid, GUID_RESCUE) && data->len != RESCUE_ENTRY_SIZE)
		return fault_about(f, EXITCODE_REFUSED, what,
				   "give a file of that many random bytes",
				   "the rescue entry has %d bytes, and not %zu", RESCUE_ENTRY_SIZE,
				   data->len);
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
