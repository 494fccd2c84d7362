/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * kernel.c - makes sure that the kernel can map a volume.
 * Trusts the initramfs's modules; may not know about secrets or disks.
 */
#include "volume/kernel.h"

#include <fcntl.h>
#include <linux/dm-ioctl.h>
#include <string.h>
#include <sys/ioctl.h>

#include "base/modules.h"
#include "base/paths.h"

#define ALIAS_SIZE (CONF_NAME_SIZE + 8)
#define TARGETS_SIZE 16384
#define PROC_CRYPTO_MAX (1024 * 1024)
#define MEMINFO_MAX 65536
#define MEMORY_ROOM_KIB (32 * 1024)

/* Returns 1 if the target is there, 0 if not, or -errno.
 *
 * Device-mapper ioctl DM_LIST_VERSIONS (linux/dm-ioctl.h, interface version 4.0): a chain of
 * struct dm_target_versions, each with the offset of the next, 0 at the end. */
static int find_target(const struct root *root, const char *name)
{
	_cleanup_close_ int fd = root_open(root, PATH_DM_CONTROL, O_RDWR, 0);
	_cleanup_free_ struct dm_ioctl *io = calloc(1, TARGETS_SIZE);
	const char *p, *end;

	if (fd < 0)
		return fd;
	if (!io)
		return -ENOMEM;
	io->version[0] = DM_VERSION_MAJOR;
	io->data_size = TARGETS_SIZE;
	io->data_start = sizeof(*io);
	if (ioctl(fd, DM_LIST_VERSIONS, io) < 0)
		return -errno;
	p = (const char *)io + io->data_start;
	end = (const char *)io + TARGETS_SIZE;
	while (p + sizeof(struct dm_target_versions) < end) {
		struct dm_target_versions target;

		memcpy(&target, p, sizeof(target));
		if (strncmp(p + sizeof(target), name, strlen(name) + 1) == 0)
			return 1;
		if (target.next == 0)
			break;
		p += target.next;
	}
	return 0;
}

static int require_target(const struct root *root, const char *name, struct fault *f)
{
	int r = find_target(root, name);

	if (r < 0)
		return fault_errno(f, EXITCODE_NO_DM_CRYPT, r, "%s", PATH_DM_CONTROL);
	if (r == 0)
		return fault_set(f, EXITCODE_NO_DM_CRYPT, ENOENT,
				 "the kernel has no device-mapper target '%s'", name);
	return 0;
}

/* The kernel lists what is registered: "name         : aes". An unreadable list has nothing: it
 * can only turn a cipher that did not load into a refusal. */
static bool in_proc_crypto(const struct root *root, const char *algorithm)
{
	_cleanup_free_ char *text = NULL;
	char line[ALIAS_SIZE + 16];

	if (root_read_text(root, PATH_CRYPTO, PROC_CRYPTO_MAX, &text) < 0)
		return false;
	(void)snprintf(line, sizeof(line), "name         : %s\n", algorithm); /* fits */
	return strstr(text, line) != NULL;
}

/* "aes-xts-plain64" needs the algorithms aes and xts; plain64, the only IV generator that the
 * configuration takes, is dm-crypt's own. */
static int for_each_algorithm(const struct root *root, const struct conf *conf,
			      int (*fn)(const char *alias), struct fault *f)
{
	size_t i;
	int r;

	for (i = 0; i < conf->ciphers.nr; i++) {
		char cipher[CONF_NAME_SIZE], alias[ALIAS_SIZE], *cursor = cipher, *word;
		int nr;

		memcpy(cipher, conf->ciphers.names[i], sizeof(cipher));
		for (nr = 0; nr < 2 && (word = text_word(&cursor, "-")); nr++) {
			(void)snprintf(alias, sizeof(alias), "crypto-%s", word); /* fits */
			r = fn(alias);
			if (r < 0 && !in_proc_crypto(root, word))
				return fault_advise(
					f, EXITCODE_NO_DM_CRYPT, -r,
					"put this module into the initramfs, or take the cipher out "
					"of Ciphers= and build the initramfs again",
					"the kernel has no '%s' for cipher %s: %s", word,
					conf->ciphers.names[i], strerror(-r));
		}
	}
	return 0;
}

