/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * turns.h - which broker is asked next, and when.
 */
#ifndef COCO_TURNS_H
#define COCO_TURNS_H

#include "source/kbs/client.h"
#include "source/kbs/route.h"

/* One URL in this boot. */
struct turn {
	struct attempt furthest; /* the newest of those that came furthest; code ok: not tried */
	bool never;		 /* not again in this boot */
	uint64_t due_us;	 /* CLOCK_MONOTONIC: not before */
	uint64_t backoff_ms;
};

struct turns {
	const struct kbs_conf *conf; /* with the URLs; it must outlive this */
	struct deadline deadline;
	struct turn turns[CONF_URLS_MAX];
	struct route route;   /* owned */
	int stay;	      /* the URL that is asked again, and no other; -1: whichever is due */
	struct fault missing; /* why there was no route when it was looked for last */
};

#define TURNS_NULL ((struct turns){ .route = ROUTE_NULL, .stay = -1 })

/* Begins to listen to changes of the network. Returns 0, or -errno with f saying internal. */
int turns_open(const struct kbs_conf *conf, struct deadline deadline, struct turns *ret_turns,
	       struct fault *f) _must_check_;
void turns_done(struct turns *turns); /* safe twice */

/* Waits until a URL is due and has a route. Returns its number; -ETIMEDOUT at the deadline, and
 * -ENOENT if none may be tried any more, both without a fault; or -errno with f saying internal. */
int turns_next(struct turns *turns, struct fault *f) _must_check_;

/* Takes note of how an attempt of this URL has failed. */
void turns_failed(struct turns *turns, size_t i, const struct attempt *attempt);

/* Fills f for an end without an answer: the code of the attempt that came furthest, and what each
 * URL has done. Returns -errno. */
int turns_sum_up(const struct turns *turns, struct fault *f);

#endif
