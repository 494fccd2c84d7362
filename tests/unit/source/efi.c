/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * efi.c - entries of the secret table as files in a tree: found, fetched, and gone
 * afterwards, or it is said that they are not.
 */
#include "source/efi.h"

#include "base/paths.h"
#include "fixture.h"
#include "probe.h"

#define MERGED PATH_SECURITYFS "/secrets/coco"
#define OTHER "11111111-2222-3333-4444-555555555555"
#define THIRD "aaaaaaaa-bbbb-cccc-dddd-eeeeeeeeeeee"

static struct conf conf;
static struct fault f;
static struct source src;

static int open_source(const struct fixture *fx)
{
	f = (struct fault){ 0 };
	return source_begin(&fx->root, &conf, false, &src, &f);
}

static int look(const struct fixture *fx)
{
	f = (struct fault){ 0 };
	return source_begin(&fx->root, &conf, true, &src, &f);
}

static const char *entry(const char *name)
{
	static char path[256];

	(void)snprintf(path, sizeof(path), MERGED "/%s", name);
	return path;
}

static unsigned int count(void)
{
	unsigned int nr = 4711;

	FIXTURE_MUST(source_efi.list(&src, &REF(OTHER), &nr, NULL) == 0);
	return nr;
}

static void put_many(const struct fixture *fx, unsigned int nr)
{
	char guid[GUID_TEXT_SIZE];
	unsigned int i;

	for (i = 0; i < nr; i++) {
		(void)snprintf(guid, sizeof(guid), "00000000-0000-0000-0000-%012u", i);
		fixture_text(fx, entry(guid), "x");
	}
}

static void test_directories(void)
{
	static const char *const dirs[] = {
		PATH_SECURITYFS "/sev_secret", /* each next one comes before it */
		PATH_SECURITYFS "/coco/sev_secret",
		PATH_SECURITYFS "/coco/efi_secret",
		PATH_SECURITYFS "/secrets/coco",
	};
	struct fixture fx;
	size_t i;

	fixture_init(&fx);
	is_int(open_source(&fx), ABSENT, "no securityfs");
	is_int(f.code, EXITCODE_NO_SECURITYFS, "is no-securityfs");
	ok(look(&fx) == ABSENT && f.code == EXITCODE_OK,
	   "the dry run finds nothing, too, and leaves it at that");
	fixture_mkdir(&fx, PATH_SECURITYFS);
	is_int(open_source(&fx), ABSENT, "securityfs without a directory of secrets");
	is_int(f.code, EXITCODE_NO_SECRET_TABLE, "is no-secret-table");
	ok(src.fd < 0 && !src.info.path, "and hands out nothing");
	for (i = 0; i < ARRAY_SIZE(dirs); i++) {
		fixture_mkdir(&fx, dirs[i]);
		ok(open_source(&fx) == 0 && src.fd >= 0, "%s is found", dirs[i]);
		is_str(src.info.path, dirs[i], "and taken before the older ones");
		is_str(src.info.module, "", "a driver that is not in the list has no name");
		source_efi.done(&src);
		ok(look(&fx) == 0 && strcmp(src.info.path, dirs[i]) == 0, "by the dry run, too");
		source_efi.done(&src);
	}
	source_efi.done(&src);
	is_int(src.fd, -EBADF, "done twice is harmless");
	fixture_mkdir(&fx, PATH_SYS_MODULE "/efi_secret");
	ok(open_source(&fx) == 0 && strcmp(src.info.module, "efi_secret") == 0,
	   "the module that is loaded has its name told");
	source_efi.done(&src);
	fixture_done(&fx);
	fixture_init(&fx);
	fixture_mkdir(&fx, PATH_SECURITYFS "/secrets");
	fixture_mkdir(&fx, "/elsewhere");
	FIXTURE_MUST(symlink("/elsewhere", fixture_path(&fx, MERGED)) == 0);
	is_int(open_source(&fx), ABSENT, "a link in the place of the directory is not followed");
	fixture_done(&fx);
}

