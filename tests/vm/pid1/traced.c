/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * traced.c - starts /init in namespaces of its own, lets one system call fail, and sees how it
 * ends. The call is chosen by a seccomp filter, so that all others run at their own speed, and
 * counted over all processes, which strace does for each of them apart. Lab guests only.
 */
#include "traced.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/filter.h>
#include <linux/magic.h>
#include <linux/seccomp.h>
#include <sched.h>
#include <signal.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/reboot.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <sys/time.h>
#include <sys/user.h>
#include <sys/vfs.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "machine.h"

#define OPTIONS                                                                                \
	(PTRACE_O_EXITKILL | PTRACE_O_TRACESECCOMP | PTRACE_O_TRACEEXEC | PTRACE_O_TRACEFORK | \
	 PTRACE_O_TRACEVFORK | PTRACE_O_TRACECLONE | PTRACE_O_TRACESYSGOOD)
#define TICK_US 10000

struct tracing {
	const struct plan *plan;
	struct run *run;
	pid_t init;
	int kmsg;
	unsigned int limit_ms;
	struct timespec began;
	bool begun; /* the stub runs: what is before is not the image's */
	bool over;  /* what comes is only the end of processes */
	pid_t late; /* this one's call is done, and fails at its end */
};

static void strange(struct tracing *t, const char *what, const char *more)
{
	if (!*t->run->strange)
		snprintf(t->run->strange, sizeof(t->run->strange), "%s %s", what, more);
}

static unsigned int passed_ms(const struct tracing *t)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (unsigned int)((now.tv_sec - t->began.tv_sec) * 1000 +
			      (now.tv_nsec - t->began.tv_nsec) / 1000000);
}

/* ---- The process that becomes PID 1. */

/* The call, reboot(2), and writes of one byte, which may be for SysRq. */
static void filter(const struct plan *plan)
{
	const unsigned int call = plan->call == TRACED_NONE ? SYS_reboot : (unsigned int)plan->call;
	struct sock_filter some[] = {
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, call, 5, 0),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_reboot, 4, 0),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_write, 0, 2),
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, args[2])),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, 1, 1, 0),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_TRACE),
	};
	struct sock_filter all[] = { BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_TRACE) };
	struct sock_fprog program = { sizeof(some) / sizeof(some[0]), some };

	if (plan->call == TRACED_ALL)
		program = (struct sock_fprog){ 1, all };
	if (syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, 0, &program) < 0)
		_exit(99);
}

static _Noreturn void become_init(const struct plan *plan, int go)
{
	char program[] = "/init", home[] = "HOME=/", term[] = "TERM=linux",
	     *argv[] = { program, NULL }, *envp[] = { home, term, NULL }, byte;

	/* As switch_root(8) does: the first file system of all cannot be left otherwise. */
	if (read(go, &byte, 1) != 1 || chdir(MACHINE_IMAGE) < 0 ||
	    mount(".", "/", NULL, MS_MOVE, NULL) < 0 || chroot(".") < 0 || chdir("/") < 0)
		_exit(98);
	/* The kernel starts it with none, for the image has no /dev/console. */
	syscall(SYS_close_range, 0U, ~0U, 0U);
	filter(plan);
	execve(program, argv, envp);
	_exit(97);
}

static pid_t start(const struct plan *plan)
{
	int go[2];
	pid_t pid;

	if (pipe2(go, O_CLOEXEC) < 0)
		machine_die("pipe");
	pid = (pid_t)syscall(SYS_clone, CLONE_NEWPID | CLONE_NEWNS | SIGCHLD, NULL, NULL, NULL,
			     NULL);
	if (pid == 0)
		become_init(plan, go[0]);
	if (pid < 0 || ptrace(PTRACE_SEIZE, pid, NULL, OPTIONS) < 0)
		machine_die("PID 1");
	if (write(go[1], "", 1) != 1)
		machine_die("PID 1");
	close(go[0]);
	close(go[1]);
	return pid;
}

/* ---- What is seen of it. */

static char *of(pid_t pid, const char *name)
{
	static char path[128];

	snprintf(path, sizeof(path), "/proc/%d/%s", (int)pid, name);
	return path;
}

