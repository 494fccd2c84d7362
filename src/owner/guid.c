/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * guid.c - GUIDs: as text, as the bytes that UEFI makes of them, and by name.
 * Trusts no byte that it reads; may not do I/O.
 */
#include "guid.h"

#include <string.h>

#include "policy_entry.h"

static const struct {
	const char *guid, *alias, *meaning;
} known[] = {
	/* libvirt's virt-qemu-sev-validate(1) has the same alias */
	{ GUID_DISK_SECRET, "luks-key", "key of the encrypted disk" },
	{ GUID_POLICY, "policy", "pins for coco-unlock" },
	{ GUID_KERNEL_EXAMPLE, NULL,
	  "example of the kernel's document, not luks-key: one byte pair differs" },
	{ "e6f5a162-d67f-4750-a67c-5d065f2a9910", NULL, "keys for Confidential Containers" },
	{ "1ee27366-0c87-43a6-af48-28543eaf7cb0", NULL,
	  "key broker connection of Confidential Containers" },
	{ "1e74f542-71dd-4d66-963e-ef4287ff173b", NULL, "header of a secret table" },
	{ "00000000-0000-0000-0000-000000000000", NULL, "deleted entry" },
};

/* Where the text has the two digits of each byte. */
static const unsigned char places[GUID_SIZE] = {
	6, 4, 2, 0, 11, 9, 16, 14, 19, 21, 24, 26, 28, 30, 32, 34,
};

static unsigned char digit(char c)
{
	return (unsigned char)(c <= '9' ? c - '0' : c - 'a' + 10);
}

void guid_bytes(const char guid[static GUID_TEXT_SIZE], unsigned char ret_bytes[static GUID_SIZE])
{
	size_t i;

	for (i = 0; i < GUID_SIZE; i++)
		ret_bytes[i] = (unsigned char)(digit(guid[places[i]]) << 4 |
					       digit(guid[places[i] + 1]));
}

void guid_text(const unsigned char bytes[static GUID_SIZE], char ret_guid[static GUID_TEXT_SIZE])
{
	static const char digits[] = "0123456789abcdef";
	size_t i;

	ret_guid[8] = ret_guid[13] = ret_guid[18] = ret_guid[23] = '-';
	for (i = 0; i < GUID_SIZE; i++) {
		ret_guid[places[i]] = digits[bytes[i] >> 4];
		ret_guid[places[i] + 1] = digits[bytes[i] & 15];
	}
	ret_guid[GUID_TEXT_LEN] = '\0';
}

int guid_parse(const char *text, char ret_guid[static GUID_TEXT_SIZE])
{
	size_t i;

	for (i = 0; i < ARRAY_SIZE(known); i++)
		if (known[i].alias && strcmp(known[i].alias, text) == 0)
			return text_guid(known[i].guid, ret_guid);
	return text_guid(text, ret_guid);
}

const char *guid_alias(const char *guid)
{
	size_t i;

	for (i = 0; i < ARRAY_SIZE(known); i++)
		if (strcmp(known[i].guid, guid) == 0)
			return known[i].alias;
	return NULL;
}

const char *guid_meaning(const char *guid)
{
	size_t i;

	for (i = 0; i < ARRAY_SIZE(known); i++)
		if (strcmp(known[i].guid, guid) == 0)
			return known[i].meaning;
	return NULL;
}
