/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * surroundings.c - the looks at a real root for what obeys the host.
 * Trusts the root's own files to say what its owner wants; may not change anything, and may
 * not take an error for "nothing there".
 */
#include "boot/surroundings.h"

#include <fcntl.h>
#include <limits.h>
#include <string.h>

#include "base/paths.h"
#include "boot/services.h"
#include "boot/storage.h"

#define SHADOW_MAX (1024 * 1024)

/* Documentation/admin-guide/sysrq.rst. Sync, remount and reboot are left out: the host can stop
 * the machine in any case. */
#define SYSRQ_ALL 1
#define SYSRQ_KEYBOARD 4 /* SAK: kills whoever has the terminal open */
#define SYSRQ_DUMP 8	 /* registers, tasks, a crash */
#define SYSRQ_SIGNAL 64	 /* kills processes */

static void look_at_sysrq(const struct root *root, const struct warning_sink *sink)
{
	_cleanup_free_ char *text = NULL;
	char *cursor, *word;
	uint64_t mask;
	ssize_t n;

	n = root_read_text(root, PATH_SYSRQ, 64, &text);
	if (n == -ENOENT)
		return; /* a kernel without it, or a tree */
	cursor = text;
	word = n < 0 ? NULL : text_word(&cursor, "\n");
	if (!word || text_u64(word, UINT32_MAX, &mask) < 0) {
		warning_say(sink, "sysrq",
			    "%s cannot be read: %s; put kernel.sysrq=0 into /etc/sysctl.d",
			    PATH_SYSRQ, strerror(n < 0 ? (int)-n : EINVAL));
		return;
	}
	if (mask != SYSRQ_ALL && !(mask & (SYSRQ_KEYBOARD | SYSRQ_DUMP | SYSRQ_SIGNAL)))
		return;
	warning_say(sink, "sysrq",
		    "kernel.sysrq is %llu: by a break on the console the host can%s%s%s; put kernel.sysrq=0 into /etc/sysctl.d",
		    (unsigned long long)mask,
		    mask == SYSRQ_ALL || (mask & SYSRQ_KEYBOARD) ?
			    " kill whoever has it open (SAK)," :
			    "",
		    mask == SYSRQ_ALL || (mask & SYSRQ_DUMP) ? " print registers and tasks," : "",
		    mask == SYSRQ_ALL || (mask & SYSRQ_SIGNAL) ? " kill processes," : "");
}

/* Ends the walk at the first credential. */
static int is_credential(const char *name, void *data)
{
	if (*name == '.')
		return 0;
	(void)snprintf(data, NAME_MAX + 1, "%s", name); /* fits */
	return 1;
}

static void look_at_credentials(const struct root *root, const char *path,
				const struct warning_sink *sink)
{
	char name[NAME_MAX + 1];
	int r = root_walk(root, path, 0, is_credential, name);

	if (r > 0)
		warning_say(sink, "credentials",
			    "%s has '%s': the system manager and its services obey it, and it may be the host's; find out where it comes from, and leave qemu_fw_cfg out of the kernel's modules",
			    path, name);
	else if (r < 0 && r != -ENOENT)
		warning_say(sink, "credentials",
			    "%s cannot be read: %s; look for credentials from SMBIOS and fw_cfg there",
			    path, strerror(-r));
}

/* shadow(5): a second field that is empty lets anybody in, at a console of the host. */
static void look_at_passwords(const struct root *root, const struct warning_sink *sink)
{
	_cleanup_free_ char *text = NULL;
	char *cursor, *line, *field;
	ssize_t n;

	n = root_read_text(root, PATH_SHADOW, SHADOW_MAX, &text);
	if (n == -ENOENT)
		return;
	if (n < 0) {
		warning_say(sink, "console",
			    "%s cannot be read: %s; make sure that no account has an empty password",
			    PATH_SHADOW, strerror((int)-n));
		return;
	}
	cursor = text;
	while ((line = text_word(&cursor, "\n"))) {
		field = strchr(line, ':');
		if (field && (field[1] == ':' || field[1] == '\0')) {
			*field = '\0';
			warning_say(sink, "console",
				    "the account '%s' has an empty password, and the console is the host's; lock it: passwd -l %s",
				    line, line);
		}
	}
	explicit_bzero(text, (size_t)n);
}

void surroundings_look(const struct root *root, const struct conf *conf,
		       const struct warning_sink *sink)
{
	storage_look(root, conf, sink);
	services_look(root, sink);
	look_at_credentials(root, PATH_CREDENTIALS_SYSTEM, sink);
	look_at_credentials(root, PATH_CREDENTIALS_ENCRYPTED, sink);
	look_at_passwords(root, sink);
	look_at_sysrq(root, sink);
}
