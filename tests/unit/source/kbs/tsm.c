/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * tsm.c - reports through a model of configfs-tsm: what each fault of the kernel and of the host is
 * called, that nobody waits beyond the deadline, and that no directory is left.
 */
#include "source/kbs/tsm.h"

#include <poll.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/statfs.h>
#include <sys/wait.h>

#include "fake_tsm.h"

#define LONG_MS 30000

static struct fixture fx;
static struct fault f;
static struct tsm_report report;
static unsigned char data[TSM_DATA_SIZE];

/* Of the machine's configfs. */
static struct {
	bool mounted;
	int error;
	unsigned int mounts;
} configfs;

int mount(const char *source, const char *target, const char *type, unsigned long flags,
	  const void *options)
{
	FIXTURE_MUST(strcmp(source, "configfs") == 0 && strcmp(target, PATH_CONFIGFS) == 0 &&
		     strcmp(type, "configfs") == 0 && flags != 0 && !options);
	configfs.mounts++;
	errno = configfs.error;
	configfs.mounted = errno == 0;
	return errno ? -1 : 0;
}

int fstatfs(int fd, struct statfs *st)
{
	if (INJECT_NEXT(fstatfs)(fd, st) < 0)
		return -1;
	st->f_type = configfs.mounted ? 0x62656570 : 0x62656572; /* sysfs */
	return 0;
}

static void begin(const char *provider)
{
	fake_tsm_provider(provider);
	f = (struct fault){ 0 };
	configfs.mounts = 0;
	configfs.error = 0;
	configfs.mounted = true;
	tsm_report_done(&report);
}

/* A report whose deadline does not matter. */
static int make(const char *provider)
{
	return tsm_report(&fx.root, provider, data, deadline_in_ms(LONG_MS), &report, &f);
}

/* What a test that has failed leaves. */
static bool is_clean(void)
{
	return fake_tsm_left() == 0 && fake_tsm->made == fake_tsm->removed && !report.outblob &&
	       !report.auxblob;
}

static void test_provider(void)
{
	char name[TSM_PROVIDER_SIZE] = "";
	const struct deadline d = deadline_in_ms(LONG_MS);

	begin("tdx_guest");
	is_int(tsm_provider(&fx.root, false, d, name, &f), 1, "there is a provider");
	is_str(name, "tdx_guest", "and its name has no newline");
	ok(is_clean() && fake_tsm->made == 1, "it was asked for once");
	begin("arm_cca_guest");
	is_int(tsm_provider(&fx.root, false, d, name, &f), 1, "also one that is not known here");
	is_str(name, "arm_cca_guest", "has a name");
	begin(NULL);
	is_int(tsm_provider(&fx.root, false, d, name, &f), 0, "ENXIO is none");
	ok(f.code == EXITCODE_NO_PROVIDER && is_clean(), "which is told: %s", f.why);
	begin("sev_guest");
	fake_tsm->mkdir_error = EPERM;
	is_int(tsm_provider(&fx.root, false, d, name, &f), -EPERM, "EPERM is not none");
	ok(f.code == EXITCODE_REPORT_FAILED, "but told: %s", f.why);
	begin("sev_guest");
	fake_tsm->hang_mkdir = true;
	is_int(tsm_provider(&fx.root, false, deadline_in_ms(100), name, &f), -ETIMEDOUT,
	       "who does not answer is not none");
	ok(f.code == EXITCODE_NO_ANSWER, "but told: %s", f.why);
	fake_tsm_release();
}

