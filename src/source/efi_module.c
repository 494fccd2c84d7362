/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * efi_module.c - which kernel module exposes launch secrets, in which directory of securityfs,
 * and why it exposes none.
 * Trusts the kernel and its modules; may not look at an entry. May not know about disks.
 *
 * Facts used: paths and module names of all posted series and of the merged driver (Linux
 * 5.19, drivers/virt/coco/efi_secret); loading returns 0 even if nothing is exposed; at most
 * 64 files are made.
 */
#include "source/efi_module.h"

#include <fcntl.h>
#include <linux/magic.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/statfs.h>

#include "base/modules.h"
#include "base/paths.h"

#define MERGED_DRIVER_FILES_MAX 64
#define KMSG_RECORD_MAX 8192

static const char *const directories[] = {
	PATH_SECURITYFS "/secrets/coco",    /* v8 and merged */
	PATH_SECURITYFS "/coco/efi_secret", /* v3 to v7 */
	PATH_SECURITYFS "/coco/sev_secret", /* v1, v2 */
	PATH_SECURITYFS "/sev_secret",	    /* the first proposal */
};

static bool is_own_module(const struct source *src)
{
	return strcmp(src->info.module, "coco_secret") == 0;
}

/* Returns 0, also if there is none (path is then NULL), or -errno if one cannot be opened. */
static int open_directory(struct source *src)
{
	size_t i;

	src->info.path = NULL;

	for (i = 0; i < ARRAY_SIZE(directories); i++) {
		src->fd = root_open(src->root, directories[i], O_RDONLY | O_DIRECTORY | O_NOFOLLOW,
				    0);
		if (src->fd >= 0) {
			src->info.path = directories[i];
			return 0;
		}
		if (src->fd != -ENOENT && src->fd != -ENOTDIR)
			return src->fd;
	}
	return 0;
}

static int mount_securityfs(const struct root *root, struct fault *f)
{
	_cleanup_close_ int fd = root_open(root, PATH_SECURITYFS, O_PATH | O_DIRECTORY, 0);
	struct statfs st;

	if (fd == -ENOENT)
		return fault_set(f, EXITCODE_NO_SECURITYFS, ENOENT, "this kernel has no %s",
				 PATH_SECURITYFS);
	if (fd < 0)
		return fault_errno(f, EXITCODE_NO_SECURITYFS, fd, "%s", PATH_SECURITYFS);
	if (!root->machine)
		return 0;
	if (fstatfs(fd, &st) < 0)
		return fault_errno(f, EXITCODE_NO_SECURITYFS, -errno, "%s", PATH_SECURITYFS);
	if (st.f_type == SECURITYFS_MAGIC)
		return 0;
	if (mount("securityfs", PATH_SECURITYFS, "securityfs", MS_NOSUID | MS_NODEV | MS_NOEXEC,
		  NULL) < 0)
		return fault_errno(f, EXITCODE_NO_SECURITYFS, -errno, "cannot mount securityfs");
	return 0;
}

/* Parameters for our own module: where the EFI configuration table is, and what its unload
 * must spare. Returns 0 or -errno; -ENOENT if the kernel was not started through EFI. */
static int own_module_params(const struct root *root, const struct conf *conf, char **ret_params)
{
	_cleanup_free_ char *address = NULL, *params = NULL;
	size_t size = 64 + CONF_KEEP_MAX * GUID_TEXT_SIZE + 8, i;
	int len;
	ssize_t n;

	n = root_read_text(root, PATH_EFI_CONFIG_TABLE, 64, &address);
	if (n < 0)
		return (int)n;
	address[strcspn(address, "\n")] = '\0';
	if (strncmp(address, "0x", 2) != 0 ||
	    address[2 + strspn(address + 2, "0123456789abcdef")] != '\0' || strlen(address) > 18)
		return -EINVAL;
	params = malloc(size);
	if (!params)
		return -ENOMEM;
	len = snprintf(params, size, "config_table=%s", address);
	for (i = 0; i < conf->nr_keep; i++)
		len += snprintf(params + len, size - (size_t)len, "%s%s",
				i ? "," : " keep=", conf->keep[i]);
	*ret_params = TAKE_PTR(params);
	return 0;
}

