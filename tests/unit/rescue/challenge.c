/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * challenge.c - the text of a challenge: a vector of it, there and back, each bit flipped and each
 * line changed, lost, doubled and exchanged; E exchanged by a host; and what does not fit.
 */
#include "rescue/challenge.h"

#include "bytes.h"
#include "conf/conf.h"
#include "disk/policy.h"
#include "fixture.h"

static struct fault f;
static char text[CHALLENGE_SIZE_MAX];
static unsigned char shared[RESCUE_KEY_SIZE];

static struct challenge example(void)
{
	struct challenge c = {
		.has_keys = true,
		.boot_id = "0f7a0c6e-5d1b-4b0e-9a53-3a6ad7a9c001",
		.actions = 1U << RESCUE_UNLOCK | 1U << RESCUE_REBOOT | 1U << RESCUE_POWEROFF,
		.code = 2,
		.code_name = "secret-refused",
		.reason = "no keyslot opens with the secret",
		.nr_volumes = 2,
		.volumes = { { .name = "root",
			       .secret = "-",
			       .device = "/dev/vda2",
			       .uuid = "5c0c0a7e-0009-4000-8000-000000000001",
			       .header = "accepted",
			       .failed = true },
			     { .name = "data", .secret = "kbs:///default/disk/data" } },
	};

	memset(c.public.key, 0x22, sizeof(c.public.key));
	memset(c.public.nonce, 0x33, sizeof(c.public.nonce));
	memset(c.nonce, 0x44, sizeof(c.nonce));
	memset(c.configuration.octets, 0x55, DIGEST_SIZE);
	memset(shared, 0x66, sizeof(shared));
	return c;
}

#define X8(text) text text text text text text text text
#define X64(text) X8(text) X8(text)

static const char front_of_example[] =
	"coco-unlock-challenge=1\n"
	"key=" X64(
		"2222") "\n"
			"boot-nonce=" X64(
				"3333") "\n"
					"nonce=" X64(
						"4444") "\n"
							"boot-id=0f7a0c6e-5d1b-4b0e-9a53-3a6ad7a9c001\n"
							"configuration=" X64(
								"5555") "\n"
									"actions=unlock reboot poweroff\n"
									"code=2\n"
									"code-name=secret-refused\n"
									"reason=no keyslot opens with the secret\n"
									"no-secret=\n"
									"volume=root\n"
									"secret=-\n"
									"device=/dev/vda2\n"
									"uuid=5c0c0a7e-0009-4000-8000-000000000001\n"
									"header=accepted\n"
									"failed=yes\n"
									"volume=data\n"
									"secret=kbs:///default/disk/data\n"
									"device=\n"
									"uuid=\n"
									"header=\n"
									"failed=no\n";

static int reads(const char *s, size_t len)
{
	static struct challenge c;

	f = (struct fault){ 0 };
	return challenge_read(s, len, &c, &f);
}

static int verifies(const char *s, size_t len, const unsigned char *key)
{
	struct secret k = bytes_secret(key, RESCUE_KEY_SIZE);
	int r = challenge_verify(s, len, &k);

	secret_done(&k);
	return r;
}

static void test_example(void)
{
	struct challenge c = example(), back;
	ssize_t len = challenge_write(&c, shared, text);
	size_t front = strlen(front_of_example);
	unsigned char other[RESCUE_KEY_SIZE] = { 0 };
	struct secret k;

	is_int(len, front + 69, "a challenge is written");
	ok(memcmp(text, front_of_example, front) == 0, "... as the manual says");
	is_str(bytes_hex(text + front, 69),
	       bytes_hex("mac=722033def197e9aae952ecc67950ab9ef6699f4c65fae358abf39e8f6cdf8ab9\n",
			 69),
	       "... with the HMAC of another implementation");
	is_int(challenge_read(text, (size_t)len, &back, &f), 0, "it is read: %s", f.why);
	ok(back.has_keys && back.code == 2 && back.actions == c.actions && back.nr_volumes == 2 &&
		   memcmp(&back.public, &c.public, sizeof(c.public)) == 0 &&
		   memcmp(back.nonce, c.nonce, sizeof(c.nonce)) == 0 &&
		   digest_equal(&back.configuration, &c.configuration),
	   "... with its numbers");
	ok(strcmp(back.reason, c.reason) == 0 && strcmp(back.code_name, c.code_name) == 0 &&
		   strcmp(back.boot_id, c.boot_id) == 0 && back.no_secret[0] == '\0',
	   "... its texts");
	ok(memcmp(back.volumes, c.volumes, sizeof(c.volumes)) == 0, "... and its volumes");
	is_int(verifies(text, (size_t)len, shared), 0, "the HMAC is right");
	is_int(verifies(text, (size_t)len, other), -EPERM, "... not with another K");
	k = bytes_secret(shared, RESCUE_KEY_SIZE);
	k.len--;
	is_int(challenge_verify(text, (size_t)len, &k), -EPERM, "... nor with less of it");
	secret_done(&k);
}