/* A number behind a word in a file; 0: it is not there. */
static unsigned long number_in(const char *path, const char *word)
{
	char text[4096], *found = strstr(machine_text(path, text, sizeof(text)), word);

	return found ? strtoul(found + strlen(word), NULL, 10) : 0;
}

/* Calls fn for a process and its descendants. */
static void for_each(pid_t pid, void (*fn)(pid_t pid, void *data), void *data)
{
	char path[64], text[1024], *rest, *word;

	fn(pid, data);
	snprintf(path, sizeof(path), "task/%d/children", (int)pid);
	machine_text(of(pid, path), text, sizeof(text));
	for (word = strtok_r(text, " ", &rest); word; word = strtok_r(NULL, " ", &rest))
		for_each((pid_t)atoi(word), fn, data);
}

struct weight {
	unsigned long pss, rss, largest;
};

static void weigh_one(pid_t pid, void *data)
{
	struct weight *w = data;
	unsigned long rss = number_in(of(pid, "smaps_rollup"), "\nRss:");

	w->rss += rss;
	w->pss += number_in(of(pid, "smaps_rollup"), "\nPss:");
	if (rss > w->largest)
		w->largest = rss;
}

/* Between these calls memory only grows by what was mapped before; so the next one sees that. */
static bool may_change_memory(unsigned long long nr)
{
	return nr == SYS_brk || nr == SYS_mmap || nr == SYS_munmap || nr == SYS_clone ||
	       nr == SYS_execve || nr == SYS_exit_group;
}

static void weigh(struct tracing *t)
{
	struct weight w = { 0 };

	for_each(t->init, weigh_one, &w);
	if (w.pss > t->run->pss_kib)
		t->run->pss_kib = w.pss;
	if (w.rss > t->run->rss_kib)
		t->run->rss_kib = w.rss;
	if (w.largest > t->run->largest_kib)
		t->run->largest_kib = w.largest;
}

static void say_where(pid_t pid, void *data)
{
	char comm[32], call[128], wchan[64];

	(void)data;
	machine_text(of(pid, "comm"), comm, sizeof(comm));
	comm[strcspn(comm, "\n")] = '\0';
	machine_text(of(pid, "syscall"), call, sizeof(call));
	call[strcspn(call, "\n")] = '\0';
	machine_say("hangs %d %s in %s: %s", (int)pid, comm,
		    machine_text(of(pid, "wchan"), wchan, sizeof(wchan)), call);
}

/* How many generations it is from PID 1, and its command. */
static void name_of(const struct tracing *t, pid_t pid, char *name, size_t size)
{
	char comm[32];
	int depth = 0;

	machine_text(of(pid, "comm"), comm, sizeof(comm));
	comm[strcspn(comm, "\n")] = '\0';
	while (pid != t->init && pid > 1 && depth < 9) {
		pid = (pid_t)number_in(of(pid, "status"), "\nPPid:");
		depth++;
	}
	snprintf(name, size, "%d:%s", depth, comm);
}

static int code_of_status(const struct tracing *t)
{
	char text[4096], *found;

	machine_text(of(t->init, "root/run/coco-unlock/status.json"), text, sizeof(text));
	found = strstr(text, "\"code\":");
	return found ? atoi(found + 7) : -1;
}

static void read_log(struct tracing *t)
{
	char line[4096];
	ssize_t n;

	while ((n = read(t->kmsg, line, sizeof(line) - 1)) > 0 || (n < 0 && errno == EPIPE)) {
		line[n < 0 ? 0 : n] = '\0';
		if (strstr(line, "coco-unlock: version ") && strstr(line, " is PID 1"))
			t->run->heard = true;
		if (strstr(line, "coco-unlock: root: it is on what was opened"))
			t->run->looked[0] = true;
		if (strstr(line, "coco-unlock: mounts: all are on what was opened"))
			t->run->looked[1] = true;
	}
}

/* ---- The stops. */

static void end_it(struct tracing *t, enum end end)
{
	if (t->over)
		return;
	t->run->end = end;
	t->run->ms = passed_ms(t);
	t->run->code = code_of_status(t);
	t->over = true;
}

