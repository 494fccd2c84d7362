/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * pins.c - the grammar of the owner's pins, line by line, and what a pin holds
 * against. The digests were computed by Python's hashlib and hmac:
 *   hashlib.sha256(bytes(range(64))), hashlib.sha256(bytes(i * 7 % 256 for i in range(32768)))
 *   hmac.new(bytes(range(64)), b"cryptsetup:root:" + UUID, hashlib.sha256)
 */
#include "volume/pins.h"

#include "disk/header.h"
#include "fixture.h"
#include "inject.h"

#define UUID "abcdef01-2345-4678-89ab-cdef01234567"
#define KEY_SHA256 "fdeab9acf3710362bd2658cdc9a29e8f9c757fcf9811603a8c447cd1d9151108"
#define KEY_HMAC "88d95f7d8984a0791bf200fbcb706b672411238de48c89b83f8344e0ce29d3e6"
#define HEADER_SHA256 "1ad834c3986c55f4bf52a09f4aa6adc9ed0de1f1ac20457a0606321042057254"
#define OTHER "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"
#define V "version=1\n"
#define R V "volume=root\n"

static struct conf conf;
static struct policy_entry policy;
static struct fault f;

static int parse(const char *text, size_t len)
{
	_cleanup_secret_ struct secret s = SECRET_NULL;

	FIXTURE_MUST(secret_init(&s, &(struct fault){ 0 }) == 0 && len <= SECRET_CAPACITY);
	memcpy(s.bytes, text, len);
	s.len = len;
	f = (struct fault){ 0 };
	memset(&policy, 0xaa, sizeof(policy));
	return policy_entry_parse(&s, &conf, &policy, &f);
}

/* The number of the line that is refused; 0: none, -1: something is wrong with the refusal. */
static int bad_line(const char *text)
{
	struct policy_entry untouched;
	unsigned int line = 0;
	int r;

	memset(&untouched, 0xaa, sizeof(untouched));
	r = parse(text, strlen(text));
	if (r == 0)
		return f.code == EXITCODE_OK && policy.present ? 0 : -1;
	if (r != -EINVAL || f.code != EXITCODE_POLICY_INVALID ||
	    memcmp(&policy, &untouched, sizeof(policy)) != 0 ||
	    sscanf(f.why, "line %u of the policy entry is not valid", &line) != 1)
		return -1;
	return (int)line;
}

