/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * provider.c - which provider of platform reports the kernel has registered.
 * Trusts the kernel and its modules. May not infer anything from what the host can choose: the
 * name of the provider decides, and what cannot be seen is never absent.
 *
 * Facts used, of Linux 6.7 to 7.x: tsm.ko is called tsm_report.ko in newer ones; tdx_guest returns
 * ENODEV where the CPU is no TDX guest's; sev_guest returns ENODEV where no device is bound to it,
 * which is also what becomes of an error of its own; the device is registered by SEV-SNP guests.
 */
#include "source/kbs/provider.h"

#include <string.h>

#include "base/modules.h"
#include "base/paths.h"

/* What is loaded, in this order. One of the names is enough. */
static const struct module {
	const char *names[2];
	const char *device; /* of its hardware: that it is there; NULL: not of hardware */
	bool may_lack_hardware;
} modules[] = {
	{ { "tsm", "tsm_report" }, NULL, false }, /* takes configfs along */
	{ { "sev_guest" }, PATH_SEV_GUEST_DEVICE, true },
	{ { "tdx_guest" }, NULL, true },
};

static const struct {
	const char *provider, *tee;
} tees[] = {
	{ "sev_guest", "snp" },
	{ "tdx_guest", "tdx" },
};

/* Is the hardware of this module there? Returns 1, 0 or -errno. */
static int has_hardware(const struct root *root, const struct module *m)
{
	return m->device ? root_exists(root, m->device) : 0;
}

static const char *unloadable(int r)
{
	switch (r) {
	case -ENOENT:
		return "put it into the image; use a kernel that has tsm or tsm_report, sev_guest and "
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

/* What has said that there is no hardware, or nothing at all, is believed only where none is seen.
 * Returns 0 or -errno with f. */
static int check_hardware(const struct root *root, const struct module *m, struct fault *f)
{
	int there = has_hardware(root, m);

	if (there == 0)
		return 0;
	return fault_advise(f, EXITCODE_NO_PROVIDER, there < 0 ? -there : ENODEV,
			    unloadable(-ENODEV), "module %s does not drive %s, which is there",
			    m->names[0], m->device);
}

static int load(const struct root *root, const struct module *m, bool look_only, struct fault *f)
{
	int r = -ENOENT;
	size_t i;

	for (i = 0; i < ARRAY_SIZE(m->names) && m->names[i] && r == -ENOENT; i++)
		r = look_only ? module_lookup(m->names[i]) : module_load(m->names[i], NULL);
	if (r >= 0)
		return 0;
	if (r == -ENODEV && m->may_lack_hardware)
		return check_hardware(root, m, f);
	return fault_advise(f, EXITCODE_NO_PROVIDER, -r, unloadable(r), "module %s%s%s %s%s",
			    m->names[0], m->names[1] ? " or " : "", m->names[1] ? m->names[1] : "",
			    r == -ENOENT ? "is not in this image" : "does not load: ",
			    r == -ENOENT ? "" : strerror(-r));
}

/* None is registered. A driver that is built in tells nobody that it has failed. */
static int check_absent(const struct root *root, struct fault *f)
{
	struct fault why = { 0 };
	size_t i;

	for (i = 0; i < ARRAY_SIZE(modules) && root->machine; i++) {
		int r = check_hardware(root, &modules[i], &why);

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
	size_t i;
	int r;

	for (i = 0; i < ARRAY_SIZE(modules) && root->machine; i++) {
		r = load(root, &modules[i], look_only, f);
		if (r < 0)
			return r;
	}
	r = tsm_provider(root, look_only, deadline, ret_name, f);
	if (r == 0 && !look_only)
		return check_absent(root, f);
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
