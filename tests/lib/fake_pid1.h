/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * fake_pid1.h - a machine that PID 1 of an initramfs can do its work in: a tree, in which a mount
 * is a directory that moves. Nothing of the real machine is mounted, deleted, executed or ended.
 * Each use of a call is counted over all processes, and any one of them can be made to fail. For
 * one test program each, which has the steps of a boot (step.h) and the end of it (stop.h).
 */
#ifndef FAKE_PID1_H
#define FAKE_PID1_H

#include <linux/magic.h>
#include <poll.h>
#include <signal.h>
#include <stdarg.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/vfs.h>
#include <sys/wait.h>

#include "base/modules.h"
#include "base/paths.h"
#include "boot/stop.h"
#include "fixture.h"
#include "inject_next.h"

#define PID1_PATIENCE_MS 15000 /* no test needs it: a defect does */
#define PID1_ARGV "single\0"   /* what the stub has kept */
#define PID1_ENVP "HOME=/\0TERM=linux\0WORD=x\0LD_DEBUG=all\0"
#define PID1_OTHER "/old/other" /* another file system inside of the initramfs */

enum pid1_call {
	PID1_NONE,
	PID1_MOUNT,
	PID1_FSOPEN,
	PID1_FSCONFIG,
	PID1_FSMOUNT,
	PID1_MOVE_MOUNT,
	PID1_CHDIR,
	PID1_CHROOT,
	PID1_EXECVE,
	PID1_FORK,
	PID1_PIPE2,
	PID1_OPEN,
	PID1_OPENAT,
	PID1_OPENAT2,
	PID1_MMAP,
	PID1_READ,
	PID1_WRITE,
	PID1_DUP,
	PID1_DUP2,
	PID1_FSTAT,
	PID1_FSTATAT,
	PID1_FSTATFS,
	PID1_FDOPENDIR,
	PID1_READDIR,
	PID1_UNLINKAT,
	PID1_SYMLINKAT,
	PID1_RENAMEAT,
	PID1_FSYNC,
	_PID1_MAX,
};

/* clang-format off */
static const char *const pid1_names[_PID1_MAX] = {
	"nothing", "mount", "fsopen", "fsconfig", "fsmount", "move_mount", "chdir", "chroot",
	"execve", "fork", "pipe2", "open", "openat", "openat2", "mmap", "read", "write", "dup",
	"dup2", "fstat", "fstatat", "fstatfs", "fdopendir", "readdir", "unlinkat", "symlinkat",
	"renameat", "fsync",
};
/* clang-format on */

/* What all processes of a run share. */
static struct pid1_shared {
	unsigned int uses[_PID1_MAX];
	unsigned int hits, killed;
	pid_t pid, hit; /* PID 1; the process that the last failure was in */
	unsigned int executed, ended, returned;
	unsigned int unlocked, looks, mounted; /* what the steps have done */
	unsigned int chroots, deleted;
	int64_t ahead_s, longest_wait_s;
	bool hanging;
	bool ended_in_pieces; /* the kernel's file systems were not all in one place */
	enum exitcode code;   /* of the first end */
	char why[FAULT_WHY_MAX];
	char next[FAULT_WHY_MAX];
	char strange[512]; /* the first thing that must not be */
} *pid1;

/* How it goes; each process has what was there when it was forked. */
static struct pid1_plan {
	enum pid1_call call;
	unsigned int nth; /* from 1; 0: none fails */
	int error;
	bool no_memory_fs; /* the tree is on a disk */
	int limit_ms;	   /* of each poll, which only the speaker does; 0: its own */
	bool hangs;	   /* a child will say that it does */
	bool end_is_real;  /* PID 1 goes with it, as all do */
	void (*accident)(const char *where);
	unsigned int kill_after_us; /* one of its children, from outside; 0: none */
} pid1_plan;

static struct fixture pid1_fx;
static pid_t pid1_pid, pid1_last_child;

static __attribute__((constructor)) void pid1_share(void)
{
	pid1 = (void *)INJECT_NEXT(syscall)(SYS_mmap, NULL, sizeof(*pid1), PROT_READ | PROT_WRITE,
					    MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	FIXTURE_MUST((void *)pid1 != MAP_FAILED);
	/* Orphans come to us, who kill them. */
	FIXTURE_MUST(prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0) == 0);
	/* What who has started us left open is not ours. */
	(void)INJECT_NEXT(syscall)(SYS_close_range, 3U, ~0U, 4U /* CLOSE_RANGE_CLOEXEC */);
}