static void test_mount(void)
{
	char name[TSM_PROVIDER_SIZE] = "";
	const struct deadline d = deadline_in_ms(LONG_MS);
	struct fixture empty;

	begin("sev_guest");
	fx.root.machine = true;
	is_int(tsm_provider(&fx.root, false, d, name, &f), 1, "configfs is mounted");
	is_int(configfs.mounts, 0, "and not again");
	configfs.mounted = false;
	is_int(tsm_provider(&fx.root, false, d, name, &f), 1, "it is not mounted");
	is_int(configfs.mounts, 1, "and is then");
	begin("sev_guest");
	configfs.mounted = false;
	configfs.error = EPERM;
	is_int(tsm_provider(&fx.root, false, d, name, &f), -EPERM, "it cannot be mounted");
	ok(f.code == EXITCODE_REPORT_FAILED && strstr(f.why, "configfs"), "which is told: %s",
	   f.why);
	is_int(fake_tsm->made, 0, "and nothing is made");
	begin("sev_guest");
	configfs.mounted = false;
	is_int(tsm_provider(&fx.root, true, d, name, &f), 0, "who only looks sees no device");
	ok(configfs.mounts == 0 && fake_tsm->made == 0, "mounts nothing and makes nothing");
	ok(f.code == EXITCODE_NO_PROVIDER && strstr(f.why, "in a boot"), "and says so: %s", f.why);
	fixture_init(&empty);
	empty.root.machine = true;
	begin(NULL);
	configfs.mounted = false;
	is_int(tsm_provider(&empty.root, false, d, name, &f), 0, "a kernel without configfs");
	ok(f.code == EXITCODE_NO_PROVIDER && configfs.mounts == 0, "has no provider: %s", f.why);
	fixture_text(&empty, PATH_DEV_TDX_GUEST, "");
	is_int(tsm_provider(&empty.root, true, d, name, &f), 1, "who only looks sees a device");
	is_str(name, "tdx_guest", "of tdx_guest");
	fixture_text(&empty, PATH_DEV_SEV_GUEST, "");
	is_int(tsm_provider(&empty.root, true, d, name, &f), 1, "or one");
	is_str(name, "sev_guest", "of sev_guest");
	fixture_done(&empty);
	fx.root.machine = false;
}

static void test_reports(void)
{
	static const char *const floors[] = { "", "1", "2", "3" };
	static unsigned char table[TSM_AUXBLOB_MAX];
	unsigned int fds = fixture_fds();
	size_t i;

	begin("sev_guest");
	is_int(make("sev_guest"), 0, "a report: %s", f.why);
	ok(report.outblob_len == FAKE_TSM_REPORT_SIZE &&
		   memcmp(report.outblob + 0x50, data, sizeof(data)) == 0,
	   "is about what was asked for");
	ok(!report.auxblob && report.auxblob_len == 0 && report.privlevel_floor == 0,
	   "has no certificate table, and the floor 0");
	is_str(fake_tsm->privlevel, "", "for which nothing is written");
	is_int(fake_tsm->reports, 1, "it was made once");
	tsm_report_done(&report);
	tsm_report_done(&report);
	ok(is_clean(), "nothing is left");
	for (i = 0; i < sizeof(table); i++)
		table[i] = (unsigned char)(i * 7);
	for (i = 1; i < ARRAY_SIZE(floors); i++) {
		begin("sev_guest");
		fake_tsm->floor = (int)i;
		fake_tsm->piece = i;
		fake_tsm_aux(table, 1000 * i);
		is_int(make("sev_guest"), 0, "%zu bytes a read: %s", i, f.why);
		ok(report.auxblob_len == 1000 * i && memcmp(report.auxblob, table, 1000 * i) == 0,
		   "all of the table is read");
		is_str(fake_tsm->privlevel, floors[i], "the level is the floor");
		is_int(report.privlevel_floor, i, "which is told");
	}
	begin("sev_guest");
	fake_tsm_aux(table, sizeof(table));
	is_int(make("sev_guest"), 0, "the largest table: %s", f.why);
	is_int(report.auxblob_len, sizeof(table), "is whole");
	for (i = 4; i <= 5; i++) {
		begin("tdx_guest");
		fake_tsm->quote = (uint16_t)i;
		is_int(make("tdx_guest"), 0, "a quote of version %zu: %s", i, f.why);
		ok(report.privlevel_floor == -1 && !report.auxblob, "has neither level nor table");
	}
	begin(NULL);
	is_int(fixture_fds(), fds, "no descriptor is left");
}

