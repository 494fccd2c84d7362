/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * opened.c - writes and reads the list of what unlock opened.
 * Trusts /run, which only this initramfs has written to so far, and reads it strictly all the
 * same. May not hold a key: the table's parameters only name it.
 */
#include "rootfs/opened.h"

#include <string.h>
#include <sys/sysmacros.h>

#include "base/paths.h"
#include "base/text.h"
#include "conf/devicespec.h"

#define OPENED_VERSION "version=1\n"

/* Printable ASCII; `space` says whether it may have spaces. */
static bool is_line_text(const char *s, bool space)
{
	if (*s == '\0')
		return false;
	for (; *s != '\0'; s++)
		if (*s < (space ? 0x20 : 0x21) || *s > 0x7e)
			return false;
	return true;
}

/* UUID=, LABEL= or PARTUUID=; NULL for what gives the device no name that others can have, too. */
static const char *spec_prefix(enum device_kind kind)
{
	const char *prefix = devicespec_prefix(kind);

	return *prefix ? prefix : NULL;
}

static int format_volume(const struct opened_volume *v, char text[static OPENED_VOLUME_MAX])
{
	const struct mapping *m = &v->mapping;
	const char *prefix = spec_prefix(v->spec.kind);
	int n;

	if (m->nr_targets != 1 || m->suspended_or_pending)
		return -EINVAL;
	if (!is_line_text(v->name, false) || !is_line_text(m->uuid, false) ||
	    !is_line_text(m->type, false) || !is_line_text(m->params, true) ||
	    (prefix && !is_line_text(v->spec.value, true)))
		return -EINVAL;
	n = snprintf(text, OPENED_VOLUME_MAX,
		     "volume=%s\nroot=%d\nspec=%s%s\ndevice=%u:%u\nuuid=%s\nread-only=%d\ntarget=%llu %llu %s %s\n"
		     "min-generation=%llu\nset-generation=%llu\n",
		     v->name, v->is_root, prefix ? prefix : "-", prefix ? v->spec.value : "",
		     major(m->dev), minor(m->dev), m->uuid, m->read_only,
		     (unsigned long long)m->start, (unsigned long long)m->length, m->type,
		     m->params, (unsigned long long)v->min_generation,
		     (unsigned long long)v->set_generation);
	return n < OPENED_VOLUME_MAX ? n : -E2BIG;
}

static bool has_one_root(const struct opened_volume *volumes, size_t nr)
{
	unsigned int roots = 0;
	size_t i;

	for (i = 0; i < nr; i++)
		roots += volumes[i].is_root;
	return roots == 1;
}

int opened_format(const struct opened_volume *volumes, size_t nr, char text[static OPENED_MAX])
{
	size_t len, i;
	int n;

	if (nr == 0)
		return -EINVAL;
	if (nr > CONF_VOLUMES_MAX)
		return -E2BIG;
	if (!has_one_root(volumes, nr))
		return -EINVAL;
	len = (size_t)snprintf(text, OPENED_MAX, "%s", OPENED_VERSION); /* fits */
	for (i = 0; i < nr; i++) {
		n = format_volume(&volumes[i], text + len);
		if (n < 0)
			return n;
		len += (size_t)n;
	}
	return 0;
}

int opened_write(const struct root *root, const struct opened_volume *volumes, size_t nr)
{
	char text[OPENED_MAX];
	int r;

	r = opened_format(volumes, nr, text);
	return r < 0 ? r : root_replace_text(root, PATH_OPENED, text, 0600);
}

/* Takes the next line off the text if it begins with `key`; returns what is behind that. */
static char *take_line(char **cursor, const char *key)
{
	char *line = *cursor, *end = strchr(line, '\n');

	if (!end || strncmp(line, key, strlen(key)) != 0)
		return NULL;
	*end = '\0';
	*cursor = end + 1;
	return line + strlen(key);
}

static int take_text(char **cursor, const char *key, bool space, char *ret_text, size_t size)
{
	const char *value = take_line(cursor, key);

	if (!value || !is_line_text(value, space) || strlen(value) >= size)
		return -EINVAL;
	memcpy(ret_text, value, strlen(value) + 1);
	return 0;
}

/* Digits without a sign and without zeros in front. */
static int parse_number(const char *s, uint64_t max, uint64_t *ret_value)
{
	if (s[0] == '0' && s[1] != '\0')
		return -EINVAL;
	return text_u64(s, max, ret_value) < 0 ? -EINVAL : 0;
}

static int take_number(char **cursor, const char *key, uint64_t max, uint64_t *ret_value)
{
	const char *value = take_line(cursor, key);

	return value ? parse_number(value, max, ret_value) : -EINVAL;
}

