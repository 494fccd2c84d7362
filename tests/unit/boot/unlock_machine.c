/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * unlock_machine.c - the pipeline as on a machine, in its order: what can fail first, then
 * the secrets, then their wipe, only then a disk, and the mappings: all of them or none
 * is left behind a failure, and only such as the kernel really has.
 * The machine is a tree with machine = true; modules, device mapper, mounts, events and
 * block devices are fakes, and each of them looks at what must be true when it is called.
 * Needs: cryptsetup
 */
#include "boot/unlock.h"

#include "fake_machine.h"

static char left_mapped[sizeof(mappings_shared->text)]; /* what there was before the undoing */

/* As a boot does: what fails is undone behind the pipeline. */
static int run(void)
{
	int saved = dup(STDERR_FILENO), null = open("/dev/null", O_WRONLY | O_CLOEXEC), r;

	FIXTURE_MUST(saved >= 0 && null >= 0 && dup2(null, STDERR_FILENO) >= 0);
	r = unlock_run(&fx.root, &conf, &report, &attempts, NULL, &f);
	memcpy(left_mapped, mappings, sizeof(left_mapped));
	if (r < 0)
		unlock_undo(&fx.root, &conf, &report, &f);
	FIXTURE_MUST(dup2(saved, STDERR_FILENO) >= 0 && close(saved) == 0 && close(null) == 0);
	return r;
}

static void test_success(void)
{
	int i, ran = 0;

	begin();
	is_int(run(), 0, "two volumes: %s", f.why);
	is_int(too_early, 0, "nothing was done before its time");
	is_str(mappings, " root data", "both are mapped, in the order of cocotab");
	is_int(forks, 1, "one judge for both");
	ok(fixture_has(&fx, PATH_OPENED), "what was opened is written down");
	is_str(fake_loaded, "aes xts", "the cipher's modules were loaded");
	ok(report.runs[0].mapped && report.runs[1].mapped, "and so it is reported");
	ok(strcmp(report.runs[0].device, "/dev/vda") == 0 &&
		   strcmp(report.runs[1].device, "/dev/vdb") == 0,
	   "with their devices");
	ok(report.runs[0].verdict.uuid[0] &&
		   strcmp(report.runs[0].verdict.cipher, "aes-xts-plain64") == 0 &&
		   strcmp(report.runs[0].header, "accepted") == 0,
	   "and what their headers say");
	is_int(live_at_mapping[0], 2, "when the first is mapped: the key, and the other's secret");
	is_int(live_at_mapping[1], 1, "when the second is mapped: only the key");
	for (i = STAGE_MODULES; i < _STAGE_MAX; i++)
		ran += (i < STAGE_DEVICE ? &report.stages : &report.runs[1].stages)->start_us[i] >
		       0;
	is_int(ran, _STAGE_MAX - STAGE_MODULES - 1, "each stage has run, but that of a broker");
	ok(!report.stages.running && !report.runs[0].stages.running &&
		   !report.runs[1].stages.running,
	   "none runs on");
	is_str(report.source.kind, "launch-secret", "the source is named");
	ok(!entries_there() && inject_secrets.nr_live == 0, "no secret is left");
}

static void test_mapping_fails(void)
{
	begin();
	refuse_mapping = "data";
	ok(run() < 0 && f.code == EXITCODE_BUSY, "the second volume is not mapped");
	is_str(left_mapped, " root", "the first is mapped then");
	is_str(mappings, " root -root", "so it is unmapped");
	is_int(too_early, 0, "which comes when no secret is left");
	ok(!report.runs[0].mapped && !report.runs[1].mapped, "and reported so");
	ok(!entries_there() && inject_secrets.nr_live == 0, "no secret is left");

	begin();
	refuse_mapping = "data";
	fake_dm_in_use = true;
	ok(run() < 0 && report.runs[0].mapped && !report.runs[1].mapped,
	   "a mapping that is in use is reported");
	ok(fake_dm_find("root") && strcmp(fake_dm_find("root")->type, "error") == 0,
	   "and has no key any more");

	begin();
	refuse_mapping = "root";
	ok(!fixture_has(&fx, PATH_OPENED), "then nothing is written down");
	ok(run() < 0 && f.code == EXITCODE_BUSY, "the first volume is not mapped");
	is_str(mappings, "", "so nothing is");
	is_int(report.runs[1].keyslot, -1, "and the second is not looked at");
	ok(!entries_there() && inject_secrets.nr_live == 0, "no secret is left");
}

