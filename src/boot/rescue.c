/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * rescue.c - what follows a failure under FailureAction=rescue: a report at the consoles, the
 * challenge of offer.c, an answer of the owner, another try.
 * Trusts an answer behind its signature, and nothing else that a console says: all of them are the
 * host's. Has no console open, and never a disk secret: the process that unlocks opens what an
 * answer carries. Decides nothing about a disk: each try has the rules and pins of the first.
 */
#include "boot/rescue.h"

#include <string.h>

#include "base/log.h"
#include "boot/offer.h"
#include "boot/screen.h"
#include "boot/supervise.h"
#include "boot/unlock.h"
#include "conf/devicespec.h"

#define ANY_KEYSLOT (-1) /* answer.h */
#define KEYSLOTS_MAX 32	 /* LUKS2 On-Disk Format Specification 1.1, section 3.2 */

struct rescue {
	const struct root *root;
	const struct conf *conf;
	struct report *report;
	struct attempts *attempts; /* NULL: nothing is tried again */
	struct deadline deadline;  /* of all waiting */
	struct offer offer;
	unsigned char message[ANSWER_SIZE_MAX];
	struct answer answer; /* points into the message */
	size_t volume;	      /* that its device and keyslot are for */
	struct console_page page;
	struct screens screens;
};

void rescue_undo(const struct root *root, const struct conf *conf, struct report *report,
		 struct fault *f)
{
	const struct source_info first = report->source;
	const bool again = report->discarded && conf->nr_keep > 0;
	struct conf all = *conf;

	all.nr_keep = 0;
	if (again)
		report->discarded = false; /* the kept ones are not */
	unlock_undo(root, &all, report, f);
	if (!again || first.found == 0)
		return;
	/* One record of both wipes. */
	report->source.found = first.found;
	report->source.read = first.read;
	report->source.wiped += first.wiped;
}

static void make_page(struct rescue *r, const struct fault *cause)
{
	struct screen_facts facts = {
		.root = r->root,
		.conf = r->conf,
		.report = r->report,
		.fault = cause,
		.attempts = r->attempts,
	};

	offer_make(r->root, r->conf, r->report, r->attempts, cause, &r->offer);
	facts.note = *r->offer.note ? r->offer.note : NULL;
	r->page = (struct console_page){ .actions = OFFER_BY_WORD };
	if (r->offer.len > 0) {
		r->page.challenge = r->offer.text;
		r->page.challenge_len = r->offer.len;
	}
	screens_make(&facts, &r->screens, &r->page);
}

/* The volume that device and keyslot are for. */
static int find_volume(struct rescue *r, const struct answer *a, struct fault *f)
{
	for (r->volume = 0; r->volume < r->conf->nr_volumes; r->volume++)
		if (strcmp(r->conf->volumes[r->volume].name, a->volume) == 0)
			return 0;
	return fault_set(f, EXITCODE_USAGE, ENOENT, "this guest has no volume '%s'", a->volume);
}

/* What an answer to be obeyed asks for has to be on offer, and what it names has to be there. Of
 * the configuration it changes where a volume is, and no more. */
static int check_answer(struct rescue *r, const struct answer *a, struct conf *conf,
			struct fault *f)
{
	char word[ANSWER_DEVICE_SIZE];
	const char *why = NULL;

	if (!(r->offer.challenge.actions & 1U << a->action))
		return fault_set(f, EXITCODE_USAGE, EPERM, "%s is not on offer%s%s",
				 rescue_action_name(a->action),
				 a->action == RESCUE_UNLOCK ? ": " : "",
				 a->action == RESCUE_UNLOCK ? r->offer.challenge.no_secret : "");
	if (!*a->volume && !*a->device && a->keyslot == ANY_KEYSLOT)
		return 0;
	if (a->keyslot < ANY_KEYSLOT || a->keyslot >= KEYSLOTS_MAX)
		return fault_set(f, EXITCODE_USAGE, ERANGE, "no header has a keyslot %d",
				 a->keyslot);
	if (find_volume(r, a, f) < 0)
		return -ENOENT;
	if (!*a->device)
		return 0;
	(void)snprintf(word, sizeof(word), "%s", a->device); /* it has the same size */
	if (devicespec_parse(word, &conf->volumes[r->volume].device, &why) < 0)
		return fault_set(f, EXITCODE_USAGE, EINVAL, "no device: '%s' %s", word, why);
	return 0;
}

static void note(struct rescue *r, const char *console, enum rescue_action action)
{
	struct rescue_record *record = &r->report->rescue;

	record->action = rescue_action_name(action);
	(void)snprintf(record->console, sizeof(record->console), "%s", console); /* fits */
	record->volume[0] = record->device[0] = '\0';
	record->keyslot = ANY_KEYSLOT;
}

static int take_answer(struct rescue *r, size_t len, struct conf *conf, struct fault *f)
{
	int error;

	error = answer_check(r->message, len, r->page.challenge, r->page.challenge_len,
			     r->conf->rescue.keys, r->conf->rescue.nr_keys, &r->answer, f);
	if (error < 0)
		return error;
	*conf = *r->conf;
	conf->nr_keep = 0;
	return check_answer(r, &r->answer, conf, f);
}

/* What the consoles have said last: an action, or _RESCUE_ACTION_MAX when the time is over. Who is
 * asked to end, by systemd for one, does so at once. */
