/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * handover.c - the last steps of PID 1 as ours.
 * Trusts the root, which was proved. Reads and deletes nothing but the initramfs, which is in
 * memory: looked at by the kind of its file system.
 */
#include "init/handover.h"

#include <dirent.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/vfs.h>

#include "base/child.h"
#include "base/io.h"
#include "base/paths.h"
#include "boot/action.h"
#include "boot/stop.h"
#include "boot/unlock.h"
#include "init/kernelfs.h"
#include "init/words.h"

#define HANDOVER_LIMIT_MS 60000
#define SPEAKER_LIMIT_MS (2 * ACTION_LIMIT_MS)
#define EMPTY_DEPTH_MAX 64

/* The process that speaks for PID 1 when nothing is left to speak with. */
struct speaker {
	struct root root;    /* the initramfs, where /dev is at first ... */
	struct root sysroot; /* ... and where it is then */
	const struct conf *conf;
	int pipe[2]; /* PID 1 writes a fault, or its end is closed by the execution */
	struct child child;
};

/* Where the consoles and the kernel's file systems are at this moment. */
static const struct root *place(const struct speaker *s)
{
	return root_exists(&s->root, PATH_CONSOLES_ACTIVE) > 0 ? &s->root : &s->sysroot;
}

/* The root is mounted, and the kernel's file systems may have moved. */
static int refuse(const struct speaker *s, struct fault *f)
{
	struct report report;

	report_init(&report);
	report.discarded = true; /* or nothing would have been opened */
	unlock_claim(s->conf, &report);
	return stop_unrescued(place(s), s->conf, &report, f);
}

static int speak(void *arg)
{
	struct speaker *s = arg;
	struct pollfd p = { .fd = s->pipe[0], .events = POLLIN };
	const struct deadline deadline = deadline_in_ms(HANDOVER_LIMIT_MS);
	struct fault f = { 0 };
	ssize_t n;

	(void)close(s->pipe[1]); /* ours of it; only PID 1's counts */
	while (poll(&p, 1, deadline_left_ms(deadline)) < 0 && errno == EINTR)
		;
	if (p.revents == 0) {
		(void)fault_set(&f, EXITCODE_DEADLINE, ETIMEDOUT,
				"the hand-over to the root has not come to an end");
	} else {
		n = io_read(s->pipe[0], &f, sizeof(f));
		if (n == 0)
			return EXIT_SUCCESS; /* the root's first program runs */
		if (n != (ssize_t)sizeof(f))
			f = (struct fault){ 0 };
		(void)fault_set(&f, EXITCODE_INTERNAL, EIO,
				"the hand-over to the root has failed, and nobody knows why");
	}
	return refuse(s, &f);
}

/* Never returns: the speaker has the word, and ends the machine. If somebody has killed it, this
 * process does; of its program nothing is left but what it has in memory. */
static _Noreturn void leave(struct speaker *s, struct fault *f)
{
	(void)signal(SIGPIPE, SIG_IGN);
	if (io_write(s->pipe[1], f, sizeof(*f)) >= 0)
		child_wait(&s->child, 1, deadline_in_ms(SPEAKER_LIMIT_MS));
	(void)refuse(s, f);
	for (;;)
		(void)pause();
}

/* Is this file system in memory? */
static bool is_in_memory(int fd)
{
	struct statfs fs;

	return fstatfs(fd, &fs) == 0 && (fs.f_type == RAMFS_MAGIC || fs.f_type == TMPFS_MAGIC);
}

struct emptying {
	int fd;
	dev_t dev;
	unsigned int depth;
};

static int empty(int fd, dev_t dev, unsigned int depth);

