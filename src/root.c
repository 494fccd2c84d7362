/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * root.c - file access below one root descriptor.
 * Trusts the root directory itself, no content; may not be used for secrets.
 */
#include "root.h"

#include <fcntl.h>
#include <linux/openat2.h>
#include <string.h>
#include <sys/syscall.h>

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
	long fd = syscall(SYS_openat2, root->fd, path, &how, sizeof(how));

	return fd < 0 ? -errno : (int)fd;
}

ssize_t root_read_text(const struct root *root, const char *path, size_t max, char **ret_text)
{
	_cleanup_close_ int fd = -EBADF;
	_cleanup_free_ char *buf = NULL;
	size_t len = 0;
	ssize_t n;

	fd = root_open(root, path, O_RDONLY, 0);
	if (fd < 0)
		return fd;
	buf = malloc(max + 2);
	if (!buf)
		return -ENOMEM;
	while (len <= max) {
		n = read(fd, buf + len, max + 1 - len);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -errno;
		if (n == 0)
			break;
		len += (size_t)n;
	}
	if (len > max)
		return -EFBIG;
	if (memchr(buf, '\0', len))
		return -EINVAL;
	buf[len] = '\0';
	*ret_text = TAKE_PTR(buf);
	return (ssize_t)len;
}

bool root_exists(const struct root *root, const char *path)
{
	_cleanup_close_ int fd = root_open(root, path, O_PATH, 0);

	return fd >= 0;
}
