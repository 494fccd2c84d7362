/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * answer.c - an answer from the owner to the guest: each bit flipped, replayed, for another
 * challenge, boot or key; arguments changed; headers and records that are signed and all the same
 * wrong; secrets that nobody else opens.
 */
#include "rescue/answer.h"

#include "bytes.h"
#include "fixture.h"
#include "inject.h"
#include "rescue/hpke.h"
#include "signing.h"

#define CHALLENGE "a challenge, of which the answer sees its digest alone"

static struct fault f;
static unsigned char message[ANSWER_SIZE_MAX];
static unsigned char images_keys[4][ANSWER_KEY_SIZE];
static struct signing_key *owner, *thief;
static struct rescue_keys *guest;
static struct secret shared; /* the owner's K */

static const char *const names[] = { "root", "data", "swap" };
static struct secret secrets[3];

static void set_up(void)
{
	struct secret entry = bytes_secret("12345678901234567890123456789012", 32);

	owner = signing_key_of(1);
	thief = signing_key_of(2);
	FIXTURE_MUST(rescue_keys_map(&guest, &f) == 0 && rescue_keys_make(&entry, guest, &f) == 0);
	FIXTURE_MUST(rescue_shared(&entry, &guest->public, &shared, &f) == 0);
	FIXTURE_MUST(signing_key_public(owner, images_keys[2]) == 0);
	memset(images_keys[0], 0x77, sizeof(images_keys[0])); /* no point */
	secret_done(&entry);
}

static struct answer plain(enum rescue_action action)
{
	return (struct answer){ .action = action, .keyslot = -1 };
}

static ssize_t make(const struct answer *answer, const struct answer_secret *with, size_t nr,
		    const struct signing_key *key)
{
	f = (struct fault){ 0 };
	return answer_make(answer, with, nr, CHALLENGE, strlen(CHALLENGE), &guest->public, &shared,
			   key, message, sizeof(message), &f);
}

static struct answer_secret one_secret(const char *volume, const char *text)
{
	struct answer_secret s = { .secret = bytes_secret(text, strlen(text)) };

	(void)snprintf(s.volume, sizeof(s.volume), "%s", volume);
	return s;
}

/* An answer of the owner that unlocks root. */
static size_t make_unlock(void)
{
	struct answer_secret with = one_secret("root", "correct horse");
	struct answer answer = plain(RESCUE_UNLOCK);
	ssize_t len;

	(void)snprintf(answer.volume, sizeof(answer.volume), "root");
	(void)snprintf(answer.device, sizeof(answer.device), "LABEL=\"my root\"");
	answer.keyslot = 3;
	len = make(&answer, &with, 1, owner);
	FIXTURE_MUST(len > 0);
	secret_done(&with.secret);
	return (size_t)len;
}

static int checks(const unsigned char *bytes, size_t len, const char *challenge,
		  struct answer *answer)
{
	f = (struct fault){ 0 };
	return answer_check(bytes, len, challenge, strlen(challenge),
			    (const unsigned char (*)[ANSWER_KEY_SIZE])images_keys, 4, answer, &f);
}

static int opens(const struct answer *answer, const struct rescue_keys *keys)
{
	f = (struct fault){ 0 };
	return answer_open(answer, message, CHALLENGE, strlen(CHALLENGE), keys, names,
			   ARRAY_SIZE(names), secrets, &f);
}

static void close_secrets(void)
{
	size_t i;

	for (i = 0; i < ARRAY_SIZE(secrets); i++)
		secret_done(&secrets[i]);
}

static bool none_open(void)
{
	return !secrets[0].bytes && !secrets[1].bytes && !secrets[2].bytes;
}

