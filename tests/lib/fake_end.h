/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * fake_end.h - the end of a machine that goes on: reboot(2) is a fake, and the processes that
 * take part may hang, be killed or find no child. Whatever they do is written down in memory
 * that all of them share, in its order; time passes only where the plan says so. For one test
 * program each. What is left of them is killed by end_over().
 */
#ifndef FAKE_END_H
#define FAKE_END_H

#include <linux/futex.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/reboot.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include "base/paths.h"
#include "conf/conf.h"
#include "fixture.h"
#include "inject_next.h"

#define END_EVENTS_MAX 256
#define END_PATIENCE_S 60 /* no test needs it: a defect does */

/* How a machine can end, and what the kernel is asked for then. */
static const struct {
	enum failure_action action;
	int command;
	const char *name;
} end_ways[] = {
	{ FAILURE_ACTION_POWEROFF, RB_POWER_OFF, "poweroff" },
	{ FAILURE_ACTION_REBOOT, RB_AUTOBOOT, "reboot" },
	{ FAILURE_ACTION_HALT, RB_HALT_SYSTEM, "halt" },
};

struct end_event {
	const char *what; /* NULL: not yet written */
	pid_t pid;
	long value;
};

static struct end_shared {
	uint64_t ahead_us; /* of the clock */
	unsigned int nr, wake;
	struct end_event events[END_EVENTS_MAX];
	/* what the process that called reboot() was like */
	pid_t reboot_parent;
	bool own_session;
	int cpus, first_cpu, open_signals, standard_fds;
	char strange_fds[512]; /* neither pipe nor trigger nor a process */
} *end;

enum end_reboot {
	END_REBOOT_RETURNS,
	END_REBOOT_EXITS, /* as Linux does when the power-off has come back */
	END_REBOOT_HANGS,
	END_REBOOT_DIES,
};

/* How it goes; each process has what was there when it was forked. */
static struct end_plan {
	enum end_reboot reboot;
	unsigned int fork_fails_at; /* the caller's nth call; 0: none */
	bool no_fork;		    /* no call of anybody succeeds */
	int pipe_error, pidfd_error, key_error, poll_error;
	const char *limit_after;   /* the watch's time is over when this has happened */
	const char *patience_ends; /* and a wait of the caller for children, when this has */
	unsigned int nr_waits;	   /* so many of them */
	bool watch_waits;	   /* not the caller: the watch */
	unsigned int others;	   /* children that end before that */
	bool undead;		   /* the caller's children do not die, if they hang */
	const char *open_path;	   /* cannot be looked at: */
	int open_error;
} plan;

static pid_t end_caller;
static unsigned int end_forks, end_collected;
static void (*end_hook)(const char *what); /* called with each event, in its process */

