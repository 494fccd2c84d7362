/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * faults.c - /init of a lab guest that starts an image of our own again and again, as PID 1 of a
 * PID namespace: each system call fails at its Nth use, or a child is killed at some moment. It
 * does what the lines of /lab/plan say, in their order (lab/faults.py writes them), and tells in
 * lines "LAB ..." on the console what came of each. Lab guests only: never part of an installation.
 *
 *   loud                            the console shows all lines of the kernel's log
 *   limit MS                        a run that takes longer hangs
 *   part I OF                       only each OFth run, from the Ith on: the rest is another guest's
 *   ends root|refused               what a run without a fault comes to; refused: all others, too
 *   plain                           a run without a fault
 *   count                           the same, and how often it uses each call
 *   weigh                           the same, and its memory, looked at at each call
 *   each ERROR BOUND RANDOM SEED [CALL...]
 *                                   each use of each call that was counted, or of these, fails once:
 *                                   the first BOUND, and RANDOM of those behind
 *   kills COUNT SEED                as many runs in which a child is killed at a random moment
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/klog.h>
#include <sys/reboot.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "machine.h"
#include "traced.h"

enum verdict {
	PROVED,	 /* the fault did no harm: the root, after both looks */
	REFUSED, /* the machine ends */
	PANIC,	 /* PID 1 has ended, and the kernel ends the machine */
	STAYS,	 /* the same before it was told to: the machine stands still */
	BAD,
	_VERDICT_MAX,
};

static const char *const names[] = { "proved", "refused", "panic", "stays", "BAD" };

static unsigned int limit_ms = 240000, part, parts = 1, turn;
static bool ends_in_root = true;
static struct run counted;
static unsigned int usual_ms;

/* Cannot fail in a way that means anything, or ends the process that is asked. */
static bool is_left_out(int call)
{
	static const int calls[] = { SYS_exit,	  SYS_exit_group, SYS_rt_sigreturn,   SYS_getpid,
				     SYS_getppid, SYS_gettid,	  SYS_getuid,	      SYS_geteuid,
				     SYS_getgid,  SYS_getegid,	  SYS_restart_syscall };

	for (size_t i = 0; i < sizeof(calls) / sizeof(calls[0]); i++)
		if (calls[i] == call)
			return true;
	return false;
}

static enum verdict judge(const struct plan *plan, const struct run *run, bool panic_ends)
{
	/* A line that could not be written, or a log that nobody has got, says nothing. Where a twin
	 * is beside the disk, the end itself shows whether both have looked. */
	const bool looked =
		(run->looked[0] && run->looked[1]) || !run->heard || plan->call == SYS_write;

	if (*run->strange)
		return BAD;
	switch (run->end) {
	case END_ROOT:
		return ends_in_root && looked ? PROVED : BAD;
	case END_REFUSED:
		return run->trigger == 'b' || run->command == RB_POWER_OFF ? REFUSED : BAD;
	case END_DEAD:
		return panic_ends ? PANIC : STAYS;
	default:
		return BAD;
	}
}

/* One run, and the machine as new. */
static enum verdict once(const struct plan *plan, struct run *run, unsigned int *left,
			 unsigned int *mappings)
{
	char panic[16];
	bool panic_ends;

	machine_fresh();
	traced_run(plan, limit_ms, run);
	panic_ends = atoi(machine_text("/proc/sys/kernel/panic", panic, sizeof(panic))) != 0;
	*left = (unsigned int)machine_secret_left();
	*mappings = machine_clean();
	return judge(plan, run, panic_ends);
}

static void tell(const char *what, enum verdict verdict, const struct run *run, unsigned int left,
		 unsigned int mappings)
{
	machine_say("%s: %s code=%d status=%x trigger=%c looks=%d%d by=%s ms=%u left=%u mappings=%u "
		    "strange=%s",
		    what, names[verdict], run->code, (unsigned int)run->status,
		    run->trigger ? run->trigger : '-', run->looked[0], run->looked[1],
		    *run->hit_by ? run->hit_by : "-", run->ms, left, mappings,
		    *run->strange ? run->strange : "-");
}

/* A run without a fault has to come to what is expected, or nothing else means anything. */
static void plain(bool counts, bool weighs)
{
	struct plan plan = { .call = counts || weighs ? TRACED_ALL : TRACED_NONE, .weigh = weighs };
	unsigned int left, mappings;
	struct run run;
	enum verdict verdict = once(&plan, &run, &left, &mappings);

	tell("plain", verdict, &run, left, mappings);
	if (!counts && !weighs)
		usual_ms = run.ms;
	if (counts)
		counted = run;
	for (int call = 0; counts && call < TRACED_CALLS; call++)
		if (run.uses[call] > 0)
			machine_say("uses call=%d %u", call, run.uses[call]);
	if (weighs)
		machine_say("memory pss=%lu rss=%lu largest=%lu", run.pss_kib, run.rss_kib,
			    run.largest_kib);
}

struct sum {
	unsigned int verdicts[_VERDICT_MAX], runs, slowest_ms, left, mappings;
};

static void add(struct sum *sum, const char *what, enum verdict verdict, const struct run *run,
		unsigned int left, unsigned int mappings)
{
	bool wiped = left == 0 || run->end == END_DEAD;

	sum->runs++;
	sum->verdicts[verdict]++;
	sum->left += !wiped;
	sum->mappings += run->end == END_REFUSED && mappings > 0;
	if (run->ms > sum->slowest_ms)
		sum->slowest_ms = run->ms;
	if (verdict == BAD || verdict == STAYS || verdict == PANIC || !wiped ||
	    run->ms > usual_ms + 8000)
		tell(what, verdict, run, left, mappings);
}

