/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * residue.c - the life of a rescue's keys in a guest, from the entry to the opened secret: after
 * each step they are where they have to be, and nowhere else in memory that can be written.
 */
#include <sys/wait.h>

#include "bytes.h"
#include "fixture.h"
#include "inject.h"
#include "rescue/answer.h"
#include "rescue/hpke.h"
#include "rescue/signature.h"
#include "residue.h"

static struct fault f;
static char challenge[CHALLENGE_SIZE_MAX];
static unsigned char message[ANSWER_SIZE_MAX];

static void is_there(const struct residue *t, unsigned int times, const char *what)
{
	is_int(residue_count(t), 2 * times, "%s", what);
}

static struct secret random_secret(void)
{
	struct secret s = SECRET_NULL;
	FILE *random = fopen("/dev/urandom", "re");

	FIXTURE_MUST(random && secret_init(&s, &f) == 0);
	setvbuf(random, NULL, _IONBF, 0);
	FIXTURE_MUST(fread(s.bytes, 1, 32, random) == 32);
	(void)fclose(random);
	s.len = 32;
	return s;
}

static struct signing_key *owners_key(void)
{
	static const char text[] =
		"-----BEGIN PRIVATE KEY-----\n"
		"MC4CAQAwBQYDK2VwBCIEIHd3d3d3d3d3d3d3d3d3d3d3d3d3d3d3d3d3d3d3d3d3\n"
		"-----END PRIVATE KEY-----\n";
	struct secret pem = bytes_secret(text, strlen(text));
	struct signing_key *key = NULL;

	FIXTURE_MUST(signing_key_read(&pem, NULL, &key, &f) == 0);
	secret_done(&pem);
	return key;
}

/* The owner, in a process of his own. Locked memory is empty in a child, and the page of the keys is
 * not there at all, so that what he knows comes by a pipe. Returns the answer's length. */
static size_t ask_owner(const struct signing_key *key, const struct rescue_keys *keys, size_t len,
			const struct secret *secret)
{
	const struct rescue_public public = keys->public;
	struct answer answer = { .action = RESCUE_UNLOCK, .keyslot = -1 };
	int known[2], said[2], status;
	ssize_t n;
	pid_t pid;

	FIXTURE_MUST(pipe(known) == 0 && pipe(said) == 0);
	FIXTURE_MUST(write(known[1], secret->bytes, 32) == 32 &&
		     write(known[1], keys->shared, 32) == 32);
	pid = fork();
	FIXTURE_MUST(pid >= 0);
	if (pid == 0) {
		struct answer_secret with = { .volume = "root", .secret = random_secret() };
		struct secret shared = random_secret();

		FIXTURE_MUST(read(known[0], with.secret.bytes, 32) == 32 &&
			     read(known[0], shared.bytes, 32) == 32);
		n = answer_make(&answer, &with, 1, challenge, len, &public, &shared, key, message,
				sizeof(message), &f);
		_exit(n < 0 || write(said[1], message, (size_t)n) != n);
	}
	FIXTURE_MUST(waitpid(pid, &status, 0) == pid && status == 0);
	n = read(said[0], message, sizeof(message));
	FIXTURE_MUST(n > 0);
	return (size_t)n;
}

