/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * action.c - the end of the machine, in layers, each with the others taken away: the word of
 * the caller, its death, the limit; the watch's death; reboot(2), the keys of SysRq; and that
 * nobody goes on when all of them do nothing.
 */
#include "boot/action.h"

#include "base/child.h"
#include "fake_end.h"

static struct fixture fx;
static enum failure_action action;
static struct action_watch watch;
static void (*between)(void); /* what comes between the arming and the end */
static bool ignore_children;

static void body(void)
{
	if (ignore_children)
		(void)signal(SIGCHLD, SIG_IGN);
	action_arm(&fx.root, action, ACTION_LIMIT_MS, &watch);
	end_note("armed", watch.pid);
	end_note("children are ignored", signal(SIGCHLD, SIG_DFL) == SIG_IGN);
	if (between)
		between();
	action_now(&watch);
}

static pid_t begin(void)
{
	fixture_text(&fx, PATH_SYSRQ_TRIGGER, "");
	end_set_cpus(2, 5);
	return end_begin(body);
}

static bool has_ended(pid_t pid)
{
	return INJECT_NEXT(waitpid)(pid, NULL, WNOHANG) != 0;
}

/* What must hold whoever acts, and whatever reboot() does. */
static void is_the_end(const char *what, pid_t acts, const char *keys)
{
	ok(end_await("is at its end", acts, 1), "%s: who acts stays at last", what);
	is_str(fixture_get(&fx, PATH_SYSRQ_TRIGGER), keys, "... SysRq's keys");
	is_int(end_count("returns"), 0, "... and nothing comes back");
}

static pid_t the_watch(void)
{
	(void)end_await("watches", 0, 1);
	return end_pid("watches");
}

static void is_by_watch(const char *what, pid_t caller)
{
	pid_t pid = the_watch();

	is_the_end(what, pid, "bc");
	ok(pid != caller && end->reboot_parent == pid && end_pid("reboot") != pid,
	   "... it was the watch, by a child");
	is_int(end_count("reboot"), 1, "... once");
	ok(end_order("reboot", "b") && end_order("b", "c") && end_order("c", "stays"),
	   "... first reboot(), then b, then c");
}

static void is_by_caller(const char *what, pid_t caller, const char *keys)
{
	is_the_end(what, caller, keys);
	ok(end->reboot_parent == caller, "... it was the caller, by a child");
	is_int(end_count("reboot"), 1, "... once");
	is_int(end->standard_fds, 0, "... with nothing open that could be a terminal");
	ok(!has_ended(caller), "... which stays");
}

static void test_actions(void)
{
	size_t i;
	pid_t caller;

	for (i = 0; i < ARRAY_SIZE(end_ways); i++) {
		action = end_ways[i].action;
		caller = begin();
		is_by_watch(end_ways[i].name, caller);
		is_int(end_value("reboot"), end_ways[i].command,
		       "... what the kernel is asked for");
		ok(end_value("watches") > 29000 && end_value("watches") <= ACTION_LIMIT_MS,
		   "... within 30 s at most (%ld ms)", end_value("watches"));
		ok(end_await("waits for the watch", caller, 1) && !has_ended(caller),
		   "... the caller waits for ever");
		end_over();
	}
	action = FAILURE_ACTION_POWEROFF;
}

static void send_signals(void)
{
	static const int signals[] = { SIGTERM, SIGINT, SIGHUP, SIGPIPE, SIGALRM, SIGUSR1 };
	size_t i;

	for (i = 0; i < ARRAY_SIZE(signals); i++) {
		(void)kill(getpid(), signals[i]);
		(void)kill(watch.pid, signals[i]);
	}
	(void)close(STDERR_FILENO);
}

static void change_mind(void)
{
	(void)the_watch();
	action_disarm(&watch);
	action = FAILURE_ACTION_REBOOT;
	action_arm(&fx.root, action, ACTION_LIMIT_MS, &watch);
}

/* For who arms the end before he knows which. */
static void test_disarm(void)
{
	pid_t caller;

	between = change_mind;
	caller = begin();
	ok(end_await("is at its end", 0, 1) && end_count("watches") == 2,
	   "another action: there is another watch");
	ok(end_value("reboot") == RB_AUTOBOOT && end_count("reboot") == 1 &&
		   end->reboot_parent != end_pid("watches") && end->reboot_parent != caller,
	   "... and the first one has done nothing");
	is_str(end->strange_fds, "", "... nothing of it stays open");
	between = NULL;
	action = FAILURE_ACTION_POWEROFF;
	end_over();
}