static void test_grammar(void)
{
	/* clang-format off */
	static const struct {
		const char *text;
		int line;
	} cases[] = {
		{ R "uuid=" UUID "\n", 0 },
		{ R "header=sha256:" OTHER "\n", 0 },
		{ R "volume-key=sha256:" OTHER "\n", 0 },
		{ R "fixate-volume-key=" OTHER "\n", 0 },
		{ R "min-generation=0\n", 0 },
		{ R "set-generation=0\n", 0 },
		{ R "min-generation=9223372036854775807\nset-generation=9223372036854775807\n", 0 },
		{ R "set-generation=5\nuuid=" UUID "\nheader=sha256:" OTHER "\n", 0 },
		{ R "uuid=" UUID "\nvolume=data\nuuid=" UUID "\n", 0 },
		{ V "volume=data\nuuid=" UUID "\nvolume=root\nuuid=" UUID "\n", 0 },

		{ "", 1 },
		{ "\n", 1 },
		{ "version=1", 1 },
		{ V, 2 },
		{ "version=0\n", 1 },
		{ "version=2\n" "volume=root\nuuid=" UUID "\n", 1 },
		{ "version=01\n", 1 },
		{ "version=1 \n", 1 },
		{ " version=1\n", 1 },
		{ "version= 1\n", 1 },
		{ "VERSION=1\n", 1 },
		{ "version=1\r\nvolume=root\r\n", 1 },
		{ "volume=root\n" V "uuid=" UUID "\n", 1 },
		{ "\xef\xbb\xbf" R "uuid=" UUID "\n", 1 },
		{ "# comment\n" R "uuid=" UUID "\n", 1 },
		{ "\n" R "uuid=" UUID "\n", 1 },
		{ V V "volume=root\nuuid=" UUID "\n", 2 },
		{ V "\nvolume=root\nuuid=" UUID "\n", 2 },
		{ V "# comment\nvolume=root\nuuid=" UUID "\n", 2 },
		{ V "uuid=" UUID "\n", 2 }, /* of which volume? */
		{ V "header=sha256:" OTHER "\n", 2 },
		{ V "volume=other\nuuid=" UUID "\n", 2 },
		{ V "volume=\nuuid=" UUID "\n", 2 },
		{ V "volume=Root\nuuid=" UUID "\n", 2 },
		{ V "volume=root \nuuid=" UUID "\n", 2 },
		{ V "volume\nuuid=" UUID "\n", 2 },
		{ V "=root\n", 2 },
		{ V "=\n", 2 },
		{ R, 3 }, /* a volume without a pin */
		{ R "volume=data\nuuid=" UUID "\n", 3 },
		{ R "uuid=" UUID "\nvolume=data\n", 5 },
		{ R "uuid=" UUID "\nvolume=root\nmin-generation=1\n", 4 }, /* twice */
		{ R "uuid=" UUID, 3 }, /* no end of line */
		{ R "uuid=" UUID "\n\n", 4 },
		{ R "uuid=" UUID "\nx", 4 },
		{ R "uuid=" UUID "\nfoo=1\n", 4 },
		{ R "UUID=" UUID "\n", 3 },
		{ R "uuid =" UUID "\n", 3 },
		{ R "uuid= " UUID "\n", 3 },
		{ R "uuid=" UUID " \n", 3 },
		{ R "uuid=" UUID "\r\n", 3 },
		{ R "uuid=\n", 3 },
		{ R "uuid=ABCDEF01-2345-4678-89ab-cdef01234567\n", 3 },
		{ R "uuid=abcdef01234546788aabcdef01234567\n", 3 },
		{ R "uuid=" UUID "0\n", 3 },
		{ R "uuid=" UUID "\nuuid=" UUID "\n", 4 },
		{ R "header=" OTHER "\n", 3 },
		{ R "header=sha256:\n", 3 },
		{ R "header=sha512:" OTHER OTHER "\n", 3 },
		{ R "header=SHA256:" OTHER "\n", 3 },
		{ R "header=sha256:" OTHER "0\n", 3 },
		{ R "header=sha256:0123456789ABCDEF0123456789abcdef0123456789abcdef0123456789abcdef\n", 3 },
		{ R "header=sha256:g123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef\n", 3 },
		{ R "header=sha256:0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcde\n", 3 },
		{ R "header=sha256: " OTHER "\n", 3 },
		{ R "volume-key=" OTHER "\n", 3 },
		{ R "volume-key=sha256:" OTHER "\nvolume-key=sha256:" OTHER "\n", 4 },
		{ R "fixate-volume-key=sha256:" OTHER "\n", 3 },
		{ R "fixate-volume-key=\n", 3 },
		{ R "fixate-volume-key=" OTHER "\nfixate-volume-key=" OTHER "\n", 4 },
		{ R "min-generation=\n", 3 },
		{ R "min-generation=-1\n", 3 },
		{ R "min-generation=+1\n", 3 },
		{ R "min-generation=1 \n", 3 },
		{ R "min-generation=0x1\n", 3 },
		{ R "min-generation=1.0\n", 3 },
		{ R "min-generation=9223372036854775808\n", 3 },
		{ R "min-generation=18446744073709551617\n", 3 },
		{ R "min-generation=1\nmin-generation=1\n", 4 },
		{ R "set-generation=9223372036854775808\n", 3 },
		{ R "set-generation=1\nset-generation=2\n", 4 },
		{ R "min-generation=2\nset-generation=1\n", 4 },
		{ R "set-generation=1\nmin-generation=2\n", 4 }, /* the minimum comes first */
	};
	/* clang-format on */
	size_t i;

	for (i = 0; i < ARRAY_SIZE(cases); i++)
		is_int(bad_line(cases[i].text), cases[i].line, "case %zu: %s in line %d", i,
		       cases[i].line ? "refused" : "taken", cases[i].line);
	ok(parse(R "uuid=" UUID "\n\0", sizeof(R "uuid=" UUID "\n")) == -EINVAL &&
		   f.code == EXITCODE_POLICY_INVALID,
	   "a NUL byte: %s", f.why);
}