static void test_guest(void)
{
	static struct challenge c; /* large */
	static const char *const names[] = { "root" };
	struct secret entry = random_secret(), secret = random_secret(), opened = SECRET_NULL;
	struct residue of_entry = residue_of(entry.bytes), of_secret = residue_of(secret.bytes);
	struct residue of_private, of_shared;
	struct signing_key *key = owners_key();
	unsigned char public[1][ANSWER_KEY_SIZE];
	struct rescue_keys *keys = NULL;
	struct answer answer;
	ssize_t challenge_len;
	size_t len;

	is_there(&of_entry, 1, "control: the entry is found where it is");
	FIXTURE_MUST(rescue_keys_map(&keys, &f) == 0 && rescue_keys_make(&entry, keys, &f) == 0);
	secret_done(&entry);
	is_there(&of_entry, 0, "R is nowhere when it was used");
	of_private = residue_of(keys->private);
	of_shared = residue_of(keys->shared);
	is_there(&of_private, 1, "the private half is in its page alone");
	is_there(&of_shared, 1, "... and so is K");
	c.has_keys = true;
	c.public = keys->public;
	challenge_len = challenge_write(&c, keys->shared, challenge);
	FIXTURE_MUST(challenge_len > 0 && signing_key_public(key, public[0]) == 0);
	is_there(&of_shared, 1, "... when a challenge was made, too");
	len = ask_owner(key, keys, (size_t)challenge_len, &secret);
	secret_done(&secret);
	is_there(&of_secret, 0, "the secret is nowhere in the guest");
	is_int(answer_check(message, len, challenge, (size_t)challenge_len,
			    (const unsigned char (*)[ANSWER_KEY_SIZE])public, 1, &answer, &f),
	       0, "the answer is right");
	is_int(answer_open(&answer, message, challenge, (size_t)challenge_len, keys, names, 1,
			   &opened, &f),
	       0, "... and opens");
	is_there(&of_secret, 1, "the secret is in its pages alone");
	is_there(&of_private, 1, "the private half is in its page alone");
	is_there(&of_shared, 1, "... and so is K");
	secret_done(&opened);
	is_there(&of_secret, 0, "the secret is nowhere when it was used");
	rescue_keys_done(&keys);
	is_there(&of_private, 0, "the private half is nowhere in the end");
	is_there(&of_shared, 0, "... and so is K");
	signing_key_done(&key);
}

/* All that HPKE derives on the way, of A.1.2 of RFC 9180 with AES-256-GCM. */
static void test_derived(void)
{
	static const char *const keys[] = {
		"6726597ffd7cc5d71fb0bd397c9c02c711d37adb5e0b5b267be16e3c62777a46",
		"26efbc7f99ab97acf981b53036e0629a30b48cec20c052e0c7c32fd62c0d3e58",
		"727699f009ffe3c076315019c69648366b69171439bd7dd0807743bde76986cd",
		"988fd20964599d357bc8a8005a1ec6f2ff41113e0df3c11579fc5f07d3bd4d72",
		"fe37abba4041ef04aaaa84f9eca5b53fc74fd44d8d4839c7c7a6ec7b22101528",
	};
	unsigned char private[32], psk[32], sealed[128];
	const struct hpke_psk with = { { psk, 32 },
				       { (const unsigned char *)"Ennyn Durin aran Moria", 22 } };
	struct secret text = SECRET_NULL;
	size_t len, i;

	(void)bytes_from_hex("c5eb01eb457fe6c6f57577c5413b931550a162c71a03ac8d196babbd4e5ce0fd",
			     private, 32);
	(void)bytes_from_hex("0247fd33b913760fa1fa51e1892d9f307fbe65eb171e8132c2af18555a738b82",
			     psk, 32);
	len = bytes_from_hex("0ad0950d9fb9588e59690b74f1237ecdf1d775cd60be2eca57af5a4b0471c91b"
			     "9d4fc691115401983bba70b5e26b06cbbee15050c5b8e4e2e68401f8f959cbb8"
			     "154d23ff0badc6fc890534074f",
			     sealed, sizeof(sealed));
	is_int(hpke_open(HPKE_AES_256_GCM, private, &with,
			 (struct hpke_data){ (const unsigned char *)"Ode on a Grecian Urn", 20 },
			 (struct hpke_data){ (const unsigned char *)"Count-0", 7 },
			 (struct hpke_data){ sealed, len }, &text, &f),
	       0, "a vector is opened");
	for (i = 0; i < ARRAY_SIZE(keys); i++) {
		unsigned char bytes[32];
		struct residue t;

		(void)bytes_from_hex(keys[i], bytes, sizeof(bytes));
		t = residue_of(bytes);
		explicit_bzero(bytes, sizeof(bytes));
		is_there(&t, 0, "what was derived for it is nowhere");
	}
	secret_done(&text);
}

int main(void)
{
	FIXTURE_MUST(digest_init_library() == 0);
	if (!SANITIZED) {
		test_guest();
		test_derived();
	}
	is_int(inject_secrets.dirty, 0, "all secret memory was wiped");
	is_int(inject_secrets.nr_live, 0, "... and given back");
	return tap_done();
}
