/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * io.c - reads and writes are whole whatever the kernel does of them at once, and an error in
 * the midst of them is no end.
 */
#include "base/io.h"

#include <dirent.h>
#include <fcntl.h>
#include <string.h>
#include <sys/syscall.h>

#include "tap.h"

#define SIZE 10

static size_t piece;	 /* the most that one call does; 0: nothing at all */
static unsigned int nth; /* this call fails; 0: none */
static unsigned int calls;
static int error;

/* Each call but the first fails once with EINTR. Returns how many bytes it may do, or -1. */
static ssize_t allow(size_t len)
{
	calls++;
	if (calls == nth || calls % 2 == 0) {
		errno = calls == nth ? error : EINTR;
		return -1;
	}
	return (ssize_t)(len < piece ? len : piece);
}

static bool no_null; /* /dev is not mounted */

int open(const char *path, int flags, ...)
{
	if (no_null && strcmp(path, "/dev/null") == 0) {
		errno = ENOENT;
		return -1;
	}
	return (int)syscall(SYS_open, path, flags, 0600);
}

ssize_t read(int fd, void *buf, size_t len)
{
	ssize_t n = allow(len);

	return n < 0 ? n : syscall(SYS_read, fd, buf, n);
}

ssize_t write(int fd, const void *buf, size_t len)
{
	ssize_t n = fd > STDERR_FILENO ? allow(len) : (ssize_t)len;

	return n < 0 ? n : syscall(SYS_write, fd, buf, n);
}

ssize_t pread(int fd, void *buf, size_t len, off_t offset)
{
	ssize_t n = allow(len);

	return n < 0 ? n : syscall(SYS_pread64, fd, buf, n, offset);
}

ssize_t pwrite(int fd, const void *buf, size_t len, off_t offset)
{
	ssize_t n = allow(len);

	return n < 0 ? n : syscall(SYS_pwrite64, fd, buf, n, offset);
}

static void begin(size_t most, unsigned int fails, int with)
{
	piece = most;
	nth = fails;
	error = with;
	calls = 0;
}

static void test_whole(int fd)
{
	char text[SIZE + 1] = "";

	begin(3, 0, 0);
	is_int(io_write(fd, "0123456789", SIZE), 0, "writes, three bytes at once");
	is_int(lseek(fd, 0, SEEK_SET), 0, "from the start");
	begin(3, 0, 0);
	is_int(io_read(fd, text, SIZE), SIZE, "reads, three bytes at once");
	is_str(text, "0123456789", "... the same");
	begin(3, 0, 0);
	is_int(io_read(fd, text, SIZE), 0, "the end");
	begin(3, 0, 0);
	is_int(io_write_at(fd, "abcdef", 6, 4), 0, "writes at a place");
	begin(3, 0, 0);
	is_int(io_read_at(fd, text, 6, 4), 0, "reads at a place");
	is_str(text, "abcdef6789", "... the same");
	begin(3, 0, 0);
	is_int(lseek(fd, 2, SEEK_SET), 2, "from within");
	is_int(io_read(fd, text, SIZE), SIZE - 2, "less than asked for, at the end");
	is_str(text, "23abcdef89", "... all that there is");
	begin(3, 0, 0);
	is_int(io_read_at(fd, text, SIZE, 2), -ENODATA, "not behind the end");
	begin(0, 0, 0);
	ok(io_write(fd, "x", 1) == -EIO && io_write_at(fd, "x", 1, 0) == -EIO,
	   "who takes nothing is not asked for ever");
}

static void test_errors(int fd)
{
	char text[SIZE];

	begin(3, 3, ENOSPC);
	is_int(io_write(fd, "0123456789", SIZE), -ENOSPC, "an error in the midst of writing");
	begin(3, 3, ENOSPC);
	is_int(io_write_at(fd, "0123456789", SIZE, 0), -ENOSPC, "... at a place");
	is_int(lseek(fd, 0, SEEK_SET), 0, "from the start");
	begin(3, 3, EIO);
	is_int(io_read(fd, text, SIZE), -EIO, "an error in the midst of reading");
	begin(3, 3, EIO);
	is_int(io_read_at(fd, text, SIZE, 0), -EIO, "... at a place");
	begin(3, 0, 0);
	ok(io_read(-1, text, 1) == -EBADF && io_write(-1, text, 0) == 0 &&
		   io_read_at(-1, text, 1, 0) == -EBADF && io_write_at(-1, text, 1, 0) == -EBADF,
	   "no descriptor");
}

static void test_same(int fd)
{
	struct stat a, b;

	ok(fstat(fd, &a) == 0 && fstat(STDIN_FILENO, &b) == 0, "two files");
	ok(io_is_same(&a, &a) && !io_is_same(&a, &b), "are not the same");
}

static void test_standard_fds(void)
{
	int saved = fcntl(STDIN_FILENO, F_DUPFD_CLOEXEC, 10), next;

	(void)close(STDIN_FILENO);
	is_int(io_open_standard_fds(), 0, "no standard input");
	is_int(fcntl(STDIN_FILENO, F_GETFD), 0, "is opened, over exec, too");
	next = open("/", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	ok(next > STDERR_FILENO, "so that no other file gets its number");
	(void)close(next);
	is_int(io_open_standard_fds(), 0, "all three are open");
	is_int(open("/", O_RDONLY | O_DIRECTORY | O_CLOEXEC), next, "... and no other stays open");
	(void)close(next);
	(void)close(STDIN_FILENO);
	no_null = true;
	is_int(io_open_standard_fds(), -ENOENT, "there is no /dev/null");
	ok(fcntl(STDIN_FILENO, F_GETFD) == 0 && write(STDIN_FILENO, "", 1) < 0,
	   "... the number is taken all the same, by what nobody can write to");
	is_int(open("/", O_RDONLY | O_DIRECTORY | O_CLOEXEC), next, "... and no other stays open");
	(void)close(next);
	is_int(io_open_standard_fds(), -ENOENT, "all three are taken, and there is none");
	no_null = false;
	(void)dup2(saved, STDIN_FILENO);
	(void)close(saved);
}

int main(void)
{
	FILE *file = tmpfile();
	int fd = file ? fileno(file) : -1;

	ok(fd >= 0, "premise: a file");
	test_whole(fd);
	test_errors(fd);
	test_same(fd);
	test_standard_fds();
	return tap_done();
}
