/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * policy_entry.c - fuzz target: the owner's policy entry. What is accepted is in range, is written
 * by policytext.c as a text that reads the same, can be compared with, and agrees with itself as the
 * image's policy.
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

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct policy_entry policy;
	struct fault f = { 0 };
	struct conf conf;
	int r;

	conf_defaults(&conf);
	conf.volumes[1] = conf.volumes[0];
	memcpy(conf.volumes[1].name, "data", sizeof("data"));
	conf.nr_volumes = 2;
	conf.require_policy = true;
	fuzz_secret_set(&entry, data, size);
	memset(&policy, 0, sizeof(policy));
	r = policy_entry_parse(&entry, &conf, &policy, &f);
	FUZZ_MUST(r == 0 || r == -EINVAL || r == -EFBIG);
	FUZZ_MUST(f.code == (r ? EXITCODE_POLICY_INVALID : 0) && policy.present == (r == 0));
	if (r < 0)
		return 0;
	fuzz_accepted++;
	check(&policy);
	check_again(&policy, &conf);
	check_image((const char *)data, size, &policy, &conf);
	return 0;
}
