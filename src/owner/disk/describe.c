/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * describe.c - reads the members of a judged header that tell one header from another.
 * Trusts the judge for their form, and shows nothing as it is. Changes nothing.
 */
#include "owner/disk/describe.h"

#include <json-c/json.h>
#include <libcryptsetup.h>
#include <string.h>

#include "base/text.h"

static struct json_object *metadata(const struct luksheader *header)
{
	const char *text;

	if (crypt_dump_json(header->cd, &text, 0) < 0)
		return NULL;
	return json_tokener_parse(text);
}

static struct json_object *member(struct json_object *obj, const char *key)
{
	struct json_object *value = NULL;

	(void)json_object_object_get_ex(obj, key, &value); /* stays NULL */
	return value;
}

static const char *text_of(struct json_object *obj, const char *key)
{
	const char *text = json_object_get_string(member(obj, key));

	return text ? text : "?";
}

static long long number_of(struct json_object *obj, const char *key)
{
	return (long long)json_object_get_int64(member(obj, key)); /* 0 if it is not there */
}

void describe_keyslot(const struct luksheader *header, int keyslot, char *buf, size_t size)
{
	struct json_object *top = metadata(header), *slot, *kdf;
	char raw[256] = "", id[12];

	(void)snprintf(id, sizeof(id), "%d", keyslot); /* fits */
	slot = member(member(top, "keyslots"), id);
	kdf = member(slot, "kdf");
	text_append(raw, sizeof(raw), "%s", text_of(kdf, "type"));
	if (member(kdf, "iterations"))
		text_append(raw, sizeof(raw), " %s, %lld iterations", text_of(kdf, "hash"),
			    number_of(kdf, "iterations"));
	else
		text_append(raw, sizeof(raw), ", %lld KiB, %lld passes", number_of(kdf, "memory"),
			    number_of(kdf, "time"));
	if (number_of(slot, "priority") == CRYPT_SLOT_PRIORITY_PREFER)
		text_append(raw, sizeof(raw), ", preferred");
	text_printable(raw, buf, size);
	json_object_put(top);
}

static void add_flags(char *raw, size_t size, struct json_object *flags)
{
	size_t i, nr = flags ? json_object_array_length(flags) : 0;

	text_append(raw, size, ", flags:");
	for (i = 0; i < nr; i++)
		text_append(raw, size, " %s",
			    json_object_get_string(json_object_array_get_idx(flags, i)));
	if (nr == 0)
		text_append(raw, size, " none");
}

void describe_header(const struct luksheader *header, char *buf, size_t size)
{
	struct json_object *top = metadata(header);
	const struct verdict *v = &header->verdict;
	char raw[512] = "";

	text_append(raw, sizeof(raw), "%s, sectors of %u bytes, data from byte %llu", v->cipher,
		    v->sector_size, (unsigned long long)v->data_offset);
	json_object_object_foreach(member(top, "digests"), id, digest)
		text_append(raw, sizeof(raw), ", digest %s: %s %s", id, text_of(digest, "type"),
			    text_of(digest, "hash"));
	add_flags(raw, sizeof(raw), member(member(top, "config"), "flags"));
	text_printable(raw, buf, size);
	json_object_put(top);
}
