/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * volume.c - libcryptsetup opens the sealed copy with the exact bytes, or without one final
 * NUL, and in no other way; the mapping is asked for as configured.
 * There is no device mapper here: crypt_activate_by_volume_key() is a fake.
 * Needs: cryptsetup
 */
#include "volume/volume.h"

#include <libcryptsetup.h>

#include "fixture.h"
#include "inject.h"

#define ARGON2 "--pbkdf argon2id --pbkdf-force-iterations 4 --pbkdf-memory 32 --pbkdf-parallel 1"

static struct fixture fx;
static struct conf conf;
static struct fault f;

/* What the fake was asked for, and what it answers. */
static struct {
	int result;
	unsigned int calls;
	char name[64];
	unsigned char key[64];
	size_t key_size;
	uint32_t flags;
} mapping;

int crypt_activate_by_volume_key(struct crypt_device *cd, const char *name, const char *key,
				 size_t key_size, uint32_t flags)
{
	FIXTURE_MUST(cd);
	mapping.calls++;
	(void)snprintf(mapping.name, sizeof(mapping.name), "%s", name ? name : "NULL");
	mapping.key_size = key_size;
	if (key && key_size <= sizeof(mapping.key))
		memcpy(mapping.key, key, key_size);
	mapping.flags = flags;
	return mapping.result;
}

/* What the library answers to a key derivation; 1: it does it. */
static int derivation = 1;
static unsigned int derivations;
static char tried[64]; /* the numbers of the keyslots, in this order */

int crypt_volume_key_get(struct crypt_device *cd, int keyslot, char *key, size_t *key_size,
			 const char *passphrase, size_t passphrase_size)
{
	derivations++;
	(void)snprintf(tried + strlen(tried), sizeof(tried) - strlen(tried), "%d ", keyslot);
	if (derivation < 1)
		return derivation;
	return INJECT_NEXT(crypt_volume_key_get)(cd, keyslot, key, key_size, passphrase,
						 passphrase_size);
}

/* Accessors that lie about the loaded header. */
static struct {
	uint64_t metadata_size;
	crypt_reencrypt_info reencryption;
	int hardware;
	uint32_t requirements, flags;
	int flags_result;
	crypt_keyslot_info status[4];
	const char *keyslot_cipher, *integrity;
	size_t keyslot_key_size;
} lie;

int crypt_get_metadata_size(struct crypt_device *cd, uint64_t *metadata_size,
			    uint64_t *keyslots_size)
{
	int r = INJECT_NEXT(crypt_get_metadata_size)(cd, metadata_size, keyslots_size);

	if (lie.metadata_size)
		*metadata_size = lie.metadata_size;
	return r;
}

crypt_reencrypt_info crypt_reencrypt_status(struct crypt_device *cd,
					    struct crypt_params_reencrypt *params)
{
	return lie.reencryption ? lie.reencryption :
				  INJECT_NEXT(crypt_reencrypt_status)(cd, params);
}

/* libcryptsetup 2.7 has it; older ones are tested as if they had. */
int crypt_get_hw_encryption_type(struct crypt_device *cd);

int crypt_get_hw_encryption_type(struct crypt_device *cd)
{
	FIXTURE_MUST(cd);
	return lie.hardware;
}

int crypt_persistent_flags_get(struct crypt_device *cd, crypt_flags_type type, uint32_t *flags)
{
	int r = INJECT_NEXT(crypt_persistent_flags_get)(cd, type, flags);

	*flags |= type == CRYPT_FLAGS_REQUIREMENTS ? lie.requirements : lie.flags;
	return lie.flags_result ? lie.flags_result : r;
}

crypt_keyslot_info crypt_keyslot_status(struct crypt_device *cd, int id)
{
	if (id < 4 && lie.status[id])
		return lie.status[id];
	return INJECT_NEXT(crypt_keyslot_status)(cd, id);
}

const char *crypt_keyslot_get_encryption(struct crypt_device *cd, int id, size_t *key_size)
{
	const char *cipher = INJECT_NEXT(crypt_keyslot_get_encryption)(cd, id, key_size);

	if (lie.keyslot_key_size)
		*key_size = lie.keyslot_key_size;
	return lie.keyslot_cipher ? lie.keyslot_cipher : cipher;
}

