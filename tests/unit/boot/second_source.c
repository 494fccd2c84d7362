/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * second_source.c - what another source of secrets takes: its operations, a row in the table
 * of sources, and this test; and which of the sources a boot asks. The pipeline is the one of a
 * boot, with a table of its own.
 * Needs: cryptsetup
 */
#include "boot/sources.h"

#include "base/paths.h"
#include "boot/unlock.h"
#include "fixture.h"
#include "source/efi.h"

#define ENTRIES PATH_SECURITYFS "/secrets/coco"

/* The source: one secret in a file below /run, for any volume. */

#define PLACE "/run/second-source"

static int probe_error; /* -errno */
static unsigned int probes, discards;

static int second_probe(struct source *src, struct fault *f)
{
	int r = root_exists(src->root, PLACE);

	probes++;
	if (probe_error)
		return fault_set(f, EXITCODE_REPORT_FAILED, -probe_error, "the second is broken");
	if (r < 0)
		return fault_set(f, EXITCODE_NO_PROVIDER, -r, "cannot see " PLACE);
	if (r == 0)
		(void)fault_set(f, EXITCODE_NO_PROVIDER, ENOENT, "no " PLACE);
	return r;
}

static int second_open(struct source *src, struct fault *f)
{
	src->fd = root_open(src->root, PLACE, O_RDONLY, 0);
	if (src->fd < 0)
		return fault_set(f, EXITCODE_SECRET_MISSING, -src->fd, "cannot open " PLACE);
	src->info.path = PLACE;
	src->info.found = 1;
	return 0;
}

static int second_list(struct source *src, const struct reference *ref, unsigned int *ret_nr,
		       bool *ret_has)
{
	*ret_nr = src->info.found;
	if (ret_has)
		*ret_has = strcmp(ref->guid, GUID_DISK_SECRET) == 0;
	return 0;
}

static int second_fetch(struct source *src, const struct reference *ref, struct secret *ret_secret,
			struct fault *f)
{
	_cleanup_secret_ struct secret s = SECRET_NULL;
	int r;

	if (strcmp(ref->guid, GUID_DISK_SECRET) != 0)
		return source_missing(src, ref, f);
	r = secret_init(&s, f);
	if (r < 0)
		return r;
	r = secret_read(&s, src->fd);
	if (r < 0)
		return fault_errno(f, EXITCODE_SECRET_MISSING, r, "cannot read " PLACE);
	src->info.read++;
	*ret_secret = s;
	s = SECRET_NULL;
	return 0;
}

static int second_discard(struct source *src, struct fault *f)
{
	int r = root_exists(src->root, PLACE);

	discards++;
	if (r == 0)
		return 0;
	if (r > 0)
		r = unlinkat(src->root->fd, PLACE + 1, 0) < 0 ? -errno : 0;
	if (r < 0)
		return fault_replace(f, EXITCODE_WIPE_FAILED, -r, "cannot remove " PLACE);
	src->info.wiped++;
	return 0;
}

static void second_done(struct source *src)
{
	util_closep(&src->fd);
	src->fd = -EBADF;
}

static const struct source_ops second = {
	.kind = "second",
	.refetchable = true,
	.probe = second_probe,
	.open = second_open,
	.list = second_list,
	.fetch = second_fetch,
	.discard = second_discard,
	.done = second_done,
};

/* The row. */
const struct source_row sources[SOURCES_MAX + 1] = {
	{ SOURCE_KBS, &second },
	{ SOURCE_EFI, &source_efi },
};

static struct fixture fx;
static struct conf conf;
static struct report report;
static struct attempts attempts;
static struct fault f;

/* With these sources, "efi", "kbs" or both. */
static int run(const char *list)
{
	char text[64];

	(void)snprintf(text, sizeof(text), "[Unlock]\nSources=%s\n", list);
	FIXTURE_MUST(conf_parse_ini(&conf, text, "FILE", &f) == 0);
	report_init(&report);
	f = (struct fault){ 0 };
	probes = discards = 0;
	return unlock_run(&fx.root, &conf, &report, &attempts, NULL, &f);
}

static bool is_source(const char *kind)
{
	return strcmp(report.source.kind, kind) == 0;
}

static void test_alone(void)
{
	fixture_text(&fx, PLACE, "key");
	is_int(run("kbs"), 0, "the other source opens the volume");
	ok(is_source("second") && report.source.read == 1 && report.source.wiped == 1 &&
		   report.runs[0].keyslot == 0,
	   "it is the one that is reported");
	ok(!fixture_has(&fx, PLACE), "and its secret is gone");
	FIXTURE_MUST(report_write(&fx.root, &conf, &report, &f, "none") == 0);
	ok(strstr(fixture_get(&fx, PATH_STATUS), "\"kind\":\"second\""),
	   "the status file names it");
	fixture_text(&fx, PLACE, "nonsense");
	ok(run("kbs") < 0 && f.code == EXITCODE_SECRET_REFUSED,
	   "its secret has to be the right one");
	ok(run("kbs") < 0 && f.code == EXITCODE_NO_PROVIDER && is_source("second"),
	   "where it alone is wanted and is not there, that is the end");
	fixture_text(&fx, PLACE, "key");
	ok(run("efi") < 0 && f.code == EXITCODE_NO_SECURITYFS && is_source("launch-secret"),
	   "a source that is not wanted is not asked");
	ok(probes == 0 && discards == 0 && fixture_has(&fx, PLACE), "nor discarded");
	fixture_unlink(&fx, PLACE);
	ok(run("efi kbs") < 0 && f.code == EXITCODE_NO_SECURITYFS && is_source("launch-secret"),
	   "with neither, the lack of the last one is told");
}

