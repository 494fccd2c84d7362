/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * table.h - builds and changes secret tables; source_table.h reads them.
 */
#ifndef COCO_OWNER_TABLE_H
#define COCO_OWNER_TABLE_H

#include "source/table.h"

#define TABLE_AREA_SIZE 3072 /* bytes that AmdSev firmware since edk2-stable202108 has */

#include "source/table.h"
int table_check(const char *path, const struct secret *bytes, struct table *ret_table,
		struct fault *f);

/*
 * What the owner should know of a secret that is to open a disk, or does: sentence number n from 0,
 * about "it", or NULL behind the last one. Each of them may be what the owner means.
 */
const char *table_secret_doubt(const struct secret *secret, size_t n);

/* Makes an empty table: the header alone. */
void table_start(struct secret *bytes);

/*
 * Adds an entry behind the last one; padding that was there goes. Refuses, with f naming
 * `what`: the header's and the NULL GUID, a GUID that is there, no data for the LUKS key, a rescue
 * entry of another length than its own, the GUID of the kernel's example unless force, entry 64
 * unless force, entry 65, and more than SECRET_CAPACITY.
 */
int table_add(struct secret *bytes, const char *guid, const struct secret *data, bool force,
	      const char *what, struct fault *f);

/* Removes an entry of this table; those behind it move up, padding goes. `table` is no longer
 * true then. */
void table_remove(struct secret *bytes, const struct table *table, const struct table_entry *entry);

/* Cuts everything behind the last entry, and makes the header's length exact. */
void table_trim(struct secret *bytes, const struct table *table);

/* Adds zeros up to the next multiple of 16, which the header's length does not count. */
void table_pad(struct secret *bytes);

/* Checks that the padded table fits into the firmware's area. Returns 0, or -EPERM with f. */
int table_fits(const char *what, const struct secret *bytes, size_t area, struct fault *f);

#endif