static inline bool pid1_fails(enum pid1_call call)
{
	unsigned int use;

	if (pid1_pid == 0)
		return false;
	use = __atomic_add_fetch(&pid1->uses[call], 1, __ATOMIC_SEQ_CST);
	if (call != pid1_plan.call || use != pid1_plan.nth)
		return false;
	pid1->hit = getpid();
	(void)__atomic_fetch_add(&pid1->hits, 1, __ATOMIC_SEQ_CST);
	errno = pid1_plan.error;
	return true;
}

static inline __attribute__((format(printf, 1, 2))) void pid1_strange(const char *fmt, ...)
{
	va_list ap;

	if (*pid1->strange)
		return;
	va_start(ap, fmt);
	(void)vsnprintf(pid1->strange, sizeof(pid1->strange), fmt, ap);
	va_end(ap);
}

static inline void pid1_come_to(const char *where)
{
	if (pid1_plan.accident)
		pid1_plan.accident(where);
}

/* Of the machine and of the root that is mounted on it. */
static inline void pid1_begin(void)
{
	static const char *const settings[] = {
		PATH_SYSRQ, "438\n",	   PATH_PANIC,	       "0\n",	     PATH_PANIC_ON_OOPS,
		"0\n",	    PATH_MODPROBE, "/sbin/modprobe\n", PATH_DEVKMSG, "ratelimit\n"
	};
	size_t i;

	fixture_init(&pid1_fx);
	for (i = 0; i < ARRAY_SIZE(settings); i += 2)
		fixture_text(&pid1_fx, settings[i], settings[i + 1]);
	fixture_text(&pid1_fx, PATH_CMDLINE, "quiet console=ttyS0 WORD=x single LD_DEBUG=all\n");
	fixture_put(&pid1_fx, PATH_KERNEL_ARGV, PID1_ARGV, sizeof(PID1_ARGV) - 1);
	fixture_put(&pid1_fx, PATH_KERNEL_ENVP, PID1_ENVP, sizeof(PID1_ENVP) - 1);
	fixture_text(&pid1_fx, PATH_CONSOLES_ACTIVE, "ttyS0\n");
	fixture_text(&pid1_fx, PATH_CONSOLE, "");
	fixture_text(&pid1_fx, PATH_DEV_NULL, "");
	fixture_text(&pid1_fx, PATH_KMSG, "");
	fixture_mkdir(&pid1_fx, PATH_DM_DIR);
	fixture_mkdir(&pid1_fx, PATH_RUN);
	fixture_mkdir(&pid1_fx, PATH_EFIVARS);
	fixture_text(&pid1_fx, PATH_SYS_BLOCK "/dm-0/dev", "254:0\n");
	fixture_text(&pid1_fx, PATH_SYS_BLOCK "/dm-0/dm/name", "root\n");
	fixture_text(&pid1_fx, PATH_SYS_BLOCK "/dm-0/dm/uuid", "CRYPT-LUKS2-1-root\n");
	fixture_text(&pid1_fx, "/usr/bin/coco-unlock", "program");
	fixture_text(&pid1_fx, "/usr/lib/a/b/c", "library");
	fixture_text(&pid1_fx, PID1_OTHER "/file", "of another file system");
	fixture_mkdir(&pid1_fx, PATH_SYSROOT PATH_PROC);
	fixture_mkdir(&pid1_fx, PATH_SYSROOT PATH_SYS);
	fixture_mkdir(&pid1_fx, PATH_SYSROOT PATH_DEV);
	fixture_mkdir(&pid1_fx, PATH_SYSROOT PATH_RUN);
	fixture_text(&pid1_fx, PATH_SYSROOT "/sbin/init", "the root's");
	FIXTURE_MUST(chmod(fixture_path(&pid1_fx, PATH_SYSROOT "/sbin/init"), 0755) == 0);
	memset(pid1, 0, sizeof(*pid1));
}

/* The name that an open directory has in the tree. */
static inline const char *pid1_name_of(int fd)
{
	static char target[PATH_MAX];
	char path[64];
	ssize_t n;

	(void)snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	n = readlink(path, target, sizeof(target) - 1);
	target[n < 0 ? 0 : n] = '\0';
	n = (ssize_t)strlen(pid1_fx.dir);
	return strncmp(target, pid1_fx.dir, (size_t)n) == 0 ? target + n : target;
}

