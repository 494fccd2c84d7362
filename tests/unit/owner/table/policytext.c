/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * policytext.c - what is written as a policy entry is read back by the guest as the same.
 */
#include "owner/table/policytext.h"

#include "bytes.h"
#include "conf/cocotab.h"

static struct conf conf;

static void add_volume(struct policy_entry *p, const char *name)
{
	(void)snprintf(p->volumes[p->nr_volumes++].name, CONF_NAME_SIZE, "%s", name);
	p->present = true;
}

static struct digest digest(unsigned char first)
{
	struct digest d;
	size_t i;

	for (i = 0; i < sizeof(d.octets); i++)
		d.octets[i] = (unsigned char)(first + 7 * i);
	return d;
}

/* Every pin that there is, in a volume. */
static void fill(struct pins *p, size_t nr_headers)
{
	size_t i;

	memcpy(p->uuid, "5c0c0a7e-0009-4000-8000-000000000001", sizeof(p->uuid));
	for (i = 0; i < nr_headers; i++)
		p->headers[p->nr_headers++] = digest((unsigned char)i);
	p->has_volume_key = p->has_fixated_key = true;
	p->volume_key = digest(100);
	p->fixated_key = digest(200);
	p->has_min_generation = p->has_set_generation = true;
	p->min_generation = 0;
	p->set_generation = INT64_MAX;
}

static bool round_trip(const struct policy_entry *policy, char **ret_text)
{
	struct policy_entry again = { 0 };
	struct fault f = { 0 };
	struct secret s;
	ssize_t len = policytext_format(policy, ret_text);
	bool same;

	if (len < 0)
		return false;
	s = bytes_secret(*ret_text, (size_t)len);
	same = policy_entry_parse(&s, &conf, &again, &f) == 0 &&
	       memcmp(&again, policy, sizeof(again)) == 0;
	if (!same)
		printf("# %s\n%s", f.why, *ret_text);
	secret_done(&s);
	return same;
}

int main(void)
{
	static struct policy_entry p, full;
	struct fault f = { 0 };
	char *text = NULL, cocotab[2048] = "", line[64];
	size_t i;

	BYTES_MUST(digest_init_library() == 0);
	conf_defaults(&conf);
	for (i = 0; i < CONF_VOLUMES_MAX; i++) {
		(void)snprintf(line, sizeof(line), "v%zu /dev/v%zu\n", i, i);
		strcat(cocotab, line);
	}
	BYTES_MUST(cocotab_parse(&conf, cocotab, "cocotab", &f) == 0);

	add_volume(&p, "v3");
	memcpy(p.volumes[0].uuid, "5c0c0a7e-0009-4000-8000-000000000001",
	       sizeof(p.volumes[0].uuid));
	p.volumes[0].headers[p.volumes[0].nr_headers++] = digest(0);
	ok(round_trip(&p, &text), "uuid and header");
	is_str(text,
	       "version=1\nvolume=v3\nuuid=5c0c0a7e-0009-4000-8000-000000000001\n"
	       "header=sha256:00070e151c232a31383f464d545b626970777e858c939aa1a8afb6bdc4cbd2d9\n",
	       "... to the letter");
	free(text);
	for (i = 0; i < 6; i++) {
		static struct policy_entry one;
		struct pins all = { 0 }, *q;

		memset(&one, 0, sizeof(one));
		add_volume(&one, "v0");
		q = &one.volumes[0];
		fill(&all, 1);
		if (i == 0)
			memcpy(q->uuid, all.uuid, sizeof(q->uuid));
		if (i == 1)
			q->headers[q->nr_headers++] = all.headers[0];
		q->has_volume_key = i == 2;
		q->has_fixated_key = i == 3;
		q->has_min_generation = i == 4;
		q->has_set_generation = i == 5;
		q->volume_key = i == 2 ? all.volume_key : q->volume_key;
		q->fixated_key = i == 3 ? all.fixated_key : q->fixated_key;
		q->min_generation = i == 4 ? 7 : 0;
		q->set_generation = i == 5 ? 8 : 0;
		text = NULL;
		ok(round_trip(&one, &text), "pin %zu alone", i);
		free(text);
	}
	add_volume(&full, "v1");
	fill(&full.volumes[0], POLICY_ENTRY_HEADERS_MAX);
	add_volume(&full, "v0");
	fill(&full.volumes[1], POLICY_ENTRY_HEADERS_MAX);
	text = NULL;
	ok(round_trip(&full, &text), "two volumes with all that there is");
	free(text);
	for (i = 2; i < CONF_VOLUMES_MAX; i++) {
		(void)snprintf(line, sizeof(line), "v%zu", i);
		add_volume(&full, line);
		fill(&full.volumes[i], POLICY_ENTRY_HEADERS_MAX);
	}
	text = NULL;
	is_int(policytext_format(&full, &text), -E2BIG, "more than an entry may be long");
	ok(!text, "... nothing to free");
	return tap_done();
}
