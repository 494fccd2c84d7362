/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * init.c - PID 1 from its first mount to the root's first program, with each call failing at each
 * of its uses: it ends in that program with all as it should be, or in the end of the machine.
 */
#include "init/init.h"

#include "boot/step.h"
#include "conf/rootsection.h"
#include "fake_pid1.h"

static enum failure_action failure_action = FAILURE_ACTION_POWEROFF;

void step_conf(const struct root *root, struct conf *ret_conf, struct fault *f)
{
	(void)root;
	(void)f;
	conf_defaults(ret_conf);
	ret_conf->failure_action = failure_action;
	(void)snprintf(ret_conf->root.type, sizeof(ret_conf->root.type), "ext4");
	(void)snprintf(ret_conf->root.options, sizeof(ret_conf->root.options), "rw,noatime,data=x");
}

int step_unlock(const struct root *root)
{
	(void)root;
	pid1_come_to("unlock");
	pid1->unlocked++;
	return EXITCODE_OK;
}

int step_look(const struct root *root, look_fn *look, const char *good)
{
	(void)root;
	(void)good;
	pid1_come_to(look == verify_root ? "first look" : "second look");
	if (pid1->mounted != 1)
		pid1_strange("a look at nothing");
	pid1->looks++;
	return EXITCODE_OK;
}

int step_abort(const struct root *root, struct fault *f)
{
	return pid1_end(root, f);
}

int step_end(const struct root *root, struct fault *f)
{
	return pid1_end(root, f);
}

static bool bare; /* the kernel has opened nothing: the initramfs has no /dev/console */

static void body(void)
{
	int fd;

	for (fd = 0; bare && fd <= STDERR_FILENO; fd++)
		(void)INJECT_NEXT(close)(fd);
	(void)init();
}

/* One of the two, and nothing that must not be. */
static bool is_good(bool in_time)
{
	/* A speaker that cannot read ends the machine, whatever has become of PID 1. */
	bool both = pid1->executed == 1 && pid1->hits > 0 && pid1->hit != pid1->pid;

	return in_time && !*pid1->strange && pid1->returned == 0 && pid1->executed <= 1 &&
	       (both || (pid1->executed == 1) == (pid1->ended == 0)) && !pid1->ended_in_pieces;
}

static bool run(void)
{
	bool in_time;

	pid1_begin();
	in_time = pid1_run(body);
	fixture_done(&pid1_fx);
	return in_time;
}

static void say(bool in_time)
{
	printf("# %sexecuted %u, ended %u (%d: %s)%s, strange: %s\n", in_time ? "" : "HANGS; ",
	       pid1->executed, pid1->ended, (int)pid1->code, pid1->why,
	       pid1->ended_in_pieces ? " in pieces" : "", pid1->strange);
}

static void test_good(void)
{
	bool in_time = run();

	if (!ok(is_good(in_time) && pid1->executed == 1, "nothing fails: the root's first program"))
		say(in_time);
	ok(!fixture_has(&pid1_fx, "/usr") && !fixture_has(&pid1_fx, "/proc"),
	   "... the initramfs is empty");
	ok(fixture_has(&pid1_fx, PID1_OTHER "/file"), "... but not what is mounted in it");
	ok(fixture_has(&pid1_fx, PATH_SYSROOT PATH_UDEV_DATA "/b254:0"), "... udev has its record");
}

static void test_each_use(enum pid1_call call, int error)
{
	unsigned int nth, bad = 0, went_on = 0;
	bool in_time;

	for (nth = 1; nth < 2000; nth++) {
		pid1_plan = (struct pid1_plan){ .call = call, .nth = nth, .error = error };
		in_time = run();
		if (pid1->hits == 0)
			break;
		went_on += pid1->executed;
		if (is_good(in_time))
			continue;
		bad++;
		printf("# %s, use %u\n", pid1_names[call], nth);
		say(in_time);
	}
	pid1_plan = (struct pid1_plan){ 0 };
	ok(bad == 0 && nth > 1 && nth < 2000, "%s fails with %d at each of %u uses (%u went on)",
	   pid1_names[call], error, nth - 1, went_on);
}

