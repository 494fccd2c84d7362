/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * offer.c - can an answer help after this failure, which, and the challenge that asks for it.
 * Trusts what the process that unlocked has left in report and attempts; what is from a disk or
 * from the host in there becomes printable. Of a secret it sees K alone, which the challenge is
 * marked with. Listens to nobody.
 */
#include "boot/offer.h"

#include <string.h>
#include <sys/random.h>

#include "base/paths.h"

static bool has_pin(const struct pins *pins)
{
	return pins && (pins->has_volume_key || pins->has_fixated_key || pins->nr_headers > 0);
}

/* Why no answer can carry a secret; empty if it can. What nothing pins could be a disk of the
 * host's. */
static void say_no_secret(const struct conf *conf, const struct attempts *a, char *ret_why,
			  size_t size)
{
	size_t i;

	*ret_why = '\0';
	if (!a->read) {
		text_append(ret_why, size, "the secrets of this boot were not read");
		return;
	}
	if (!a->keys || !a->keys->there) {
		text_append(ret_why, size, "the secret table of this boot has no rescue entry");
		return;
	}
	for (i = 0; i < conf->nr_volumes; i++)
		if (!has_pin(policy_entry_pins(&a->policy, conf->volumes[i].name))) {
			text_append(ret_why, size,
				    "neither policy pins a volume key or a header of volume %s",
				    conf->volumes[i].name);
			return;
		}
}

/* All over again: of a broker, which has handed out nothing that stays, or is what has failed. */
static bool can_fetch(const struct report *report, const struct attempts *a,
		      const struct fault *cause)
{
	return report->source.refetchable && (a->read || (cause->code >= EXITCODE_NO_PROVIDER &&
							  cause->code <= EXITCODE_NO_ANSWER));
}

static bool is_mapped(const struct conf *conf, const struct report *report)
{
	size_t i;

	for (i = 0; i < conf->nr_volumes; i++)
		if (report->runs[i].mapped)
			return true;
	return false;
}

/* Why no answer can help at all, or NULL. */
static const char *why_none(const struct conf *conf, const struct report *report,
			    const struct attempts *a, const struct fault *cause)
{
	if (cause->outranks)
		return "no answer is taken: a secret may still be there";
	if (is_mapped(conf, report))
		return "no answer is taken: a mapping of this boot cannot be removed";
	if (!a->read && !can_fetch(report, a, cause))
		return "no answer is taken: this came before the secrets were read";
	return NULL;
}

static void fill_volume(const struct volume_conf *vc, const struct run *run,
			struct challenge_volume *v)
{
	char secret[REFERENCE_TEXT_SIZE];

	reference_text(&vc->secret, secret);
	text_printable(vc->name, v->name, sizeof(v->name));
	text_printable(secret, v->secret, sizeof(v->secret));
	text_printable(run->device, v->device, sizeof(v->device));
	text_printable(run->verdict.uuid, v->uuid, sizeof(v->uuid));
	text_printable(run->header, v->header, sizeof(v->header));
	v->failed = run->fault.code != EXITCODE_OK;
}

static int fill_boot(const struct root *root, struct challenge *c, struct fault *f)
{
	_cleanup_free_ char *boot_id = NULL;
	ssize_t n = root_read_text(root, PATH_BOOT_ID, sizeof(c->boot_id), &boot_id);

	if (n < 0)
		return fault_errno(f, EXITCODE_INTERNAL, (int)n, "cannot read " PATH_BOOT_ID);
	text_printable(text_strip(boot_id), c->boot_id, sizeof(c->boot_id));
	if (getrandom(c->nonce, sizeof(c->nonce), 0) != (ssize_t)sizeof(c->nonce))
		return fault_errno(f, EXITCODE_INTERNAL, -errno, "no random numbers");
	return conf_digest(root, &c->configuration, f);
}

static void fill_cause(const struct fault *cause, struct challenge *c)
{
	c->code = (int)cause->code;
	text_printable(exitcode_name(cause->code), c->code_name, sizeof(c->code_name));
	text_printable(cause->why, c->reason, sizeof(c->reason));
}

/* All but what fill_boot() fills in. */
static void fill_try(const struct conf *conf, const struct report *report, const struct attempts *a,
		     const struct fault *cause, struct challenge *c)
{
	const struct rescue_keys *keys = a->keys;
	size_t i;

	c->has_keys = keys && keys->there;
	if (c->has_keys)
		c->public = keys->public;
	say_no_secret(conf, a, c->no_secret, sizeof(c->no_secret));
	c->actions = OFFER_BY_WORD | (*c->no_secret ? 0 : 1U << RESCUE_UNLOCK) |
		     (can_fetch(report, a, cause) ? 1U << RESCUE_FETCH : 0);
	fill_cause(cause, c);
	for (i = 0; i < conf->nr_volumes; i++)
		fill_volume(&conf->volumes[i], &report->runs[i], &c->volumes[i]);
	c->nr_volumes = conf->nr_volumes;
}

static int write_text(const struct rescue_keys *keys, struct offer *offer, struct fault *f)
{
	const struct challenge *c = &offer->challenge;
	ssize_t len = challenge_write(c, c->has_keys ? keys->shared : NULL, offer->text);

	if (len < 0)
		return fault_errno(f, EXITCODE_INTERNAL, (int)len, "cannot write a challenge");
	offer->len = (size_t)len;
	return 0;
}

void offer_make(const struct root *root, const struct conf *conf, const struct report *report,
		const struct attempts *attempts, const struct fault *cause, struct offer *ret_offer)
{
	struct challenge *c = &ret_offer->challenge;
	const char *note;
	struct fault f = { 0 };

	*ret_offer = (struct offer){ 0 };
	if (conf->rescue.nr_keys == 0 || !attempts)
		return; /* nobody expects one */
	note = why_none(conf, report, attempts, cause);
	if (!note) {
		fill_try(conf, report, attempts, cause, c);
		note = c->no_secret;
		if (fill_boot(root, c, &f) < 0 || write_text(attempts->keys, ret_offer, &f) < 0)
			note = f.why;
	}
	(void)snprintf(ret_offer->note, sizeof(ret_offer->note), "%s", note); /* fits */
}
