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
} strict[SETTINGS_NR] = {
	{ PATH_SYSRQ, "0\n" },	       /* the console is the host's */
	{ PATH_PANIC_ON_OOPS, "1\n" }, /* what is half dead proves nothing */
	{ PATH_PANIC, "1\n" },	       /* seconds: PID 1 may be what has crashed */
	{ PATH_MODPROBE, "\n" },
};

static int set(const struct root *root, const char *path, const char *value, struct fault *f)
{
	_cleanup_close_ int fd = root_open(root, path, O_WRONLY, 0);
	int r = fd;

	if (r >= 0)
		r = io_write(fd, value, strlen(value));
	return r < 0 ? fault_errno(f, EXITCODE_INTERNAL, r, "cannot write %s", path) : 0;
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
		r = set(root, strict[i].path, strict[i].value, f);
		if (r < 0)
			return r;
		memcpy(ret_settings->old[i], text, (size_t)n + 1);
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
		r = set(root, strict[i].path, settings->old[i], f);
		if (r < 0)
			return r;
	}
	return 0;
}