#define INTEGRITY \
	"put dm_integrity, authenc, hmac and sha256 into the initramfs, or use a kernel that has them"

static int for_each_integrity_module(const struct root *root, int (*fn)(const char *alias),
				     struct fault *f)
{
	static const char *const algorithms[] = { "authenc", "hmac", "sha256" };
	char alias[ALIAS_SIZE];
	size_t i;
	int r;

	r = fn("dm_integrity");
	if (r < 0 && r != -ENOENT)
		return fault_advise(f, EXITCODE_NO_DM_CRYPT, -r, INTEGRITY,
				    "dm_integrity does not load: %s", strerror(-r));
	for (i = 0; i < ARRAY_SIZE(algorithms); i++) {
		(void)snprintf(alias, sizeof(alias), "crypto-%s", algorithms[i]); /* fits */
		r = fn(alias);
		/* ENOENT: built in, as a template that /proc/crypto does not list. */
		if (r < 0 && r != -ENOENT && !in_proc_crypto(root, algorithms[i]))
			return fault_advise(f, EXITCODE_NO_DM_CRYPT, -r, INTEGRITY,
					    "the kernel has no '%s' for integrity=: %s",
					    algorithms[i], strerror(-r));
	}
	return 0;
}

static int load_alias(const char *alias)
{
	return module_load(alias, NULL);
}

int kernel_prepare(const struct root *root, const struct conf *conf, struct fault *f)
{
	int r;

	if (!root->machine)
		return 0;
	r = module_load("dm_crypt", NULL);
	if (r < 0 && r != -ENOENT)
		return fault_advise(f, EXITCODE_NO_DM_CRYPT, -r,
				    "build the initramfs again, with the modules of the very kernel "
				    "that boots",
				    "dm_crypt does not load: %s", strerror(-r));
	r = require_target(root, "crypt", f);
	if (r < 0)
		return r;
	if (conf_wants_integrity(conf)) {
		r = for_each_integrity_module(root, load_alias, f);
		if (r >= 0)
			r = require_target(root, "integrity", f);
		if (r < 0)
			return r;
	}
	return for_each_algorithm(root, conf, load_alias, f);
}

int kernel_look(const struct root *root, const struct conf *conf, struct fault *f)
{
	int r = module_lookup("dm_crypt");

	if (r < 0)
		return fault_errno(f, EXITCODE_NO_DM_CRYPT, r, "no module dm_crypt");
	if (conf_wants_integrity(conf)) {
		r = for_each_integrity_module(root, module_lookup, f);
		if (r < 0)
			return r;
	}
	return for_each_algorithm(root, conf, module_lookup, f);
}

/* proc(5): the line MemAvailable. */
static int read_available(const struct root *root, uint64_t *ret_kib)
{
	static const char key[] = "MemAvailable:";
	_cleanup_free_ char *text = NULL;
	char *p, *word;
	ssize_t n;

	n = root_read_text(root, PATH_MEMINFO, MEMINFO_MAX, &text);
	if (n < 0)
		return (int)n;
	p = strstr(text, key);
	if (!p)
		return -EINVAL;
	p += sizeof(key) - 1;
	word = text_word(&p, " \t\n");
	return word ? text_u64(word, UINT64_MAX, ret_kib) : -EINVAL;
}

int kernel_available_kib(const struct root *root, uint64_t *ret_kib, struct fault *f)
{
	uint64_t kib = 0;
	int r;

	if (!root->machine) {
		*ret_kib = UINT64_MAX;
		return 0;
	}
	r = read_available(root, &kib);
	if (r < 0)
		return fault_advise(f, EXITCODE_NO_MEMORY, -r, "mount /proc in the initramfs",
				    "%s does not say how much memory is left: %s", PATH_MEMINFO,
				    strerror(-r));
	*ret_kib = kib > MEMORY_ROOM_KIB ? kib - MEMORY_ROOM_KIB : 0;
	return 0;
}
