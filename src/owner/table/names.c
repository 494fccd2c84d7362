/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * names.c - entries of the secret table whose GUID is known.
 * Constant text only; may not do I/O.
 */
#include "owner/table/names.h"

#include <string.h>

#include "conf/reference.h"

static const struct {
	const char *guid, *alias, *meaning;
} known[] = {
	/* libvirt's virt-qemu-sev-validate(1) has the same alias */
	{ GUID_DISK_SECRET, "luks-key", "key of the encrypted disk" },
	{ GUID_POLICY, "policy", "pins for coco-unlock" },
	{ GUID_RESCUE, "rescue", "what the secrets of a rescue's answer travel under" },
	{ GUID_KERNEL_EXAMPLE, NULL,
	  "example of the kernel's document, not luks-key: one byte pair differs" },
	{ "e6f5a162-d67f-4750-a67c-5d065f2a9910", NULL, "keys for Confidential Containers" },
	{ "1ee27366-0c87-43a6-af48-28543eaf7cb0", NULL,
	  "key broker connection of Confidential Containers" },
	{ "1e74f542-71dd-4d66-963e-ef4287ff173b", NULL, "header of a secret table" },
	{ "00000000-0000-0000-0000-000000000000", NULL, "deleted entry" },
};

int names_parse(const char *text, char ret_guid[static GUID_TEXT_SIZE])
{
	size_t i;

	for (i = 0; i < ARRAY_SIZE(known); i++)
		if (known[i].alias && strcmp(known[i].alias, text) == 0)
			return guid_from_text(known[i].guid, ret_guid);
	return guid_from_text(text, ret_guid);
}

const char *names_alias(const char *guid)
{
	size_t i;

	for (i = 0; i < ARRAY_SIZE(known); i++)
		if (strcmp(known[i].guid, guid) == 0)
			return known[i].alias;
	return NULL;
}

const char *names_meaning(const char *guid)
{
	size_t i;

	for (i = 0; i < ARRAY_SIZE(known); i++)
		if (strcmp(known[i].guid, guid) == 0)
			return known[i].meaning;
	return NULL;
}