int crypt_get_integrity_info(struct crypt_device *cd, struct crypt_params_integrity *ip)
{
	int r = INJECT_NEXT(crypt_get_integrity_info)(cd, ip);

	if (lie.integrity)
		ip->integrity = lie.integrity;
	return r;
}

static int load_result;

int crypt_load(struct crypt_device *cd, const char *type, void *params)
{
	return load_result ? load_result : INJECT_NEXT(crypt_load)(cd, type, params);
}

struct opened {
	struct verdict verdict;
	struct device device;
	struct header header;
	struct volume volume;
};

static void done(struct opened *o)
{
	volume_done(&o->volume);
	header_done(&o->header);
	device_done(&o->device);
}

static struct verdict last_good;

/* As unlock.c does, up to volume_load(). */
static int load(struct opened *o)
{
	struct header_area areas[HEADER_AREAS_MAX];
	struct stat st;
	uint32_t i;

	*o = (struct opened){ { 0 }, DEVICE_NULL, HEADER_NULL, VOLUME_NULL };
	f = (struct fault){ 0 };
	o->device.fd = open(fixture_path(&fx, "/vda"), O_RDONLY | O_CLOEXEC);
	FIXTURE_MUST(o->device.fd >= 0 && fstat(o->device.fd, &st) == 0);
	o->device.size = (uint64_t)st.st_size;
	(void)snprintf(o->device.path, sizeof(o->device.path), "/dev/vda");
	FIXTURE_MUST(header_read(&o->device, HEADER_COPY_SIZE, &o->header, &f) == 0);
	/* A header that was broken afterwards is loaded with the verdict from before. */
	if (policy_judge(o->header.metadata, o->device.size, &conf, &conf.volumes[0],
			 &o->verdict) == 0)
		last_good = o->verdict;
	else
		FIXTURE_MUST(last_good.nr_keyslots > 0);
	o->verdict = last_good;
	for (i = 0; i < o->verdict.nr_keyslots; i++)
		areas[i] = o->verdict.keyslots[i].area;
	FIXTURE_MUST(header_seal(&o->header, &o->device, areas, o->verdict.nr_keyslots,
				 o->verdict.data_offset, &f) == 0);
	return volume_load(&o->header, &o->device, &o->volume, &f);
}

static struct secret secret_of(const char *bytes, size_t len)
{
	struct secret s = SECRET_NULL;

	FIXTURE_MUST(secret_init(&s, &(struct fault){ 0 }) == 0);
	memcpy(s.bytes, bytes, len);
	s.len = len;
	return s;
}

static int unlock(struct opened *o, const char *bytes, size_t len)
{
	_cleanup_secret_ struct secret s = secret_of(bytes, len);

	f = (struct fault){ 0 };
	return volume_unlock(&o->volume, &o->verdict, &s, VOLUME_KEYSLOT_ANY, VOLUME_MEMORY_UNKNOWN,
			     &f);
}

static const char *form(const struct opened *o)
{
	return o->volume.form == SECRET_FORM_EXACT ? "exact" : "without-final-nul";
}

