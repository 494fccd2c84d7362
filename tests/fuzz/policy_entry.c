/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * policy_entry.c - fuzz target: the owner's policy entry, and behind a line "--" the image's policy.
 * What is accepted is in range, is written by policytext.c as a text that reads the same, can be
 * compared with, and agrees with itself as the image's policy; what two come to together is no
 * weaker than either of them.
 */
#include "fuzz.h"

#include "disk/header.h"
#include "owner/table/policytext.h"
#include "volume/imagepolicy.h"

static struct secret entry = SECRET_NULL, volume_key = SECRET_NULL;

/* What is pinned is compared with; nothing here has these digests. */
static void check_pins(const struct pins *p)
{
	static const unsigned char metadata[HEADER_METADATA_SIZE];
	const struct device device = { .path = "fuzz" };
	struct fault f = { 0 };

	FUZZ_MUST(pins_check_header(p, metadata, sizeof(metadata), &device, &f) ==
		  (p->nr_headers ? -EPERM : 0));
	fuzz_secret_set(&volume_key, (const uint8_t *)"key", 3);
	FUZZ_MUST(pins_check_key(p, &volume_key, p->uuid, &f) ==
		  (p->has_volume_key || p->has_fixated_key ? -EPERM : 0));
}

static void check(const struct policy_entry *policy)
{
	struct fault f = { 0 };
	size_t i;

	FUZZ_MUST(policy->present && policy->nr_volumes >= 1 && policy->nr_volumes <= 2);
	for (i = 0; i < policy->nr_volumes; i++) {
		const struct pins *p = &policy->volumes[i];
		char uuid[GUID_TEXT_SIZE];

		FUZZ_MUST(strcmp(p->name, "root") == 0 || strcmp(p->name, "data") == 0);
		FUZZ_MUST(policy_entry_pins(policy, p->name) == p); /* so none is there twice */
		FUZZ_MUST(p->nr_headers <= POLICY_ENTRY_HEADERS_MAX);
		FUZZ_MUST(p->min_generation <= INT64_MAX && p->set_generation <= INT64_MAX);
		FUZZ_MUST(!p->has_set_generation || p->set_generation >= p->min_generation);
		FUZZ_MUST(!p->uuid[0] || guid_from_text(p->uuid, uuid) == 0);
		FUZZ_MUST(pins_check_uuid(p, p->uuid, &f) == 0);
		FUZZ_MUST(pins_check_uuid(p, "", &f) == (p->uuid[0] ? -EPERM : 0));
		check_pins(p);
	}
}

/* The text is not the same one, since lines may be in another order; what it becomes is. */
static void check_again(const struct policy_entry *policy, const struct conf *conf)
{
	static struct policy_entry again;
	char *text = NULL, *second = NULL;
	struct fault f = { 0 };
	ssize_t len = policytext_format(policy, &text);

	FUZZ_MUST(len > 0 && len <= POLICY_ENTRY_SIZE_MAX);
	fuzz_secret_set(&entry, (const uint8_t *)text, (size_t)len);
	memset(&again, 0, sizeof(again));
	FUZZ_MUST(policy_entry_parse(&entry, conf, &again, &f) == 0);
	FUZZ_MUST(policytext_format(&again, &second) == len && strcmp(text, second) == 0);
	free(text);
	free(second);
}

/* As the image's policy it says the same, and the two agree. */
static void check_image(const char *text, size_t len, const struct policy_entry *policy,
			const struct conf *conf)
{
	static struct policy_entry image, merged;
	char *copy = strndup(text, len), *first = NULL, *second = NULL;
	struct policy_entry none = { .present = false };
	unsigned int line = 0;
	struct fault f = { 0 };

	FUZZ_MUST(copy && policy_text_parse(copy, conf, PIN_OF_IMAGE, &image, &line) == 0);
	FUZZ_MUST((policy_suffices(&none, policy, conf, &f) == 0) == (policy->nr_volumes == 2));
	FUZZ_MUST((policy_suffices(&image, &none, conf, &f) == 0) ==
		  (image_policy_pins(&image, "root") && image_policy_pins(&image, "data")));
	f = (struct fault){ 0 };
	merged = *policy;
	FUZZ_MUST(policy_merge(&image, &merged, &f) == 0 && f.code == EXITCODE_OK);
	FUZZ_MUST(policytext_format(policy, &first) > 0 && policytext_format(&merged, &second) > 0);
	FUZZ_MUST(strcmp(first, second) == 0);
	free(copy);
	free(first);
	free(second);
}

