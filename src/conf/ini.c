/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * ini.c - the syntax of coco-unlock.conf: sections, keys, comments, numbers of lines.
 * Trusts the file to be the owner's, not to be free of mistakes; may not do I/O, and does not
 * know what a key means.
 */
#include "conf/ini.h"

#include <string.h>

#include "base/text.h"

#define SECTION_SIZE 64 /* bytes with the final NUL */

/* All that one line is understood by. */
struct ini {
	const char *file;
	unsigned int line; /* from 1 */
	const struct ini_key *keys;
	size_t nr_keys;
	struct conf *conf;
	char section[SECTION_SIZE]; /* empty before the first one */
};

const char *ini_place_text(const struct ini_place *place, char ret_text[static INI_PLACE_SIZE])
{
	*ret_text = '\0';
	if (place->line > 0)
		(void)snprintf(ret_text, INI_PLACE_SIZE, "%s:%u: ", place->file,
			       place->line); /* fits */
	return ret_text;
}

static int enter_section(struct ini *ini, const char *line, struct fault *f)
{
	size_t len = strlen(line), i;

	if (line[len - 1] != ']' || len - 2 >= sizeof(ini->section))
		return fault_set(f, EXITCODE_CONFIG, EINVAL, "%s:%u: not a section header",
				 ini->file, ini->line);
	memcpy(ini->section, line + 1, len - 2);
	ini->section[len - 2] = '\0';
	for (i = 0; i < ini->nr_keys; i++)
		if (strcmp(ini->keys[i].section, ini->section) == 0)
			return 0;
	return fault_set(f, EXITCODE_CONFIG, EINVAL, "%s:%u: unknown section [%s]", ini->file,
			 ini->line, ini->section);
}

static void keep_place(const struct ini *ini, size_t offset)
{
	struct ini_place *place = (void *)((char *)ini->conf + offset);

	(void)snprintf(place->file, sizeof(place->file), "%s", ini->file); /* cut on purpose */
	place->line = ini->line;
}

static int set_key(const struct ini *ini, const char *key, char *value, struct fault *f)
{
	size_t i;

	for (i = 0; i < ini->nr_keys; i++) {
		if (strcmp(ini->keys[i].section, ini->section) != 0 ||
		    strcmp(ini->keys[i].key, key) != 0)
			continue;
		if (ini->keys[i].place > 0)
			keep_place(ini, ini->keys[i].place);
		if (ini->keys[i].set(ini->conf, value) < 0)
			return fault_set(f, EXITCODE_CONFIG, EINVAL, "%s:%u: %s= takes %s",
					 ini->file, ini->line, key, ini->keys[i].expected);
		return 0;
	}
	return fault_set(f, EXITCODE_CONFIG, EINVAL, "%s:%u: unknown key '%s' in section [%s]",
			 ini->file, ini->line, key, ini->section);
}

static int parse_line(struct ini *ini, char *line, struct fault *f)
{
	char *value;

	if (*line == '\0' || *line == '#' || *line == ';')
		return 0;
	if (*line == '[')
		return enter_section(ini, line, f);
	value = strchr(line, '=');
	if (!value)
		return fault_set(f, EXITCODE_CONFIG, EINVAL, "%s:%u: expected Key=value", ini->file,
				 ini->line);
	*value++ = '\0';
	return set_key(ini, text_strip(line), text_strip(value), f);
}

int ini_parse(char *text, const char *file, const struct ini_key *keys, size_t nr_keys,
	      struct conf *conf, struct fault *f)
{
	struct ini ini = { .file = file, .keys = keys, .nr_keys = nr_keys, .conf = conf };
	char *line;
	int r = 0;

	while (r == 0 && (line = strsep(&text, "\n"))) {
		ini.line++;
		r = parse_line(&ini, text_strip(line), f);
	}
	return r;
}