/* Whoever reads it first or verifies it first, no flipped bit comes through. */
static void test_bits(void)
{
	struct challenge c = example();
	size_t len = (size_t)challenge_write(&c, shared, text), i;
	unsigned int verified = 0, readable = 0;
	struct secret k = bytes_secret(shared, RESCUE_KEY_SIZE);

	for (i = 0; i < 8 * len; i++) {
		text[i / 8] ^= (char)(1 << i % 8);
		verified += challenge_verify(text, len, &k) == 0;
		readable += reads(text, len) == 0;
		text[i / 8] ^= (char)(1 << i % 8);
	}
	is_int(verified, 0, "the HMAC is of no challenge with a bit flipped");
	ok(readable > 0, "... of which %u of %zu can be read", readable, i);
	for (i = 0; i < len; i++)
		verified += challenge_verify(text, i, &k) == 0 || reads(text, i) == 0;
	is_int(verified, 0, "... and of no part of one");
	secret_done(&k);
	c.has_keys = false;
	c.no_secret[0] = 'x';
	len = (size_t)challenge_write(&c, NULL, text);
	is_int(reads(text, len), 0, "a challenge without keys is read");
	is_int(verifies(text, len, shared), -EPERM, "... and says nothing of who has written it");
	readable = 0;
	for (i = 0; i < 8 * len; i++) {
		text[i / 8] ^= (char)(1 << i % 8);
		readable += reads(text, len) == 0;
		text[i / 8] ^= (char)(1 << i % 8);
	}
	is_int(readable, 0, "... but no bit of it is flipped by accident");
}

/* The host has a pair of its own, whose public half it puts into the challenge. */
static void test_exchanged(void)
{
	struct secret entry = bytes_secret("12345678901234567890123456789012", 32), k = SECRET_NULL;
	struct rescue_keys *guest = NULL, *host = NULL;
	struct challenge c = example();
	size_t len;

	FIXTURE_MUST(rescue_keys_map(&guest, &f) == 0 && rescue_keys_map(&host, &f) == 0);
	FIXTURE_MUST(rescue_keys_make(&entry, guest, &f) == 0);
	entry.bytes[0] ^= 1; /* the host does not have R */
	FIXTURE_MUST(rescue_keys_make(&entry, host, &f) == 0);
	entry.bytes[0] ^= 1;
	c.public = guest->public;
	len = (size_t)challenge_write(&c, guest->shared, text);
	FIXTURE_MUST(rescue_shared(&entry, &c.public, &k, &f) == 0);
	is_int(challenge_verify(text, len, &k), 0, "the owner's K verifies the guest's challenge");
	secret_done(&k);
	c.public = host->public;
	len = (size_t)challenge_write(&c, host->shared, text);
	is_int(reads(text, len), 0, "the host's challenge can be read");
	FIXTURE_MUST(rescue_shared(&entry, &c.public, &k, &f) == 0);
	is_int(challenge_verify(text, len, &k), -EPERM, "... and is known as not the guest's");
	secret_done(&k);
	memcpy(c.public.nonce, guest->public.nonce, sizeof(c.public.nonce));
	len = (size_t)challenge_write(&c, guest->shared, text);
	FIXTURE_MUST(rescue_shared(&entry, &c.public, &k, &f) == 0);
	is_int(challenge_verify(text, len, &k), -EPERM,
	       "... even with the guest's K: E is a part of it");
	secret_done(&k);
	secret_done(&entry);
	rescue_keys_done(&guest);
	rescue_keys_done(&host);
}

static void refused(const char *s, const char *why, const char *what)
{
	is_int(reads(s, strlen(s)), -EINVAL, "%s", what);
	if (!strstr(f.why, why))
		ok(false, "... is said: %s", f.why);
}