/* Is it refused with this code, once, with these words, and is nothing left? */
static void refused(const char *provider, enum exitcode code, const char *why, const char *next)
{
	int r = make(provider);

	ok(r < 0 && f.code == code && strstr(f.why, why) && strstr(fault_next(&f), next), "%s: %s",
	   why, f.why);
	if (f.code != code || !strstr(fault_next(&f), next))
		printf("# %d, %s\n", f.code, fault_next(&f));
	ok(is_clean(), "nothing is left");
}

static void test_errors(void)
{
	static const struct {
		int error;
		const char *why, *next;
	} errors[] = {
		{ EBUSY, "another report is on its way", "let nothing else" },
		{ EINVAL, "does not take the request", "64 bytes" },
		{ ENXIO, "the provider went away", "unload" },
		{ ENOTTY, "VMPCK", "restart the guest" },
		{ EFBIG, "larger than this kernel takes", "newer kernel" },
		{ ETIMEDOUT, "wait for too long", "throttle" },
		{ EIO, "the firmware has refused it", "kernel's log" },
		{ EINTR, "Interrupted", "kernel's log" },
		{ EPERM, "Operation not permitted", "kernel's log" },
		{ ENOENT, "No such file", "kernel's log" },
	};
	size_t i;

	for (i = 0; i < ARRAY_SIZE(errors); i++) {
		begin("sev_guest");
		fake_tsm->read_error = errors[i].error;
		refused("sev_guest", EXITCODE_REPORT_FAILED, errors[i].why, errors[i].next);
		is_int(fake_tsm->reports, 1, "it was asked for once");
	}
	begin(NULL);
	refused("sev_guest", EXITCODE_REPORT_FAILED, "the provider went away", "unload");
	begin("sev_guest");
	fake_tsm->mkdir_error = EBUSY;
	refused("sev_guest", EXITCODE_REPORT_FAILED, "no directory for a report", "");
	fake_tsm->mkdir_error = EEXIST;
	f = (struct fault){ 0 };
	refused("sev_guest", EXITCODE_REPORT_FAILED, "File exists", "");
	begin("tdx_guest");
	refused("sev_guest", EXITCODE_REPORT_FAILED, "the provider is tdx_guest now", "");
	begin("arm_cca_guest");
	refused("arm_cca_guest", EXITCODE_REPORT_FAILED, "arm_cca_guest", "");
	begin("sev_guest");
	fake_tsm->floor = 2;
	fake_tsm->privlevel_error = EINVAL;
	refused("sev_guest", EXITCODE_REPORT_FAILED, "privlevel", "");
	is_int(fake_tsm->reports, 0, "no report was asked for");
	begin("sev_guest");
	fake_tsm->aux_error = EIO;
	refused("sev_guest", EXITCODE_REPORT_FAILED, "auxblob", "");
	begin("sev_guest");
	fake_tsm->lose_write = true;
	refused("sev_guest", EXITCODE_REPORT_FAILED, "does not take the request", "");
	begin("sev_guest");
	fake_tsm->foreign = true;
	refused("sev_guest", EXITCODE_REPORT_FAILED, "generation 2 in the place of 1",
		"let nothing else");
	begin("sev_guest");
	fake_tsm->wrong_data = true;
	refused("sev_guest", EXITCODE_REPORT_FAILED, "not about the 64 bytes", "let nothing else");
	begin("sev_guest");
	fake_tsm->die_in_read = true;
	refused("sev_guest", EXITCODE_REPORT_FAILED, "was killed", "memory");
	begin("sev_guest");
	fake_tsm->rmdir_error = EBUSY;
	ok(make("sev_guest") < 0 && f.code == EXITCODE_REPORT_FAILED &&
		   strstr(f.why, "cannot remove"),
	   "a directory that does not go is told: %s", f.why);
	ok(fake_tsm_left() == 1 && !report.outblob, "and its report is not used");
	fake_tsm->rmdir_error = 0;
	FIXTURE_MUST(unlinkat(open(fake_tsm->dir, O_PATH | O_CLOEXEC), fake_tsm->name,
			      AT_REMOVEDIR) == 0);
}