/* The process that calls reboot() has nothing that it could be killed for or wait for. */
static void test_who_acts(void)
{
	between = send_signals;
	is_by_watch("signals to both", begin());
	between = NULL;
	is_int(end->open_signals, 0, "... no signal is left that is not blocked");
	is_str(end->strange_fds, "", "... no descriptor but the pipe, the caller and the trigger");
	ok(end->own_session, "... no terminal can be the session's");
	ok(end->cpus == 1 && end->first_cpu == 2, "... it is on the first CPU, and nowhere else");
	end_over();
}

static void test_reboot(void)
{
	static const struct {
		enum end_reboot reboot;
		const char *what;
	} cases[] = {
		{ END_REBOOT_RETURNS, "reboot() comes back" },
		{ END_REBOOT_EXITS, "the kernel ends who has called it, with status 0" },
		{ END_REBOOT_HANGS, "it never comes back" },
		{ END_REBOOT_DIES, "who has called it is killed" },
	};
	pid_t caller;
	size_t i;

	for (i = 0; i < ARRAY_SIZE(cases); i++) {
		plan.reboot = cases[i].reboot;
		if (cases[i].reboot == END_REBOOT_HANGS) {
			plan.patience_ends = "hangs";
			plan.nr_waits = 1;
			plan.watch_waits = true;
		}
		caller = begin();
		is_by_watch(cases[i].what, caller);
		ok(!has_ended(caller), "... the caller stays, too");
		if (cases[i].reboot == END_REBOOT_HANGS)
			ok(end_value("waits for children") > 5000 &&
				   end_value("waits for children") <= 10000,
			   "... it had 10 s");
		end_over();
	}
	plan.no_fork = true;
	caller = begin();
	is_the_end("no process can be started", caller, "bc");
	is_int(end_count("reboot"), 0, "... so the keys are all");
	end_over();
}

static void lose_trigger(void)
{
	FIXTURE_MUST(rename(fixture_path(&fx, PATH_SYSRQ_TRIGGER), fixture_path(&fx, "/kept")) ==
		     0);
}

static void test_trigger(void)
{
	pid_t caller;

	between = lose_trigger;
	caller = begin();
	is_the_end("a trigger that is gone later", 0, "");
	is_str(fixture_get(&fx, "/kept"), "bc", "... was opened before");
	end_over();
	between = NULL;

	plan.open_path = PATH_SYSRQ_TRIGGER;
	plan.open_error = ENOENT;
	caller = begin();
	is_the_end("no trigger", the_watch(), "");
	ok(end_count("reboot") == 1 && !has_ended(caller),
	   "... reboot() was called, and nobody ends");
	end_over();

	plan.key_error = EIO;
	caller = begin();
	is_the_end("a trigger that takes nothing", the_watch(), "");
	ok(end_order("b", "c") && !has_ended(caller), "... both keys were tried, and nobody ends");
	end_over();
}

static void be_killed(void)
{
	(void)kill(getpid(), SIGKILL);
}

static int hang(void *arg)
{
	(void)arg;
	end_hang("a child hangs");
}

/* A child of the caller has all that the caller had open. */
static void leave_a_child(void)
{
	struct child child;

	FIXTURE_MUST(child_start(&child, hang, NULL) == 0);
	(void)end_await("a child hangs", 0, 1);
	be_killed();
}

static void test_caller_killed(void)
{
	pid_t caller;

	between = be_killed;
	caller = begin();
	is_by_watch("the caller is killed", caller);
	ok(end_value("woken") > 0, "... the watch acts at once");
	end_over();
	between = leave_a_child;
	caller = begin();
	is_by_watch("the caller is killed, a child of it stays", caller);
	ok(end_value("woken") > 0, "... the watch acts at once");
	end_over();
	plan.pidfd_error = EMFILE;
	between = be_killed;
	is_by_watch("the caller is killed, and was no descriptor itself", begin());
	end_over();
	between = NULL;
}

static void hang_here(void)
{
	end_hang("the caller hangs");
}

static void test_limit(void)
{
	static const int errors[] = { 0, EMFILE, ENFILE };
	size_t i;

	between = hang_here;
	for (i = 0; i < ARRAY_SIZE(errors); i++) {
		plan.pipe_error = plan.pidfd_error = errors[i];
		plan.limit_after = "the caller hangs";
		is_by_watch(errors[i] ? "it hangs, and there is no pipe" : "the caller hangs",
			    begin());
		end_over();
	}
	plan.limit_after = "the caller hangs";
	plan.poll_error = EINTR;
	is_by_watch("a wait that is interrupted", begin());
	is_int(end_count("watches"), 2, "... goes on");
	end_over();
	plan.poll_error = ENOMEM;
	is_by_watch("a watch that cannot wait", begin());
	is_int(end_count("watches"), 1, "... acts at once");
	end_over();
	between = NULL;
}

