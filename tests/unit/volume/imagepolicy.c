/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * imagepolicy.c - the image's policy: the file, what it comes to together with the policy entry in
 * every combination, whose pin a refusal names, and what RequirePolicyEntry= makes of both.
 */
#include "volume/imagepolicy.h"

#include "base/paths.h"
#include "disk/header.h"
#include "fixture.h"
#include "inject.h"

#define UUID "abcdef01-2345-4678-89ab-cdef01234567"
#define UUID2 "bbcdef01-2345-4678-89ab-cdef01234567"
#define A "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
#define B "bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb"
#define C "cccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccc"
#define H(digest) "header=sha256:" digest "\n"
#define K(digest) "volume-key=sha256:" digest "\n"
#define X(digest) "fixate-volume-key=" digest "\n"
#define U(uuid) "uuid=" uuid "\n"
#define MIN(n) "min-generation=" #n "\n"
#define SET(n) "set-generation=" #n "\n"
#define V "version=1\n"
#define R V "volume=root\n"

static struct fixture fx;
static struct conf conf;
static struct policy_entry image, entry;
static struct fault f;

static int load(const char *text)
{
	fixture_text(&fx, PATH_POLICY, text);
	f = (struct fault){ 0 };
	return image_policy_load(&fx.root, &conf, &image, &f);
}

/* NULL or "": there is none. */
static void put(const char *image_text, const char *entry_text)
{
	_cleanup_secret_ struct secret s = SECRET_NULL;

	memset(&image, 0, sizeof(image));
	memset(&entry, 0, sizeof(entry));
	f = (struct fault){ 0 };
	if (image_text && *image_text)
		FIXTURE_MUST(load(image_text) == 0 && image.present);
	if (!entry_text || !*entry_text)
		return;
	FIXTURE_MUST(secret_init(&s, &f) == 0);
	s.len = strlen(entry_text);
	memcpy(s.bytes, entry_text, s.len);
	FIXTURE_MUST(policy_entry_parse(&s, &conf, &entry, &f) == 0);
}

static int merge(const char *image_text, const char *entry_text)
{
	put(image_text, entry_text);
	return policy_merge(&image, &entry, &f);
}

static bool is_digest(const struct digest *digest, const char *text)
{
	struct digest wanted;

	FIXTURE_MUST(digest_parse(text, &wanted) == 0);
	return digest_equal(digest, &wanted);
}

static void test_file(void)
{
	static const struct {
		const char *text;
		unsigned int line;
	} wrong[] = {
		{ "", 1 },
		{ "# comment\n" R U(UUID), 1 },
		{ "version=2\nvolume=root\n" U(UUID), 1 },
		{ V, 2 },
		{ R, 3 },
		{ R U(UUID) U(UUID), 4 },
		{ R "uuid=" UUID, 3 },
		{ V "volume=other\n" U(UUID), 2 },
	};
	char text[POLICY_ENTRY_SIZE_MAX + 3], expected[64];
	size_t i;

	f = (struct fault){ 0 };
	memset(&image, 0xaa, sizeof(image));
	ok(image_policy_load(&fx.root, &conf, &image, &f) == 0 && !image.present &&
		   image.nr_volumes == 0,
	   "no file");
	for (i = 0; i < ARRAY_SIZE(wrong); i++) {
		(void)snprintf(expected, sizeof(expected), PATH_POLICY ":%u: ", wrong[i].line);
		ok(load(wrong[i].text) < 0 && f.code == EXITCODE_CONFIG && !image.present &&
			   strncmp(f.why, expected, strlen(expected)) == 0,
		   "mistake %zu: %s", i, f.why);
	}
	ok(load(R U(UUID) H(A) "volume=data\n" X(B)) == 0 && image.present && image.nr_volumes == 2,
	   "two volumes");
	ok(image.volumes[0].uuid_of == PIN_OF_IMAGE &&
		   image.volumes[0].headers_of == PIN_OF_IMAGE &&
		   image.volumes[1].fixated_key_of == PIN_OF_IMAGE,
	   "and it is known whose pins they are");

	memset(text, '0', sizeof(text));
	memcpy(text, R "min-generation=", sizeof(R "min-generation=") - 1);
	text[POLICY_ENTRY_SIZE_MAX - 1] = '\n';
	text[POLICY_ENTRY_SIZE_MAX] = '\0';
	is_int(load(text), 0, "4096 bytes are read: %s", f.why);
	text[POLICY_ENTRY_SIZE_MAX - 1] = '0';
	text[POLICY_ENTRY_SIZE_MAX] = '\n';
	text[POLICY_ENTRY_SIZE_MAX + 1] = '\0';
	ok(load(text) < 0 && f.code == EXITCODE_CONFIG && strstr(f.why, "longer than 4096"),
	   "4097 are not: %s", f.why);
}