static enum rescue_action listen(struct rescue *r, struct consoles *consoles, struct conf *conf)
{
	struct console_said said = { 0 };

	while (consoles_wait(consoles, r->deadline, r->message, &said) >= 0 &&
	       said.event != CONSOLE_TIMEOUT) {
		const char *name = consoles_name(consoles, said.console);
		struct fault why = { 0 };

		if (said.event == CONSOLE_SIGNAL) {
			r->report->rescue.action = NULL;
			return RESCUE_POWEROFF;
		}
		if (said.event == CONSOLE_WORD && OFFER_BY_WORD & 1U << said.action) {
			note(r, name, said.action);
			return said.action;
		}
		if (said.event != CONSOLE_ANSWER || !r->page.challenge)
			continue;
		if (take_answer(r, said.len, conf, &why) < 0) {
			r->report->rescue.refused++;
			consoles_refuse(consoles, said.console, why.why);
			continue;
		}
		note(r, name, r->answer.action);
		return r->answer.action;
	}
	return _RESCUE_ACTION_MAX;
}

static const char *last_line(enum rescue_action action)
{
	switch (action) {
	case RESCUE_UNLOCK:
	case RESCUE_FETCH:
		return "the answer is right: this boot tries once more";
	case RESCUE_REBOOT:
		return "this boot ends: reboot";
	case RESCUE_POWEROFF:
		return "this boot ends: poweroff";
	default:
		return "the time is over: poweroff";
	}
}

/* The consoles, from the page to what is to be done. */
static enum rescue_action talk(struct rescue *r, const struct fault *cause, struct conf *conf)
{
	struct consoles *consoles = NULL;
	enum rescue_action action;
	struct fault f = { 0 };

	make_page(r, cause);
	if (consoles_open(r->root, &r->page, &consoles, &f) < 0) {
		log_error("nobody can rescue this boot: %s", f.why);
		return _RESCUE_ACTION_MAX;
	}
	action = listen(r, consoles, conf);
	consoles_close(&consoles, last_line(action));
	return action;
}

/* Of a try before stays how the secrets were got, and what was spent. */
static int try_again(struct rescue *r, const struct conf *conf, struct fault *f)
{
	const struct attempt attempt = {
		.answer = &r->answer,
		.message = r->message,
		.challenge = r->page.challenge,
		.challenge_len = r->page.challenge_len,
		.volume = r->volume,
		.keyslot = r->answer.keyslot,
	};
	bool fetch = r->answer.action == RESCUE_FETCH;
	struct rescue_record *record = &r->report->rescue;
	size_t i;
	int error;

	log_info("rescue: a signed answer at %s says %s", record->console, record->action);
	record->tries++;
	if (!fetch) {
		(void)snprintf(record->volume, sizeof(record->volume), "%s", r->answer.volume);
		(void)snprintf(record->device, sizeof(record->device), "%s", r->answer.device);
		record->keyslot = r->answer.keyslot;
	}
	for (i = 0; i < CONF_VOLUMES_MAX; i++)
		r->report->runs[i] = RUN_NULL;
	r->report->discarded = !fetch;
	*f = (struct fault){ 0 };
	error = supervise(r->root, conf, r->report, r->attempts, fetch ? NULL : &attempt, f);
	if (error < 0)
		(void)fault_set(f, EXITCODE_INTERNAL, EINVAL, "a failure without a reason");
	return f->code != EXITCODE_OK ? -ECANCELED : 0;
}

static void begin(const struct conf *conf, struct report *report, const struct fault *f,
		  struct rescue *r)
{
	r->deadline = deadline_in_ms(conf->rescue.timeout_ms);
	report->rescue.happened = true;
	report->rescue.code = f->code;
	report->rescue.keyslot = ANY_KEYSLOT;
}

static enum failure_action end_by(enum rescue_action action)
{
	return action == RESCUE_REBOOT ? FAILURE_ACTION_REBOOT : FAILURE_ACTION_POWEROFF;
}

enum rescue_end rescue_unlock(const struct root *root, const struct conf *conf,
			      struct report *report, struct attempts *attempts,
			      enum failure_action *ret_action, struct fault *f)
{
	struct rescue r = { .root = root, .conf = conf, .report = report, .attempts = attempts };
	enum rescue_action action;
	struct conf of_try;

	begin(conf, report, f, &r);
	for (;;) {
		action = talk(&r, f, &of_try);
		if (action != RESCUE_UNLOCK && action != RESCUE_FETCH)
			break;
		if (try_again(&r, &of_try, f) >= 0)
			return RESCUE_DONE;
		rescue_undo(root, &of_try, report, f);
		if (f->code ==
		    EXITCODE_ABORTED) { /* who has asked for an end is not kept waiting */
			action = RESCUE_POWEROFF;
			break;
		}
	}
	if (action == _RESCUE_ACTION_MAX)
		report->rescue.action = NULL;
	*ret_action = end_by(action);
	return RESCUE_STOP;
}

enum failure_action rescue_report(const struct root *root, const struct conf *conf,
				  struct report *report, const struct fault *f)
{
	struct rescue r = { .root = root, .conf = conf, .report = report };
	struct conf unused;

	begin(conf, report, f, &r);
	return end_by(talk(&r, f, &unused));
}