static void kill_the_watch(void)
{
	FIXTURE_MUST(watch.pid > 0 && end_await("watches", watch.pid, 1));
	(void)kill(watch.pid, SIGKILL);
}

/* Without the watch the caller does all by itself. */
static void test_no_watch(void)
{
	pid_t caller;

	between = kill_the_watch;
	caller = begin();
	is_by_caller("the watch is killed", caller, "bc");
	is_int(end->open_signals, 0, "... no signal is left that is not blocked");
	ok(end->cpus == 1 && end->first_cpu == 2, "... it is on the first CPU, and nowhere else");
	end_over();
	ignore_children = true;
	is_by_caller("the same where nobody has cared for children", begin(), "bc");
	is_int(end_value("children are ignored"), 0, "... no other process can have its number");
	end_over();
	between = NULL;
	is_by_watch("and nobody kills it", begin());
	end_over();
	ignore_children = false;

	plan.fork_fails_at = 1;
	caller = begin();
	is_by_caller("the watch cannot be started", caller, "bc");
	is_int(end_value("armed"), 0, "... which is known");
	is_int(end_count("watches"), 0, "... there is none");
	end_over();
	plan.pipe_error = EMFILE;
	plan.pidfd_error = EMFILE;
	is_by_caller("nobody can speak to the watch", begin(), "bc");
	end_over();
}

/* It is killed when it has begun already. */
static void test_watch_killed_later(void)
{
	pid_t caller, acts;

	plan.reboot = END_REBOOT_EXITS;
	caller = begin();
	acts = the_watch();
	ok(end_await("is at its end", acts, 1), "premise: the watch has done all");
	(void)INJECT_NEXT(kill)(acts, SIGKILL);
	ok(end_await("is at its end", caller, 1),
	   "the watch is killed at its end: the caller acts, too");
	is_str(fixture_get(&fx, PATH_SYSRQ_TRIGGER), "bcbc", "... with all that it has");
	ok(!has_ended(caller), "... and stays");
	end_over();
}

/* Who prints may spin at a console: not on the CPU of those who act. */
static void test_leave_cpu(void)
{
	end_set_cpus(2, 5);
	action_leave_cpu();
	ok(CPU_COUNT(&end_cpus) == 1 && CPU_ISSET(5, &end_cpus), "who prints leaves the first CPU");
	action_leave_cpu();
	ok(CPU_COUNT(&end_cpus) == 1 && CPU_ISSET(5, &end_cpus), "but not if there is no other");
}

static void test_applies(void)
{
	static const struct {
		int error;
		bool applies;
	} cases[] = {
		{ ENOENT, false }, { ENOTDIR, false }, { EMFILE, true }, { ENFILE, true },
		{ EIO, true },	   { EACCES, true },   { ENOMEM, true }, { ELOOP, true },
	};
	size_t i;

	fixture_text(&fx, PATH_INITRD_RELEASE, "");
	ok(action_applies(&fx.root), "in an initramfs an action applies");
	for (i = 0; i < ARRAY_SIZE(cases); i++) {
		plan.open_path = PATH_INITRD_RELEASE;
		plan.open_error = cases[i].error;
		is_int(action_applies(&fx.root), cases[i].applies, "initrd-release, %s: %s",
		       strerror(cases[i].error), cases[i].applies ? "it applies" : "it does not");
	}
	plan = (struct end_plan){ 0 };
	fx.root.machine = false;
	ok(!action_applies(&fx.root), "in a tree none applies");
	fx.root.machine = true;
	fixture_unlink(&fx, PATH_INITRD_RELEASE);
	ok(!action_applies(&fx.root), "in a running system none applies");
}

int main(void)
{
	unsigned int fds;

	fixture_init(&fx);
	fx.root.machine = true;
	fds = fixture_fds();
	test_actions();
	test_who_acts();
	test_disarm();
	test_reboot();
	test_trigger();
	test_caller_killed();
	test_limit();
	test_no_watch();
	test_watch_killed_later();
	test_leave_cpu();
	test_applies();
	is_int(fixture_fds(), fds, "no descriptor is left open");
	fixture_done(&fx);
	return tap_done();
}
