/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * imagepins.c - compares what the guest's image pins with a disk as a verb is about to leave it.
 * Trusts the configuration as the guest does. Warns only: the image is the owner's to build again.
 */
#include "owner/plan/imagepins.h"

#include <stdio.h>
#include <string.h>

#include "base/paths.h"
#include "base/text.h"

static bool doubt_header(const struct target *t, const struct pins *pins, char *buf, size_t size)
{
	struct digest digest;
	size_t i;

	if (pins->nr_headers == 0 || luksheader_pin(&t->header, &digest) < 0)
		return false;
	for (i = 0; i < pins->nr_headers; i++)
		if (digest_equal(&pins->headers[i], &digest))
			return false;
	(void)snprintf(buf, size,
		       "%s pins headers of volume %s, and not this new one: boots end with code 28 or "
		       "29 until the image is built again with header=sha256:",
		       PATH_POLICY, pins->name); /* fits */
	for (i = 0; i < sizeof(digest.octets); i++)
		text_append(buf, size, "%02x", digest.octets[i]);
	return true;
}

bool imagepins_doubt(const struct target *t, const struct secret *volume_key, char *buf,
		     size_t size)
{
	const struct pins *pins = policy_entry_pins(&t->image_policy, t->vc->name);
	const char *uuid = t->header.verdict.uuid;
	struct fault f = { 0 };

	if (!pins)
		return false;
	if (pins_check_uuid(pins, uuid, &f) >= 0 && pins_check_key(pins, volume_key, uuid, &f) >= 0)
		return doubt_header(t, pins, buf, size);
	(void)snprintf(buf, size, "%s: %s, so no boot of that image opens this disk", PATH_POLICY,
		       f.why); /* fits */
	return true;
}
