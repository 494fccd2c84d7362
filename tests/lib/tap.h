/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * tap.h - prints results as TAP, for prove(1).
 * Trusts no test to end well: the plan comes last, so one that dies early has none and fails.
 */
#ifndef TAP_H
#define TAP_H

#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

static int tap_nr, tap_failed;

static inline __attribute__((format(printf, 2, 3))) bool ok(bool good, const char *name, ...)
{
	va_list ap;

	tap_failed += !good;
	printf("%sok %d - ", good ? "" : "not ", ++tap_nr);
	va_start(ap, name);
	vprintf(name, ap);
	va_end(ap);
	printf("\n");
	fflush(stdout);
	return good;
}

static inline int tap_done(void)
{
	printf("1..%d\n", tap_nr);
	return tap_failed != 0;
}

#define is_int(got, want, ...)                                                            \
	do {                                                                              \
		long long g_ = (long long)(got), w_ = (long long)(want);                  \
		if (!ok(g_ == w_, __VA_ARGS__))                                           \
			printf("# line %d: got %lld, expected %lld\n", __LINE__, g_, w_); \
	} while (0)

#define is_str(got, want, ...)                                                            \
	do {                                                                              \
		const char *g_ = (got), *w_ = (want);                                     \
		if (!ok(strcmp(g_, w_) == 0, __VA_ARGS__))                                \
			printf("# line %d: got '%s', expected '%s'\n", __LINE__, g_, w_); \
	} while (0)

#endif