/* Nothing may get the numbers that lines are written to. */
static void test_bare(void)
{
	bool in_time;

	bare = true;
	in_time = run();
	if (!ok(is_good(in_time) && pid1->executed == 1, "no descriptor is open: all goes well"))
		say(in_time);
	test_each_use(PID1_MOUNT, EIO);
	test_each_use(PID1_OPEN, ENOENT);
	bare = false;
}

/* What a child does when it has come to this place; PID 1 at the chroot. */
static const char *accident_at;

static bool is_at(const char *where)
{
	return strcmp(where, accident_at) == 0;
}

static void be_killed(const char *where)
{
	if (is_at(where))
		(void)kill(getpid(), SIGKILL);
}

static void crash(const char *where)
{
	if (is_at(where))
		abort();
}

static void leave(const char *where)
{
	if (is_at(where))
		_exit(3);
}

/* As a library does that thinks all is done. */
static void leave_in_peace(const char *where)
{
	if (is_at(where))
		_exit(EXIT_SUCCESS);
}

static void hang(const char *where)
{
	if (!is_at(where))
		return;
	__atomic_store_n(&pid1->hanging, true, __ATOMIC_SEQ_CST);
	for (;;)
		(void)pause();
}

static void ends(const char *what, enum exitcode code, const char *why)
{
	bool in_time = run();

	if (!ok(is_good(in_time) && pid1->executed == 0 && pid1->code == code &&
			strstr(pid1->why, why),
		"%s: the end, %s", what, exitcode_name(code)))
		say(in_time);
}

static void next_is(const char *text)
{
	ok(strncmp(pid1->next, text, strlen(text)) == 0, "... what to do: %s", pid1->next);
}

static void test_worker(void)
{
	static const struct {
		const char *what;
		void (*accident)(const char *where);
		const char *why;
	} cases[] = {
		{ "killed", be_killed, "was killed" },
		{ "crashed", crash, "was killed" },
		{ "left", leave, "has failed" },
		{ "left in peace", leave_in_peace, "has failed" },
		{ "hangs", hang, "the time is over" },
	};
	static const char *const places[] = { "unlock", "first look", "second look" };
	size_t i, j;

	for (i = 0; i < ARRAY_SIZE(cases); i++) {
		for (j = 0; j < ARRAY_SIZE(places); j++) {
			char what[64];

			accident_at = places[j];
			pid1_plan.accident = cases[i].accident;
			pid1_plan.hangs = cases[i].accident == hang;
			(void)snprintf(what, sizeof(what), "%s at %s", cases[i].what, places[j]);
			ends(what,
			     cases[i].accident == hang ? EXITCODE_DEADLINE : EXITCODE_INTERNAL,
			     cases[i].why);
			is_int(pid1->deleted, 0, "... nothing is deleted");
		}
	}
	pid1_plan = (struct pid1_plan){ 0 };
}

static void kill_speaker(const char *where)
{
	if (is_at(where))
		FIXTURE_MUST(kill(pid1_last_child, SIGKILL) == 0 &&
			     waitid(P_PID, (id_t)pid1_last_child, &(siginfo_t){ 0 },
				    WEXITED | WNOWAIT) == 0);
}

static void test_handover(void)
{
	bool in_time;

	accident_at = "chroot";
	pid1_plan = (struct pid1_plan){ .accident = hang, .limit_ms = 50, .end_is_real = true };
	ends("PID 1 hangs when all is deleted", EXITCODE_DEADLINE, "has not come to an end");
	pid1_plan = (struct pid1_plan){ .accident = kill_speaker };
	in_time = run();
	if (!ok(is_good(in_time) && pid1->executed == 1, "who speaks is killed: PID 1 goes on"))
		say(in_time);
	pid1_plan = (struct pid1_plan){
		.accident = kill_speaker, .call = PID1_EXECVE, .nth = 1, .error = ENOEXEC
	};
	ends("... and the execution fails", EXITCODE_ABORTED, "cannot execute /sbin/init");
	next_is("correct Init= in coco-unlock.conf");
	pid1_plan = (struct pid1_plan){ .call = PID1_EXECVE, .nth = 1, .error = EIO };
	ends("its file cannot be read", EXITCODE_ABORTED, "cannot execute /sbin/init");
	next_is("look for the kernel's own words");
	pid1_plan = (struct pid1_plan){ .call = PID1_FSOPEN, .nth = 1, .error = ENODEV };
	ends("the root does not mount", EXITCODE_ABORTED, "cannot mount /: ");
	next_is("correct Type= in coco-unlock.conf");
	pid1_plan = (struct pid1_plan){ .no_memory_fs = true };
	ends("the initramfs is on a disk", EXITCODE_INTERNAL, "nothing is deleted");
	is_int(pid1->deleted, 0, "... nothing is");
	pid1_plan = (struct pid1_plan){ 0 };
}

