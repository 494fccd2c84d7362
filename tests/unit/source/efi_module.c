/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * efi_module.c - securityfs and the modules that expose secrets, as on a machine: which
 * one is loaded, with which parameters, and what is made of one that exposes nothing.
 * The machine is a tree with machine = true; libkmod and mount(2) are fakes.
 */
#include "source/efi_module.h"

#include <dirent.h>
#include <dlfcn.h>
#include <linux/magic.h>
#include <sys/mount.h>
#include <sys/statfs.h>
#include <sys/syscall.h>

#include "base/modules.h"
#include "base/paths.h"
#include "fake_kmod.h"
#include "fixture.h"
#include "probe.h"
#include "source/efi.h"

#define MERGED PATH_SECURITYFS "/secrets/coco"
#define OTHER "11111111-2222-3333-4444-555555555555"

static struct fixture fx;
static struct conf conf;
static struct fault f;
static struct source src;

static bool mounted;
static unsigned int mounts;
static int mount_error;

int fstatfs(int fd, struct statfs *st)
{
	(void)fd;
	memset(st, 0, sizeof(*st));
	st->f_type = mounted ? SECURITYFS_MAGIC : SYSFS_MAGIC;
	return 0;
}

int mount(const char *source, const char *target, const char *type, unsigned long flags,
	  const void *data)
{
	mounts++;
	FIXTURE_MUST(strcmp(source, "securityfs") == 0 && strcmp(target, PATH_SECURITYFS) == 0 &&
		     strcmp(type, "securityfs") == 0 && !data);
	FIXTURE_MUST(flags == (MS_NOSUID | MS_NODEV | MS_NOEXEC));
	if (mount_error) {
		errno = mount_error;
		return -1;
	}
	mounted = true;
	return 0;
}

/* What our module answers to "wipe"; 0: it does it. */
static int wipe_error;
static unsigned int wipes;

ssize_t write(int fd, const void *buf, size_t len)
{
	if (len != 4 || memcmp(buf, "wipe", 4) != 0)
		return (ssize_t)syscall(SYS_write, fd, buf, len);
	wipes++;
	errno = wipe_error;
	return wipe_error ? -1 : 4;
}

/* The kernel's log hands out one record at a time (dev-kmsg in the kernel's documentation),
 * and now and then an error. */
static unsigned int log_reads;

ssize_t read(int fd, void *buf, size_t len)
{
	char *p = buf;
	size_t n = 0;

	if (len != 8192)
		return (ssize_t)syscall(SYS_read, fd, buf, len);
	log_reads++;
	if (log_reads == 1 || log_reads == 3) {
		errno = log_reads == 1 ? EPIPE : EINTR;
		return -1;
	}
	while (n < len && syscall(SYS_read, fd, p + n, 1) == 1)
		if (p[n++] == '\n')
			break;
	return (ssize_t)n;
}

/*
 * The driver's table: entry i is 00000000-...-i. The merged driver shows the first 64 that
 * are not wiped; what was unlinked is wiped when it looks again.
 */
static struct {
	unsigned int nr;
	unsigned int show_max;
	bool wiped[512];
	bool shown[512];
} table;

static const char *entry(unsigned int i)
{
	static char path[256];

	(void)snprintf(path, sizeof(path), MERGED "/00000000-0000-0000-0000-%012u", i);
	return path;
}

/* A kernel that does not do what it says. */
static struct {
	bool unlink_lies;  /* success, and the entry stays */
	bool entry_comes;  /* when all others have been listed */
	int stat_error;	   /* what is gone cannot be looked at */
	int readdir_error; /* at the end of a directory */
} kernel;

int unlinkat(int dir, const char *name, int flags)
{
	return kernel.unlink_lies ? 0 : (int)syscall(SYS_unlinkat, dir, name, flags);
}

int fstatat(int dir, const char *name, struct stat *st, int flags)
{
	int r = ((__typeof__(&fstatat))dlsym(RTLD_NEXT, "fstatat"))(dir, name, st, flags);

	if (r < 0 && kernel.stat_error)
		errno = kernel.stat_error;
	return r;
}

struct dirent *readdir(DIR *dir)
{
	struct dirent *e = ((__typeof__(&readdir))dlsym(RTLD_NEXT, "readdir"))(dir);

	if (!e && kernel.entry_comes) {
		kernel.entry_comes = false;
		fixture_text(&fx, MERGED "/comes-late", "x");
		errno = 0;
	}
	if (!e && kernel.readdir_error)
		errno = kernel.readdir_error;
	return e;
}

