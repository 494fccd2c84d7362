/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * examine.c - decides about a volume, step by step; each step trusts what the one before it
 * has accepted, and nothing else. Reads the disk's header once. May not map, mount or load.
 */
#include "examine.h"

#include <string.h>

static int copy_header(const struct conf *conf, size_t i, const struct pins *pins,
		       const struct judge_process *judge, const struct device *device,
		       struct report_volume *rv, struct examined *e, struct fault *f)
{
	struct header_area areas[HEADER_AREAS_MAX];
	struct verdict *v = &e->verdict;
	uint32_t n;
	int r;

	r = header_read(device, &e->header, f);
	if (r < 0)
		return r;
	/* The pin comes first: no parser sees bytes that the owner did not mean. */
	r = pins_check_header(pins, e->header.metadata, device, f);
	if (r < 0)
		return r;
	r = judge_ask(judge, conf, i, e->header.metadata, device, v, f);
	memcpy(rv->uuid, v->uuid, sizeof(rv->uuid));
	memcpy(rv->cipher, v->cipher, sizeof(rv->cipher));
	(void)snprintf(rv->header, sizeof(rv->header), "%s", r < 0 ? v->rule : "accepted");
	if (r < 0)
		return r;
	r = pins_check_uuid(pins, v->uuid, f);
	if (r < 0)
		return r;
	for (n = 0; n < v->nr_keyslots; n++)
		areas[n] = v->keyslots[n].area;
	return header_seal(&e->header, device, areas, v->nr_keyslots, v->data_offset, f);
}

/* libcryptsetup reads the sealed copy, and must see in it what the judge has seen. */
static int load(const struct volume_conf *vc, const struct device *device,
		struct report_volume *rv, struct examined *e, struct fault *f)
{
	const char *rule = NULL;
	int r;

	r = volume_load(&e->header, device, &e->volume, f);
	if (r >= 0)
		r = volume_check(&e->volume, vc, &e->verdict, &rule, f);
	if (rule)
		(void)snprintf(rv->header, sizeof(rv->header), "%s", rule); /* fits */
	return r;
}

int examine(const struct conf *conf, size_t i, const struct pins *pins,
	    const struct judge_process *judge, const struct device *device, uint64_t memory_kib,
	    struct secret *secret, struct report *report, struct examined *ret_examined,
	    struct fault *f)
{
	_cleanup_(examined_done) struct examined e = EXAMINED_NULL;
	struct report_volume *rv = &report->volumes[i];
	int r;

	report_stage(report, STAGE_HEADER);
	r = copy_header(conf, i, pins, judge, device, rv, &e, f);
	if (r >= 0)
		r = load(&conf->volumes[i], device, rv, &e, f);
	if (r < 0)
		return r;
	report_stage(report, STAGE_KEYSLOT);
	r = volume_unlock(&e.volume, &e.verdict, secret, memory_kib, f);
	secret_done(secret);
	if (r >= 0)
		r = pins_check_key(pins, &e.volume.key, e.verdict.uuid, f);
	if (r < 0)
		return r;
	rv->form = e.volume.form;
	rv->keyslot = e.volume.keyslot;
	*ret_examined = e;
	e = EXAMINED_NULL;
	return 0;
}

void examined_done(struct examined *examined)
{
	volume_done(&examined->volume);
	header_done(&examined->header);
	*examined = EXAMINED_NULL;
}