/* The challenge with `from` replaced once; with the sum of what it says then. */
static const char *edited(const char *from, const char *to)
{
	static char front[2 * CHALLENGE_SIZE_MAX];
	const char *at = strstr(front_of_example, from);
	struct digest digest;
	size_t len;

	FIXTURE_MUST(at);
	len = (size_t)(at - front_of_example);
	(void)snprintf(front, sizeof(front), "%.*s%s%s", (int)len, front_of_example, to,
		       at + strlen(from));
	FIXTURE_MUST(digest_sha256(front, strlen(front), &digest) == 0);
	len = strlen(front);
	(void)snprintf(front + len, sizeof(front) - len, "%s=%s\n",
		       strstr(front, "\nkey=\n") ? "sum" : "mac", bytes_hex(digest.octets, 32));
	return front;
}

static void test_lines(void)
{
	static char long_text[CHALLENGE_TEXT_SIZE + 16];
	char volumes[16 * 64] = "";
	int i;

	is_int(reads(edited("code=2", "code=2"), strlen(edited("code=2", "code=2"))), 0,
	       "control: a challenge that this test has written");
	refused(edited("code=2\n", ""), "line 8", "a line that is missing");
	refused(edited("code=2\n", "code=2\ncode=2\n"), "line 9", "a line twice");
	refused(edited("code=2\ncode-name=secret-refused\n", "code-name=secret-refused\ncode=2\n"),
		"line 8", "two lines exchanged");
	refused(edited("code=2", "code=02"), "written", "a number with a zero in front");
	refused(edited("code=2", "code=256"), "exit code", "a number that is no exit code");
	refused(edited("code=2", "code=-1"), "exit code", "a negative one");
	refused(edited("code=2", "code="), "exit code", "none");
	refused(edited("unlock reboot", "reboot unlock"), "written", "actions in another order");
	refused(edited("unlock reboot", "unlock  reboot"), "written", "two blanks");
	refused(edited("unlock reboot", "unlock unlock"), "written", "an action twice");
	refused(edited("unlock reboot", "unlock shell"), "does not know", "an unknown action");
	refused(edited("challenge=1", "challenge=2"), "version", "a later version");
	refused(edited("challenge=1", "challenge=01"), "version", "a version written otherwise");
	refused(edited("key=" X64("2222"), "key="), "only one", "a nonce without a key");
	refused(edited("boot-nonce=" X64("3333"), "boot-nonce="), "only one", "a key without one");
	refused(edited("nonce=" X64("4444"), "nonce="), "hexadecimal", "no nonce of the try");
	refused(edited("key=2", "key=G"), "hexadecimal", "a digit that is none");
	refused(edited("configuration=5555", "configuration=AAAA"), "hexadecimal", "upper case");
	refused(edited("reason=no", "reason=\x1b[2Jno"), "printable", "an escape in a text");
	refused(edited("reason=no", "reason=\rno"), "printable", "a carriage return");
	refused(edited("reason=no", "reason=\"no"), "written", "a double quote");
	refused(edited("reason=no", "reason=n\xc3\xb6"), "printable", "more than ASCII");
	refused(edited("failed=yes", "failed=maybe"), "yes nor no", "neither yes nor no");
	refused(edited("failed=no\n", "failed=no\nmore=1\n"), "mac=", "a field that is none");
	memset(long_text, 'x', sizeof(long_text) - 1);
	memcpy(long_text, "reason=", 7);
	refused(edited("reason=no", long_text), "too long", "a text that is too long");
	refused(edited("volume=root",
		       "volume=root/of/a/very/long/name/that/no/volume/ever/has/since/"
		       "device-mapper/has/at/most"),
		"too long", "a name that is too long");
	for (i = 0; i < 15; i++)
		(void)strcat(volumes, "volume=x\nsecret=\ndevice=\nuuid=\nheader=\nfailed=no\n");
	refused(edited("volume=root", strcat(volumes, "volume=root")), "too many", "17 volumes");
	refused("", "line 1", "nothing");
	refused("\n", "line 1", "an empty line");
	refused("coco-unlock-challenge=1", "no end", "a line without end");
	refused(front_of_example, "mac=", "a challenge without its last line");
	memset(text, 'x', sizeof(text));
	is_int(reads(text, CHALLENGE_SIZE_MAX + 1), -EINVAL, "one that is too long");
	is_int(reads("coco-unlock-challenge=1\n\0x", 26), -EINVAL, "a NUL");
}

