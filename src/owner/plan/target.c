/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * target.c - opens the disk of a verb, its header and its configuration together.
 * Trusts neither; what the unlocker would refuse is refused.
 */
#include "owner/plan/target.h"

#include <stdio.h>
#include <string.h>

#include "disk/device.h"
#include "owner/io/shell.h"
#include "owner/plan/guestconf.h"

/* Written past the RAID, its parts would no longer be alike. */
static int refuse_raid_member(const struct image *image, struct fault *f)
{
	const struct device_spec any = { .kind = DEVICE_KIND_AUTO };
	char type[32];
	int r = device_matches(image->fd, image->offset, image->size, &any, type);

	if (r < 0)
		return image_refuse(f, -r, image->path, "cannot look at it: %s", strerror(-r));
	return r == DEVICE_RAID_MEMBER ?
		       fault_about(f, EXITCODE_REFUSED, image->path,
				   "put the RAID together (mdadm --assemble), and give its own device; if "
				   "it is a part no more, remove that signature (wipefs)",
				   "it is a part of a RAID") :
		       0;
}

int target_open(struct target *t, const struct target_options *o, bool writable, struct fault *f)
{
	size_t i = 0;
	int r;

	t->o = o;
	r = guestconf_load(o->config, o->volume, &t->conf, &i, f);
	if (r < 0)
		return r;
	t->vc = &t->conf.volumes[i];
	r = image_open(o->disk, writable, &t->image, f);
	if (r >= 0 && writable)
		r = refuse_raid_member(&t->image, f);
	if (r >= 0)
		r = luksheader_take(&t->image, &t->conf, t->vc, &t->header, f);
	return fault_name(f, r, o->disk);
}

int target_put(const struct target *t, struct fault *f)
{
	int r = luksheader_put(&t->header, f);
	char word[FAULT_NEXT_MAX - 96];

	if (r < 0 && !*f->next) {
		if (shell_word(word, sizeof(word), t->o->disk) < 0 || !fault_shows(word))
			(void)snprintf(word, sizeof(word), "DISK"); /* fits */
		(void)snprintf(f->next, sizeof(f->next),
			       "coco-secret repair %s: then it has the old header or the new one, whole",
			       word); /* fits */
	}
	return fault_name(f, r, t->o->disk);
}

void target_done(struct target *t)
{
	luksheader_done(&t->header);
	image_done(&t->image);
}