/* What comes back is as large as the host likes. */
static void test_blobs(void)
{
	static unsigned char blob[FAKE_TSM_BLOB_MAX];
	static const size_t large[] = { TSM_OUTBLOB_MAX + 1, 16 * 1024 * 1024 };
	static const struct {
		unsigned int version;
		size_t at;
	} quotes[] = { { 4, 48 + 520 }, { 5, 54 + 520 } };
	unsigned int version, taken;
	size_t i, len;

	memcpy(blob + 0x50, data, sizeof(data));
	for (i = 0; i < ARRAY_SIZE(large); i++) {
		begin("sev_guest");
		fake_tsm_blob(blob, large[i]);
		refused("sev_guest", EXITCODE_REPORT_FAILED, "more than 1048576 bytes", "");
	}
	begin("sev_guest");
	fake_tsm_blob(blob, TSM_OUTBLOB_MAX);
	is_int(make("sev_guest"), 0, "1 MiB is taken: %s", f.why);
	begin("sev_guest");
	fake_tsm_aux(blob, TSM_AUXBLOB_MAX + 1);
	refused("sev_guest", EXITCODE_REPORT_FAILED, "more than 65536 bytes", "");
	for (len = 1; len <= 0x50 + TSM_DATA_SIZE; len += len == 1 ? 0x4f : 1) {
		begin("sev_guest");
		fake_tsm_blob(blob, len);
		if ((make("sev_guest") == 0) != (len == 0x50 + TSM_DATA_SIZE))
			break;
	}
	is_int(len, 0x50 + TSM_DATA_SIZE + 1, "what ends in what was asked for is refused");
	for (i = 0; i < ARRAY_SIZE(quotes); i++) {
		memset(blob, 0, sizeof(blob));
		memcpy(blob + quotes[i].at, data, sizeof(data));
		for (version = taken = 0; version < 9; version++) {
			blob[0] = (unsigned char)version;
			begin("tdx_guest");
			fake_tsm_blob(blob, 4096);
			if (make("tdx_guest") == 0)
				taken |= 1U << version;
		}
		is_int(taken, 1U << quotes[i].version, "version %u has it at %zu",
		       quotes[i].version, quotes[i].at);
		blob[0] = (unsigned char)quotes[i].version;
		begin("tdx_guest");
		fake_tsm_blob(blob, quotes[i].at + TSM_DATA_SIZE - 1);
		refused("tdx_guest", EXITCODE_REPORT_FAILED, "the report ends after", "");
	}
	blob[1] = 1;
	begin("tdx_guest");
	fake_tsm_blob(blob, 4096);
	refused("tdx_guest", EXITCODE_REPORT_FAILED, "version 261", "");
	begin("tdx_guest");
	fake_tsm_blob(blob, 1);
	refused("tdx_guest", EXITCODE_REPORT_FAILED, "no version", "");
	/* Every byte of what was asked for is compared. */
	for (i = taken = 0; i < TSM_DATA_SIZE; i++) {
		memset(blob, 0, 4096);
		memcpy(blob + 0x50, data, sizeof(data));
		blob[0x50 + i] ^= 0x80;
		begin("sev_guest");
		fake_tsm_blob(blob, FAKE_TSM_REPORT_SIZE);
		taken += make("sev_guest") == 0;
	}
	is_int(taken, 0, "each of the 64 bytes counts");
}

/* Processes that nobody waits for come to this one. */
static void wait_for_orphans(void)
{
	while (waitpid(-1, NULL, 0) > 0)
		;
}

