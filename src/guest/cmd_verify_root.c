/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * cmd_verify_root.c - the verbs that look at what is mounted: verify-root runs between the mount
 * of the root and everything that reads it, verify-mounts right before the initramfs leaves.
 */
#include "guest/cmd.h"

#include <string.h>
#include <sys/mman.h>

#include "base/child.h"
#include "base/log.h"
#include "base/paths.h"
#include "boot/action.h"
#include "boot/stop.h"
#include "boot/unlock.h"
#include "rootfs/verify.h"

/* A disk that does not answer must not hold up the refusal; the unit ends this process a little
 * later, and then nobody would take the volume keys from the kernel. */
static int look_limit_ms = 45000;

typedef int look_fn(const struct root *root, const char *point, const struct opened_volume *volumes,
		    size_t nr, struct fault *f);

static int verify(const struct root *root, look_fn *look, bool *ret_opened, struct fault *f)
{
	struct opened_volume volumes[CONF_VOLUMES_MAX];
	size_t nr = 0;
	int r;

	r = opened_read(root, volumes, CONF_VOLUMES_MAX, &nr);
	*ret_opened = r >= 0; /* if nobody knows, the secrets are looked for */
	if (r == -ENOENT)
		return fault_advise(f, EXITCODE_ROOT_CONFUSION, ENOENT,
				    "look for why coco-unlock.service has not run in the lines above",
				    "coco-unlock has opened nothing in this boot");
	if (r < 0)
		return fault_errno(f, EXITCODE_ROOT_CONFUSION, r, "%s cannot be read", PATH_OPENED);
	return look(root, PATH_SYSROOT, volumes, nr, f);
}

/* What the process that looks shares with this one. */
struct looking {
	const struct root *root;
	look_fn *look;
	struct fault fault;
	bool opened;
	bool good;
};

static int look_now(void *arg)
{
	struct looking *l = arg;

	l->good = verify(l->root, l->look, &l->opened, &l->fault) >= 0 &&
		  l->fault.code == EXITCODE_OK;
	return EXIT_SUCCESS;
}

/* verify() in a process that may hang. True if all is as it should be; else f says why not. */
static bool verify_in_time(const struct root *root, look_fn *look, bool *ret_opened,
			   struct fault *f)
{
	struct looking *l =
		mmap(NULL, sizeof(*l), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	struct deadline deadline = deadline_in_ms((uint64_t)look_limit_ms);
	struct child child;
	bool good;
	int r;

	*ret_opened = false;
	if (l == MAP_FAILED) {
		(void)fault_set(f, EXITCODE_NO_MEMORY, ENOMEM,
				"no memory to look at what is mounted");
		return false;
	}
	*l = (struct looking){ .root = root, .look = look };
	r = child_start(&child, look_now, l);
	if (r < 0)
		(void)fault_errno(f, EXITCODE_NO_MEMORY, r,
				  "no process to look at what is mounted");
	else
		child_wait(&child, 1, deadline);
	good = r >= 0 && child.status == EXIT_SUCCESS && l->good;
	*ret_opened = l->opened;
	*f = l->fault.code != EXITCODE_OK ? l->fault : *f;
	/* A look that ended by itself without a reason is left to stop(). */
	if (child.status < 0 && deadline_left_ms(deadline) > 0)
		(void)fault_advise(f, EXITCODE_INTERNAL, ECHILD,
				   "give the guest more memory; if it has enough, report this with "
				   "all that the console has shown",
				   "the process that looks at what is mounted was killed");
	if (child.status < 0)
		(void)fault_advise(f, EXITCODE_ROOT_CONFUSION, ETIMEDOUT,
				   "detach the disk that does not answer",
				   "the look at what is mounted has not come to an end within %d s",
				   look_limit_ms / 1000);
	(void)munmap(l, sizeof(*l)); /* its content is copied */
	return good;
}

static int run(const struct root *root, look_fn *look, const char *good)
{
	struct fault f = { 0 }, ignored = { 0 };
	struct report report;
	struct conf conf;
	bool opened = false;

	if (verify_in_time(root, look, &opened, &f)) {
		log_info("%s", good);
		return EXITCODE_OK;
	}
	report_init(&report);
	(void)conf_load(root, &conf, &ignored); /* on an error the defaults apply */
	report.discarded = opened;		/* by unlock, before it has opened anything */
	if (action_applies(root))
		unlock_claim(&conf, &report);
	return stop(root, &conf, &report, &f);
}

static int run_verify_root(const struct root *root, int argc, char **argv)
{
	if (argc > 1)
		return cmd_usage(&cmd_verify_root, argv[1]);
	return run(root, verify_root,
		   "root: " PATH_SYSROOT " is on what was opened, and nothing else claims it");
}

const struct cmd cmd_verify_root = {
	.name = "verify-root",
	.args = "",
	.help = "prove that what is mounted on /sysroot is what was opened, or end the boot",
	.run = run_verify_root,
};

static int run_verify_mounts(const struct root *root, int argc, char **argv)
{
	if (argc > 1)
		return cmd_usage(&cmd_verify_mounts, argv[1]);
	return run(root, verify_mounts,
		   "mounts: all mounts and swap areas are on what was opened, nothing else claims it");
}

const struct cmd cmd_verify_mounts = {
	.name = "verify-mounts",
	.args = "",
	.help = "the same for every mount and swap area, when all is mounted and before it is used",
	.run = run_verify_mounts,
};
