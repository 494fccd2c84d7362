/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * guid.c - the forms of a GUID.
 * Trusts no byte that it reads; may not do I/O.
 */
#include "base/guid.h"

#include <string.h>

int guid_from_text(const char *s, char ret_guid[static GUID_TEXT_SIZE])
{
	char guid[GUID_TEXT_SIZE];
	int i;

	for (i = 0; i < GUID_TEXT_LEN; i++) {
		char c = s[i];

		if (c >= 'A' && c <= 'F')
			c = (char)(c - 'A' + 'a');
		if (i == 8 || i == 13 || i == 18 || i == 23) {
			if (c != '-')
				return -EINVAL;
		} else if (!((c >= '0' && c <= '9') || (c >= 'a' && c <= 'f'))) {
			return -EINVAL;
		}
		guid[i] = c;
	}
	if (s[i] != '\0')
		return -EINVAL;
	guid[i] = '\0';
	memcpy(ret_guid, guid, sizeof(guid));
	return 0;
}

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
		ret_bytes[i] =
			(unsigned char)(digit(guid[places[i]]) << 4 | digit(guid[places[i] + 1]));
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