/* What our own module says in its state file, where it exposes nothing. */
static void test_own_state(void)
{
	static const struct {
		const char *state;
		enum exitcode code;
		bool zeroed;
		const char *why, *next; /* a part of each */
	} cases[] = {
		{ "wiped\n", EXITCODE_NO_SECRET_TABLE, false, "was wiped before",
		  "start the machine" },
		{ "empty\n", EXITCODE_NO_SECRET_TABLE, false, "nobody has put a table", "inject" },
		{ "populated 0\n", EXITCODE_NO_SECRET_TABLE, false, "not there any more",
		  "start the machine" },
		{ "corrupt descriptor\n", EXITCODE_TABLE_CORRUPT, true, "(descriptor)",
		  "use firmware of edk2-stable202302 or newer" },
		{ "corrupt header-length\n", EXITCODE_TABLE_CORRUPT, true, "(header-length)",
		  "no larger than the firmware's area" },
		{ "corrupt entry-length\n", EXITCODE_TABLE_CORRUPT, true, "(entry-length)",
		  "GRUB" },
		{ "corrupt duplicate-guid\n", EXITCODE_TABLE_DUPLICATE, true, "one GUID",
		  "each GUID once" },
		{ "corrupt something\n", EXITCODE_TABLE_CORRUPT, true,
		  "unknown state (corrupt something)", "of one version" },
		{ "\n", EXITCODE_TABLE_CORRUPT, true, "unknown state ()", "of one version" },
	};
	struct fixture fx;
	size_t i;
	int r;

	for (i = 0; i < ARRAY_SIZE(cases); i++) {
		fixture_init(&fx);
		fixture_text(&fx, PATH_COCO_SECRET_STATE, cases[i].state);
		ok(look(&fx) == ABSENT && f.code == cases[i].code &&
			   strcmp(fixture_get(&fx, PATH_COCO_SECRET_STATE), cases[i].state) == 0,
		   "the dry run foresees it and zeroes nothing");
		r = open_source(&fx);
		ok((cases[i].zeroed ? r < 0 : r == ABSENT) && f.code == cases[i].code,
		   "state %.*s is %s", (int)strcspn(cases[i].state, "\n"), cases[i].state,
		   exitcode_name(cases[i].code));
		ok(strstr(f.why, cases[i].why) && strstr(f.next, cases[i].next),
		   "with its own reason and advice: %s; %s", f.why, f.next);
		ok(strncmp(fixture_get(&fx, PATH_COCO_SECRET_STATE),
			   cases[i].zeroed ? "wipe" : cases[i].state, 4) == 0,
		   "the whole area is %szeroed", cases[i].zeroed ? "" : "not ");
		fixture_done(&fx);
	}
	fixture_init(&fx);
	fixture_text(&fx, "/state", "corrupt entry-length\n");
	fixture_mkdir(&fx, PATH_SECURITYFS "/coco_secret");
	FIXTURE_MUST(symlink("/state", fixture_path(&fx, PATH_COCO_SECRET_STATE)) == 0);
	(void)open_source(&fx);
	is_int(f.code, EXITCODE_WIPE_FAILED,
	       "a corrupt table that cannot be zeroed is wipe-failed");
	f = (struct fault){ 0 };
	(void)fault_set(&f, EXITCODE_CONFIG, EINVAL, "an earlier cause");
	(void)source_begin(&fx.root, &conf, false, &src, &f);
	is_int(f.code, EXITCODE_WIPE_FAILED, "whatever was wrong before");
	fixture_done(&fx);
}

