/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * unlock_faults.c - the whole pipeline on a tree, with each call of the C library made to
 * fail on its first use, its second, and so on until none is left: after every one of them
 * the entries are gone or it is said that they are not, no secret is left in memory, and the
 * exit code fits the outcome; and what the owner's pins refuse is refused all the same.
 * Needs: cryptsetup
 */
#include "boot/unlock.h"

#include "base/paths.h"
#include "fixture.h"
#include "inject.h"
#include "volume/pins.h"

#define ENTRIES PATH_SECURITYFS "/secrets/coco"
#define OTHER "11111111-2222-3333-4444-555555555555"
#define KEPT "22222222-2222-3333-4444-555555555555"
#define TRIES_MAX 500

static struct fixture fx;
static struct conf conf;
static struct report report;
static struct attempts attempts;
static struct fault f;

static const char *policy; /* the policy entry, if there is one */

static void put_entries(void)
{
	if (policy)
		fixture_text(&fx, ENTRIES "/" GUID_POLICY, policy);
	fixture_text(&fx, ENTRIES "/" GUID_DISK_SECRET, "key");
	fixture_text(&fx, ENTRIES "/" OTHER, "other");
	fixture_text(&fx, ENTRIES "/" KEPT, "kept");
}

static bool entries_gone(void)
{
	return !fixture_has(&fx, ENTRIES "/" GUID_DISK_SECRET) &&
	       !fixture_has(&fx, ENTRIES "/" OTHER) && !fixture_has(&fx, ENTRIES "/" GUID_POLICY);
}

/* One run; what must hold after each. Returns unlock_run()'s result. */
static int run(const char *what, unsigned int nth)
{
	unsigned int fds, fds_after, dirty = inject_secrets.dirty;
	int saved, null, r;
	bool good = true;

	inject.nth = 0; /* not yet */
	saved = dup(STDERR_FILENO);
	null = open("/dev/null", O_WRONLY | O_CLOEXEC);
	FIXTURE_MUST(saved >= 0 && null >= 0 && dup2(null, STDERR_FILENO) >= 0);
	put_entries();
	report_init(&report);
	f = (struct fault){ 0 };
	fds = fixture_fds();
	inject.uses = 0;
	inject.nth = nth;
	r = unlock_run(&fx.root, &conf, &report, &attempts, NULL, &f);
	inject.nth = 0;
	fds_after = fixture_fds();
	FIXTURE_MUST(dup2(saved, STDERR_FILENO) >= 0 && close(saved) == 0 && close(null) == 0);
	if ((r < 0) != (f.code != EXITCODE_OK) || (r < 0 && !*f.why))
		good = false, printf("# %s %u: returns %d with code %d\n", what, nth, r, f.code);
	/* Without securityfs nobody can get at the entries. */
	if (!entries_gone() && f.code != EXITCODE_WIPE_FAILED && f.code != EXITCODE_NO_SECURITYFS)
		good = false, printf("# %s %u: an entry is left, code %d\n", what, nth, f.code);
	if (!fixture_has(&fx, ENTRIES "/" KEPT))
		good = false, printf("# %s %u: the kept entry is gone\n", what, nth);
	if (inject_secrets.nr_live != 0 || inject_secrets.dirty != dirty)
		good = false, printf("# %s %u: a secret is left in memory\n", what, nth);
	if (fds_after != fds && what)
		good = false, printf("# %s %u: a descriptor is left open\n", what, nth);
	return good ? r : -ENOTRECOVERABLE;
}

static void test_each_call(void)
{
	static const int errors[] = { EIO, ENOMEM };
	enum inject_call call;
	size_t e;

	for (call = INJECT_NONE + 1; call <= INJECT_MMAP; call++) {
		for (e = 0; e < ARRAY_SIZE(errors); e++) {
			unsigned int nth, bad = 0, refused = 0;
			bool hit = true;

			for (nth = 1; hit && nth < TRIES_MAX; nth++) {
				int r;

				inject_failure(call, nth, errors[e]);
				r = run(inject_names[call], nth);
				hit = inject.hit;
				bad += r == -ENOTRECOVERABLE;
				refused += r < 0;
			}
			ok(bad == 0 && nth > 2 && nth < TRIES_MAX,
			   "%s fails with %s: %u uses, %u refusals", inject_names[call],
			   strerror(errors[e]), nth - 2, refused);
		}
	}
	inject_failure(INJECT_NONE, 0, 0);
}

/* Run with one call failing, all of them in turn. */
static void refuses_always(const char *what)
{
	static const int errors[] = { EIO, EMFILE, ENOMEM, EACCES };
	unsigned int nth, opened = 0, bad = 0, total = 0;
	enum inject_call call;
	bool hit;
	size_t e;

	inject_failure(INJECT_NONE, 0, 0);
	ok(run("a pinned header", 0) < 0 && f.code == EXITCODE_PIN_MISMATCH,
	   "premise: another header is pinned by the %s", what);
	for (call = INJECT_NONE + 1; call <= INJECT_MMAP; call++) {
		for (e = 0; e < ARRAY_SIZE(errors); e++) {
			for (nth = 1, hit = true; hit && nth < TRIES_MAX; nth++, total++) {
				int r;

				inject_failure(call, nth, errors[e]);
				r = run(inject_names[call], nth);
				hit = inject.hit;
				bad += r == -ENOTRECOVERABLE;
				if (r >= 0)
					printf("# %s %u: it opens (%s)\n", inject_names[call], nth,
					       strerror(errors[e]));
				opened += r >= 0;
			}
		}
	}
	inject_failure(INJECT_NONE, 0, 0);
	ok(opened == 0 && bad == 0 && total > 100, "it does not open, whatever fails (%u runs)",
	   total);
}

