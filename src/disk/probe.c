/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * probe.c - begins to look at a device with libblkid.
 * Trusts nothing that is read; may not write.
 */
#include "disk/probe.h"

int probe_start(int fd, uint64_t offset, uint64_t size, int flags, blkid_probe *ret_pr)
{
	blkid_probe pr = blkid_new_probe();
	int r;

	if (!pr)
		return -ENOMEM;
	errno = 0;
	if (blkid_probe_set_device(pr, fd, (blkid_loff_t)offset, (blkid_loff_t)size) < 0) {
		r = errno ? -errno : -EIO;
		blkid_free_probe(pr);
		return r;
	}
	(void)blkid_probe_enable_superblocks(pr, 1);
	(void)blkid_probe_set_superblocks_flags(pr, flags);
	*ret_pr = pr;
	return 0;
}

void probe_done(blkid_probe *pr)
{
	if (*pr)
		blkid_free_probe(*pr);
}
