/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * policy.c - pure rules on the bytes of a LUKS2 header copy.
 * Trusts the list of ciphers; trusts no byte of the header. May not do I/O, log, or know
 * where a secret comes from.
 *
 * The JSON is read with json-c, which libcryptsetup uses too: what is judged here is what
 * will be used there, also where a key occurs twice.
 */
#include "policy.h"

#include <json-c/json.h>
#include <string.h>

#define JSON_DEPTH_MAX 16

/* LUKS2 spec, 2.1: offsets of fields of the binary header; numbers are big endian. */
#define OFFSET_HDR_SIZE 8
#define OFFSET_SEQID 16
#define OFFSET_UUID 168
#define OFFSET_HDR_OFFSET 256

static const unsigned char magic_secondary[] = { 'S', 'K', 'U', 'L', 0xba, 0xbe, 0x00, 0x02 };

static void json_putp(struct json_object **obj)
{
	if (*obj)
		json_object_put(*obj);
}

static void tokener_freep(struct json_tokener **tok)
{
	if (*tok)
		json_tokener_free(*tok);
}

static uint64_t be64(const unsigned char *p)
{
	uint64_t v = 0;
	int i;

	for (i = 0; i < 8; i++)
		v = v << 8 | p[i];
	return v;
}

/* Rules return NULL, or the name of the broken rule. */
static const char *judge_binary(const unsigned char *metadata, struct verdict *v)
{
	const unsigned char *first = metadata, *second = metadata + HEADER_COPY_SIZE;

	if (be64(first + OFFSET_HDR_SIZE) != HEADER_COPY_SIZE ||
	    be64(second + OFFSET_HDR_SIZE) != HEADER_COPY_SIZE)
		return "metadata-size";
	if (memcmp(second, magic_secondary, sizeof(magic_secondary)) != 0)
		return "second-copy-missing";
	if (be64(first + OFFSET_HDR_OFFSET) != 0 ||
	    be64(second + OFFSET_HDR_OFFSET) != HEADER_COPY_SIZE)
		return "header-offset";
	if (be64(first + OFFSET_SEQID) != be64(second + OFFSET_SEQID) ||
	    memcmp(first + OFFSET_UUID, second + OFFSET_UUID, POLICY_UUID_SIZE) != 0 ||
	    memcmp(first + HEADER_BINARY_SIZE, second + HEADER_BINARY_SIZE, HEADER_JSON_SIZE) != 0)
		return "copies-differ";
	if (!memchr(first + OFFSET_UUID, '\0', POLICY_UUID_SIZE))
		return "uuid";
	text_printable((const char *)first + OFFSET_UUID, v->uuid, sizeof(v->uuid));
	return NULL;
}

/* A member of the given type, or NULL. */
static struct json_object *member(struct json_object *obj, const char *key, enum json_type type)
{
	struct json_object *value = NULL;

	if (!json_object_object_get_ex(obj, key, &value) || !json_object_is_type(value, type))
		return NULL;
	return value;
}

static bool string_is(struct json_object *obj, const char *key, const char *expected)
{
	struct json_object *value = member(obj, key, json_type_string);

	/* An escaped NUL inside would end the comparison early. */
	return value && (size_t)json_object_get_string_len(value) == strlen(expected) &&
	       strcmp(json_object_get_string(value), expected) == 0;
}

static const char *listed_cipher(struct json_object *obj, const char *key,
				 const struct name_list *ciphers)
{
	size_t i;

	for (i = 0; i < ciphers->nr; i++)
		if (string_is(obj, key, ciphers->names[i]))
			return ciphers->names[i];
	return NULL;
}

/* LUKS2 spec, 3: 64-bit numbers are strings of decimal digits. */
static int get_u64(struct json_object *obj, const char *key, uint64_t max, uint64_t *ret_value)
{
	struct json_object *value = member(obj, key, json_type_string);

	if (!value || (size_t)json_object_get_string_len(value) !=
			      strlen(json_object_get_string(value)))
		return -EINVAL;
	return text_u64(json_object_get_string(value), max, ret_value);
}