/* All that a program of the root can see of who has executed it. */
static inline void pid1_look_at_process(void)
{
	struct sigaction action;
	sigset_t mask;
	int i, flags;

	FIXTURE_MUST(sigprocmask(SIG_BLOCK, NULL, &mask) == 0);
	for (i = 1; i <= SIGRTMAX; i++) {
		if (sigismember(&mask, i) == 1)
			pid1_strange("signal %d is blocked", i);
		if (sigaction(i, NULL, &action) == 0 && action.sa_handler != SIG_DFL)
			pid1_strange("signal %d is not at its default", i);
	}
	for (i = STDERR_FILENO + 1; i < 1024; i++) {
		flags = INJECT_NEXT(fcntl)(i, F_GETFD);
		if (flags >= 0 && !(flags & FD_CLOEXEC))
			pid1_strange("descriptor %d stays open: %s", i, pid1_name_of(i));
	}
	for (i = 0; i <= STDERR_FILENO; i++) {
		if (pid1->hits == 0 && strcmp(pid1_name_of(i), PATH_SYSROOT PATH_CONSOLE) != 0)
			pid1_strange("descriptor %d is %s", i, pid1_name_of(i));
	}
}

static inline void pid1_look_at_setting(const char *path, const char *old)
{
	char where[PATH_MAX];

	(void)snprintf(where, sizeof(where), "%s%s", PATH_SYSROOT, path);
	if (strncmp(fixture_get(&pid1_fx, where), old, strlen(old)) != 0)
		pid1_strange("%s is not as it was", path);
}

static inline void pid1_look_at_settings(void)
{
	pid1_look_at_setting(PATH_SYSRQ, "438\n");
	pid1_look_at_setting(PATH_PANIC, "0\n");
	pid1_look_at_setting(PATH_PANIC_ON_OOPS, "0\n");
	pid1_look_at_setting(PATH_MODPROBE, "/sbin/modprobe\n");
	pid1_look_at_setting(PATH_DEVKMSG, "ratelimit\n");
}

int execve(const char *path, char *const argv[], char *const envp[])
{
	int fd, flags;

	if (pid1_fails(PID1_EXECVE))
		return -1;
	pid1_plan = (struct pid1_plan){ 0 };
	if (getpid() != pid1_pid || strcmp(path, "/sbin/init") != 0 || pid1->chroots != 1)
		pid1_strange("process %d of %d executes %s", (int)getpid(), (int)pid1_pid, path);
	if (!argv[0] || strcmp(argv[0], path) != 0 || !argv[1] || strcmp(argv[1], "single") != 0 ||
	    argv[2])
		pid1_strange("other arguments");
	if (strcmp(envp[0], "HOME=/") != 0 || strcmp(envp[1], "TERM=linux") != 0 || !envp[2] ||
	    strcmp(envp[2], "WORD=x") != 0 || envp[3])
		pid1_strange("another environment");
	pid1_look_at_process();
	pid1_look_at_settings();
	pid1->executed++;
	for (fd = 0; fd < 1024; fd++) {
		flags = INJECT_NEXT(fcntl)(fd, F_GETFD);
		if (flags >= 0 && (flags & FD_CLOEXEC))
			(void)close(fd);
	}
	while (INJECT_NEXT(waitpid)(-1, NULL, 0) > 0)
		; /* who speaks ends by itself */
	_exit(EXIT_SUCCESS);
}

/* The end of the machine. As stop.h says, it does not return; here the process ends. */
static inline int pid1_end(const struct root *root, const struct fault *f)
{
	unsigned int before = __atomic_fetch_add(&pid1->ended, 1, __ATOMIC_SEQ_CST);

	struct stat st;

	if (f->code == EXITCODE_OK)
		pid1_strange("an end without a reason");
	if (root->fd >= 0 && (INJECT_NEXT(fstat)(root->fd, &st) < 0 || !S_ISDIR(st.st_mode)))
		pid1_strange("the root's descriptor is another file's");
	if (strcmp(fault_next(f), exitcode_next(EXITCODE_ABORTED)) == 0)
		pid1_strange("another part of the initramfs gave up: there is none");
	if (root_exists(root, PATH_PROC "/cmdline") != root_exists(root, PATH_CONSOLES_ACTIVE) ||
	    root_exists(root, PATH_CONSOLE) != root_exists(root, PATH_CONSOLES_ACTIVE))
		pid1->ended_in_pieces = true;
	if (before == 0) {
		pid1->code = f->code;
		(void)snprintf(pid1->why, sizeof(pid1->why), "%s", f->why);
		(void)snprintf(pid1->next, sizeof(pid1->next), "%s", fault_next(f));
	}
	if (pid1_plan.end_is_real)
		(void)INJECT_NEXT(kill)(pid1->pid, SIGKILL);
	_exit(f->code == EXITCODE_OK ? 1 : (int)f->code);
}

