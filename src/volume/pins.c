/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * pins.c - parses the owner's pins and compares with them.
 * The entry is authentic if the secret is, but may still be wrong: whatever is unknown is
 * refused, so that a pin with a slip of the pen is not a pin that is missing. May not do I/O.
 */
#include "volume/pins.h"

#include <string.h>

#include "base/paths.h"
#include "base/text.h"
#include "conf/cocotab.h"
#include "disk/header.h"

#define SHA256_PREFIX "sha256:"
#define GENERATION_MAX INT64_MAX

static int set_uuid(struct pins *p, const char *value)
{
	char uuid[GUID_TEXT_SIZE];

	if (p->uuid[0] || guid_from_text(value, uuid) < 0 || strcmp(uuid, value) != 0)
		return -EINVAL;
	memcpy(p->uuid, uuid, sizeof(uuid));
	return 0;
}

static int parse_sha256(const char *value, struct digest *ret_digest)
{
	if (strncmp(value, SHA256_PREFIX, sizeof(SHA256_PREFIX) - 1) != 0)
		return -EINVAL;
	return digest_parse(value + sizeof(SHA256_PREFIX) - 1, ret_digest);
}

static int set_header(struct pins *p, const char *value)
{
	if (p->nr_headers == POLICY_ENTRY_HEADERS_MAX ||
	    parse_sha256(value, &p->headers[p->nr_headers]) < 0)
		return -EINVAL;
	p->nr_headers++;
	return 0;
}

static int set_volume_key(struct pins *p, const char *value)
{
	if (p->has_volume_key || parse_sha256(value, &p->volume_key) < 0)
		return -EINVAL;
	p->has_volume_key = true;
	return 0;
}

static int set_fixated_key(struct pins *p, const char *value)
{
	if (p->has_fixated_key || digest_parse(value, &p->fixated_key) < 0)
		return -EINVAL;
	p->has_fixated_key = true;
	return 0;
}

static int set_min_generation(struct pins *p, const char *value)
{
	if (p->has_min_generation || p->has_set_generation ||
	    text_u64(value, GENERATION_MAX, &p->min_generation) < 0)
		return -EINVAL;
	p->has_min_generation = true;
	return 0;
}

static int set_set_generation(struct pins *p, const char *value)
{
	if (p->has_set_generation || text_u64(value, GENERATION_MAX, &p->set_generation) < 0 ||
	    p->set_generation < p->min_generation)
		return -EINVAL;
	p->has_set_generation = true;
	return 0;
}

static const struct {
	const char *key;
	int (*set)(struct pins *p, const char *value);
} keys[] = {
	{ "uuid", set_uuid },
	{ "header", set_header },
	{ "volume-key", set_volume_key },
	{ "fixate-volume-key", set_fixated_key },
	{ "min-generation", set_min_generation },
	{ "set-generation", set_set_generation },
};

static bool is_empty(const struct pins *p)
{
	return !p->uuid[0] && p->nr_headers == 0 && !p->has_volume_key && !p->has_fixated_key &&
	       !p->has_min_generation && !p->has_set_generation;
}

static bool is_volume(const struct conf *conf, const char *name)
{
	size_t i;

	if (!conf)
		return cocotab_is_name(name);
	for (i = 0; i < conf->nr_volumes; i++)
		if (strcmp(conf->volumes[i].name, name) == 0)
			return true;
	return false;
}

static int begin_volume(struct policy_entry *policy, const struct conf *conf, const char *name)
{
	struct pins *last = policy->volumes + policy->nr_volumes;

	if (policy->nr_volumes > 0 && is_empty(last - 1))
		return -EINVAL;
	if (policy->nr_volumes == CONF_VOLUMES_MAX || !is_volume(conf, name) ||
	    policy_entry_pins(policy, name))
		return -EINVAL;
	memcpy(last->name, name, strlen(name) + 1); /* a name of conf fits */
	policy->nr_volumes++;
	return 0;
}

static int parse_line(struct policy_entry *policy, const struct conf *conf, char *line)
{
	char *value = strchr(line, '=');
	size_t i;

	if (!value)
		return -EINVAL;
	*value++ = '\0';
	if (strcmp(line, "volume") == 0)
		return begin_volume(policy, conf, value);
	if (policy->nr_volumes == 0)
		return -EINVAL;
	for (i = 0; i < ARRAY_SIZE(keys); i++)
		if (strcmp(keys[i].key, line) == 0)
			return keys[i].set(&policy->volumes[policy->nr_volumes - 1], value);
	return -EINVAL;
}

static void set_origin(struct policy_entry *policy, enum pin_origin origin)
{
	size_t i;

	for (i = 0; i < policy->nr_volumes; i++) {
		struct pins *p = &policy->volumes[i];

		p->uuid_of = p->headers_of = p->volume_key_of = p->fixated_key_of = origin;
	}
}

int policy_text_parse(char *text, const struct conf *conf, enum pin_origin origin,
		      struct policy_entry *ret_policy, unsigned int *ret_line)
{
	struct policy_entry *policy = ret_policy;
	char *cursor = text, *line, *end;