static void test_forms(void)
{
	static const struct {
		const char *options;
		const char *bytes;
		size_t len;
		const char *form; /* NULL: refused */
	} cases[] = {
		/* the keyslot's passphrase is "key" */
		{ ARGON2, "key", 3, "exact" },
		{ ARGON2, "key\0", 4, "without-final-nul" },
		{ ARGON2, "key\0\0", 5, NULL },
		{ ARGON2, "key\n", 4, NULL },
		{ ARGON2, "key\n\0", 5, NULL },
		{ ARGON2, "key\0\n", 5, NULL },
		{ ARGON2, "ke", 2, NULL },
		{ ARGON2, "keys", 4, NULL },
		{ ARGON2, "\0key", 4, NULL },
		{ ARGON2, "key\0y", 5, NULL },
		{ ARGON2, "\0", 1, NULL },
		{ ARGON2, "KEY", 3, NULL },
		{ "", "key", 3, "exact" },
		{ "", "ke", 2, NULL },
		{ "", "key\n", 4, NULL },
		/* A premise: HMAC pads short keys with zeros, so pbkdf2 does not see these NULs. */
		{ "", "key\0", 4, "exact" },
		{ "", "key\0\0", 5, "exact" },
	};
	const char *options = NULL;
	size_t i;

	for (i = 0; i < ARRAY_SIZE(cases); i++) {
		struct opened o;
		char shown[16] = "";
		size_t c;
		int r;

		if (cases[i].options != options)
			fixture_luks(&fx, "/vda", "key", cases[i].options);
		options = cases[i].options;
		for (c = 0; c < cases[i].len; c++)
			text_append(shown, sizeof(shown), cases[i].bytes[c] < ' ' ? "^%c" : "%c",
				    cases[i].bytes[c] < ' ' ? cases[i].bytes[c] + '@' :
							      cases[i].bytes[c]);
		FIXTURE_MUST(load(&o) == 0);
		r = unlock(&o, cases[i].bytes, cases[i].len);
		if (cases[i].form)
			ok(r == 0 && strcmp(form(&o), cases[i].form) == 0 &&
				   o.volume.keyslot == 0 && o.volume.key.len == 64,
			   "%s: '%s' opens, %s", *options ? "argon2id" : "pbkdf2", shown,
			   cases[i].form);
		else
			ok(r == -EPERM && f.code == EXITCODE_SECRET_REFUSED &&
				   o.volume.keyslot == -1 && o.volume.key.len == 0,
			   "%s: '%s' does not open", *options ? "argon2id" : "pbkdf2", shown);
		done(&o);
	}
}

/* A keyslot with an empty passphrase opens for nobody who has a secret. */
static void test_empty_passphrase(void)
{
	const struct crypt_pbkdf_type argon2 = {
		.type = CRYPT_KDF_ARGON2ID,
		.iterations = 4,
		.max_memory_kb = 32,
		.parallel_threads = 1,
		.flags = CRYPT_PBKDF_NO_BENCHMARK,
	};
	struct crypt_device *cd = NULL;
	size_t size = 64;
	char key[64];
	struct opened o;

	fixture_luks(&fx, "/vda", "key", ARGON2);
	FIXTURE_MUST(crypt_init(&cd, fixture_path(&fx, "/vda")) == 0 &&
		     crypt_load(cd, CRYPT_LUKS2, NULL) == 0 &&
		     crypt_set_pbkdf_type(cd, &argon2) == 0 &&
		     crypt_keyslot_change_by_passphrase(cd, 0, 0, "key", 3, "", 0) == 0);
	crypt_free(cd);
	FIXTURE_MUST(load(&o) == 0);
	ok(crypt_volume_key_get(o.volume.cd, CRYPT_ANY_SLOT, key, &size, "", 0) == 0,
	   "premise: the keyslot has an empty passphrase");
	is_int(unlock(&o, "\0", 1), -EPERM, "a secret of one NUL is not cut to nothing");
	done(&o);
}

static void test_copy_only(void)
{
	static unsigned char noise[1024 * 1024];
	struct opened o;
	int fd;

	fixture_luks(&fx, "/vda", "key", "");
	FIXTURE_MUST(load(&o) == 0);
	memset(noise, 0xee, sizeof(noise));
	fd = open(fixture_path(&fx, "/vda"), O_WRONLY | O_CLOEXEC);
	FIXTURE_MUST(fd >= 0 && pwrite(fd, noise, sizeof(noise), 0) == (ssize_t)sizeof(noise));
	FIXTURE_MUST(close(fd) == 0);
	is_int(unlock(&o, "key", 3), 0, "opens from the copy, whatever the disk says by now");
	done(&o);
}