static void test_actions(void)
{
	struct answer answer, back;
	ssize_t len;
	int i;

	for (i = RESCUE_FETCH; i < _RESCUE_ACTION_MAX; i++) {
		answer = plain((enum rescue_action)i);
		f = (struct fault){ 0 };
		len = answer_make(&answer, NULL, 0, CHALLENGE, strlen(CHALLENGE), NULL, NULL, owner,
				  message, sizeof(message), &f);
		ok(len > 0, "%s is answered without keys", rescue_action_name(answer.action));
		is_int(checks(message, (size_t)len, CHALLENGE, &back), 0, "... and taken");
		ok(back.action == answer.action && back.keyslot == -1 && !back.volume[0] &&
			   !back.device[0] && !back.sealed && back.sealed_len == 0,
		   "... as what it is");
	}
	len = (ssize_t)make_unlock();
	is_int(checks(message, (size_t)len, CHALLENGE, &back), 0, "unlock is taken");
	ok(back.action == RESCUE_UNLOCK && back.keyslot == 3, "... with its keyslot");
	is_str(back.volume, "root", "... its volume");
	is_str(back.device, "LABEL=\"my root\"", "... and its device");
	is_int(opens(&back, guest), 0, "its secret opens");
	ok(secrets[0].len == 13 && memcmp(secrets[0].bytes, "correct horse", 13) == 0 &&
		   !secrets[1].bytes && !secrets[2].bytes,
	   "... for its volume");
	close_secrets();
}

static void test_several(void)
{
	struct answer_secret with[3] = { one_secret("swap", "s"), one_secret("root", "rr"),
					 one_secret("data", "") };
	struct answer answer = plain(RESCUE_UNLOCK), back;
	ssize_t len;

	memset(with[2].secret.bytes, 0xff, ANSWER_SECRET_MAX);
	with[2].secret.bytes[7] = 0;
	with[2].secret.len = ANSWER_SECRET_MAX;
	len = make(&answer, with, 3, owner);
	is_int(checks(message, (size_t)len, CHALLENGE, &back), 0, "an answer with three secrets");
	is_int(opens(&back, guest), 0, "... opens");
	ok(secrets[0].len == 2 && secrets[2].len == 1 && secrets[1].len == ANSWER_SECRET_MAX &&
		   memcmp(secrets[1].bytes, with[2].secret.bytes, ANSWER_SECRET_MAX) == 0,
	   "... each for its volume, in any order, with any bytes");
	close_secrets();
	with[1].secret.len = 60;
	len -= make(&answer, with, 3, owner);
	is_int(len, 0, "a secret that is some bytes longer makes no longer answer");
	with[2].secret.len++;
	is_int(make(&answer, with, 3, owner), -EINVAL, "a secret of 513 bytes");
	is_int(f.code, EXITCODE_BAD_INPUT, "... is refused: %s", f.why);
	with[2].secret.len = 0;
	is_int(make(&answer, with, 3, owner), -EINVAL, "... or of none");
	secret_done(&with[0].secret);
	secret_done(&with[1].secret);
	secret_done(&with[2].secret);
}

/* Nothing of it is read before the signature is right. */
static void test_bits(void)
{
	size_t len = make_unlock(), i;
	unsigned int taken = 0, other = 0;
	struct answer back;
	char challenge[] = CHALLENGE;

	for (i = 0; i < 8 * len; i++) {
		message[i / 8] ^= (unsigned char)(1 << i % 8);
		taken += checks(message, len, CHALLENGE, &back) != -EKEYREJECTED;
		message[i / 8] ^= (unsigned char)(1 << i % 8);
	}
	is_int(taken, 0, "no bit of %zu of an answer may be flipped", i);
	for (i = 0; i < 8 * strlen(challenge); i++) {
		challenge[i / 8] ^= (char)(1 << i % 8);
		taken += checks(message, len, challenge, &back) != -EKEYREJECTED;
		challenge[i / 8] ^= (char)(1 << i % 8);
	}
	is_int(taken, 0, "... nor one of the challenge that it is for");
	for (i = 0; i < len; i++) {
		int r = checks(message, i, CHALLENGE, &back);

		other += r != -EKEYREJECTED && r != -EBADMSG;
	}
	is_int(other, 0, "no part of an answer is one");
	is_int(checks(message, len + 1, CHALLENGE, &back), -EKEYREJECTED, "... nor more of one");
	is_int(checks(message, ANSWER_SIZE_MAX + 1, CHALLENGE, &back), -EBADMSG, "... too much");
	is_int(checks(message, len, CHALLENGE "x", &back), -EKEYREJECTED,
	       "it is for no other challenge: a replay");
	is_int(checks(message, len, CHALLENGE, &back), 0, "it is for its own");
}