static void test_fetch(void)
{
	static const unsigned char binary[] = { 0, '\n', 0xff, 0, '\r', '\n', 0 };
	unsigned char big[SECRET_CAPACITY + 1];
	struct secret s = SECRET_NULL;
	struct fixture fx;
	uid_t user;

	memset(big, 'b', sizeof(big));
	fixture_init(&fx);
	fixture_put(&fx, entry(GUID_DISK_SECRET), binary, sizeof(binary));
	fixture_put(&fx, entry(OTHER), big, sizeof(big));
	fixture_put(&fx, entry(THIRD), "", 0);
	fixture_put(&fx, entry(GUID_KERNEL_EXAMPLE), "x", 1);
	FIXTURE_MUST(open_source(&fx) == 0);
	is_int(source_efi.fetch(&src, &REF(GUID_DISK_SECRET), &s, &f), 0, "fetch");
	ok(s.len == sizeof(binary) && memcmp(s.bytes, binary, s.len) == 0, "every byte");
	is_int(src.info.read, 1, "one was read");
	is_int(count(), 4, "reading removes nothing");
	secret_done(&s);
	is_int(source_efi.fetch(&src, &REF(OTHER), &s, &f), -EFBIG, "an entry above 16 KiB");
	ok(f.code == EXITCODE_SECRET_MISSING && strstr(f.why, OTHER), "is named in the reason");
	f = (struct fault){ 0 };
	is_int(source_efi.fetch(&src, &REF(THIRD), &s, &f), -ENODATA, "an entry without data");
	ok(f.code == EXITCODE_SECRET_EMPTY && strstr(f.why, THIRD), "is secret-empty");
	ok(!s.bytes && src.info.read == 1, "nothing was handed out or counted");

	f = (struct fault){ 0 };
	fixture_unlink(&fx, entry(GUID_DISK_SECRET));
	is_int(source_efi.fetch(&src, &REF(GUID_DISK_SECRET), &s, &f), -ENOENT,
	       "only the look-alike");
	ok(f.code == EXITCODE_EXAMPLE_GUID && strstr(f.why, GUID_DISK_SECRET) &&
		   strstr(f.why, GUID_KERNEL_EXAMPLE),
	   "is example-guid, and both are named");
	f = (struct fault){ 0 };
	fixture_unlink(&fx, entry(OTHER));
	(void)source_efi.fetch(&src, &REF(OTHER), &s, &f);
	is_int(f.code, EXITCODE_SECRET_MISSING, "for another GUID it is secret-missing");
	fixture_unlink(&fx, entry(GUID_KERNEL_EXAMPLE));
	f = (struct fault){ 0 };
	(void)source_efi.fetch(&src, &REF(GUID_DISK_SECRET), &s, &f);
	is_str(f.why, "the secret table has 1 entries, none with GUID " GUID_DISK_SECRET,
	       "without the look-alike, too");
	is_int(f.code, EXITCODE_SECRET_MISSING, "with this code");

	f = (struct fault){ 0 };
	fixture_text(&fx, "/elsewhere", "outside");
	FIXTURE_MUST(symlink("/elsewhere", fixture_path(&fx, entry(GUID_DISK_SECRET))) == 0);
	is_int(source_efi.fetch(&src, &REF(GUID_DISK_SECRET), &s, &f), -ELOOP,
	       "a link is not followed");
	is_int(f.code, EXITCODE_SECRET_MISSING, "and is secret-missing");
	f = (struct fault){ 0 };
	fixture_mkdir(&fx, entry(OTHER));
	is_int(source_efi.fetch(&src, &REF(OTHER), &s, &f), -EISDIR, "a directory is no entry");
	f = (struct fault){ 0 };
	fixture_text(&fx, entry(GUID_KERNEL_EXAMPLE), "x");
	FIXTURE_MUST(chmod(fixture_path(&fx, entry(GUID_KERNEL_EXAMPLE)), 0) == 0);
	user = geteuid();
	FIXTURE_MUST(user != 0 || seteuid(65534) == 0); /* root may read all */
	is_int(source_efi.fetch(&src, &REF(GUID_KERNEL_EXAMPLE), &s, &f), -EACCES,
	       "an entry that may not be read");
	FIXTURE_MUST(seteuid(user) == 0);
	ok(f.code == EXITCODE_SECRET_MISSING && strstr(f.why, "Permission denied"),
	   "is secret-missing");
	ok(!s.bytes, "nothing was handed out");
	source_efi.done(&src);
	fixture_done(&fx);
}

static int discard(const struct fixture *fx)
{
	(void)fx;
	return source_efi.discard(&src, &f);
}

static void test_discard(void)
{
	struct fixture fx;

	fixture_init(&fx);
	source_init(&source_efi, &fx.root, &conf, &src);
	is_int(discard(&fx), 0, "nothing to discard");
	fixture_text(&fx, entry(GUID_DISK_SECRET), "a");
	fixture_text(&fx, entry(OTHER), "b");
	fixture_text(&fx, entry("not-a-guid"), "c");
	fixture_text(&fx, entry(".hidden"), "d");
	FIXTURE_MUST(open_source(&fx) == 0);
	is_int(discard(&fx), 0, "discard");
	is_int(count(), 0, "every entry is gone, whatever its name");
	ok(src.info.found == 4 && src.info.wiped == 4 && src.info.kept == 0,
	   "four were found and wiped");
	is_int(discard(&fx), 0, "discard twice is harmless");
	ok(src.info.found == 4 && src.info.wiped == 4, "and counts nothing twice");
	source_efi.done(&src);

	fixture_text(&fx, entry(GUID_DISK_SECRET), "a");
	fixture_text(&fx, entry(OTHER), "b");
	fixture_text(&fx, entry(THIRD), "c");
	(void)snprintf(conf.keep[0], GUID_TEXT_SIZE, OTHER);
	(void)snprintf(conf.keep[1], GUID_TEXT_SIZE, GUID_KERNEL_EXAMPLE); /* not in the table */
	conf.nr_keep = 2;
	FIXTURE_MUST(open_source(&fx) == 0);
	is_int(discard(&fx), 0, "discard with a keep list");
	ok(fixture_has(&fx, entry(OTHER)) && count() == 1, "the kept entry is there, alone");
	is_str(fixture_get(&fx, entry(OTHER)), "b", "with its bytes");
	ok(src.info.found == 3 && src.info.wiped == 2 && src.info.kept == 1,
	   "three found, two wiped, one kept");
	conf_defaults(&conf);
	source_efi.done(&src);
	fixture_done(&fx);
}