static unsigned int fds_at_unload;

static void show_table(void)
{
	unsigned int i, shown = 0;

	fixture_mkdir(&fx, MERGED);
	for (i = 0; i < table.nr && shown < table.show_max; i++) {
		table.shown[i] = !table.wiped[i];
		if (table.wiped[i])
			continue;
		fixture_text(&fx, entry(i), "x");
		shown++;
	}
}

static void hide_table(void)
{
	unsigned int i;

	fds_at_unload = fixture_fds();
	for (i = 0; i < table.nr; i++) {
		if (!table.shown[i])
			continue;
		if (fixture_has(&fx, entry(i)))
			fixture_unlink(&fx, entry(i));
		else
			table.wiped[i] = true;
		table.shown[i] = false;
	}
	FIXTURE_MUST(rmdir(fixture_path(&fx, MERGED)) == 0);
}

static void hide_all(void)
{
	hide_table();
	FIXTURE_MUST(rmdir(fixture_path(&fx, PATH_SECURITYFS "/secrets")) == 0);
}

static void begin(void)
{
	fixture_init(&fx);
	fx.root.machine = true;
	fixture_mkdir(&fx, PATH_SECURITYFS);
	fixture_text(&fx, PATH_EFI_CONFIG_TABLE, "0x7f9ec018\n");
	conf_defaults(&conf);
	f = (struct fault){ 0 };
	mounted = true;
	mounts = 0;
	mount_error = 0;
	memset(&table, 0, sizeof(table));
	memset(&kernel, 0, sizeof(kernel));
	fake_reset();
}

static void end(void)
{
	source_efi.done(&src);
	fixture_done(&fx);
}

static int open_source(void)
{
	return source_begin(&fx.root, &conf, false, &src, &f);
}

static struct kmod_module *add_module(const char *name, int load_result, void (*loaded)(void))
{
	struct kmod_module *mod = fake_module(name);

	mod->load_result = load_result;
	mod->loaded = loaded;
	mod->unloaded = hide_table;
	return mod;
}

static void test_securityfs(void)
{
	begin();
	(void)add_module("efi_secret", 0, show_table);
	is_int(open_source(), 0, "securityfs is mounted already");
	is_int(mounts, 0, "and not mounted again");
	end();

	begin();
	mounted = false;
	(void)add_module("efi_secret", 0, show_table);
	is_int(open_source(), 0, "securityfs is not mounted");
	is_int(mounts, 1, "and is mounted");
	end();

	begin();
	mounted = false;
	mount_error = ENODEV;
	(void)add_module("efi_secret", 0, show_table);
	is_int(open_source(), ABSENT, "a kernel without securityfs");
	is_int(f.code, EXITCODE_NO_SECURITYFS, "is no-securityfs");
	is_str(fake_loaded, "", "and no module is loaded");
	end();

	begin();
	FIXTURE_MUST(rmdir(fixture_path(&fx, PATH_SECURITYFS)) == 0);
	is_int(open_source(), ABSENT, "no directory to mount it on");
	is_int(f.code, EXITCODE_NO_SECURITYFS, "is no-securityfs, too");
	end();
}