/* A copy that libcryptsetup finds broken: it may repair, but not the disk, nor the copy. */
static void test_broken_copy(void)
{
	static unsigned char before[2 * 1024 * 1024], after[sizeof(before)], copy[32768];
	struct opened o;
	int fd, i;

	for (i = 0; i < 2; i++) {
		fixture_luks(&fx, "/vda", "key", "");
		fd = open(fixture_path(&fx, "/vda"), O_RDWR | O_CLOEXEC);
		FIXTURE_MUST(fd >= 0);
		/* LUKS2 spec, 2.1: the checksum is at byte 448 of each binary header. */
		FIXTURE_MUST(pwrite(fd, "xxxx", 4, 448) == 4);
		FIXTURE_MUST(i == 0 || pwrite(fd, "xxxx", 4, 16384 + 448) == 4);
		FIXTURE_MUST(pread(fd, before, sizeof(before), 0) == (ssize_t)sizeof(before));
		if (i == 0)
			ok(load(&o) >= 0 || f.code == EXITCODE_HEADER_REFUSED,
			   "one wrong checksum: taken or refused");
		else
			ok(load(&o) < 0 && f.code == EXITCODE_HEADER_REFUSED,
			   "two wrong checksums: refused, %s", f.why);
		FIXTURE_MUST(pread(fd, after, sizeof(after), 0) == (ssize_t)sizeof(after));
		ok(memcmp(before, after, sizeof(before)) == 0, "the disk is as it was");
		ok(pread(o.header.fd, copy, sizeof(copy), 0) == (ssize_t)sizeof(copy) &&
			   memcmp(copy, before, sizeof(copy)) == 0,
		   "and so is the copy");
		FIXTURE_MUST(close(fd) == 0);
		done(&o);
	}
}

static void test_keyslots(void)
{
	static const struct {
		int keyslot;
		unsigned int tries;
		bool opens;
	} cases[] = { { 1, 1, true }, { 0, 1, false }, { 2, 0, false }, { 31, 0, false } };
	char cmd[2 * PATH_MAX];
	struct opened o;
	size_t i;
	int r;

	fixture_luks(&fx, "/vda", "key", "");
	(void)snprintf(cmd, sizeof(cmd),
		       "PATH=$PATH:/usr/sbin:/sbin; cd '%s' && printf key > a && printf other > b && "
		       "cryptsetup luksAddKey -q --disable-locks --key-file a --pbkdf pbkdf2 "
		       "--pbkdf-force-iterations 1000 vda b > /dev/null 2>&1",
		       fx.dir);
	FIXTURE_MUST(system(cmd) == 0);
	FIXTURE_MUST(load(&o) == 0);
	ok(unlock(&o, "other", 5) == 0 && o.volume.keyslot == 1, "the second keyslot opens");
	done(&o);
	FIXTURE_MUST(load(&o) == 0);
	ok(unlock(&o, "key", 3) == 0 && o.volume.keyslot == 0, "and so does the first");
	done(&o);
	for (i = 0; i < ARRAY_SIZE(cases); i++) {
		_cleanup_secret_ struct secret s = secret_of("other", 5);

		FIXTURE_MUST(load(&o) == 0);
		derivations = 0;
		r = volume_unlock(&o.volume, &o.verdict, &s, cases[i].keyslot,
				  VOLUME_MEMORY_UNKNOWN, &f);
		ok((r == 0) == cases[i].opens && derivations == cases[i].tries,
		   "keyslot %d alone: %s", cases[i].keyslot, f.why);
		ok(r == 0 || f.code == EXITCODE_SECRET_REFUSED, "... and the code");
		done(&o);
	}
}

/* Preferred keyslots come first; what needs too much memory is left out, and told if nothing
 * else opens. */
static void test_order(void)
{
	static const struct policy_keyslot slots[] = {
		{ .id = 7, .priority = 1, .memory_kib = 1048576 },
		{ .id = 3, .priority = 2, .memory_kib = 64 },
		{ .id = 1, .priority = 1 },
		{ .id = 0, .priority = 2 },
	};
	static const struct {
		uint64_t memory_kib;
		const char *tried;
		enum exitcode code;
	} cases[] = {
		{ VOLUME_MEMORY_UNKNOWN, "0 3 1 7 ", EXITCODE_SECRET_REFUSED },
		{ 1048576, "0 3 1 7 ", EXITCODE_SECRET_REFUSED },
		{ 1048575, "0 3 1 ", EXITCODE_NO_MEMORY },
		{ 63, "0 1 ", EXITCODE_NO_MEMORY },
	};
	struct opened o;
	size_t i;

	fixture_luks(&fx, "/vda", "key", "");
	for (i = 0; i < ARRAY_SIZE(cases); i++) {
		_cleanup_secret_ struct secret s = secret_of("key", 3);

		FIXTURE_MUST(load(&o) == 0);
		memcpy(o.verdict.keyslots, slots, sizeof(slots));
		o.verdict.nr_keyslots = ARRAY_SIZE(slots);
		derivation = -EPERM;
		tried[0] = '\0';
		f = (struct fault){ 0 };
		ok(volume_unlock(&o.volume, &o.verdict, &s, VOLUME_KEYSLOT_ANY, cases[i].memory_kib,
				 &f) < 0,
		   "memory of %llu KiB", (unsigned long long)cases[i].memory_kib);
		is_str(tried, cases[i].tried, "the keyslots in their order");
		is_str(exitcode_name(f.code), exitcode_name(cases[i].code), "and what is said");
		done(&o);
	}
	derivation = 1;
}