static void test_keys(void)
{
	struct answer answer = plain(RESCUE_POWEROFF), back;
	ssize_t len = make(&answer, NULL, 0, thief);
	unsigned char kept[ANSWER_KEY_SIZE];

	is_int(checks(message, (size_t)len, CHALLENGE, &back), -EKEYREJECTED, "another's key");
	ok(strstr(f.why, "no key of this image"), "... is said: %s", f.why);
	memcpy(kept, images_keys[3], sizeof(kept));
	FIXTURE_MUST(signing_key_public(thief, images_keys[3]) == 0);
	is_int(checks(message, (size_t)len, CHALLENGE, &back), 0, "each of four keys may sign");
	memcpy(images_keys[3], kept, sizeof(kept));
	f = (struct fault){ 0 };
	is_int(answer_check(message, (size_t)len, CHALLENGE, strlen(CHALLENGE), NULL, 0, &back, &f),
	       -EKEYREJECTED, "without a key in the image nobody signs");
}

/* Who has the owner's signing key and not R, or another boot's K. */
static void test_sealed(void)
{
	struct secret entry = bytes_secret("12345678901234567890123456789012", 32), none;
	struct rescue_keys *other = NULL, saved;
	struct answer back;
	size_t len = make_unlock();

	FIXTURE_MUST(rescue_keys_map(&other, &f) == 0 && rescue_keys_make(&entry, other, &f) == 0);
	FIXTURE_MUST(checks(message, len, CHALLENGE, &back) == 0);
	is_int(opens(&back, other), -EBADMSG, "a secret does not open in another boot");
	ok(none_open(), "... and nothing is there: %s", f.why);
	is_int(f.code, EXITCODE_SECRET_REFUSED, "... with a code of the guest");
	saved = *other;
	*other = *guest;
	other->shared[31] ^= 1;
	is_int(opens(&back, other), -EBADMSG, "... nor with another K");
	*other = saved;
	other->there = false;
	is_int(opens(&back, other), -EBADMSG, "... nor without keys");
	FIXTURE_MUST(opens(&back, guest) == 0);
	close_secrets();
	back.header_len--;
	is_int(opens(&back, guest), -EBADMSG, "... nor with another header");
	none = shared;
	shared = bytes_secret("x", 0);
	memset(shared.bytes, 0, 32);
	shared.len = 32;
	len = make_unlock();
	secret_done(&shared);
	shared = none;
	FIXTURE_MUST(checks(message, len, CHALLENGE, &back) == 0);
	is_int(opens(&back, guest), -EBADMSG, "who has no R seals nothing for this boot");
	secret_done(&entry);
	rescue_keys_done(&other);
}