static void test_order(void)
{
	static const struct {
		int efi, coco, sev; /* results of loading; 1: not there */
		const char *tried;
		const char *module;
	} cases[] = {
		{ 0, 0, 0, "efi_secret", "efi_secret" },
		{ 1, 0, 0, "coco_secret", "coco_secret" },
		{ 1, 1, 0, "sev_secret", "sev_secret" },
		{ -ENOENT, 0, 0, "efi_secret coco_secret", "coco_secret" },
	};
	struct kmod_module *mod;
	size_t i;

	for (i = 0; i < ARRAY_SIZE(cases); i++) {
		begin();
		if (cases[i].efi <= 0)
			(void)add_module("efi_secret", cases[i].efi, show_table);
		if (cases[i].coco <= 0)
			(void)add_module("coco_secret", cases[i].coco, show_table);
		if (cases[i].sev <= 0)
			(void)add_module("sev_secret", cases[i].sev, show_table);
		is_int(open_source(), 0, "open with: %s", cases[i].tried);
		is_str(fake_loaded, cases[i].tried, "these were loaded, in this order");
		is_str(src.info.module, cases[i].module, "this one is named");
		is_str(src.info.path ? src.info.path : "", MERGED, "and the directory is found");
		end();
	}
	begin();
	conf.secret_modules.nr = 1;
	(void)snprintf(conf.secret_modules.names[0], CONF_NAME_SIZE, "sev_secret");
	(void)add_module("efi_secret", 0, show_table);
	(void)add_module("sev_secret", 0, show_table);
	ok(open_source() == 0 && strcmp(fake_loaded, "sev_secret") == 0,
	   "SecretModules= decides which");
	end();

	begin();
	mod = add_module("efi_secret", 0, NULL);
	mod->state = KMOD_MODULE_BUILTIN;
	show_table();
	ok(open_source() == 0 && *fake_loaded == '\0', "a directory that is there needs no module");
	is_str(src.info.module, "", "and a built-in driver has no name");
	end();

	begin();
	(void)add_module("coco_secret", 0, show_table);
	show_table();
	fixture_mkdir(&fx, PATH_SYS_MODULE "/coco_secret");
	ok(open_source() == 0 && strcmp(src.info.module, "coco_secret") == 0 &&
		   *fake_loaded == '\0',
	   "a module that was loaded before is named, not loaded");
	end();
	ok(!fake_read_modprobe_d, "module options of modprobe.d are not read");
}

static void test_no_module(void)
{
	static const int errors[] = { -EPERM, -EKEYREJECTED, -EEXIST, -ENOMEM, -ENOEXEC };
	static const char *const next[] = { "use a kernel with efi_secret", "sign the module", "",
					    "", "build the module for the very kernel" };
	size_t i;

	begin();
	is_int(open_source(), ABSENT, "none of the modules is there");
	is_int(f.code, EXITCODE_NO_SECRET_MODULE, "is no-secret-module");
	ok(strstr(f.why, "efi_secret") && strstr(f.why, "coco_secret"),
	   "and says what was tried: %s", f.why);
	end();
	for (i = 0; i < ARRAY_SIZE(errors); i++) {
		begin();
		(void)add_module("coco_secret", errors[i], show_table);
		(void)add_module("sev_secret", 0, show_table);
		is_int(open_source(), errors[i], "a module that does not load: %s",
		       strerror(-errors[i]));
		ok(f.code == EXITCODE_NO_SECRET_MODULE && strstr(f.why, "coco_secret") &&
			   strstr(f.why, strerror(-errors[i])),
		   "is no-secret-module, with its name and the kernel's reason");
		ok(next[i][0] ? strncmp(f.next, next[i], strlen(next[i])) == 0 : f.next[0] == '\0',
		   "and what to do: %s", fault_next(&f));
		is_str(fake_loaded, "coco_secret", "and no other one is tried");
		end();
	}
	begin();
	(void)add_module("coco_secret", -EBUSY, show_table);
	ok(open_source() == -EBUSY && f.code == EXITCODE_NO_SECRET_MODULE &&
		   strstr(f.why, "efi_secret") && strstr(f.next, "put the kernel's own efi_secret"),
	   "ours does not load beside the merged one: %s; %s", f.why, f.next);
	end();
	begin();
	(void)add_module("efi_secret", -EPERM, show_table);
	ok(open_source() == -EPERM && f.next[0] == '\0',
	   "of the merged one nothing is said that is true of ours only: %s", fault_next(&f));
	end();
}

