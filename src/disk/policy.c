/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * policy.c - pure rules on the bytes of a LUKS2 header copy.
 * Trusts the configuration; trusts no byte of the header. May not do I/O, log, or know where
 * a secret comes from. Longer than other files, because the rules belong together.
 *
 * The text is scanned first (jsontext.h), so that nothing in it can be read in two ways.
 * Then json-c makes the tree; libcryptsetup uses json-c, too. A member that is not named
 * here is refused: what we do not know we cannot judge.
 */
#include "disk/policy.h"

#include <json-c/json.h>
#include <string.h>

#include "base/text.h"
#include "disk/jsontext.h"

#define ID_MAX 31	/* keyslots, digests, tokens: LUKS2_KEYSLOTS_MAX and friends are 32 */
#define SALT_SIZE 32	/* bytes */
#define AF_STRIPES 4000 /* LUKS2 spec 3.2.1: the only number in use */
#define AREA_ALIGNMENT 4096
#define DIGEST_SIZE_LUKS1 20 /* bytes */

/* What the rules pass around. */
struct judge {
	const struct conf *conf;
	const struct volume_conf *volume;
	uint64_t device_size;
	uint64_t metadata_size; /* bytes of both copies */
	uint64_t keyslots_size;
	struct json_object *keyslots;
	struct verdict *v;
};

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

/* A member of the given type, or NULL. */
static struct json_object *member(struct json_object *obj, const char *key, enum json_type type)
{
	struct json_object *value = NULL;

	if (!json_object_object_get_ex(obj, key, &value) || !json_object_is_type(value, type))
		return NULL;
	return value;
}

static bool has(struct json_object *obj, const char *key)
{
	return json_object_object_get_ex(obj, key, NULL);
}

/* No member but these, a list that ends with NULL. */
static bool only_members(struct json_object *obj, const char *const *names)
{
	json_object_object_foreach(obj, key, value) {
		size_t i;

		(void)value;
		for (i = 0; names[i]; i++)
			if (strcmp(names[i], key) == 0)
				break;
		if (!names[i])
			return false;
	}
	return true;
}

static bool is_string(struct json_object *value, const char *expected)
{
	/* An escaped NUL inside would end the comparison early. */
	return json_object_is_type(value, json_type_string) &&
	       (size_t)json_object_get_string_len(value) == strlen(expected) &&
	       strcmp(json_object_get_string(value), expected) == 0;
}