/* What is there and cannot be read is no policy that is not there. */
static void test_unreadable(void)
{
	static const int errors[] = { EIO, EACCES, ENOMEM, EMFILE, ELOOP, ENOTDIR };
	char path[PATH_MAX];
	size_t i;

	(void)snprintf(path, sizeof(path), "%s", fixture_path(&fx, PATH_POLICY));
	FIXTURE_MUST(unlink(path) == 0 && symlink("nowhere", path) == 0);
	f = (struct fault){ 0 };
	ok(image_policy_load(&fx.root, &conf, &image, &f) < 0 && f.code == EXITCODE_CONFIG &&
		   strstr(f.why, PATH_POLICY),
	   "a link into nowhere: %s", f.why);
	FIXTURE_MUST(unlink(path) == 0 && mkdir(path, 0755) == 0);
	f = (struct fault){ 0 };
	ok(image_policy_load(&fx.root, &conf, &image, &f) < 0 && f.code == EXITCODE_CONFIG,
	   "a directory: %s", f.why);
	FIXTURE_MUST(rmdir(path) == 0);
	for (i = 0; i < ARRAY_SIZE(errors); i++) {
		f = (struct fault){ 0 };
		inject_failure(INJECT_OPENAT2, 1, errors[i]);
		ok(image_policy_load(&fx.root, &conf, &image, &f) < 0 && f.code == EXITCODE_CONFIG,
		   "%s: %s", strerror(errors[i]), f.why);
		inject_failure(INJECT_OPENAT2, 2, errors[i]);
		f = (struct fault){ 0 };
		ok(image_policy_load(&fx.root, &conf, &image, &f) < 0 && f.code == EXITCODE_CONFIG,
		   "... or when it is looked for: %s", f.why);
	}
	inject_failure(INJECT_NONE, 0, 0);
}

/* Each pin of which a volume has one: by none, one or both, equal or not. */
static void test_single(void)
{
	static const struct {
		const char *key, *one, *other;
	} kinds[] = {
		{ "uuid=", U(UUID), U(UUID2) },
		{ "volume-key=", K(A), K(B) },
		{ "fixate-volume-key=", X(A), X(B) },
	};
	char by_image[256], by_entry[256];
	size_t i;

	for (i = 0; i < ARRAY_SIZE(kinds); i++) {
		const struct pins *p = &entry.volumes[0];
		const enum pin_origin *of[] = { &p->uuid_of, &p->volume_key_of,
						&p->fixated_key_of };

		(void)snprintf(by_image, sizeof(by_image), R "%s", kinds[i].one);
		is_int(merge(by_image, NULL), 0, "%s by the image alone", kinds[i].key);
		ok(entry.nr_volumes == 1 && *of[i] == PIN_OF_IMAGE && !entry.present,
		   "... counts, and there is no entry for that");
		is_int(merge(NULL, by_image), 0, "... by the entry alone");
		ok(entry.nr_volumes == 1 && *of[i] == PIN_OF_ENTRY, "... counts");
		is_int(merge(by_image, by_image), 0, "... equal");
		ok(entry.nr_volumes == 1 && *of[i] == PIN_OF_BOTH, "... is of both");
		(void)snprintf(by_entry, sizeof(by_entry), R "%s", kinds[i].other);
		ok(merge(by_image, by_entry) < 0 && f.code == EXITCODE_POLICY_INVALID &&
			   strncmp(f.why, kinds[i].key, strlen(kinds[i].key)) == 0 &&
			   strstr(f.why, "of volume root") && strstr(f.why, "the image's policy") &&
			   strstr(f.why, "the policy entry") && strstr(f.next, PATH_POLICY),
		   "... another: %s", f.why);
		is_int(merge(by_image, R MIN(1)), 0, "... beside another pin of the entry");
		ok(entry.nr_volumes == 1 && *of[i] == PIN_OF_IMAGE && p->min_generation == 1,
		   "... both count");
		is_int(merge(R MIN(1), by_image), 0, "... the other way round");
		ok(entry.nr_volumes == 1 && *of[i] == PIN_OF_ENTRY && p->min_generation == 1,
		   "... both count");
	}
	is_int(merge(R U(UUID) K(A) X(B), R X(B) K(A) U(UUID)), 0, "all three, equal");
	ok(is_digest(&entry.volumes[0].volume_key, A) &&
		   is_digest(&entry.volumes[0].fixated_key, B) &&
		   strcmp(entry.volumes[0].uuid, UUID) == 0,
	   "have the values");
	ok(merge(R U(UUID) K(A) X(B), R X(B) K(B) U(UUID)) < 0, "one of three differs: %s", f.why);
}