static void test_write(void)
{
	struct challenge c = example(), back;
	ssize_t len;
	size_t i;

	(void)snprintf(c.reason, sizeof(c.reason), "a \"disk\" says\n\x1b[2J\xff");
	len = challenge_write(&c, shared, text);
	ok(len > 0 && challenge_read(text, (size_t)len, &back, &f) == 0,
	   "what is not printable is written");
	is_str(back.reason, "a 'disk' says??[2J?", "... printable");
	memset(c.reason, 'r', sizeof(c.reason) - 1);
	len = challenge_write(&c, shared, text);
	ok(len > 0 && challenge_read(text, (size_t)len, &back, &f) == 0 &&
		   strcmp(back.reason, c.reason) == 0,
	   "a reason of 511 characters");
	c.nr_volumes = CHALLENGE_VOLUMES_MAX;
	for (i = 0; i < c.nr_volumes; i++)
		(void)snprintf(c.volumes[i].name, sizeof(c.volumes[i].name), "volume%zu", i);
	len = challenge_write(&c, shared, text);
	ok(len > 0 && challenge_read(text, (size_t)len, &back, &f) == 0 &&
		   back.nr_volumes == CHALLENGE_VOLUMES_MAX,
	   "16 volumes");
	for (i = 0; i < c.nr_volumes; i++) {
		memset(c.volumes[i].secret, 's', CHALLENGE_TEXT_SIZE - 1);
		memset(c.volumes[i].device, 'd', CHALLENGE_TEXT_SIZE - 1);
	}
	is_int(challenge_write(&c, shared, text), -EFBIG, "more than there is room for");
	c.nr_volumes++;
	is_int(challenge_write(&c, shared, text), -EINVAL, "17 volumes");
	c = example();
	is_int(challenge_write(&c, NULL, text), -EINVAL, "keys, but no K");
}

static void set(char *field, size_t size, char c)
{
	memset(field, c, size - 1);
	field[size - 1] = '\0';
}

/* All volumes that a configuration can have, with the longest names, secrets and paths: no guest
 * may be left without a challenge. */
static void test_longest(void)
{
	struct challenge c = example(), back;
	ssize_t len;
	size_t i;

	c.actions = (1U << _RESCUE_ACTION_MAX) - 1;
	c.code = 255;
	set(c.code_name, sizeof(c.code_name), 'c');
	set(c.reason, FAULT_WHY_MAX, 'r');
	set(c.no_secret, sizeof(c.no_secret), 'n');
	c.nr_volumes = CONF_VOLUMES_MAX;
	for (i = 0; i < c.nr_volumes; i++) {
		struct challenge_volume *v = &c.volumes[i];

		set(v->name, CONF_NAME_SIZE, 'v');
		set(v->secret, REFERENCE_TEXT_SIZE, 's');
		set(v->device, CONF_DEVICE_SIZE, 'd');
		set(v->uuid, BINHEADER_UUID_SIZE, 'u');
		set(v->header, POLICY_RULE_SIZE, 'h');
		v->failed = true;
	}
	len = challenge_write(&c, shared, text);
	ok(len > 0 && challenge_read(text, (size_t)len, &back, &f) == 0 &&
		   strcmp(back.volumes[CONF_VOLUMES_MAX - 1].device, c.volumes[0].device) == 0,
	   "the longest that a configuration makes: %zd bytes", len);
}

static void test_actions(void)
{
	int i;

	for (i = 0; i < _RESCUE_ACTION_MAX; i++)
		is_int(rescue_action_from_name(rescue_action_name((enum rescue_action)i)), i,
		       "action %s", rescue_action_name((enum rescue_action)i));
	ok(!rescue_action_name(_RESCUE_ACTION_MAX) && !rescue_action_name((enum rescue_action) - 1),
	   "no other number has a name");
	ok(rescue_action_from_name("") < 0 && rescue_action_from_name("Unlock") < 0,
	   "no other name has a number");
}

int main(void)
{
	test_example();
	test_bits();
	test_exchanged();
	test_lines();
	test_write();
	test_longest();
	test_actions();
	return tap_done();
}