/* Signs whatever text, and seals whatever records. */
static size_t craft(const char *header, const unsigned char *records, size_t records_len)
{
	size_t len = strlen(header);
	unsigned char bytes[21 + 64] = "coco-unlock-answer-1";
	struct digest of_challenge, digest;

	memcpy(message, header, len);
	FIXTURE_MUST(digest_sha256(CHALLENGE, strlen(CHALLENGE), &of_challenge) == 0);
	if (records_len > 0) {
		const struct hpke_psk psk = {
			{ shared.bytes, 32 }, { (const unsigned char *)"coco-unlock-rescue-1", 20 }
		};
		struct secret text = bytes_secret(records, records_len);

		FIXTURE_MUST(hpke_seal(HPKE_AES_256_GCM, guest->public.key, &psk,
				       (struct hpke_data){ of_challenge.octets, 32 },
				       (struct hpke_data){ message, len }, &text, NULL,
				       message + len, &f) == 0);
		secret_done(&text);
		len += 48 + records_len;
	}
	memcpy(bytes + 21, of_challenge.octets, 32);
	FIXTURE_MUST(digest_sha256(message, len, &digest) == 0);
	memcpy(bytes + 53, digest.octets, 32);
	FIXTURE_MUST(signing_key_sign(owner, bytes, sizeof(bytes), message + len) == 0);
	return len + 64;
}

#define HEADER(action, volume, device, keyslot, sealed)                              \
	"coco-unlock-answer=1\naction=" action "\nvolume=" volume "\ndevice=" device \
	"\nkeyslot=" keyslot "\nsealed=" sealed "\n"

static void test_headers(void)
{
	static const struct {
		const char *header, *why;
	} bad[] = {
		{ "", "line 1" },
		{ "coco-unlock-answer=2\n", "version" },
		{ "coco-unlock-answer=1\naction=shell\n", "an action" },
		{ "coco-unlock-answer=1\nvolume=\n", "line 2" },
		{ HEADER("reboot", "root", "", "", "0"), "only unlock" },
		{ HEADER("reboot", "", "/dev/vda", "", "0"), "only unlock" },
		{ HEADER("reboot", "", "", "1", "0"), "only unlock" },
		{ HEADER("fetch", "", "", "", "1"), "only unlock" },
		{ HEADER("unlock", "", "", "", "0"), "needs a secret" },
		{ HEADER("unlock", "", "/dev/vda", "", "1"), "of a volume" },
		{ HEADER("reboot", "", "", "", ""), "no number" },
		{ HEADER("reboot", "", "", "", "00"), "not written" },
		{ HEADER("reboot", "", "", "", "+0"), "no number" },
		{ HEADER("reboot", "", "", "", "0") "more=1\n", "longer or shorter" },
		{ HEADER("unlock", "root", "", "", "9"), "longer or shorter" },
		{ HEADER("unlock", "root", "", "", "16385"), "too high" },
		{ HEADER("unlock", "root", "", "32", "1"), "too high" },
		{ HEADER("unlock", "root", "", "-1", "1"), "no number" },
		{ HEADER("unlock", "root", "/dev/\x1b[2J", "", "1"), "printable" },
		{ HEADER("unlock", "ro\xc3\xb6t", "", "", "1"), "printable" },
		{ HEADER("unlock",
			 "a-name-that-is-too-long-by-some-characters-of-the-alphabet-abcd"
			 "efg",
			 "", "", "1"),
		  "too long" },
	};
	struct answer back;
	size_t i, len;

	for (i = 0; i < ARRAY_SIZE(bad); i++) {
		len = craft(bad[i].header, NULL, 0);
		if (len == 64)
			len = craft("\n", NULL, 0);
		is_int(checks(message, len, CHALLENGE, &back), -EBADMSG, "signed, but: %s", f.why);
		if (!strstr(f.why, bad[i].why))
			ok(false, "... is said: %s", bad[i].why);
	}
	len = craft(HEADER("reboot", "", "", "", "0"), NULL, 0);
	is_int(checks(message, len, CHALLENGE, &back), 0, "control: a header that is right");
}

static int opens_records(const char *records, size_t len)
{
	char header[256];
	struct answer back;
	int r;

	(void)snprintf(header, sizeof(header), HEADER("unlock", "", "", "", "%zu"), len + 48);
	len = craft(header, (const unsigned char *)records, len);
	FIXTURE_MUST(checks(message, len, CHALLENGE, &back) == 0);
	r = opens(&back, guest);
	if (r < 0 && !none_open())
		r = -1000;
	close_secrets();
	return r;
}

