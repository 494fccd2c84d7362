/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * inject.h - stands between the program and the C library: any call below can be made to
 * fail on its Nth use, and every secret mapping is looked at when it is unmapped.
 * A definition in the program itself comes before the shared library's, for libcryptsetup
 * and libblkid, too; so include this in one test program, not in the code under test.
 */
#ifndef INJECT_H
#define INJECT_H

#include <dirent.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <stdarg.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/sendfile.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>

#include "base/secret.h"
#include "inject_next.h"

enum inject_call {
	INJECT_NONE,
	INJECT_MLOCK,
	INJECT_MADVISE,
	INJECT_READ,
	INJECT_PREAD,
	INJECT_PWRITE,
	INJECT_SENDFILE,
	INJECT_LSEEK,
	INJECT_FTRUNCATE,
	INJECT_MEMFD_CREATE,
	INJECT_FCNTL,
	INJECT_OPENAT,
	INJECT_OPENAT2,
	INJECT_UNLINKAT,
	INJECT_FSTATAT,
	INJECT_READDIR,
	INJECT_FDOPENDIR,
	INJECT_SOCKETPAIR,
	INJECT_FORK,
	INJECT_SEND,
	INJECT_RECV,
	INJECT_POLL,
	INJECT_MMAP, /* of a secret's size */
	/* before the pipeline starts: */
	INJECT_PRCTL,
	INJECT_SETRLIMIT,
	_INJECT_MAX,
};

/* clang-format off */
static const char *const inject_names[_INJECT_MAX] = {
	"nothing", "mlock",    "madvise",      "read",	"pread",  "pwrite",
	"sendfile", "lseek",   "ftruncate",    "memfd_create", "fcntl", "openat",
	"openat2", "unlinkat", "fstatat",      "readdir", "fdopendir", "socketpair", "fork", "send",
	"recv", "poll", "mmap", "prctl", "setrlimit",
};
/* clang-format on */

#define INJECT_ALL UINT_MAX /* every use */

/* Which use of which call fails, and how; hit says whether it came to that. */
static struct {
	enum inject_call call;
	unsigned int nth; /* from 1, or INJECT_ALL; 0: none fails */
	int error;
	unsigned int uses;
	bool hit;
} inject;

/* If not 0, the most that one read or write does at once. */
static size_t inject_piece;

/* Secret mappings: those that were locked in full. */
static struct {
	const unsigned char *live[64];
	unsigned int nr_live;
	unsigned int wiped; /* unmapped, and all zero then */
	unsigned int dirty; /* unmapped with a byte that is not zero */
} inject_secrets;

static inline void inject_failure(enum inject_call call, unsigned int nth, int error)
{
	inject.call = call;
	inject.nth = nth;
	inject.error = error;
	inject.uses = 0;
	inject.hit = false;
}

static inline bool inject_now(enum inject_call call)
{
	if (call != inject.call || (++inject.uses != inject.nth && inject.nth != INJECT_ALL))
		return false;
	inject.hit = true;
	errno = inject.error;
	return true;
}

static inline size_t inject_cut(size_t len)
{
	return inject_piece > 0 && len > inject_piece ? inject_piece : len;
}

static inline bool inject_all_zero(const unsigned char *p, size_t len)
{
	size_t i;

	for (i = 0; i < len; i++)
		if (p[i] != 0)
			return false;
	return true;
}

/* The sanitizer's own mlock() does nothing: ask the kernel. */
int mlock(const void *p, size_t len)
{
	size_t i = 0;

	if (inject_now(INJECT_MLOCK))
		return -1;
	if (INJECT_NEXT(syscall)(SYS_mlock, p, len) < 0)
		return -1;
	while (len == SECRET_CAPACITY && i < 64 && inject_secrets.live[i])
		i++;
	if (len == SECRET_CAPACITY && i < 64) {
		inject_secrets.live[i] = p;
		inject_secrets.nr_live++;
	}
	return 0;
}

void *mmap(void *p, size_t len, int prot, int flags, int fd, off_t offset)
{
	if (len == SECRET_CAPACITY && inject_now(INJECT_MMAP))
		return MAP_FAILED;
	return (void *)INJECT_NEXT(syscall)(SYS_mmap, p, len, prot, flags, fd, offset);
}

int prctl(int option, ...)
{
	unsigned long a[4];
	va_list ap;
	int i;

	va_start(ap, option);
	for (i = 0; i < 4; i++)
		a[i] = va_arg(ap, unsigned long);
	va_end(ap);
	return inject_now(INJECT_PRCTL) ? -1 : INJECT_NEXT(prctl)(option, a[0], a[1], a[2], a[3]);
}

int setrlimit(__rlimit_resource_t resource, const struct rlimit *limit)
{
	return inject_now(INJECT_SETRLIMIT) ? -1 : INJECT_NEXT(setrlimit)(resource, limit);
}