/* What needs no secret fails before one is read; the entries go all the same. */
static void test_preparation_fails(void)
{
	static const struct {
		const char *what;
		int socket_error;
		bool no_target, no_cipher;
		enum exitcode code;
	} cases[] = {
		{ "no events", EAFNOSUPPORT, false, false, EXITCODE_INTERNAL },
		{ "no dm-crypt", 0, true, false, EXITCODE_NO_DM_CRYPT },
		{ "no cipher", 0, false, true, EXITCODE_NO_DM_CRYPT },
	};
	size_t i;

	for (i = 0; i < ARRAY_SIZE(cases); i++) {
		begin();
		socket_error = cases[i].socket_error;
		no_crypt_target = cases[i].no_target;
		if (cases[i].no_cipher)
			fake_modules[2].load_result = -ENOENT;
		ok(run() < 0 && f.code == cases[i].code, "%s: %s", cases[i].what, f.why);
		ok(report.source.read == 0 && report.source.wiped == 2 && !entries_there(),
		   "the secrets are wiped unread");
		ok(report.stages.start_us[STAGE_READ] == 0 &&
			   report.stages.start_us[STAGE_DEVICE] == 0,
		   "neither they nor a disk are looked at");
		is_str(mappings, "", "nothing is mapped");
	}
}

/* What the host has told the system manager; the secrets are wiped unread. */
static void test_host_words(void)
{
	begin();
	fixture_text(&fx, PATH_CMDLINE, "root=/dev/mapper/root rd.break\n");
	ok(run() < 0 && f.code == EXITCODE_COMMAND_LINE, "a word: %s", f.why);
	ok(report.source.read == 0 && !entries_there() && !*mappings && forks == 0,
	   "the secrets are wiped unread, before anything else");
	begin();
	fixture_text(&fx, PATH_CREDENTIALS_SYSTEM "/x", "");
	ok(run() < 0 && f.code == EXITCODE_FOREIGN_CREDENTIAL, "a credential: %s", f.why);
	ok(report.source.read == 0 && !entries_there() && !*mappings, "the same");
	fixture_unlink(&fx, PATH_CREDENTIALS_SYSTEM "/x");
}

