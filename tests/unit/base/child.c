/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * child.c - work in processes that may hang: what became of each, and that nobody waits for
 * one longer than the deadline and half a second, not even if SIGKILL does not end it.
 */
#include "base/child.h"

#include "fake_end.h"

static void begin(void)
{
	memset(end, 0, sizeof(*end));
	end_caller = getpid();
	end_forks = end_collected = 0;
	(void)fflush(stdout);
}

static int return_it(void *arg)
{
	return *(int *)arg;
}

static int die(void *arg)
{
	return INJECT_NEXT(kill)(getpid(), *(int *)arg);
}

static int hang(void *arg)
{
	(void)arg;
	end_hang("hangs");
}

/* Ends when "now" has happened. */
static int end_later(void *arg)
{
	(void)arg;
	end_note("begins", 0);
	return end_await("now", 0, 1) ? 3 : 4;
}

static bool nothing_runs(void)
{
	return INJECT_NEXT(waitpid)(-1, NULL, WNOHANG) < 0 && errno == ECHILD;
}

static void test_status(void)
{
	static int values[] = { 0, 1, 7, 255 }, kills[] = { SIGKILL, SIGXCPU };
	struct child children[ARRAY_SIZE(values) + ARRAY_SIZE(kills)];
	size_t i, right = 0;

	begin();
	for (i = 0; i < ARRAY_SIZE(values); i++)
		FIXTURE_MUST(child_start(&children[i], return_it, &values[i]) == 0);
	for (i = 0; i < ARRAY_SIZE(kills); i++)
		FIXTURE_MUST(child_start(&children[ARRAY_SIZE(values) + i], die, &kills[i]) == 0);
	ok(children[0].pid > 0 && children[0].status == -1, "before its end nothing is known");
	child_wait(children, ARRAY_SIZE(children), deadline_in_ms(60000));
	for (i = 0; i < ARRAY_SIZE(values); i++)
		right += children[i].status == values[i] && children[i].pid == 0;
	is_int(right, ARRAY_SIZE(values), "what each has returned is known");
	for (i = 0, right = 0; i < ARRAY_SIZE(kills); i++)
		right += children[ARRAY_SIZE(values) + i].status == -1 &&
			 children[ARRAY_SIZE(values) + i].pid == 0;
	is_int(right, ARRAY_SIZE(kills), "and who was killed");
	ok(nothing_runs(), "all are waited for");
	is_int(end->ahead_us, 0, "no deadline has passed");
	child_wait(children, ARRAY_SIZE(children), deadline_in_ms(60000));
	child_wait(children, 0, deadline_in_ms(60000));
	ok(children[2].status == 7, "to wait once more changes nothing");
}

static void test_start_fails(void)
{
	struct child children[2] = { { .pid = 1, .status = 0 } };
	static int zero;

	begin();
	plan.no_fork = true;
	is_int(child_start(&children[0], return_it, &zero), -EAGAIN, "no process: the reason");
	ok(children[0].pid == 0 && children[0].status == -1, "there is none, with no result");
	plan.no_fork = false;
	FIXTURE_MUST(child_start(&children[1], return_it, &zero) == 0);
	child_wait(children, 2, deadline_in_ms(60000));
	ok(children[0].status == -1 && children[1].status == 0,
	   "to wait for it beside others is harmless");
}

/* The end of one wakes the wait, also when others end meanwhile that nobody asks for. */
static void test_wakes(void)
{
	static int zero;
	struct child other, child;

	begin();
	FIXTURE_MUST(child_start(&child, end_later, NULL) == 0 && end_await("begins", 0, 1));
	FIXTURE_MUST(child_start(&other, return_it, &zero) == 0);
	FIXTURE_MUST(INJECT_NEXT(waitpid)(other.pid, NULL, 0) == other.pid);
	end_note("now", 0);
	child_wait(&child, 1, deadline_in_ms(1000000));
	is_int(child.status, 3, "its end ends the wait");
}

static void test_late(void)
{
	static int zero;
	struct child children[3];

	begin();
	FIXTURE_MUST(child_start(&children[0], return_it, &zero) == 0);
	FIXTURE_MUST(child_start(&children[1], hang, NULL) == 0);
	FIXTURE_MUST(child_start(&children[2], return_it, &zero) == 0);
	child_wait(children, 3, deadline_in_ms(0));
	ok(children[1].pid == 0 && children[1].status == -1,
	   "a deadline that has passed: it is killed");
	ok(nothing_runs(), "and the others are waited for, too");

	begin();
	FIXTURE_MUST(child_start(&children[0], return_it, &zero) == 0);
	FIXTURE_MUST(child_start(&children[1], hang, NULL) == 0);
	FIXTURE_MUST(INJECT_NEXT(waitid)(P_PID, (id_t)children[0].pid, NULL, WEXITED | WNOWAIT) ==
		     0);
	plan.patience_ends = "hangs";
	plan.nr_waits = 1;
	child_wait(children, 2, deadline_in_ms(7000));
	ok(children[0].status == 0 && children[1].status == -1 && children[1].pid == 0,
	   "one hangs: the other's result counts");
	ok(end_value("waits for children") > 6000 && end_value("waits for children") <= 7000,
	   "it had its time");
	ok(nothing_runs(), "and is dead");
	plan = (struct end_plan){ 0 };
}

