/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * reencryption.c - tells a reencryption of ours from all others, by all that its header says.
 * Trusts what libcryptsetup has checked when it has loaded the header: the members that each
 * keyslot and segment must have are there. Writes nothing. Our header has no mark of its own, since
 * a guest would refuse it, so whoever has begun the very same work counts as us.
 */
#include "owner/disk/reencryption.h"

#include <json-c/json.h>
#include <libcryptsetup.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>

#include "base/paths.h"
#include "base/text.h"
#include "owner/disk/image.h"
#include "owner/disk/new.h"
#include "owner/disk/xts.h"
#include "volume/volume.h"

#define SECTOR 512
#define FD_PATH_SIZE 32
/* LUKS2 specification, 2.2: bytes of the largest binary header with its JSON; there are two. */
#define METADATA_MAX (2 * 4 * 1024 * 1024)

static struct json_object *member(struct json_object *object, const char *key)
{
	struct json_object *value = NULL;

	return json_object_object_get_ex(object, key, &value) ? value : NULL;
}

static bool is_text(struct json_object *object, const char *key, const char *text)
{
	struct json_object *value = member(object, key);

	return value && strcmp(json_object_get_string(value), text) == 0;
}

/* Numbers of 64 bits are texts in LUKS2. */
static bool is_number(struct json_object *object, const char *key, uint64_t number)
{
	struct json_object *value = member(object, key);
	uint64_t n;

	return value && text_u64(json_object_get_string(value), INT64_MAX, &n) == 0 && n == number;
}

static bool has_flag(struct json_object *segment, const char *name)
{
	struct json_object *flags = member(segment, "flags");
	size_t i;

	for (i = 0; flags && i < json_object_array_length(flags); i++)
		if (strcmp(json_object_get_string(json_object_array_get_idx(flags, i)), name) == 0)
			return true;
	return false;
}

static bool is_linear(struct json_object *segment, uint64_t offset)
{
	return is_text(segment, "type", "linear") && is_number(segment, "offset", offset);
}

static bool is_final(struct json_object *segment)
{
	return is_text(segment, "type", "crypt") && is_number(segment, "offset", NEWHEADER_SIZE) &&
	       is_number(segment, "iv_tweak", 0) && is_text(segment, "size", "dynamic") &&
	       is_text(segment, "encryption", "aes-xts-plain64") && !member(segment, "integrity") &&
	       (is_text(segment, "sector_size", "512") || is_text(segment, "sector_size", "4096"));
}

/* One keyslot of a passphrase beside that of the reencryption: the new header at the end has no
 * other. */
static bool has_our_keyslots(struct json_object *keyslots)
{
	int others = 0, passphrases = 0;

	json_object_object_foreach(keyslots, id, keyslot) {
		(void)id;
		if (is_text(keyslot, "type", "luks2") &&
		    json_object_get_int(member(keyslot, "key_size")) == XTS_KEY_SIZE)
			passphrases++;
		else if (!is_text(keyslot, "type", "reencrypt"))
			others++;
	}
	return passphrases == 1 && others == 0;
}

/* Where the data were, where they will be, and the part that was moved first. */
static bool has_our_plan(struct json_object *segments, uint64_t total)
{
	bool previous = false, final = false, moved = false;

	json_object_object_foreach(segments, id, segment) {
		(void)id;
		if (has_flag(segment, "backup-previous"))
			previous = is_linear(segment, 0);
		else if (has_flag(segment, "backup-final"))
			final = is_final(segment);
		else if (has_flag(segment, "backup-moved-segment"))
			moved = total > NEWHEADER_SIZE &&
				is_linear(segment, total - NEWHEADER_SIZE) &&
				is_number(segment, "size", NEWHEADER_SIZE);
	}
	return previous && final && moved;
}

/* What would be lost with the header: tokens, label, persistent flags. */
static bool is_bare(struct crypt_device *cd, struct json_object *root)
{
	struct json_object *config = member(root, "config");
	const char *label = crypt_get_label(cd), *subsystem = crypt_get_subsystem(cd);

	return json_object_object_length(member(root, "tokens")) == 0 && !member(config, "flags") &&
	       (!label || !label[0]) && (!subsystem || !subsystem[0]);
}

