/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * target.c - opens the disk of a verb, its header and its configuration together.
 * Trusts neither; what the unlocker would refuse is refused.
 */
#include "owner/plan/target.h"

#include <stdio.h>
#include <string.h>

#include "owner/disk/member.h"
#include "owner/launch/firmware.h"
#include "owner/plan/guestconf.h"
#include "owner/plan/sides.h"
#include "owner/table/table.h"

int target_open(struct target *t, const struct target_options *o, bool writable, struct fault *f)
{
	size_t i = 0;
	int r;

	t->o = o;
	r = guestconf_load(o->config, o->volume, &t->conf, &i, f);
	if (r >= 0)
		r = guestconf_policy(o->config, &t->conf, &t->image_policy, f);
	if (r < 0)
		return r;
	t->vc = &t->conf.volumes[i];
	t->area = TABLE_AREA_SIZE;
	if (o->firmware)
		r = firmware_secret_area(o->firmware, &t->area, f);
	if (r < 0)
		return r;
	r = image_open(o->disk, writable, &t->image, f);
	if (r >= 0)
		r = member_refuse(&t->image, f); /* also of who only looks: no advice would hold */
	if (r >= 0)
		r = luksheader_take(&t->image, &t->conf, t->vc, &t->header, f);
	return fault_name(f, r, o->disk);
}

void target_explain_policy(const struct target *t, struct fault *f)
{
	if (f->code != EXITCODE_POLICY_INVALID || t->o->config || *f->next)
		return;
	(void)snprintf(f->next, sizeof(f->next),
		       "%s; if cocotab has other volumes than %s, give --config",
		       exitcode_owner_next(f->code), t->vc->name); /* fits */
}

int target_add(struct target *t, const struct secret *volume_key, const struct secret *passphrase,
	       enum luksheader_kdf kdf, const char *key_file, struct fault *f)
{
	char command[FAULT_NEXT_MAX - 128];
	int r = luksheader_add(&t->header, volume_key, passphrase, kdf, f);

	if (r != -ENOSPC)
		return r;
	sides_command_key(command, sizeof(command), t, "remove-keyslot", "N", key_file);
	(void)snprintf(f->next, sizeof(f->next),
		       "take one away that nobody needs, with its number (cryptsetup luksDump has it) "
		       "for N: %s",
		       command); /* fits */
	return r;
}

int target_put(const struct target *t, struct fault *f)
{
	int r = luksheader_put(&t->header, f);
	char command[FAULT_NEXT_MAX - 64];

	if (r < 0 && !*f->next) {
		sides_command(command, sizeof(command), t, SIDES_WORDS("repair", NULL), NULL, NULL,
			      SIDES_WORDS(NULL));
		(void)snprintf(f->next, sizeof(f->next),
			       "this gives it the old header or the new one, whole: %s",
			       command); /* fits */
	}
	return fault_name(f, r, t->o->disk);
}

void target_done(struct target *t)
{
	luksheader_done(&t->header);
	image_done(&t->image);
}