static int load_module(const struct source *src, const char *name)
{
	_cleanup_free_ char *params = NULL;
	int r;

	if (strcmp(name, "coco_secret") == 0) {
		/* Without EFI there is no address, but the module itself must still be found:
		 * its own refusal then says the rest. */
		r = own_module_params(src->root, src->conf, &params);
		if (r < 0 && r != -ENOENT)
			return r;
	}
	return module_load(name, params);
}

/* Why the merged driver exposed nothing: it says so only in the kernel log. */
static int diagnose_merged(const struct root *root, struct fault *f)
{
	_cleanup_close_ int fd = root_open(root, PATH_KMSG, O_RDONLY | O_NONBLOCK, 0);
	_cleanup_free_ char *record = malloc(KMSG_RECORD_MAX + 1);
	bool corrupt = false, duplicate = false;
	ssize_t n;

	while (fd >= 0 && record) {
		n = read(fd, record, KMSG_RECORD_MAX);
		if (n < 0 && (errno == EPIPE || errno == EINTR))
			continue; /* records were overwritten meanwhile */
		if (n <= 0)
			break;
		record[n] = '\0';
		if (!strstr(record, "efi_secret"))
			continue;
		if (strstr(record, "corrupted") || strstr(record, "length is too") ||
		    strstr(record, "Invalid secret area"))
			corrupt = true;
		if (strstr(record, "Error creating"))
			duplicate = true;
	}
	if (duplicate)
		return fault_set(f, EXITCODE_TABLE_DUPLICATE, EEXIST,
				 "two entries of the secret table have one GUID, so the kernel "
				 "exposes none");
	if (corrupt)
		return fault_set(f, EXITCODE_TABLE_CORRUPT, EINVAL,
				 "the secret table is corrupt, so the kernel exposes no entry");
	return fault_set(f, EXITCODE_NO_SECRET_TABLE, ENODEV,
			 "the firmware has published no launch secret");
}

static int wipe_area(const struct root *root)
{
	_cleanup_close_ int fd = root_open(root, PATH_COCO_SECRET_STATE, O_WRONLY | O_NOFOLLOW, 0);

	if (fd < 0)
		return fd;
	/* ENXIO: the descriptor is what is corrupt, so there is no area to zero. */
	return write(fd, "wipe", 4) == 4 || errno == ENXIO ? 0 : -errno;
}

int efi_module_wipe_failed(struct fault *f, int r)
{
	return fault_replace(f, EXITCODE_WIPE_FAILED, -r,
			     "the secret table still holds a secret: %s", strerror(-r));
}

/* The words of our own module for why it exposes nothing, as coco_secret.c has them. */
static const struct own_state {
	const char *state; /* or how it begins */
	bool corrupt;	   /* the area may hold a secret */
	enum exitcode code;
	int error;
	const char *why, *next;
} own_states[] = {
	{ "empty", false, EXITCODE_NO_SECRET_TABLE, ENODEV,
	  "the firmware has a secret area, but nobody has put a table into it",
	  "inject the launch secret before the guest starts" },
	{ "wiped", false, EXITCODE_NO_SECRET_TABLE, ENODEV,
	  "the secret area was wiped before, in this boot",
	  "start the machine again, and inject the launch secret before the guest starts" },
	{ "populated ", false, EXITCODE_NO_SECRET_TABLE, ENODEV,
	  "the entries of the secret table are not there any more",
	  "start the machine again; let nothing in the initramfs remove secrets" },
	{ "corrupt descriptor", true, EXITCODE_TABLE_CORRUPT, EINVAL,
	  "the secret table is corrupt (descriptor)",
	  "use firmware of edk2-stable202302 or newer: this one names no area that could hold a "
	  "table" },
	{ "corrupt header-length", true, EXITCODE_TABLE_CORRUPT, EINVAL,
	  "the secret table is corrupt (header-length)",
	  "build the secret table again, and no larger than the firmware's area: its length is "
	  "below its header's, or beyond the area" },
	{ "corrupt entry-length", true, EXITCODE_TABLE_CORRUPT, EINVAL,
	  "the secret table is corrupt (entry-length)",
	  "build the secret table again: an entry is shorter than its header, or ends behind the "
	  "table; if GRUB has read the disk's entry, start the kernel directly instead" },
	{ "corrupt duplicate-guid", true, EXITCODE_TABLE_DUPLICATE, EEXIST,
	  "two entries of the secret table have one GUID",
	  "build the secret table again, with each GUID once" },
};

