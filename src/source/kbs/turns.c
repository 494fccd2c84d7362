/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * turns.c - which broker is asked next: one with a route, and not too soon after it has failed.
 * Trusts the configuration for who may be asked; a failure is the host's as likely as the broker's,
 * and chooses only when somebody is asked again.
 */
#include "source/kbs/turns.h"

#include "base/log.h"

#define SLOW_MS 10000	    /* between two refusals, and two nonces */
#define BACKOFF_MS_MIN 1000 /* doubled with each failure of a URL */
#define BACKOFF_MS_MAX 15000

int turns_open(const struct kbs_conf *conf, struct deadline deadline, struct turns *ret_turns,
	       struct fault *f)
{
	*ret_turns = TURNS_NULL;
	ret_turns->conf = conf;
	ret_turns->deadline = deadline;
	return route_open(&ret_turns->route, f);
}

void turns_done(struct turns *turns)
{
	route_done(&turns->route);
	turns->route = ROUTE_NULL;
}

void turns_failed(struct turns *turns, size_t i, const struct attempt *attempt)
{
	struct turn *t = &turns->turns[i];
	uint64_t wait_ms = SLOW_MS;

	log_info("%s: %s", turns->conf->urls[i].text, attempt->fault.why);
	if (t->furthest.fault.code == EXITCODE_OK || attempt->step >= t->furthest.step)
		t->furthest = *attempt;
	turns->stay = -1;
	if (attempt->retry == KBS_RETRY_NEVER) {
		t->never = true;
		return;
	}
	if (attempt->retry == KBS_RETRY_NEXT) {
		t->backoff_ms = t->backoff_ms == 0 ? BACKOFF_MS_MIN : 2 * t->backoff_ms;
		if (t->backoff_ms > BACKOFF_MS_MAX)
			t->backoff_ms = BACKOFF_MS_MAX;
		wait_ms = t->backoff_ms;
	} else
		turns->stay = (int)i;
	t->due_us = clock_us() + wait_ms * 1000;
}

/* May this one be tried again in this boot, and is it not another one's turn? */
static bool may_try(const struct turns *turns, size_t i)
{
	return !turns->turns[i].never && (turns->stay < 0 || turns->stay == (int)i);
}

/* Of all that may be tried now, the first with a route. Returns its number, -EAGAIN if there is
 * none, with turns->missing saying of the last what is missing, or -errno with f. */
static int find_route(struct turns *turns, struct fault *f)
{
	const uint64_t now = clock_us();
	size_t i;
	int r;

	for (i = 0; i < turns->conf->nr_urls; i++) {
		if (!may_try(turns, i) || turns->turns[i].due_us > now)
			continue;
		turns->missing = (struct fault){ 0 };
		r = route_find(&turns->route, turns->conf->urls[i].address, &turns->missing);
		if (r == 1)
			return (int)i;
		if (r < 0) {
			fault_merge(f, &turns->missing);
			return r;
		}
	}
	return -EAGAIN;
}

/* The deadline, or when the next URL is due that is not yet. Without a URL it is over. */
static struct deadline next_due(const struct turns *turns, bool *ret_any)
{
	const uint64_t now = clock_us();
	struct deadline d = turns->deadline;
	size_t i;

	*ret_any = false;
	for (i = 0; i < turns->conf->nr_urls; i++) {
		const struct turn *t = &turns->turns[i];

		if (!may_try(turns, i))
			continue;
		*ret_any = true;
		if (t->due_us > now && t->due_us < d.at_us)
			d.at_us = t->due_us;
	}
	return d;
}

int turns_next(struct turns *turns, struct fault *f)
{
	for (;;) {
		bool any;
		struct deadline d = next_due(turns, &any);
		int r;

		if (!any)
			return -ENOENT;
		r = find_route(turns, f);
		if (r < 0 && r != -EAGAIN)
			return r;
		if (deadline_left_ms(turns->deadline) == 0)
			return -ETIMEDOUT;
		if (r >= 0)
			return r;
		(void)route_wait(&turns->route, d); /* whatever it says, the loop looks again */
	}
}

int turns_sum_up(const struct turns *turns, struct fault *f)
{
	const struct fault *missing = &turns->missing;
	const struct attempt *furthest = NULL;
	char text[FAULT_WHY_MAX] = "";
	size_t i;

	for (i = 0; i < turns->conf->nr_urls; i++) {
		const struct attempt *a = &turns->turns[i].furthest;

		text_append(text, sizeof(text), "%s%s: %s", i > 0 ? "; " : "",
			    turns->conf->urls[i].text,
			    a->fault.code != EXITCODE_OK ? a->fault.why :
			    missing->why[0]		 ? missing->why :
							   "not tried");
		if (a->fault.code != EXITCODE_OK && (!furthest || a->step > furthest->step))
			furthest = a;
	}
	if (furthest)
		return fault_advise(f, furthest->fault.code, EACCES, furthest->fault.next, "%s",
				    text);
	return fault_set(f, missing->code != EXITCODE_OK ? missing->code : EXITCODE_NO_ANSWER,
			 ETIMEDOUT, "%s", text);
}
