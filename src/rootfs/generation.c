/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * generation.c - reads and writes the generation in the encrypted root.
 * Trusts the root only as far as verify.c has proved what it is; the text is checked.
 */
#include "rootfs/generation.h"

#include <fcntl.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/syscall.h>

#include "base/paths.h"
#include "base/text.h"

#define GENERATION_TEXT_MAX 20 /* 19 digits and the line feed */

int generation_root(const struct root *root, const char *path, struct root *ret_root)
{
	_cleanup_close_ int dir = root_open(root, path, O_PATH | O_DIRECTORY, 0);
	long fd;

	if (dir < 0)
		return dir;
	if (!root->machine) {
		*ret_root = (struct root){ .fd = TAKE_FD(dir), .machine = false };
		return 0;
	}
	fd = syscall(SYS_open_tree, dir, "",
		     OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC | (unsigned int)AT_EMPTY_PATH);
	if (fd < 0)
		return -errno;
	*ret_root = (struct root){ .fd = (int)fd, .machine = false };
	return 0;
}

int generation_read(const struct root *root, uint64_t *ret_generation)
{
	_cleanup_close_ int fd = root_open(root, PATH_GENERATION, O_PATH | O_NOFOLLOW, 0);
	_cleanup_free_ char *text = NULL;
	struct stat st;
	uint64_t value;
	ssize_t n;

	if (fd == -ENOENT) {
		*ret_generation = 0;
		return 0;
	}
	if (fd < 0)
		return fd;
	if (fstat(fd, &st) < 0)
		return -errno;
	if (!S_ISREG(st.st_mode))
		return -EINVAL;
	n = root_read_text(root, PATH_GENERATION, GENERATION_TEXT_MAX, &text);
	if (n < 0)
		return n == -EFBIG ? -EINVAL : (int)n;
	if (n < 2 || text[n - 1] != '\n' || (text[0] == '0' && n > 2))
		return -EINVAL;
	text[n - 1] = '\0';
	if (text_u64(text, GENERATION_MAX, &value) < 0)
		return -EINVAL;
	*ret_generation = value;
	return 0;
}

int generation_unreadable(const char *what, int r, struct fault *f)
{
	return fault_advise(f, EXITCODE_OLD_GENERATION, -r,
			    "attach a copy of the disk in which it is a number and a line feed, or "
			    "write it so yourself, on a machine that you trust",
			    "%s cannot be read: %s", what,
			    r == -EINVAL ? "not a number and a line feed" : strerror(-r));
}

int generation_write(const struct root *root, uint64_t generation)
{
	char text[GENERATION_TEXT_MAX + 1], path[sizeof(PATH_GENERATION_DIR)];
	size_t i;
	int r;

	if (generation > GENERATION_MAX)
		return -ERANGE;
	/* Where /var is a file system of its own, there may be nothing below it. */
	for (i = 1; i < strlen(PATH_GENERATION_DIR); i++) {
		if (PATH_GENERATION_DIR[i] != '/')
			continue;
		(void)snprintf(path, sizeof(path), "%.*s", (int)i, PATH_GENERATION_DIR); /* fits */
		r = root_mkdir(root, path);
		if (r < 0)
			return r;
	}
	(void)snprintf(text, sizeof(text), "%llu\n", (unsigned long long)generation); /* fits */
	return root_replace_text(root, PATH_GENERATION, text, 0644);
}