int munmap(void *p, size_t len)
{
	size_t i;

	for (i = 0; i < 64; i++) {
		if (inject_secrets.live[i] != p || !p)
			continue;
		if (inject_all_zero(p, SECRET_CAPACITY))
			inject_secrets.wiped++;
		else
			inject_secrets.dirty++;
		inject_secrets.live[i] = NULL;
		inject_secrets.nr_live--;
	}
	return INJECT_NEXT(munmap)(p, len);
}

int madvise(void *p, size_t len, int advice)
{
	return inject_now(INJECT_MADVISE) ? -1 : INJECT_NEXT(madvise)(p, len, advice);
}

ssize_t read(int fd, void *buf, size_t len)
{
	return inject_now(INJECT_READ) ? -1 : INJECT_NEXT(read)(fd, buf, inject_cut(len));
}

ssize_t pread(int fd, void *buf, size_t len, off_t offset)
{
	return inject_now(INJECT_PREAD) ? -1 : INJECT_NEXT(pread)(fd, buf, inject_cut(len), offset);
}

/* What it becomes where the compiler can tell the size of the buffer: gcc 16 can, in header.c. */
ssize_t __pread64_chk(int fd, void *buf, size_t len, off_t offset, size_t size);
ssize_t __pread64_chk(int fd, void *buf, size_t len, off_t offset, size_t size)
{
	return pread(fd, buf, len <= size ? len : size, offset);
}

ssize_t pwrite(int fd, const void *buf, size_t len, off_t offset)
{
	if (inject_now(INJECT_PWRITE))
		return -1;
	return INJECT_NEXT(pwrite)(fd, buf, inject_cut(len), offset);
}

ssize_t sendfile(int out, int in, off_t *offset, size_t len)
{
	if (inject_now(INJECT_SENDFILE))
		return -1;
	return INJECT_NEXT(sendfile)(out, in, offset, inject_cut(len));
}

off_t lseek(int fd, off_t offset, int whence)
{
	return inject_now(INJECT_LSEEK) ? -1 : INJECT_NEXT(lseek)(fd, offset, whence);
}

int ftruncate(int fd, off_t len)
{
	return inject_now(INJECT_FTRUNCATE) ? -1 : INJECT_NEXT(ftruncate)(fd, len);
}

int memfd_create(const char *name, unsigned int flags)
{
	return inject_now(INJECT_MEMFD_CREATE) ? -1 : INJECT_NEXT(memfd_create)(name, flags);
}

int fcntl(int fd, int cmd, ...)
{
	va_list ap;
	void *arg;

	va_start(ap, cmd);
	arg = va_arg(ap, void *); /* one machine word, whatever its type */
	va_end(ap);
	return inject_now(INJECT_FCNTL) ? -1 : INJECT_NEXT(fcntl)(fd, cmd, arg);
}

int openat(int dir, const char *path, int flags, ...)
{
	va_list ap;
	mode_t mode;

	va_start(ap, flags);
	mode = va_arg(ap, mode_t);
	va_end(ap);
	return inject_now(INJECT_OPENAT) ? -1 : INJECT_NEXT(openat)(dir, path, flags, mode);
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
	if (number == SYS_openat2 && inject_now(INJECT_OPENAT2))
		return -1;
	return INJECT_NEXT(syscall)(number, a[0], a[1], a[2], a[3], a[4], a[5]);
}

int socketpair(int domain, int type, int protocol, int fds[2])
{
	return inject_now(INJECT_SOCKETPAIR) ? -1 :
					       INJECT_NEXT(socketpair)(domain, type, protocol, fds);
}

#ifndef INJECT_OWN_FORK
pid_t fork(void)
{
	return inject_now(INJECT_FORK) ? -1 : INJECT_NEXT(fork)();
}
#endif

ssize_t send(int fd, const void *buf, size_t len, int flags)
{
	return inject_now(INJECT_SEND) ? -1 : INJECT_NEXT(send)(fd, buf, inject_cut(len), flags);
}

ssize_t recv(int fd, void *buf, size_t len, int flags)
{
	return inject_now(INJECT_RECV) ? -1 : INJECT_NEXT(recv)(fd, buf, inject_cut(len), flags);
}

int poll(struct pollfd *fds, nfds_t nr, int timeout)
{
	return inject_now(INJECT_POLL) ? -1 : INJECT_NEXT(poll)(fds, nr, timeout);
}

int unlinkat(int dir, const char *path, int flags)
{
	return inject_now(INJECT_UNLINKAT) ? -1 : INJECT_NEXT(unlinkat)(dir, path, flags);
}

/* As getdents(2) can fail in the middle of a directory. */
#ifndef INJECT_OWN_READDIR
struct dirent *readdir(DIR *dir)
{
	return inject_now(INJECT_READDIR) ? NULL : INJECT_NEXT(readdir)(dir);
}
#endif

DIR *fdopendir(int fd)
{
	return inject_now(INJECT_FDOPENDIR) ? NULL : INJECT_NEXT(fdopendir)(fd);
}

int fstatat(int dir, const char *path, struct stat *st, int flags)
{
	return inject_now(INJECT_FSTATAT) ? -1 : INJECT_NEXT(fstatat)(dir, path, st, flags);
}

#endif
