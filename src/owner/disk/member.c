/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * member.c - looks for the metadata of a RAID on an image, and on the disk that it is on.
 * Trusts sysfs about which disk a partition is on; only reads.
 */
#include "owner/disk/member.h"

#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>

#include "base/paths.h"
#include "disk/raid.h"
#include "owner/disk/rules.h"

/* Of a device that is a partition for the kernel. */
static int is_on_member(const struct image *image)
{
	_cleanup_(root_done) struct root root = { .fd = -EBADF };
	char dir[sizeof(PATH_SYS_DEV_BLOCK) + 32];
	struct stat st;
	int r;

	if (fstat(image->fd, &st) < 0)
		return -errno;
	r = root_init(&root, NULL);
	if (r < 0)
		return r;
	(void)snprintf(dir, sizeof(dir), PATH_SYS_DEV_BLOCK "/%u:%u", major(st.st_rdev),
		       minor(st.st_rdev)); /* fits */
	return raid_has_disk(&root, dir);
}

int member_find(const struct image *image)
{
	int r = raid_is_member(image->fd, image->offset, image->size);

	if (r != 0)
		return r < 0 ? r : MEMBER_PART;
	if (image->partition)
		r = raid_is_member(image->fd, 0, image->total);
	if (r == 0 && image->block)
		r = is_on_member(image);
	return r > 0 ? MEMBER_DISK : r;
}

/* That of a partition of the kernel is another device. */
static void name_it(const struct image *image, int member, struct rules_disk *ret_disk)
{
	rules_name(image, ret_disk);
	if (member == MEMBER_PART)
		return;
	*ret_disk = (struct rules_disk){ 0 };
	if (image->partition || !image_disk(image, ret_disk->name, sizeof(ret_disk->name)))
		(void)shell_name(ret_disk->name, image->partition ? image->path : "DISK", "DISK");
}

int member_refuse(const struct image *image, struct fault *f)
{
	char next[FAULT_NEXT_MAX];
	struct rules_disk disk;
	int r = member_find(image);

	if (r < 0)
		return image_refuse(f, -r, image->path, "cannot look at it: %s", strerror(-r));
	if (r == MEMBER_NONE)
		return 0;
	name_it(image, r, &disk);
	(void)snprintf(next, sizeof(next),
		       "put the RAID together (%smdadm --assemble), and give %s; if %s is a part no "
		       "more, remove that signature: %swipefs -a -t " RAID_TYPES " %s%s",
		       image->block ? "" : "losetup makes devices of files; ",
		       r == MEMBER_DISK ? "the partition of its own device" : "its own device",
		       r == MEMBER_DISK ? "the disk" : "it", disk.before, disk.name,
		       disk.after); /* fits */
	return fault_about(f, EXITCODE_REFUSED, image->path, next, "%s",
			   r == MEMBER_DISK ? "the disk with this partition is a part of a RAID" :
					      "it is a part of a RAID");
}