/* Only "does not open" may lead to a second try, and only one. */
static void test_derivation_fails(void)
{
	static const struct {
		int result;
		enum exitcode code;
		unsigned int tries; /* with a NUL at the end */
	} cases[] = {
		{ -EPERM, EXITCODE_SECRET_REFUSED, 2 },	 { -ENOMEM, EXITCODE_NO_MEMORY, 1 },
		{ -EINVAL, EXITCODE_HEADER_REFUSED, 1 }, { -ENOENT, EXITCODE_HEADER_REFUSED, 1 },
		{ -EIO, EXITCODE_HEADER_REFUSED, 1 },
	};
	struct opened o;
	size_t i;

	fixture_luks(&fx, "/vda", "key", "");
	for (i = 0; i < ARRAY_SIZE(cases); i++) {
		FIXTURE_MUST(load(&o) == 0);
		derivation = cases[i].result;
		derivations = 0;
		is_int(unlock(&o, "key\0", 4), cases[i].result, "the library says: %s",
		       strerror(-cases[i].result));
		is_str(exitcode_name(f.code), exitcode_name(cases[i].code), "that is");
		is_int(derivations, cases[i].tries, "and this many tries");
		ok(o.volume.key.len == 0 && o.volume.keyslot == -1, "there is no key");
		done(&o);
		FIXTURE_MUST(load(&o) == 0);
		derivations = 0;
		(void)unlock(&o, "key", 3);
		is_int(derivations, 1, "without a NUL at the end it is one try");
		done(&o);
	}
	derivation = 1;
	FIXTURE_MUST(load(&o) == 0);
	inject_failure(INJECT_MLOCK, 2, EPERM); /* the first is the secret's */
	ok(unlock(&o, "key", 3) == -EPERM && inject.hit && f.code == EXITCODE_NO_MEMORY,
	   "no locked memory for the key: %s", f.why);
	inject_failure(INJECT_NONE, 0, 0);
	done(&o);
	volume_done(&o.volume);
	ok(!o.volume.cd && !o.volume.key.bytes, "done twice is harmless");
}

/* The second try is work, too. */
static void test_twice(void)
{
	static const struct {
		uint64_t iterations, argon2_kib;
		unsigned int tries;
	} cases[] = {
		{ POLICY_ITERATIONS_MAX / 2, 0, 2 },
		{ POLICY_ITERATIONS_MAX / 2 + 1, 0, 1 },
		{ 1000, POLICY_ARGON2_KIB_MAX / 2, 2 },
		{ 1000, POLICY_ARGON2_KIB_MAX / 2 + 1, 1 },
	};
	struct opened o;
	size_t i;

	derivation = -EPERM;
	for (i = 0; i < ARRAY_SIZE(cases); i++) {
		FIXTURE_MUST(load(&o) == 0);
		o.verdict.iterations = cases[i].iterations;
		o.verdict.argon2_kib = cases[i].argon2_kib;
		derivations = 0;
		ok(unlock(&o, "key\0", 4) == -EPERM && derivations == cases[i].tries,
		   "%llu iterations, %llu KiB: %u tries", (unsigned long long)cases[i].iterations,
		   (unsigned long long)cases[i].argon2_kib, derivations);
		done(&o);
	}
	derivation = 1;
	load_result = -ENOMEM;
	ok(load(&o) == -ENOMEM && f.code == EXITCODE_NO_MEMORY, "no memory to load: %s", f.why);
	load_result = 0;
	done(&o);
}

