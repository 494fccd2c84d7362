/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * eventlog.c - fuzz target: the firmware's event log. A second reader goes through what is accepted,
 * and comes to the same registers; a log that was cut to what counted reads the same.
 */
#include "broker/eventlog.h"

#include <openssl/evp.h>

#include "fuzz.h"

static uint32_t le(const unsigned char *p, size_t size)
{
	uint32_t value = 0;

	while (size-- > 0)
		value = value << 8 | p[size];
	return value;
}

/* Of the first record: how many bytes a digest has. */
static size_t digest_size(const unsigned char *log, uint32_t algorithm)
{
	const unsigned char *list = log + 32 + 28;
	uint32_t nr = le(list - 4, 4), size = 0;

	for (; nr-- > 0; list += 4)
		if (le(list, 2) == algorithm)
			size = le(list + 2, 2); /* the last one counts */
	FUZZ_MUST(size > 0);
	return size;
}

static void extend(unsigned char *reg, const unsigned char *digest)
{
	EVP_MD_CTX *ctx = EVP_MD_CTX_new();

	FUZZ_MUST(ctx && EVP_DigestInit_ex(ctx, EVP_sha384(), NULL) == 1 &&
		  EVP_DigestUpdate(ctx, reg, 48) == 1 && EVP_DigestUpdate(ctx, digest, 48) == 1 &&
		  EVP_DigestFinal_ex(ctx, reg, NULL) == 1);
	EVP_MD_CTX_free(ctx);
}

/* Goes from record to record; a wrong length leaves the copy, where the sanitizer stands. */
static void read_again(const unsigned char *log, size_t size, const struct eventlog *read)
{
	unsigned char registers[4][48] = { { 0 } };
	const unsigned char *p = log + 32 + le(log + 28, 4), *end = log + read->len;
	uint32_t index, type, nr, algorithm;
	size_t records = 0;

	FUZZ_MUST(read->len <= size && le(log + 4, 4) == 3 &&
		  memcmp(log + 32, "Spec ID Event03", 16) == 0);
	FUZZ_MUST(digest_size(log, 0xc) == 48);
	while (p < end) {
		FUZZ_MUST(memcmp(p, "\xff\xff\xff\xff\xff\xff\xff\xff", 8) != 0);
		FUZZ_MUST(memcmp(p, "\0\0\0\0\0\0\0\0", 8) != 0);
		index = le(p, 4);
		type = le(p + 4, 4);
		FUZZ_MUST((type & ~UINT32_C(0x800000ff)) == 0);
		for (nr = le(p + 8, 4), p += 12; nr > 0; nr--) {
			algorithm = le(p, 2);
			if (algorithm == 0xc && index >= 1 && index <= 4) {
				FUZZ_MUST(type != 3);
				extend(registers[index - 1], p + 2);
			}
			p += 2 + digest_size(log, algorithm);
		}
		p += 4 + le(p, 4);
		records++;
	}
	FUZZ_MUST(p == end && records == read->nr);
	FUZZ_MUST(memcmp(registers, read->registers, sizeof(registers)) == 0);
	FUZZ_MUST(size - read->len < 8 || memcmp(end, "\xff\xff\xff\xff\xff\xff\xff\xff", 8) == 0 ||
		  memcmp(end, "\0\0\0\0\0\0\0\0", 8) == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	unsigned char *log = fuzz_copy(data, size), *again;
	struct eventlog first = { 0 }, second;
	struct eventlog_flaw flaw = { 0 };
	int r = eventlog_replay(log, size, &first, &flaw);

	FUZZ_MUST(r == 0 || (r == -EBADMSG && flaw.why && flaw.offset <= size && first.len == 0));
	if (r == 0) {
		fuzz_accepted++;
		read_again(log, size, &first);
		again = fuzz_copy(log, first.len);
		FUZZ_MUST(eventlog_replay(again, first.len, &second, &flaw) == 0);
		FUZZ_MUST(memcmp(&first, &second, sizeof(first)) == 0);
		free(again);
	}
	free(log);
	return 0;
}