static int delete_entry(const char *name, void *data)
{
	const struct emptying *e = data;
	struct stat st;
	int fd;

	if (fstatat(e->fd, name, &st, AT_SYMLINK_NOFOLLOW) < 0)
		return -errno;
	if (st.st_dev != e->dev)
		return 0; /* the root is mounted on it */
	if (!S_ISDIR(st.st_mode))
		return unlinkat(e->fd, name, 0) < 0 ? -errno : 0;
	fd = openat(e->fd, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	if (e->depth < EMPTY_DEPTH_MAX)
		(void)empty(fd, e->dev, e->depth + 1); /* closes fd; the next line says */
	else
		(void)close(fd);
	return unlinkat(e->fd, name, AT_REMOVEDIR) < 0 && errno != ENOTEMPTY && errno != EBUSY ?
		       -errno :
		       0;
}

/* Deletes what is in a directory, which is closed, on this one file system. */
static int empty(int fd, dev_t dev, unsigned int depth)
{
	struct emptying e = { .fd = dup(fd), .dev = dev, .depth = depth };
	int r;

	if (e.fd < 0) {
		(void)close(fd);
		return -errno;
	}
	r = root_walk_fd(fd, delete_entry, &e);
	(void)close(e.fd);
	return r;
}

/* Init= cannot be opened or executed. */
static const char *next_of_init(int error)
{
	switch (error) {
	case ENOMEM:
	case EAGAIN:
		return FAULT_KILLED;
	case EIO:
	case EUCLEAN:
		return "look for the kernel's own words in the lines above: the file system is "
		       "damaged, or the disk cannot be read";
	default:
		return "correct Init= in coco-unlock.conf, and build the initramfs again, or "
		       "install the program in the root";
	}
}

/* What lies in the root has to be such that the steps below work. */
static int look_ahead(const struct root *root, const struct root *sysroot, const struct conf *conf,
		      struct fault *f)
{
	_cleanup_close_ int fd = -EBADF;
	struct stat st;
	int r;

	if (!is_in_memory(root->fd))
		return fault_set(f, EXITCODE_INTERNAL, EINVAL,
				 "/ is not an initramfs in memory: nothing is deleted");
	r = kernelfs_can_move(root, f);
	if (r < 0)
		return r;
	fd = root_open(sysroot, conf->init, O_PATH, 0);
	if (fd < 0)
		return fault_advise(f, EXITCODE_ABORTED, -fd, next_of_init(-fd),
				    "the root has no %s: %s", conf->init, strerror(-fd));
	if (fstat(fd, &st) < 0 || !S_ISREG(st.st_mode) || !(st.st_mode & 0111))
		return fault_advise(f, EXITCODE_ABORTED, EACCES, next_of_init(EACCES),
				    "%s of the root is no program", conf->init);
	return 0;
}

/* As the kernel gives them to its first program (init/main.c, console_on_rootfs()). */
static void open_console(const struct root *sysroot)
{
	_cleanup_close_ int fd = root_open(sysroot, PATH_CONSOLE, O_RDWR, 0);

	if (fd < 0)
		fd = root_open(sysroot, PATH_DEV_NULL, O_RDWR, 0); /* there is no console */
	if (fd < 0)
		return;
	(void)dup2(fd, STDIN_FILENO);
	(void)dup2(fd, STDOUT_FILENO);
	(void)dup2(fd, STDERR_FILENO);
}

static void default_signals(void)
{
	sigset_t none;
	int i;

	for (i = 1; i < NSIG; i++)
		(void)signal(i, SIG_DFL); /* some cannot be changed, and are at their default */
	sigemptyset(&none);
	(void)sigprocmask(SIG_SETMASK, &none, NULL);
}

/* From here on nothing is as it was. */
static int enter(const struct speaker *s, struct words *words, const struct settings *settings,
		 struct fault *f)
{
	struct settings ignored;
	struct stat st;
	int fd, r;

	r = kernelfs_move(f);
	if (r < 0)
		return r;
	fd = root_open(&s->root, "/", O_RDONLY | O_DIRECTORY, 0);
	if (fd >= 0 && fstat(fd, &st) >= 0)
		(void)empty(fd, st.st_dev, 0); /* what stays only takes memory */
	else
		util_closep(&fd);
	if (chdir(PATH_SYSROOT) < 0 || mount(".", "/", NULL, MS_MOVE, NULL) < 0 ||
	    chroot(".") < 0 || chdir("/") < 0)
		return fault_advise(f, EXITCODE_ABORTED, errno, FAULT_REPORT,
				    "cannot make %s the root: %s", PATH_SYSROOT, strerror(errno));
	open_console(&s->sysroot);
	/* Not before: until here a crash of this process has to end the machine. */
	r = settings_restore(&s->sysroot, settings, f);
	if (r >= 0) {
		default_signals();
		(void)execve(s->conf->init, words->argv, words->envp);
		r = fault_advise(f, EXITCODE_ABORTED, errno, next_of_init(errno),
				 "cannot execute %s: %s", s->conf->init, strerror(errno));
	}
	(void)settings_strict(&s->sysroot, &ignored, f); /* the first cause stays */
	return r;
}

int handover(const struct root *root, const struct conf *conf, const struct settings *settings,
	     struct fault *f)
{
	struct speaker s = { .root = *root, .conf = conf };
	_cleanup_(words_done) struct words words = WORDS_NULL;
	char init[CONF_DEVICE_SIZE];
	int fd, r;

	memcpy(init, conf->init, sizeof(init));
	fd = root_open(root, PATH_SYSROOT, O_PATH | O_DIRECTORY, 0);
	if (fd < 0)
		return fault_advise(f, EXITCODE_ABORTED, -fd, FAULT_REPORT, "%s: %s", PATH_SYSROOT,
				    strerror(-fd));
	s.sysroot = (struct root){ .fd = fd, .machine = true, .standalone = true };
	r = look_ahead(root, &s.sysroot, conf, f);
	if (r < 0)
		return r;
	r = words_read(root, init, &words);
	if (r < 0)
		return fault_advise(f, EXITCODE_ABORTED, -r, FAULT_REPORT, "the words for %s: %s",
				    init, strerror(-r));
	if (pipe2(s.pipe, O_CLOEXEC) < 0)
		return fault_errno(f, EXITCODE_INTERNAL, -errno, "no pipe");
	r = child_start(&s.child, speak, &s);
	if (r < 0)
		return fault_errno(f, EXITCODE_NO_MEMORY, r, "no process to watch the hand-over");
	(void)enter(&s, &words, settings, f);
	leave(&s, f);
}
