/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * supervise.c - whatever becomes of the process that unlocks: behind it and unlock_undo() the
 * entries are gone, the mappings, too, nothing runs on, and the exit code says why. The machine is a tree; each
 * accident happens in the child, in a fake that it calls on its way.
 * Needs: cryptsetup
 */
#include "boot/supervise.h"

#include "boot/unlock.h"

#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>

#include "fake_machine.h"

/* Where the accident happens: "events" is before a secret is read, "keyslot" while one is
 * opened, "mapping" when the kernel has the mapping already. */
static const char *accident_at;
static void (*accident)(void);
static int in_hand[2]; /* a pipe: the child says that it has come this far */
static unsigned int secrets_before;

/* Somebody has had this mapping since before. */
static const char *name_taken;

/* Who has the page of the rescue keys; each process says so when it begins, or has begun. */
static struct seen {
	unsigned int children, grandchildren; /* that have looked */
	bool has, still_has, others_have;     /* the child; at its work; its own children */
} *seen;				      /* shared */

static struct rescue_keys *keys; /* of the runs that follow; NULL: none */

static bool has_keys(void)
{
	unsigned char vec;

	return mincore(keys, 1, &vec) == 0 || errno != ENOMEM;
}

static void look_for_keys(const char *where)
{
	if (!keys || getpid() == fixture_owner)
		return;
	if (strcmp(where, "events") == 0) {
		seen->still_has = has_keys();
	} else if (strcmp(where, "forked") == 0 && getppid() == fixture_owner) {
		seen->children++;
		seen->has = has_keys();
	} else if (strcmp(where, "forked") == 0) {
		seen->grandchildren++;
		seen->others_have |= has_keys();
	}
}

static void come_to(const char *where)
{
	look_for_keys(where);
	if (name_taken && strcmp(where, "events") == 0)
		(void)fake_dm_add(name_taken, "CRYPT-LUKS2-live", "crypt", 4096, "live");
	if (getpid() == fixture_owner || !accident_at || strcmp(where, accident_at) != 0)
		return;
	FIXTURE_MUST(write(in_hand[1], "x", 1) == 1);
	accident();
}

int crypt_volume_key_get(struct crypt_device *cd, int keyslot, char *key, size_t *key_size,
			 const char *passphrase, size_t passphrase_size)
{
	come_to("keyslot");
	return INJECT_NEXT(crypt_volume_key_get)(cd, keyslot, key, key_size, passphrase,
						 passphrase_size);
}

/* The clock jumps when the child hangs: nobody waits for the deadline. */
static uint64_t clock_ahead_s;

int clock_gettime(clockid_t clock, struct timespec *t)
{
	int r = (int)syscall(SYS_clock_gettime, clock, t);

	t->tv_sec += (time_t)clock_ahead_s;
	return r;
}

static bool child_hangs, child_is_undead, killed;
static uint64_t asked_to_wait_ms, waited_after_kill_ms;

int sigtimedwait(const sigset_t *signals, siginfo_t *info, const struct timespec *timeout)
{
	uint64_t ms = (uint64_t)timeout->tv_sec * 1000 + (uint64_t)timeout->tv_nsec / 1000000;
	char c;

	if (child_is_undead && killed) {
		waited_after_kill_ms += ms;
		clock_ahead_s++;
		errno = EAGAIN;
		return -1;
	}
	if (!child_hangs || getpid() != fixture_owner)
		return INJECT_NEXT(sigtimedwait)(signals, info, timeout);
	FIXTURE_MUST(INJECT_NEXT(read)(in_hand[0], &c, 1) == 1);
	asked_to_wait_ms = ms;
	child_hangs = false;
	clock_ahead_s += asked_to_wait_ms / 1000 + 1;
	errno = EINTR;
	return -1;
}

int kill(pid_t pid, int signal_number)
{
	killed = killed || (signal_number == SIGKILL && pid != getpid());
	return INJECT_NEXT(kill)(pid, signal_number);
}

/* The kernel holds on to who was killed: nobody can be waited for. */
pid_t waitpid(pid_t pid, int *status, int options)
{
	if (child_is_undead && killed && (options & WNOHANG))
		return 0;
	return INJECT_NEXT(waitpid)(pid, status, options);
}

/* Somebody has killed the parent while it was forking. */
static bool orphaned;

