/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * reference.c - reads what the configuration says about where a secret is.
 * Trusts the files to be the owner's, not to be free of mistakes; may not do I/O.
 */
#include "conf/reference.h"

#include <string.h>

#define SCHEME "kbs:///"
#define SEGMENT_CHARS "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-."
#define SEGMENTS 3 /* repository, type, tag */

/* repo/type/tag; no segment is empty or begins with a dot. */
static bool is_resource(const char *path)
{
	unsigned int nr = 0;

	for (;;) {
		size_t len = strspn(path, SEGMENT_CHARS);

		if (len == 0 || *path == '.')
			return false;
		nr++;
		path += len;
		if (*path != '/')
			break;
		path++;
	}
	return *path == '\0' && nr == SEGMENTS;
}

int reference_parse_resource(const char *word, char ret_resource[static REFERENCE_RESOURCE_SIZE])
{
	if (strncmp(word, SCHEME, strlen(SCHEME)) == 0)
		word += strlen(SCHEME);
	if (strlen(word) >= REFERENCE_RESOURCE_SIZE || !is_resource(word))
		return -EINVAL;
	memcpy(ret_resource, word, strlen(word) + 1);
	return 0;
}

int reference_parse(const char *word, struct reference *ret_reference)
{
	struct reference ref = { .kind = REFERENCE_ENTRY, .has_guid = true };
	char resource[REFERENCE_RESOURCE_SIZE + sizeof(SCHEME)];
	const char *guid = strchr(word, '#');
	size_t len = guid ? (size_t)(guid - word) : strlen(word);

	if (strncmp(word, SCHEME, strlen(SCHEME)) != 0) {
		if (guid_from_text(word, ref.guid) < 0)
			return -EINVAL;
		*ret_reference = ref;
		return 0;
	}
	ref = REFERENCE_DISK_SECRET;
	ref.kind = REFERENCE_RESOURCE;
	ref.has_guid = guid != NULL;
	if (len >= sizeof(resource) || (guid && guid_from_text(guid + 1, ref.guid) < 0))
		return -EINVAL;
	memcpy(resource, word, len);
	resource[len] = '\0';
	if (reference_parse_resource(resource, ref.resource) < 0)
		return -EINVAL;
	*ret_reference = ref;
	return 0;
}

void reference_text(const struct reference *ref, char ret_text[static REFERENCE_TEXT_SIZE])
{
	if (ref->kind == REFERENCE_ENTRY)
		memcpy(ret_text, ref->guid, sizeof(ref->guid));
	else
		(void)snprintf(ret_text, REFERENCE_TEXT_SIZE, SCHEME "%s%s%s", ref->resource,
			       ref->has_guid ? "#" : "", ref->has_guid ? ref->guid : ""); /* fits */
}
