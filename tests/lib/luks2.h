/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * luks2.h - changes LUKS2 headers in memory, in both copies and with good checksums, so that
 * nobody stops at these. The tree is json-c's; a raw value may be any text at all.
 *
 * Format facts: LUKS2 On-Disk Format Specification 1.1, 2.1.
 */
#ifndef LUKS2_H
#define LUKS2_H

#include <json-c/json.h>

#include "base/digest.h"
#include "disk/header.h"
#include "fixture.h"

#define LUKS2_CHECKSUM 448
#define LUKS2_CHECKSUM_SIZE 64

/* Both headers of an image. */
static inline void luks2_read(const struct fixture *fx, const char *path, unsigned char *metadata)
{
	int fd = open(fixture_path(fx, path), O_RDONLY | O_CLOEXEC);

	FIXTURE_MUST(fd >= 0);
	FIXTURE_MUST(read(fd, metadata, HEADER_METADATA_SIZE) == HEADER_METADATA_SIZE);
	FIXTURE_MUST(close(fd) == 0);
}

/* Makes the checksums of two copies of this size good again. */
static inline void luks2_seal_sized(unsigned char *metadata, size_t size)
{
	struct digest digest;
	int i;

	for (i = 0; i < 2; i++) {
		unsigned char *copy = metadata + (size_t)i * size;

		memset(copy + LUKS2_CHECKSUM, 0, LUKS2_CHECKSUM_SIZE);
		FIXTURE_MUST(digest_sha256(copy, size, &digest) == 0);
		memcpy(copy + LUKS2_CHECKSUM, digest.octets, DIGEST_SIZE);
	}
}

static inline void luks2_seal(unsigned char *metadata)
{
	luks2_seal_sized(metadata, HEADER_COPY_SIZE);
}

static inline const char *luks2_text(const unsigned char *metadata)
{
	return (const char *)metadata + HEADER_BINARY_SIZE;
}

static inline void luks2_set_text(unsigned char *metadata, const char *json)
{
	size_t len = strlen(json);
	int i;

	FIXTURE_MUST(len < HEADER_JSON_SIZE);
	for (i = 0; i < 2; i++) {
		unsigned char *area = metadata + i * HEADER_COPY_SIZE + HEADER_BINARY_SIZE;

		memset(area, 0, HEADER_JSON_SIZE);
		memcpy(area, json, len);
	}
	luks2_seal(metadata);
}

static inline struct json_object *luks2_tree(const unsigned char *metadata)
{
	struct json_object *tree = json_tokener_parse(luks2_text(metadata));

	FIXTURE_MUST(tree);
	return tree;
}

static inline void luks2_set_tree(unsigned char *metadata, struct json_object *tree)
{
	const int flags = JSON_C_TO_STRING_PLAIN | JSON_C_TO_STRING_NOSLASHESCAPE;

	luks2_set_text(metadata, json_object_to_json_string_ext(tree, flags));
}

/* The object that has the last part of a path such as "segments.0.size", and that part. */
static inline struct json_object *luks2_find(struct json_object *tree, const char *path,
					     const char **ret_key)
{
	const char *dot;
	char key[64];

	while ((dot = strchr(path, '.'))) {
		(void)snprintf(key, sizeof(key), "%.*s", (int)(dot - path), path);
		FIXTURE_MUST(json_object_object_get_ex(tree, key, &tree));
		path = dot + 1;
	}
	*ret_key = path;
	return tree;
}

static inline void luks2_del(struct json_object *tree, const char *path)
{
	const char *key;

	tree = luks2_find(tree, path, &key);
	FIXTURE_MUST(json_object_object_get_ex(tree, key, NULL));
	json_object_object_del(tree, key);
}

/* What is written there is `value`, to the letter. */
static inline void luks2_put(struct json_object *tree, const char *path, const char *value)
{
	struct json_object *raw = json_object_new_object();
	char *text = strdup(value);
	const char *key;

	FIXTURE_MUST(raw && text);
	json_object_set_serializer(raw, json_object_userdata_to_json_string, text,
				   json_object_free_userdata);
	tree = luks2_find(tree, path, &key);
	FIXTURE_MUST(json_object_object_add(tree, key, raw) == 0);
}

/* A copy of one member in another place. */
static inline void luks2_copy(struct json_object *tree, const char *from, const char *to)
{
	struct json_object *value, *copy = NULL, *parent;
	const char *key;

	parent = luks2_find(tree, from, &key);
	FIXTURE_MUST(json_object_object_get_ex(parent, key, &value));
	FIXTURE_MUST(json_object_deep_copy(value, &copy, NULL) == 0);
	parent = luks2_find(tree, to, &key);
	FIXTURE_MUST(json_object_object_add(parent, key, copy) == 0);
}

#endif