int stop_unrescued(const struct root *root, const struct conf *conf, struct report *report,
		   struct fault *fault)
{
	if (!conf || !report->discarded || !report->claimed)
		pid1_strange("an end that leaves something");
	return pid1_end(root, fault);
}

/* A move of a directory is a new name for it; where it was, an empty one is left. */
static inline int pid1_move(const char *from, const char *to)
{
	if (rename(fixture_path(&pid1_fx, from), fixture_path(&pid1_fx, to)) < 0)
		return -1;
	return mkdir(fixture_path(&pid1_fx, from), 0755);
}

int mount(const char *source, const char *target, const char *type, unsigned long flags,
	  const void *data)
{
	(void)data;
	if (pid1_fails(PID1_MOUNT))
		return -1;
	if (!(flags & MS_MOVE)) {
		if (!type || strcmp(type, "ext4") == 0)
			pid1_strange("a mount of %s on %s", type ? type : "nothing", target);
		return 0;
	}
	if (pid1->unlocked != 1 || pid1->looks != 2)
		pid1_strange("%s moves before all was looked at", source);
	return strcmp(source, ".") == 0 ? 0 : pid1_move(source, target);
}

int fsopen(const char *type, unsigned int flags)
{
	if (strcmp(type, "ext4") != 0 || !(flags & FSOPEN_CLOEXEC))
		pid1_strange("a file system %s", type);
	return pid1_fails(PID1_FSOPEN) ? -1 : INJECT_NEXT(open)("/dev/null", O_RDWR | O_CLOEXEC);
}

int fsconfig(int fs, unsigned int command, const char *key, const void *value, int aux)
{
	(void)fs;
	(void)command;
	(void)key;
	(void)value;
	(void)aux;
	return pid1_fails(PID1_FSCONFIG) ? -1 : 0;
}

int fsmount(int fs, unsigned int flags, unsigned int attributes)
{
	(void)fs;
	(void)attributes;
	if (!(flags & FSMOUNT_CLOEXEC))
		pid1_strange("fsmount() without CLOEXEC");
	return pid1_fails(PID1_FSMOUNT) ? -1 : INJECT_NEXT(open)("/dev/null", O_RDWR | O_CLOEXEC);
}

int move_mount(int from, const char *from_path, int to, const char *to_path, unsigned int flags)
{
	(void)from;
	(void)from_path;
	(void)to_path;
	(void)flags;
	if (pid1_fails(PID1_MOVE_MOUNT))
		return -1;
	if (strcmp(pid1_name_of(to), PATH_SYSROOT) != 0)
		pid1_strange("a mount on %s", pid1_name_of(to));
	pid1->mounted++;
	return 0;
}

int chdir(const char *path)
{
	(void)path;
	return pid1_fails(PID1_CHDIR) ? -1 : 0;
}

int chroot(const char *path)
{
	if (pid1_fails(PID1_CHROOT))
		return -1;
	if (strcmp(path, ".") != 0)
		pid1_strange("chroot to %s", path);
	pid1->chroots++;
	pid1_come_to("chroot");
	return 0;
}

pid_t fork(void)
{
	if (pid1_fails(PID1_FORK))
		return -1;
	pid1_last_child = INJECT_NEXT(fork)();
	return pid1_last_child;
}

int pipe2(int fds[2], int flags)
{
	return pid1_fails(PID1_PIPE2) ? -1 : INJECT_NEXT(pipe2)(fds, flags);
}

int open(const char *path, int flags, ...)
{
	va_list ap;
	mode_t mode;

	va_start(ap, flags);
	mode = va_arg(ap, mode_t);
	va_end(ap);
	if (pid1_fails(PID1_OPEN))
		return -1;
	if (pid1_pid != 0 && strcmp(path, "/") == 0)
		path = pid1_fx.dir;
	return INJECT_NEXT(open)(path, flags, mode);
}