/* What both come to is no weaker than either of them. */
static void check_stricter(const struct pins *merged, const struct pins *p)
{
	size_t i, k;

	FUZZ_MUST(!p->uuid[0] || strcmp(p->uuid, merged->uuid) == 0);
	FUZZ_MUST(!p->has_volume_key ||
		  (merged->has_volume_key && digest_equal(&p->volume_key, &merged->volume_key)));
	FUZZ_MUST(!p->has_fixated_key ||
		  (merged->has_fixated_key && digest_equal(&p->fixated_key, &merged->fixated_key)));
	FUZZ_MUST(merged->min_generation >= p->min_generation);
	FUZZ_MUST(merged->set_generation >= p->set_generation);
	FUZZ_MUST(!merged->has_set_generation || merged->set_generation >= merged->min_generation);
	if (p->nr_headers == 0)
		return;
	FUZZ_MUST(merged->nr_headers > 0);
	for (i = 0; i < merged->nr_headers; i++) {
		for (k = 0; k < p->nr_headers; k++)
			if (digest_equal(&merged->headers[i], &p->headers[k]))
				break;
		FUZZ_MUST(k < p->nr_headers);
	}
}

static void check_merge(const struct policy_entry *policy, const char *text,
			const struct conf *conf)
{
	static struct policy_entry image, merged;
	char *copy = strdup(text);
	unsigned int line = 0;
	struct fault f = { 0 };
	size_t i;

	FUZZ_MUST(copy);
	merged = *policy;
	if (policy_text_parse(copy, conf, PIN_OF_IMAGE, &image, &line) >= 0) {
		if (policy_merge(&image, &merged, &f) < 0) {
			FUZZ_MUST(f.code == EXITCODE_POLICY_INVALID && *f.why && *f.next);
		} else {
			for (i = 0; i < policy->nr_volumes; i++)
				check_stricter(policy_entry_pins(&merged, policy->volumes[i].name),
					       &policy->volumes[i]);
			for (i = 0; i < image.nr_volumes; i++)
				check_stricter(policy_entry_pins(&merged, image.volumes[i].name),
					       &image.volumes[i]);
		}
	}
	free(copy);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct policy_entry policy;
	struct fault f = { 0 };
	const uint8_t *second = memmem(data, size, "\n--\n", 4);
	char *other =
		second ? strndup((const char *)second + 4, size - (size_t)(second + 4 - data)) :
			 NULL;
	struct conf conf;
	int r;

	conf_defaults(&conf);
	conf.volumes[1] = conf.volumes[0];
	memcpy(conf.volumes[1].name, "data", sizeof("data"));
	conf.nr_volumes = 2;
	conf.require_policy = true;
	if (second)
		size = (size_t)(second + 1 - data);
	fuzz_secret_set(&entry, data, size);
	memset(&policy, 0, sizeof(policy));
	r = policy_entry_parse(&entry, &conf, &policy, &f);
	FUZZ_MUST(r == 0 || r == -EINVAL || r == -EFBIG);
	FUZZ_MUST(f.code == (r ? EXITCODE_POLICY_INVALID : 0) && policy.present == (r == 0));
	if (r < 0) {
		free(other);
		return 0;
	}
	fuzz_accepted++;
	check(&policy);
	check_again(&policy, &conf);
	check_image((const char *)data, size, &policy, &conf);
	if (other)
		check_merge(&policy, other, &conf);
	free(other);
	return 0;
}