/* How long PID 1 waits for the child that works, in s; the clock is asked more than once. */
static void waits(int64_t least_ms)
{
	ok(pid1->longest_wait_s * 1000 > least_ms - 2000 && pid1->longest_wait_s * 1000 <= least_ms,
	   "... after %jd s", (intmax_t)pid1->longest_wait_s);
}

static void test_limit(void)
{
	struct conf conf;
	int64_t ms;

	conf_defaults(&conf);
	ms = (int64_t)(conf.timeout_ms + conf.root_timeout_ms) + 180000;
	accident_at = "first look";
	pid1_plan = (struct pid1_plan){ .accident = hang, .hangs = true };
	ends("a look hangs", EXITCODE_DEADLINE, "the time is over");
	waits(ms);
	failure_action = FAILURE_ACTION_RESCUE;
	ends("one hangs whose report somebody may read, behind a rescue of the unlock",
	     EXITCODE_DEADLINE, "the time is over");
	waits(ms + (int64_t)(2 * conf.rescue.timeout_ms + conf.timeout_ms));
	failure_action = FAILURE_ACTION_POWEROFF;
	pid1_plan = (struct pid1_plan){ 0 };
}

/* The length of a run is that of this machine, so the moments are parts of one. */
static void test_kills(void)
{
	unsigned int i, seed = (unsigned int)getpid(), bad = 0, killed = 0, went_on = 0;
	struct timespec t[2];
	int64_t us;
	bool in_time;

	FIXTURE_MUST(clock_gettime(CLOCK_MONOTONIC, &t[0]) == 0);
	(void)run();
	FIXTURE_MUST(clock_gettime(CLOCK_MONOTONIC, &t[1]) == 0);
	us = (t[1].tv_sec - t[0].tv_sec) * 1000000 + (t[1].tv_nsec - t[0].tv_nsec) / 1000;
	us = us < 2000 ? 2000 : us > 500000 ? 500000 : us;
	printf("# seed %u, a run of %lld us\n", seed, (long long)us);
	srandom(seed);
	for (i = 0; i < 2000 && killed < 100; i++) {
		pid1_plan = (struct pid1_plan){ 0 };
		pid1_plan.kill_after_us = 1 + (unsigned int)(random() % us);
		in_time = run();
		killed += pid1->killed;
		went_on += pid1->executed;
		/* Who speaks may be killed while it does. */
		if (in_time && !*pid1->strange && pid1->returned == 0 &&
		    (pid1->executed == 1) == (pid1->ended == 0))
			continue;
		bad++;
		printf("# after %u us\n", pid1_plan.kill_after_us);
		say(in_time);
	}
	pid1_plan = (struct pid1_plan){ 0 };
	ok(bad == 0 && killed == 100, "%u children killed in %u runs: %u went on, all others ended",
	   killed, i, went_on);
}

int main(void)
{
	static const int errors[] = { EIO, ENOENT };
	size_t i;
	int call;

	test_good();
	test_bare();
	test_worker();
	test_limit();
	test_handover();
	test_kills();
	for (i = 0; i < ARRAY_SIZE(errors); i++)
		for (call = PID1_NONE + 1; call < _PID1_MAX; call++)
			test_each_use(call, errors[i]);
	return tap_done();
}
