/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * rules.c - ways out for headers that honest tools write, and that a rule refuses, as commands for
 * the disk that its owner has at hand. What a boot says is in disk/advice.c: that one knows neither
 * the disk's name nor who wrote the header, and may not read its text outside of the judge.
 * Trusts no byte of the header: it takes numbers out of it, to name a keyslot or a token, and only
 * once its text has passed jsontext_check(). Changes nothing.
 */
#include "owner/disk/rules.h"

#include <json-c/json.h>
#include <stdio.h>
#include <string.h>

#include "base/text.h"
#include "disk/advice.h"
#include "disk/binheader.h"
#include "disk/header.h"
#include "disk/jsontext.h"
#include "owner/disk/reencryption.h"
#include "owner/io/shell.h"

#define WORDS_MAX 18 /* with the final NULL */
#define NUMBER_MAX 31

/* Words that stand for others in the commands. */
#define DISK "DISK"
#define NUMBER "NUMBER" /* of the keyslot or the token that breaks the rule */

struct look {
	const struct verdict *v;
	const struct volume_conf *vc;
	struct json_object *root;
};

static struct json_object *member(struct json_object *obj, const char *key)
{
	struct json_object *value = NULL;

	if (json_object_is_type(obj, json_type_object))
		(void)json_object_object_get_ex(obj, key, &value);
	return value;
}

/* The text of the header, if it is one that could be judged. */
static struct json_object *read_text(const unsigned char *metadata, size_t copy_size)
{
	const char *text = (const char *)metadata + HEADER_BINARY_SIZE;
	size_t size = copy_size - HEADER_BINARY_SIZE, len = strnlen(text, size);

	return len < size && jsontext_check(text, len) >= 0 ? json_tokener_parse(text) : NULL;
}

/* The first keyslot that was not accepted: they are judged in the order of the text. */
static const char *find_keyslot(const struct look *l)
{
	struct json_object *keyslots = member(l->root, "keyslots");
	uint32_t n = 0;

	if (!json_object_is_type(keyslots, json_type_object))
		return NULL;
	json_object_object_foreach(keyslots, id, keyslot) {
		(void)keyslot;
		if (n++ == l->v->nr_keyslots)
			return id;
	}
	return NULL;
}

static bool is_good_hash(struct json_object *digest)
{
	struct json_object *hash = member(digest, "hash");
	const char *name =
		json_object_is_type(hash, json_type_string) ? json_object_get_string(hash) : "";

	return strcmp(name, "sha256") == 0 || strcmp(name, "sha512") == 0;
}

/* The same, if that keyslot is all that has another hash: else the disk needs a new digest, too. */
static const char *find_hash(const struct look *l)
{
	struct json_object *digests = member(l->root, "digests");

	if (!json_object_is_type(digests, json_type_object))
		return NULL;
	json_object_object_foreach(digests, id, digest) {
		(void)id;
		if (!is_good_hash(digest))
			return NULL;
	}
	return find_keyslot(l);
}

static bool has_text(struct json_object *list, const char *text)
{
	size_t i;

	if (!json_object_is_type(list, json_type_array))
		return false;
	for (i = 0; i < json_object_array_length(list); i++) {
		struct json_object *item = json_object_array_get_idx(list, i);

		if (json_object_is_type(item, json_type_string) &&
		    strcmp(json_object_get_string(item), text) == 0)
			return true;
	}
	return false;
}

/* A keyslot with a key that is not the volume's: cryptsetup calls it unbound. */
static const char *find_unbound(const struct look *l)
{
	struct json_object *digests = member(l->root, "digests");

	if (!json_object_is_type(digests, json_type_object))
		return NULL;
	json_object_object_foreach(digests, id, digest) {
		struct json_object *slots = member(digest, "keyslots");
		struct json_object *first;

		(void)id;
		if (has_text(member(digest, "segments"), "0") ||
		    !json_object_is_type(slots, json_type_array))
			continue;
		first = json_object_array_get_idx(slots, 0);
		if (json_object_is_type(first, json_type_string))
			return json_object_get_string(first);
	}
	return NULL;
}

