/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * deadline.h - the monotonic clock, and the one deadline that is passed down to all waits.
 */
#ifndef COCO_DEADLINE_H
#define COCO_DEADLINE_H

#include <stdint.h>
#include <time.h>

struct deadline {
	uint64_t at_us; /* CLOCK_MONOTONIC, microseconds */
};

static inline uint64_t clock_us(void)
{
	struct timespec t = { 0 };

	(void)clock_gettime(CLOCK_MONOTONIC, &t); /* cannot fail for this clock */
	return (uint64_t)t.tv_sec * 1000000 + (uint64_t)t.tv_nsec / 1000;
}

static inline struct deadline deadline_in_ms(uint64_t ms)
{
	return (struct deadline){ .at_us = clock_us() + ms * 1000 };
}

/* What is left, in milliseconds, for poll(2): 0 when the deadline has passed. */
static inline int deadline_left_ms(struct deadline d)
{
	uint64_t now = clock_us();

	if (now >= d.at_us)
		return 0;
	if (d.at_us - now > (uint64_t)INT32_MAX * 1000)
		return INT32_MAX;
	return (int)((d.at_us - now + 999) / 1000);
}

#endif
