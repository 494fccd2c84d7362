/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * passphrase.c - secrets that are made: their form, their checksum, and that a slip of a
 * typing hand is noticed; a generator that fails makes none.
 */
#include "owner/io/passphrase.h"

#include <ctype.h>
#include <sys/random.h>

#include "bytes.h"
#include "inject_next.h"

#define MODHEX "cbdefghijklnrtuv"

static bool fails, fixed;

ssize_t getrandom(void *buf, size_t len, unsigned int flags)
{
	if (fails) {
		errno = ENOSYS;
		return -1;
	}
	if (fixed) {
		size_t i;

		for (i = 0; i < len; i++)
			((unsigned char *)buf)[i] = (unsigned char)i;
		return (ssize_t)len;
	}
	return INJECT_NEXT(getrandom)(buf, len, flags);
}

static void generated(void)
{
	struct secret s = SECRET_NULL, other = SECRET_NULL;
	struct fault f = { 0 };
	size_t i, digits = 0, beyond = 0;

	is_int(passphrase_generate(false, &s, &f), 0, "a secret");
	is_int((long)s.len, 64, "... of 64 bytes");
	for (i = 0; i < SECRET_CAPACITY; i++)
		if (i < s.len)
			digits += isxdigit(s.bytes[i]) && !isupper(s.bytes[i]);
		else
			beyond += s.bytes[i] != 0;
	is_int((long)digits, 64, "... hexadecimal digits");
	is_int((long)beyond, 0, "... and nothing behind them");
	BYTES_MUST(passphrase_generate(true, &other, &f) == 0);
	is_int((long)other.len, 65, "with a NUL");
	is_int(other.bytes[64], 0, "... at the end");
	ok(memcmp(s.bytes, other.bytes, 64) != 0, "... another one");
	is_int(passphrase_append_nul(&s), 0, "a NUL may be added");
	is_int((long)s.len, 65, "... one");
	is_int(passphrase_append_nul(&s), -EINVAL, "... once");
	s.len = SECRET_CAPACITY;
	memset(s.bytes, 'x', s.len);
	is_int(passphrase_append_nul(&s), -EINVAL, "no room for a NUL");
	secret_done(&s);
	secret_done(&other);
	fixed = true;
	BYTES_MUST(passphrase_generate(false, &s, &f) == 0);
	ok(memcmp(s.bytes, "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f",
		  64) == 0,
	   "the digits are those of the generator's bytes");
	secret_done(&s);
	fixed = false;
	fails = true;
	ok(passphrase_generate(false, &s, &f) < 0 && !s.bytes, "no random numbers, no secret");
	is_int(f.code, EXITCODE_INTERNAL, "... which is told");
	ok(passphrase_generate_recovery(&s, &f) < 0 && !s.bytes, "... nor a recovery key");
	fails = false;
}

/* True if every text with this one change is refused; the checksum lets 1 of 256 pass. */
static void slips(struct secret *s)
{
	unsigned int changed = 0, passed = 0, swapped = 0, passed_swapped = 0;
	size_t i, k;

	for (i = 0; i < s->len; i++) {
		unsigned char was = s->bytes[i];

		for (k = 0; k < 16; k++) {
			if (was == '-' || was == (unsigned char)MODHEX[k])
				continue;
			s->bytes[i] = (unsigned char)MODHEX[k];
			changed++;
			passed += passphrase_is_recovery(s);
		}
		s->bytes[i] = was;
		if (i > 0 && was != '-' && s->bytes[i - 1] != '-' && s->bytes[i - 1] != was) {
			s->bytes[i] = s->bytes[i - 1];
			s->bytes[i - 1] = was;
			swapped++;
			passed_swapped += passphrase_is_recovery(s);
			s->bytes[i - 1] = s->bytes[i];
			s->bytes[i] = was;
		}
	}
	ok(changed == 34 * 15 && passed <= 12, "of %u wrong letters %u pass", changed, passed);
	ok(swapped > 15 && passed_swapped <= 3, "of %u swapped ones %u", swapped, passed_swapped);
}

static void refused(struct secret *s, size_t at, unsigned char byte, const char *name)
{
	unsigned char was = s->bytes[at];

	s->bytes[at] = byte;
	ok(!passphrase_is_recovery(s), "%s", name);
	s->bytes[at] = was;
}

static void recovery(void)
{
	struct secret s = SECRET_NULL;
	struct fault f = { 0 };

	fixed = true;
	BYTES_MUST(passphrase_generate_recovery(&s, &f) == 0);
	fixed = false;
	/* Of 00 to 0f; the SHA-256 of these begins with be. */
	is_int((long)s.len, 42, "a recovery key");
	ok(memcmp(s.bytes, "cccb-cdce-cfcg-chci-cjck-clcn-crct-cucv-nu", 42) == 0,
	   "... in modhex, in groups, with the checksum");
	ok(passphrase_is_recovery(&s), "... is one");
	slips(&s);
	refused(&s, 0, 'C', "a capital");
	refused(&s, 0, 'a', "a letter that modhex lacks");
	refused(&s, 0, '\0', "a NUL");
	refused(&s, 4, ' ', "a blank for a dash");
	s.len--;
	ok(!passphrase_is_recovery(&s), "a letter too few");
	s.len += 2;
	ok(!passphrase_is_recovery(&s), "a letter too many");
	s.len = 0;
	ok(!passphrase_is_recovery(&s), "nothing");
	secret_done(&s);
	BYTES_MUST(passphrase_generate_recovery(&s, &f) == 0);
	ok(passphrase_is_recovery(&s), "another recovery key");
	secret_done(&s);
}

int main(void)
{
	BYTES_MUST(digest_init_library() == 0);
	generated();
	recovery();
	return tap_done();
}
