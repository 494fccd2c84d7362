/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * supervise.c - whatever becomes of the process that unlocks: the entries are gone, the
 * mappings, too, nothing runs on, and the exit code says why. The machine is a tree; each
 * accident happens in the child, in a fake that it calls on its way.
 */
#include "supervise.h"

#include "unlock.h"

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

static void come_to(const char *where)
{
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

static bool child_hangs;
static uint64_t asked_to_wait_ms;

int sigtimedwait(const sigset_t *signals, siginfo_t *info, const struct timespec *timeout)
{
	char c;

	if (!child_hangs)
		return INJECT_NEXT(sigtimedwait)(signals, info, timeout);
	FIXTURE_MUST(INJECT_NEXT(read)(in_hand[0], &c, 1) == 1);
	asked_to_wait_ms = (uint64_t)timeout->tv_sec * 1000 + (uint64_t)timeout->tv_nsec / 1000000;
	child_hangs = false;
	clock_ahead_s += asked_to_wait_ms / 1000 + 1;
	errno = EINTR;
	return -1;
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

static int run(const char *where, void (*what)(void))
{
	int saved = dup(STDERR_FILENO), null = open("/dev/null", O_WRONLY | O_CLOEXEC), r;
	sigset_t mask;

	begin();
	machine_hook = come_to;
	accident_at = where;
	accident = what;
	FIXTURE_MUST(pipe2(in_hand, O_CLOEXEC) == 0);
	FIXTURE_MUST(saved >= 0 && null >= 0 && dup2(null, STDERR_FILENO) >= 0);
	FIXTURE_MUST(sigprocmask(SIG_BLOCK, NULL, &mask) == 0);
	secrets_before = inject_secrets.wiped;
	r = supervise(&fx.root, &conf, &report, &f);
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
	ok(!report.running && report.source.dir_fd == -EBADF, "the report is closed");
}

static void test_success(void)
{
	is_int(run(NULL, NULL), 0, "two volumes: %s", f.reason);
	is_str(mappings, "", "the parent has mapped nothing itself");
	ok(report.volumes[0].mapped && report.volumes[1].mapped && report.volumes[1].keyslot == 0 &&
		   strcmp(report.volumes[1].header, "accepted") == 0 && report.source.wiped == 2,
	   "the child's report has come");
	ok(fixture_has(&fx, PATH_OPENED), "and so has what it has opened");
	nothing_is_left();
	(void)signal(SIGCHLD, SIG_IGN);
	is_int(run(NULL, NULL), 0, "also where nobody has cared for children before: %s", f.reason);
	nothing_is_left();
	(void)signal(SIGCHLD, SIG_DFL);
}

static void test_refusal(void)
{
	conf.volumes[1].device.value[7] = 'a'; /* the first one's disk */
	ok(run(NULL, NULL) == -EPERM && f.code == EXITCODE_SECRET_REFUSED, "a refusal: %s", f.reason);
	ok(!report.volumes[0].mapped && report.volumes[1].keyslot == -1, "the report has come");
	is_str(mappings, "", "the child has undone what it has done");
	nothing_is_left();
	conf.volumes[1].device.value[7] = 'b';
}

static void test_accidents(void)
{
	static const struct {
		const char *what;
		void (*accident)(void);
		const char *reason;
	} cases[] = {
		{ "killed", be_killed, "signal 9; it may have had too little memory" },
		{ "aborted", be_out_of_memory, "signal 6" },
		{ "beyond a limit", pass_a_limit, "signal 24" },
		{ "left", leave, "the unlocking process has failed" },
		{ "left in peace", leave_in_peace, "the unlocking process has failed" },
	};
	static const char *const places[] = { "events", "keyslot", "mapping" };
	size_t i, j;

	for (i = 0; i < ARRAY_SIZE(cases); i++) {
		for (j = 0; j < ARRAY_SIZE(places); j++) {
			ok(run(places[j], cases[i].accident) < 0 && f.code == EXITCODE_INTERNAL &&
				   strstr(f.reason, cases[i].reason),
			   "%s at %s: %s", cases[i].what, places[j], f.reason);
			is_str(mappings, j == 2 ? " -root" : "", "what was mapped is unmapped");
			ok(!report.volumes[0].mapped && !report.volumes[1].mapped, "and so it is reported");
			is_int(report.source.read, 0, "the parent has read no entry");
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
		ok(run(places[i], hang) < 0 && f.code == EXITCODE_DEADLINE, "hangs at %s: %s", places[i],
		   f.reason);
		ok(asked_to_wait_ms > conf.timeout_ms && asked_to_wait_ms <= conf.timeout_ms + 3000,
		   "it had Timeout= and 3 s more");
		is_str(mappings, i == 2 ? " -root" : "", "what was mapped is unmapped");
		nothing_is_left();
	}
}

static void test_signals(void)
{
	static const int signals[] = { SIGTERM, SIGINT, SIGHUP };
	size_t i;

	for (i = 0; i < ARRAY_SIZE(signals); i++) {
		signal_to_parent = signals[i];
		ok(run(i == 1 ? "mapping" : "keyslot", send_signal) < 0 && f.code == EXITCODE_ABORTED,
		   "signal %d: %s", signals[i], f.reason);
		is_str(mappings, i == 1 ? " -root" : "", "what was mapped is unmapped");
		nothing_is_left();
	}
}

/* Nothing can even begin. */
static void test_no_child(void)
{
	begin();
	fork_fails_at = 1;
	machine_hook = NULL;
	secrets_before = inject_secrets.wiped;
	ok(supervise(&fx.root, &conf, &report, &f) < 0 && f.code == EXITCODE_NO_MEMORY,
	   "no process: %s", f.reason);
	is_int(report.source.wiped, 2, "the entries are wiped by the parent");
	nothing_is_left();

	begin();
	(void)fault_set(&f, EXITCODE_CONFIG, EINVAL, "an earlier cause");
	ok(supervise(&fx.root, &conf, &report, &f) < 0 && f.code == EXITCODE_CONFIG &&
		   strcmp(f.reason, "an earlier cause") == 0,
	   "a fault from before is the one that is told");
	ok(report.source.wiped == 2 && report.source.read == 0, "the entries are wiped unread");
	nothing_is_left();
}

/* A secret that may still be there is worse than whatever else has happened. */
static void test_wipe_fails(void)
{
	fixture_mkdir(&fx, ENTRIES "/stays");
	ok(run("events", be_killed) < 0 && f.code == EXITCODE_WIPE_FAILED, "killed, and: %s", f.reason);
	FIXTURE_MUST(rmdir(fixture_path(&fx, ENTRIES "/stays")) == 0);
}

static void test_unmapping_fails(void)
{
	ok(run(NULL, NULL) == 0, "premise: mapped");
	refuse_unmapping = true;
	f = (struct fault){ 0 };
	(void)fault_set(&f, EXITCODE_ABORTED, EINTR, "an end");
	ok(unlock_undo(&fx.root, &conf, &report, &f) < 0 && report.volumes[0].mapped,
	   "a mapping that is in use stays, and is reported");
	is_int(f.code, EXITCODE_ABORTED, "under the same code");
}

int main(void)
{
	unsigned int fds;

	machine_init();
	FIXTURE_MUST(prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0) == 0);
	(void)run(NULL, NULL);
	fds = fixture_fds();
	test_success();
	test_refusal();
	test_accidents();
	test_deadline();
	test_signals();
	test_no_child();
	test_wipe_fails();
	test_unmapping_fails();
	is_int(fixture_fds(), fds, "no descriptor is left open");
	is_int(inject_secrets.dirty, 0, "every secret was zero when its pages went");
	fixture_done(&fx);
	return tap_done();
}