static void test_policy_entry(void)
{
	static const char *const wrong[] = {
		"header=sha256:0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef",
		"uuid=00000000-0000-4000-8000-00000000000b",
		"volume-key=sha256:0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef",
		"fixate-volume-key=0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef",
	};
	char text[512], sector[512];
	size_t i;
	int fd;

	begin();
	conf.require_policy = true;
	ok(run() < 0 && f.code == EXITCODE_POLICY_MISSING && report.source.read == 0,
	   "no policy entry where one is required: %s", f.why);
	ok(!entries_there() && !*mappings && report.stages.start_us[STAGE_DEVICE] == 0,
	   "no disk is looked at");
	begin();
	fixture_text(&fx, ENTRIES "/" GUID_POLICY, "version=1\nvolume=root\nmin-generation=1\n");
	ok(run() < 0 && f.code == EXITCODE_POLICY_MISSING, "one that lacks a volume: %s", f.why);
	begin();
	fixture_text(&fx, ENTRIES "/" GUID_POLICY,
		     "version=1\nvolume=root\nmin-generation=1\nvolume=data\nmin-generation=2\n");
	ok(run() == 0 && !entries_there(), "one that is complete; it is wiped with the others");
	ok(report.source.read == 3 && report.source.wiped == 3, "and counted");
	conf.require_policy = false;
	begin();
	fixture_text(&fx, ENTRIES "/" GUID_POLICY, "version=1\n");
	ok(run() < 0 && f.code == EXITCODE_POLICY_INVALID && report.source.read == 1,
	   "one that is not valid, even if none is required: %s", f.why);
	for (i = 0; i < ARRAY_SIZE(wrong); i++) {
		begin();
		(void)snprintf(text, sizeof(text), "version=1\nvolume=data\n%s\n", wrong[i]);
		fixture_text(&fx, ENTRIES "/" GUID_POLICY, text);
		ok(run() < 0 && f.code == EXITCODE_PIN_MISMATCH, "%.10s..: %s", wrong[i], f.why);
		is_str(mappings, " root -root",
		       "the volume with the wrong pin is not mapped, and no other");
		ok(inject_secrets.nr_live == 0 && !fixture_has(&fx, PATH_OPENED),
		   "nothing is left");
		is_int(report.runs[1].keyslot, -1, "and no keyslot is told");
		if (i == 0)
			is_str(report.runs[1].header, "",
			       "a header that is not the pinned one is not judged");
	}
	/* In a header that no rule would let pass the pin is still the first to say so. */
	fd = open(fixture_path(&fx, "/dev/vdb"), O_RDWR | O_CLOEXEC);
	FIXTURE_MUST(fd >= 0 && pread(fd, sector, sizeof(sector), 4096) == (ssize_t)sizeof(sector));
	FIXTURE_MUST(pwrite(fd, "[", 1, 4096) == 1);
	begin();
	(void)snprintf(text, sizeof(text), "version=1\nvolume=data\n%s\n", wrong[0]);
	fixture_text(&fx, ENTRIES "/" GUID_POLICY, text);
	ok(run() < 0 && f.code == EXITCODE_PIN_MISMATCH, "the pin comes before the judge");
	begin();
	ok(run() < 0 && f.code == EXITCODE_HEADER_REFUSED, "without it: %s", f.why);
	FIXTURE_MUST(pwrite(fd, sector, sizeof(sector), 4096) == (ssize_t)sizeof(sector));
	FIXTURE_MUST(close(fd) == 0);
}

/* The image's own, for any source: it is read before everything, and holds without an entry. */
static void test_image_policy(void)
{
	static const char other[] =
		"volume-key=sha256:"
		"0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef";
	char text[512];

	begin();
	fixture_text(&fx, PATH_POLICY, "version=1\nvolume=root\nuuid=x\n");
	fixture_text(&fx, PATH_CMDLINE, "root=/dev/mapper/root rd.break\n");
	ok(run() < 0 && f.code == EXITCODE_CONFIG && strstr(f.why, PATH_POLICY ":3: "),
	   "a mistake comes before the host's words: %s", f.why);
	ok(report.source.read == 0 && !entries_there() && !*mappings && forks == 0,
	   "the secrets are wiped unread, before anything else");

	begin();
	conf.require_policy = true;
	(void)snprintf(text, sizeof(text), "version=1\nvolume=root\n%s\n", other);
	fixture_text(&fx, PATH_POLICY, text);
	ok(run() < 0 && f.code == EXITCODE_POLICY_MISSING && report.source.read == 0,
	   "it lacks a volume: %s", f.why);
	begin();
	(void)snprintf(text, sizeof(text), "version=1\nvolume=root\n%s\nvolume=data\n%s\n", other,
		       other);
	fixture_text(&fx, PATH_POLICY, text);
	ok(run() < 0 && f.code == EXITCODE_PIN_MISMATCH && strstr(f.why, "the image's policy pins"),
	   "it suffices, and another key is pinned: %s", f.why);
	ok(report.source.read == 2 && !*mappings, "which shows when the secrets are read");
	conf.require_policy = false;

	begin();
	fixture_text(&fx, PATH_POLICY, "version=1\nvolume=data\nmin-generation=3\n");
	is_int(run(), 0, "a generation is no matter of the initramfs' disk: %s", f.why);
	begin();
	(void)snprintf(text, sizeof(text), "version=1\nvolume=data\n%s\n", other);
	fixture_text(&fx, PATH_POLICY, text);
	fixture_text(&fx, ENTRIES "/" GUID_POLICY,
		     "version=1\nvolume=data\nvolume-key=sha256:"
		     "1123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef\n");
	ok(run() < 0 && f.code == EXITCODE_POLICY_INVALID && report.source.read == 1 &&
		   !*mappings && report.stages.start_us[STAGE_DEVICE] == 0 && !entries_there(),
	   "the entry contradicts it, before a secret is read: %s", f.why);
	fixture_unlink(&fx, PATH_POLICY);
}

