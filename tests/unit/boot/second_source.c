/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * second_source.c - what another source of secrets takes: its operations, a row in the table
 * of sources, and this test. The pipeline is the one of a boot, with a table of its own.
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

static int second_probe(struct source *src, struct fault *f)
{
	int r = root_exists(src->root, PLACE);

	if (r < 0)
		return fault_set(f, EXITCODE_NO_SECRET_TABLE, -r, "cannot see " PLACE);
	if (r == 0)
		(void)fault_set(f, EXITCODE_NO_SECRET_TABLE, ENOENT, "no " PLACE);
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
	.probe = second_probe,
	.open = second_open,
	.list = second_list,
	.fetch = second_fetch,
	.discard = second_discard,
	.done = second_done,
};

/* The row. */
const struct source_ops *const sources[SOURCES_MAX + 1] = {
	&source_efi,
	&second,
};

static struct fixture fx;
static struct conf conf;
static struct report report;
static struct fault f;

static int run(void)
{
	report_init(&report);
	f = (struct fault){ 0 };
	return unlock_run(&fx.root, &conf, &report, &f);
}

static void test_alone(void)
{
	fixture_text(&fx, PLACE, "key");
	is_int(run(), 0, "without a launch secret, the other source opens the volume");
	ok(strcmp(report.source.kind, "second") == 0 && report.source.read == 1 &&
		   report.source.wiped == 1 && report.runs[0].keyslot == 0,
	   "it is the one that is reported");
	ok(!fixture_has(&fx, PLACE), "and its secret is gone");
	FIXTURE_MUST(report_write(&fx.root, &conf, &report, &f, "none") == 0);
	ok(strstr(fixture_get(&fx, PATH_STATUS), "\"kind\":\"second\""),
	   "the status file names it");
	fixture_text(&fx, PLACE, "nonsense");
	ok(run() < 0 && f.code == EXITCODE_SECRET_REFUSED, "its secret has to be the right one");
	ok(run() < 0 && f.code == EXITCODE_NO_SECURITYFS,
	   "with neither, the first one's lack is told");
	is_str(report.source.kind, "launch-secret", "in its name");
}

static void test_both(void)
{
	fixture_text(&fx, ENTRIES "/" GUID_DISK_SECRET, "key");
	fixture_text(&fx, PLACE, "nonsense");
	is_int(run(), 0, "with both, the first of the table is asked");
	ok(strcmp(report.source.kind, "launch-secret") == 0 && !fixture_has(&fx, PLACE) &&
		   !fixture_has(&fx, ENTRIES "/" GUID_DISK_SECRET),
	   "and both are discarded");
	fixture_text(&fx, PLACE, "key");
	ok(run() < 0 && f.code == EXITCODE_SECRET_MISSING,
	   "a table without the entry does not lead to the next source");
	ok(!fixture_has(&fx, PLACE), "which is discarded all the same");
	FIXTURE_MUST(rmdir(fixture_path(&fx, ENTRIES)) == 0);
}

/* Whoever can break the first source must not choose the second. */
static void test_error(void)
{
	fixture_text(&fx, PATH_COCO_SECRET_STATE, "corrupt entry-length\n");
	fixture_text(&fx, PLACE, "key");
	ok(run() < 0 && f.code == EXITCODE_TABLE_CORRUPT, "a broken source is not an absent one");
	ok(report.runs[0].keyslot < 0 && report.stages.start_us[STAGE_READ] == 0,
	   "nothing is opened, nothing is read");
	ok(!fixture_has(&fx, PLACE), "all is discarded");
	fixture_unlink(&fx, PATH_COCO_SECRET_STATE);
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
	fixture_done(&fx);
	return tap_done();
}