static void test_headers(void)
{
	static const struct {
		const char *image, *entry;
		size_t nr;
		enum pin_origin of;
	} cases[] = {
		{ H(A) H(B), "", 2, PIN_OF_IMAGE },
		{ "", H(A) H(B), 2, PIN_OF_ENTRY },
		{ H(A), H(A), 1, PIN_OF_BOTH },
		{ H(A) H(B), H(B) H(C), 1, PIN_OF_BOTH },
		{ H(B), H(A) H(B) H(C), 1, PIN_OF_BOTH },
		{ H(A) H(B) H(C), H(C) H(B), 2, PIN_OF_BOTH },
		{ H(A) H(A), H(A), 1, PIN_OF_BOTH },
		{ H(A), H(A) H(A), 2, PIN_OF_BOTH },
		{ H(A), H(B), 0, PIN_OF_BOTH },
		{ H(A) H(B), H(C), 0, PIN_OF_BOTH },
	};
	char by_image[512], by_entry[512];
	size_t i;
	int r;

	for (i = 0; i < ARRAY_SIZE(cases); i++) {
		(void)snprintf(by_image, sizeof(by_image), R MIN(0) "%s", cases[i].image);
		(void)snprintf(by_entry, sizeof(by_entry), R MIN(0) "%s", cases[i].entry);
		r = merge(by_image, by_entry);
		if (cases[i].nr == 0)
			ok(r < 0 && f.code == EXITCODE_POLICY_INVALID &&
				   strstr(f.why, "header= of volume root") &&
				   strstr(f.why, "none in common"),
			   "headers %zu: %s", i, f.why);
		else
			ok(r == 0 && entry.nr_volumes == 1 &&
				   entry.volumes[0].nr_headers == cases[i].nr &&
				   entry.volumes[0].headers_of == cases[i].of,
			   "headers %zu: %zu are left", i, cases[i].nr);
	}
	is_int(merge(R H(A) H(B), R H(B) H(C)), 0, "of two and two");
	ok(is_digest(&entry.volumes[0].headers[0], B), "it is the common one");
}

static void test_generations(void)
{
	static const struct {
		const char *image, *entry;
		uint64_t min, set;
		bool has_min, has_set;
	} cases[] = {
		{ MIN(3), "", 3, 0, true, false },
		{ "", MIN(3), 3, 0, true, false },
		{ MIN(3), MIN(5), 5, 0, true, false },
		{ MIN(5), MIN(3), 5, 0, true, false },
		{ MIN(3) SET(4), MIN(3) SET(4), 3, 4, true, true },
		{ SET(4), MIN(3) SET(6), 3, 6, true, true },
		{ SET(7), MIN(3), 3, 7, true, true },
		{ MIN(5), MIN(3) SET(4), 5, 5, true, true }, /* a root of 5 is not raised to 4 */
		{ MIN(3) SET(4), MIN(5), 5, 5, true, true },
		{ MIN(0), MIN(0), 0, 0, true, false },
	};
	char by_image[256], by_entry[256];
	size_t i;

	for (i = 0; i < ARRAY_SIZE(cases); i++) {
		const struct pins *p = &entry.volumes[0];

		(void)snprintf(by_image, sizeof(by_image), R U(UUID) "%s", cases[i].image);
		(void)snprintf(by_entry, sizeof(by_entry), R U(UUID) "%s", cases[i].entry);
		ok(merge(by_image, by_entry) == 0 && p->min_generation == cases[i].min &&
			   p->set_generation == cases[i].set &&
			   p->has_min_generation == cases[i].has_min &&
			   p->has_set_generation == cases[i].has_set,
		   "generations %zu: the larger ones, %llu and %llu", i,
		   (unsigned long long)p->min_generation, (unsigned long long)p->set_generation);
	}
}