static bool string_is(struct json_object *obj, const char *key, const char *expected)
{
	struct json_object *value = member(obj, key, json_type_string);

	return value && is_string(value, expected);
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

static bool is_good_hash(struct json_object *obj, const char *key)
{
	return string_is(obj, key, "sha256") || string_is(obj, key, "sha512");
}

/* LUKS2 spec, 3: 64-bit numbers are strings of decimal digits. */
static int get_u64(struct json_object *obj, const char *key, uint64_t max, uint64_t *ret_value)
{
	struct json_object *value = member(obj, key, json_type_string);

	if (!value ||
	    (size_t)json_object_get_string_len(value) != strlen(json_object_get_string(value)))
		return -EINVAL;
	return text_u64(json_object_get_string(value), max, ret_value);
}

/* A JSON number from 0 to max. */
static int get_int(struct json_object *obj, const char *key, uint64_t max, uint64_t *ret_value)
{
	struct json_object *value = member(obj, key, json_type_int);

	if (!value || json_object_get_int64(value) < 0 || json_object_get_uint64(value) > max)
		return -ERANGE;
	*ret_value = json_object_get_uint64(value);
	return 0;
}

/* "0".."31" without a leading zero. */
static int parse_id(const char *text, uint32_t *ret_id)
{
	uint64_t id;

	if (text_u64(text, ID_MAX, &id) < 0 || (text[0] == '0' && text[1] != '\0'))
		return -EINVAL;
	*ret_id = (uint32_t)id;
	return 0;
}

/* Base64 (RFC 4648) of exactly `size` bytes. */
static bool is_base64_of(struct json_object *obj, const char *key, size_t size)
{
	static const char digits[] =
		"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
	struct json_object *value = member(obj, key, json_type_string);
	size_t padding = (3 - size % 3) % 3, len = (size + 2) / 3 * 4;
	const char *text;

	if (!value || (size_t)json_object_get_string_len(value) != len)
		return false;
	text = json_object_get_string(value);
	return strspn(text, digits) == len - padding &&
	       strspn(text + len - padding, "=") == padding;
}

static const char *judge_integrity(struct json_object *segment, struct judge *j)
{
	static const char *const members[] = { "type", "journal_encryption", "journal_integrity",
					       NULL };
	bool wanted = j->volume->options & VOLUME_OPTION_INTEGRITY_HMAC_SHA256;
	struct json_object *integrity = member(segment, "integrity", json_type_object);

	if (!wanted)
		return has(segment, "integrity") ? "segment-integrity" : NULL;
	if (!integrity || !string_is(integrity, "type", "hmac(sha256)") ||
	    !string_is(integrity, "journal_encryption", "none") ||
	    !string_is(integrity, "journal_integrity", "none"))
		return "segment-integrity";
	if (!only_members(integrity, members))
		return "unknown-key";
	j->v->integrity = true;
	return NULL;
}

uint64_t policy_excess(const struct verdict *v, uint64_t device_size)
{
	uint64_t data = device_size > v->data_offset ? device_size - v->data_offset : 0;

	/* An image may end inside of a sector; no device does. */
	return v->sector_size == 4096 ? data % 4096 : 0;
}

static const char *judge_segment_place(struct json_object *segment, struct judge *j)
{
	struct verdict *v = j->v;
	uint64_t sector_size;

	if (!string_is(segment, "size", "dynamic"))
		return "segment-size";
	if (get_u64(segment, "offset", HEADER_DATA_OFFSET_MAX, &v->data_offset) < 0 ||
	    v->data_offset < j->metadata_size || v->data_offset % AREA_ALIGNMENT != 0 ||
	    v->data_offset >= j->device_size)
		return "segment-offset";
	if (!string_is(segment, "iv_tweak", "0"))
		return "segment-iv-tweak";
	if (get_int(segment, "sector_size", 4096, &sector_size) < 0 ||
	    (sector_size != 512 && sector_size != 4096))
		return "segment-sector-size";
	v->sector_size = (uint32_t)sector_size;
	/* dm-crypt takes no part of a sector: "Device size is not multiple of sector_size feature"
	 * in crypt_ctr(), drivers/md/dm-crypt.c, an EINVAL after the secret has been used. With
	 * integrity the device below it is dm-integrity's, whose size is another one. */
	if (!v->integrity && policy_excess(v, j->device_size) != 0)
		return "segment-alignment";
	return NULL;
}

static const char *judge_segment(struct json_object *root, struct judge *j)
{
	static const char *const members[] = { "type",	    "offset",	  "size",
					       "iv_tweak",  "encryption", "sector_size",
					       "integrity", "flags",	  NULL };
	struct json_object *segments = member(root, "segments", json_type_object);
	struct json_object *segment;
	const char *cipher, *rule;

	if (!segments || json_object_object_length(segments) != 1)
		return "one-segment";
	segment = member(segments, "0", json_type_object);
	if (!segment)
		return "one-segment";
	if (!string_is(segment, "type", "crypt"))
		return "segment-type";
	if (!only_members(segment, members))
		return "unknown-key";
	cipher = listed_cipher(segment, "encryption", &j->conf->ciphers);
	if (!cipher)
		return "segment-cipher";
	memcpy(j->v->cipher, cipher, CONF_NAME_SIZE);
	rule = judge_integrity(segment, j);
	if (rule)
		return rule;
	if (has(segment, "flags"))
		return "segment-flags";
	return judge_segment_place(segment, j);
}

/* Areas lie behind the metadata, inside of keyslots_size, and apart from each other. */
static bool is_good_place(const struct header_area *area, const struct judge *j)
{
	uint64_t end;
	uint32_t i;

	if (__builtin_add_overflow(area->offset, area->size, &end) ||
	    area->offset < j->metadata_size || area->offset % AREA_ALIGNMENT != 0 ||
	    end > j->metadata_size + j->keyslots_size)
		return false;
	for (i = 0; i < j->v->nr_keyslots; i++) {
		const struct header_area *other = &j->v->keyslots[i].area;

		if (area->offset < other->offset + other->size && other->offset < end)
			return false;
	}
	return true;
}

static const char *judge_area(struct json_object *keyslot, struct judge *j,
			      struct header_area *ret_area)
{
	static const char *const members[] = { "type",	     "offset",	 "size",
					       "encryption", "key_size", NULL };
	struct json_object *json = member(keyslot, "area", json_type_object);
	uint64_t key_size, needed = (uint64_t)j->v->volume_key_size * AF_STRIPES;
	struct header_area area;

	if (!json || !string_is(json, "type", "raw"))
		return "keyslot-area";
	if (!only_members(json, members))
		return "unknown-key";
	if (!listed_cipher(json, "encryption", &j->conf->ciphers))
		return "keyslot-cipher";
	if (get_int(json, "key_size", 64, &key_size) < 0 || (key_size != 32 && key_size != 64))
		return "keyslot-key-size";
	if (get_u64(json, "offset", j->v->data_offset, &area.offset) < 0 ||
	    get_u64(json, "size", HEADER_AREA_SIZE_MAX, &area.size) < 0 || area.size < needed ||
	    !is_good_place(&area, j))
		return "keyslot-area";
	*ret_area = area;
	return NULL;
}

static const char *judge_af(struct json_object *keyslot)
{
	static const char *const members[] = { "type", "stripes", "hash", NULL };
	struct json_object *af = member(keyslot, "af", json_type_object);
	uint64_t stripes;

	if (!af || !string_is(af, "type", "luks1") || !is_good_hash(af, "hash") ||
	    get_int(af, "stripes", AF_STRIPES, &stripes) < 0 || stripes != AF_STRIPES)
		return "keyslot-af";
	return only_members(af, members) ? NULL : "unknown-key";
}

static const char *judge_pbkdf2(struct json_object *kdf, struct judge *j)
{
	static const char *const members[] = { "type", "hash", "iterations", "salt", NULL };
	uint64_t iterations;

	if (!only_members(kdf, members))
		return "unknown-key";
	if (!is_good_hash(kdf, "hash"))
		return "keyslot-kdf";
	if (get_int(kdf, "iterations", POLICY_ITERATIONS_MAX, &iterations) < 0)
		return "kdf-cost";
	if (iterations < POLICY_ITERATIONS_MIN)
		return "keyslot-kdf";
	j->v->iterations += iterations;
	return NULL;
}

static const char *judge_argon2(struct json_object *kdf, struct judge *j,
				struct policy_keyslot *slot)
{
	static const char *const members[] = { "type", "time", "memory", "cpus", "salt", NULL };
	uint64_t time, memory, cpus;

	if (!only_members(kdf, members))
		return "unknown-key";
	if (get_int(kdf, "time", POLICY_ARGON2_TIME_MAX, &time) < 0 ||
	    get_int(kdf, "memory", POLICY_ARGON2_MEMORY_KIB_MAX, &memory) < 0 ||
	    get_int(kdf, "cpus", POLICY_ARGON2_CPUS_MAX, &cpus) < 0)
		return "kdf-cost";
	if (time == 0 || memory == 0 || cpus == 0)
		return "keyslot-kdf";
	j->v->argon2_kib += time * memory;
	slot->memory_kib = memory;
	return NULL;
}

static const char *judge_kdf(struct json_object *keyslot, struct judge *j,
			     struct policy_keyslot *slot)
{
	struct json_object *kdf = member(keyslot, "kdf", json_type_object);
	const char *rule;

	if (!kdf)
		return "keyslot-kdf";
	if (string_is(kdf, "type", "pbkdf2"))
		rule = judge_pbkdf2(kdf, j);
	else if (string_is(kdf, "type", "argon2id") || string_is(kdf, "type", "argon2i"))
		rule = judge_argon2(kdf, j, slot);
	else
		rule = "keyslot-kdf";
	if (rule)
		return rule;
	return is_base64_of(kdf, "salt", SALT_SIZE) ? NULL : "keyslot-kdf";
}

/* All keyslots carry the same volume key, so its size is that of the first. */
static const char *judge_key_size(struct json_object *keyslot, struct verdict *v)
{
	uint64_t size;

	if (get_int(keyslot, "key_size", 96, &size) < 0)
		return "keyslot-key-size";
	if (v->integrity ? size != 96 : size != 32 && size != 64)
		return "keyslot-key-size";
	if (v->nr_keyslots > 0 && size != v->volume_key_size)
		return "keyslot-key-size";
	v->volume_key_size = (uint32_t)size;
	return NULL;
}

static const char *judge_keyslot(const char *id, struct json_object *keyslot, struct judge *j)
{
	static const char *const members[] = { "type", "key_size", "af", "area",
					       "kdf",  "priority", NULL };
	struct verdict *v = j->v;
	struct policy_keyslot slot = { 0 };
	uint64_t priority = 1;
	const char *rule;

	if (parse_id(id, &slot.id) < 0)
		return "keyslot-id";
	if (!json_object_is_type(keyslot, json_type_object) || !string_is(keyslot, "type", "luks2"))
		return "keyslot-type";
	if (!only_members(keyslot, members))
		return "unknown-key";
	rule = judge_key_size(keyslot, v);
	if (rule)
		return rule;
	/* 0: never tried of its own accord; 1: normal; 2: tried first. */
	if (has(keyslot, "priority") &&
	    (get_int(keyslot, "priority", 2, &priority) < 0 || priority == 0))
		return "keyslot-priority";
	slot.priority = (uint32_t)priority;
	rule = judge_area(keyslot, j, &slot.area);
	if (!rule)
		rule = judge_af(keyslot);
	if (!rule)
		rule = judge_kdf(keyslot, j, &slot);
	if (rule)
		return rule;
	v->keyslots[v->nr_keyslots++] = slot;
	return NULL;
}

static const char *judge_keyslots(struct judge *j)
{
	int nr = json_object_object_length(j->keyslots);
	const char *rule;

	if (nr < 1 || nr > HEADER_AREAS_MAX)
		return "keyslot-count";
	json_object_object_foreach(j->keyslots, id, keyslot) {
		rule = judge_keyslot(id, keyslot, j);
		if (rule)
			return rule;
	}
	return NULL;
}

/* The digest stands for all keyslots, each named once, and for the segment. */
static bool is_bound(struct json_object *digest, const struct judge *j)
{
	struct json_object *slots = member(digest, "keyslots", json_type_array);
	struct json_object *segments = member(digest, "segments", json_type_array);
	uint32_t seen = 0, id;
	size_t i;

	if (!slots || json_object_array_length(slots) != j->v->nr_keyslots || !segments ||
	    json_object_array_length(segments) != 1 ||
	    !is_string(json_object_array_get_idx(segments, 0), "0"))
		return false;
	for (i = 0; i < j->v->nr_keyslots; i++) {
		struct json_object *slot = json_object_array_get_idx(slots, i);
		const char *text = json_object_get_string(slot);

		if (!json_object_is_type(slot, json_type_string) || parse_id(text, &id) < 0 ||
		    !is_string(slot, text) || !has(j->keyslots, text) || (seen & 1U << id))
			return false;
		seen |= 1U << id;
	}
	return true;
}

/* As long as the hash, or LUKS1's 20 bytes, which `cryptsetup convert` keeps (LUKS1 On-Disk Format
 * Specification 1.2.3, mk-digest), made with the same hash. They are enough: the digest only tells
 * the right volume key from a wrong one, which to pass for another would take 2^160 tries of
 * PBKDF2. It is no proof against the host, which can write a digest of a key of its own; that is
 * what the keyslot's secret and the pins are for. */
static bool is_digest_value(struct json_object *digest)
{
	size_t whole = string_is(digest, "hash", "sha256") ? 32 : 64;

	return is_base64_of(digest, "digest", whole) ||
	       is_base64_of(digest, "digest", DIGEST_SIZE_LUKS1);
}

static const char *judge_digest(struct json_object *root, struct judge *j)
{
	static const char *const members[] = { "type",	 "keyslots",   "segments", "salt",
					       "digest", "iterations", "hash",	   NULL };
	struct json_object *digests = member(root, "digests", json_type_object);
	uint64_t iterations;

	if (!digests || json_object_object_length(digests) != 1)
		return "digest-count";
	json_object_object_foreach(digests, id, digest) {
		if (parse_id(id, &j->v->digest_id) < 0 ||
		    !json_object_is_type(digest, json_type_object) ||
		    !string_is(digest, "type", "pbkdf2"))
			return "digest";
		if (!only_members(digest, members))
			return "unknown-key";
		if (!is_good_hash(digest, "hash") || !is_base64_of(digest, "salt", SALT_SIZE) ||
		    !is_digest_value(digest))
			return "digest";
		if (get_int(digest, "iterations", POLICY_ITERATIONS_MAX, &iterations) < 0)
			return "kdf-cost";
		if (iterations < POLICY_ITERATIONS_MIN)
			return "digest";
		j->v->iterations += iterations * j->v->nr_keyslots;
		if (!is_bound(digest, j))
			return "digest-binding";
	}
	if (j->v->iterations > POLICY_ITERATIONS_MAX || j->v->argon2_kib > POLICY_ARGON2_KIB_MAX)
		return "kdf-cost";
	return NULL;
}

/* Each of a token's keyslots is there: libcryptsetup refuses the whole header otherwise. */
static bool names_keyslots(struct json_object *token, const struct judge *j)
{
	struct json_object *slots = member(token, "keyslots", json_type_array);
	size_t i;

	for (i = 0; slots && i < json_object_array_length(slots); i++) {
		struct json_object *slot = json_object_array_get_idx(slots, i);
		const char *text = json_object_get_string(slot);

		if (!json_object_is_type(slot, json_type_string) || !is_string(slot, text) ||
		    !has(j->keyslots, text))
			return false;
	}
	return slots != NULL;
}

/* Types that cocotab names may be there; nobody here acts on a token. */
static const char *judge_tokens(struct json_object *root, const struct judge *j)
{
	struct json_object *tokens = member(root, "tokens", json_type_object);
	uint32_t ignored;
	size_t i;

	if (!tokens)
		return "token";
	json_object_object_foreach(tokens, id, token) {
		if (parse_id(id, &ignored) < 0 || !json_object_is_type(token, json_type_object))
			return "token";
		for (i = 0; i < j->volume->tokens.nr; i++)
			if (string_is(token, "type", j->volume->tokens.names[i]))
				break;
		if (i == j->volume->tokens.nr || !names_keyslots(token, j))
			return "token";
	}
	return NULL;
}

/* Before the keyslots, whose areas must lie inside of keyslots_size. */
static const char *judge_config(struct json_object *root, struct judge *j)
{
	static const char *const members[] = { "json_size", "keyslots_size", "flags",
					       "requirements", NULL };
	struct json_object *config = member(root, "config", json_type_object);
	uint64_t json_size, area = j->volume->metadata_size - HEADER_BINARY_SIZE;

	if (!config)
		return "config";
	/* Whatever a reader must know to open the volume, reencryption above all. */
	if (has(config, "requirements"))
		return "requirements";
	if (!only_members(config, members))
		return "unknown-key";
	if (get_u64(config, "json_size", area, &json_size) < 0 || json_size != area ||
	    get_u64(config, "keyslots_size", j->v->data_offset - j->metadata_size,
		    &j->keyslots_size) < 0 ||
	    j->keyslots_size % AREA_ALIGNMENT != 0)
		return "config";
	return NULL;
}

/* Its place in the list, or -EINVAL. */
static int find_flag(struct json_object *flag)
{
	/* As cryptsetup names them: persistent_flags[] in lib/luks2/luks2_json_metadata.c; the last
	 * one is 2.8's, with an underscore. */
	static const char *const names[] = {
		"allow-discards",    "same-cpu-crypt",	   "submit-from-crypt-cpus",
		"no-read-workqueue", "no-write-workqueue", "high_priority",
	};
	size_t i;

	for (i = 0; i < ARRAY_SIZE(names); i++)
		if (is_string(flag, names[i]))
			return (int)i;
	return -EINVAL;
}

/* Persistent flags are ignored at activation, where cocotab alone decides. Those that are harmless
 * even if they were obeyed may be there: systemd-repart 262 sets allow-discards in every volume,
 * `cryptsetup open --persistent` those for speed. no-journal is none of them. */
static const char *judge_flags(struct json_object *root)
{
	struct json_object *config = member(root, "config", json_type_object), *flags;
	unsigned int seen = 0;
	size_t i;

	if (!has(config, "flags"))
		return NULL;
	flags = member(config, "flags", json_type_array);
	if (!flags)
		return "config-flags";
	for (i = 0; i < json_object_array_length(flags); i++) {
		int n = find_flag(json_object_array_get_idx(flags, i));

		if (n < 0 || (seen & 1U << n))
			return "config-flags";
		seen |= 1U << n;
	}
	return NULL;
}

static const char *judge_tree(struct json_object *root, struct judge *j)
{
	static const char *const members[] = { "keyslots", "tokens", "segments",
					       "digests",  "config", NULL };
	const char *rule;

	if (!only_members(root, members))
		return "unknown-key";
	rule = judge_segment(root, j);
	if (!rule)
		rule = judge_config(root, j);
	if (rule)
		return rule;
	j->keyslots = member(root, "keyslots", json_type_object);
	rule = j->keyslots ? judge_keyslots(j) : "keyslot-count";
	if (!rule)
		rule = judge_digest(root, j);
	if (!rule)
		rule = judge_tokens(root, j);
	if (!rule)
		rule = judge_flags(root);
	return rule;
}

/* Returns the rule that the text breaks, or NULL with the tree; -ENOMEM goes to *ret_r. */
static const char *parse(const unsigned char *area, size_t size, struct json_object **ret_root,
			 int *ret_r)
{
	_cleanup_(tokener_freep) struct json_tokener *tok = NULL;
	const char *text = (const char *)area;
	size_t len = strnlen(text, size), i;
	int r;

	for (i = len; i < size; i++)
		if (area[i] != '\0')
			return "json";
	if (len == size)
		return "json";
	r = jsontext_check(text, len);
	if (r < 0)
		return r == -EEXIST ? "json-duplicate-key" : "json";
	tok = json_tokener_new_ex(JSONTEXT_DEPTH_MAX + 1);
	if (!tok) {
		*ret_r = -ENOMEM;
		return NULL;
	}
	json_tokener_set_flags(tok, JSON_TOKENER_STRICT);
	/* With the final NUL, so that the parser knows that the text has ended. */
	*ret_root = json_tokener_parse_ex(tok, text, (int)len + 1);
	return *ret_root && json_object_is_type(*ret_root, json_type_object) ? NULL : "json";
}

int policy_judge(const unsigned char *metadata, uint64_t device_size, const struct conf *conf,
		 const struct volume_conf *vc, struct verdict *ret_verdict)
{
	_cleanup_(json_putp) struct json_object *root = NULL;
	struct verdict v = { 0 };
	struct judge j = {
		.conf = conf,
		.volume = vc,
		.device_size = device_size,
		.metadata_size = 2 * (uint64_t)vc->metadata_size,
		.v = &v,
	};
	const char *rule;
	int r = 0;

	rule = binheader_judge(metadata, vc->metadata_size, v.uuid);
	if (!rule)
		rule = parse(metadata + HEADER_BINARY_SIZE, vc->metadata_size - HEADER_BINARY_SIZE,
			     &root, &r);
	if (r < 0)
		return r;
	if (!rule)
		rule = judge_tree(root, &j);
	if (rule)
		(void)snprintf(v.rule, sizeof(v.rule), "%s", rule); /* names are shorter */
	*ret_verdict = v;
	return rule ? -EPERM : 0;
}
