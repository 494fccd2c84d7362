/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * cmd_raise_generation.c - the verb that runs in the real root once the boot is good: the root
 * then counts as new as the policy says.
 */
#include "guest/cmd.h"

#include <string.h>

#include "base/log.h"
#include "base/paths.h"
#include "rootfs/generation.h"
#include "rootfs/verify.h"

/* Never lowers the number; a file that is not of the right form is left as it is. */
static int raise(const struct root *root, uint64_t target, struct fault *f)
{
	struct root fs = { .fd = -EBADF };
	uint64_t now = 0;
	int r;

	r = generation_root(root, "/", &fs);
	if (r >= 0)
		r = generation_read(&fs, &now);
	if (r < 0) {
		(void)generation_unreadable(PATH_GENERATION, r, f);
	} else if (now >= target) {
		log_info("generation: it is %llu, nothing to raise", (unsigned long long)now);
	} else {
		r = generation_write(&fs, target);
		if (r < 0)
			(void)fault_advise(f, EXITCODE_OLD_GENERATION, -r,
					   "make the root writable and free of errors, then run "
					   "coco-unlock raise-generation",
					   "%s cannot be written: %s", PATH_GENERATION,
					   strerror(-r));
		else
			log_info("generation: raised from %llu to %llu", (unsigned long long)now,
				 (unsigned long long)target);
	}
	root_done(&fs);
	return r;
}

static int raise_for_root(const struct root *root, struct fault *f)
{
	struct opened_volume volumes[CONF_VOLUMES_MAX];
	struct ground ground;
	uint64_t target = 0;
	size_t nr = 0, i;
	int r;

	r = opened_read(root, volumes, CONF_VOLUMES_MAX, &nr);
	if (r < 0)
		return fault_errno(f, r == -ENOENT ? EXITCODE_NO_STATUS : EXITCODE_ROOT_CONFUSION,
				   r, "%s cannot be read", PATH_OPENED);
	r = verify_mount(root, "/", volumes, nr, &ground, f);
	if (r < 0)
		return r;
	for (i = 0; i < nr; i++)
		if ((ground.volumes & 1U << i) && volumes[i].set_generation > target)
			target = volumes[i].set_generation;
	return raise(root, target, f);
}

static int run_raise_generation(const struct root *root, int argc, char **argv)
{
	struct fault f = { 0 };

	if (argc > 1)
		return cmd_usage(&cmd_raise_generation, argv[1]);
	if (raise_for_root(root, &f) < 0)
		log_error("coco-unlock: %s (%s); %s", f.why, exitcode_name(f.code), fault_next(&f));
	return (int)f.code;
}

const struct cmd cmd_raise_generation = {
	.name = "raise-generation",
	.args = "",
	.help = "raise the root's generation to what the policy says, after a good boot",
	.run = run_raise_generation,
};
