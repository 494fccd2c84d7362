/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * cmdline.c - the guard in front of the command line and of imported credentials.
 * Trusts the configuration in the initramfs; the words come from the host. It can only
 * refuse: nothing in them changes what is opened.
 */
#include "boot/cmdline.h"

#include <fcntl.h>
#include <string.h>

#include "base/paths.h"

/* Words that a boot may have without getting more than it should: what is shown, what is
 * switched off, what makes the guest stricter. A final `*` makes a prefix, a final `#` stands for
 * digits. Each was asked what it switches off. Not in the list, though they look harmless:
 * - console= with another name: uart and the like are an earlycon at an address in memory that
 *   the host chooses (init/main.c, do_early_param());
 * - security=, audit=0: they switch off the other security module, and the record;
 * - page_poison=1: takes precedence over init_on_alloc and init_on_free, which it turns off
 *   (mm/mm_init.c);
 * - luks=: of the real root's crypttab, too, unlike rd.luks=;
 * - swiotlb=noforce, random.trust_cpu=off: no bounce buffers, and no credit for the only random
 *   numbers that the host does not see. */
/* clang-format off */
static const char *const default_words[] = {
	/* put there by boot loaders and by the firmware of measured direct boot */
	"BOOT_IMAGE=*", "initrd=initrd",
	/* the root's file system; root= itself is judged apart */
	"ro", "rw", "rootfstype=ext4", "rootfstype=xfs", "rootfstype=btrfs",
	/* output */
	"quiet", "console=tty*", "console=hvc*", "loglevel=*", "printk.time=*", "vga=*", "nomodeset", "splash",
	"nosplash", "rhgb", "plymouth.enable=0", "systemd.show_status=*",
	"rd.systemd.show_status=*",
	/* our own, which can only be shorter than the configuration says */
	"coco_unlock.timeout=*",
	/* less of something */
	"noresume", "rd.luks=0", "rd.luks=no", "rd.shell=0", "rd.emergency=poweroff",
	"rd.emergency=reboot", "rd.emergency=halt", "systemd.gpt_auto=0", "systemd.gpt_auto=no",
	"rd.retry=#", /* the image has it; dracut puts it into a kernel that it makes (uefi=yes) */
	"rd.systemd.gpt_auto=0", "systemd.import_credentials=0", "systemd.import_credentials=no",
	"net.ifnames=0", "biosdevname=0",
	/* more safety */
	"panic=*", "oops=panic", "init_on_free=1", "init_on_alloc=1", "lockdown=integrity",
	"lockdown=confidentiality", "iommu.strict=1", "fips=1", "selinux=1", "enforcing=1",
	"apparmor=1", "audit=1", "random.trust_cpu=on", "random.trust_cpu=1", "swiotlb=#",
	"swiotlb=force",
	/* of a virtual machine, whose timer is not the one that the kernel knows a mistake of */
	"no_timer_check",
};
/* clang-format on */

#define ROOT_WORD "root=/dev/mapper/"

static bool matches(const char *word, const char *allowed)
{
	size_t len = strlen(allowed);

	if (len > 0 && allowed[len - 1] == '*')
		return strncmp(word, allowed, len - 1) == 0;
	return strcmp(word, allowed) == 0;
}

static bool matches_default(const char *word, const char *allowed)
{
	size_t len = strlen(allowed);

	if (allowed[len - 1] != '#')
		return matches(word, allowed);
	return strncmp(word, allowed, len - 1) == 0 && word[len - 1] != '\0' &&
	       word[len - 1 + strspn(word + len - 1, "0123456789")] == '\0';
}

/* systemd.syntax(7): quotes and backslashes join and split words in their own way. */
static bool is_plain(const char *word)
{
	for (; *word; word++)
		if (*word < 0x21 || *word > 0x7e || strchr("\"'\\", *word))
			return false;
	return true;
}

static bool is_allowed(const char *word, const struct conf *conf)
{
	const struct word_list *list = &conf->allow_words;
	size_t i;

	if (!is_plain(word))
		return false;
	for (i = 0; list->defaults && i < ARRAY_SIZE(default_words); i++)
		if (matches_default(word, default_words[i]))
			return true;
	for (i = 0; i < list->nr; i++)
		if (matches(word, list->words[i]))
			return true;
	return strncmp(word, ROOT_WORD, sizeof(ROOT_WORD) - 1) == 0 &&
	       strcmp(word + sizeof(ROOT_WORD) - 1, conf->volumes[conf->root_volume].name) == 0;
}

