/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * partition.c - changes a partition table with libfdisk.
 * Trusts that image_partitions() has accepted it. Writes to the given copy only, and nothing
 * in it but the protective MBR and the two tables.
 */
#include "owner/disk/partition.h"

#include <libfdisk/libfdisk.h>

static void unref_contextp(struct fdisk_context **cxt)
{
	fdisk_unref_context(*cxt); /* takes NULL; leaves the descriptor open */
}

static void unref_partitionp(struct fdisk_partition **pa)
{
	fdisk_unref_partition(*pa);
}

static int ignore_ask(struct fdisk_context *cxt, struct fdisk_ask *ask, void *data)
{
	(void)cxt;
	(void)ask;
	(void)data;
	return 0;
}

static int read_table(int fd, const struct image *image, struct fdisk_context **ret_cxt)
{
	_cleanup_(unref_contextp) struct fdisk_context *cxt = fdisk_new_context();

	if (!cxt)
		return -ENOMEM;
	(void)fdisk_set_ask(cxt, ignore_ask, NULL); /* fails for NULL only */
	if (fdisk_disable_dialogs(cxt, 1) < 0 ||
	    fdisk_save_user_sector_size(cxt, image->sector_size, image->sector_size) < 0 ||
	    fdisk_assign_device_by_fd(cxt, fd, image->path, 0) < 0 || !fdisk_is_label(cxt, GPT))
		return -EINVAL;
	*ret_cxt = TAKE_PTR(cxt);
	return 0;
}

/* The table still says where the shorter disk ended: writing it puts that right. */
static int relocate(int fd, const struct image *image)
{
	_cleanup_(unref_contextp) struct fdisk_context *cxt = NULL;
	int r;

	r = read_table(fd, image, &cxt);
	if (r < 0)
		return r;
	fdisk_label_set_changed(fdisk_get_label(cxt, "gpt"), 1);
	return fdisk_write_disklabel(cxt) < 0 ? -EIO : 0;
}

static int change(struct fdisk_context *cxt, const struct image_part *part, uint64_t start,
		  uint64_t size, uint32_t sector_size)
{
	_cleanup_(unref_partitionp) struct fdisk_partition *pa = fdisk_new_partition();

	if (!pa)
		return -ENOMEM;
	/* Nothing but the place is set, so nothing else changes. */
	if (fdisk_partition_set_start(pa, start / sector_size) < 0 ||
	    fdisk_partition_set_size(pa, size / sector_size) < 0 ||
	    fdisk_set_partition(cxt, part->number - 1, pa) < 0)
		return -EINVAL;
	return 0;
}

int gpt_grow(int fd, const struct image *image, uint64_t growth, struct fault *f)
{
	_cleanup_free_ struct image_part *parts = calloc(IMAGE_PARTITIONS_MAX, sizeof(*parts));
	_cleanup_(unref_contextp) struct fdisk_context *cxt = NULL;
	int nr, i, r;

	nr = parts ? image_partitions(image, parts, f) : -ENOMEM;
	r = nr < 0 ? nr : relocate(fd, image);
	if (r >= 0)
		r = read_table(fd, image, &cxt);
	/* From the end, so that there is always room. */
	for (i = nr - 1; i >= 0 && r >= 0; i--) {
		if (parts[i].offset > image->offset)
			r = change(cxt, &parts[i], parts[i].offset + growth, parts[i].size,
				   image->sector_size);
		else if (parts[i].number == image->partition)
			r = change(cxt, &parts[i], parts[i].offset, parts[i].size + growth,
				   image->sector_size);
	}
	if (r >= 0 && fdisk_write_disklabel(cxt) < 0)
		r = -EIO;
	if (r < 0)
		return fault_errno(f, EXITCODE_NO_DEVICE, r,
				   "%s: libfdisk cannot make room in the partition table",
				   image->path);
	return 0;
}
