/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * devicespec.c - which device a volume is on, and what can never be one.
 * Trusts the file to be the owner's, not to be free of mistakes; may not do I/O.
 */
#include "conf/devicespec.h"

#include <string.h>

#include "base/guid.h"
#include "base/paths.h"
#include "base/text.h"

#define BLANKS " \t"
#define HEX "0123456789abcdefABCDEF"

static const struct {
	const char *prefix;
	enum device_kind kind;
} kinds[] = {
	{ "UUID=", DEVICE_KIND_UUID },
	{ "PARTUUID=", DEVICE_KIND_PARTUUID },
	{ "LABEL=", DEVICE_KIND_LABEL },
};

const char *devicespec_prefix(enum device_kind kind)
{
	size_t i;

	for (i = 0; i < ARRAY_SIZE(kinds); i++)
		if (kinds[i].kind == kind)
			return kinds[i].prefix;
	return "";
}

/* Inside of quotes a backslash takes the next byte with it. */
static bool is_pair(const char *p, bool quoted)
{
	return quoted && p[0] == '\\' && p[1] != '\0';
}

char *devicespec_word(char **cursor)
{
	char *word = *cursor + strspn(*cursor, BLANKS), *p;
	bool quoted = false;

	for (p = word; *p != '\0' && (quoted || !strchr(BLANKS, *p)); p++) {
		if (*p == '"')
			quoted = !quoted;
		else if (is_pair(p, quoted))
			p++;
	}
	*cursor = *p == '\0' ? p : p + 1;
	*p = '\0';
	return *word == '\0' ? NULL : word;
}

static bool are_closed(const char *word)
{
	bool quoted = false;

	for (; *word != '\0'; word++) {
		if (*word == '"')
			quoted = !quoted;
		else if (is_pair(word, quoted))
			word++;
	}
	return !quoted;
}

static void take_quotes_off(char *word)
{
	char *from, *to = word;
	bool quoted = false;

	for (from = word; *from != '\0'; from++) {
		if (*from == '"') {
			quoted = !quoted;
			continue;
		}
		if (is_pair(from, quoted))
			*to++ = *from++;
		*to++ = *from;
	}
	*to = '\0';
}

static int digits(const char *p, size_t nr, const char *set, unsigned int base)
{
	unsigned int value = 0;
	size_t i;

	for (i = 0; i < nr; i++) {
		if (p[i] == '\0' || !strchr(set, p[i]))
			return -EINVAL;
		value = value * base +
			(unsigned int)(p[i] <= '9' ? p[i] - '0' : (p[i] | 32) - 'a' + 10);
	}
	return value == 0 || value > 0xff ? -EINVAL : (int)value;
}

/* Undoes what stands for one byte. Returns how long it was, or -EINVAL. */
static int undo_escape(const char *p, char *ret_byte)
{
	int value = p[1] == 'x' ? digits(p + 2, 2, HEX, 16) : digits(p + 1, 3, "01234567", 8);

	if (p[1] == '\\' || p[1] == '"') {
		*ret_byte = p[1];
		return 2;
	}
	if (value < 0)
		return value;
	*ret_byte = (char)value;
	return 4;
}

static int undo_escapes(char *label)
{
	char *from = label, *to = label;
	int len;

	while (*from != '\0') {
		if (*from != '\\') {
			*to++ = *from++;
			continue;
		}
		len = undo_escape(from, to);
		if (len < 0)
			return len;
		to++;
		from += len;
	}
	*to = '\0';
	return 0;
}

/* libblkid cuts blanks off the end. */
static bool is_label(const char *s)
{
	size_t len = strlen(s), i;

	for (i = 0; i < len; i++)
		if (s[i] < 0x20 || s[i] > 0x7e)
			return false;
	return len > 0 && len <= DEVICESPEC_LABEL_MAX && s[len - 1] != ' ';
}

/* Zeros in front were never demanded. */
static bool is_partition_uuid(const char *s)
{
	char guid[GUID_TEXT_SIZE];
	size_t disk = strspn(s, HEX), number = s[disk] == '-' ? strspn(s + disk + 1, HEX) : 0;

	return guid_from_text(s, guid) == 0 || (disk >= 1 && disk <= 8 && number >= 1 &&
						number <= 3 && s[disk + 1 + number] == '\0');
}

/* A file of /dev, by a path that goes down only. */
static bool is_path(const char *s)
{
	const char *last = strrchr(s, '/');

	return strncmp(s, PATH_DEV "/", sizeof(PATH_DEV)) == 0 && !strstr(s, "/../") &&
	       strcmp(last, "/") != 0 && strcmp(last, "/.") != 0 && strcmp(last, "/..") != 0;
}

static const char *wrong_with(const struct device_spec *d)
{
	char guid[GUID_TEXT_SIZE];

	switch (d->kind) {
	case DEVICE_KIND_UUID:
		return guid_from_text(d->value, guid) == 0 ?
			       NULL :
			       "is no UUID such as `cryptsetup luksUUID` prints";
	case DEVICE_KIND_PARTUUID:
		return is_partition_uuid(d->value) ?
			       NULL :
			       "is no UUID of a partition, as aaaaaaaa-bbbb-cccc-dddd-eeeeeeeeeeee "
			       "or, with an MBR, 01234567-02";
	case DEVICE_KIND_LABEL:
		return is_label(d->value) ? NULL :
					    "is no label: a LUKS2 header has 1 to 47 printable "
					    "characters, and no blank at the end";
	case DEVICE_KIND_PATH:
		return is_path(d->value) ?
			       NULL :
			       "is not auto, UUID=, PARTUUID=, LABEL= or a path in /dev";
	case DEVICE_KIND_AUTO:
		break;
	}
	return NULL;
}

static void lower(char *s)
{
	for (; *s != '\0'; s++)
		if (*s >= 'A' && *s <= 'F')
			*s = (char)(*s - 'A' + 'a');
}

int devicespec_parse(char *word, struct device_spec *ret_spec, const char **ret_why)
{
	struct device_spec d = { .kind = DEVICE_KIND_PATH };
	char *value = word;
	size_t i;

	*ret_why = "has a quote that is not closed";
	if (!are_closed(word))
		return -EINVAL;
	take_quotes_off(word);
	if (strcmp(word, "auto") == 0) {
		*ret_spec = (struct device_spec){ .kind = DEVICE_KIND_AUTO };
		return 0;
	}
	for (i = 0; i < ARRAY_SIZE(kinds) && d.kind == DEVICE_KIND_PATH; i++)
		if (strncmp(word, kinds[i].prefix, strlen(kinds[i].prefix)) == 0) {
			d.kind = kinds[i].kind;
			value = word + strlen(kinds[i].prefix);
		}
	*ret_why = "has a backslash that begins none of \\040, \\x20, \\\\ and \\\"";
	if (d.kind == DEVICE_KIND_LABEL && undo_escapes(value) < 0)
		return -EINVAL;
	*ret_why = "is longer than any device";
	if (strlen(value) >= sizeof(d.value))
		return -EINVAL;
	memcpy(d.value, value, strlen(value) + 1);
	if (d.kind == DEVICE_KIND_UUID || d.kind == DEVICE_KIND_PARTUUID)
		lower(d.value);
	*ret_why = wrong_with(&d);
	if (*ret_why)
		return -EINVAL;
	*ret_spec = d;
	return 0;
}
