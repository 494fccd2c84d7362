/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * eventlog.c - reads the firmware's event log as a broker does, and computes what it leads to.
 * Trusts no number in it: the log lies in memory that the host's firmware has filled.
 */
#include "broker/eventlog.h"

#include <openssl/evp.h>
#include <stdbool.h>
#include <string.h>

#include "base/little.h"

#define NO_ACTION 3 /* EV_NO_ACTION */
#define SHA384 0x000c
#define FIRST_HEAD_SIZE 32 /* index, type, a digest of SHA-1, size */
#define ALGORITHMS_AT 24   /* in the data of the first record */

struct cursor {
	const unsigned char *start;
	size_t len, at;
};

/* Digests in a record: of which size? 0: the log does not have such. */
struct sizes {
	uint32_t sha1, sha256, sha384, sha512;
};

/* The next bytes, or NULL if there are not so many. */
static const unsigned char *take(struct cursor *c, size_t size)
{
	const unsigned char *p = c->start + c->at;

	if (size > c->len - c->at)
		return NULL;
	c->at += size;
	return p;
}

static bool at_end(const struct cursor *c)
{
	static const unsigned char zeros[EVENTLOG_MARK_SIZE];
	static const unsigned char ones[EVENTLOG_MARK_SIZE] = { 0xff, 0xff, 0xff, 0xff,
								0xff, 0xff, 0xff, 0xff };
	const unsigned char *p = c->start + c->at;

	return c->len - c->at < EVENTLOG_MARK_SIZE || memcmp(p, zeros, sizeof(zeros)) == 0 ||
	       memcmp(p, ones, sizeof(ones)) == 0;
}

static uint32_t *size_of(struct sizes *sizes, uint32_t algorithm)
{
	switch (algorithm) {
	case 0x0004:
		return &sizes->sha1;
	case 0x000b:
		return &sizes->sha256;
	case SHA384:
		return &sizes->sha384;
	case 0x000d:
		return &sizes->sha512;
	default:
		return NULL;
	}
}

/* The first record names the log's algorithms. Returns NULL, or what is wrong with it. */
static const char *read_first(struct cursor *c, struct sizes *ret_sizes)
{
	static const char signature[16] = "Spec ID Event03";
	const unsigned char *head = take(c, FIRST_HEAD_SIZE), *data = NULL, *p;
	struct cursor inner = { 0 };
	uint32_t nr, *size;

	if (head && little32(head + 4) == NO_ACTION) {
		inner.len = little32(head + FIRST_HEAD_SIZE - 4);
		data = inner.start = take(c, inner.len);
	}
	if (!data || inner.len < ALGORITHMS_AT + 4 ||
	    memcmp(data, signature, sizeof(signature)) != 0)
		return "a first record that does not describe the log";
	inner.at = ALGORITHMS_AT + 4;
	for (nr = little32(data + ALGORITHMS_AT); nr > 0; nr--) {
		p = take(&inner, 4);
		size = p ? size_of(ret_sizes, little16(p)) : NULL;
		if (!size)
			return "a list of algorithms that is cut, or has one that brokers do not "
			       "know";
		*size = little16(p + 2);
	}
	p = take(&inner, 1);
	if (!p || !take(&inner, *p) || inner.at != inner.len)
		return "a first record of another length than it says";
	if (ret_sizes->sha384 != EVENTLOG_DIGEST_SIZE)
		return "no digests of SHA-384";
	return NULL;
}

/* A broker stops at a type that it does not know. */
static bool is_known(uint32_t type)
{
	return type <= 0x12 || (type >= 0x80000000 && type <= 0x8000000c) || type == 0x80000010 ||
	       (type >= 0x800000e0 && type <= 0x800000e2);
}

static int extend(unsigned char *reg, const unsigned char *digest)
{
	unsigned char both[2 * EVENTLOG_DIGEST_SIZE];
	unsigned int size = 0;

	memcpy(both, reg, EVENTLOG_DIGEST_SIZE);
	memcpy(both + EVENTLOG_DIGEST_SIZE, digest, EVENTLOG_DIGEST_SIZE);
	return EVP_Digest(both, sizeof(both), reg, &size, EVP_sha384(), NULL) == 1 ? 0 : -ENOTSUP;
}

/* Reads a record's digests. Returns 0, -ENOTSUP, or -EBADMSG with *ret_why. */
static int read_digests(struct cursor *c, const struct sizes *sizes, unsigned char *reg,
			bool extends, const char **ret_why)
{
	struct sizes known = *sizes;
	const unsigned char *p = take(c, 4);
	uint32_t nr = p ? little32(p) : 0, nr_used = 0;
	int r = 0;

	*ret_why = "a record that is cut";
	if (!p)
		return -EBADMSG;
	for (; nr > 0 && r == 0; nr--) {
		const unsigned char *algorithm = take(c, 2);
		uint32_t *size = algorithm ? size_of(&known, little16(algorithm)) : NULL;

		if (algorithm && (!size || *size == 0)) {
			*ret_why = "a digest of an algorithm that the log does not name";
			return -EBADMSG;
		}
		p = algorithm ? take(c, *size) : NULL;
		if (!p)
			return -EBADMSG;
		if (!reg || little16(algorithm) != SHA384)
			continue;
		if (!extends || nr_used++ > 0) {
			*ret_why = "a record that can be read in two ways";
			return -EBADMSG;
		}
		r = extend(reg, p);
	}
	return r;
}

/* Returns 0, -ENOTSUP, or -EBADMSG with *ret_why. */
static int read_record(struct cursor *c, const struct sizes *sizes, struct eventlog *log,
		       const char **ret_why)
{
	const unsigned char *p = take(c, EVENTLOG_MARK_SIZE); /* it is there: not at_end() */
	uint32_t index = little32(p), type = little32(p + 4);
	unsigned char *reg = NULL;
	int r;

	/* 0 is MRTD, which no event extends; some firmware writes 2^32 - 1 beside no action. */
	if (index >= 1 && index <= EVENTLOG_REGISTERS)
		reg = log->registers[index - 1];
	if (!is_known(type)) {
		*ret_why = "an event of a type that brokers do not know";
		return -EBADMSG;
	}
	/* TCG extends nothing where there is no action; brokers may. */
	r = read_digests(c, sizes, reg, type != NO_ACTION, ret_why);
	if (r < 0)
		return r;
	p = take(c, 4);
	return p && take(c, little32(p)) ? 0 : -EBADMSG;
}

int eventlog_replay(const unsigned char *log, size_t len, struct eventlog *ret_eventlog,
		    struct eventlog_flaw *ret_flaw)
{
	struct cursor c = { .start = log, .len = len };
	struct eventlog eventlog = { 0 };
	struct sizes sizes = { 0 };
	struct eventlog_flaw flaw = { .why = read_first(&c, &sizes) };
	int r = flaw.why ? -EBADMSG : 0;

	while (r == 0 && !at_end(&c)) {
		flaw.offset = c.at;
		r = read_record(&c, &sizes, &eventlog, &flaw.why);
		eventlog.nr++;
	}
	if (r == -EBADMSG)
		*ret_flaw = flaw;
	if (r < 0)
		return r;
	eventlog.len = c.at;
	*ret_eventlog = eventlog;
	return 0;
}
