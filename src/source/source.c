/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * source.c - what all sources have in common.
 * Knows none of them; may not know about disks.
 */
#include "source/source.h"

#include <string.h>

void source_init(const struct source_ops *ops, const struct root *root, const struct conf *conf,
		 struct source *ret_src)
{
	*ret_src = (struct source){
		.ops = ops,
		.root = root,
		.conf = conf,
		.info = { .kind = ops->kind, .refetchable = ops->refetchable },
		.fd = -EBADF,
	};
}

int source_missing(struct source *src, const struct reference *ref, struct fault *f)
{
	const struct reference look_alike = { .guid = GUID_KERNEL_EXAMPLE };
	unsigned int nr = 0;
	bool example = false;
	int r;

	r = src->ops->list(src, &look_alike, &nr, &example);
	if (r < 0)
		return fault_errno(f, EXITCODE_SECRET_MISSING, r, "cannot list the secrets");
	if (example && strcmp(ref->guid, GUID_DISK_SECRET) == 0)
		return fault_set(f, EXITCODE_EXAMPLE_GUID, ENOENT,
				 "the secret table has no entry %s, only the look-alike %s",
				 ref->guid, GUID_KERNEL_EXAMPLE);
	return fault_set(f, EXITCODE_SECRET_MISSING, ENOENT,
			 "the secret table has %u entries, none with GUID %s", nr, ref->guid);
}
