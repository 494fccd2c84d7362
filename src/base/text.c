/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * text.c - checks and splits text that may come from a hostile place.
 * Trusts no byte; may not do I/O.
 */
#include "base/text.h"

#include <stdarg.h>
#include <string.h>

void text_append(char *dst, size_t size, const char *fmt, ...)
{
	size_t len = strlen(dst);
	va_list ap;

	va_start(ap, fmt);
	(void)vsnprintf(dst + len, size - len, fmt, ap); /* cut on purpose */
	va_end(ap);
}

void text_printable(const char *src, char *dst, size_t size)
{
	size_t i;

	for (i = 0; src[i] != '\0' && i + 1 < size; i++) {
		unsigned char c = (unsigned char)src[i];

		dst[i] = c < 0x20 || c > 0x7e ? '?' : c == '"' ? '\'' : (char)c;
	}
	dst[i] = '\0';
}

int text_u64(const char *s, uint64_t max, uint64_t *ret_value)
{
	uint64_t value = 0;

	if (*s == '\0')
		return -EINVAL;
	for (; *s != '\0'; s++) {
		if (*s < '0' || *s > '9')
			return -EINVAL;
		if (__builtin_mul_overflow(value, 10, &value) ||
		    __builtin_add_overflow(value, (uint64_t)(*s - '0'), &value))
			return -ERANGE;
	}
	if (value > max)
		return -ERANGE;
	*ret_value = value;
	return 0;
}

char *text_word(char **cursor, const char *separators)
{
	char *word = *cursor + strspn(*cursor, separators);
	char *end = word + strcspn(word, separators);

	if (*word == '\0') {
		*cursor = word;
		return NULL;
	}
	*cursor = *end == '\0' ? end : end + 1;
	*end = '\0';
	return word;
}

char *text_strip(char *s)
{
	char *end;

	s += strspn(s, " \t\r");
	end = s + strlen(s);
	while (end > s && strchr(" \t\r", end[-1]))
		end--;
	*end = '\0';
	return s;
}