#define RECORDS(text) text, sizeof(text) - 1

static void test_records(void)
{
	static const struct {
		const char *records;
		size_t len;
		const char *what;
	} bad[] = {
		{ RECORDS("\0"), "no record" },
		{ RECORDS("\4root\0\1x"), "no end" },
		{ RECORDS("\4root\0\1x\0\0\1"), "more behind the end" },
		{ RECORDS("\4root\0\2x"), "a secret that is cut" },
		{ RECORDS("\4root\0"), "a length that is cut" },
		{ RECORDS("\4root"), "a name without a length" },
		{ RECORDS("\377root\0\1x\0"), "a name that is longer than all" },
		{ RECORDS("\4root\0\0\0"), "an empty secret" },
		{ RECORDS("\4home\0\1x\0"), "another volume" },
		{ RECORDS("\3roo\0\1x\0"), "half a name" },
		{ RECORDS("\5root\0\0\1x\0"), "a name with a NUL" },
		{ RECORDS("\5root2\0\1x\0"), "a longer name" },
		{ RECORDS("\4root\0\1x\4data\0\1y\4root\0\1z\0"), "a volume twice" },
		{ RECORDS("\4root\377\377x\0"), "a secret of 65535 bytes" },
	};
	static char long_one[600] = "\4root\2\1";
	size_t i;

	for (i = 0; i < ARRAY_SIZE(bad); i++)
		ok(opens_records(bad[i].records, bad[i].len) == -EBADMSG, "sealed, but %s",
		   bad[i].what);
	ok(opens_records(long_one, sizeof(long_one)) == -EBADMSG, "sealed, but of 513 bytes");
	long_one[6] = 0;
	is_int(opens_records(long_one, sizeof(long_one)), 0, "control: 512");
	is_int(opens_records("\4root\0\1x\0", 9), 0, "control: without padding");
}

/* Made by tests/lib/rescue.py for a boot whose private half, R and b are 32 bytes 0x11, 0x22 and
 * 0x33, with the key of signing_key_of(1) and an ephemeral key of 32 bytes 0x44. */
static void test_vector(void)
{
	static const char answer_hex[] =
		"636f636f2d756e6c6f636b2d616e737765723d310a616374696f6e3d756e6c6f636b0a766f6c756d653d726f"
		"6f740a6465766963653d2f6465762f7664620a6b6579736c6f743d370a7365616c65643d3137360aff2ee456"
		"01ec1b67310c7790404585ae697331eee1c1f8cf2419731c1fff3e6b4712b9f32ff9b0e3feb7b2bb472d24db"
		"51588ddd9f7d3e70be1a6f444bd938781d8b69acd5df525dc3e9c0dff731eefc8f9370af7077481280730609"
		"23d54079ac6b488874a1bb9cfec3f6fd7a2b9386d23d0dedf40685f8e6f17c9a39609c1cac33f994a524fdc8"
		"eb859446b1ee6e4e6df3e8625b2becd01536a5d1b1a119e19079306902b73d8c29d0d290d59284bb7cace627"
		"de45b1508deb887799ebf0cae14789c225e188735b7ba515069dedddec3147cceda58bf1416d9cd7d96a2935"
		"f568437af26aeccc04e4296ea912510b";
	struct rescue_keys *keys = NULL;
	struct answer back;
	size_t len = bytes_from_hex(answer_hex, message, sizeof(message)), i;

	FIXTURE_MUST(rescue_keys_map(&keys, &f) == 0);
	keys->there = true;
	memset(keys->private, 0x11, sizeof(keys->private));
	(void)bytes_from_hex("7b4e909bbe7ffe44c465a220037d608ee35897d31ef972f07f74892cb0f73f13",
			     keys->public.key, 32);
	(void)bytes_from_hex("2c5af18e2cf614acfcbd3596f21f51c20a59433d0a6660d47fa349665cc9dbe6",
			     keys->shared, 32);
	is_int(checks(message, len, CHALLENGE, &back), 0, "an answer of another implementation");
	ok(back.action == RESCUE_UNLOCK && back.keyslot == 7 && strcmp(back.volume, "root") == 0 &&
		   strcmp(back.device, "/dev/vdb") == 0,
	   "... says the same");
	is_int(opens(&back, keys), 0, "... and opens");
	ok(secrets[0].len == 13 && memcmp(secrets[0].bytes, "correct horse", 13) == 0 &&
		   !secrets[1].bytes,
	   "... to the secret of root");
	for (i = 0; i < 32 && secrets[2].bytes && secrets[2].bytes[i] == i; i++)
		;
	ok(secrets[2].len == 32 && i == 32, "... and of swap");
	close_secrets();
	rescue_keys_done(&keys);
}

