/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * action.c - ends the machine.
 * Trusts the configuration inside the initramfs; trusts no call to end the machine, and no
 * hardware: all of it is the host's. Has no console open, since SysRq's SAK kills who has.
 * May not hold a secret.
 */
#include "action.h"

#include <fcntl.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <sys/reboot.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include "child.h"
#include "paths.h"

#define REBOOT_LIMIT_MS 10000

bool action_applies(const struct root *root)
{
	/* Where nobody can tell, it applies: a machine that ends without need is no gain for the
	 * host. */
	return root->machine && root_exists(root, PATH_INITRD_RELEASE) != 0;
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
	for (key = "bc"; *key != '\0' && write(trigger, key, 1) >= 0; key++)
		;
	for (;;)
		(void)pause();
}

static void close_all_but(int a, int b)
{
	unsigned int low = (unsigned int)(a < b ? a : b), high = (unsigned int)(a < b ? b : a);

	if (low > 0)
		(void)syscall(SYS_close_range, 0, low - 1, 0);
	if (high > low + 1)
		(void)syscall(SYS_close_range, low + 1, high - 1, 0);
	(void)syscall(SYS_close_range, high + 1, ~0U, 0);
}

/* The child of action_arm(): has nothing open but its pipe and the trigger. */
static _Noreturn void watch(int go, enum failure_action action, int trigger)
{
	const struct deadline deadline = deadline_in_ms(ACTION_LIMIT_MS);
	struct pollfd p = { .fd = go, .events = POLLIN };

	close_all_but(go, trigger >= 0 ? trigger : go);
	while (poll(&p, 1, deadline_left_ms(deadline)) < 0 && errno == EINTR)
		;
	end_machine(action, trigger);
}

void action_arm(const struct root *root, enum failure_action action,
		struct action_watch *ret_watch)
{
	struct action_watch w = { .root = root, .action = action, .go = -EBADF };
	sigset_t all;
	int fds[2];

	sigfillset(&all);
	(void)sigprocmask(SIG_BLOCK, &all, NULL); /* cannot fail with these arguments */
	w.trigger = root_open(root, PATH_SYSRQ_TRIGGER, O_WRONLY, 0);
	if (pipe2(fds, O_CLOEXEC) == 0) {
		w.pid = fork();
		if (w.pid == 0) {
			(void)close(fds[1]);
			watch(fds[0], action, w.trigger);
		}
		(void)close(fds[0]);
		w.go = fds[1];
		if (w.pid < 0)
			w.pid = 0;
	}
	*ret_watch = w;
}

_Noreturn void action_now(struct action_watch *watch)
{
	if (watch->pid > 0) {
		/* An error says that it has ended: then the wait is short. */
		if (write(watch->go, "", 1) < 0)
			(void)kill(watch->pid, SIGKILL);
		while (waitpid(watch->pid, NULL, 0) < 0 && errno == EINTR)
			;
	}
	end_machine(watch->action, watch->trigger); /* somebody has killed the watch */
}
