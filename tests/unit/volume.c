/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * volume.c - libcryptsetup opens the sealed copy with the exact bytes, or without one final
 * NUL, and in no other way; the mapping is asked for as configured.
 * There is no device mapper here: crypt_activate_by_volume_key() is a fake.
 */
#include "volume.h"

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

int crypt_volume_key_get(struct crypt_device *cd, int keyslot, char *key, size_t *key_size,
			 const char *passphrase, size_t passphrase_size)
{
	derivations++;
	if (derivation < 1)
		return derivation;
	return INJECT_NEXT(crypt_volume_key_get)(cd, keyslot, key, key_size, passphrase,
						 passphrase_size);
}

static char deactivated[64];

int crypt_deactivate(struct crypt_device *cd, const char *name)
{
	(void)snprintf(deactivated, sizeof(deactivated), "%s%s", cd ? "cd " : "", name);
	return -ENODEV;
}

struct opened {
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

/* As unlock.c does, up to volume_load(). */
static int load(struct opened *o)
{
	struct verdict verdict;
	struct stat st;

	*o = (struct opened){ DEVICE_NULL, HEADER_NULL, VOLUME_NULL };
	f = (struct fault){ 0 };
	o->device.fd = open(fixture_path(&fx, "/vda"), O_RDONLY | O_CLOEXEC);
	FIXTURE_MUST(o->device.fd >= 0 && fstat(o->device.fd, &st) == 0);
	o->device.size = (uint64_t)st.st_size;
	(void)snprintf(o->device.path, sizeof(o->device.path), "/dev/vda");
	FIXTURE_MUST(header_read(&o->device, &o->header, &f) == 0);
	FIXTURE_MUST(policy_judge(o->header.metadata, o->device.size, &conf.ciphers,
				  &verdict) == 0);
	FIXTURE_MUST(header_seal(&o->header, &o->device, verdict.areas, verdict.nr_areas,
				 verdict.data_offset, &f) == 0);
	return volume_load(&o->header, &o->device, &o->volume, &f);
}

static struct secret secret_of(const char *bytes, size_t len)
{
	struct secret s = SECRET_NULL;

	FIXTURE_MUST(secret_init(&s) == 0);
	memcpy(s.bytes, bytes, len);
	s.len = len;
	return s;
}

static int unlock(struct opened *o, const char *bytes, size_t len)
{
	_cleanup_secret_ struct secret s = secret_of(bytes, len);

	f = (struct fault){ 0 };
	return volume_unlock(&o->volume, &s, &f);
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
	} cases[] = { /* the keyslot's passphrase is "key" */
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
			   "two wrong checksums: refused, %s", f.reason);
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
	char cmd[2 * PATH_MAX];
	struct opened o;

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
}

/* Only "does not open" may lead to a second try, and only one. */
static void test_derivation_fails(void)
{
	static const struct {
		int result;
		enum exitcode code;
		unsigned int tries; /* with a NUL at the end */
	} cases[] = {
		{ -EPERM, EXITCODE_SECRET_REFUSED, 2 },	  { -ENOMEM, EXITCODE_NO_MEMORY, 1 },
		{ -EINVAL, EXITCODE_HEADER_REFUSED, 1 },  { -ENOENT, EXITCODE_HEADER_REFUSED, 1 },
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
	   "no locked memory for the key: %s", f.reason);
	inject_failure(INJECT_NONE, 0, 0);
	done(&o);
	volume_done(&o.volume);
	ok(!o.volume.cd && !o.volume.key.bytes, "done twice is harmless");
}

static int map(struct opened *o, unsigned int options)
{
	struct volume_conf vc = { .name = "data", .options = options };

	f = (struct fault){ 0 };
	return volume_map(&o->volume, &vc, &f);
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
		{ VOLUME_OPTION_READ_ONLY | VOLUME_OPTION_NO_WRITE_WORKQUEUE,
		  CRYPT_ACTIVATE_READONLY | CRYPT_ACTIVATE_NO_WRITE_WORKQUEUE },
	};
	static const struct {
		int result;
		enum exitcode code;
	} errors[] = {
		{ -EEXIST, EXITCODE_BUSY },	 { -EBUSY, EXITCODE_BUSY },
		{ -ENOTSUP, EXITCODE_NO_DM_CRYPT }, { -ENODEV, EXITCODE_NO_DM_CRYPT },
		{ -EINVAL, EXITCODE_NO_DM_CRYPT }, { -EIO, EXITCODE_INTERNAL },
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
		is_int(map(&o, 0), errors[i].result, "mapping fails: %s", strerror(-errors[i].result));
		is_str(exitcode_name(f.code), exitcode_name(errors[i].code), "with this code");
		ok(!o.volume.key.bytes, "the volume key is wiped all the same");
		done(&o);
	}
	is_int(volume_unmap("data"), -ENODEV, "unmapping tells its result");
	is_str(deactivated, "data", "and takes the name");
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
	(void)snprintf(stream, sizeof(stream), "%ju:%ju", (uintmax_t)st.st_dev, (uintmax_t)st.st_ino);
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
	test_derivation_fails();
	test_map();
	test_silence();
	ok(inject_secrets.nr_live == 0 && inject_secrets.dirty == 0 && inject_secrets.wiped > 20,
	   "every secret and every volume key was zero when its pages went");
	fixture_done(&fx);
	return tap_done();
}