	memset(policy, 0, sizeof(*policy));
	*ret_line = 1;
	for (line = cursor; *line; line = cursor, ++*ret_line) {
		end = strchr(line, '\n');
		if (!end)
			return -EINVAL;
		*end = '\0';
		cursor = end + 1;
		if (*ret_line == 1 ? strcmp(line, "version=1") != 0 :
				     parse_line(policy, conf, line) < 0)
			return -EINVAL;
	}
	if (policy->nr_volumes == 0 || is_empty(&policy->volumes[policy->nr_volumes - 1]))
		return -EINVAL;
	set_origin(policy, origin);
	policy->present = true;
	return 0;
}

int policy_entry_parse(const struct secret *entry, const struct conf *conf,
		       struct policy_entry *ret_policy, struct fault *f)
{
	_cleanup_free_ struct policy_entry *policy = malloc(sizeof(*policy));
	_cleanup_free_ char *text = NULL;
	unsigned int line;
	int r;

	if (!policy)
		return fault_set(f, EXITCODE_NO_MEMORY, ENOMEM, "no memory for the policy entry");
	r = secret_reveal_text(entry, POLICY_ENTRY_SIZE_MAX, &text);
	if (r < 0)
		return fault_advise(f, EXITCODE_POLICY_INVALID, -r,
				    "write the policy entry again: coco-secret prepare does",
				    "the policy entry is no text, or longer than %d bytes",
				    POLICY_ENTRY_SIZE_MAX);
	r = policy_text_parse(text, conf, PIN_OF_ENTRY, policy, &line);
	if (r < 0)
		return fault_set(f, EXITCODE_POLICY_INVALID, -r,
				 "line %u of the policy entry is not valid%s", line,
				 conf ? ", or names a volume that cocotab does not have" : "");
	*ret_policy = *policy;
	return 0;
}

const struct pins *policy_entry_pins(const struct policy_entry *policy, const char *name)
{
	size_t i;

	for (i = 0; i < policy->nr_volumes; i++)
		if (strcmp(policy->volumes[i].name, name) == 0)
			return &policy->volumes[i];
	return NULL;
}

const char *pin_origin_name(enum pin_origin origin)
{
	static const char *const names[] = {
		[PIN_OF_ENTRY] = "the policy entry",
		[PIN_OF_IMAGE] = "the image's policy",
		[PIN_OF_BOTH] = "both policies",
	};

	return names[origin];
}

/* The code's own next step is that for a pin of the entry. */
static int mismatch(enum pin_origin origin, const char *what, struct fault *f)
{
	static const char *const whose[] = {
		[PIN_OF_ENTRY] = "the policy entry pins",
		[PIN_OF_IMAGE] = "the image's policy pins",
		[PIN_OF_BOTH] = "the image's policy and the policy entry both pin",
	};
	static const char *const next[] = {
		[PIN_OF_ENTRY] = "",
		[PIN_OF_IMAGE] =
			"attach the disk that the image's policy pins; if you have changed "
			"it yourself, correct " PATH_POLICY " and build the initramfs again",
		[PIN_OF_BOTH] =
			"attach the disk that both pin; if you have changed it yourself, "
			"correct " PATH_POLICY " and build the initramfs again, and pin it in "
			"the table with coco-secret pin",
	};

	return fault_advise(f, EXITCODE_PIN_MISMATCH, EPERM, next[origin], "%s %s", what,
			    whose[origin]);
}

int pins_check_header(const struct pins *pins, const unsigned char *metadata, size_t size,
		      const struct device *device, struct fault *f)
{
	char what[CONF_DEVICE_SIZE + 64];
	struct digest digest;
	size_t i;

	if (!pins || pins->nr_headers == 0)
		return 0;
	if (digest_sha256(metadata, size, &digest) < 0)
		return fault_set(f, EXITCODE_INTERNAL, ENOTSUP, "libcrypto has no SHA-256");
	for (i = 0; i < pins->nr_headers; i++)
		if (digest_equal(&digest, &pins->headers[i]))
			return 0;
	(void)snprintf(what, sizeof(what), "the header of %s is none of those that",
		       device->path); /* fits */
	return mismatch(pins->headers_of, what, f);
}

int pins_check_uuid(const struct pins *pins, const char *uuid, struct fault *f)
{
	char what[GUID_TEXT_SIZE + 64];

	if (!pins || !pins->uuid[0] || strcmp(pins->uuid, uuid) == 0)
		return 0;
	(void)snprintf(what, sizeof(what), "the LUKS UUID %s is not the one that", uuid); /* fits */
	return mismatch(pins->uuid_of, what, f);
}

int pins_check_key(const struct pins *pins, const struct secret *volume_key, const char *uuid,
		   struct fault *f)
{
	struct digest digest;
	char text[CONF_NAME_SIZE + 64];

	if (!pins)
		return 0;
	if (pins->has_volume_key &&
	    (secret_sha256(volume_key, &digest) < 0 || !digest_equal(&digest, &pins->volume_key)))
		return mismatch(pins->volume_key_of, "the volume key is not the one that", f);
	(void)snprintf(text, sizeof(text), "cryptsetup:%s:%s", pins->name, uuid); /* fits */
	if (pins->has_fixated_key && (secret_hmac_sha256(volume_key, text, &digest) < 0 ||
				      !digest_equal(&digest, &pins->fixated_key)))
		return mismatch(pins->fixated_key_of,
				"by its fixate-volume-key= the volume key is not the one that", f);
	return 0;
}
