/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * action.c - ends the machine.
 * Trusts the configuration inside the initramfs; trusts no call to end the machine, and no
 * hardware: all of it is the host's. Has no console open, since SysRq's SAK kills who has.
 * May not hold a secret.
 */
#include "boot/action.h"

#include <fcntl.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <sys/reboot.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include "base/child.h"
#include "base/paths.h"

#define REBOOT_LIMIT_MS 10000

bool action_applies(const struct root *root)
{
	/* Where that is unknown, it applies: a machine that ends without need is no gain for the
	 * host. */
	return root->machine && (root->standalone || root_exists(root, PATH_INITRD_RELEASE) != 0);
}

/* The kernel goes to its first CPU and stops the others: who is not there stops with them. */
static void keep_cpu(bool first)
{
	cpu_set_t set;
	int cpu;

	if (sched_getaffinity(0, sizeof(set), &set) < 0)
		return;
	for (cpu = 0; cpu < CPU_SETSIZE && !CPU_ISSET(cpu, &set); cpu++)
		;
	if (cpu == CPU_SETSIZE || (!first && CPU_COUNT(&set) == 1))
		return;
	if (first)
		CPU_ZERO(&set);
	if (first)
		CPU_SET(cpu, &set);
	else
		CPU_CLR(cpu, &set);
	(void)sched_setaffinity(0, sizeof(set), &set); /* it only makes the end surer */
}

void action_leave_cpu(void)
{
	keep_cpu(false);
}

static int call_reboot(void *arg)
{
	static const int commands[_FAILURE_ACTION_MAX] = {
		[FAILURE_ACTION_POWEROFF] = RB_POWER_OFF,
		[FAILURE_ACTION_REBOOT] = RB_AUTOBOOT,
		[FAILURE_ACTION_HALT] = RB_HALT_SYSTEM,
		[FAILURE_ACTION_RESCUE] = RB_POWER_OFF, /* nobody asks for it */
	};

	(void)reboot(commands[*(enum failure_action *)arg]);
	return EXIT_FAILURE;
}

static _Noreturn void end_machine(enum failure_action action, int trigger)
{
	struct child child = { 0 };
	const char *key;

	keep_cpu(true);
	if (child_start(&child, call_reboot, &action) >= 0)
		child_wait(&child, 1, deadline_in_ms(REBOOT_LIMIT_MS));
	/* proc(5), /proc/sysrq-trigger: b restarts without asking anybody, c is a panic. */
	for (key = "bc"; *key != '\0'; key++)
		if (write(trigger, key, 1) < 0)
			continue; /* the other one may do it */
	for (;;)
		(void)pause();
}

/* What the watch keeps; each is negative where it could not be made. */
struct watch_fds {
	int go;	     /* of the pipe: the caller's word */
	int caller;  /* pidfd_open(2): its end, whoever has inherited the pipe's other side */
	int trigger; /* PATH_SYSRQ_TRIGGER */
};

static void close_all_but(const struct watch_fds *fds)
{
	int fd, last = fds->go > fds->caller ? fds->go : fds->caller;

	if (fds->trigger > last)
		last = fds->trigger;
	for (fd = 0; fd < last; fd++)
		if (fd != fds->go && fd != fds->caller && fd != fds->trigger)
			(void)close(fd); /* most are not open */
	(void)syscall(SYS_close_range, last < 0 ? 0U : (unsigned int)last + 1, ~0U, 0);
}

/* The child of action_arm(): has no terminal, and nothing open that it does not need. */
static _Noreturn void watch(const struct watch_fds *fds, enum failure_action action,
			    struct deadline deadline)
{
	struct pollfd p[] = {
		{ .fd = fds->go, .events = POLLIN },
		{ .fd = fds->caller, .events = POLLIN },
	};

	(void)setsid(); /* a child of its parent leads no group: it cannot fail */
	close_all_but(fds);
	while (poll(p, ARRAY_SIZE(p), deadline_left_ms(deadline)) < 0 && errno == EINTR)
		;
	end_machine(action, fds->trigger);
}

void action_arm(const struct root *root, enum failure_action action, uint64_t limit_ms,
		struct action_watch *ret_watch)
{
	const struct deadline deadline = deadline_in_ms(limit_ms);
	struct watch_fds fds;
	sigset_t all;
	int ends[2];
	pid_t pid;

	sigfillset(&all);
	(void)sigprocmask(SIG_BLOCK, &all, NULL); /* cannot fail with these arguments */
	/* So that the number of a watch that was killed stays its own until the wait. */
	(void)signal(SIGCHLD, SIG_DFL);
	fds.trigger = root_open(root, PATH_SYSRQ_TRIGGER, O_WRONLY, 0);
	/* Without the one or the other the limit holds. */
	if (pipe2(ends, O_CLOEXEC) < 0)
		ends[0] = ends[1] = -EBADF;
	fds.go = ends[0];
	fds.caller = (int)syscall(SYS_pidfd_open, getpid(), 0);
	pid = fork();
	if (pid == 0)
		watch(&fds, action, deadline);
	util_closep(&fds.go);
	util_closep(&fds.caller);
	*ret_watch = (struct action_watch){
		.action = action,
		.pid = pid > 0 ? pid : 0,
		.go = ends[1],
		.trigger = fds.trigger,
	};
}

void action_disarm(struct action_watch *watch)
{
	if (watch->pid > 0) {
		(void)kill(watch->pid, SIGKILL); /* ours, and not waited for yet */
		while (waitpid(watch->pid, NULL, 0) < 0 && errno == EINTR)
			;
	}
	util_closep(&watch->go);
	util_closep(&watch->trigger);
}

/* This process has a lock that it must keep, but no terminal that it could be killed for. */
static void close_standard(int trigger)
{
	int fd;

	for (fd = STDIN_FILENO; fd <= STDERR_FILENO; fd++)
		if (fd != trigger)
			(void)close(fd); /* nothing is printed any more */
}

_Noreturn void action_now(struct action_watch *watch)
{
	if (watch->pid > 0) {
		/* An error says that it has ended, or does not listen: then the wait is short. */
		if (write(watch->go, "", 1) < 0)
			(void)kill(watch->pid, SIGKILL);
		while (waitpid(watch->pid, NULL, 0) < 0 && errno == EINTR)
			;
	}
	/* There is none, or somebody has killed it. */
	close_standard(watch->trigger);
	end_machine(watch->action, watch->trigger);
}