static void test_params(void)
{
	static const struct {
		const char *address; /* NULL: not started through EFI */
		const char *params;  /* NULL: must not be loaded */
	} cases[] = {
		{ "0x7f9ec018\n", "config_table=0x7f9ec018" },
		{ "0xffffffffffffffff\n", "config_table=0xffffffffffffffff" },
		{ "0x7f9ec018", "config_table=0x7f9ec018" },
		{ NULL, "" },
		{ "7f9ec018\n", NULL },
		{ "0x7f9ec018 keep=x\n", NULL },
		{ "0x7f,0x80\n", NULL },
		{ "0x10000000000000000\n", NULL },
		{ "", NULL },
	};
	struct kmod_module *mod;
	size_t i;

	for (i = 0; i < ARRAY_SIZE(cases); i++) {
		begin();
		fixture_unlink(&fx, PATH_EFI_CONFIG_TABLE);
		if (cases[i].address)
			fixture_text(&fx, PATH_EFI_CONFIG_TABLE, cases[i].address);
		mod = add_module("coco_secret", 0, show_table);
		(void)open_source();
		is_int(mod->loads, cases[i].params ? 1 : 0, "table address no. %zu", i);
		is_str(mod->params, cases[i].params ? cases[i].params : "", "its parameters");
		end();
	}
	begin();
	(void)snprintf(conf.keep[0], GUID_TEXT_SIZE, OTHER);
	(void)snprintf(conf.keep[1], GUID_TEXT_SIZE, GUID_KERNEL_EXAMPLE);
	conf.nr_keep = 2;
	mod = add_module("coco_secret", 0, show_table);
	(void)open_source();
	is_str(mod->params, "config_table=0x7f9ec018 keep=" OTHER "," GUID_KERNEL_EXAMPLE,
	       "what is kept is told to our module");
	end();
	begin();
	conf.nr_keep = CONF_KEEP_MAX;
	for (i = 0; i < CONF_KEEP_MAX; i++)
		(void)snprintf(conf.keep[i], GUID_TEXT_SIZE, OTHER);
	mod = add_module("coco_secret", 0, show_table);
	is_int(open_source(), 0, "64 GUIDs to keep fit");
	end();
	begin();
	mod = add_module("efi_secret", 0, show_table);
	(void)open_source();
	is_str(mod->params, "", "other modules get no parameter");
	end();
}

/* The merged driver says only in the kernel's log why it exposes nothing. */
static void test_merged_diagnosis(void)
{
	static const struct {
		const char *log; /* NULL: may not be read */
		enum exitcode code;
	} cases[] = {
		{ NULL, EXITCODE_NO_SECRET_TABLE },
		{ "", EXITCODE_NO_SECRET_TABLE },
		{ "6,1,1,-;efi_secret efi_secret.0: hello\n", EXITCODE_NO_SECRET_TABLE },
		{ "3,1,1,-;other: EFI secret area is corrupted\n", EXITCODE_NO_SECRET_TABLE },
		{ "3,1,1,-;other: EFI secret area is corrupted\n6,2,2,-;efi_secret\n",
		  EXITCODE_NO_SECRET_TABLE },
		{ "6,1,1,-;a\n6,1,1,-;b\n3,1,1,-;efi_secret: EFI secret area is corrupted\n6,1,1,-;c\n",
		  EXITCODE_TABLE_CORRUPT },
		{ "3,1,1,-;efi_secret: EFI secret area is corrupted\n"
		  "3,1,1,-;efi_secret: Error creating efi_secret securityfs entry\n",
		  EXITCODE_TABLE_DUPLICATE },
		{ "3,1,1,-;efi_secret efi_secret.0: EFI secret area is corrupted\n",
		  EXITCODE_TABLE_CORRUPT },
		{ "3,1,1,-;efi_secret efi_secret.0: EFI secret area length is too small\n",
		  EXITCODE_TABLE_CORRUPT },
		{ "3,1,1,-;efi_secret efi_secret.0: EFI secret area length is too big\n",
		  EXITCODE_TABLE_CORRUPT },
		{ "3,1,1,-;efi_secret efi_secret.0: Invalid secret area memory location (0)\n",
		  EXITCODE_TABLE_CORRUPT },
		{ "3,1,1,-;efi_secret efi_secret.0: Error creating efi_secret securityfs entry\n",
		  EXITCODE_TABLE_DUPLICATE },
	};
	size_t i;

	for (i = 0; i < ARRAY_SIZE(cases); i++) {
		begin();
		if (cases[i].log)
			fixture_text(&fx, PATH_KMSG, cases[i].log);
		(void)add_module("efi_secret", 0, NULL);
		log_reads = 0;
		ok(open_source() != 0 && !src.info.path,
		   "the merged driver exposes nothing, log no. %zu", i);
		is_str(exitcode_name(f.code), exitcode_name(cases[i].code), "and this is why");
		end();
	}
}

static const char *own_state;

static void show_state(void)
{
	fixture_text(&fx, PATH_COCO_SECRET_STATE, own_state);
}

