/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * imagepolicy.c - reads the image's policy, and brings it together with the policy entry.
 * Trusts the file to be the owner's, not to be free of mistakes. The entry may be that of whoever
 * passes for the owner's broker: it can only make the image's pins stricter.
 */
#include "volume/imagepolicy.h"

#include <fcntl.h>
#include <string.h>

#include "base/paths.h"

/* Returns 1 with the text, 0 if there is no such file, or -errno with f. */
static int read_text(const struct root *root, char **ret_text, struct fault *f)
{
	ssize_t n = root_read_text(root, PATH_POLICY, POLICY_ENTRY_SIZE_MAX, ret_text);
	_cleanup_close_ int link = -EBADF;

	if (n >= 0)
		return 1;
	if (n == -ENOENT) {
		/* A link into nowhere is there, and somebody has meant something by it. */
		link = root_open(root, PATH_POLICY, O_PATH | O_NOFOLLOW, 0);
		if (link == -ENOENT)
			return 0;
	}
	if (n == -EFBIG)
		return fault_set(f, EXITCODE_CONFIG, EFBIG, "%s: longer than %d bytes", PATH_POLICY,
				 POLICY_ENTRY_SIZE_MAX);
	return fault_errno(f, EXITCODE_CONFIG, (int)n, "%s", PATH_POLICY);
}

int image_policy_load(const struct root *root, const struct conf *conf,
		      struct policy_entry *ret_image, struct fault *f)
{
	_cleanup_free_ struct policy_entry *image = malloc(sizeof(*image));
	_cleanup_free_ char *text = NULL;
	unsigned int line = 0;
	int r;

	memset(ret_image, 0, sizeof(*ret_image));
	if (!image)
		return fault_set(f, EXITCODE_NO_MEMORY, ENOMEM, "no memory for the image's policy");
	r = read_text(root, &text, f);
	if (r <= 0)
		return r;
	r = policy_text_parse(text, conf, PIN_OF_IMAGE, image, &line);
	if (r < 0)
		return fault_set(f, EXITCODE_CONFIG, -r,
				 "%s:%u: not what coco-unlock-policy(5) says, or a volume that "
				 "cocotab does not have",
				 PATH_POLICY, line);
	*ret_image = *image;
	return 0;
}

bool image_policy_pins(const struct policy_entry *image, const char *name)
{
	const struct pins *p = policy_entry_pins(image, name);

	return p && (p->has_volume_key || p->has_fixated_key || p->nr_headers > 0);
}

int policy_suffices(const struct policy_entry *image, const struct policy_entry *entry,
		    const struct conf *conf, struct fault *f)
{
	const char *none = image->present ?
				   ", and the image's policy pins neither its key nor its header" :
				   "";
	size_t i;

	for (i = 0; i < conf->nr_volumes && conf->require_policy; i++) {
		const char *name = conf->volumes[i].name;

		if (policy_entry_pins(entry, name) || image_policy_pins(image, name))
			continue;
		if (!entry->present && !image->present)
			return fault_set(f, EXITCODE_POLICY_MISSING, ENOENT,
					 "the secret table has no policy entry, and the "
					 "configuration requires one");
		return fault_set(f, EXITCODE_POLICY_MISSING, ENOENT, "%s about volume %s%s",
				 entry->present ? "the policy entry says nothing" :
						  "there is no policy entry that says something",
				 name, none);
	}
	return 0;
}

int policy_check_bare(const struct policy_entry *image, const struct conf *conf, struct fault *f)
{
	size_t i;

	if (!conf->require_policy || conf->kbs.format != RESOURCE_SECRET)
		return 0;
	for (i = 0; i < conf->nr_volumes; i++)
		if (!image_policy_pins(image, conf->volumes[i].name))
			return fault_advise(f, EXITCODE_POLICY_MISSING, ENOENT,
					    "put volume-key= into " PATH_POLICY
					    ", and build the initramfs again",
					    "a bare secret of a key broker (ResourceFormat=secret) "
					    "brings no policy entry, and the image pins neither "
					    "key nor header of volume %s",
					    conf->volumes[i].name);
	return 0;
}

static int contradict(struct fault *f, const char *key, const char *name, const char *how)
{
	return fault_advise(f, EXITCODE_POLICY_INVALID, EPERM,
			    "correct the one that is wrong: " PATH_POLICY
			    ", and build the initramfs again; or the policy entry, with coco-secret "
			    "pin for instance",
			    "%s= of volume %s: the image's policy and the policy entry %s", key,
			    name, how);
}

/* A pin that there can be once. Returns false if the two differ. */
static bool merge_digest(bool *has, struct digest *digest, enum pin_origin *of, bool image_has,
			 const struct digest *image)
{
	if (!image_has)
		return true;
	if (*has && !digest_equal(digest, image))
		return false;
	*of = *has ? PIN_OF_BOTH : PIN_OF_IMAGE;
	*has = true;
	*digest = *image;
	return true;
}