static void test_both(void)
{
	static const char *const lists[] = { "efi kbs", "kbs efi" };
	size_t i;

	for (i = 0; i < ARRAY_SIZE(lists); i++) {
		fixture_text(&fx, ENTRIES "/" GUID_DISK_SECRET, "nonsense");
		fixture_text(&fx, PLACE, "key");
		is_int(run(lists[i]), 0, "%s: with both, the first of the table is asked",
		       lists[i]);
		ok(is_source("second") && !fixture_has(&fx, PLACE),
		   "it is reported, and discarded");
		ok(fixture_has(&fx, ENTRIES "/" GUID_DISK_SECRET),
		   "the launch secret is neither read nor wiped");
		fixture_text(&fx, ENTRIES "/" GUID_DISK_SECRET, "key");
		is_int(run(lists[i]), 0, "%s: without it, the launch secret", lists[i]);
		ok(is_source("launch-secret") && probes == 1 && discards == 1 &&
			   !fixture_has(&fx, ENTRIES "/" GUID_DISK_SECRET),
		   "it is reported, and wiped; the other one is discarded all the same");
		FIXTURE_MUST(rmdir(fixture_path(&fx, ENTRIES)) == 0);
	}
}

/* Whoever can break the first source must not choose the second. */
static void test_error(void)
{
	fixture_text(&fx, ENTRIES "/" GUID_DISK_SECRET, "key");
	fixture_text(&fx, PLACE, "nonsense");
	ok(run("efi kbs") < 0 && f.code == EXITCODE_SECRET_REFUSED && is_source("second"),
	   "a source that fails is not followed by the next one");
	probe_error = -EIO;
	ok(run("efi kbs") < 0 && f.code == EXITCODE_REPORT_FAILED && is_source("second"),
	   "nor is one of which nobody knows whether it is there");
	ok(report.runs[0].keyslot < 0 && report.stages.start_us[STAGE_READ] == 0,
	   "nothing is opened, nothing is read");
	ok(!fixture_has(&fx, ENTRIES "/" GUID_DISK_SECRET), "what lies there is wiped");
	probe_error = 0;
	FIXTURE_MUST(rmdir(fixture_path(&fx, ENTRIES)) == 0);
	fixture_text(&fx, PATH_COCO_SECRET_STATE, "corrupt entry-length\n");
	ok(run("efi kbs") < 0 && f.code == EXITCODE_TABLE_CORRUPT && is_source("launch-secret"),
	   "a broken source is not an absent one");
	fixture_unlink(&fx, PATH_COCO_SECRET_STATE);
}

/* A fault before anything was asked. */
static void test_early_fault(void)
{
	fixture_text(&fx, ENTRIES "/" GUID_DISK_SECRET, "key");
	fixture_text(&fx, PLACE, "key");
	fixture_text(&fx, PATH_CMDLINE, "init=/x\n");
	fixture_text(&fx, PATH_INITRD_RELEASE, "");
	ok(run("efi kbs") < 0 && f.code == EXITCODE_COMMAND_LINE && probes == 0 && discards == 1,
	   "a source without secrets in the machine is only discarded");
	ok(is_source("launch-secret") && report.source.wiped == 1 &&
		   !fixture_has(&fx, ENTRIES "/" GUID_DISK_SECRET),
	   "the launch secret is wiped");
	fixture_text(&fx, ENTRIES "/" GUID_DISK_SECRET, "key");
	ok(run("kbs") < 0 && f.code == EXITCODE_COMMAND_LINE && is_source("second") &&
		   fixture_has(&fx, ENTRIES "/" GUID_DISK_SECRET),
	   "but not where it is none of the sources");
	fixture_unlink(&fx, PATH_CMDLINE);
}

int main(void)
{
	volume_init_library();
	fixture_init(&fx);
	conf_defaults(&conf);
	conf.timeout_ms = 1000;
	fixture_mkdir(&fx, "/run/coco-unlock");
	fixture_mkdir(&fx, PATH_SYS_BLOCK "/vda/device");
	fixture_luks(&fx, "/dev/vda", "key", "");
	test_alone();
	test_both();
	test_error();
	test_early_fault();
	fixture_done(&fx);
	return tap_done();
}