static void say_sum(const char *what, unsigned int uses, const struct sum *sum)
{
	machine_say("sum %s uses=%u runs=%u proved=%u refused=%u panic=%u stays=%u bad=%u left=%u "
		    "mappings=%u slowest=%u",
		    what, uses, sum->runs, sum->verdicts[PROVED], sum->verdicts[REFUSED],
		    sum->verdicts[PANIC], sum->verdicts[STAYS], sum->verdicts[BAD], sum->left,
		    sum->mappings, sum->slowest_ms);
}

static bool is_ours(void)
{
	return turn++ % parts == part;
}

/* False if the run was too short for this use. */
static void use(int call, unsigned int nth, int error, struct sum *sum)
{
	const struct plan plan = { .call = call, .nth = nth, .error = error };
	unsigned int left, mappings;
	enum verdict verdict;
	struct run run;
	char what[64];

	if (!is_ours())
		return;
	verdict = once(&plan, &run, &left, &mappings);
	if (!run.hit && call != SYS_reboot) {
		/* This boot had fewer of them than the one that was counted. */
		if (verdict != (ends_in_root ? PROVED : REFUSED))
			verdict = BAD;
	}
	snprintf(what, sizeof(what), "fault call=%d nth=%u error=%d%s", call, nth, error,
		 run.hit ? "" : " missed");
	add(sum, what, verdict, &run, left, mappings);
}

static void each_use(int call, int error, unsigned int bound, unsigned int more)
{
	unsigned int uses = counted.uses[call], nth, i;
	struct sum sum = { 0 };
	char what[64];

	for (nth = 1; nth <= uses && nth <= bound; nth++)
		use(call, nth, error, &sum);
	for (i = 0; uses > bound && i < more; i++)
		use(call, bound + 1 + (unsigned int)random() % (uses - bound), error, &sum);
	snprintf(what, sizeof(what), "call=%d error=%d", call, error);
	if (sum.runs > 0)
		say_sum(what, uses, &sum);
}

static void each(char *rest)
{
	char *next = NULL, *word = strtok_r(rest, " ", &next);
	unsigned int numbers[4] = { 0 };
	int call;

	for (int i = 0; i < 4 && word; i++, word = strtok_r(NULL, " ", &next))
		numbers[i] = (unsigned int)atoi(word);
	srandom(numbers[3]);
	for (call = 0; !word && call < TRACED_CALLS; call++)
		if (!is_left_out(call))
			each_use(call, (int)numbers[0], numbers[1], numbers[2]);
	for (; word; word = strtok_r(NULL, " ", &next)) {
		call = atoi(word);
		/* Not used where all goes well. */
		if (call == SYS_reboot)
			counted.uses[call] = 1;
		each_use(call, (int)numbers[0], numbers[1], numbers[2]);
	}
}

static void kills(const char *rest)
{
	unsigned int count = 0, seed = 0, killed = 0, i, left, mappings;
	struct sum sum = { 0 };
	enum verdict verdict;
	struct run run;
	char what[64];

	(void)sscanf(rest, "%u %u", &count, &seed);
	srandom(seed + part);
	for (i = 0; i < 4 * count && killed < count; i++) {
		const struct plan plan = {
			.call = TRACED_NONE,
			.kill_ms = 1 + (unsigned int)random() % (usual_ms + 100),
			.which = (unsigned int)random(),
		};

		verdict = once(&plan, &run, &left, &mappings);
		killed += run.killed != 0;
		snprintf(what, sizeof(what), "kill after=%u", plan.kill_ms);
		add(&sum, what, verdict, &run, left, mappings);
	}
	snprintf(what, sizeof(what), "kills seed=%u", seed);
	say_sum(what, killed, &sum);
}

static void carry_out(char *line)
{
	char *rest = line + strcspn(line, " ");

	if (*rest)
		*rest++ = '\0';
	if (strcmp(line, "loud") == 0)
		klogctl(8 /* SYSLOG_ACTION_CONSOLE_LEVEL */, NULL, 8);
	else if (strcmp(line, "limit") == 0)
		limit_ms = (unsigned int)atoi(rest);
	else if (strcmp(line, "part") == 0 && sscanf(rest, "%u %u", &part, &parts) == 2)
		turn = 0;
	else if (strcmp(line, "ends") == 0)
		ends_in_root = strcmp(rest, "root") == 0;
	else if (strcmp(line, "plain") == 0)
		plain(false, false);
	else if (strcmp(line, "count") == 0)
		plain(true, false);
	else if (strcmp(line, "weigh") == 0)
		plain(false, true);
	else if (strcmp(line, "each") == 0)
		each(rest);
	else if (strcmp(line, "kills") == 0)
		kills(rest);
	else
		machine_die(line);
}

int main(void)
{
	char plan[16384], *next, *line;

	if (getpid() != 1)
		return 1;
	machine_begin();
	machine_text("/lab/plan", plan, sizeof(plan));
	for (line = strtok_r(plan, "\n", &next); line; line = strtok_r(NULL, "\n", &next))
		carry_out(line);
	machine_say("end");
	reboot(RB_POWER_OFF);
	return 1;
}