static void test_values(void)
{
	const struct pins *p;
	char text[8192] = R;
	size_t i, len;

	is_int(bad_line(R "min-generation=3\nset-generation=4\nuuid=" UUID "\nvolume=data\n"
			  "min-generation=9223372036854775807\n"),
	       0, "two volumes");
	p = policy_entry_pins(&policy, "root");
	ok(policy.nr_volumes == 2 && p && p->has_min_generation && p->min_generation == 3 &&
		   p->has_set_generation && p->set_generation == 4 && strcmp(p->uuid, UUID) == 0 &&
		   p->nr_headers == 0 && !p->has_volume_key && !p->has_fixated_key,
	   "the first one's pins");
	p = policy_entry_pins(&policy, "data");
	ok(p && p->min_generation == INT64_MAX && !p->has_set_generation && !p->uuid[0],
	   "the second one's");
	ok(!policy_entry_pins(&policy, "other") && !policy_entry_pins(&policy, ""),
	   "and no others");

	for (i = 0; i < POLICY_ENTRY_HEADERS_MAX; i++)
		text_append(text, sizeof(text), "header=sha256:" OTHER "\n");
	is_int(bad_line(text), 0, "8 headers of one volume");
	is_int(policy.volumes[0].nr_headers, 8, "are kept");
	text_append(text, sizeof(text), "header=sha256:" OTHER "\n");
	is_int(bad_line(text), 11, "9 are too many");

	/* The longest text that is taken, and one byte more. */
	memset(text, 'x', sizeof(text));
	len = sizeof(R "min-generation=") - 1;
	memcpy(text, R "min-generation=", len);
	memset(text + len, '0', POLICY_ENTRY_SIZE_MAX - len);
	text[POLICY_ENTRY_SIZE_MAX - 1] = '\n';
	(void)parse(text, POLICY_ENTRY_SIZE_MAX);
	ok(f.code == EXITCODE_OK || strstr(f.why, "line 3 of"), "4096 bytes are read");
	text[POLICY_ENTRY_SIZE_MAX] = '\n';
	ok(parse(text, POLICY_ENTRY_SIZE_MAX + 1) < 0 && f.code == EXITCODE_POLICY_INVALID &&
		   strstr(f.why, "longer than 4096 bytes"),
	   "4097 are not: %s", f.why);
}

/* No text is valid that is cut short, but at the end of a line behind a volume's first pin. */
static void test_truncations(void)
{
	static const char text[] =
		R "uuid=" UUID "\nheader=sha256:" OTHER "\nvolume-key=sha256:" OTHER
		  "\nfixate-volume-key=" OTHER "\nmin-generation=3\nset-generation=4\n";
	size_t len, good = 0, wrong = 0;

	for (len = 0; len < sizeof(text); len++) {
		bool taken = parse(text, len) == 0;

		good += taken;
		wrong += taken && (len == 0 || text[len - 1] != '\n');
	}
	is_int(good, 6, "cut behind each pin it is valid");
	is_int(wrong, 0, "anywhere else it is not");
}

static int check_header(const char *text, const unsigned char *metadata)
{
	const struct device device = { .fd = -EBADF, .path = "/dev/x" };

	FIXTURE_MUST(bad_line(text) == 0);
	f = (struct fault){ 0 };
	return pins_check_header(&policy.volumes[0], metadata, HEADER_METADATA_SIZE, &device, &f);
}

static int check_key(const char *text, const struct secret *key, const char *uuid)
{
	FIXTURE_MUST(bad_line(text) == 0);
	f = (struct fault){ 0 };
	return pins_check_key(&policy.volumes[0], key, uuid, &f);
}