#define ONE_VERSION "use coco-unlock and coco_secret of one version"

/* Why our own module exposed nothing: it says so in a file. */
static int diagnose_own(const struct root *root, struct fault *f, bool *ret_corrupt)
{
	_cleanup_free_ char *state = NULL;
	ssize_t n;
	size_t i;

	*ret_corrupt = false;
	n = root_read_text(root, PATH_COCO_SECRET_STATE, 256, &state);
	if (n == -ENOENT || n == -ENOTDIR)
		return fault_set(f, EXITCODE_NO_SECRET_TABLE, ENODEV,
				 "the firmware has published no launch secret");
	*ret_corrupt = true; /* or not: then nothing is lost by a wipe */
	if (n < 0)
		return fault_advise(f, EXITCODE_TABLE_CORRUPT, (int)-n, ONE_VERSION,
				    "cannot read %s: %s", PATH_COCO_SECRET_STATE,
				    strerror((int)-n));
	for (i = 0; i < ARRAY_SIZE(own_states); i++) {
		const struct own_state *s = &own_states[i];

		if (strncmp(state, s->state, strlen(s->state)) != 0)
			continue;
		*ret_corrupt = s->corrupt;
		return fault_advise(f, s->code, s->error, s->next, "%s", s->why);
	}
	state[strcspn(state, "\n")] = '\0';
	return fault_advise(f, EXITCODE_TABLE_CORRUPT, EINVAL, ONE_VERSION,
			    "coco_secret is in an unknown state (%s)", state);
}

/* Our own module can zero what it refuses to expose. */
static int refuse_own(const struct root *root, struct fault *f)
{
	bool corrupt;
	int r = diagnose_own(root, f, &corrupt), wiped = corrupt ? wipe_area(root) : 0;

	return wiped < 0 ? efi_module_wipe_failed(f, wiped) : r;
}

static int is_loaded(const struct root *root, const char *module)
{
	char path[sizeof(PATH_SYS_MODULE) + CONF_NAME_SIZE + 1];

	(void)snprintf(path, sizeof(path), "%s/%s", PATH_SYS_MODULE, module); /* fits */
	return root_exists(root, path);
}

/* Finds out which module exposes a directory that was there before us. */
static int name_module(struct source *src, struct fault *f)
{
	const struct name_list *list = &src->conf->secret_modules;
	size_t i;
	int r;

	for (i = 0; i < list->nr; i++) {
		r = is_loaded(src->root, list->names[i]);
		if (r < 0)
			return fault_errno(f, EXITCODE_NO_SECRET_MODULE, r,
					   "cannot see whether %s is loaded", list->names[i]);
		if (r > 0)
			memcpy(src->info.module, list->names[i], CONF_NAME_SIZE);
	}
	return 0;
}

/* finit_module(2), and EPERM of a kernel under lockdown. */
static const char *unloadable(const char *name, int r)
{
	switch (r) {
	case -EKEYREJECTED:
	case -ENOKEY:
		return "sign the module with a key that this kernel trusts, and build the initramfs "
		       "again";
	case -EPERM:
		return strcmp(name, "coco_secret") == 0 ?
			       "use a kernel with efi_secret: this one is under lockdown, and takes no "
			       "coco_secret" :
			       "";
	case -ENOEXEC:
		return "build the module for the very kernel that boots, and the initramfs again";
	default:
		return "";
	}
}

