/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * child.c - starts processes, waits for them with a deadline, kills the late ones.
 * Trusts no process to end, not even by SIGKILL: in the kernel it may wait for the host.
 */
#include "base/child.h"

#include <signal.h>
#include <sys/mman.h>
#include <sys/wait.h>

#define KILL_GRACE_MS 500

/* SIGCHLD, blocked: an end that comes between a look and the wait is then not missed. */
static sigset_t block_sigchld(sigset_t *ret_old)
{
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, SIGCHLD);
	/* Who has started us may have ignored it: then no child can be waited for. */
	(void)signal(SIGCHLD, SIG_DFL);
	(void)sigprocmask(SIG_BLOCK, &set, ret_old); /* cannot fail with these arguments */
	return set;
}

int child_start(struct child *ret_child, int (*fn)(void *arg), void *arg)
{
	sigset_t old;

	*ret_child = (struct child){ .status = -1 };
	(void)block_sigchld(&old);
	ret_child->pid = fork();
	if (ret_child->pid == 0) {
		(void)sigprocmask(SIG_SETMASK, &old, NULL);
		_exit(fn(arg));
	}
	if (ret_child->pid < 0) {
		ret_child->pid = 0;
		return -errno;
	}
	return 0;
}

/* How many still run. */
static size_t collect(struct child *children, size_t nr)
{
	size_t i, running = 0;
	int status;
	pid_t pid;

	for (i = 0; i < nr; i++) {
		if (children[i].pid <= 0)
			continue;
		pid = waitpid(children[i].pid, &status, WNOHANG);
		if (pid == 0) {
			running++;
			continue;
		}
		if (pid == children[i].pid && WIFEXITED(status))
			children[i].status = WEXITSTATUS(status);
		children[i].pid = 0;
	}
	return running;
}

static size_t wait_all(struct child *children, size_t nr, struct deadline deadline)
{
	const sigset_t set = block_sigchld(NULL);
	size_t running;

	for (;;) {
		int left = deadline_left_ms(deadline);
		const struct timespec wait = { left / 1000, left % 1000 * 1000000L };

		running = collect(children, nr);
		if (running == 0 || left == 0)
			return running;
		(void)sigtimedwait(&set, NULL, &wait); /* whatever it says, the loop looks again */
	}
}

void child_wait(struct child *children, size_t nr, struct deadline deadline)
{
	size_t i;

	if (wait_all(children, nr, deadline) == 0)
		return;
	for (i = 0; i < nr; i++)
		if (children[i].pid > 0)
			(void)kill(children[i].pid, SIGKILL); /* ours, and not waited for yet */
	(void)wait_all(children, nr, deadline_in_ms(KILL_GRACE_MS));
}

/* What a call shares with its process. */
struct call {
	int (*fn)(void *arg, struct fault *f);
	void *arg;
	struct fault fault;
	int r;
	bool done; /* to end well is not enough: a library may do that */
};

static int answer(void *arg)
{
	struct call *call = arg;

	call->r = call->fn(call->arg, &call->fault);
	call->done = true;
	return EXIT_SUCCESS;
}

static int wait_for_answer(struct call *call, struct deadline deadline)
{
	struct child child;
	int r = child_start(&child, answer, call);

	if (r < 0)
		return r;
	child_wait(&child, 1, deadline);
	if (child.status >= 0)
		return call->done ? 0 : -EPROTO;
	return deadline_left_ms(deadline) == 0 ? -ETIMEDOUT : -ECHILD;
}

int child_call(int (*fn)(void *arg, struct fault *f), void *arg, struct deadline deadline,
	       int *ret_r, struct fault *f)
{
	struct call *call = mmap(NULL, sizeof(*call), PROT_READ | PROT_WRITE,
				 MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	int r;

	if (call == MAP_FAILED)
		return -ENOMEM;
	call->fn = fn;
	call->arg = arg;
	r = wait_for_answer(call, deadline);
	if (r >= 0) {
		*ret_r = call->r;
		if (call->fault.code != EXITCODE_OK)
			fault_merge(f, &call->fault);
	}
	(void)munmap(call, sizeof(*call)); /* its content is copied */
	return r;
}

bool child_end(pid_t pid)
{
	struct child child = { .pid = pid, .status = -1 };

	child_wait(&child, 1, deadline_in_ms(0));
	return child.pid == 0;
}
