/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * examine.c - decides about a volume, step by step; each step trusts what the one before it
 * has accepted, and nothing else. Reads the disk's header once. May not map, mount or load.
 */
#include "volume/examine.h"

#include <string.h>

static void set_rule(struct examined *e, const char *rule)
{
	(void)snprintf(e->rule, sizeof(e->rule), "%s", rule); /* rules fit */
}

static int copy_header(const struct conf *conf, size_t i, const struct pins *pins,
		       const struct judge_process *judge, const struct device *device,
		       struct examined *e, struct fault *f)
{
	struct header_area areas[HEADER_AREAS_MAX];
	struct verdict *v = &e->verdict;
	uint32_t n;
	int r;

	r = header_read(device, conf->volumes[i].metadata_size, &e->header, f);
	if (r < 0)
		return r;
	/* The pin comes first: no parser sees bytes that the owner did not mean. */
	r = pins_check_header(pins, e->header.metadata, e->header.size, device, f);
	if (r < 0)
		return r;
	r = judge_ask(judge, conf, i, e->header.metadata, device, v, f);
	set_rule(e, r < 0 ? v->rule : "accepted");
	if (r < 0)
		return r;
	r = pins_check_uuid(pins, v->uuid, f);
	if (r < 0)
		return r;
	for (n = 0; n < v->nr_keyslots; n++)
		areas[n] = v->keyslots[n].area;
	return header_seal(&e->header, device, areas, v->nr_keyslots, v->data_offset, f);
}

int examine_header(const struct conf *conf, size_t i, const struct pins *pins,
		   const struct judge_process *judge, const struct device *device,
		   struct examined *examined, struct fault *f)
{
	const char *rule = NULL;
	int r;

	r = copy_header(conf, i, pins, judge, device, examined, f);
	if (r < 0)
		return r;
	/* libcryptsetup reads the sealed copy, and must see in it what the judge has seen. */
	r = volume_load(&examined->header, device, &examined->volume, f);
	if (r >= 0)
		r = volume_check(&examined->volume, &conf->volumes[i], &examined->verdict, &rule,
				 f);
	if (rule)
		set_rule(examined, rule);
	return r;
}

int examine_keyslot(struct examined *examined, const struct pins *pins, int keyslot,
		    uint64_t memory_kib, struct secret *secret, struct fault *f)
{
	int r;

	r = volume_unlock(&examined->volume, &examined->verdict, secret, keyslot, memory_kib, f);
	secret_done(secret);
	if (r >= 0)
		r = pins_check_key(pins, &examined->volume.key, examined->verdict.uuid, f);
	return r;
}

void examined_done(struct examined *examined)
{
	volume_done(&examined->volume);
	header_done(&examined->header);
	*examined = EXAMINED_NULL;
}