static const char *check(const struct opened *o, const struct verdict *v, unsigned int options)
{
	struct volume_conf vc = { .name = "data",
				  .options = options,
				  .metadata_size = HEADER_COPY_SIZE };
	const char *rule = "accepted";
	int r;

	f = (struct fault){ 0 };
	r = volume_check(&o->volume, &vc, v, &rule, &f);
	if ((r == 0) != (strcmp(rule, "accepted") == 0) || (r < 0 && r != -EPERM) ||
	    (r < 0) != (f.code == EXITCODE_HEADER_REFUSED) || (r < 0 && !strstr(f.why, rule)))
		return "contradiction";
	return rule;
}

#define CHECK(rule, change, what)                           \
	do {                                                \
		v = o.verdict;                              \
		memset(&lie, 0, sizeof(lie));               \
		change;                                     \
		is_str(check(&o, &v, 0), rule, "%s", what); \
	} while (0)

/* What libcryptsetup makes of the header must be what the policy has made of it. */
static void test_check(void)
{
	struct verdict v;
	struct opened o;

	fixture_luks(&fx, "/vda", "key", "");
	FIXTURE_MUST(load(&o) == 0);
	CHECK("accepted", (void)0, "both agree");
	CHECK("accessor-cipher", strcpy(v.cipher, "aes-xts-plain65"), "another cipher");
	CHECK("accessor-cipher", strcpy(v.cipher, "aes-xts"), "a part of the cipher");
	CHECK("accessor-offset", v.data_offset += 512, "another offset");
	CHECK("accessor-sector-size", v.sector_size = 4096, "another sector size");
	CHECK("accessor-key-size", v.volume_key_size = 32, "another size of the volume key");
	CHECK("accessor-uuid", v.uuid[0] ^= 1, "another UUID");
	CHECK("accessor-uuid", v.uuid[0] = '\0', "no UUID");
	CHECK("accessor-metadata", lie.metadata_size = 32768, "a larger header");
	CHECK("accessor-reencryption", lie.reencryption = CRYPT_REENCRYPT_CLEAN, "a reencryption");
	CHECK("accessor-reencryption", lie.reencryption = CRYPT_REENCRYPT_INVALID, "a broken one");
	CHECK("accessor-hardware", lie.hardware = 1, "hardware encryption");
	CHECK("accessor-hardware", lie.hardware = -EINVAL, "hardware that is not known");
	CHECK("accessor-requirements", lie.requirements = 1, "a requirement");
	CHECK("accessor-requirements", lie.flags_result = -EINVAL,
	      "requirements that cannot be read");
	CHECK("accepted", lie.flags = CRYPT_ACTIVATE_ALLOW_DISCARDS, "a flag that is ignored");
	CHECK("accepted",
	      lie.flags = CRYPT_ACTIVATE_SAME_CPU_CRYPT | CRYPT_ACTIVATE_SUBMIT_FROM_CRYPT_CPUS |
			  CRYPT_ACTIVATE_NO_READ_WORKQUEUE | CRYPT_ACTIVATE_NO_WRITE_WORKQUEUE |
			  1U << 28,
	      "those for speed, high_priority of 2.8 among them");
	CHECK("accessor-flags", lie.flags = 1U << 29, "the next one");
	CHECK("accessor-flags", lie.flags = CRYPT_ACTIVATE_NO_JOURNAL, "a persistent flag");
	CHECK("accessor-flags",
	      lie.flags = CRYPT_ACTIVATE_ALLOW_DISCARDS | CRYPT_ACTIVATE_NO_JOURNAL, "two flags");
	is_str(check(&o, &v, VOLUME_OPTION_ALLOW_DISCARDS), "accessor-flags",
	       "of which cocotab asks for one");
	CHECK("accessor-integrity", v.integrity = true, "no integrity where it was judged");
	CHECK("accessor-integrity", lie.integrity = "hmac(sha256)", "integrity that was not");
	CHECK("accessor-integrity", (lie.integrity = "hmac(sha1)", v.integrity = true),
	      "another one");
	CHECK("accepted", (lie.integrity = "hmac(sha256)", v.integrity = true), "the right one");
	CHECK("accessor-keyslot", v.keyslots[0].id = 1, "another keyslot");
	CHECK("accessor-keyslot", v.nr_keyslots = 0, "a keyslot more");
	CHECK("accessor-keyslot",
	      (v.keyslots[1] = v.keyslots[0], v.keyslots[1].id = 5, v.nr_keyslots = 2),
	      "a keyslot less");
	CHECK("accessor-keyslot", lie.status[0] = CRYPT_SLOT_UNBOUND, "a keyslot for nothing");
	CHECK("accessor-keyslot", lie.status[2] = CRYPT_SLOT_UNBOUND,
	      "one beside those that were judged");
	CHECK("accessor-keyslot", v.keyslots[0].area.offset += 4096,
	      "another place of the keyslot");
	CHECK("accessor-keyslot", v.keyslots[0].area.size -= 1, "another size of its area");
	CHECK("accessor-keyslot", lie.keyslot_cipher = "cipher_null-ecb", "a keyslot in the clear");
	CHECK("accessor-keyslot", lie.keyslot_key_size = 16, "a short key of the keyslot");
	memset(&lie, 0, sizeof(lie));
	done(&o);
}

