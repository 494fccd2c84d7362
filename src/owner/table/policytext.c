/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * policytext.c - the counterpart of policy_entry_parse(); and reads the entry of a table.
 * Trusts no byte of a table. May not do I/O.
 */
#include "owner/table/policytext.h"

#include <string.h>

#include "base/text.h"
#include "conf/reference.h"

static void add_digest(char *text, size_t size, const char *key, const struct digest *d)
{
	size_t i;

	text_append(text, size, "%s", key);
	for (i = 0; i < sizeof(d->octets); i++)
		text_append(text, size, "%02x", d->octets[i]);
	text_append(text, size, "\n");
}

static void add_pins(char *text, size_t size, const struct pins *p)
{
	size_t i;

	text_append(text, size, "volume=%s\n", p->name);
	if (p->uuid[0])
		text_append(text, size, "uuid=%s\n", p->uuid);
	for (i = 0; i < p->nr_headers; i++)
		add_digest(text, size, "header=sha256:", &p->headers[i]);
	if (p->has_volume_key)
		add_digest(text, size, "volume-key=sha256:", &p->volume_key);
	if (p->has_fixated_key)
		add_digest(text, size, "fixate-volume-key=", &p->fixated_key);
	if (p->has_min_generation)
		text_append(text, size, "min-generation=%llu\n",
			    (unsigned long long)p->min_generation);
	if (p->has_set_generation)
		text_append(text, size, "set-generation=%llu\n",
			    (unsigned long long)p->set_generation);
}

ssize_t policytext_format(const struct policy_entry *policy, char **ret_text)
{
	size_t size = POLICY_ENTRY_SIZE_MAX + 2, i;
	char *text = calloc(1, size);

	if (!text)
		return -ENOMEM;
	text_append(text, size, "version=1\n");
	for (i = 0; i < policy->nr_volumes; i++)
		add_pins(text, size, &policy->volumes[i]);
	if (strlen(text) > POLICY_ENTRY_SIZE_MAX) {
		free(text);
		return -E2BIG;
	}
	*ret_text = text;
	return (ssize_t)strlen(text);
}

int policytext_read(const char *path, const struct secret *bytes, const struct table *table,
		    const struct conf *conf, struct policy_entry *ret_policy, struct fault *f)
{
	const struct table_entry *entry = table_find(table, GUID_POLICY);
	_cleanup_secret_ struct secret data = SECRET_NULL;
	int r;

	memset(ret_policy, 0, sizeof(*ret_policy));
	if (!entry)
		return 0;
	r = secret_init(&data, f);
	if (r < 0)
		return r;
	(void)table_get(bytes, entry, &data); /* always 0 */
	return fault_name(f, policy_entry_parse(&data, conf, ret_policy, f), path);
}