static void test_undead(void)
{
	struct child child;
	int at;

	begin();
	FIXTURE_MUST(child_start(&child, hang, NULL) == 0);
	plan.patience_ends = "hangs";
	plan.nr_waits = 100;
	plan.undead = true;
	child_wait(&child, 1, deadline_in_ms(7000));
	ok(child.pid > 0 && child.status == -1,
	   "SIGKILL does not end it: it is left behind, and known");
	at = end_find("waits for children", 0, 2);
	ok(at >= 0 && end->events[at].value <= 500, "half a second was waited more");
	is_int(end_count("waits for children"), 2, "and that was all");
	ok(!child_end(child.pid), "child_end() says that it goes on");
	is_int(end_count("waits for children"), 3, "after half a second");
	plan.undead = false;
	plan.nr_waits = 0;
	ok(child_end(child.pid), "and that it has ended, when it can");
	ok(nothing_runs(), "which is true");
	plan = (struct end_plan){ 0 };
}

static void test_end(void)
{
	static int zero;
	struct child child;

	begin();
	FIXTURE_MUST(child_start(&child, hang, NULL) == 0);
	ok(child_end(child.pid) && nothing_runs(), "child_end() ends who hangs");
	FIXTURE_MUST(child_start(&child, return_it, &zero) == 0);
	FIXTURE_MUST(INJECT_NEXT(waitid)(P_PID, (id_t)child.pid, NULL, WEXITED | WNOWAIT) == 0);
	ok(child_end(child.pid) && nothing_runs(), "and waits for who has ended already");
}

static int mask_is(void *arg)
{
	sigset_t now;

	FIXTURE_MUST(sigprocmask(SIG_BLOCK, NULL, &now) == 0);
	return sigismember(&now, SIGUSR1) * 2 + sigismember(&now, SIGCHLD) == *(int *)arg;
}

static void test_signals(void)
{
	static int usr1_alone = 2, seven = 7;
	sigset_t usr1, before, now;
	struct child child;

	begin();
	sigemptyset(&usr1);
	sigaddset(&usr1, SIGUSR1);
	FIXTURE_MUST(sigprocmask(SIG_SETMASK, &usr1, &before) == 0);
	FIXTURE_MUST(child_start(&child, mask_is, &usr1_alone) == 0);
	child_wait(&child, 1, deadline_in_ms(60000));
	is_int(child.status, 1, "a child has the signal mask that was there before");
	FIXTURE_MUST(sigprocmask(SIG_SETMASK, &before, &now) == 0);
	ok(sigismember(&now, SIGCHLD) && sigismember(&now, SIGUSR1),
	   "its end does not interrupt the caller");

	(void)signal(SIGCHLD, SIG_IGN);
	FIXTURE_MUST(child_start(&child, return_it, &seven) == 0);
	child_wait(&child, 1, deadline_in_ms(60000));
	is_int(child.status, 7,
	       "where nobody has cared for children before, they can be waited for");
	(void)signal(SIGCHLD, SIG_IGN);
	FIXTURE_MUST(sigprocmask(SIG_UNBLOCK, &usr1, NULL) == 0);
	child = (struct child){ .pid = INJECT_NEXT(fork)(), .status = -1 };
	if (child.pid == 0)
		end_hang("hangs");
	ok(child_end(child.pid), "the same for a child that was started elsewhere");
	(void)signal(SIGCHLD, SIG_DFL);
}

static int call_well(void *arg, struct fault *f)
{
	(void)f;
	return *(int *)arg;
}

static int call_badly(void *arg, struct fault *f)
{
	return fault_set(f, EXITCODE_INTERNAL, *(int *)arg, "the reason");
}

static int call_and_leave(void *arg, struct fault *f)
{
	(void)fault_set(f, EXITCODE_INTERNAL, EIO, "half a reason");
	_exit(*(int *)arg);
}

static int call_and_die(void *arg, struct fault *f)
{
	(void)f;
	return die(arg);
}

static int call_and_hang(void *arg, struct fault *f)
{
	(void)f;
	return hang(arg);
}

static void test_call(void)
{
	static const struct {
		const char *what;
		int (*fn)(void *arg, struct fault *f);
		int arg, r;
		uint64_t limit_ms;
	} cases[] = {
		{ "one that exits", call_and_leave, 0, -EPROTO, 60000 },
		{ "one that exits with a code", call_and_leave, 3, -EPROTO, 60000 },
		{ "one that is killed", call_and_die, SIGSEGV, -ECHILD, 60000 },
		{ "one that hangs", call_and_hang, 0, -ETIMEDOUT, 0 },
	};
	int well = 41, badly = EUCLEAN, result = 7;
	struct fault f = { 0 };
	size_t i;

	begin();
	ok(child_call(call_well, &well, deadline_in_ms(60000), &result, &f) == 0 && result == 41 &&
		   f.code == EXITCODE_OK,
	   "a call: its result");
	ok(child_call(call_badly, &badly, deadline_in_ms(60000), &result, &f) == 0 &&
		   result == -EUCLEAN && f.code == EXITCODE_INTERNAL &&
		   strcmp(f.why, "the reason") == 0,
	   "... and its fault");
	for (i = 0; i < ARRAY_SIZE(cases); i++) {
		int arg = cases[i].arg;

		begin();
		f = (struct fault){ 0 };
		result = 7;
		is_int(child_call(cases[i].fn, &arg, deadline_in_ms(cases[i].limit_ms), &result,
				  &f),
		       cases[i].r, "%s", cases[i].what);
		ok(result == 7 && f.code == EXITCODE_OK && nothing_runs(),
		   "... has no result and no fault, and does not run on");
	}
	begin();
	plan.no_fork = true;
	ok(child_call(call_well, &well, deadline_in_ms(60000), &result, &f) == -EAGAIN &&
		   f.code == EXITCODE_OK,
	   "no process: the reason");
	plan.no_fork = false;
}

int main(void)
{
	test_status();
	test_call();
	test_start_fails();
	test_wakes();
	test_late();
	test_undead();
	test_end();
	test_signals();
	return tap_done();
}