static const char *data_device = "/vda";

static int map(struct opened *o, unsigned int options)
{
	struct volume_conf vc = { .name = "data",
				  .options = options,
				  .metadata_size = HEADER_COPY_SIZE };

	f = (struct fault){ 0 };
	return volume_map(&fx.root, data_device, &o->volume, &vc, &f);
}

static void test_map(void)
{
	static const struct {
		unsigned int options;
		uint32_t flags;
	} cases[] = {
		{ 0, 0 },
		{ VOLUME_OPTION_READ_ONLY, CRYPT_ACTIVATE_READONLY },
		{ VOLUME_OPTION_SAME_CPU_CRYPT, CRYPT_ACTIVATE_SAME_CPU_CRYPT },
		{ VOLUME_OPTION_SUBMIT_FROM_CRYPT_CPUS, CRYPT_ACTIVATE_SUBMIT_FROM_CRYPT_CPUS },
		{ VOLUME_OPTION_NO_READ_WORKQUEUE, CRYPT_ACTIVATE_NO_READ_WORKQUEUE },
		{ VOLUME_OPTION_NO_WRITE_WORKQUEUE, CRYPT_ACTIVATE_NO_WRITE_WORKQUEUE },
		{ VOLUME_OPTION_ALLOW_DISCARDS, CRYPT_ACTIVATE_ALLOW_DISCARDS },
		{ VOLUME_OPTION_READ_ONLY | VOLUME_OPTION_NO_WRITE_WORKQUEUE,
		  CRYPT_ACTIVATE_READONLY | CRYPT_ACTIVATE_NO_WRITE_WORKQUEUE },
	};
	static const struct {
		int result;
		enum exitcode code;
		unsigned int options;
		const char *device;
		const char *next; /* its beginning */
	} errors[] = {
		{ -EEXIST, EXITCODE_BUSY, 0, "/vda", "find out what else opens" },
		{ -EBUSY, EXITCODE_BUSY, 0, "/not-to-be-had", "find out what else opens" },
		/* but the device is free */
		{ -EBUSY, EXITCODE_NO_DM_CRYPT, VOLUME_OPTION_INTEGRITY_HMAC_SHA256, "/vda",
		  "look for the kernel's own words in the lines above; then attach the disk" },
		{ -EINVAL, EXITCODE_NO_DM_CRYPT, VOLUME_OPTION_INTEGRITY_HMAC_SHA256, "/vda",
		  "look for the kernel's own words in the lines above; then attach the disk" },
		{ -ENOTSUP, EXITCODE_NO_DM_CRYPT, 0, "/vda", "use a kernel that has" },
		{ -ENODEV, EXITCODE_NO_DM_CRYPT, 0, "/vda", "use a kernel that has" },
		{ -EINVAL, EXITCODE_NO_DM_CRYPT, 0, "/vda", "use a kernel that has" },
		{ -EIO, EXITCODE_INTERNAL, 0, "/vda", "report this" },
	};
	unsigned char key[64];
	struct opened o;
	size_t i;

	fixture_luks(&fx, "/vda", "key", "");
	for (i = 0; i < ARRAY_SIZE(cases); i++) {
		unsigned int wiped = inject_secrets.wiped;

		mapping.result = 0;
		FIXTURE_MUST(load(&o) == 0 && unlock(&o, "key", 3) == 0 && o.volume.key.len == 64);
		memcpy(key, o.volume.key.bytes, 64);
		ok(map(&o, cases[i].options) == 0 && f.code == EXITCODE_OK, "options %x",
		   cases[i].options);
		is_int(mapping.flags, cases[i].flags | CRYPT_ACTIVATE_IGNORE_PERSISTENT,
		       "are these flags, and the header's own are ignored");
		ok(strcmp(mapping.name, "data") == 0 && mapping.key_size == 64 &&
			   memcmp(mapping.key, key, 64) == 0,
		   "with this name and the whole volume key");
		ok(!o.volume.key.bytes && inject_secrets.wiped == wiped + 2,
		   "secret and volume key are wiped at once");
		done(&o);
	}
	for (i = 0; i < ARRAY_SIZE(errors); i++) {
		mapping.result = errors[i].result;
		FIXTURE_MUST(load(&o) == 0 && unlock(&o, "key", 3) == 0);
		data_device = errors[i].device;
		ok(map(&o, errors[i].options) < 0, "mapping fails: %s",
		   strerror(-errors[i].result));
		is_str(exitcode_name(f.code), exitcode_name(errors[i].code), "with this code");
		ok(strncmp(fault_next(&f), errors[i].next, strlen(errors[i].next)) == 0,
		   "and what to do: %s", fault_next(&f));
		ok(!o.volume.key.bytes, "the volume key is wiped all the same");
		done(&o);
	}
}