pid_t getppid(void)
{
	return orphaned && getpid() != fixture_owner ? 1 : INJECT_NEXT(getppid)();
}

static void be_killed(void)
{
	(void)kill(getpid(), SIGKILL);
}

static void be_out_of_memory(void)
{
	abort();
}

/* Not by a bad pointer: a sanitizer would make an exit of that. */
static void pass_a_limit(void)
{
	(void)raise(SIGXCPU);
}

static void leave(void)
{
	_exit(3);
}

static void leave_in_peace(void)
{
	_exit(0);
}

static void hang(void)
{
	for (;;)
		(void)pause();
}

static int signal_to_parent;

static void send_signal(void)
{
	(void)kill(getppid(), signal_to_parent);
	hang();
}

static char left_mapped[sizeof(mappings_shared->text)]; /* what there was before the undoing */
static bool fails_before;				/* there is a fault already */
static bool no_process;
static int left_signal; /* what somebody has asked for, and who waits next will hear; -1: nothing */

static int pending_signal(void)
{
	static const struct timespec now;
	sigset_t signals;

	sigemptyset(&signals);
	sigaddset(&signals, SIGTERM);
	sigaddset(&signals, SIGINT);
	sigaddset(&signals, SIGHUP);
	return INJECT_NEXT(sigtimedwait)(&signals, NULL, &now);
}

static int run(const char *where, void (*what)(void))
{
	int saved = dup(STDERR_FILENO), null = open("/dev/null", O_WRONLY | O_CLOEXEC), r;
	sigset_t mask;

	begin();
	attempts.keys = keys;
	machine_hook = come_to;
	accident_at = where;
	accident = what;
	FIXTURE_MUST(pipe2(in_hand, O_CLOEXEC) == 0);
	FIXTURE_MUST(saved >= 0 && null >= 0 && dup2(null, STDERR_FILENO) >= 0);
	FIXTURE_MUST(sigprocmask(SIG_BLOCK, NULL, &mask) == 0);
	secrets_before = inject_secrets.wiped;
	fork_fails_at = no_process;
	if (fails_before)
		(void)fault_set(&f, EXITCODE_INTERNAL, EINVAL, "an earlier cause");
	r = supervise(&fx.root, &conf, &report, &attempts, NULL, &f);
	left_signal = pending_signal();
	memcpy(left_mapped, mappings, sizeof(left_mapped));
	if (r < 0) /* as stop.c does */
		unlock_undo(&fx.root, &conf, &report, &f);
	FIXTURE_MUST(sigprocmask(SIG_SETMASK, &mask, NULL) == 0);
	FIXTURE_MUST(dup2(saved, STDERR_FILENO) >= 0 && close(saved) == 0 && close(null) == 0);
	FIXTURE_MUST(close(in_hand[0]) == 0 && close(in_hand[1]) == 0);
	return r;
}

/* What must hold whatever has happened. Orphans come to us (see main). */
static void nothing_is_left(void)
{
	while (waitpid(-1, NULL, 0) > 0)
		;
	ok(errno == ECHILD, "no process runs on");
	ok(!entries_there(), "no entry is left");
	ok(inject_secrets.nr_live == 0 && inject_secrets.wiped == secrets_before,
	   "the parent never had a secret");
	ok(!report.stages.running, "the report is closed");
}

static void test_success(void)
{
	is_int(run(NULL, NULL), 0, "two volumes: %s", f.why);
	is_str(mappings, " root data", "both are mapped, once");
	ok(report.runs[0].mapped && report.runs[1].mapped && report.runs[1].keyslot == 0 &&
		   strcmp(report.runs[1].header, "accepted") == 0 && report.source.wiped == 2,
	   "the child's report has come");
	ok(fixture_has(&fx, PATH_OPENED), "and so has what it has opened");
	nothing_is_left();
	(void)signal(SIGCHLD, SIG_IGN);
	is_int(run(NULL, NULL), 0, "also where nobody has cared for children before: %s", f.why);
	nothing_is_left();
	(void)signal(SIGCHLD, SIG_DFL);
}

/* Can a process that is started now see them? */
static bool others_see_keys(void)
{
	int status;
	pid_t pid = INJECT_NEXT(fork)();

	FIXTURE_MUST(pid >= 0);
	if (pid == 0)
		_exit(has_keys());
	FIXTURE_MUST(waitpid(pid, &status, 0) == pid);
	return status != 0;
}