static void test_inputs(void)
{
	struct answer_secret with = one_secret("root", "x");
	struct answer answer = plain(RESCUE_UNLOCK);

	is_int(make(&answer, NULL, 0, owner), -EINVAL, "unlock without a secret");
	answer = plain(RESCUE_REBOOT);
	is_int(make(&answer, &with, 1, owner), -EINVAL, "reboot with one");
	answer.keyslot = 0;
	is_int(make(&answer, NULL, 0, owner), -EINVAL, "... with a keyslot");
	answer = plain(_RESCUE_ACTION_MAX);
	is_int(make(&answer, NULL, 0, owner), -EINVAL, "no action");
	answer = plain(RESCUE_UNLOCK);
	answer.keyslot = 1;
	is_int(make(&answer, &with, 1, owner), -EINVAL, "a keyslot without a volume");
	(void)snprintf(answer.volume, sizeof(answer.volume), "root");
	answer.keyslot = 32;
	is_int(make(&answer, &with, 1, owner), -EINVAL, "keyslot 32");
	answer.keyslot = 31;
	ok(make(&answer, &with, 1, owner) > 0, "keyslot 31");
	(void)snprintf(answer.device, sizeof(answer.device), "/dev/vda\naction=reboot");
	is_int(make(&answer, &with, 1, owner), -EINVAL, "a device of two lines");
	answer.device[0] = '\0';
	f = (struct fault){ 0 };
	is_int(answer_make(&answer, &with, 1, CHALLENGE, strlen(CHALLENGE), &guest->public, &shared,
			   owner, message, 200, &f),
	       -EINVAL, "a message that does not fit");
	with.volume[0] = '\0';
	is_int(make(&answer, &with, 1, owner), -EINVAL, "a secret for no volume");
	secret_done(&with.secret);
}

static void test_no_memory(void)
{
	struct answer back;
	size_t len = make_unlock();
	unsigned int nth;

	FIXTURE_MUST(checks(message, len, CHALLENGE, &back) == 0);
	for (nth = 1; nth <= 3; nth++) {
		inject_failure(INJECT_MLOCK, nth, EAGAIN);
		is_int(opens(&back, guest), -EAGAIN, "no memory, %u", nth);
		ok(f.code == EXITCODE_NO_MEMORY && none_open(), "... is said, and nothing is open");
	}
	inject_failure(INJECT_NONE, 0, 0);
}

int main(void)
{
	set_up();
	test_actions();
	test_several();
	test_bits();
	test_keys();
	test_sealed();
	test_headers();
	test_records();
	test_vector();
	test_inputs();
	test_no_memory();
	secret_done(&shared);
	signing_key_done(&owner);
	signing_key_done(&thief);
	rescue_keys_done(&guest);
	is_int(inject_secrets.dirty, 0, "all secret memory was wiped");
	is_int(inject_secrets.nr_live, 0, "... and given back");
	return tap_done();
}