static __attribute__((constructor)) void end_share(void)
{
	end = mmap(NULL, sizeof(*end), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	FIXTURE_MUST(end != MAP_FAILED);
	/* Orphans come to us, who kill them. */
	FIXTURE_MUST(INJECT_NEXT(prctl)(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0) == 0);
}

static inline void end_note(const char *what, long value)
{
	unsigned int at = __atomic_fetch_add(&end->nr, 1, __ATOMIC_SEQ_CST);

	if (at < END_EVENTS_MAX) {
		end->events[at].pid = getpid();
		end->events[at].value = value;
		__atomic_store_n(&end->events[at].what, what, __ATOMIC_SEQ_CST);
	}
	(void)__atomic_fetch_add(&end->wake, 1, __ATOMIC_SEQ_CST);
	(void)INJECT_NEXT(syscall)(SYS_futex, &end->wake, FUTEX_WAKE, INT_MAX, NULL, NULL, 0L);
	if (end_hook)
		end_hook(what);
}

/* The place of the nth (from 1) such event of a process (0: of any), or -1. */
static inline int end_find(const char *what, pid_t pid, unsigned int nth)
{
	unsigned int i;

	for (i = 0; i < END_EVENTS_MAX && i < __atomic_load_n(&end->nr, __ATOMIC_SEQ_CST); i++) {
		const char *is = __atomic_load_n(&end->events[i].what, __ATOMIC_SEQ_CST);

		if (is && strcmp(is, what) == 0 && (pid == 0 || end->events[i].pid == pid) &&
		    --nth == 0)
			return (int)i;
	}
	return -1;
}

static inline unsigned int end_count(const char *what)
{
	unsigned int n = 0;

	while (end_find(what, 0, n + 1) >= 0)
		n++;
	return n;
}

static inline pid_t end_pid(const char *what)
{
	int at = end_find(what, 0, 1);

	return at < 0 ? 0 : end->events[at].pid;
}

static inline long end_value(const char *what)
{
	int at = end_find(what, 0, 1);

	return at < 0 ? -1 : end->events[at].value;
}

/* True if both have happened, in this order. */
static inline bool end_order(const char *first, const char *second)
{
	int a = end_find(first, 0, 1), b = end_find(second, 0, 1);

	return a >= 0 && b > a;
}

/* Waits until it has happened. False if it does not. */
static inline bool end_await(const char *what, pid_t pid, unsigned int nth)
{
	const struct timespec limit = { END_PATIENCE_S, 0 };
	unsigned int seen;

	for (;;) {
		seen = __atomic_load_n(&end->wake, __ATOMIC_SEQ_CST);
		if (end_find(what, pid, nth) >= 0)
			return true;
		if (INJECT_NEXT(syscall)(SYS_futex, &end->wake, FUTEX_WAIT, seen, &limit, NULL, 0) <
			    0 &&
		    errno == ETIMEDOUT)
			return false;
	}
}

static inline _Noreturn void end_hang(const char *what)
{
	end_note(what, 0);
	for (;;)
		(void)INJECT_NEXT(syscall)(SYS_ppoll, NULL, 0, NULL, NULL, 0);
}

/* A process that calls body(), which should not return. */
static inline pid_t end_begin(void (*body)(void))
{
	pid_t pid;

	memset(end, 0, sizeof(*end));
	end_forks = end_collected = 0;
	(void)fflush(stdout);
	pid = INJECT_NEXT(fork)();
	FIXTURE_MUST(pid >= 0);
	if (pid == 0) {
		end_caller = getpid();
		body();
		end_note("returns", 0);
		_exit(EXIT_SUCCESS);
	}
	return pid;
}

/* Kills what is left: our children, and those that become ours by that. */
static inline void end_over(void)
{
	char path[64], text[4096], *p;
	ssize_t n;
	pid_t pid;
	int fd;

	(void)snprintf(path, sizeof(path), "/proc/self/task/%d/children", (int)getpid());
	do {
		fd = open(path, O_RDONLY | O_CLOEXEC);
		FIXTURE_MUST(fd >= 0);
		n = (ssize_t)INJECT_NEXT(syscall)(SYS_read, fd, text, sizeof(text) - 1);
		FIXTURE_MUST(n >= 0 && close(fd) == 0);
		text[n] = '\0';
		for (p = text; (pid = (pid_t)strtol(p, &p, 10)) > 0;) {
			(void)INJECT_NEXT(kill)(pid, SIGKILL);
			FIXTURE_MUST(INJECT_NEXT(waitpid)(pid, NULL, 0) == pid);
		}
	} while (n > 0);
	plan = (struct end_plan){ 0 };
}

pid_t fork(void)
{
	pid_t pid;

	if (plan.no_fork || (getpid() == end_caller && ++end_forks == plan.fork_fails_at)) {
		errno = EAGAIN;
		return -1;
	}
	pid = INJECT_NEXT(fork)();
	if (pid > 0)
		end_note("fork", pid);
	return pid;
}

int pipe2(int fds[2], int flags)
{
	errno = plan.pipe_error;
	return plan.pipe_error ? -1 : INJECT_NEXT(pipe2)(fds, flags);
}

long syscall(long number, ...)
{
	long a[6];
	va_list ap;
	int i;

	va_start(ap, number);
	for (i = 0; i < 6; i++)
		a[i] = va_arg(ap, long);
	va_end(ap);
	if (number == SYS_openat2)
		end_note("open", 0);
	if (number == SYS_openat2 && plan.open_path && strcmp((char *)a[1], plan.open_path) == 0) {
		errno = plan.open_error;
		return -1;
	}
	errno = plan.pidfd_error;
	if (number == SYS_pidfd_open && plan.pidfd_error)
		return -1;
	return INJECT_NEXT(syscall)(number, a[0], a[1], a[2], a[3], a[4], a[5]);
}

int clock_gettime(clockid_t clock, struct timespec *t)
{
	int r = (int)INJECT_NEXT(syscall)(SYS_clock_gettime, clock, t);
	uint64_t ns =
		(uint64_t)t->tv_nsec + __atomic_load_n(&end->ahead_us, __ATOMIC_SEQ_CST) * 1000;

	t->tv_sec += (time_t)(ns / 1000000000);
	t->tv_nsec = (long)(ns % 1000000000);
	return r;
}

/* Only the watch polls. */
int poll(struct pollfd *fds, nfds_t nr, int timeout)
{
	const struct timespec wait = { timeout / 1000, timeout % 1000 * 1000000L };
	int r;

	end_note("watches", timeout);
	if (plan.poll_error) {
		errno = plan.poll_error;
		plan.poll_error = 0;
		return -1;
	}
	if (plan.limit_after) {
		(void)end_await(plan.limit_after, 0, 1);
		(void)__atomic_fetch_add(&end->ahead_us, (uint64_t)timeout * 1000,
					 __ATOMIC_SEQ_CST);
		return 0;
	}
	r = (int)INJECT_NEXT(syscall)(SYS_ppoll, fds, nr, &wait, NULL, 0);
	end_note("woken", r);
	return r;
}

/* Only child.c waits so, for children. */
int sigtimedwait(const sigset_t *signals, siginfo_t *info, const struct timespec *timeout)
{
	long ms = timeout->tv_sec * 1000 + timeout->tv_nsec / 1000000;

	end_note("waits for children", ms);
	if (!plan.patience_ends || plan.nr_waits == 0 || end_collected < plan.others ||
	    plan.watch_waits == (getpid() == end_caller))
		return INJECT_NEXT(sigtimedwait)(signals, info, timeout);
	plan.nr_waits--;
	(void)end_await(plan.patience_ends, 0, 1);
	(void)__atomic_fetch_add(&end->ahead_us, (uint64_t)ms * 1000 + 1000, __ATOMIC_SEQ_CST);
	errno = EAGAIN;
	return -1;
}

pid_t waitpid(pid_t pid, int *status, int options)
{
	if (plan.undead && getpid() == end_caller && end_find("hangs", pid, 1) >= 0)
		return 0;
	if (!(options & WNOHANG))
		end_note("waits for the watch", pid);
	pid = INJECT_NEXT(waitpid)(pid, status, options);
	end_collected += pid > 0;
	return pid;
}

/* One CPU number more than there are here does not matter: these are nobody's. */
static cpu_set_t end_cpus;

static inline void end_set_cpus(int a, int b)
{
	CPU_ZERO(&end_cpus);
	CPU_SET(a, &end_cpus);
	CPU_SET(b, &end_cpus);
}

int sched_getaffinity(pid_t pid, size_t size, cpu_set_t *set)
{
	FIXTURE_MUST(pid == 0 && size == sizeof(*set));
	*set = end_cpus;
	return 0;
}

int sched_setaffinity(pid_t pid, size_t size, const cpu_set_t *set)
{
	FIXTURE_MUST(pid == 0 && size == sizeof(*set) && CPU_COUNT(set) > 0);
	end_cpus = *set;
	return 0;
}

/* What SAK would kill its owner for, or what could hold something up. */
static inline void end_look_at_fds(void)
{
	DIR *dir = opendir("/proc/self/fd");
	char target[PATH_MAX];
	struct dirent *e;
	ssize_t n;

	FIXTURE_MUST(dir);
	while ((e = readdir(dir))) {
		n = readlinkat(dirfd(dir), e->d_name, target, sizeof(target) - 1);
		if (n < 0 || atoi(e->d_name) == dirfd(dir))
			continue;
		target[n] = '\0';
		if (strncmp(target, "pipe:", 5) != 0 && !strstr(target, "pidfd") &&
		    !strstr(target, PATH_SYSRQ_TRIGGER))
			(void)snprintf(end->strange_fds, sizeof(end->strange_fds), "%.20s=%.200s",
				       e->d_name, target);
	}
	(void)closedir(dir);
}

int reboot(int command)
{
	sigset_t blocked;
	int i;

	FIXTURE_MUST(sigprocmask(SIG_BLOCK, NULL, &blocked) == 0);
	end->open_signals = 0;
	for (i = 1; i <= SIGRTMAX; i++)
		end->open_signals += i != SIGKILL && i != SIGSTOP && (i < 32 || i >= SIGRTMIN) &&
				     sigismember(&blocked, i) == 0;
	for (end->first_cpu = 0; !CPU_ISSET(end->first_cpu, &end_cpus); end->first_cpu++)
		;
	for (i = end->standard_fds = 0; i <= STDERR_FILENO; i++)
		end->standard_fds += fcntl(i, F_GETFD) >= 0;
	end->cpus = CPU_COUNT(&end_cpus);
	end->own_session = getsid(0) == getppid();
	end->reboot_parent = getppid();
	end_look_at_fds();
	end_note("reboot", command);
	if (plan.reboot == END_REBOOT_EXITS)
		_exit(EXIT_SUCCESS);
	if (plan.reboot == END_REBOOT_HANGS)
		end_hang("hangs");
	if (plan.reboot == END_REBOOT_DIES)
		(void)INJECT_NEXT(kill)(getpid(), SIGKILL);
	errno = EPERM;
	return -1;
}

/* Who has nothing more to do: woken twice, by nothing. */
int pause(void)
{
	end_note("stays", 0);
	if (end_find("stays", getpid(), 3) >= 0)
		end_hang("is at its end");
	errno = EINTR;
	return -1;
}

/* The keys of SysRq; a console; all else. */
static size_t end_piece; /* how much is taken at once, if not all */

ssize_t write(int fd, const void *buf, size_t len)
{
	const char *text = buf;

	if (len == 1 && (*text == 'b' || *text == 'c')) {
		end_note(*text == 'b' ? "b" : "c", 0);
		errno = plan.key_error;
		if (plan.key_error)
			return -1;
	} else if (len > 2 && strncmp(text, "\r\n", 2) == 0) {
		end_note("console", CPU_ISSET(2, &end_cpus));
	} else if (len == 1 && *text == '\0') {
		end_note("word", 0);
	}
	if (end_piece > 0 && len > end_piece)
		len = end_piece;
	return (ssize_t)INJECT_NEXT(syscall)(SYS_write, fd, buf, len);
}

#endif