static void test_own_diagnosis(void)
{
	static const struct {
		int load_result;
		const char *state;
		enum exitcode code;
		int wipe_error;
		unsigned int wipes;
	} cases[] = {
		{ 0, "empty\n", EXITCODE_NO_SECRET_TABLE, 0, 0 },
		{ 0, "corrupt entry-length\n", EXITCODE_TABLE_CORRUPT, 0, 1 },
		{ 0, "corrupt duplicate-guid\n", EXITCODE_TABLE_DUPLICATE, 0, 1 },
		{ -ENODEV, NULL, EXITCODE_NO_SECRET_TABLE, 0, 0 },
		{ -EINVAL, NULL, EXITCODE_NO_SECRET_TABLE, 0, 0 },
		{ 0, "corrupt entry-length\n", EXITCODE_WIPE_FAILED, EBUSY, 1 },
		{ 0, "corrupt duplicate-guid\n", EXITCODE_WIPE_FAILED, EIO, 1 },
		/* no area, so nothing to zero */
		{ 0, "corrupt descriptor\n", EXITCODE_TABLE_CORRUPT, ENXIO, 1 },
	};
	size_t i;

	for (i = 0; i < ARRAY_SIZE(cases); i++) {
		begin();
		own_state = cases[i].state;
		wipe_error = cases[i].wipe_error;
		wipes = 0;
		fixture_text(&fx, PATH_KMSG, "3,1,1,-;efi_secret: EFI secret area is corrupted\n");
		(void)add_module("coco_secret", cases[i].load_result, show_state);
		ok(open_source() != 0 && !src.info.path, "our module: load %d, state no. %zu",
		   cases[i].load_result, i);
		is_str(exitcode_name(f.code), exitcode_name(cases[i].code), "is this");
		is_int(wipes, cases[i].wipes, "and the whole area is told to be zeroed %u times",
		       cases[i].wipes);
		end();
	}
}

static unsigned int not_wiped(void)
{
	unsigned int i, nr = 0;

	hide_table(); /* looks at what was unlinked */
	for (i = 0; i < table.nr; i++)
		nr += !table.wiped[i];
	return nr;
}

/* 64 listed entries may hide more, which a reload brings out. */
static void test_hidden(void)
{
	static const struct {
		unsigned int nr;
		enum exitcode code;
		unsigned int loads;
	} cases[] = {
		{ 63, EXITCODE_OK, 1 },
		{ 64, EXITCODE_OK, 2 },
		{ 65, EXITCODE_HIDDEN_ENTRIES, 3 },
		{ 128, EXITCODE_HIDDEN_ENTRIES, 3 },
		{ 200, EXITCODE_HIDDEN_ENTRIES, 5 },
	};
	struct kmod_module *mod;
	size_t i;
	int r;

	for (i = 0; i < ARRAY_SIZE(cases); i++) {
		begin();
		table.nr = cases[i].nr;
		table.show_max = 64;
		mod = add_module("efi_secret", 0, show_table);
		FIXTURE_MUST(open_source() == 0);
		r = source_efi.discard(&src, &f);
		ok((r == 0) == (cases[i].code == EXITCODE_OK) && f.code == cases[i].code,
		   "%u entries in the merged driver: %s", cases[i].nr,
		   exitcode_name(cases[i].code));
		is_int(src.info.wiped, cases[i].nr, "all of them were wiped");
		is_int(not_wiped(), 0, "the table agrees");
		is_int(mod->loads, cases[i].loads, "with this many loads");
		end();
	}
	begin();
	table.nr = table.show_max = 65;
	mod = add_module("coco_secret", 0, show_table);
	FIXTURE_MUST(open_source() == 0);
	ok(source_efi.discard(&src, &f) == 0 && src.info.wiped == 65 && mod->loads == 1,
	   "65 entries in our module, which hides none");
	is_int(not_wiped(), 0, "the table agrees");
	end();

	begin();
	table.nr = 65;
	table.show_max = 64;
	mod = add_module("efi_secret", 0, show_table);
	mod->unload_result = -EBUSY;
	FIXTURE_MUST(open_source() == 0);
	is_int(source_efi.discard(&src, &f), -EBUSY, "a module that stays");
	is_int(f.code, EXITCODE_HIDDEN_ENTRIES, "is hidden-entries: nobody can look behind it");
	is_int(src.info.wiped, 64, "what was listed is wiped all the same");
	end();

	begin();
	table.nr = 64;
	table.show_max = 64;
	mod = add_module("efi_secret", 0, show_table);
	FIXTURE_MUST(open_source() == 0);
	mod->load_result = -ENOMEM;
	is_int(source_efi.discard(&src, &f), -ENOMEM, "a reload that fails");
	is_int(f.code, EXITCODE_HIDDEN_ENTRIES, "is hidden-entries, too");
	end();
}

static void show_nothing(void)
{
}

