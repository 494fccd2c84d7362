/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * raid.c - asks libblkid for the metadata of RAIDs.
 * Trusts sysfs about which disk a partition is on; what a disk says of itself can only keep it from
 * being opened.
 */
#include "disk/raid.h"

#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>

#include "base/paths.h"
#include "base/text.h"
#include "disk/probe.h"

#define UEVENT_MAX 4096

/* Not libblkid's safe probing: that says nothing of a device with two superblocks. */
int raid_is_member(int fd, uint64_t offset, uint64_t size)
{
	_cleanup_(probe_done) blkid_probe pr = NULL;
	char *only[] = { (char[]){ "linux_raid_member" }, (char[]){ "ddf_raid_member" },
			 (char[]){ "isw_raid_member" }, NULL };
	int r;

	r = probe_start(fd, offset, size, BLKID_SUBLKS_TYPE, &pr);
	if (r < 0)
		return r;
	if (blkid_probe_filter_superblocks_type(pr, BLKID_FLTR_ONLYIN, only) < 0)
		return -ENOMEM;
	r = blkid_do_probe(pr); /* 0: found, 1: nothing */
	return r < 0 ? (r == -1 ? -EIO : r) : r == 0;
}

/* Opens the disk of the partition of this directory. Returns a descriptor or -errno. */
static int open_disk(const struct root *root, const char *dir)
{
	char path[PATH_MAX];
	_cleanup_free_ char *text = NULL;
	char *cursor, *line;
	ssize_t n;

	(void)snprintf(path, sizeof(path), "%s/../uevent", dir); /* fits */
	n = root_read_text(root, path, UEVENT_MAX, &text);
	if (n < 0)
		return (int)n;
	cursor = text;
	while ((line = text_word(&cursor, "\n")))
		if (strncmp(line, "DEVNAME=", strlen("DEVNAME=")) == 0) {
			(void)snprintf(path, sizeof(path), PATH_DEV "/%s",
				       line + strlen("DEVNAME=")); /* fits */
			return root_open(root, path, O_RDONLY, 0);
		}
	return -ENODEV;
}

int raid_has_disk(const struct root *root, const char *dir)
{
	_cleanup_close_ int fd = -EBADF;
	char path[PATH_MAX];
	int r;

	(void)snprintf(path, sizeof(path), "%s/partition", dir); /* fits */
	r = root_exists(root, path);
	if (r <= 0)
		return r;
	fd = open_disk(root, dir);
	return fd < 0 ? fd : raid_is_member(fd, 0, 0);
}
