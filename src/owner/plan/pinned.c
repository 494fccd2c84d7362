/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * pinned.c - reads, changes and writes tables together with what they pin.
 * Trusts the owner's files, not their content. Secrets stay in locked memory.
 */
#include "owner/plan/pinned.h"

#include <string.h>

#include "base/text.h"
#include "owner/io/file.h"
#include "owner/table/policytext.h"

static int no_memory(struct fault *f)
{
	return fault_io(f, "memory", -ENOMEM, "no room for a table");
}

/* Parses a table that its reader has checked, or that was made here. */
static int parse(const struct secret *bytes, struct table *ret_table, struct fault *f)
{
	struct table_flaw flaw;

	if (table_parse(bytes, ret_table, &flaw) == 0 || flaw.kind == TABLE_TRAILING)
		return 0;
	return fault_about(f, EXITCODE_BAD_INPUT, "table", "build the table again",
			   "offset %zu: %s", flaw.offset, flaw.reason);
}

int pinnedtable_get(const char *path, const struct secret *bytes, const char *guid,
		    struct secret *ret_data, struct fault *f)
{
	_cleanup_free_ struct table *table = calloc(1, sizeof(*table));
	_cleanup_secret_ struct secret data = SECRET_NULL;
	const struct table_entry *entry;
	int r;

	r = table ? secret_init(&data, f) : no_memory(f);
	if (r >= 0)
		r = parse(bytes, table, f);
	if (r < 0)
		return r;
	entry = table_find(table, guid);
	if (!entry || entry->len == 0)
		return fault_about(f, EXITCODE_BAD_INPUT, path,
				   "give a table that has the volume's secret",
				   "it has no entry %s with data", guid);
	(void)table_get(bytes, entry, &data); /* always 0 */
	*ret_data = data;
	data = SECRET_NULL;
	return 0;
}

int pinnedtable_read(const char *path, const struct conf *conf, struct secret *bytes,
		     enum codec *ret_format, struct policy_entry *ret_policy, struct fault *f)
{
	_cleanup_free_ struct table *table = calloc(1, sizeof(*table));
	_cleanup_secret_ struct secret entry = SECRET_NULL;
	int r;

	memset(ret_policy, 0, sizeof(*ret_policy));
	if (!table)
		return no_memory(f);
	r = file_read_encoded(path, bytes, ret_format, f);
	if (r >= 0)
		r = table_check(path, bytes, table, f);
	if (r < 0 || !table_find(table, GUID_POLICY))
		return r;
	r = pinnedtable_get(path, bytes, GUID_POLICY, &entry, f);
	if (r < 0)
		return r;
	return fault_name(f, policy_entry_parse(&entry, conf, ret_policy, f), path);
}

void pinnedtable_copy(struct secret *dst, const struct secret *src)
{
	memcpy(dst->bytes, src->bytes, src->len);
	dst->len = src->len;
}

int pinnedtable_set(struct secret *bytes, const char *guid, const struct secret *data,
		    const char *what, struct fault *f)
{
	_cleanup_free_ struct table *table = calloc(1, sizeof(*table));
	const struct table_entry *entry;
	int r;

	if (!table)
		return no_memory(f);
	r = parse(bytes, table, f);
	if (r < 0)
		return r;
	entry = table_find(table, guid);
	if (entry)
		table_remove(bytes, table, entry);
	else
		table_trim(bytes, table);
	return table_add(bytes, guid, data, false, what, f);
}

int pinnedtable_set_policy(struct secret *bytes, const struct policy_entry *policy, struct fault *f)
{
	_cleanup_secret_ struct secret entry = SECRET_NULL;
	_cleanup_free_ char *text = NULL;
	ssize_t len;
	int r;

	r = secret_init(&entry, f);
	if (r < 0)
		return r;
	len = policytext_format(policy, &text);
	if (len < 0)
		return fault_about(f, EXITCODE_BAD_INPUT, "policy entry", "pin fewer volumes",
				   "it would be longer than %d bytes", POLICY_ENTRY_SIZE_MAX);
	memcpy(entry.bytes, text, (size_t)len);
	entry.len = (size_t)len;
	return pinnedtable_set(bytes, GUID_POLICY, &entry, "the policy entry", f);
}

int pinnedtable_write(const char *path, struct secret *bytes, enum codec format, bool force,
		      struct fault *f)
{
	int r;

	table_pad(bytes);
	r = table_fits(path, bytes, TABLE_AREA_SIZE, f);
	if (r < 0)
		return r;
	return file_write_secret(path, format, bytes, force, f);
}

struct pins *pinnedtable_pins(struct policy_entry *policy, const char *name)
{
	struct pins *pins;
	size_t i;

	for (i = 0; i < policy->nr_volumes; i++)
		if (strcmp(policy->volumes[i].name, name) == 0)
			return &policy->volumes[i];
	if (policy->nr_volumes == CONF_VOLUMES_MAX)
		return NULL;
	pins = &policy->volumes[policy->nr_volumes++];
	memset(pins, 0, sizeof(*pins));
	(void)snprintf(pins->name, sizeof(pins->name), "%s", name); /* a name of conf fits */
	policy->present = true;
	return pins;
}

int pinnedtable_pin_identity(struct pins *pins, const struct luksheader *header,
			     const struct secret *volume_key, struct fault *f)
{
	struct digest digest;

	if (guid_from_text(header->verdict.uuid, pins->uuid) < 0 ||
	    secret_sha256(volume_key, &digest) < 0)
		return fault_about(f, EXITCODE_IO, "pins", "report this", "no SHA-256");
	pins->volume_key = digest;
	pins->has_volume_key = true;
	pins->has_fixated_key = false;
	pins->nr_headers = 0;
	return 0;
}

int pinnedtable_pin_header(struct pins *pins, const struct luksheader *header, struct fault *f)
{
	struct digest digest;
	size_t i;

	if (luksheader_pin(header, &digest) < 0)
		return fault_about(f, EXITCODE_IO, "pins", "report this", "no SHA-256");
	for (i = 0; i < pins->nr_headers; i++)
		if (digest_equal(&pins->headers[i], &digest))
			return 0;
	if (pins->nr_headers == POLICY_ENTRY_HEADERS_MAX)
		return fault_about(f, EXITCODE_BAD_INPUT, "pins",
				   "finish the rotations that were begun",
				   "more than %d headers of volume %s are pinned",
				   POLICY_ENTRY_HEADERS_MAX, pins->name);
	pins->headers[pins->nr_headers++] = digest;
	return 0;
}