static void fail_from_now_on(const char *where)
{
	if (strcmp(where, "mapping") == 0)
		fake_dm_error = EIO;
}

static void test_read_back(void)
{
	begin();
	length_added = 8;
	ok(run() < 0 && f.code == EXITCODE_MAPPING_DIFFERS, "another table than asked for: %s",
	   f.why);
	is_str(mappings, " root -root", "the mapping is undone");
	ok(!report.runs[0].mapped && !fixture_has(&fx, PATH_OPENED), "and not reported");
	begin();
	machine_hook = fail_from_now_on;
	ok(run() < 0 && f.code == EXITCODE_MAPPING_DIFFERS, "a table that cannot be read: %s",
	   f.why);
	ok(report.runs[0].mapped, "a mapping about which nothing can be asked is not called gone");
	begin();
	fake_dm_error = EIO;
	ok(run() < 0 && f.code == EXITCODE_BUSY && !*mappings && !report.runs[0].mapped,
	   "nothing can be asked from the start: nothing is mapped: %s", f.why);
	begin();
	FIXTURE_MUST(rename(fixture_path(&fx, "/run"), fixture_path(&fx, "/gone")) == 0);
	ok(run() < 0 && f.code == EXITCODE_INTERNAL, "no place to write down what was opened: %s",
	   f.why);
	is_str(left_mapped, " root data", "both are mapped then");
	ok(!fake_dm_find("root") && !fake_dm_find("data") && !report.runs[0].mapped &&
		   !report.runs[1].mapped,
	   "then nothing stays open");
	FIXTURE_MUST(rename(fixture_path(&fx, "/gone"), fixture_path(&fx, "/run")) == 0);
}

/* What Argon2 will take must be there before it is taken. */
static void test_memory(void)
{
	static const struct {
		const char *meminfo;
		bool enough;
	} cases[] = {
		{ "MemTotal: 999999 kB\nMemFree: 1 kB\nMemAvailable:   32800 kB\n", true },
		{ "MemTotal: 999999 kB\nMemFree: 999999 kB\nMemAvailable:   32799 kB\n", false },
		{ "MemAvailable: 0 kB\n", false },
		/* nobody knows: it may be too little */
		{ "MemAvailable: many kB\n", false },
		{ "MemTotal: 999999 kB\nMemFree: 999999 kB\n", false },
		{ "", false },
		{ NULL, false },
	};
	size_t i;

	fixture_luks(
		&fx, "/dev/vdb", "other",
		"--pbkdf argon2id --pbkdf-force-iterations 4 --pbkdf-memory 32 --pbkdf-parallel 1");
	for (i = 0; i < ARRAY_SIZE(cases); i++) {
		begin();
		if (cases[i].meminfo)
			fixture_text(&fx, PATH_MEMINFO, cases[i].meminfo);
		else
			fixture_unlink(&fx, PATH_MEMINFO);
		if (cases[i].enough)
			is_int(run(), 0, "memory, case %zu: enough", i);
		else
			ok(run() < 0 && f.code == EXITCODE_NO_MEMORY &&
				   report.runs[1].keyslot == -1,
			   "memory, case %zu: %s", i, f.why);
	}
}

int main(void)
{
	unsigned int fds;

	machine_init();
	begin();
	(void)run(); /* libcryptsetup keeps its sources of random bytes open */
	fds = fixture_fds();
	test_success();
	is_int(fixture_fds(), fds + 2, "no descriptor is left open but the two fake sockets' ends");
	test_mapping_fails();
	test_preparation_fails();
	test_host_words();
	test_policy_entry();
	test_image_policy();
	test_read_back();
	test_memory();
	is_int(inject_secrets.dirty, 0, "every secret was zero when its pages went");
	fixture_done(&fx);
	return tap_done();
}
