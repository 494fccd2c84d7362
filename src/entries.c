/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * entries.c - reads directories below the root.
 * Trusts the kernel's lists, and never takes an error for their end; may not write.
 */
#include "entries.h"

#include <dirent.h>
#include <fcntl.h>
#include <string.h>

/* Returns the next name, or NULL with *ret_error saying whether that is the end (0). */
static const char *next_name(DIR *d, int *ret_error)
{
	struct dirent *e;

	do {
		errno = 0; /* readdir(3): the end and an error differ in nothing else */
		e = readdir(d);
		*ret_error = e ? 0 : -errno;
	} while (e && (strcmp(e->d_name, ".") == 0 || strcmp(e->d_name, "..") == 0));
	return e ? e->d_name : NULL;
}

int entries_each(const struct root *root, const char *path,
		 int (*each)(void *ctx, const char *name), void *ctx)
{
	_cleanup_close_ int fd = root_open(root, path, O_RDONLY | O_DIRECTORY, 0);
	const char *name;
	DIR *d;
	int r;

	if (fd < 0)
		return fd;
	d = fdopendir(fd);
	if (!d)
		return -errno;
	TAKE_FD(fd);
	while ((name = next_name(d, &r))) {
		r = each(ctx, name);
		if (r != 0)
			break;
	}
	(void)closedir(d);
	return r;
}

int entries_have(const struct root *root, const char *path)
{
	_cleanup_close_ int fd = root_open(root, path, O_PATH, 0);

	if (fd >= 0)
		return 1;
	return fd == -ENOENT || fd == -ENOTDIR ? 0 : fd;
}