/* What the root's first program finds. */
static void look_at_root(struct tracing *t, pid_t pid, dev_t dev)
{
	struct dirent *entry;
	const char *setting = machine_changed();
	DIR *dir;

	if (pid != t->init)
		strange(t, "another process executes a program of the root", "");
	if (!machine_is_root(major(dev), minor(dev)))
		strange(t, "the root is not the mapping", "");
	if (machine_secret_left() > 0)
		strange(t, "the secret is still there", "");
	if (setting)
		strange(t, "not put back:", setting);
	dir = opendir(of(pid, "fd"));
	while (dir && (entry = readdir(dir)))
		if (atoi(entry->d_name) > 2)
			strange(t, "a descriptor stays open:", entry->d_name);
	if (dir)
		closedir(dir);
}

static void execution(struct tracing *t, pid_t pid)
{
	char path[256];
	struct statfs fs;
	struct stat st;
	ssize_t n = readlink(of(pid, "exe"), path, sizeof(path) - 1);

	path[n < 0 ? 0 : n] = '\0';
	if (!t->begun) {
		t->begun = true;
		clock_gettime(CLOCK_MONOTONIC, &t->began);
		return;
	}
	if (t->over || stat(of(pid, "exe"), &st) < 0 || statfs(of(pid, "exe"), &fs) < 0)
		return;
	if (fs.f_type != TMPFS_MAGIC) {
		read_log(t);
		look_at_root(t, pid, st.st_dev);
		end_it(t, END_ROOT);
		(void)kill(t->init, SIGKILL);
	} else if (strcmp(path, "/usr/bin/coco-unlock") != 0 &&
		   strcmp(path, "/usr/sbin/e2fsck") != 0 && strcmp(path, "/usr/sbin/lvm") != 0) {
		strange(t, "a program of nobody's:", path);
	}
}

/* The last way to end the machine, which no namespace holds back. */
static bool is_trigger(pid_t pid, unsigned long long fd)
{
	char name[64], target[256];
	ssize_t n;

	snprintf(name, sizeof(name), "fd/%llu", fd);
	n = readlink(of(pid, name), target, sizeof(target) - 1);
	target[n < 0 ? 0 : n] = '\0';
	return strstr(target, "/sysrq-trigger") != NULL;
}

static void fail(const struct tracing *t, pid_t pid, struct user_regs_struct *regs)
{
	regs->rax = (unsigned long long)-(long long)t->plan->error;
	(void)ptrace(PTRACE_SETREGS, pid, NULL, regs);
}

/* True if it may go on: what ends the machine is only noted, and all go before it is done. */
static bool call(struct tracing *t, pid_t pid)
{
	const struct plan *plan = t->plan;
	struct user_regs_struct regs;
	unsigned long long nr;

	if (!t->begun || ptrace(PTRACE_GETREGS, pid, NULL, &regs) < 0)
		return true;
	nr = regs.orig_rax;
	if (t->over || nr >= TRACED_CALLS)
		return nr != SYS_reboot;
	t->run->uses[nr]++;
	if (plan->weigh && may_change_memory(nr))
		weigh(t);
	if (nr == SYS_write && regs.rdx == 1 && is_trigger(pid, regs.rdi)) {
		t->run->trigger = (char)ptrace(PTRACE_PEEKDATA, pid, (void *)regs.rsi, NULL);
		end_it(t, END_REFUSED);
		(void)kill(t->init, SIGKILL);
		return false;
	}
	if ((int)nr == plan->call && plan->nth > 0 && t->run->uses[nr] == plan->nth) {
		t->run->hit = true;
		name_of(t, pid, t->run->hit_by, sizeof(t->run->hit_by));
		/* A descriptor is closed, whatever close(2) says. */
		if (nr == SYS_close) {
			t->late = pid;
			return true;
		}
		/* brk(2) of the kernel has no error: it says where the break is. */
		if (nr == SYS_brk) {
			regs.rdi = 0;
			(void)ptrace(PTRACE_SETREGS, pid, NULL, &regs);
			return true;
		}
		regs.orig_rax = ~0ULL;
		fail(t, pid, &regs);
	} else if (nr == SYS_reboot) {
		t->run->command = (int)regs.rdx;
		end_it(t, END_REFUSED);
		(void)kill(t->init, SIGKILL);
		return false;
	}
	return true;
}