static const char *find_token(const struct look *l)
{
	struct json_object *tokens = member(l->root, "tokens");
	size_t i;

	if (!json_object_is_type(tokens, json_type_object))
		return NULL;
	json_object_object_foreach(tokens, id, token) {
		struct json_object *type = member(token, "type");

		for (i = 0; i < l->vc->tokens.nr; i++)
			if (json_object_is_type(type, json_type_string) &&
			    strcmp(json_object_get_string(type), l->vc->tokens.names[i]) == 0)
				break;
		if (i == l->vc->tokens.nr)
			return id;
	}
	return NULL;
}

#define CONVERT "cryptsetup", "luksConvertKey"
#define REENCRYPT "cryptsetup", "reencrypt"

/* Costs that the rule kdf-cost lets pass, also in four keyslots. */
#define MODERATE                                                                            \
	"--pbkdf", "argon2id", "--pbkdf-memory", "262144", "--pbkdf-force-iterations", "4", \
		"--pbkdf-parallel", "4"

/* clang-format off */
static const struct {
	const char *rule;
	const char *(*find)(const struct look *l); /* NULL: the command has no NUMBER */
	const char *text; /* ends before the command; may be NULL */
	const char *words[WORDS_MAX];
} ways[] = {
	{ "label", NULL, "set both anew, in ASCII, such as: ",
		{ "cryptsetup", "config", "--label", "", "--subsystem", "", DISK } },
	{ "segment-cipher", NULL,
		"allow the cipher with Ciphers= of coco-unlock.conf and give --config, or change it: ",
		{ REENCRYPT, "--cipher", "aes-xts-plain64", "--key-size", "512", DISK } },
	{ "segment-integrity", NULL,
		"bring integrity= of cocotab in line with the disk and give --config; what it has: ",
		{ "cryptsetup", "luksDump", DISK } },
	{ "segment-sector-size", NULL, NULL, { REENCRYPT, "--sector-size", "512", DISK } },
	{ "keyslot-count", NULL,
		"take keyslots away (cryptsetup luksKillSlot) until four are left; if there is none, "
		"only a copy of the header helps; which there are: ",
		{ "cryptsetup", "luksDump", DISK } },
	{ "keyslot-key-size", find_unbound, NULL, { "cryptsetup", "luksKillSlot", DISK, NUMBER } },
	{ "digest-count", find_unbound, NULL, { "cryptsetup", "luksKillSlot", DISK, NUMBER } },
	{ "keyslot-priority", find_keyslot, NULL,
		{ "cryptsetup", "config", "--priority", "normal", "--key-slot", NUMBER, DISK } },
	{ "keyslot-cipher", find_keyslot,
		"allow the cipher with Ciphers= of coco-unlock.conf and give --config, or change it: ",
		{ CONVERT, "--key-slot", NUMBER, "--keyslot-cipher", "aes-xts-plain64",
		  "--keyslot-key-size", "512", DISK } },
	{ "keyslot-af", find_hash, NULL,
		{ CONVERT, "--key-slot", NUMBER, "--hash", "sha256", MODERATE, DISK } },
	{ "keyslot-af", NULL, NULL, { REENCRYPT, "--hash", "sha256", DISK } },
	{ "keyslot-kdf", find_hash, NULL,
		{ CONVERT, "--key-slot", NUMBER, "--hash", "sha256", MODERATE, DISK } },
	{ "keyslot-kdf", NULL, NULL, { REENCRYPT, "--hash", "sha256", DISK } },
	{ "kdf-cost", find_keyslot, NULL, { CONVERT, "--key-slot", NUMBER, MODERATE, DISK } },
	{ "kdf-cost", NULL, "all keyslots together cost too much; for one after the other: ",
		{ CONVERT, MODERATE, DISK } },
	{ "digest", NULL, NULL, { REENCRYPT, "--hash", "sha256", DISK } },
	{ "token", find_token,
		"allow its type with token=TYPE in cocotab and give --config, or remove it: ",
		{ "cryptsetup", "token", "remove", "--token-id", NUMBER, DISK } },
};
/* clang-format on */

void rules_name(const struct image *image, struct rules_disk *ret_disk)
{
	char loop[IMAGE_LOOP_SIZE];

	*ret_disk = (struct rules_disk){ .file = !image->block && !image->partition };
	if (!image->partition) {
		(void)shell_name(ret_disk->name, image->path, DISK);
		return;
	}
	(void)snprintf(ret_disk->name, sizeof(ret_disk->name), "$D"); /* they fit */
	(void)snprintf(ret_disk->before, sizeof(ret_disk->before), "D=$(%s) && ",
		       image_loop(image, loop));
	(void)snprintf(ret_disk->after, sizeof(ret_disk->after), " && losetup -d $D");
}