/* A message of the library may quote the header: none is printed but to the journal. */
static void test_silence(void)
{
	int saved[2], fd, i;
	char stream[64];
	struct stat st;
	struct opened o;

	fixture_luks(&fx, "/vda", "key", "");
	FIXTURE_MUST(load(&o) == 0);
	(void)fflush(stdout);
	fd = open(fixture_path(&fx, "/output"), O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	FIXTURE_MUST(fd >= 0);
	for (i = 0; i < 2; i++)
		FIXTURE_MUST((saved[i] = dup(i + 1)) >= 0 && dup2(fd, i + 1) >= 0);
	crypt_log(o.volume.cd, CRYPT_LOG_ERROR, "a message\n");
	crypt_log(NULL, CRYPT_LOG_ERROR, "a message\n");
	(void)unlock(&o, "wrong", 5);
	(void)fflush(stdout);
	FIXTURE_MUST(fstat(fd, &st) == 0);
	(void)snprintf(stream, sizeof(stream), "%ju:%ju", (uintmax_t)st.st_dev,
		       (uintmax_t)st.st_ino);
	FIXTURE_MUST(setenv("JOURNAL_STREAM", stream, 1) == 0);
	crypt_log(NULL, CRYPT_LOG_ERROR, "a\x1b[2Jb");
	FIXTURE_MUST(unsetenv("JOURNAL_STREAM") == 0);
	for (i = 0; i < 2; i++)
		FIXTURE_MUST(dup2(saved[i], i + 1) >= 0 && close(saved[i]) == 0);
	FIXTURE_MUST(close(fd) == 0);
	is_int(st.st_size, 0, "libcryptsetup prints nothing");
	is_str(fixture_get(&fx, "/output"), "<7>libcryptsetup: a?[2Jb\n",
	       "but to the journal, as a detail, made printable");
	ok(!crypt_token_external_path(), "and it loads no token plugins");
	done(&o);
}

int main(void)
{
	volume_init_library();
	fixture_init(&fx);
	conf_defaults(&conf);
	test_forms();
	test_empty_passphrase();
	test_copy_only();
	test_broken_copy();
	test_keyslots();
	test_order();
	test_derivation_fails();
	test_twice();
	test_check();
	test_map();
	test_silence();
	ok(inject_secrets.nr_live == 0 && inject_secrets.dirty == 0 && inject_secrets.wiped > 20,
	   "every secret and every volume key was zero when its pages went");
	fixture_done(&fx);
	return tap_done();
}