int openat(int dir, const char *path, int flags, ...)
{
	va_list ap;
	mode_t mode;

	va_start(ap, flags);
	mode = va_arg(ap, mode_t);
	va_end(ap);
	return pid1_fails(PID1_OPENAT) ? -1 : INJECT_NEXT(openat)(dir, path, flags, mode);
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
	if (number == SYS_openat2 && pid1_fails(PID1_OPENAT2))
		return -1;
	/* PID 1 is at the root of the tree. */
	if (number == SYS_openat2 && (int)a[0] == AT_FDCWD)
		a[0] = pid1_fx.root.fd;
	return INJECT_NEXT(syscall)(number, a[0], a[1], a[2], a[3], a[4], a[5]);
}

void *mmap(void *p, size_t len, int prot, int flags, int fd, off_t offset)
{
	if ((flags & MAP_SHARED) && (flags & MAP_ANONYMOUS) && pid1 && pid1_fails(PID1_MMAP))
		return MAP_FAILED;
	return (void *)INJECT_NEXT(syscall)(SYS_mmap, p, len, prot, flags, fd, offset);
}

ssize_t read(int fd, void *buf, size_t len)
{
	return pid1_fails(PID1_READ) ? -1 : INJECT_NEXT(read)(fd, buf, len);
}

ssize_t write(int fd, const void *buf, size_t len)
{
	return pid1_fails(PID1_WRITE) ? -1 : INJECT_NEXT(write)(fd, buf, len);
}

int dup(int fd)
{
	return pid1_fails(PID1_DUP) ? -1 : INJECT_NEXT(dup)(fd);
}

int dup2(int fd, int to)
{
	return pid1_fails(PID1_DUP2) ? -1 : INJECT_NEXT(dup2)(fd, to);
}

int fstat(int fd, struct stat *st)
{
	return pid1_fails(PID1_FSTAT) ? -1 : INJECT_NEXT(fstat)(fd, st);
}

/* /sysroot and one more are file systems of their own. */
int fstatat(int dir, const char *path, struct stat *st, int flags)
{
	char whole[PATH_MAX + NAME_MAX + 2];

	if (pid1_fails(PID1_FSTATAT) || INJECT_NEXT(fstatat)(dir, path, st, flags) < 0)
		return -1;
	(void)snprintf(whole, sizeof(whole), "%s/%s", pid1_name_of(dir), path);
	if (strcmp(whole, PATH_SYSROOT) == 0 || strcmp(whole, PID1_OTHER) == 0)
		st->st_dev++;
	return 0;
}

int fstatfs(int fd, struct statfs *fs)
{
	if (pid1_fails(PID1_FSTATFS) || INJECT_NEXT(fstatfs)(fd, fs) < 0)
		return -1;
	fs->f_type = pid1_plan.no_memory_fs ? EXT4_SUPER_MAGIC : RAMFS_MAGIC;
	return 0;
}

DIR *fdopendir(int fd)
{
	return pid1_fails(PID1_FDOPENDIR) ? NULL : INJECT_NEXT(fdopendir)(fd);
}

struct dirent *readdir(DIR *dir)
{
	return pid1_fails(PID1_READDIR) ? NULL : INJECT_NEXT(readdir)(dir);
}

int unlinkat(int dir, const char *path, int flags)
{
	const char *where = pid1_name_of(dir);

	if (pid1_fails(PID1_UNLINKAT))
		return -1;
	if (pid1_pid == 0 || strcmp(where, PATH_DM_DIR) == 0)
		return INJECT_NEXT(unlinkat)(dir, path, flags);
	pid1->deleted++;
	if (getpid() != pid1_pid || pid1->looks != 2)
		pid1_strange("%s/%s is deleted before its time", where, path);
	if (strncmp(where, PATH_SYSROOT, strlen(PATH_SYSROOT)) == 0 ||
	    strncmp(where, PID1_OTHER, strlen(PID1_OTHER)) == 0)
		pid1_strange("%s/%s is deleted", where, path);
	return INJECT_NEXT(unlinkat)(dir, path, flags);
}

int symlinkat(const char *target, int dir, const char *path)
{
	return pid1_fails(PID1_SYMLINKAT) ? -1 : INJECT_NEXT(symlinkat)(target, dir, path);
}

