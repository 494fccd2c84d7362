/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * looks.c - an error is never read as "nothing there": what is refused when all calls work is
 * refused, too, when any one of them fails on its first use, its second, and so on; and what
 * is a duty then is done.
 */
#include "boot/cmdline.h"
#include "disk/device.h"

#include "base/paths.h"
#include "boot/action.h"
#include "boot/report.h"
#include "fixture.h"
#include "inject.h"
#include "probe.h"
#include "volume/kernel.h"
#include "volume/pins.h"

#define ENTRIES PATH_SECURITYFS "/secrets/coco"
#define OTHER "11111111-2222-3333-4444-555555555555"
#define TRIES_MAX 200

static struct fixture fx;
static struct conf conf;
static struct fault f;

/* What fails with these says nothing about what is there; ENOENT and its like do. */
static const int errors[] = { EMFILE, EIO, ENOMEM, EACCES };

/* Runs the look, which returns 0 if it has done what it must, with each call failing in turn. */
static void never(const char *what, int (*look)(void))
{
	unsigned int uses[_INJECT_MAX] = { 0 }, total = 0, bad = 0, fds = fixture_fds(), nth;
	enum inject_call call;
	bool hit;
	size_t e;

	inject_failure(INJECT_NONE, 0, 0);
	f = (struct fault){ 0 };
	ok(look() == 0, "%s: when nothing fails", what);
	for (call = INJECT_NONE + 1; call <= INJECT_MMAP; call++) {
		for (e = 0; e < ARRAY_SIZE(errors); e++) {
			for (nth = 1, hit = true; hit && nth < TRIES_MAX; nth++) {
				f = (struct fault){ 0 };
				inject_failure(call, nth, errors[e]);
				if (look() != 0) {
					bad++;
					printf("# %s: %s, use %u: %s\n", what, inject_names[call],
					       nth, strerror(errors[e]));
				}
				hit = inject.hit;
			}
			bad += nth == TRIES_MAX;
			uses[call] += nth - 2;
		}
		total += uses[call];
	}
	inject_failure(INJECT_NONE, 0, 0);
	ok(bad == 0 && total > 0, "%s: whatever fails (%u failures, %u of readdir)", what, total,
	   uses[INJECT_READDIR]);
	is_int(fixture_fds(), fds, "%s: no descriptor is left open", what);
}

static int refused_with(int r, enum exitcode code)
{
	return r < 0 && f.code == code && *f.why ? 0 : 1;
}

static int efi_options(void)
{
	return refused_with(cmdline_check(&fx.root, &conf, &f), EXITCODE_COMMAND_LINE);
}

static int credential(void)
{
	return refused_with(cmdline_check_credentials(&fx.root, &f), EXITCODE_FOREIGN_CREDENTIAL);
}

static int two_disks(void)
{
	_cleanup_(device_done) struct device device = DEVICE_NULL;
	struct device_spec spec = { .kind = DEVICE_KIND_AUTO };
	struct uevent ue = UEVENT_NULL;
	int r = device_find(&fx.root, &spec, &ue, deadline_in_ms(0), &device, &f);

	return r < 0 && device.fd < 0 &&
			       (f.code == EXITCODE_AMBIGUOUS_DEVICE ||
				f.code == EXITCODE_NO_DEVICE) ?
		       0 :
		       1;
}

static int dropin(void)
{
	struct conf c;

	/* A failure has its code, and else the drop-in counts. */
	if (conf_load(&fx.root, &c, &f) < 0)
		return f.code == EXITCODE_CONFIG || f.code == EXITCODE_NO_MEMORY ? 0 : 1;
	return c.require_policy ? 0 : 1;
}

static int policy_there(void)
{
	struct source src;
	unsigned int nr;
	bool there = false;
	int r;

	r = source_begin(&fx.root, &conf, true, &src, &f);
	if (r == 0)
		r = source_efi.list(&src, &REF(GUID_POLICY), &nr, &there);
	source_efi.done(&src);
	return r < 0 || (r == 0 && there && nr == 2) ? 0 : 1;
}

static int corrupt_area(void)
{
	struct source src;
	const char *state = PATH_COCO_SECRET_STATE;
	int r;

	fixture_text(&fx, state, "corrupt entry-length\n");
	r = source_begin(&fx.root, &conf, false, &src, &f);
	source_efi.done(&src);
	inject.nth = 0; /* from here on the test itself reads */
	/* Wiped, or it is said that it is not; without securityfs nobody can get at it. */
	if (r < 0 && (f.code == EXITCODE_WIPE_FAILED || f.code == EXITCODE_NO_SECURITYFS))
		return 0;
	return r < 0 && strncmp(fixture_get(&fx, state), "wipe", 4) == 0 ? 0 : 1;
}

static int action(void)
{
	return action_applies(&fx.root) ? 0 : 1;
}

static int queue(void)
{
	struct uevent ue = UEVENT_NULL;

	return uevent_idle(&fx.root, &ue) ? 1 : 0;
}

static int memory(void)
{
	uint64_t kib = UINT64_MAX;

	if (kernel_available_kib(&fx.root, &kib, &f) < 0)
		return f.code == EXITCODE_NO_MEMORY ? 0 : 1;
	return kib == 0 ? 0 : 1;
}

static int old_status(void)
{
	int r;

	fixture_text(&fx, PATH_STATUS, "{}\n");
	r = report_remove(&fx.root);
	return r < 0 || !fixture_has(&fx, PATH_STATUS) ? 0 : 1;
}

