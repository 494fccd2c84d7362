/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * root.c - file access below one root descriptor.
 * Trusts the root directory itself, no content; may not be used for secrets.
 */
#include "base/root.h"

#include <dirent.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/openat2.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>

#include "base/io.h"

/* Each of them sees another mount or rename. */
#define OPEN_TRIES_MAX 1000

int root_init(struct root *ret_root, const char *dir)
{
	int fd = open(dir ? dir : "/", O_PATH | O_DIRECTORY | O_CLOEXEC);

	if (fd < 0)
		return -errno;
	*ret_root = (struct root){ .fd = fd, .machine = !dir };
	return 0;
}

void root_done(struct root *root)
{
	util_closep(&root->fd);
	root->fd = -EBADF;
}

int root_open(const struct root *root, const char *path, int flags, mode_t mode)
{
	struct open_how how = {
		.flags = (unsigned int)flags | O_CLOEXEC,
		.mode = mode,
		.resolve = RESOLVE_IN_ROOT,
	};
	unsigned int tries = 0;
	long fd;

	/* openat2(2): a mount or a rename meanwhile, anywhere on the machine, is EAGAIN. */
	do
		fd = syscall(SYS_openat2, root->fd, path, &how, sizeof(how));
	while (fd < 0 && errno == EAGAIN && ++tries < OPEN_TRIES_MAX);
	return fd < 0 ? -errno : (int)fd;
}

ssize_t root_read_text(const struct root *root, const char *path, size_t max, char **ret_text)
{
	_cleanup_close_ int fd = -EBADF;
	_cleanup_free_ char *buf = NULL;
	ssize_t n;

	fd = root_open(root, path, O_RDONLY, 0);
	if (fd < 0)
		return fd;
	buf = malloc(max + 2);
	if (!buf)
		return -ENOMEM;
	n = io_read(fd, buf, max + 1);
	if (n < 0)
		return n;
	if ((size_t)n > max)
		return -EFBIG;
	if (memchr(buf, '\0', (size_t)n))
		return -EINVAL;
	buf[n] = '\0';
	*ret_text = TAKE_PTR(buf);
	return n;
}

int root_mkdir(const struct root *root, const char *path)
{
	const char *name = strrchr(path, '/') + 1;
	_cleanup_close_ int dir = -EBADF;
	char parent[PATH_MAX];

	if (snprintf(parent, sizeof(parent), "%.*s", (int)(name - path), path) >= PATH_MAX)
		return -ENAMETOOLONG;
	dir = root_open(root, parent, O_PATH | O_DIRECTORY, 0);
	if (dir < 0)
		return dir;
	return mkdirat(dir, name, 0755) < 0 && errno != EEXIST ? -errno : 0;
}

/* Opens a directory, which is made if it is missing; its mode is 0755 in any case. */
static int open_directory(const struct root *root, const char *path)
{
	_cleanup_close_ int fd = -EBADF;
	int r;

	r = root_mkdir(root, path);
	if (r < 0)
		return r;
	fd = root_open(root, path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW, 0);
	if (fd < 0)
		return fd;
	if (fchmod(fd, 0755) < 0) /* whatever the unit's UMask= */
		return -errno;
	return TAKE_FD(fd);
}

/* Small files are written at once or not at all. */
static int write_synced(int fd, const char *text)
{
	ssize_t n = write(fd, text, strlen(text));

	if (n < 0)
		return -errno;
	if ((size_t)n != strlen(text))
		return -ENOSPC;
	return fsync(fd) < 0 ? -errno : 0;
}

int root_replace_text(const struct root *root, const char *path, const char *text, mode_t mode)
{
	const char *name = strrchr(path, '/') + 1;
	_cleanup_close_ int dir = -EBADF, fd = -EBADF;
	char parent[PATH_MAX], new_name[NAME_MAX];
	int r;

	if (snprintf(parent, sizeof(parent), "%.*s", (int)(name - path - 1), path) >= PATH_MAX ||
	    snprintf(new_name, sizeof(new_name), "%s.new", name) >= NAME_MAX)
		return -ENAMETOOLONG;
	dir = open_directory(root, parent);
	if (dir < 0)
		return dir;
	fd = openat(dir, new_name, O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW | O_CLOEXEC, mode);
	if (fd < 0)
		return -errno;
	if (fchmod(fd, mode) < 0)
		return -errno;
	r = write_synced(fd, text);
	if (r < 0)
		return r;
	if (renameat(dir, new_name, dir, name) < 0)
		return -errno;
	return fsync(dir) < 0 ? -errno : 0;
}

int root_exists(const struct root *root, const char *path)
{
	_cleanup_close_ int fd = root_open(root, path, O_PATH, 0);

	if (fd >= 0)
		return 1;
	return fd == -ENOENT || fd == -ENOTDIR ? 0 : fd;
}

int root_walk_fd(int fd, root_entry_fn fn, void *data)
{
	struct dirent *e;
	DIR *d;
	int r = 0;

	if (fd < 0)
		return fd;
	d = fdopendir(fd);
	if (!d) {
		r = -errno;
		(void)close(fd); /* nothing was written */
		return r;
	}
	/* readdir(3): only errno tells the end of the list from an error. */
	while (r == 0 && (errno = 0, e = readdir(d)))
		if (strcmp(e->d_name, ".") != 0 && strcmp(e->d_name, "..") != 0)
			r = fn(e->d_name, data);
	if (r == 0 && errno != 0)
		r = -errno;
	(void)closedir(d);
	return r;
}

int root_walk(const struct root *root, const char *path, int flags, root_entry_fn fn, void *data)
{
	return root_walk_fd(root_open(root, path, O_RDONLY | O_DIRECTORY | flags, 0), fn, data);
}