/* What the owner has pinned stays so, whatever fails: no error leads past the policy entry, or past
 * the image's policy. */
static void test_refused(void)
{
	static const char pins[] = "version=1\nvolume=root\nheader=sha256:"
				   "00000000000000000000000000000000"
				   "00000000000000000000000000000000\n";

	policy = pins;
	refuses_always("entry");
	policy = NULL;
	(void)unlink(fixture_path(&fx, ENTRIES "/" GUID_POLICY));
	fixture_text(&fx, PATH_POLICY, pins);
	refuses_always("image");
	fixture_unlink(&fx, PATH_POLICY);
}

/* Not before the secrets are gone, and not in a wrong order. */
static void test_fault_before(void)
{
	put_entries();
	report_init(&report);
	f = (struct fault){ 0 };
	(void)fault_set(&f, EXITCODE_CONFIG, EINVAL, "an earlier cause");
	ok(unlock_run(&fx.root, &conf, &report, &attempts, NULL, &f) < 0,
	   "with a fault from before nothing is opened");
	ok(f.code == EXITCODE_CONFIG && strcmp(f.why, "an earlier cause") == 0,
	   "it is still the one that is told");
	ok(entries_gone() && report.source.read == 0 && report.source.wiped == 2 &&
		   report.source.kept == 1,
	   "the secrets are wiped unread");
	is_int(report.stages.start_us[STAGE_DEVICE], 0, "no disk was looked at");
}

static void test_two_volumes(void)
{
	char cmd[PATH_MAX + 32];

	(void)snprintf(cmd, sizeof(cmd), "cd '%s/dev' && cp vda vdb", fx.dir);
	FIXTURE_MUST(system(cmd) == 0);
	conf.volumes[0].device.kind = DEVICE_KIND_PATH;
	(void)snprintf(conf.volumes[0].device.value, CONF_DEVICE_SIZE, "/dev/vda");
	conf.volumes[1] = conf.volumes[0];
	(void)snprintf(conf.volumes[1].name, CONF_NAME_SIZE, "data");
	(void)snprintf(conf.volumes[1].device.value, CONF_DEVICE_SIZE, "/dev/vdb");
	conf.nr_volumes = 2;
	is_int(run("two volumes", 1), 0, "two volumes with one secret");
	ok(report.source.read == 2 && report.runs[0].keyslot == 0 && report.runs[1].keyslot == 0,
	   "both are opened");
	(void)snprintf(conf.volumes[1].secret.guid, GUID_TEXT_SIZE, OTHER);
	ok(run("two volumes", 2) < 0 && f.code == EXITCODE_SECRET_REFUSED,
	   "the second one's secret does not open it");
	ok(report.runs[0].keyslot == 0 && report.runs[1].keyslot == -1, "the first had opened");
	(void)snprintf(conf.volumes[1].secret.guid, GUID_TEXT_SIZE, GUID_KERNEL_EXAMPLE);
	ok(run("two volumes", 3) < 0 && f.code == EXITCODE_SECRET_MISSING &&
		   report.stages.start_us[STAGE_DEVICE] == 0,
	   "a secret that is missing stops it before any disk");
	is_int(report.source.wiped, 2, "and all are wiped");
	(void)snprintf(conf.volumes[0].secret.guid, GUID_TEXT_SIZE, GUID_KERNEL_EXAMPLE);
	(void)snprintf(conf.volumes[1].secret.guid, GUID_TEXT_SIZE, GUID_DISK_SECRET);
	ok(run("two volumes", 4) < 0 && report.source.read == 0 && report.source.wiped == 2,
	   "the first that is missing stops the reading");
}

int main(void)
{
	volume_init_library();
	fixture_init(&fx);
	conf_defaults(&conf);
	conf.timeout_ms = 1000;
	(void)snprintf(conf.keep[0], GUID_TEXT_SIZE, KEPT);
	conf.nr_keep = 1;
	fixture_mkdir(&fx, "/run");
	fixture_mkdir(&fx, PATH_SYS_BLOCK "/vda/device");
	fixture_luks(&fx, "/dev/vda", "key", "");
	(void)run(NULL, 0); /* libcryptsetup keeps its sources of random bytes open */
	is_int(run("nothing", 0), 0, "premise: all goes well when nothing fails");
	ok(report.source.found == 3 && report.source.read == 1 && report.source.wiped == 2 &&
		   report.source.kept == 1 && report.runs[0].keyslot == 0,
	   "premise: the volume is opened, the counters are right");
	ok(inject_secrets.wiped >= 2, "secret and volume key were wiped");
	test_fault_before();
	test_each_call();
	test_refused();
	test_two_volumes();
	ok(inject_secrets.dirty == 0 && inject_secrets.nr_live == 0,
	   "no secret was left in memory in any run (%u were wiped)", inject_secrets.wiped);
	fixture_done(&fx);
	return tap_done();
}
