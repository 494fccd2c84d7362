/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * table.h - the secret table as bytes: header GUID, length, then entries of GUID, length
 * and data; and as a source, for who has the table itself.
 * Layout: Linux v6.1, drivers/virt/coco/efi_secret/efi_secret.c; packed, little-endian, the
 * GUIDs in the mixed-endian form of UEFI.
 */
#ifndef COCO_SOURCE_TABLE_H
#define COCO_SOURCE_TABLE_H

#include "source/source.h"

#define TABLE_HEADER_SIZE 20 /* the header, and each entry without its data */
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
int table_parse(const struct secret *bytes, struct table *ret_table, struct table_flaw *ret_flaw);

/* The entry with this GUID, or NULL. */
const struct table_entry *table_find(const struct table *table, const char *guid);

/* The bytes of an entry's data; data is from secret_init(). Returns 0. */
int table_get(const struct secret *bytes, const struct table_entry *entry, struct secret *data);

/*
 * What a boot would find if firmware published this table and the kernel's driver exposed it,
 * for coco-secret verify; the sources of a boot never have it. data of the source is a struct
 * table_bytes. probe: absent without a header (no-secret-table); errors: table-corrupt,
 * table-duplicate, hidden-entries. discard: removes nothing.
 */
extern const struct source_ops source_table;

struct table_area {
	const struct secret *area; /* what firmware would publish, or a broker hand out */
	const char *resource;	   /* which one of the broker's it is; the guest gets secrets of
				    * others elsewhere, and nothing here; NULL: there is no other */
	bool bare;		   /* of this table the guest gets one secret, and nothing else */
	struct table table;	   /* filled by probe */
};

#endif
