/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * target.c - opens the disk of a verb, its header and its configuration together.
 * Trusts neither; what the unlocker would refuse is refused.
 */
#include "target.h"

#include "forecast.h"
#include "guestconf.h"

bool target_option(struct target_options *o, int c, const char *value)
{
	if (c == 'c')
		o->config = value;
	else if (c == 'v')
		o->volume = value;
	else
		return false;
	return true;
}

int target_failure(const struct target *t, int r, const struct fault *fault, struct fault *f)
{
	return r < 0 ? forecast_failure(fault, t->o->disk, f) : r;
}

int target_open(struct target *t, const struct target_options *o, bool writable, struct fault *f)
{
	struct fault fault = { 0 };
	size_t i = 0;
	int r;

	t->o = o;
	r = guestconf_load(o->config, o->volume, &t->conf, &i, f);
	if (r < 0)
		return r;
	t->vc = &t->conf.volumes[i];
	r = image_open(o->disk, writable, &t->image, &fault);
	if (r < 0)
		return image_failure(o->disk, r, &fault, f);
	r = luksheader_take(&t->image, &t->conf, t->vc, &t->header, &fault);
	return target_failure(t, r, &fault, f);
}

int target_put(const struct target *t, struct fault *f)
{
	struct fault fault = { 0 };

	return target_failure(t, luksheader_put(&t->header, &fault), &fault, f);
}

void target_done(struct target *t)
{
	luksheader_done(&t->header);
	image_done(&t->image);
}
