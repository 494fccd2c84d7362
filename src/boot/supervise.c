/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * supervise.c - the parent of the process that unlocks: waits for it, and ends it at the
 * deadline. What it has left is undone by who has called (stop.c).
 * Trusts the child's report, for it is the same program with the same rights. Never has a
 * secret in its memory.
 */
#include "boot/supervise.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>

#include "base/child.h"
#include "base/paths.h"
#include "boot/unlock.h"

/* The pipeline keeps the deadline by itself while it waits; this much later it is killed. */
#define GRACE_MS 3000

struct shared {
	struct report report;
	struct attempts attempts;
	struct fault fault;
	int r;
	bool done;
};

/* The unit keeps the kernel from choosing what ends the machine when memory is short; a key
 * derivation that takes too much of it may be chosen. */
static void be_killed_first(const struct root *root)
{
	_cleanup_close_ int fd = root_open(root, PATH_OOM_SCORE_ADJ, O_WRONLY, 0);

	if (fd < 0 || write(fd, "0", 1) != 1)
		return; /* in a tree, or without that file, all are equal */
}

static void run_child(const struct root *root, const struct conf *conf,
		      const struct attempt *attempt, const sigset_t *old, pid_t parent,
		      struct shared *shared)
{
	/* A parent that was killed before it could be watched has another number. Of the processes
	 * that this one starts none may have the rescue keys. */
	if (prctl(PR_SET_PDEATHSIG, SIGKILL) < 0 || getppid() != parent ||
	    rescue_keys_share(shared->attempts.keys, false) < 0 ||
	    sigprocmask(SIG_SETMASK, old, NULL) < 0)
		_exit(EXIT_FAILURE);
	be_killed_first(root);
	shared->r =
		unlock_run(root, conf, &shared->report, &shared->attempts, attempt, &shared->fault);
	shared->done = true;
	_exit(EXIT_SUCCESS);
}

/* Waits for the child or a reason to end it. Fills f if it did not end by itself. */
static void wait_child(pid_t pid, const sigset_t *signals, struct deadline deadline,
		       struct fault *f)
{
	siginfo_t info = { 0 };
	int status, signal_number;

	for (;;) {
		int left = deadline_left_ms(deadline);
		const struct timespec wait = { left / 1000, left % 1000 * 1000000L };

		if (waitpid(pid, &status, WNOHANG) == pid)
			break;
		signal_number = sigtimedwait(signals, &info, &wait);
		if (signal_number == SIGCHLD || (signal_number < 0 && errno == EINTR))
			continue;
		if (signal_number > 0)
			(void)fault_set(f, EXITCODE_ABORTED, EINTR,
					"signal %d asked the unlock to end", signal_number);
		else
			(void)fault_set(f, EXITCODE_DEADLINE, ETIMEDOUT,
					"the time is over, and a keyslot is still being opened");
		(void)child_end(pid); /* if a disk holds on to it, it is left behind */
		return;
	}
	if (WIFSIGNALED(status))
		(void)fault_advise(f, EXITCODE_INTERNAL, ECHILD,
				   WTERMSIG(status) == SIGKILL ?
					   "give the guest more memory; if it has enough, report this "
					   "with all that the console has shown" :
					   "",
				   "the unlocking process was killed by signal %d",
				   WTERMSIG(status));
	else if (WEXITSTATUS(status) != EXIT_SUCCESS)
		(void)fault_set(f, EXITCODE_INTERNAL, ECHILD, "the unlocking process has failed");
}

/* The one child that has the rescue keys. 0 in the child; in the parent its number, or -errno. A
 * page that every later child would have goes. */
static pid_t fork_with_keys(struct rescue_keys **keys)
{
	int r = rescue_keys_share(*keys, true);
	pid_t pid;

	if (r < 0)
		return r;
	pid = fork();
	if (pid < 0)
		pid = -errno;
	if (pid == 0 || rescue_keys_share(*keys, false) >= 0)
		return pid;
	if (pid > 0)
		(void)child_end(pid);
	rescue_keys_done(keys);
	return -ENOMEM; /* madvise(2): the one reason */
}

static int run(const struct root *root, const struct conf *conf, const struct attempt *attempt,
	       struct shared *shared, struct fault *f)
{
	struct deadline deadline = deadline_in_ms(conf->timeout_ms + GRACE_MS);
	sigset_t signals, old;
	const pid_t parent = getpid();
	pid_t pid;

	/* Who has started us may have ignored it: then no child can be waited for. */
	(void)signal(SIGCHLD, SIG_DFL);
	sigemptyset(&signals);
	sigaddset(&signals, SIGCHLD);
	sigaddset(&signals, SIGTERM);
	sigaddset(&signals, SIGINT);
	sigaddset(&signals, SIGHUP);
	if (sigprocmask(SIG_BLOCK, &signals, &old) < 0)
		return fault_errno(f, EXITCODE_INTERNAL, -errno, "sigprocmask");
	pid = fork_with_keys(&shared->attempts.keys);
	if (pid == 0)
		run_child(root, conf, attempt, &old, parent, shared);
	if (pid < 0)
		return fault_errno(f, EXITCODE_NO_MEMORY, pid,
				   "cannot start the unlocking process");
	wait_child(pid, &signals, deadline, f);
	return f->code == EXITCODE_OK ? 0 : -ECHILD;
}

int supervise(const struct root *root, const struct conf *conf, struct report *report,
	      struct attempts *attempts, const struct attempt *attempt, struct fault *f)
{
	struct fault ended = { 0 };
	struct shared *shared;
	int r;

	shared = mmap(NULL, sizeof(*shared), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1,
		      0);
	if (shared == MAP_FAILED)
		return fault_set(f, EXITCODE_NO_MEMORY, ENOMEM, "no memory for the report");
	shared->report = *report;
	shared->attempts = *attempts;
	shared->fault = *f;
	r = run(root, conf, attempt, shared, &ended);
	*report = shared->report;
	*attempts = shared->attempts;
	*f = shared->fault;
	if (r >= 0 && shared->done)
		r = shared->r;
	else
		r = -ECHILD;
	(void)munmap(shared, sizeof(*shared)); /* its content is copied */
	if (r != -ECHILD)
		return r;
	if (ended.code == EXITCODE_OK)
		(void)fault_set(&ended, EXITCODE_INTERNAL, ECHILD,
				"the unlocking process has failed");
	fault_merge(f, &ended);
	/* An earlier reason is the one that is told. Who waits next then hears of the signal. */
	if (ended.code == EXITCODE_ABORTED && f->code != EXITCODE_ABORTED)
		(void)raise(SIGTERM); /* blocked, and so kept */
	return -ECHILD;
}
