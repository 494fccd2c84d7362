/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * rescueentry.c - what a guest's configuration makes of the rescue entry of a table.
 * Looks at lengths and configuration, never at the entry's content; may not do I/O.
 */
#include "owner/table/rescueentry.h"

#include "rescue/keys.h"

/* Of a table in a key broker the guest gets one secret, and no other entry. */
static bool is_bare(const struct conf *conf)
{
	return !conf_has_source(conf, SOURCE_EFI) && conf->kbs.format == RESOURCE_SECRET;
}

const char *rescueentry_doubt(const struct table *table, const struct conf *conf)
{
	const struct table_entry *entry = table_find(table, GUID_RESCUE);

	if (entry && entry->len != RESCUE_ENTRY_SIZE)
		return "its rescue entry has not the 32 bytes of one, so that no answer of a rescue can "
		       "carry a secret";
	if (!conf)
		return NULL;
	if (is_bare(conf))
		return entry ? "it has a rescue entry, and the key broker hands out the bare secret: no "
			       "answer of a rescue can carry one" :
			       NULL;
	if (entry && conf->rescue.nr_keys == 0)
		return "it has a rescue entry, and the configuration no RescueKey=: the guest never "
		       "reads it, and takes no answer";
	if (!entry && conf->rescue.nr_keys > 0)
		return "the configuration has RescueKey=, and it no rescue entry, so that no answer of a "
		       "rescue can carry a secret (coco-secret prepare --rescue, or table add)";
	return NULL;
}

bool rescueentry_serves(const struct table *table, const struct conf *conf)
{
	return table_find(table, GUID_RESCUE) && !rescueentry_doubt(table, conf);
}
