/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * provider.c - which provider of platform reports the kernel has registered.
 * Trusts the kernel and its modules. May not infer anything from what the host can choose: the
 * name of the provider decides, and what cannot be seen is never absent.
 *
 * Facts used, of Linux 6.7 to 7.x: tsm.ko is called tsm_report.ko in newer ones; tdx_guest returns
 * ENODEV where the CPU is no TDX guest's; sev_guest returns ENODEV where no device is bound to it,
 * which is also what becomes of an error of its own; the device is registered by SEV-SNP guests. A
 * TDX guest's kernel sets a flag of the processor early; no hypervisor can hide it, and a guest
 * that has it without being one does not get this far. The host can make tdx_guest fail: it has to
 * share memory with it.
 */
#include "source/kbs/provider.h"

#include <fcntl.h>
#include <string.h>

#include "base/io.h"
#include "base/modules.h"
#include "base/paths.h"
#include "base/text.h"

#define CPUINFO_SIZE 16384 /* bytes: more than there is of the first processor */

/* Is the hardware of a module there? Returns 1, 0 or -errno. */
typedef int hardware_fn(const struct root *root);

static int has_sev_device(const struct root *root)
{
	return root_exists(root, PATH_SEV_GUEST_DEVICE);
}

/* The flag tdx_guest of the first processor: each has it. */
static int has_tdx_flag(const struct root *root)
{
	_cleanup_close_ int fd = root_open(root, PATH_CPUINFO, O_RDONLY, 0);
	char text[CPUINFO_SIZE], *lines = text, *line, *word;
	ssize_t n;

	if (fd == -ENOENT)
		return 0;
	n = fd < 0 ? fd : io_read(fd, text, sizeof(text) - 1);
	if (n < 0)
		return (int)n;
	text[n] = '\0';
	while ((line = text_word(&lines, "\n"))) {
		word = text_word(&line, " \t:");
		if (!word || strcmp(word, "flags") != 0)
			continue;
		while ((word = text_word(&line, " \t:")))
			if (strcmp(word, "tdx_guest") == 0)
				return 1;
		return 0;
	}
	return 0;
}

/* What is loaded, in this order. One of the names is enough. */
static const struct module {
	const char *names[2];
	hardware_fn *has_hardware; /* NULL: it needs none */
	const char *hardware;
} modules[] = {
	{ { "tsm", "tsm_report" }, NULL, NULL }, /* takes configfs along */
	{ { "sev_guest" }, has_sev_device, PATH_SEV_GUEST_DEVICE },
	{ { "tdx_guest" }, has_tdx_flag, "TDX (tdx_guest in " PATH_CPUINFO ")" },
};

static const struct {
	const char *provider, *tee;
} tees[] = {
	{ "sev_guest", "snp" },
	{ "tdx_guest", "tdx" },
};

static const char *unloadable(int r)
{
	switch (r) {
	case -ENOENT:
		return "put it into the image; use a kernel that has tsm or tsm_report, and sev_guest or "
		       "tdx_guest";
	case -ENODEV:
		return "look at the kernel's log, and restart the guest";
	case -EKEYREJECTED:
	case -ENOKEY:
		return "sign the module with a key that this kernel trusts, and build the initramfs "
		       "again";
	case -ENOEXEC:
		return "build the module for the very kernel that boots, and the initramfs again";
	default:
		return "";
	}
}

/* What has said that there is no hardware, has said nothing, or is not there (-ENOENT), is believed
 * only where none is seen. Returns 0 or -errno with f. */
static int check_hardware(const struct root *root, const struct module *m, int r, struct fault *f)
{
	int there = m->has_hardware ? m->has_hardware(root) : 0;

	if (there == 0)
		return 0;
	return fault_advise(f, EXITCODE_NO_PROVIDER, there < 0 ? -there : ENODEV, unloadable(r),
			    "module %s %s %s, which %s", m->names[0],
			    r == -ENOENT ? "is not in this image, and drives" : "does not drive",
			    m->hardware, there < 0 ? "cannot be looked at" : "is there");
}

/* Returns 0 if there is nothing to complain of yet: *ret_r is -ENOENT for one that is not in the
 * image, which may do without it. */
static int load(const struct root *root, const struct module *m, bool look_only, int *ret_r,
		struct fault *f)
{
	int r = -ENOENT;
	size_t i;

	for (i = 0; i < ARRAY_SIZE(m->names) && m->names[i] && r == -ENOENT; i++)
		r = look_only ? module_lookup(m->names[i]) : module_load(m->names[i], NULL);
	*ret_r = r;
	if (r >= 0 || (r == -ENOENT && m->has_hardware))
		return 0;
	if (r == -ENODEV && m->has_hardware)
		return check_hardware(root, m, r, f);
	return fault_advise(f, EXITCODE_NO_PROVIDER, -r, unloadable(r), "module %s%s%s %s%s",
			    m->names[0], m->names[1] ? " or " : "", m->names[1] ? m->names[1] : "",
			    r == -ENOENT ? "is not in this image" : "does not load: ",
			    r == -ENOENT ? "" : strerror(-r));
}

/* A kernel may be for one of the platforms alone. results: as load() has them. */
static int load_all(const struct root *root, bool look_only, int results[ARRAY_SIZE(modules)],
		    struct fault *f)
{
	size_t i, missing = 0, platforms = 0;
	int r;

	for (i = 0; i < ARRAY_SIZE(modules); i++) {
		r = load(root, &modules[i], look_only, &results[i], f);
		if (r < 0)
			return r;
		platforms += modules[i].has_hardware != NULL;
		missing += results[i] == -ENOENT;
	}
	if (missing < platforms)
		return 0;
	return fault_advise(f, EXITCODE_NO_PROVIDER, ENOENT, unloadable(-ENOENT),
			    "neither module sev_guest nor tdx_guest is in this image");
}

/* None is registered. A driver that is built in tells nobody that it has failed. */
static int check_absent(const struct root *root, const int results[ARRAY_SIZE(modules)],
			struct fault *f)
{
	struct fault why = { 0 };
	size_t i;

	for (i = 0; i < ARRAY_SIZE(modules) && root->machine; i++) {
		int r = check_hardware(root, &modules[i], results[i], &why);

		if (r < 0) {
			*f = why;
			return r;
		}
	}
	return 0;
}

int provider_find(const struct root *root, bool look_only, struct deadline deadline,
		  char ret_name[static TSM_PROVIDER_SIZE], const char **ret_tee, struct fault *f)
{
	int results[ARRAY_SIZE(modules)] = { 0 }, r;
	size_t i;

	r = root->machine ? load_all(root, look_only, results, f) : 0;
	if (r < 0)
		return r;
	r = tsm_provider(root, look_only, deadline, ret_name, f);
	if (r == 0 && !look_only)
		return check_absent(root, results, f);
	if (r <= 0)
		return r;
	for (i = 0; i < ARRAY_SIZE(tees); i++) {
		if (strcmp(ret_name, tees[i].provider) != 0)
			continue;
		*ret_tee = tees[i].tee;
		return 1;
	}
	return fault_advise(f, EXITCODE_NO_PROVIDER, EOPNOTSUPP,
			    "start the guest as SEV-SNP or TDX: reports of another platform are not "
			    "understood",
			    "the kernel's provider of reports is '%s', neither sev_guest nor "
			    "tdx_guest",
			    ret_name);
}
