/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * value.c - reads values that keys of several sections take.
 * Trusts the file to be the owner's, but not to be free of mistakes; may not do I/O.
 */
#include "conf/value.h"

#include <string.h>

#define PATH_CHARS "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-.+/@:"

int value_bool(const char *value, bool *ret_value)
{
	if (strcmp(value, "yes") != 0 && strcmp(value, "no") != 0)
		return -EINVAL;
	*ret_value = *value == 'y';
	return 0;
}

int value_path(const char *value, char *to, size_t size)
{
	size_t len = strlen(value);

	if (*value != '/' || len >= size || len < 2 || value[strspn(value, PATH_CHARS)] != '\0' ||
	    value[len - 1] == '/' || strstr(value, "//") || strstr(value, "/../") ||
	    strstr(value, "/./") || (len > 3 && strcmp(value + len - 3, "/..") == 0))
		return -EINVAL;
	memcpy(to, value, len + 1);
	return 0;
}

int value_names(char *value, const char *allowed, struct name_list *ret_list)
{
	struct name_list list = { .nr = 0 };
	char *word;

	while ((word = text_word(&value, " \t"))) {
		if (list.nr == CONF_NAMES_MAX)
			return -E2BIG;
		if (strlen(word) >= CONF_NAME_SIZE || word[strspn(word, allowed)] != '\0')
			return -EINVAL;
		memcpy(list.names[list.nr++], word, strlen(word) + 1);
	}
	if (list.nr == 0)
		return -EINVAL;
	*ret_list = list;
	return 0;
}
