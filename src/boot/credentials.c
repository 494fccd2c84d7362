/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * credentials.c - looks at what the host's firmware offers to systemd.
 * Trusts the kernel's files for what the firmware has; each byte in them is the host's. Names and
 * values are never used.
 */
#include "boot/credentials.h"

#include <fcntl.h>
#include <limits.h>
#include <string.h>

#include "base/io.h"
#include "base/modules.h"
#include "base/paths.h"
#include "base/text.h"

#define OEM_STRINGS "11-" /* dmi-sysfs: TYPE-INSTANCE */
#define ENTRY_MAX 65536	  /* bytes: the length of an SMBIOS structure table of version 2 */
#define MARK "io.systemd.credential"

struct look {
	const struct root *root;
	struct fault *f;
};

static int refuse_name(const char *name, void *data)
{
	struct look *look = data;
	char shown[80];

	text_printable(name, shown, sizeof(shown));
	return fault_set(look->f, EXITCODE_FOREIGN_CREDENTIAL, EPERM,
			 "the host offers the credential '%s' to the system manager", shown);
}

/* One structure of SMBIOS: its strings, with a NUL behind each. */
static int look_at_entry(const char *name, void *data)
{
	char path[sizeof(PATH_DMI_ENTRIES) + NAME_MAX + 8];
	_cleanup_free_ char *raw = NULL;
	_cleanup_close_ int fd = -EBADF;
	struct look *look = data;
	const char *found;
	ssize_t n;

	if (strncmp(name, OEM_STRINGS, strlen(OEM_STRINGS)) != 0)
		return 0;
	(void)snprintf(path, sizeof(path), "%s/%s/raw", PATH_DMI_ENTRIES, name); /* fits */
	fd = root_open(look->root, path, O_RDONLY, 0);
	if (fd < 0)
		return fd == -ENOENT ? -EIO : fd; /* the folder is there: this says nothing of it */
	raw = calloc(1, ENTRY_MAX + 1);
	if (!raw)
		return -ENOMEM;
	n = io_read(fd, raw, ENTRY_MAX);
	if (n < 0)
		return (int)n;
	found = memmem(raw, (size_t)n, MARK, strlen(MARK));
	return found ? refuse_name(found, look) : 0;
}

static int look_at(const struct root *root, const char *path, root_entry_fn fn, struct fault *f)
{
	struct look look = { .root = root, .f = f };
	int r = root_walk(root, path, 0, fn, &look);

	if (r == -ENOENT || r == -ENOTDIR)
		return 0;
	return r < 0 ? fault_errno(f, EXITCODE_FOREIGN_CREDENTIAL, r, "cannot read %s", path) : 0;
}

int credentials_refuse_offered(const struct root *root, struct fault *f)
{
	int r;

	if (root->machine) {
		(void)module_load("qemu_fw_cfg", NULL); /* the folders say what is there */
		(void)module_load("dmi-sysfs", NULL);
	}
	r = look_at(root, PATH_FW_CFG_CREDENTIALS, refuse_name, f);
	return r < 0 ? r : look_at(root, PATH_DMI_ENTRIES, look_at_entry, f);
}
