/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * guestconf.c - reads coco-unlock.conf and cocotab of a guest, or takes their defaults.
 * Trusts them as the guest does: a mistake in them is an error with file and line.
 */
#include "owner/plan/guestconf.h"

#include <string.h>

#include "conf/cocotab.h"
#include "volume/imagepolicy.h"

static int find(const struct conf *conf, const char *name, size_t *ret_volume, struct fault *f)
{
	size_t i;

	if (!name && conf->nr_volumes == 1) {
		*ret_volume = 0;
		return 0;
	}
	if (!name)
		return fault_about(f, EXITCODE_USAGE, "cocotab", "name one with --volume",
				   "it has %zu volumes", conf->nr_volumes);
	for (i = 0; i < conf->nr_volumes; i++) {
		if (strcmp(conf->volumes[i].name, name) != 0)
			continue;
		*ret_volume = i;
		return 0;
	}
	return fault_about(f, EXITCODE_BAD_INPUT, name, "use a name that cocotab has",
			   "cocotab has no volume of this name");
}

/* cocotab's own parser decides about the name. */
static int name_default(struct conf *conf, const char *name, struct fault *f)
{
	char line[CONF_NAME_SIZE + 8];
	struct fault fault = { 0 };

	if (!name)
		return 0;
	if (strchr(name, '\n') ||
	    snprintf(line, sizeof(line), "%s auto\n", name) >= (int)sizeof(line) ||
	    cocotab_parse(conf, line, "--volume", &fault) < 0)
		return fault_about(f, EXITCODE_USAGE, "--volume", "use a name such as root",
				   "this is no name for a mapping");
	return 0;
}

int guestconf_read(const char *dir, struct conf *ret_conf, struct fault *f)
{
	struct root root;
	int r;

	conf_defaults(ret_conf);
	if (!dir)
		return 0;
	r = root_init(&root, dir);
	if (r < 0)
		return fault_io(f, dir, r, "cannot open the guest's root directory");
	r = conf_load(&root, ret_conf, f);
	root_done(&root);
	return fault_name(f, r, dir);
}

int guestconf_load(const char *dir, const char *name, struct conf *ret_conf, size_t *ret_volume,
		   struct fault *f)
{
	int r = guestconf_read(dir, ret_conf, f);

	if (r >= 0 && !dir)
		r = name_default(ret_conf, name, f);
	return r < 0 ? r : find(ret_conf, name, ret_volume, f);
}

int guestconf_policy(const char *dir, const struct conf *conf, struct policy_entry *ret_image,
		     struct fault *f)
{
	struct root root;
	int r;

	memset(ret_image, 0, sizeof(*ret_image));
	if (!dir)
		return 0;
	r = root_init(&root, dir);
	if (r < 0)
		return fault_io(f, dir, r, "cannot open the guest's root directory");
	r = image_policy_load(&root, conf, ret_image, f);
	root_done(&root);
	return fault_name(f, r, dir);
}