/* The process that unlocks is the only one that has them; the judge begins before it works. */
static void test_rescue_keys(void)
{
	seen = mmap(NULL, sizeof(*seen), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	FIXTURE_MUST(seen != MAP_FAILED && rescue_keys_map(&keys, &f) == 0);
	is_int(run(NULL, NULL), 0, "with a page for the keys of a rescue: %s", f.why);
	ok(seen->children == 1 && seen->has && seen->still_has, "who unlocks has it");
	ok(seen->grandchildren == 1 && !seen->others_have, "... and who that starts has not");
	ok(!others_see_keys(), "... nor who is started later");
	ok(run("keyslot", be_killed) < 0 && !others_see_keys(),
	   "... nor behind one that is killed");
	inject_failure(INJECT_MADVISE, 1, ENOMEM);
	ok(run(NULL, NULL) < 0 && f.code == EXITCODE_NO_MEMORY, "it cannot be shared: %s", f.why);
	inject_failure(INJECT_NONE, 0, 0);
	ok(!others_see_keys() && attempts.keys == keys, "... and is kept");
	inject_failure(INJECT_MADVISE, 2, ENOMEM);
	ok(run(NULL, NULL) < 0 && f.code == EXITCODE_NO_MEMORY, "nor be taken back: %s", f.why);
	inject_failure(INJECT_NONE, 0, 0);
	ok(!attempts.keys && !others_see_keys(), "... then there is no page for anybody");
	nothing_is_left();
	FIXTURE_MUST(rescue_keys_map(&keys, &f) == 0);
	no_process = true;
	inject_failure(INJECT_MADVISE, 2, ENOMEM);
	ok(run(NULL, NULL) < 0 && f.code == EXITCODE_NO_MEMORY, "nor without a process: %s", f.why);
	inject_failure(INJECT_NONE, 0, 0);
	no_process = false;
	ok(!attempts.keys && !others_see_keys(), "... there is none either");
	attempts.keys = keys = NULL;
	FIXTURE_MUST(munmap(seen, sizeof(*seen)) == 0);
}

static void test_refusal(void)
{
	conf.volumes[1].device.value[7] = 'a'; /* the first one's disk */
	ok(run(NULL, NULL) == -EPERM && f.code == EXITCODE_SECRET_REFUSED, "a refusal: %s", f.why);
	ok(!report.runs[0].mapped && report.runs[1].keyslot == -1, "the report has come");
	is_str(left_mapped, " root", "one was mapped before");
	is_str(mappings, " root -root", "it is taken away behind the supervisor");
	nothing_is_left();
	conf.volumes[1].device.value[7] = 'b';
}

static void test_accidents(void)
{
	static const struct {
		const char *what;
		void (*accident)(void);
		const char *reason, *next;
	} cases[] = {
		{ "killed", be_killed, "signal 9", "give the guest more memory; " },
		{ "aborted", be_out_of_memory, "signal 6", "report this " },
		{ "beyond a limit", pass_a_limit, "signal 24", "report this " },
		{ "left", leave, "the unlocking process has failed", "report this " },
		{ "left in peace", leave_in_peace, "the unlocking process has failed",
		  "report this " },
	};
	static const char *const places[] = { "events", "keyslot", "mapping" };
	size_t i, j;

	for (i = 0; i < ARRAY_SIZE(cases); i++) {
		for (j = 0; j < ARRAY_SIZE(places); j++) {
			ok(run(places[j], cases[i].accident) < 0 && f.code == EXITCODE_INTERNAL &&
				   strstr(f.why, cases[i].reason) &&
				   strncmp(fault_next(&f), cases[i].next, strlen(cases[i].next)) ==
					   0,
			   "%s at %s: %s; %s", cases[i].what, places[j], f.why, fault_next(&f));
			is_str(mappings, j == 2 ? " root -root" : "",
			       "what was mapped is unmapped");
			ok(!report.runs[0].mapped && !report.runs[1].mapped,
			   "and so it is reported");
			is_int(report.source.read, j == 0 ? 0 : 2,
			       "only the child has read entries");
			nothing_is_left();
		}
	}
}

static void test_deadline(void)
{
	static const char *const places[] = { "events", "keyslot", "mapping" };
	size_t i;

	for (i = 0; i < ARRAY_SIZE(places); i++) {
		child_hangs = true;
		ok(run(places[i], hang) < 0 && f.code == EXITCODE_DEADLINE, "hangs at %s: %s",
		   places[i], f.why);
		ok(asked_to_wait_ms > conf.timeout_ms && asked_to_wait_ms <= conf.timeout_ms + 3000,
		   "it had Timeout= and 3 s more");
		is_str(mappings, i == 2 ? " root -root" : "", "what was mapped is unmapped");
		nothing_is_left();
	}
}

static void test_signals(void)
{
	static const int signals[] = { SIGTERM, SIGINT, SIGHUP };
	size_t i;

	for (i = 0; i < ARRAY_SIZE(signals); i++) {
		signal_to_parent = signals[i];
		ok(run(i == 1 ? "mapping" : "keyslot", send_signal) < 0 &&
			   f.code == EXITCODE_ABORTED,
		   "signal %d: %s", signals[i], f.why);
		is_str(mappings, i == 1 ? " root -root" : "", "what was mapped is unmapped");
		is_int(left_signal, -1, "the reason says it, and nobody hears of it again");
		nothing_is_left();
		fails_before = true;
		ok(run("forked", send_signal) < 0 && strcmp(f.why, "an earlier cause") == 0,
		   "the reason is an earlier one: %s", f.why);
		fails_before = false;
		ok(left_signal > 0, "... then who waits next hears of the signal");
		nothing_is_left();
	}
}

static void test_orphan(void)
{
	orphaned = true;
	ok(run(NULL, NULL) < 0 && f.code == EXITCODE_INTERNAL, "no parent any more: %s", f.why);
	orphaned = false;
	ok(report.source.read == 0 && !*mappings, "then nothing is unlocked");
	nothing_is_left();
}

/* Not even SIGKILL ends a process that waits for a disk in the kernel. */
static void test_undead(void)
{
	child_hangs = child_is_undead = true;
	killed = false;
	waited_after_kill_ms = 0;
	ok(run("keyslot", hang) < 0 && f.code == EXITCODE_DEADLINE, "does not die: %s", f.why);
	ok(waited_after_kill_ms > 0 && waited_after_kill_ms <= 1000,
	   "it was waited for, but %llu ms", (unsigned long long)waited_after_kill_ms);
	child_hangs = child_is_undead = false;
	ok(!report.stages.running && !entries_there(), "all the rest is as with any other");
	while (waitpid(-1, NULL, 0) > 0)
		;
}

/* Nothing can even begin. */
static void test_no_child(void)
{
	begin();
	fork_fails_at = 1;
	machine_hook = NULL;
	secrets_before = inject_secrets.wiped;
	ok(supervise(&fx.root, &conf, &report, &attempts, NULL, &f) < 0 &&
		   f.code == EXITCODE_NO_MEMORY,
	   "no process: %s", f.why);
	ok(!report.discarded, "the entries are said to be there still");
	unlock_undo(&fx.root, &conf, &report, &f);
	is_int(report.source.wiped, 2, "they are wiped by the parent");
	nothing_is_left();

	begin();
	(void)fault_set(&f, EXITCODE_CONFIG, EINVAL, "an earlier cause");
	ok(supervise(&fx.root, &conf, &report, &attempts, NULL, &f) < 0 &&
		   f.code == EXITCODE_CONFIG && strcmp(f.why, "an earlier cause") == 0,
	   "a fault from before is the one that is told");
	ok(report.discarded && report.source.wiped == 2 && report.source.read == 0,
	   "the entries are wiped unread");
	nothing_is_left();
}

/* A secret that may still be there is worse than whatever else has happened. */
static void test_wipe_fails(void)
{
	fixture_mkdir(&fx, ENTRIES "/stays");
	ok(run("events", be_killed) < 0 && f.code == EXITCODE_WIPE_FAILED, "killed, and: %s",
	   f.why);
	FIXTURE_MUST(rmdir(fixture_path(&fx, ENTRIES "/stays")) == 0);
}

static void undo(void)
{
	f = (struct fault){ 0 };
	(void)fault_set(&f, EXITCODE_ABORTED, EINTR, "an end");
	unlock_undo(&fx.root, &conf, &report, &f);
}

static void test_in_use(void)
{
	ok(run(NULL, NULL) == 0, "premise: mapped");
	fake_dm_in_use = true;
	undo();
	ok(report.runs[0].mapped && report.runs[1].mapped,
	   "a mapping that is in use stays, and is reported");
	is_str(fake_dm_find("root")->type, "error", "but it is good for nothing any more");
	is_str(fake_dm_find("data")->type, "error", "and so is the other");
	is_int(f.code, EXITCODE_ABORTED, "under the same code");
	ok(fixture_has(&fx, PATH_OPENED), "the list stays, since this is no initramfs");
	fixture_text(&fx, PATH_INITRD_RELEASE, "");
	undo();
	ok(!fixture_has(&fx, PATH_OPENED), "in one it goes");
	fixture_unlink(&fx, PATH_INITRD_RELEASE);
}

/* In a running system the name may be the live root's: whatever ends the unlock, and when. */
static void test_name_taken(void)
{
	static const char *const names[] = { "root", "root_dif", "data" };
	static const char *const places[] = { NULL, "activation" };
	size_t i, j;

	for (i = 0; i < ARRAY_SIZE(names); i++) {
		for (j = 0; j < ARRAY_SIZE(places); j++) {
			name_taken = names[i];
			ok(run(places[j], be_killed) < 0, "%s is there already%s: %s", names[i],
			   places[j] ? ", and killed at the mapping" : "", f.why);
			ok(fake_dm_find(names[i]) &&
				   strcmp(fake_dm_find(names[i])->type, "crypt") == 0,
			   "it is left alone");
			if (i < 2)
				is_int(f.code, EXITCODE_BUSY, "which is told");
			name_taken = NULL;
			nothing_is_left();
		}
	}
}

/* For who comes later, in the same boot: only the configuration and the list say what there is. */
static void test_claim(void)
{
	static const struct {
		const char *what;
		bool claimed, with_conf, with_list, entries;
	} cases[] = {
		{ "the configuration and the list", true, true, true, false },
		{ "the configuration alone", true, true, false, false },
		{ "the list alone", true, false, true, false },
		{ "with entries that are there still", true, true, true, true },
		{ "nobody claims them", false, true, true, false },
	};
	struct conf saved = conf;
	size_t i;

	for (i = 0; i < ARRAY_SIZE(cases); i++) {
		FIXTURE_MUST(run(NULL, NULL) == 0 && fixture_has(&fx, PATH_OPENED));
		report_init(&report);
		too_early = 0;
		if (cases[i].entries)
			fixture_text(&fx, ENTRIES "/" GUID_DISK_SECRET, "key");
		if (!cases[i].with_conf)
			conf_defaults(&conf);
		if (!cases[i].with_conf)
			(void)snprintf(conf.volumes[0].name, CONF_NAME_SIZE, "none");
		if (!cases[i].with_list)
			fixture_unlink(&fx, PATH_OPENED);
		if (cases[i].claimed)
			unlock_claim(&conf, &report);
		undo();
		ok(!fake_dm_find("root") == cases[i].claimed &&
			   !fake_dm_find("data") == cases[i].claimed,
		   "%s: both mappings %s", cases[i].what, cases[i].claimed ? "go" : "stay");
		ok(!report.runs[0].mapped && !report.runs[1].mapped, "and none is reported");
		ok(!entries_there(), "no entry is left");
		is_int(too_early, 0, "and none was, when the first mapping was touched");
		conf = saved;
	}
	FIXTURE_MUST(run(NULL, NULL) == 0);
	fixture_text(&fx, PATH_OPENED, "version=1\nnonsense\n");
	report_init(&report);
	unlock_claim(&conf, &report);
	undo();
	ok(!fake_dm_find("root") && !fake_dm_find("data"),
	   "a list that cannot be read hides no mapping");
}

int main(void)
{
	unsigned int fds;

	machine_init();
	FIXTURE_MUST(prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0) == 0);
	(void)run(NULL, NULL);
	fds = fixture_fds();
	test_success();
	test_rescue_keys();
	test_refusal();
	test_accidents();
	test_deadline();
	test_signals();
	test_orphan();
	test_undead();
	test_no_child();
	test_wipe_fails();
	test_in_use();
	test_name_taken();
	test_claim();
	is_int(fixture_fds(), fds, "no descriptor is left open");
	is_int(inject_secrets.dirty, 0, "every secret was zero when its pages went");
	fixture_done(&fx);
	return tap_done();
}