static void test_volumes(void)
{
	const struct pins *p;

	is_int(merge(R K(A), V "volume=data\n" K(B)), 0, "a volume each");
	p = policy_entry_pins(&entry, "root");
	ok(entry.nr_volumes == 2 && p && p->volume_key_of == PIN_OF_IMAGE, "both are pinned");
	is_int(merge(V "volume=data\n" K(B) "volume=root\n" K(A), R K(A)), 0,
	       "two by the image, one by the entry");
	p = policy_entry_pins(&entry, "root");
	ok(entry.nr_volumes == 2 && p && p->volume_key_of == PIN_OF_BOTH, "both are pinned");
	ok(merge(R K(A) "volume=data\n" K(B), R K(A) "volume=data\n" K(C)) < 0 &&
		   strstr(f.why, "volume data"),
	   "the second one differs: %s", f.why);
	ok(merge(NULL, NULL) == 0 && entry.nr_volumes == 0, "none at all");
}

static const char *said(const char *image_text, const char *entry_text)
{
	static const unsigned char metadata[HEADER_METADATA_SIZE];
	const struct device device = { .fd = -EBADF, .path = "/dev/x" };
	_cleanup_secret_ struct secret key = SECRET_NULL;
	const struct pins *p;

	FIXTURE_MUST(merge(image_text, entry_text) == 0);
	FIXTURE_MUST(secret_init(&key, &f) == 0);
	key.len = 64;
	p = policy_entry_pins(&entry, "root");
	if (pins_check_header(p, metadata, sizeof(metadata), &device, &f) >= 0 &&
	    pins_check_uuid(p, UUID2, &f) >= 0 && pins_check_key(p, &key, UUID2, &f) >= 0)
		return "";
	return f.code == EXITCODE_PIN_MISMATCH ? f.why : "another code";
}

/* Who has to correct what. */
static void test_words(void)
{
	static const char *const pins[] = { U(UUID), H(A), K(A), X(A) };
	char text[256];
	size_t i;

	for (i = 0; i < ARRAY_SIZE(pins); i++) {
		(void)snprintf(text, sizeof(text), R "%s", pins[i]);
		ok(strstr(said(text, NULL), " that the image's policy pins") &&
			   strstr(f.next, PATH_POLICY) && !strstr(f.next, "coco-secret pin"),
		   "the image's: %s", f.why);
		ok(strstr(said(NULL, text), " that the policy entry pins") && !*f.next,
		   "the entry's: %s", f.why);
		ok(strstr(said(text, text),
			  " that the image's policy and the policy entry both pin") &&
			   strstr(f.next, PATH_POLICY) && strstr(f.next, "coco-secret pin"),
		   "of both: %s", f.why);
	}
	is_str(said(R U(UUID2), R MIN(1)), "", "the right UUID");
}

static bool suffices(const char *image_text, const char *entry_text)
{
	put(image_text, entry_text);
	return policy_suffices(&image, &entry, &conf, &f) == 0;
}