/* AllowWords= takes no such word, and of another root verify-root would not let the boot go on. */
static void advise_word(const char *word, const struct conf *conf, char *buf, size_t size)
{
	const char *root = conf->volumes[conf->root_volume].name;

	*buf = '\0';
	if (strncmp(word, "root=", 5) == 0)
		(void)snprintf(buf, size,
			       "use root=/dev/mapper/%s; if the root is a logical volume on that, "
			       "allow its word with AllowWords= and build the initramfs again",
			       root); /* fits */
	else if (!is_plain(word) || strlen(word) >= CONF_WORD_SIZE)
		(void)snprintf(buf, size, "remove the word from the kernel command line");
}

static int refuse_word(const char *word, const struct conf *conf, struct fault *f)
{
	bool names_root = strncmp(word, "root=", 5) == 0;
	char shown[80], next[CONF_NAME_SIZE + 160];

	text_printable(word, shown, sizeof(shown));
	advise_word(word, conf, next, sizeof(next));
	return fault_advise(f, EXITCODE_COMMAND_LINE, EPERM, next,
			    "the kernel command line has the word '%s', which is not allowed%s%s%s",
			    shown, names_root ? ": the root is the volume '" : "",
			    names_root ? conf->volumes[conf->root_volume].name : "",
			    names_root ? "'" : "");
}

char *cmdline_next_refused(char **cursor, const struct conf *conf)
{
	char *word;

	while ((word = text_word(cursor, " \t\n")) && is_allowed(word, conf))
		;
	return word;
}

/* systemd reads more words from here where Secure Boot is off: at first from the variable, then
 * from a copy that it keeps (src/basic/efivars.c). */
static int check_efi_options(const struct root *root, struct fault *f)
{
	static const char *const paths[] = {
		PATH_EFI_SYSTEMD_OPTIONS,
		PATH_EFI_SYSTEMD_OPTIONS_CACHE,
	};
	size_t i;
	int r;

	for (i = 0; i < ARRAY_SIZE(paths); i++) {
		r = root_exists(root, paths[i]);
		if (r < 0)
			return fault_errno(
				f, EXITCODE_COMMAND_LINE, r,
				"cannot see whether there is an EFI variable SystemdOptions");
		if (r > 0)
			return fault_advise(f, EXITCODE_COMMAND_LINE, EPERM,
					    "start the guest without the EFI variable SystemdOptions",
					    "the EFI variable SystemdOptions adds to the kernel "
					    "command line");
	}
	return 0;
}

int cmdline_check(const struct root *root, const struct conf *conf, struct fault *f)
{
	_cleanup_free_ char *cmdline = NULL;
	char *cursor, *word;
	ssize_t n;

	if (!conf->check_cmdline)
		return 0;
	if (check_efi_options(root, f) < 0)
		return -EPERM;
	n = root_read_text(root, PATH_CMDLINE, CONF_CMDLINE_MAX, &cmdline);
	if (n == -ENOENT && !root->machine)
		return 0;
	if (n < 0)
		return fault_errno(f, EXITCODE_COMMAND_LINE, (int)n, "cannot read %s",
				   PATH_CMDLINE);
	cursor = cmdline;
	word = cmdline_next_refused(&cursor, conf);
	return word ? refuse_word(word, conf, f) : 0;
}

static int refuse_credential(const char *name, void *data)
{
	char shown[80];

	text_printable(name, shown, sizeof(shown));
	return fault_set(data, EXITCODE_FOREIGN_CREDENTIAL, EPERM,
			 "the system manager has imported the credential '%s'", shown);
}

int cmdline_check_credentials(const struct root *root, struct fault *f)
{
	static const char *const dirs[] = { PATH_CREDENTIALS_SYSTEM, PATH_CREDENTIALS_ENCRYPTED };
	size_t i;
	int r;

	for (i = 0; i < ARRAY_SIZE(dirs); i++) {
		r = root_walk(root, dirs[i], O_NOFOLLOW, refuse_credential, f);
		if (r == -ENOENT)
			continue;
		if (r < 0)
			return fault_errno(f, EXITCODE_FOREIGN_CREDENTIAL, r, "cannot read %s",
					   dirs[i]);
	}
	return 0;
}