static void stopped(struct tracing *t, pid_t pid, int status)
{
	struct user_regs_struct regs;
	int signal_number = 0;

	switch (status >> 16) {
	case PTRACE_EVENT_SECCOMP:
		if (!call(t, pid))
			return;
		break;
	case PTRACE_EVENT_EXEC:
		execution(t, pid);
		break;
	case 0:
		if (WSTOPSIG(status) != (SIGTRAP | 0x80)) {
			signal_number = WSTOPSIG(status);
			/* The kernel kills PID 1 by its own fault, but not while somebody traces it. */
			if (pid == t->init &&
			    (signal_number == SIGSEGV || signal_number == SIGBUS ||
			     signal_number == SIGILL || signal_number == SIGFPE))
				(void)kill(pid, SIGKILL);
		} else if (t->late == pid && ptrace(PTRACE_GETREGS, pid, NULL, &regs) == 0) {
			t->late = 0;
			fail(t, pid, &regs);
		}
		break;
	default:
		break; /* a new process, or a stop of one */
	}
	/* It may have been killed meanwhile. */
	(void)ptrace(t->late == pid ? PTRACE_SYSCALL : PTRACE_CONT, pid, NULL, signal_number);
}

struct choice {
	pid_t init, pid;
	unsigned int nr, which;
};

static void choose(pid_t pid, void *data)
{
	struct choice *c = data;

	if (pid == c->init)
		return;
	/* The last one that is left is taken with equal chance for each. */
	c->nr++;
	c->which = c->which * 1103515245U + 12345U;
	if ((c->which >> 16) % c->nr == 0)
		c->pid = pid;
}

static void kill_one(struct tracing *t)
{
	struct choice c = { .init = t->init, .which = t->plan->which };

	for_each(t->init, choose, &c);
	if (c.pid <= 0)
		return;
	name_of(t, c.pid, t->run->hit_by, sizeof(t->run->hit_by));
	t->run->killed = kill(c.pid, SIGKILL) == 0;
}

/* Between two of its events. */
static void tick(struct tracing *t)
{
	if (!t->begun)
		return;
	if (t->plan->kill_ms > 0 && !t->run->killed && !t->over && passed_ms(t) >= t->plan->kill_ms)
		kill_one(t);
	if (passed_ms(t) < t->limit_ms)
		return;
	if (!t->over) {
		for_each(t->init, say_where, NULL);
		end_it(t, END_HANGS);
	}
	(void)kill(t->init, SIGKILL);
}

static volatile sig_atomic_t rung;

static void ring(int number)
{
	(void)number; /* a wait ends, too */
	rung = 1;
}

void traced_run(const struct plan *plan, unsigned int limit_ms, struct run *ret)
{
	const struct itimerval on = { { 0, TICK_US }, { 0, TICK_US } }, off = { 0 };
	struct tracing t = { .plan = plan, .run = ret, .limit_ms = limit_ms };
	struct sigaction action = { .sa_handler = ring };
	int status;
	pid_t pid;

	memset(ret, 0, sizeof(*ret));
	ret->code = -1;
	t.kmsg = open("/dev/kmsg", O_RDONLY | O_NONBLOCK | O_CLOEXEC);
	(void)lseek(t.kmsg, 0, SEEK_END);
	sigaction(SIGALRM, &action, NULL);
	t.init = start(plan);
	clock_gettime(CLOCK_MONOTONIC, &t.began);
	setitimer(ITIMER_REAL, &on, NULL);
	for (;;) {
		if (rung) {
			rung = 0;
			tick(&t);
		}
		pid = waitpid(-1, &status, __WALL);
		if (pid < 0 && errno == EINTR)
			continue;
		if (pid < 0)
			break; /* all are gone */
		if (WIFSTOPPED(status)) {
			stopped(&t, pid, status);
		} else if (pid == t.init) {
			ret->status = status;
			end_it(&t, END_DEAD);
		}
	}
	setitimer(ITIMER_REAL, &off, NULL);
	read_log(&t);
	close(t.kmsg);
}