static const char *judge_segment(struct json_object *root, uint64_t device_size,
				 const struct name_list *ciphers, struct verdict *v)
{
	struct json_object *segments = member(root, "segments", json_type_object);
	struct json_object *segment, *sector_size;
	const char *cipher;

	if (!segments || json_object_object_length(segments) != 1)
		return "one-segment";
	segment = member(segments, "0", json_type_object);
	if (!segment)
		return "one-segment";
	if (!string_is(segment, "type", "crypt"))
		return "segment-type";
	cipher = listed_cipher(segment, "encryption", ciphers);
	if (!cipher)
		return "segment-cipher";
	memcpy(v->cipher, cipher, CONF_NAME_SIZE);
	if (json_object_object_get_ex(segment, "integrity", NULL))
		return "segment-integrity";
	if (!string_is(segment, "size", "dynamic"))
		return "segment-size";
	if (get_u64(segment, "offset", HEADER_DATA_OFFSET_MAX, &v->data_offset) < 0 ||
	    v->data_offset < HEADER_METADATA_SIZE || v->data_offset % 4096 != 0 ||
	    v->data_offset >= device_size)
		return "segment-offset";
	sector_size = member(segment, "sector_size", json_type_int);
	v->sector_size = sector_size ? (uint32_t)json_object_get_int(sector_size) : 0;
	if (v->sector_size != 512 && v->sector_size != 1024 && v->sector_size != 2048 &&
	    v->sector_size != 4096)
		return "segment-sector-size";
	return NULL;
}

static const char *judge_keyslot(struct json_object *keyslot, const struct name_list *ciphers,
				 struct verdict *v)
{
	struct header_area *area = &v->areas[v->nr_areas];
	struct json_object *json;

	if (!keyslot || !string_is(keyslot, "type", "luks2"))
		return "keyslot-type";
	json = member(keyslot, "area", json_type_object);
	if (!json || !string_is(json, "type", "raw"))
		return "keyslot-area";
	if (!listed_cipher(json, "encryption", ciphers))
		return "keyslot-cipher";
	if (get_u64(json, "offset", v->data_offset, &area->offset) < 0 ||
	    get_u64(json, "size", HEADER_AREA_SIZE_MAX, &area->size) < 0 || area->size == 0 ||
	    area->offset < HEADER_METADATA_SIZE || area->size > v->data_offset - area->offset)
		return "keyslot-area";
	v->nr_areas++;
	return NULL;
}

static const char *judge_keyslots(struct json_object *root, const struct name_list *ciphers,
				  struct verdict *v)
{
	struct json_object *keyslots = member(root, "keyslots", json_type_object);
	const char *rule;

	if (!keyslots || json_object_object_length(keyslots) < 1 ||
	    json_object_object_length(keyslots) > HEADER_AREAS_MAX)
		return "keyslot-count";
	json_object_object_foreach(keyslots, id, keyslot) {
		(void)id;
		if (!json_object_is_type(keyslot, json_type_object))
			return "keyslot-type";
		rule = judge_keyslot(keyslot, ciphers, v);
		if (rule)
			return rule;
	}
	return NULL;
}

/* Anything that libcryptsetup must know to open the volume, reencryption above all. */
static const char *judge_requirements(struct json_object *root)
{
	struct json_object *config = member(root, "config", json_type_object);

	if (!config)
		return "config";
	return json_object_object_get_ex(config, "requirements", NULL) ? "requirements" : NULL;
}

static struct json_object *parse(const unsigned char *text, bool *ret_no_memory)
{
	_cleanup_(tokener_freep) struct json_tokener *tok = json_tokener_new_ex(JSON_DEPTH_MAX);
	size_t len = strnlen((const char *)text, HEADER_JSON_SIZE);

	*ret_no_memory = !tok;
	if (!tok || len == HEADER_JSON_SIZE)
		return NULL;
	json_tokener_set_flags(tok, JSON_TOKENER_STRICT);
	/* With the final NUL, so that the parser knows that the text has ended. */
	return json_tokener_parse_ex(tok, (const char *)text, (int)len + 1);
}

int policy_judge(const unsigned char *metadata, uint64_t device_size,
		 const struct name_list *ciphers, struct verdict *ret_verdict)
{
	_cleanup_(json_putp) struct json_object *root = NULL;
	struct verdict v = { 0 };
	bool no_memory = false;

	v.rule = judge_binary(metadata, &v);
	if (!v.rule) {
		root = parse(metadata + HEADER_BINARY_SIZE, &no_memory);
		if (no_memory)
			return -ENOMEM;
		if (!root || !json_object_is_type(root, json_type_object))
			v.rule = "json";
	}
	if (!v.rule)
		v.rule = judge_segment(root, device_size, ciphers, &v);
	if (!v.rule)
		v.rule = judge_keyslots(root, ciphers, &v);
	if (!v.rule)
		v.rule = judge_requirements(root);
	*ret_verdict = v;
	return v.rule ? -EPERM : 0;
}