static int take_spec(char **cursor, struct device_spec *spec)
{
	static const enum device_kind kinds[] = { DEVICE_KIND_UUID, DEVICE_KIND_LABEL,
						  DEVICE_KIND_PARTUUID };
	const char *value = take_line(cursor, "spec=");
	size_t i, len;

	if (!value)
		return -EINVAL;
	for (i = 0; i < ARRAY_SIZE(kinds); i++) {
		len = strlen(devicespec_prefix(kinds[i]));
		if (strncmp(value, devicespec_prefix(kinds[i]), len) != 0)
			continue;
		value += len;
		if (!is_line_text(value, true) || strlen(value) >= sizeof(spec->value))
			return -EINVAL;
		spec->kind = kinds[i];
		memcpy(spec->value, value, strlen(value) + 1);
		return 0;
	}
	return strcmp(value, "-") == 0 ? 0 : -EINVAL;
}

static int take_device(char **cursor, dev_t *ret_dev)
{
	char *value = take_line(cursor, "device="), *colon = value ? strchr(value, ':') : NULL;
	uint64_t major_nr, minor_nr;

	if (!colon)
		return -EINVAL;
	*colon = '\0';
	if (parse_number(value, UINT32_MAX, &major_nr) < 0 ||
	    parse_number(colon + 1, UINT32_MAX, &minor_nr) < 0)
		return -EINVAL;
	*ret_dev = makedev((unsigned int)major_nr, (unsigned int)minor_nr);
	return 0;
}

/* Cuts the word at the next space, which must be followed by more. */
static char *take_word(char **cursor)
{
	char *word = *cursor, *space = strchr(word, ' ');

	if (!space || space == word || space[1] == '\0')
		return NULL;
	*space = '\0';
	*cursor = space + 1;
	return word;
}

static int take_target(char **cursor, struct mapping *m)
{
	char *value = take_line(cursor, "target="), *start, *length, *type;

	if (!value || !is_line_text(value, true))
		return -EINVAL;
	start = take_word(&value);
	length = start ? take_word(&value) : NULL;
	type = length ? take_word(&value) : NULL;
	if (!type || parse_number(start, UINT64_MAX, &m->start) < 0 ||
	    parse_number(length, UINT64_MAX, &m->length) < 0 || strlen(type) >= sizeof(m->type) ||
	    strlen(value) >= sizeof(m->params))
		return -EINVAL;
	memcpy(m->type, type, strlen(type) + 1);
	memcpy(m->params, value, strlen(value) + 1);
	m->nr_targets = 1;
	return 0;
}

static int take_volume(char **cursor, struct opened_volume *v)
{
	struct mapping *m = &v->mapping;
	uint64_t is_root = 0, read_only = 0;

	memset(v, 0, sizeof(*v));
	if (take_text(cursor, "volume=", false, v->name, sizeof(v->name)) < 0 ||
	    take_number(cursor, "root=", 1, &is_root) < 0 || take_spec(cursor, &v->spec) < 0 ||
	    take_device(cursor, &m->dev) < 0 ||
	    take_text(cursor, "uuid=", false, m->uuid, sizeof(m->uuid)) < 0 ||
	    take_number(cursor, "read-only=", 1, &read_only) < 0 || take_target(cursor, m) < 0 ||
	    take_number(cursor, "min-generation=", UINT64_MAX, &v->min_generation) < 0 ||
	    take_number(cursor, "set-generation=", UINT64_MAX, &v->set_generation) < 0)
		return -EINVAL;
	v->is_root = is_root != 0;
	m->read_only = read_only != 0;
	return 0;
}

int opened_parse(char *text, struct opened_volume *ret_volumes, size_t max, size_t *ret_nr)
{
	struct opened_volume volumes[CONF_VOLUMES_MAX];
	const char *version;
	char *cursor = text;
	size_t nr = 0;

	version = take_line(&cursor, "version=");
	if (!version || strcmp(version, "1") != 0)
		return -EINVAL;
	do {
		if (nr == max || nr == CONF_VOLUMES_MAX)
			return -E2BIG;
		if (take_volume(&cursor, &volumes[nr++]) < 0)
			return -EINVAL;
	} while (*cursor != '\0');
	if (!has_one_root(volumes, nr))
		return -EINVAL;
	memcpy(ret_volumes, volumes, nr * sizeof(volumes[0]));
	*ret_nr = nr;
	return 0;
}

int opened_read(const struct root *root, struct opened_volume *ret_volumes, size_t max,
		size_t *ret_nr)
{
	_cleanup_free_ char *text = NULL;
	ssize_t n;

	n = root_read_text(root, PATH_OPENED, OPENED_MAX, &text);
	return n < 0 ? (int)n : opened_parse(text, ret_volumes, max, ret_nr);
}

void opened_remove(const struct root *root)
{
	(void)unlinkat(root->fd, PATH_OPENED + 1, 0); /* mostly there is none */
}