static bool is_ours(struct crypt_device *cd, const struct crypt_params_reencrypt *params,
		    struct json_object *root, uint64_t total)
{
	return params->mode == CRYPT_REENCRYPT_ENCRYPT &&
	       params->direction == CRYPT_REENCRYPT_BACKWARD && params->resilience &&
	       strcmp(params->resilience, "datashift") == 0 &&
	       params->data_shift == NEWHEADER_SIZE / SECTOR && is_bare(cd, root) &&
	       has_our_keyslots(member(root, "keyslots")) &&
	       has_our_plan(member(root, "segments"), total);
}

/* How far it is: the segments in use are those that are no backup. */
static void find_progress(struct json_object *segments, uint64_t total, struct reencryption *re)
{
	struct json_object *first = member(segments, "0");
	int plain = 0, encrypted = 0, busy = 0;

	json_object_object_foreach(segments, id, segment) {
		(void)id;
		if (has_flag(segment, "backup-previous") || has_flag(segment, "backup-final") ||
		    has_flag(segment, "backup-moved-segment"))
			continue;
		plain += is_text(segment, "type", "linear");
		encrypted += is_text(segment, "type", "crypt");
		busy += has_flag(segment, "in-reencryption");
	}
	re->untouched = encrypted == 0;
	re->complete = plain == 0 && busy == 0 && is_number(first, "offset", NEWHEADER_SIZE);
	if (is_text(first, "type", "linear"))
		re->last = plain == 1 && busy == 0 && is_linear(first, total - NEWHEADER_SIZE);
	else
		re->last = plain == 0 && busy == 1 && has_flag(first, "in-reencryption") &&
			   is_number(first, "offset", NEWHEADER_SIZE) &&
			   is_number(first, "size", NEWHEADER_SIZE);
}

/* libcryptsetup says "none" also where another tool demands something of who uses the disk. */
static enum reencryption_kind find_kind(struct json_object *root)
{
	struct json_object *requirements = member(member(root, "config"), "requirements"), *list;
	size_t i;

	list = requirements ? member(requirements, "mandatory") : NULL;
	if (!list || json_object_array_length(list) == 0)
		return REENCRYPTION_NONE;
	for (i = 0; i < json_object_array_length(list); i++)
		if (strcmp(json_object_get_string(json_object_array_get_idx(list, i)),
			   "offline-reencrypt") == 0)
			return REENCRYPTION_LEGACY;
	return REENCRYPTION_UNKNOWN;
}

void reencryption_get(struct crypt_device *cd, uint64_t total, struct reencryption *ret)
{
	struct crypt_params_reencrypt params = { 0 };
	crypt_reencrypt_info info = crypt_reencrypt_status(cd, &params);
	struct json_object *root = NULL;
	const char *text = NULL;

	*ret = (struct reencryption){ .kind = REENCRYPTION_UNKNOWN };
	if (crypt_dump_json(cd, &text, 0) == 0)
		root = json_tokener_parse(text);
	if (!root)
		return;
	if (info == CRYPT_REENCRYPT_NONE)
		ret->kind = find_kind(root);
	else if (info == CRYPT_REENCRYPT_CLEAN || info == CRYPT_REENCRYPT_CRASH)
		ret->kind =
			is_ours(cd, &params, root, total) ? REENCRYPTION_OURS : REENCRYPTION_OTHER;
	if (ret->kind == REENCRYPTION_OURS)
		find_progress(member(root, "segments"), total, ret);
	json_object_put(root);
}

int reencryption_look(int fd, uint64_t offset, uint64_t total, struct reencryption *ret)
{
	_cleanup_close_ int copy = memfd_create("luks2-header", MFD_CLOEXEC);
	uint64_t len = total < METADATA_MAX ? total / SECTOR * SECTOR : METADATA_MAX;
	struct crypt_device *cd = NULL;
	char path[FD_PATH_SIZE];
	struct stat st;
	int r;

	if (copy < 0 || ftruncate(copy, (off_t)total) < 0 || fstat(fd, &st) < 0)
		return -errno;
	/* A backup is shorter than the disk that it is for. */
	if (S_ISREG(st.st_mode) && (uint64_t)st.st_size < offset + len)
		len = ((uint64_t)st.st_size - offset) / SECTOR * SECTOR;
	r = image_copy(fd, offset, copy, 0, len);
	if (r < 0)
		return r;
	(void)snprintf(path, sizeof(path), PATH_SELF_FD, copy); /* fits */
	volume_init_library();
	r = crypt_init(&cd, path) == 0 && crypt_load(cd, CRYPT_LUKS2, NULL) == 0;
	if (r > 0)
		reencryption_get(cd, total, ret);
	crypt_free(cd); /* takes NULL */
	return r;
}