static int entry_of_five(const char *name, void *data)
{
	unsigned int *seen = data;

	(void)name;
	++*seen;
	return 0;
}

static int whole_list(void)
{
	unsigned int seen = 0;
	int r = root_walk(&fx.root, "/five", 0, entry_of_five, &seen);

	return r < 0 || (r == 0 && seen == 5) ? 0 : 1;
}

static int there(void)
{
	return root_exists(&fx.root, "/five/1") == 0 ? 1 : 0;
}

static int third(const char *name, void *data)
{
	(void)name;
	return ++*(unsigned int *)data == 3 ? 42 : 0;
}

static void test_walk(void)
{
	unsigned int fds = fixture_fds(), seen = 0, i;
	char path[32];

	for (i = 1; i <= 5; i++) {
		(void)snprintf(path, sizeof(path), "/five/%u", i);
		fixture_text(&fx, path, "");
	}
	fixture_mkdir(&fx, "/empty");
	ok(root_walk(&fx.root, "/five", 0, third, &seen) == 42 && seen == 3, "a walk can be ended");
	ok(root_walk(&fx.root, "/empty", 0, third, &seen) == 0 && seen == 3, "an empty directory");
	is_int(root_walk(&fx.root, "/nothing", 0, third, &seen), -ENOENT, "none");
	is_int(root_walk(&fx.root, "/five/1", 0, third, &seen), -ENOTDIR, "a file");
	is_int(root_exists(&fx.root, "/five/1"), 1, "exists: yes");
	is_int(root_exists(&fx.root, "/five/6"), 0, "exists: no");
	is_int(root_exists(&fx.root, "/five/1/x"), 0, "exists: no, below a file");
	FIXTURE_MUST(symlink("loop", fixture_path(&fx, "/loop")) == 0);
	is_int(root_exists(&fx.root, "/loop"), -ELOOP, "exists: nobody knows");
	is_int(fixture_fds(), fds, "no descriptor is left open");
	never("a whole list", whole_list);
	never("a file that is there", there);
}

static void test_words(void)
{
	conf_defaults(&conf);
	fixture_text(&fx, PATH_CMDLINE, "quiet\n");
	is_int(cmdline_check(&fx.root, &conf, &f), 0, "premise: a good command line");
	fixture_text(&fx, PATH_EFI_SYSTEMD_OPTIONS, "");
	never("the EFI variable", efi_options);
	fixture_unlink(&fx, PATH_EFI_SYSTEMD_OPTIONS);
	fixture_text(&fx, PATH_EFI_SYSTEMD_OPTIONS_CACHE, "");
	f = (struct fault){ 0 };
	never("systemd's copy of it", efi_options);
	fixture_unlink(&fx, PATH_EFI_SYSTEMD_OPTIONS_CACHE);
	f = (struct fault){ 0 };
	is_int(cmdline_check_credentials(&fx.root, &f), 0, "premise: no credential");
	fixture_mkdir(&fx, PATH_CREDENTIALS_SYSTEM);
	fixture_text(&fx, PATH_CREDENTIALS_ENCRYPTED "/a", "");
	never("a credential", credential);
}

static void test_disks(void)
{
	static unsigned char disk[64 * 1024] = "LUKS\xba\xbe\x00\x02";

	fixture_put(&fx, "/dev/vda", disk, sizeof(disk));
	fixture_put(&fx, "/dev/cciss/c0d0", disk, sizeof(disk));
	fixture_mkdir(&fx, PATH_SYS_BLOCK "/vda/device");
	fixture_mkdir(&fx, PATH_SYS_BLOCK "/cciss!c0d0/device");
	never("two disks", two_disks);
}

static void test_files(void)
{
	fixture_text(&fx, PATH_CONF, "[Policy]\nRequirePolicyEntry=no\n");
	fixture_text(&fx, PATH_CONF_D_USR "/a.conf", "[Policy]\nRequirePolicyEntry=no\n");
	fixture_text(&fx, PATH_CONF_D_ETC "/b.conf", "[Policy]\nRequirePolicyEntry=yes\n");
	never("a drop-in", dropin);
	fixture_mkdir(&fx, "/run/coco-unlock");
	never("the status of an earlier unlock", old_status);
}

static void test_secrets(void)
{
	fixture_text(&fx, ENTRIES "/" OTHER, "x");
	fixture_text(&fx, ENTRIES "/" GUID_POLICY, "version=1\n");
	never("a policy entry", policy_there);
	FIXTURE_MUST(rename(fixture_path(&fx, ENTRIES), fixture_path(&fx, "/entries")) == 0);
	never("a table that cannot be read", corrupt_area);
}

static void test_machine(void)
{
	fx.root.machine = true;
	ok(!action_applies(&fx.root), "premise: a running system");
	fixture_text(&fx, PATH_INITRD_RELEASE, "");
	never("the end of the machine", action);
	fixture_text(&fx, PATH_UDEV_CONTROL, "");
	fixture_text(&fx, PATH_UDEV_QUEUE, "");
	never("udev at work", queue);
	fixture_text(&fx, PATH_MEMINFO, "MemAvailable: 1 kB\n");
	never("little memory", memory);
	fx.root.machine = false;
}

int main(void)
{
	fixture_init(&fx);
	test_walk();
	test_words();
	test_disks();
	test_files();
	test_secrets();
	test_machine();
	fixture_done(&fx);
	return tap_done();
}