static void test_hangs(void)
{
	struct pollfd end = { .events = POLLIN };
	int fds[2], output = dup(STDOUT_FILENO), r;
	uint64_t began, ms;

	FIXTURE_MUST(prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0) == 0);
	FIXTURE_MUST(pipe2(fds, O_CLOEXEC) == 0 && dup2(fds[1], STDOUT_FILENO) >= 0);
	begin("sev_guest");
	fake_tsm->hang_read = true;
	began = clock_us();
	r = tsm_report(&fx.root, "sev_guest", data, deadline_in_ms(200), &report, &f);
	ms = (clock_us() - began) / 1000;
	FIXTURE_MUST(dup2(output, STDOUT_FILENO) >= 0 && close(output) == 0 && close(fds[1]) == 0);
	is_int(r, -ETIMEDOUT, "a read that does not come back");
	end.fd = fds[0];
	ok(poll(&end, 1, LONG_MS) == 1 && (end.revents & POLLHUP),
	   "who waits for it holds nothing of ours open, not even the output");
	FIXTURE_MUST(close(fds[0]) == 0);
	ok(ms >= 200 && ms < 1200, "is not waited for: %llu ms", (unsigned long long)ms);
	ok(f.code == EXITCODE_NO_ANSWER && strstr(fault_next(&f), "Timeout="), "it is told: %s",
	   f.why);
	is_int(fake_tsm_left(), 1, "the kernel holds on to the directory");
	is_int(fake_tsm->reports, 1, "no second report was asked for");
	fake_tsm_release();
	wait_for_orphans();
	ok(is_clean(), "as soon as it lets go, the directory is removed");

	begin("sev_guest");
	fake_tsm->hang_mkdir = true;
	began = clock_us();
	is_int(tsm_report(&fx.root, "sev_guest", data, deadline_in_ms(100), &report, &f),
	       -ETIMEDOUT, "a mkdir that does not come back");
	ms = (clock_us() - began) / 1000;
	ok(ms >= 100 && ms < 1100, "is not waited for: %llu ms", (unsigned long long)ms);
	fake_tsm_release();
	wait_for_orphans();
	ok(is_clean(), "nothing is left");
	begin("sev_guest");
	is_int(make("sev_guest"), 0, "the next report is made: %s", f.why);
	begin("sev_guest");
	is_int(tsm_report(&fx.root, "sev_guest", data, deadline_in_ms(0), &report, &f), -ETIMEDOUT,
	       "a deadline that has passed");
	wait_for_orphans();
	ok(is_clean(), "leaves nothing");
	FIXTURE_MUST(prctl(PR_SET_CHILD_SUBREAPER, 0, 0, 0, 0) == 0);
}

/* A process that is no more. */
static pid_t dead(void)
{
	pid_t pid = fork();

	if (pid == 0)
		_exit(0);
	FIXTURE_MUST(pid > 0 && waitpid(pid, NULL, 0) == pid);
	return pid;
}

static const char *leftover(pid_t pid, const char *prefix)
{
	static char path[3][256];
	static unsigned int next;
	char *p = path[next++ % 3];

	(void)snprintf(p, sizeof(path[0]), "%s/%s%d-0123456789abcdef", PATH_TSM_REPORT, prefix,
		       (int)pid);
	fixture_mkdir(&fx, p);
	return p;
}

static void test_leftovers(void)
{
	pid_t gone = dead();
	const char *ours, *alive, *foreign;

	begin("sev_guest");
	ours = leftover(gone, "coco-unlock-");
	alive = leftover(getppid(), "coco-unlock-");
	foreign = leftover(gone, "another-");
	is_int(make("sev_guest"), 0, "a report: %s", f.why);
	ok(!fixture_has(&fx, ours), "what an earlier run has left is gone");
	ok(fixture_has(&fx, alive), "what a running one has is not");
	ok(fixture_has(&fx, foreign), "nor what is not ours");
	is_int(fake_tsm_left(), 2, "nothing is left of this one");
	FIXTURE_MUST(rmdir(fixture_path(&fx, alive)) == 0 &&
		     rmdir(fixture_path(&fx, foreign)) == 0);
}

int main(void)
{
	size_t i;

	for (i = 0; i < sizeof(data); i++)
		data[i] = (unsigned char)(i + 1);
	fixture_init(&fx);
	fake_tsm_init(&fx.root);
	test_provider();
	test_mount();
	test_reports();
	test_errors();
	test_blobs();
	test_hangs();
	test_leftovers();
	return tap_done();
}
