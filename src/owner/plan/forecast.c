/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * forecast.c - walks through a boot's decisions in the boot's order.
 * Trusts nothing that the boot would not; runs the same code, with the table as the source.
 */
#include "owner/plan/forecast.h"

#include <string.h>
#include <sys/resource.h>

#include "base/text.h"
#include "conf/devicespec.h"
#include "owner/disk/member.h"
#include "owner/plan/names.h"
#include "source/table.h"
#include "volume/fetch.h"

/* Would the boot find this image, by what cocotab says about the device? */
static int find_image(const struct device_spec *spec, const struct image *image, struct fault *f)
{
	char type[32] = "unknown content";
	int found, member;

	switch (spec->kind) {
	case DEVICE_KIND_PATH: /* whatever is behind it */
		found = 1;
		break;
	case DEVICE_KIND_PARTUUID:
		found = strcasecmp(image->uuid, spec->value) == 0;
		break;
	default:
		found = device_matches(image->fd, image->offset, image->size, spec, type);
		member = found > 0 ? member_find(image) : MEMBER_NONE;
		if (member != MEMBER_NONE)
			found = member < 0 ? member : DEVICE_RAID_MEMBER;
		break;
	}
	if (found < 0)
		return fault_errno(f, EXITCODE_NO_DEVICE, found, "%s cannot be read", image->path);
	if (found == DEVICE_RAID_MEMBER)
		return fault_set(f, EXITCODE_NO_DEVICE, ENOENT,
				 "%s belongs to a RAID, whose parts no boot opens: put it together, "
				 "and verify the RAID's own device%s",
				 image->path,
				 spec->kind == DEVICE_KIND_AUTO ?
					 ", which cocotab has to name by UUID= or LABEL=" :
					 "");
	if (!found)
		return fault_set(f, EXITCODE_NO_DEVICE, ENOENT,
				 "%s (%s) is not what cocotab names: %s%s", image->path, type,
				 spec->kind == DEVICE_KIND_AUTO ? "a disk with a LUKS header" :
								  devicespec_prefix(spec->kind),
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
	return r < 0 ? r :
		       examine_keyslot(examined, pins, VOLUME_KEYSLOT_ANY, memory_kib, secret, f);
}

int forecast(const struct conf *conf, size_t i, const struct policy_entry *image_policy,
	     const struct secret *bytes, const struct image *image, uint64_t memory_kib,
	     struct policy_entry *ret_policy, struct examined *examined, struct fault *f)
{
	_cleanup_free_ struct table_area *table = calloc(1, sizeof(*table));
	struct secret secrets[CONF_VOLUMES_MAX] = { SECRET_NULL };
	struct source src;
	size_t n;
	int r;

	if (!table)
		return fault_set(f, EXITCODE_NO_MEMORY, ENOMEM, "no memory for the table");
	table->area = bytes;
	if (!conf_has_source(conf, SOURCE_EFI)) {
		table->resource = conf_resource(conf, &conf->volumes[i].secret);
		table->bare = conf->kbs.format == RESOURCE_SECRET;
	}
	source_init(&source_table, NULL, conf, &src);
	src.data = table;
	r = src.ops->probe(&src, f);
	if (r > 0)
		r = fetch_policy(&src, image_policy, ret_policy, f);
	else if (r == 0)
		r = -ENOENT;
	if (r >= 0)
		r = fetch_secrets(&src, secrets, f);
	if (r >= 0)
		r = examine_image(conf, i, policy_entry_pins(ret_policy, conf->volumes[i].name),
				  image, memory_kib, &secrets[i], examined, f);
	if (r >= 0)
		r = names_refuse(image, examined, conf->volumes[i].name, f);
	for (n = 0; n < CONF_VOLUMES_MAX; n++)
		secret_done(&secrets[n]);
	return r;
}

int forecast_check_limit(const struct image *image, struct fault *f)
{
	struct rlimit limit;

	if (getrlimit(RLIMIT_FSIZE, &limit) < 0 || limit.rlim_cur == RLIM_INFINITY ||
	    image->size <= limit.rlim_cur)
		return 0;
	return fault_about(f, EXITCODE_IO, image->path,
			   "raise the limit of a file's size (ulimit -f)",
			   "copies of it in memory count as files, and this process may not have "
			   "such large ones");
}
