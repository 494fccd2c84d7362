/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * table.h - the secret table: header GUID, length, then entries of GUID, length and data.
 * Layout: Linux v6.1, drivers/virt/coco/efi_secret/efi_secret.c; packed, little-endian, the
 * GUIDs in the mixed-endian form of UEFI.
 */
#ifndef COCO_OWNER_TABLE_H
#define COCO_OWNER_TABLE_H

#include "fault.h"
#include "guid.h"
#include "secret.h"

#define TABLE_HEADER_SIZE 20 /* the header, and each entry without its data */
#define TABLE_AREA_SIZE 3072 /* bytes that AmdSev firmware since edk2-stable202108 has */
#define TABLE_GUID "1e74f542-71dd-4d66-963e-ef4287ff173b"
#define TABLE_GUID_DELETED "00000000-0000-0000-0000-000000000000"

/* Linux shows 64 entries; a guest that sees 64 must fear a hidden one, so 63 is what is safe. */
#define TABLE_ENTRIES_SHOWN 64
#define TABLE_ENTRIES_SAFE 63
#define TABLE_ENTRIES_MAX ((SECRET_CAPACITY - TABLE_HEADER_SIZE) / TABLE_HEADER_SIZE)

struct table_entry {
	char guid[GUID_TEXT_SIZE];
	size_t offset;	    /* of the entry, from the beginning of the table */
	size_t data_offset; /* of its data */
	size_t len;	    /* of its data */
};

/* Where things are in a table; the bytes stay in the struct secret that was read. */
struct table {
	size_t len;  /* as the header has it */
	size_t rest; /* bytes behind the last entry that the length counts: 0..19 */
	size_t nr;
	struct table_entry entries[TABLE_ENTRIES_MAX];
};

/* What is wrong with a table. The kernel's driver shows no entry at all for the first five. */
enum table_flaw_kind {
	TABLE_NO_HEADER,     /* the header GUID is not there: an empty area, for the kernel */
	TABLE_HEADER_LENGTH, /* it is below 20 or larger than what there is */
	TABLE_ENTRY_LENGTH,  /* it is below 20 or larger than what is left */
	TABLE_DUPLICATE,     /* two entries with one GUID */
	TABLE_TOO_LARGE,     /* for what coco-secret can hold */
	TABLE_TRAILING,	     /* bytes other than zero behind the entries: no tool writes that */
};

struct table_flaw {
	enum table_flaw_kind kind;
	size_t offset;
	size_t nr_shown; /* entries before it, but for deleted ones */
	char reason[160];
};

/* How many entries have a file in the kernel's driver, if it gets so far. */
size_t table_count_shown(const struct table *table);

/* Returns 0, or -EINVAL with the first flaw; *ret_table is filled also with TABLE_TRAILING. */
int table_parse(const struct secret *bytes, struct table *ret_table,
		struct table_flaw *ret_flaw);

/* The same for a file: the flaw becomes a fault that names path and offset. */
int table_check(const char *path, const struct secret *bytes, struct table *ret_table,
		struct fault *f);

/* The entry with this GUID, or NULL. */
const struct table_entry *table_find(const struct table *table, const char *guid);

/* The bytes of an entry's data; data is from secret_init(). Returns 0. */
int table_get(const struct secret *bytes, const struct table_entry *entry, struct secret *data);

/* Makes an empty table: the header alone. */
void table_start(struct secret *bytes);

/*
 * Adds an entry behind the last one; padding that was there goes. Refuses, with f naming
 * `what`: the header's and the NULL GUID, a GUID that is there, no data for the LUKS key, the
 * GUID of the kernel's example unless force, entry 64 unless force, entry 65, and more than
 * SECRET_CAPACITY.
 */
int table_add(struct secret *bytes, const char *guid, const struct secret *data, bool force,
	      const char *what, struct fault *f);

/* Removes an entry of this table; those behind it move up, padding goes. `table` is no longer
 * true then. */
void table_remove(struct secret *bytes, const struct table *table,
		  const struct table_entry *entry);

/* Cuts everything behind the last entry, and makes the header's length exact. */
void table_trim(struct secret *bytes, const struct table *table);

/* Adds zeros up to the next multiple of 16, which the header's length does not count. */
void table_pad(struct secret *bytes);

/* Does the padded table fit into the firmware's area? Returns 0, or -EPERM with f. */
int table_fits(const char *what, const struct secret *bytes, size_t area, struct fault *f);

#endif