static void test_pins(void)
{
	static unsigned char metadata[HEADER_METADATA_SIZE];
	_cleanup_secret_ struct secret key = SECRET_NULL;
	const struct device device = { .fd = -EBADF, .path = "/dev/x" };
	unsigned int wrong = 0;
	size_t i;

	for (i = 0; i < sizeof(metadata); i++)
		metadata[i] = (unsigned char)(i * 7);
	is_int(check_header(R "header=sha256:" HEADER_SHA256 "\n", metadata), 0,
	       "header: the pinned one");
	is_int(check_header(R "header=sha256:" OTHER "\nheader=sha256:" HEADER_SHA256 "\n",
			    metadata),
	       0, "one of two");
	is_int(check_header(R "uuid=" UUID "\n", metadata), 0, "no header is pinned");
	ok(check_header(R "header=sha256:" OTHER "\nheader=sha256:" KEY_SHA256 "\n", metadata) ==
			   -EPERM &&
		   f.code == EXITCODE_PIN_MISMATCH && strstr(f.why, "/dev/x"),
	   "none of two: %s", f.why);
	FIXTURE_MUST(bad_line(R "header=sha256:" HEADER_SHA256 "\n") == 0);
	for (i = 0; i < sizeof(metadata); i += 4093 /* a prime */) {
		metadata[i] ^= 0x10;
		wrong += pins_check_header(&policy.volumes[0], metadata, sizeof(metadata), &device,
					   &f) == 0;
		metadata[i] ^= 0x10;
	}
	metadata[sizeof(metadata) - 1] ^= 1;
	wrong +=
		pins_check_header(&policy.volumes[0], metadata, sizeof(metadata), &device, &f) == 0;
	is_int(wrong, 0, "a bit in any place is another header");
	metadata[sizeof(metadata) - 1] ^= 1;
	is_int(pins_check_header(&policy.volumes[0], metadata, sizeof(metadata) / 2, &device, &f),
	       -EPERM, "the half of it is another header");
	is_int(pins_check_header(NULL, metadata, sizeof(metadata), &device, &f), -0,
	       "no pins at all");

	FIXTURE_MUST(bad_line(R "uuid=" UUID "\n") == 0);
	f = (struct fault){ 0 };
	is_int(pins_check_uuid(&policy.volumes[0], UUID, &f), 0, "UUID: the pinned one");
	ok(pins_check_uuid(&policy.volumes[0], "bbcdef01-2345-4678-89ab-cdef01234567", &f) ==
			   -EPERM &&
		   f.code == EXITCODE_PIN_MISMATCH,
	   "another: %s", f.why);
	is_int(pins_check_uuid(&policy.volumes[0], "ABCDEF01-2345-4678-89ab-cdef01234567", &f),
	       -EPERM, "in other letters");
	is_int(pins_check_uuid(NULL, "x", &f), 0, "no pins at all");
	FIXTURE_MUST(bad_line(R "min-generation=1\n") == 0);
	is_int(pins_check_uuid(&policy.volumes[0], "x", &f), 0, "no UUID is pinned");

	FIXTURE_MUST(secret_init(&key, &(struct fault){ 0 }) == 0);
	key.len = 64;
	for (i = 0; i < key.len; i++)
		key.bytes[i] = (unsigned char)i;
	is_int(check_key(R "volume-key=sha256:" KEY_SHA256 "\n", &key, UUID), 0,
	       "key: the pinned one");
	ok(check_key(R "volume-key=sha256:" OTHER "\n", &key, UUID) == -EPERM &&
		   f.code == EXITCODE_PIN_MISMATCH && !strstr(f.why, "fixate"),
	   "another: %s", f.why);
	is_int(check_key(R "fixate-volume-key=" KEY_HMAC "\n", &key, UUID), 0,
	       "systemd's form: the pinned one");
	ok(check_key(R "fixate-volume-key=" OTHER "\n", &key, UUID) == -EPERM &&
		   f.code == EXITCODE_PIN_MISMATCH && strstr(f.why, "fixate-volume-key="),
	   "another: %s", f.why);
	is_int(check_key(R "fixate-volume-key=" KEY_HMAC "\n", &key,
			 "bbcdef01-2345-4678-89ab-cdef01234567"),
	       -EPERM, "it holds the UUID, too");
	is_int(check_key(V "volume=data\nfixate-volume-key=" KEY_HMAC "\n", &key, UUID), -EPERM,
	       "and the name");
	is_int(check_key(R "volume-key=sha256:" KEY_SHA256 "\nfixate-volume-key=" KEY_HMAC "\n",
			 &key, UUID),
	       0, "both");
	is_int(check_key(R "volume-key=sha256:" KEY_SHA256 "\nfixate-volume-key=" OTHER "\n", &key,
			 UUID),
	       -EPERM, "one right and one wrong");
	is_int(check_key(R "volume-key=sha256:" OTHER "\nfixate-volume-key=" KEY_HMAC "\n", &key,
			 UUID),
	       -EPERM, "one wrong and one right");
	key.bytes[63] ^= 1;
	is_int(check_key(R "volume-key=sha256:" KEY_SHA256 "\n", &key, UUID), -EPERM,
	       "a key with another last byte");
	key.bytes[63] ^= 1;
	key.len = 32;
	is_int(check_key(R "volume-key=sha256:" KEY_SHA256 "\n", &key, UUID), -EPERM,
	       "half of the key");
	is_int(check_key(R "min-generation=1\n", &key, UUID), 0, "no key is pinned");
	is_int(pins_check_key(NULL, &key, UUID, &f), 0, "no pins at all");
}

int main(void)
{
	conf_defaults(&conf);
	conf.volumes[1] = conf.volumes[0];
	(void)snprintf(conf.volumes[1].name, CONF_NAME_SIZE, "data");
	conf.nr_volumes = 2;
	test_grammar();
	test_values();
	test_truncations();
	test_pins();
	ok(inject_secrets.nr_live == 0 && inject_secrets.dirty == 0, "every entry was wiped");
	return tap_done();
}
