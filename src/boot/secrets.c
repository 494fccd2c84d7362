/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * secrets.c - how a try to unlock gets its secrets, and that nothing of them stays in the source.
 * The source is chosen, opened, read, and wiped, in this order, and the wipe comes whatever went
 * wrong before it. Trusts the configuration for which sources there may be, and rescue.c for an
 * answer's signature. Knows no disk.
 */
#include "boot/secrets.h"

#include "base/log.h"
#include "boot/choice.h"
#include "volume/fetch.h"
#include "volume/imagepolicy.h"

static void log_secrets(const struct source_info *info)
{
	if (info->refetchable)
		log_info("secrets: %u released by %s, %u read, our copies wiped; this guest can "
			 "ask for them again",
			 info->found, info->broker, info->read);
	else
		log_info("secrets: %u found by %s, %u read, %u wiped, %u kept", info->found,
			 info->module[0] ? info->module : "a built-in driver", info->read,
			 info->wiped, info->kept);
}

/* What stays of the owner's rescue entry is what rescue_keys_make() makes of it. Without it, or if
 * it is none, no answer can carry a secret, which is no reason not to unlock. */
static void read_rescue_entry(struct secrets *s, struct source *src)
{
	static const struct reference ref = REFERENCE_RESCUE;
	_cleanup_secret_ struct secret entry = SECRET_NULL;
	struct fault f = { 0 };
	unsigned int ignored;
	bool there = false;

	s->attempts->keys->there = false;
	if (src->ops->list(src, &ref, &ignored, &there) < 0 || !there)
		return;
	if (src->ops->fetch(src, &ref, &entry, &f) < 0 ||
	    rescue_keys_make(&entry, s->attempts->keys, &f) < 0)
		log_warning("a rescue of this boot cannot carry secrets: %s", f.why);
}

/* f counts, after the wipe. */
static void read_source(struct secrets *s, struct source *src, struct fault *f)
{
	stages_enter(&s->report->stages, STAGE_READ);
	s->attempts->read = false;
	if (fetch_policy(src, &s->image, &s->attempts->policy, f) < 0)
		return;
	s->attempts->read = true;
	if (s->attempts->keys)
		read_rescue_entry(s, src);
	(void)fetch_secrets(src, s->list, f);
}

static void note_entries(struct secrets *s, struct source *src)
{
	if (s->attempts && src->ops->names)
		s->attempts->nr_entries =
			src->ops->names(src, s->attempts->entries, ATTEMPT_ENTRIES_MAX);
}

int secrets_take(struct secrets *s, struct fault *f)
{
	struct source list[SOURCES_MAX], *src;
	size_t nr, i;
	int r = 0, failed;

	stages_enter(&s->report->stages, STAGE_SECRET_MODULE);
	nr = choice_list(s->root, s->conf, false, s->deadline, list);
	src = choice_make(list, nr, f);
	if (f->code == EXITCODE_OK && src->ops->refetchable) {
		(void)policy_check_bare(&s->image, s->conf, f); /* f counts */
		stages_enter(&s->report->stages, STAGE_EXCHANGE);
	}
	if (f->code == EXITCODE_OK && src->ops->open(src, f) >= 0)
		read_source(s, src, f);
	note_entries(s, src);
	stages_enter(&s->report->stages, STAGE_WIPE);
	for (i = 0; i < nr; i++) {
		failed = list[i].ops->discard(&list[i], f);
		r = r < 0 ? r : failed;
		list[i].ops->done(&list[i]);
	}
	s->report->source = src->info;
	s->report->discarded = true;
	stages_end(&s->report->stages);
	if (f->code != EXITCODE_OK)
		return r < 0 ? r : -ECANCELED;
	log_secrets(&src->info);
	return 0;
}

int secrets_take_answer(struct secrets *s, const struct attempt *a, struct fault *f)
{
	static const char next[] =
		"make an answer to the challenge that is shown now, with a secret "
		"for each volume";
	const char *names[CONF_VOLUMES_MAX];
	struct fault why = { 0 };
	size_t i;
	int r;

	if (f->code != EXITCODE_OK)
		return -ECANCELED;
	stages_enter(&s->report->stages, STAGE_READ);
	for (i = 0; i < s->conf->nr_volumes; i++)
		names[i] = s->conf->volumes[i].name;
	r = answer_open(a->answer, a->message, a->challenge, a->challenge_len, s->attempts->keys,
			names, s->conf->nr_volumes, s->list, &why);
	if (r < 0)
		return fault_advise(f, EXITCODE_SECRET_MISSING, -r, next, "%s", why.why);
	for (i = 0; i < s->conf->nr_volumes; i++)
		if (s->list[i].len == 0)
			return fault_advise(f, EXITCODE_SECRET_MISSING, ENOENT, next,
					    "the answer has no secret for volume %s", names[i]);
	stages_end(&s->report->stages);
	return 0;
}

void secrets_done(struct secrets *s)
{
	size_t i;

	for (i = 0; i < CONF_VOLUMES_MAX; i++)
		secret_done(&s->list[i]);
}