static bool has_header(const struct pins *p, const struct digest *header)
{
	size_t i;

	for (i = 0; i < p->nr_headers; i++)
		if (digest_equal(&p->headers[i], header))
			return true;
	return false;
}

/* Returns false if no header is left. */
static bool merge_headers(struct pins *p, const struct pins *image)
{
	size_t i, nr = 0;

	if (image->nr_headers == 0)
		return true;
	if (p->nr_headers == 0) {
		memcpy(p->headers, image->headers, sizeof(p->headers));
		p->nr_headers = image->nr_headers;
		p->headers_of = PIN_OF_IMAGE;
		return true;
	}
	for (i = 0; i < p->nr_headers; i++)
		if (has_header(image, &p->headers[i]))
			p->headers[nr++] = p->headers[i];
	p->nr_headers = nr;
	p->headers_of = PIN_OF_BOTH;
	return nr > 0;
}

static void merge_generations(struct pins *p, const struct pins *image)
{
	p->has_min_generation |= image->has_min_generation;
	p->has_set_generation |= image->has_set_generation;
	if (image->min_generation > p->min_generation)
		p->min_generation = image->min_generation;
	if (image->set_generation > p->set_generation)
		p->set_generation = image->set_generation;
	/* One may raise less than the other demands: a root that boots is already there. */
	if (p->has_set_generation && p->set_generation < p->min_generation)
		p->set_generation = p->min_generation;
}

static int merge_pins(struct pins *p, const struct pins *image, struct fault *f)
{
	if (image->uuid[0] && p->uuid[0] && strcmp(image->uuid, p->uuid) != 0)
		return contradict(f, "uuid", p->name, "differ");
	if (image->uuid[0]) {
		p->uuid_of = p->uuid[0] ? PIN_OF_BOTH : PIN_OF_IMAGE;
		memcpy(p->uuid, image->uuid, sizeof(p->uuid));
	}
	if (!merge_digest(&p->has_volume_key, &p->volume_key, &p->volume_key_of,
			  image->has_volume_key, &image->volume_key))
		return contradict(f, "volume-key", p->name, "differ");
	if (!merge_digest(&p->has_fixated_key, &p->fixated_key, &p->fixated_key_of,
			  image->has_fixated_key, &image->fixated_key))
		return contradict(f, "fixate-volume-key", p->name, "differ");
	if (!merge_headers(p, image))
		return contradict(f, "header", p->name, "have none in common");
	merge_generations(p, image);
	return 0;
}

static struct pins *find(struct policy_entry *policy, const char *name)
{
	size_t i;

	for (i = 0; i < policy->nr_volumes; i++)
		if (strcmp(policy->volumes[i].name, name) == 0)
			return &policy->volumes[i];
	return NULL;
}

int policy_merge(const struct policy_entry *image, struct policy_entry *policy, struct fault *f)
{
	size_t i;
	int r = 0;

	for (i = 0; i < image->nr_volumes && r >= 0; i++) {
		struct pins *p = find(policy, image->volumes[i].name);

		if (p)
			r = merge_pins(p, &image->volumes[i], f);
		else if (policy->nr_volumes < CONF_VOLUMES_MAX)
			policy->volumes[policy->nr_volumes++] = image->volumes[i];
		else /* not where both have volumes of one cocotab */
			r = fault_set(f, EXITCODE_INTERNAL, E2BIG, "too many volumes are pinned");
	}
	return r;
}

static bool doubt_open(const struct policy_entry *image, const struct volume_conf *volume,
		       const struct conf *conf, char *buf, size_t size)
{
	if (!conf_has_source(conf, SOURCE_KBS) || image_policy_pins(image, volume->name))
		return false;
	(void)snprintf(buf, size,
		       "%s pins neither key nor header of volume %s: a false broker that gets past "
		       "the check of its identity boots a disk of its own; next: put volume-key= "
		       "into it",
		       PATH_POLICY, volume->name); /* fits */
	return true;
}

static bool doubt_headers(const struct policy_entry *image, const struct volume_conf *volume,
			  char *buf, size_t size)
{
	const struct pins *p = policy_entry_pins(image, volume->name);

	if (!p || p->nr_headers == 0)
		return false;
	(void)snprintf(buf, size,
		       "%s pins the header of volume %s: coco-secret rotate and recovery change it, "
		       "and boots then end with code 29 (pin-mismatch) until the image is built "
		       "again; next: pin volume-key= in its place, which they keep",
		       PATH_POLICY, volume->name); /* fits */
	return true;
}

bool image_policy_doubt(const struct policy_entry *image, const struct conf *conf, size_t n,
			char *buf, size_t size)
{
	size_t i;

	for (i = 0; i < conf->nr_volumes; i++) {
		if (doubt_open(image, &conf->volumes[i], conf, buf, size) && n-- == 0)
			return true;
		if (doubt_headers(image, &conf->volumes[i], buf, size) && n-- == 0)
			return true;
	}
	return false;
}