static void test_discard_fails(void)
{
	char inside[300];
	struct fixture fx;

	fixture_init(&fx);
	fixture_text(&fx, entry(GUID_DISK_SECRET), "a");
	(void)snprintf(inside, sizeof(inside), "%s/inside", entry(OTHER));
	fixture_text(&fx, inside, "b");
	fixture_text(&fx, entry(THIRD), "c");
	FIXTURE_MUST(open_source(&fx) == 0);
	(void)fault_set(&f, EXITCODE_SECRET_MISSING, ENOENT, "an earlier cause");
	ok(discard(&fx) < 0, "an entry that cannot be removed");
	is_int(f.code, EXITCODE_WIPE_FAILED, "is wipe-failed, whatever was wrong before");
	ok(strstr(f.why, "Is a directory") != NULL, "with the kernel's reason: %s", f.why);
	ok(fixture_has(&fx, entry(OTHER)) && count() == 1, "all the others are gone all the same");
	is_int(src.info.wiped, 2, "and counted");
	source_efi.done(&src);
	fixture_done(&fx);
}

/* The merged driver shows 64 files at most. In a tree nothing can be reloaded. */
static void test_hidden(void)
{
	/* clang-format off */
	static const struct {
		unsigned int nr;
		const char *module;
		enum exitcode code;
	} cases[] = {
		{ 1, "efi_secret", EXITCODE_OK },	   { 63, "efi_secret", EXITCODE_OK },
		{ 64, "efi_secret", EXITCODE_HIDDEN_ENTRIES }, { 64, NULL, EXITCODE_HIDDEN_ENTRIES },
		{ 64, "sev_secret", EXITCODE_HIDDEN_ENTRIES }, { 63, "coco_secret", EXITCODE_OK },
		{ 64, "coco_secret", EXITCODE_OK },	   { 65, "coco_secret", EXITCODE_OK },
		{ 300, "coco_secret", EXITCODE_OK },
	};
	/* clang-format on */
	char module[128];
	struct fixture fx;
	size_t i;
	int r;

	for (i = 0; i < ARRAY_SIZE(cases); i++) {
		fixture_init(&fx);
		put_many(&fx, cases[i].nr);
		(void)snprintf(module, sizeof(module), PATH_SYS_MODULE "/%s",
			       cases[i].module ? cases[i].module : "unknown");
		fixture_mkdir(&fx, module);
		FIXTURE_MUST(open_source(&fx) == 0);
		r = discard(&fx);
		ok((r == 0) == (cases[i].code == EXITCODE_OK) && f.code == cases[i].code,
		   "%u entries by %s: %s", cases[i].nr,
		   cases[i].module ? cases[i].module : "a built-in driver",
		   exitcode_name(cases[i].code));
		ok(src.info.wiped == cases[i].nr && count() == 0, "all that is listed is gone");
		source_efi.done(&src);
		fixture_done(&fx);
	}
	fixture_init(&fx);
	put_many(&fx, 64);
	(void)snprintf(conf.keep[0], GUID_TEXT_SIZE, "00000000-0000-0000-0000-%012u", 5);
	conf.nr_keep = 1;
	FIXTURE_MUST(open_source(&fx) == 0);
	ok(discard(&fx) < 0 && f.code == EXITCODE_HIDDEN_ENTRIES,
	   "64 entries are 64 with a kept one among them, too");
	conf_defaults(&conf);
	source_efi.done(&src);
	fixture_done(&fx);
}

static void test_list(void)
{
	char names[4][GUID_TEXT_SIZE];
	struct fixture fx;
	unsigned int nr = 4711;
	bool has = true;

	fixture_init(&fx);
	fixture_text(&fx, entry(OTHER), "b");
	FIXTURE_MUST(look(&fx) == 0);
	ok(source_efi.list(&src, &REF(GUID_DISK_SECRET), &nr, &has) == 0 && nr == 1 && !has,
	   "list: one entry, another one");
	ok(source_efi.list(&src, &REF(OTHER), &nr, &has) == 0 && nr == 1 && has, "list: this one");
	fixture_text(&fx, entry("no-guid"), "c");
	ok(source_efi.names(&src, names, ARRAY_SIZE(names)) == 1 && strcmp(names[0], OTHER) == 0,
	   "names: of what is called by a GUID");
	is_int(source_efi.names(&src, names, 0), 0, "names: not more than there is room for");
	ok(fixture_has(&fx, entry(OTHER)), "list changes nothing");
	source_efi.done(&src);
	is_int(source_efi.names(&src, names, ARRAY_SIZE(names)), 0, "names: none of nothing");
	fixture_done(&fx);
}

int main(void)
{
	conf_defaults(&conf);
	test_directories();
	test_own_state();
	test_fetch();
	test_discard();
	test_discard_fails();
	test_hidden();
	test_list();
	return tap_done();
}
