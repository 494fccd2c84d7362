/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * settings.c - writes settings of the kernel, and keeps what they were.
 * Trusts the kernel.
 */
#include "init/settings.h"

#include <fcntl.h>
#include <string.h>

#include "base/io.h"
#include "base/paths.h"

/* Documentation/admin-guide/sysctl/kernel.rst. An empty line empties a text. */
static const struct {
	const char *path;
	const char *value;
	int held; /* what a write says if the command line has fixed it; 0: it cannot */
} strict[SETTINGS_NR] = {
	{ PATH_SYSRQ, "0\n", 0 },	  /* the console is the host's */
	{ PATH_PANIC_ON_OOPS, "1\n", 0 }, /* what is half dead proves nothing */
	{ PATH_PANIC, "1\n", 0 },	  /* seconds: PID 1 may be what has crashed */
	{ PATH_MODPROBE, "\n", 0 },
	{ PATH_DEVKMSG, "on\n", -EINVAL }, /* kernel/printk/printk.c, DEVKMSG_LOG_MASK_LOCK */
};

/* Returns 0, 1 if it is fixed, or -errno with f. */
static int set(const struct root *root, size_t i, const char *value, struct fault *f)
{
	_cleanup_close_ int fd = root_open(root, strict[i].path, O_WRONLY, 0);
	int r = fd;

	if (r >= 0) {
		r = io_write(fd, value, strlen(value));
		if (r < 0 && r == strict[i].held)
			return 1;
	}
	return r < 0 ? fault_errno(f, EXITCODE_INTERNAL, r, "cannot write %s", strict[i].path) : 0;
}

/* What the stub has changed is as it was before that. Returns 0, also if it has not, or -errno. */
static int take_kept(const struct root *root, char value[static SETTINGS_VALUE_SIZE])
{
	_cleanup_close_ int fd = root_open(root, PATH_KERNEL_PANIC, O_RDONLY | O_NOFOLLOW, 0);
	ssize_t n;

	if (fd < 0)
		return fd == -ENOENT ? 0 : fd;
	n = io_read(fd, value, SETTINGS_VALUE_SIZE - 1);
	if (n < 0)
		return (int)n;
	value[n] = '\0';
	return 0;
}

int settings_strict(const struct root *root, struct settings *ret_settings, struct fault *f)
{
	size_t i;
	int r;

	*ret_settings = (struct settings){ 0 };
	for (i = 0; i < SETTINGS_NR; i++) {
		_cleanup_free_ char *text = NULL;
		ssize_t n = root_read_text(root, strict[i].path, SETTINGS_VALUE_SIZE - 1, &text);

		if (n == -ENOENT)
			continue;
		if (n < 0)
			return fault_errno(f, EXITCODE_INTERNAL, (int)n, "cannot read %s",
					   strict[i].path);
		r = set(root, i, strict[i].value, f);
		if (r < 0)
			return r;
		if (r == 0)
			memcpy(ret_settings->old[i], text, (size_t)n + 1);
		if (strcmp(strict[i].path, PATH_PANIC) != 0)
			continue;
		r = take_kept(root, ret_settings->old[i]);
		if (r < 0)
			return fault_errno(f, EXITCODE_INTERNAL, r, "cannot read %s",
					   PATH_KERNEL_PANIC);
	}
	return 0;
}

int settings_restore(const struct root *root, const struct settings *settings, struct fault *f)
{
	size_t i;
	int r;

	for (i = 0; i < SETTINGS_NR; i++) {
		if (!*settings->old[i])
			continue;
		r = set(root, i, settings->old[i], f);
		if (r < 0)
			return r;
	}
	return 0;
}
