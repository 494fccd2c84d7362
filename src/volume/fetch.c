/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * fetch.c - the order in which a source is asked: pins come first, and refuse first. What the image
 * pins holds whatever the source says.
 * Trusts the source no more than its operations promise; may not look at a disk.
 */
#include "volume/fetch.h"

#include <string.h>

#include "volume/imagepolicy.h"

int fetch_policy(struct source *src, const struct policy_entry *image,
		 struct policy_entry *ret_policy, struct fault *f)
{
	_cleanup_secret_ struct secret entry = SECRET_NULL;
	const struct reference ref = REFERENCE_POLICY;
	unsigned int ignored;
	bool there = false;
	int r;

	memset(ret_policy, 0, sizeof(*ret_policy));
	r = src->ops->list(src, &ref, &ignored, &there);
	if (r < 0)
		return fault_errno(f, EXITCODE_SECRET_MISSING, r, "cannot list the secrets");
	if (there) {
		r = src->ops->fetch(src, &ref, &entry, f);
		if (r < 0)
			return r;
		r = policy_entry_parse(&entry, src->conf, ret_policy, f);
		if (r < 0)
			return r;
	}
	r = policy_suffices(image, ret_policy, src->conf, f);
	return r < 0 ? r : policy_merge(image, ret_policy, f);
}

int fetch_secrets(struct source *src, struct secret *secrets, struct fault *f)
{
	size_t i;
	int r = 0;

	for (i = 0; i < src->conf->nr_volumes && r >= 0; i++)
		r = src->ops->fetch(src, &src->conf->volumes[i].secret, &secrets[i], f);
	return r;
}
