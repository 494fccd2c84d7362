/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * jail.c - drops all rights, and wipes all memory.
 * Trusts the kernel; runs before the first byte of the host's is read.
 */
#include "broker/jail.h"

#include <grp.h>
#include <malloc.h>
#include <signal.h>
#include <stdint.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>

#include "base/paths.h"
#include "base/seccomp.h"
#include "source/kbs/frame.h"

/* Nobody else's: above the users and services of a system, below those of containers. */
#define BROKER_UID 114880

#define MEMORY_MAX (256UL * 1024 * 1024) /* bytes of addresses */
#define STACK_WIPED (256 * 1024)	 /* bytes below the last frame: nobody goes deeper */

void *jail_prepare_memory(void)
{
	(void)mallopt(M_MMAP_MAX, 0);		    /* these */
	(void)mallopt(M_TRIM_THRESHOLD, INT32_MAX); /* cannot fail */
	return sbrk(0);
}

static int close_others(void)
{
	if (syscall(SYS_close_range, 0, FRAME_FD - 1, 0) < 0 ||
	    syscall(SYS_close_range, FRAME_TCP_FD + 1, ~0U, 0) < 0)
		return -errno;
	return 0;
}

/* An empty directory, which is gone once it is the root. */
static int leave_files(void)
{
	char path[] = PATH_BROKER_ROOT;

	if (!mkdtemp(path))
		return -errno;
	if (chdir(path) < 0 || rmdir(path) < 0 || chroot(".") < 0)
		return -errno;
	return 0;
}

static int drop_root(void)
{
	int r = leave_files();

	if (r < 0)
		return r;
	if (setgroups(0, NULL) < 0 || setresgid(BROKER_UID, BROKER_UID, BROKER_UID) < 0 ||
	    setresuid(BROKER_UID, BROKER_UID, BROKER_UID) < 0)
		return -errno;
	return 0;
}

/* Who has more than that already is a build for a sanitizer, with its terabytes of shadow: it could
 * not map a page more, and keeps what it had. */
static int limit_memory(void)
{
	const struct rlimit limit = { MEMORY_MAX, MEMORY_MAX };
	struct rlimit before, soft;
	void *page;

	if (getrlimit(RLIMIT_AS, &before) < 0)
		return -errno;
	soft = (struct rlimit){ MEMORY_MAX, before.rlim_max };
	if (setrlimit(RLIMIT_AS, &soft) < 0)
		return -errno;
	page = mmap(NULL, 1, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (page != MAP_FAILED && munmap(page, 1) < 0)
		return -errno;
	return setrlimit(RLIMIT_AS, page != MAP_FAILED ? &limit : &before) < 0 ? -errno : 0;
}

static int set_limits(void)
{
	static const struct {
		int resource;
		rlim_t most;
	} limits[] = {
		{ RLIMIT_CORE, 0 },
		{ RLIMIT_FSIZE, 0 },
		{ RLIMIT_NPROC, 0 },
		{ RLIMIT_NOFILE, FRAME_TCP_FD + 1 },
	};
	size_t i;

	for (i = 0; i < ARRAY_SIZE(limits); i++) {
		struct rlimit limit = { limits[i].most, limits[i].most };

		if (setrlimit(limits[i].resource, &limit) < 0)
			return -errno;
	}
	return limit_memory();
}

static int filter_calls(void)
{
	struct sock_filter filter[] = {
		SECCOMP_BEGIN,
		SECCOMP_ALLOW(SYS_read),
		SECCOMP_ALLOW(SYS_write),
		SECCOMP_ALLOW(SYS_recvfrom),
		SECCOMP_ALLOW_SEND,
		SECCOMP_ALLOW(SECCOMP_NR_POLL),
		SECCOMP_ALLOW(SYS_restart_syscall), /* poll, after a stop */
		SECCOMP_ALLOW(SYS_getrandom),
		SECCOMP_ALLOW(SYS_clock_gettime),
		SECCOMP_ALLOW(SYS_getpid),
		SECCOMP_ALLOW(SYS_futex),
		SECCOMP_ALLOW(SYS_exit_group),
		SECCOMP_ALLOW_MEMORY,
	};

	return seccomp_enter(filter, ARRAY_SIZE(filter));
}

int jail_enter(void)
{
	int r;

	if (signal(SIGPIPE, SIG_IGN) == SIG_ERR)
		return -errno;
	r = close_others();
	if (r >= 0 && geteuid() == 0)
		r = drop_root();
	if (r >= 0)
		r = set_limits();
	if (r >= 0 && prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) < 0)
		r = -errno;
	return r < 0 ? r : filter_calls();
}

static __attribute__((noinline)) void wipe_stack(void)
{
	unsigned char below[STACK_WIPED];

	explicit_bzero(below, sizeof(below));
}

void jail_leave(void *heap, int status)
{
	wipe_stack();
	explicit_bzero(heap, (size_t)((char *)sbrk(0) - (char *)heap));
	/* Without handlers, which would look for their memory; a sanitizer, too, has some. */
	for (;;)
		(void)syscall(SYS_exit_group, status);
}