static void show_what_stays(void)
{
	fixture_mkdir(&fx, MERGED "/stays");
}

static void show_loop(void)
{
	FIXTURE_MUST(symlink("secrets", fixture_path(&fx, PATH_SECURITYFS "/secrets")) == 0);
}

/* The wipe is proved by looking again, not by what unlink(2) returns. */
static void test_liars(void)
{
	static const struct {
		const char *what;
		bool unlink_lies, entry_comes;
		int stat_error, readdir_error;
		int result;
	} cases[] = {
		{ "an entry that stays after its unlink", true, false, 0, 0, -EIO },
		{ "an entry that comes back", false, true, 0, 0, -EIO },
		{ "an entry that cannot be looked for", false, false, EACCES, 0, -EIO },
		{ "a directory that cannot be read to its end", false, false, 0, EIO, -EIO },
	};
	size_t i;

	for (i = 0; i < ARRAY_SIZE(cases); i++) {
		begin();
		table.nr = table.show_max = 3;
		(void)add_module("efi_secret", 0, show_table);
		FIXTURE_MUST(open_source() == 0);
		kernel.unlink_lies = cases[i].unlink_lies;
		kernel.entry_comes = cases[i].entry_comes;
		kernel.stat_error = cases[i].stat_error;
		kernel.readdir_error = cases[i].readdir_error;
		is_int(source_efi.discard(&src, &f), cases[i].result, "%s", cases[i].what);
		is_str(exitcode_name(f.code), "wipe-failed", "is told");
		end();
	}
	begin();
	(void)add_module("efi_secret", 0, show_loop);
	ok(open_source() == -ELOOP && f.code == EXITCODE_WIPE_FAILED,
	   "a directory that cannot be opened is not taken for none: %s", f.why);
	end();
}

static void test_unload(void)
{
	struct kmod_module *mod;

	fake_reset();
	is_int(module_unload("efi_secret"), -ENOENT, "unload: not there");
	mod = fake_module("efi_secret");
	is_int(module_unload("efi_secret"), -ENOENT, "unload: not loaded");
	mod->state = KMOD_MODULE_BUILTIN;
	is_int(module_unload("efi_secret"), -EBUSY, "unload: built in");
	mod->state = KMOD_MODULE_LIVE;
	mod->unload_result = -EPERM;
	is_int(module_unload("efi_secret"), -EPERM, "unload: refused");
	mod->unload_result = 0;
	ok(module_unload("efi_secret") == 0 && mod->state == -ENOENT, "unload: done");
	fake_lookup_error = -EINVAL;
	is_int(module_unload("efi_secret"), -EINVAL, "unload: no such name");
	is_int(module_load("efi_secret", NULL), -EINVAL, "load: no such name");
	fake_reset();
	fake_module("efi_secret")->load_result = 1;
	is_int(module_load("efi_secret", NULL), -EPERM, "load: a command in modprobe.d is not run");
}

/* What comes with the second load. */
static void test_reload(void)
{
	static const struct {
		const char *what;
		void (*loaded)(void);
		enum exitcode code;
	} cases[] = {
		{ "no directory", show_nothing, EXITCODE_HIDDEN_ENTRIES },
		{ "an entry that cannot be removed", show_what_stays, EXITCODE_WIPE_FAILED },
		{ "a directory that cannot be opened", show_loop, EXITCODE_HIDDEN_ENTRIES },
	};
	struct kmod_module *mod;
	unsigned int fds;
	size_t i;

	for (i = 0; i < ARRAY_SIZE(cases); i++) {
		begin();
		table.nr = table.show_max = 64;
		mod = add_module("efi_secret", 0, show_table);
		fds = fixture_fds();
		FIXTURE_MUST(open_source() == 0);
		mod->loaded = cases[i].loaded;
		if (cases[i].loaded == show_loop)
			mod->unloaded = hide_all;
		ok(source_efi.discard(&src, &f) < 0 && f.code == cases[i].code,
		   "the reload brings %s: %s", cases[i].what, f.why);
		is_int(fds_at_unload, fds, "the directory was closed before the unload");
		end();
	}
}

int main(void)
{
	test_securityfs();
	test_order();
	test_no_module();
	test_params();
	test_merged_diagnosis();
	test_own_diagnosis();
	test_hidden();
	test_liars();
	test_reload();
	test_unload();
	is_int(fake_refs, 0, "libkmod got back all that it handed out");
	return tap_done();
}