static void test_suffices(void)
{
	ok(suffices(NULL, NULL), "none is required, none is there");
	ok(suffices(NULL, R MIN(0)), "or one that lacks a volume");
	conf.require_policy = true;
	ok(!suffices(NULL, NULL) && f.code == EXITCODE_POLICY_MISSING, "required: %s", f.why);
	ok(!suffices(NULL, R MIN(0)) && f.code == EXITCODE_POLICY_MISSING &&
		   strstr(f.why, "volume data"),
	   "an entry that lacks a volume: %s", f.why);
	ok(suffices(NULL, R MIN(0) "volume=data\n" MIN(0)), "an entry with both");
	ok(suffices(R K(A) "volume=data\n" K(A), NULL), "volume keys of the image");
	ok(suffices(R X(A) "volume=data\n" H(A), NULL), "or systemd's form, or a header");
	ok(suffices(R K(A), V "volume=data\n" U(UUID)), "one of the image, the other in the entry");
	ok(!suffices(R U(UUID) "volume=data\n" K(A), NULL) && strstr(f.why, "volume root") &&
		   strstr(f.why, "the image's policy"),
	   "the UUID alone does not count: %s", f.why);
	ok(!suffices(R MIN(1) SET(2) U(UUID) "volume=data\n" K(A), NULL), "nor with generations");
	ok(!suffices(R K(A), R U(UUID)) && strstr(f.why, "volume data"),
	   "a volume that neither names: %s", f.why);
	ok(suffices(R U(UUID) "volume=data\n" K(A), R U(UUID)), "but for one in the entry it may");
	conf.require_policy = false;
}

static unsigned int doubts(const char *text, const char *first)
{
	char buf[512] = "";
	unsigned int n;

	put(text, NULL);
	for (n = 0; image_policy_doubt(&image, &conf, n, buf, sizeof(buf)); n++)
		if (n == 0)
			ok(strstr(buf, first), "doubt: %s", buf);
	return n;
}

/* With a bare secret no entry comes. */
static bool suffices_alone(const char *image_text)
{
	put(image_text, NULL);
	return policy_check_bare(&image, &conf, &f) == 0;
}

static void test_bare(void)
{
	conf.require_policy = true;
	conf.sources[0] = SOURCE_KBS;
	ok(suffices_alone(NULL), "with a table there may come an entry");
	conf.kbs.format = RESOURCE_SECRET;
	ok(!suffices_alone(NULL) && f.code == EXITCODE_POLICY_MISSING &&
		   strstr(f.why, "volume root") && strstr(fault_next(&f), "volume-key="),
	   "with a bare secret none does: %s", f.why);
	ok(!suffices_alone(R U(UUID) "volume=data\n" K(A)) && strstr(f.why, "volume root"),
	   "a UUID of the image does not count");
	ok(!suffices_alone(R K(A)) && strstr(f.why, "volume data"),
	   "each volume is pinned, or not");
	ok(suffices_alone(R H(A) "volume=data\n" X(A)), "the image can pin them all");
	conf.require_policy = false;
	ok(suffices_alone(NULL), "where none is required it may be so");
	conf.kbs.format = RESOURCE_TABLE;
	conf.sources[0] = SOURCE_EFI;
}

static void test_doubts(void)
{
	is_int(doubts(NULL, ""), 0, "efi needs no policy of the image");
	is_int(doubts(R K(A), ""), 0, "nor one that is complete");
	is_int(doubts(R H(A), "pins the header of volume root"), 1, "a header pin is one");
	conf.sources[conf.nr_sources++] = SOURCE_KBS;
	is_int(doubts(NULL, "of volume root"), 2, "a broker: both volumes are open");
	is_int(doubts(R U(UUID) MIN(1), "of volume root"), 2, "the UUID does not count");
	is_int(doubts(R X(A), "neither key nor header of volume data"), 1, "one is open");
	is_int(doubts(R K(A) "volume=data\n" K(B), ""), 0, "none is");
	is_int(doubts(R K(A) "volume=data\n" H(B), "pins the header of volume data"), 1,
	       "but one may be in the way");
	conf.nr_sources--;
}

int main(void)
{
	fixture_init(&fx);
	conf_defaults(&conf);
	conf.volumes[1] = conf.volumes[0];
	(void)snprintf(conf.volumes[1].name, CONF_NAME_SIZE, "data");
	conf.nr_volumes = 2;
	test_file();
	test_unreadable();
	test_single();
	test_headers();
	test_generations();
	test_volumes();
	test_words();
	test_suffices();
	test_bare();
	test_doubts();
	ok(inject_secrets.nr_live == 0 && inject_secrets.dirty == 0, "every entry was wiped");
	return tap_done();
}
