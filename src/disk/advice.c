/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * advice.c - a way out for headers that an honest tool has written, and that a rule refuses.
 * Trusts nothing of what it is told; may not decide anything.
 */
#include "disk/advice.h"

#include <stdio.h>
#include <string.h>

#define OTHER_HASH                                                                             \
	": the hash has to be sha256 or sha512; a disk that was LUKS1 with another one needs " \
	"cryptsetup reencrypt --hash sha256 after cryptsetup convert"

static const struct {
	const char *rule, *text;
} fixed[] = {
	{ "keyslot-af", OTHER_HASH },
	{ "keyslot-kdf", OTHER_HASH },
	{ "digest", OTHER_HASH },
	{ "token", ": cocotab allows a type of tokens with the option token=TYPE" },
};

const char *advice_size_name(uint64_t size)
{
	static const char *const names[] = { "16k",  "32k", "64k", "128k", "256k",
					     "512k", "1m",  "2m",  "4m" };
	size_t i;

	for (i = 0; i < ARRAY_SIZE(names); i++)
		if (size == (uint64_t)CONF_METADATA_SIZE << i)
			return names[i];
	return NULL;
}

/* Of the header's own size, where it is one that tools make. */
static void advise_size(const unsigned char *metadata, const struct volume_conf *vc, char *ret_text)
{
	uint64_t size = binheader_size(metadata);
	const char *name = advice_size_name(size);

	if (name && size != vc->metadata_size)
		(void)snprintf(ret_text, ADVICE_SIZE,
			       ": if the disk was made with metadata of this size, cocotab needs the "
			       "option metadata-size=%s",
			       name); /* fits */
}

void advice_on(const struct verdict *v, const unsigned char *metadata, const struct volume_conf *vc,
	       uint64_t device_size, char ret_text[ADVICE_SIZE])
{
	uint64_t excess;
	size_t i;

	ret_text[0] = '\0';
	for (i = 0; i < ARRAY_SIZE(fixed); i++)
		if (strcmp(v->rule, fixed[i].rule) == 0)
			(void)snprintf(ret_text, ADVICE_SIZE, "%s", fixed[i].text); /* fits */
	if (strcmp(v->rule, "metadata-size") == 0)
		advise_size(metadata, vc, ret_text);
	excess = policy_excess(v, device_size);
	if (strcmp(v->rule, "segment-alignment") == 0 && excess > 0)
		(void)snprintf(ret_text, ADVICE_SIZE,
			       ": the device is %llu bytes too long for sectors of %u bytes; make it, "
			       "or its partition, smaller by %llu bytes",
			       (unsigned long long)excess, v->sector_size,
			       (unsigned long long)excess); /* fits */
}