int renameat(int old_dir, const char *old, int new_dir, const char *new)
{
	return pid1_fails(PID1_RENAMEAT) ? -1 : INJECT_NEXT(renameat)(old_dir, old, new_dir, new);
}

int fsync(int fd)
{
	(void)fd; /* nobody needs it on a disk */
	return pid1_fails(PID1_FSYNC) ? -1 : 0;
}

int poll(struct pollfd *fds, nfds_t nr, int timeout)
{
	return INJECT_NEXT(poll)(fds, nr, pid1_plan.limit_ms ? pid1_plan.limit_ms : timeout);
}

/* The clock of all jumps when PID 1 waits for a child that hangs. */
int clock_gettime(clockid_t clock, struct timespec *t)
{
	int r = (int)INJECT_NEXT(syscall)(SYS_clock_gettime, clock, t);

	if (pid1)
		t->tv_sec += (time_t)__atomic_load_n(&pid1->ahead_s, __ATOMIC_SEQ_CST);
	return r;
}

int sigtimedwait(const sigset_t *signals, siginfo_t *info, const struct timespec *timeout)
{
	const struct timespec soon = { 0, 20000000 };

	if (!pid1_plan.hangs || getpid() != pid1->pid)
		return INJECT_NEXT(sigtimedwait)(signals, info, timeout);
	if (!__atomic_load_n(&pid1->hanging, __ATOMIC_SEQ_CST))
		return INJECT_NEXT(sigtimedwait)(signals, info, &soon);
	(void)__atomic_fetch_add(&pid1->ahead_s, timeout->tv_sec + 1, __ATOMIC_SEQ_CST);
	if (timeout->tv_sec > pid1->longest_wait_s)
		pid1->longest_wait_s = timeout->tv_sec;
	errno = EAGAIN;
	return -1;
}

int module_load(const char *name, const char *params)
{
	(void)name;
	(void)params;
	return -ENOENT;
}

int module_unload(const char *name)
{
	(void)name;
	return -ENOENT;
}

int module_lookup(const char *name)
{
	(void)name;
	return -ENOENT;
}

/* One of those that PID 1 has at this moment, if any. */
static inline void pid1_kill_child(pid_t pid, unsigned int which)
{
	char path[64], text[1024], *p = text, *end;
	unsigned int nr = 0;
	pid_t children[16];
	ssize_t n;
	int fd;

	(void)snprintf(path, sizeof(path), "/proc/%d/task/%d/children", (int)pid, (int)pid);
	fd = INJECT_NEXT(open)(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return; /* it has ended */
	n = INJECT_NEXT(read)(fd, text, sizeof(text) - 1);
	(void)close(fd);
	text[n < 0 ? 0 : n] = '\0';
	while (nr < ARRAY_SIZE(children) && (children[nr] = (pid_t)strtol(p, &end, 10)) > 0) {
		p = end;
		nr++;
	}
	if (nr > 0 && INJECT_NEXT(kill)(children[which % nr], SIGKILL) == 0)
		pid1->killed++;
}

/* body() in a process that takes itself for PID 1. True if it has come to an end in time. */
static inline bool pid1_run(void (*body)(void))
{
	struct pollfd p = { .events = POLLIN };
	bool in_time;
	pid_t pid;

	(void)fflush(stdout);
	pid = INJECT_NEXT(fork)();
	FIXTURE_MUST(pid >= 0);
	if (pid == 0) {
		(void)setpgid(0, 0);
		pid1_pid = pid1->pid = getpid();
		body();
		pid1->returned++;
		_exit(EXIT_SUCCESS);
	}
	(void)setpgid(pid, pid); /* whoever is first */
	p.fd = (int)INJECT_NEXT(syscall)(SYS_pidfd_open, pid, 0);
	FIXTURE_MUST(p.fd >= 0);
	if (pid1_plan.kill_after_us > 0) {
		(void)ppoll(&p, 1, &(struct timespec){ 0, pid1_plan.kill_after_us * 1000L }, NULL);
		pid1_kill_child(pid, pid1_plan.kill_after_us);
	}
	in_time = INJECT_NEXT(poll)(&p, 1, PID1_PATIENCE_MS) == 1;
	(void)INJECT_NEXT(kill)(-pid, SIGKILL); /* its group: what it has left */
	while (INJECT_NEXT(waitpid)(-1, NULL, 0) > 0)
		;
	(void)close(p.fd);
	return in_time;
}

#endif
