/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * fields.c - text of lines "name=value", in a fixed order.
 * Trusts no byte of a text that it reads; may not do I/O.
 */
#include "rescue/fields.h"

#include <string.h>

bool fields_printable(const char *text)
{
	for (; *text != '\0'; text++)
		if (*text < ' ' || *text > '~')
			return false;
	return true;
}

void fields_put(struct fields_writer *w, const char *name, const char *value)
{
	size_t room = w->size - w->len;
	int n = snprintf(w->text + w->len, room, "%s=%s\n", name, value);

	if (n < 0 || (size_t)n >= room)
		w->full = true;
	else
		w->len += (size_t)n;
}

int fields_wrong(struct fields_reader *reader, const char *why)
{
	return fault_set(reader->f, reader->code, EINVAL, "line %u of the %s: %s", reader->line,
			 reader->what, why);
}

char *fields_take(struct fields_reader *reader, const char *name)
{
	size_t len = strlen(name);
	char *value, *end;

	reader->line++;
	if (strncmp(reader->next, name, len) != 0 || reader->next[len] != '=') {
		(void)fault_set(reader->f, reader->code, EINVAL, "line %u of the %s is not '%s='",
				reader->line, reader->what, name);
		return NULL;
	}
	value = reader->next + len + 1;
	end = strchr(value, '\n');
	if (!end) {
		(void)fields_wrong(reader, "it has no end");
		return NULL;
	}
	*end = '\0';
	reader->next = end + 1;
	if (!fields_printable(value)) {
		(void)fields_wrong(reader, "it is not printable");
		return NULL;
	}
	return value;
}

int fields_take_text(struct fields_reader *reader, const char *name, char *ret_text, size_t size)
{
	char *value = fields_take(reader, name);

	if (!value)
		return -EINVAL;
	if (strlen(value) >= size)
		return fields_wrong(reader, "it is too long");
	memcpy(ret_text, value, strlen(value) + 1);
	return 0;
}