/* Loads the first module of the list that the kernel has. Returns 0 or -errno with f. */
static int find_module(struct source *src, struct fault *f)
{
	const struct name_list *list = &src->conf->secret_modules;
	size_t i;
	int r;

	for (i = 0; i < list->nr; i++) {
		r = load_module(src, list->names[i]);
		if (r == -ENOENT)
			continue;
		if (r == -EBUSY && strcmp(list->names[i], "coco_secret") == 0)
			return fault_advise(f, EXITCODE_NO_SECRET_MODULE, EBUSY,
					    "put the kernel's own efi_secret into the initramfs, and "
					    "leave it in SecretModules=",
					    "this kernel has its own efi_secret, which the initramfs "
					    "lacks: coco_secret does not load beside it");
		if (r < 0 && r != -ENODEV && r != -EINVAL)
			return fault_advise(f, EXITCODE_NO_SECRET_MODULE, -r,
					    unloadable(list->names[i], r),
					    "module %s does not load: %s", list->names[i],
					    strerror(-r));
		memcpy(src->info.module, list->names[i], CONF_NAME_SIZE);
		return 0;
	}
	return fault_set(f, EXITCODE_NO_SECRET_MODULE, ENOENT,
			 "this initramfs has no module that exposes launch secrets (tried %s%s%s)",
			 list->names[0], list->nr > 1 ? ", " : "",
			 list->nr > 1 ? list->names[1] : "");
}

/* Names the directory of a machine that is only looked at. */
static int look(struct source *src, struct fault *f)
{
	bool corrupt;
	int r;

	r = open_directory(src);
	if (r < 0)
		return fault_advise(f, EXITCODE_WIPE_FAILED, -r, "run it as root",
				    "cannot look at the secrets: %s", strerror(-r));
	if (src->info.path)
		return 1;
	if (root_exists(src->root, PATH_COCO_SECRET_STATE) != 0)
		(void)diagnose_own(src->root, f, &corrupt); /* nothing is zeroed */
	return 0;
}

/* Absent is what the kernel, the image or the firmware does not have; all the rest is an error. */
static int absent(int r, const struct fault *f)
{
	bool may_lack = f->code == EXITCODE_NO_SECURITYFS || f->code == EXITCODE_NO_SECRET_MODULE ||
			f->code == EXITCODE_NO_SECRET_TABLE;

	return may_lack && (r == -ENODEV || r == -ENOENT) ? 0 : r;
}

int efi_module_probe(struct source *src, struct fault *f)
{
	int r;

	if (src->look_only)
		return look(src, f);
	r = mount_securityfs(src->root, f);
	if (r < 0)
		return absent(r, f);
	r = open_directory(src);
	if (r < 0)
		return efi_module_wipe_failed(f, r);
	if (src->info.path) {
		r = name_module(src, f);
		return r < 0 ? r : 1;
	}
	if (src->root->machine) {
		r = find_module(src, f);
		if (r < 0)
			return absent(r, f);
		r = open_directory(src);
		if (r < 0)
			return efi_module_wipe_failed(f, r);
	}
	if (src->info.path)
		return 1;
	r = is_own_module(src) || !src->root->machine ? refuse_own(src->root, f) :
							diagnose_merged(src->root, f);
	return absent(r, f);
}

bool efi_module_may_hide(const struct source *src, int nr)
{
	return nr >= MERGED_DRIVER_FILES_MAX && !is_own_module(src);
}

int efi_module_reload(struct source *src)
{
	int r;

	if (!src->root->machine || !src->info.module[0])
		return -EBUSY;
	util_closep(&src->fd);
	src->fd = -EBADF;
	r = module_unload(src->info.module);
	if (r < 0)
		return r;
	r = load_module(src, src->info.module);
	if (r < 0)
		return r;
	r = open_directory(src);
	if (r < 0)
		return r;
	return src->info.path ? 0 : -ENODEV;
}
