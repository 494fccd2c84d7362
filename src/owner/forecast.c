/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * forecast.c - walks through a boot's decisions in the boot's order.
 * Trusts nothing that the boot would not; runs the same code, but for the kernel's driver,
 * whose reading of a table is imitated (secret.h's counterpart in Linux: efi_secret.c).
 */
#include "forecast.h"

#include <string.h>

#include "table.h"
#include "text.h"

/* The driver stops at 64 files; then the boot ends, whatever else is wrong with the table. */
static int refuse_hidden(size_t nr, struct fault *f)
{
	return fault_set(f, EXITCODE_HIDDEN_ENTRIES, E2BIG,
			 "entries of the secret table would be hidden behind the first %d: it has "
			 "%zu or more", TABLE_ENTRIES_SHOWN, nr);
}

/* What the kernel's driver makes of the table; f has the boot's words. */
static int read_table(const struct secret *bytes, struct table *ret_table, struct fault *f)
{
	struct table_flaw flaw;
	bool good = table_parse(bytes, ret_table, &flaw) == 0 || flaw.kind == TABLE_TRAILING;
	size_t nr = good ? table_count_shown(ret_table) : flaw.nr_shown;

	if (nr > TABLE_ENTRIES_SHOWN || (!good && nr == TABLE_ENTRIES_SHOWN))
		return refuse_hidden(nr, f);
	if (good)
		return 0;
	if (flaw.kind == TABLE_NO_HEADER)
		return fault_set(f, EXITCODE_NO_SECRET_TABLE, ENODEV,
				 "the firmware would publish no launch secret: %s", flaw.reason);
	if (flaw.kind == TABLE_DUPLICATE)
		return fault_set(f, EXITCODE_TABLE_DUPLICATE, EEXIST,
				 "two entries of the secret table have one GUID: %s", flaw.reason);
	return fault_set(f, EXITCODE_TABLE_CORRUPT, EINVAL,
			 "the secret table is corrupt at offset %zu: %s", flaw.offset, flaw.reason);
}

static int missing(const struct table *table, const char *guid, struct fault *f)
{
	if (strcmp(guid, GUID_DISK_SECRET) == 0 && table_find(table, GUID_KERNEL_EXAMPLE))
		return fault_set(f, EXITCODE_EXAMPLE_GUID, ENOENT,
				 "the secret table has no entry %s, only the look-alike %s", guid,
				 GUID_KERNEL_EXAMPLE);
	return fault_set(f, EXITCODE_SECRET_MISSING, ENOENT,
			 "the secret table has %zu entries, none with GUID %s", table_count_shown(table),
			 guid);
}

/* An entry's data into locked memory of its own. */
static int fetch(const struct secret *bytes, const struct table *table, const char *guid,
		 struct secret *ret_data, struct fault *f)
{
	const struct table_entry *entry = table_find(table, guid);
	_cleanup_secret_ struct secret data = SECRET_NULL;
	int r;

	if (!entry)
		return missing(table, guid, f);
	if (entry->len == 0)
		return fault_set(f, EXITCODE_SECRET_EMPTY, ENODATA, "entry %s has no data", guid);
	r = secret_init(&data, f);
	if (r < 0)
		return r;
	(void)table_get(bytes, entry, &data); /* always 0 */
	*ret_data = data;
	data = SECRET_NULL;
	return 0;
}

static int fetch_policy(const struct secret *bytes, const struct table *table,
			const struct conf *conf, struct policy_entry *ret_policy, struct fault *f)
{
	_cleanup_secret_ struct secret entry = SECRET_NULL;
	int r;

	memset(ret_policy, 0, sizeof(*ret_policy));
	if (table_find(table, GUID_POLICY)) {
		r = fetch(bytes, table, GUID_POLICY, &entry, f);
		if (r < 0)
			return r;
		r = policy_entry_parse(&entry, conf, ret_policy, f);
		if (r < 0)
			return r;
	}
	return policy_entry_suffices(ret_policy, conf, f);
}

/* Every volume's secret must be there; that of number i is what counts here. */
static int fetch_all(const struct secret *bytes, const struct table *table,
		     const struct conf *conf, size_t i, struct secret *ret_secret, struct fault *f)
{
	_cleanup_secret_ struct secret wanted = SECRET_NULL;
	size_t n;
	int r;

	for (n = 0; n < conf->nr_volumes; n++) {
		_cleanup_secret_ struct secret data = SECRET_NULL;

		r = fetch(bytes, table, conf->volumes[n].secret.guid, &data, f);
		if (r < 0)
			return r;
		if (n == i) {
			wanted = data;
			data = SECRET_NULL;
		}
	}
	*ret_secret = wanted;
	wanted = SECRET_NULL;
	return 0;
}

/* Would the boot find this image, by what cocotab says about the device? */
static int find_image(const struct device_spec *spec, const struct image *image, struct fault *f)
{
	char type[32] = "unknown content";
	int found;

	switch (spec->kind) {
	case DEVICE_KIND_PATH: /* whatever is behind it */
		found = 1;
		break;
	case DEVICE_KIND_PARTUUID:
		found = strcasecmp(image->uuid, spec->value) == 0;
		break;
	default:
		found = device_matches(image->fd, image->offset, image->size, spec, type);
		break;
	}
	if (found < 0)
		return fault_errno(f, EXITCODE_NO_DEVICE, found, "%s cannot be read", image->path);
	if (!found)
		return fault_set(f, EXITCODE_NO_DEVICE, ENOENT,
				 "%s (%s) is not what cocotab names: %s%s", image->path, type,
				 spec->kind == DEVICE_KIND_AUTO ?
					 "a disk with a LUKS header" :
					 conf_device_kind_prefix(spec->kind),
				 spec->value);
	return 0;
}

static int examine_image(const struct conf *conf, size_t i, const struct pins *pins,
			 const struct image *image, uint64_t memory_kib, struct secret *secret,
			 struct examined *examined, struct fault *f)
{
	_cleanup_(judge_done) struct judge_process judge = JUDGE_NULL;
	struct device device = { .fd = image->fd, .offset = image->offset, .size = image->size };
	int r;

	text_printable(image->path, device.path, sizeof(device.path)); /* cut if it is long */
	r = find_image(&conf->volumes[i].device, image, f);
	if (r >= 0)
		r = judge_start(conf, &judge, f);
	if (r < 0)
		return r;
	volume_init_library();
	r = examine_header(conf, i, pins, &judge, &device, examined, f);
	return r < 0 ? r : examine_keyslot(examined, pins, memory_kib, secret, f);
}

int forecast(const struct conf *conf, size_t i, const struct secret *bytes,
	     const struct image *image, uint64_t memory_kib, struct policy_entry *ret_policy,
	     struct examined *examined, struct fault *f)
{
	_cleanup_free_ struct table *table = calloc(1, sizeof(*table));
	_cleanup_secret_ struct secret secret = SECRET_NULL;
	int r;

	if (!table)
		return fault_set(f, EXITCODE_NO_MEMORY, ENOMEM, "no memory for the table");
	r = read_table(bytes, table, f);
	if (r < 0)
		return r;
	r = fetch_policy(bytes, table, conf, ret_policy, f);
	if (r >= 0)
		r = fetch_all(bytes, table, conf, i, &secret, f);
	if (r < 0)
		return r;
	return examine_image(conf, i, policy_entry_pins(ret_policy, conf->volumes[i].name), image,
			     memory_kib, &secret, examined, f);
}