/* Puts the command behind what is in buf. All of it fits: only the path is long. */
static void add_command(const struct image *image, const char *const *words, const char *number,
			char *buf, size_t size)
{
	struct rules_disk disk;
	char word[64];
	size_t i;

	rules_name(image, &disk);
	text_append(buf, size, "%s", disk.before);
	for (i = 0; words[i]; i++) {
		const char *text = words[i];

		if (strcmp(text, DISK) == 0)
			text = disk.name;
		else if (strcmp(text, NUMBER) == 0)
			text = number;
		else if (shell_word(word, sizeof(word), text) >= 0)
			text = word;
		text_append(buf, size, "%s%s", i > 0 ? " " : "", text);
	}
	if (disk.file && strcmp(words[1], "reencrypt") == 0)
		text_append(buf, size, " --force-offline-reencrypt");
	text_append(buf, size, "%s", disk.after);
}

static bool is_number(const char *text)
{
	uint64_t n;

	return text && text_u64(text, NUMBER_MAX, &n) == 0;
}

static bool by_table(const struct image *image, const struct look *l, char *buf, size_t size)
{
	size_t i;

	for (i = 0; i < ARRAY_SIZE(ways); i++) {
		const char *number = NULL;

		if (strcmp(ways[i].rule, l->v->rule) != 0)
			continue;
		if (ways[i].find)
			number = ways[i].find(l);
		if (ways[i].find && !is_number(number))
			continue;
		(void)snprintf(buf, size, "%s", ways[i].text ? ways[i].text : "");
		add_command(image, ways[i].words, number, buf, size);
		return true;
	}
	return false;
}

/* Several segments, or one that demands something: a run of cryptsetup, or one of ours, which it
 * can finish, too. Other demands nobody here can meet. */
static bool resume(const struct image *image, char *buf, size_t size)
{
	static const char *const words[] = { REENCRYPT, "--resume-only", DISK, NULL };
	struct reencryption re;

	if (reencryption_look(image->fd, image->offset, image->size, &re) <= 0)
		return false;
	if (re.kind == REENCRYPTION_OURS && !image->partition) {
		(void)snprintf(buf, size,
			       "coco-secret encrypt --in-place goes on, with --secret and the file that it has "
			       "written");
		return true;
	}
	if (re.kind != REENCRYPTION_OTHER && re.kind != REENCRYPTION_OURS)
		return false;
	*buf = '\0';
	add_command(image, words, NULL, buf, size);
	return true;
}

static bool cut(const struct image *image, const struct verdict *v, char *buf, size_t size)
{
	uint64_t excess = policy_excess(v, image->size);
	struct rules_disk disk;

	rules_name(image, &disk);
	if (disk.file)
		(void)snprintf(buf, size, "truncate -s -%llu %s", (unsigned long long)excess,
			       disk.name);
	else
		(void)snprintf(buf, size, "make it, or its partition, smaller by %llu bytes",
			       (unsigned long long)excess);
	return excess > 0;
}

static bool name_size(const unsigned char *metadata, const struct volume_conf *vc, char *buf,
		      size_t size)
{
	const char *name = advice_size_name(binheader_size(metadata));

	if (!name || binheader_size(metadata) == vc->metadata_size)
		return false;
	(void)snprintf(buf, size,
		       "give --config DIR, where DIR/etc/coco-unlock/cocotab has metadata-size=%s among "
		       "the options of %s, as in: %s auto - metadata-size=%s",
		       name, vc->name, vc->name, name);
	return true;
}

bool rules_way(const struct image *image, const struct verdict *v, const unsigned char *metadata,
	       const struct volume_conf *vc, char *buf, size_t size)
{
	struct look l = { .v = v, .vc = vc, .root = read_text(metadata, vc->metadata_size) };
	bool known;

	if (strcmp(v->rule, "metadata-size") == 0)
		known = name_size(metadata, vc, buf, size);
	else if (strcmp(v->rule, "segment-alignment") == 0)
		known = cut(image, v, buf, size);
	else if (strcmp(v->rule, "one-segment") == 0 || strcmp(v->rule, "requirements") == 0)
		known = resume(image, buf, size);
	else
		known = by_table(image, &l, buf, size);
	if (l.root)
		json_object_put(l.root);
	return known;
}
