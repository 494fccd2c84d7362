/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * filesystem.c - asks libblkid, and reads the sizes of the usual root file systems.
 * Trusts the owner's image; only reads.
 */
#include "owner/disk/filesystem.h"

#include <blkid/blkid.h>
#include <string.h>

#include "base/io.h"
#include "base/text.h"
#include "owner/disk/luks1.h"
#include "owner/disk/partition.h"
#include "owner/io/shell.h"

static void free_probep(blkid_probe *pr)
{
	blkid_free_probe(*pr); /* takes NULL */
}

static uint64_t little(const unsigned char *p, size_t len)
{
	uint64_t v = 0;

	while (len > 0)
		v = v << 8 | p[--len];
	return v;
}

static uint64_t big(const unsigned char *p, size_t len)
{
	uint64_t v = 0;
	size_t i;

	for (i = 0; i < len; i++)
		v = v << 8 | p[i];
	return v;
}

/* Linux Documentation/filesystems/ext4/super.rst: blocks at 0x4 and, with the feature 64bit
 * (0x80 at 0x60), 0x150; their size at 0x18. With has_journal (0x4 at 0x5c), the journal's inode at
 * 0xe0: 0 if it is on another device. The superblock is at 1024. */
static void read_ext(const unsigned char *p, struct filesystem *fs)
{
	uint64_t blocks = little(p + 0x4, 4);

	if (little(p + 0x60, 4) & 0x80)
		blocks |= little(p + 0x150, 4) << 32;
	fs->unit = UINT64_C(1024) << little(p + 0x18, 1) % 16;
	fs->size = blocks * fs->unit;
	if ((little(p + 0x5c, 4) & 0x4) && little(p + 0xe0, 4) == 0)
		fs->gather = "take its journal into it (tune2fs -O ^has_journal, then tune2fs -j)";
}

/* xfsprogs, XFS Algorithms & Data Structures: sb_blocksize at 4, sb_dblocks at 8, sb_rblocks at 16
 * (0: no device for realtime), sb_logstart at 48 (0: the log is on another device), sb_sectsize at
 * 102, sb_logsectsize at 194 (0: it is 512), big endian. */
static void read_xfs(const unsigned char *p, struct filesystem *fs)
{
	uint64_t log = big(p + 194, 2);

	fs->unit = big(p + 102, 2);
	if (log < fs->unit)
		fs->unit = log > 0 ? log : 512;
	fs->size = big(p + 4, 4) * big(p + 8, 8);
	if (big(p + 16, 8) > 0 || big(p + 48, 8) == 0)
		fs->gather = "copy its files into a file system that has one device";
}

/* Linux include/uapi/linux/btrfs_tree.h: of the superblock at 64 KiB, num_devices at 0x88,
 * sectorsize at 0x90, and total_bytes of this device at 8 in dev_item, which is at 0xc9; the one at
 * 0x70 is that of all devices together. */
static void read_btrfs(const unsigned char *p, struct filesystem *fs)
{
	fs->unit = little(p + 0x90, 4);
	fs->size = little(p + 0xc9 + 8, 8);
	if (little(p + 0x88, 8) != 1)
		fs->gather =
			"mount all of it, and take the other devices out (btrfs device remove)";
}

static const struct {
	const char *type;
	uint64_t offset; /* of the superblock */
	void (*read)(const unsigned char *superblock, struct filesystem *fs);
} kinds[] = {
	{ "ext2", 1024, read_ext }, { "ext3", 1024, read_ext },	    { "ext4", 1024, read_ext },
	{ "xfs", 0, read_xfs },	    { "btrfs", 65536, read_btrfs },
};

static void read_superblock(const struct image *image, struct filesystem *fs)
{
	unsigned char superblock[512];
	size_t i;

	for (i = 0; i < ARRAY_SIZE(kinds); i++)
		if (strcmp(kinds[i].type, fs->type) == 0 &&
		    io_read_at(image->fd, superblock, sizeof(superblock),
			       image->offset + kinds[i].offset) == 0)
			kinds[i].read(superblock, fs);
}

static int probe(const struct image *image, char *ret_usage, char *ret_type, size_t size)
{
	_cleanup_(free_probep) blkid_probe pr = blkid_new_probe();
	const char *usage = "", *type = "";
	int r;

	if (!pr || blkid_probe_set_device(pr, image->fd, (blkid_loff_t)image->offset,
					  (blkid_loff_t)image->size) < 0)
		return -ENOMEM;
	(void)blkid_probe_enable_superblocks(pr, 1); /* cannot fail */
	(void)blkid_probe_set_superblocks_flags(pr, BLKID_SUBLKS_TYPE | BLKID_SUBLKS_USAGE);
	r = blkid_do_safeprobe(pr);
	if (r < 0)
		return r == -2 ? -ENOTUNIQ : -EIO;
	(void)blkid_probe_lookup_value(pr, "USAGE", &usage, NULL); /* stays empty */
	(void)blkid_probe_lookup_value(pr, "TYPE", &type, NULL);
	text_printable(usage, ret_usage, size);
	text_printable(type, ret_type, size);
	return 0;
}

/* A next step that ends with the command that lists the partitions, or the one without any. */
static const char *other_part(const struct image *image, const char *without,
			      char buf[PARTITION_LISTER_SIZE + 64])
{
	char lister[PARTITION_LISTER_SIZE];

	if (image->partition || partition_has_table(image))
		(void)snprintf(buf, PARTITION_LISTER_SIZE + 64,
			       "name the partition of the root, as in IMAGE#2; these are there: %s",
			       partition_lister(image, lister)); /* fits */
	else
		(void)snprintf(buf, PARTITION_LISTER_SIZE + 64, "%s", without); /* fits */
	return buf;
}

int filesystem_refuse_encrypted(const struct image *image, const char *type, struct fault *f)
{
	char path[PATH_MAX + 16], name[SHELL_NAME_SIZE], next[SHELL_NAME_SIZE + 64];

	(void)snprintf(path, sizeof(path), image->partition ? "%s#%u" : "%s", image->path,
		       image->partition); /* fits */
	(void)snprintf(next, sizeof(next), "coco-secret prepare %s -o TABLE",
		       shell_name(name, path, "DISK")); /* fits */
	return fault_about(f, EXITCODE_REFUSED, image->path, next, "it is encrypted already (%s)",
			   type);
}

static int refuse_content(const struct image *image, const char *usage, const char *type,
			  struct fault *f)
{
	char way[FAULT_NEXT_MAX], next[PARTITION_LISTER_SIZE + 64];

	if (luks1_way(image, way, sizeof(way)))
		return fault_about(f, EXITCODE_REFUSED, image->path, way,
				   "it is encrypted already, with a LUKS1 header");
	if (strcmp(usage, "crypto") == 0)
		return filesystem_refuse_encrypted(image, type, f);
	if (type[0])
		return fault_about(f, EXITCODE_REFUSED, image->path,
				   other_part(image,
					      "give an image that has the root file system itself",
					      next),
				   "it holds no file system, but a part of something else (%s)",
				   type);
	if (!image->partition && partition_has_table(image))
		return fault_about(f, EXITCODE_REFUSED, image->path, other_part(image, "", next),
				   "it has a partition table");
	return fault_about(f, EXITCODE_REFUSED, image->path,
			   other_part(image, "give an image that has a file system", next),
			   "no file system is found in it");
}

int filesystem_find_plain(const struct image *image, uint64_t offset, uint64_t size,
			  char ret_type[FILESYSTEM_TYPE_SIZE], struct fault *f)
{
	char usage[FILESYSTEM_TYPE_SIZE] = "";
	struct image part = *image;
	int r;

	part.offset = offset;
	part.size = size;
	ret_type[0] = '\0';
	r = probe(&part, usage, ret_type, FILESYSTEM_TYPE_SIZE);
	if (r == -ENOTUNIQ)
		(void)snprintf(ret_type, FILESYSTEM_TYPE_SIZE, "more than one kind of data");
	else if (r < 0)
		return fault_io(f, image->path, r, "cannot look at its other partitions");
	if (strcmp(usage, "crypto") == 0)
		ret_type[0] = '\0';
	return 0;
}

/* Microsoft's FAT specification (2005): the BPB at 0, and entries of 32 bytes, the short name at 0
 * and the attributes at 11 (0x10: a directory). Of a FAT32, the first cluster of the root. */
#define FAT_ENTRY 32
#define FAT_DIRECTORY 0x10
#define FAT_ENTRIES_MAX 512

static bool has_efi_directory(const struct image *image)
{
	unsigned char bpb[512], entry[FAT_ENTRY];
	uint64_t sector, fats, root, nr, i;

	if (io_read_at(image->fd, bpb, sizeof(bpb), image->offset) < 0)
		return false;
	sector = little(bpb + 11, 2);
	fats = little(bpb + 16, 1);
	nr = little(bpb + 17, 2);
	if (nr > 0) {
		root = (little(bpb + 14, 2) + fats * little(bpb + 22, 2)) * sector;
	} else {
		root = (little(bpb + 14, 2) + fats * little(bpb + 36, 4) +
			(little(bpb + 44, 4) - 2) * little(bpb + 13, 1)) *
		       sector;
		nr = little(bpb + 13, 1) * sector / FAT_ENTRY;
	}
	for (i = 0; i < nr && i < FAT_ENTRIES_MAX; i++)
		if (root + (i + 1) * FAT_ENTRY <= image->size &&
		    io_read_at(image->fd, entry, FAT_ENTRY, image->offset + root + i * FAT_ENTRY) ==
			    0 &&
		    memcmp(entry, "EFI        ", 11) == 0 && (entry[11] & FAT_DIRECTORY))
			return true;
	return false;
}

static int refuse_signatures(const struct image *image, struct fault *f)
{
	char name[SHELL_NAME_SIZE], loop[IMAGE_LOOP_SIZE], next[IMAGE_LOOP_SIZE + 128];

	if (image->partition)
		(void)snprintf(next, sizeof(next),
			       "remove the old one (wipefs -o) from the device that this makes: %s",
			       image_loop(image, loop)); /* fits */
	else
		(void)snprintf(next, sizeof(next),
			       "remove the old one with the option -o of what lists them: wipefs %s",
			       shell_name(name, image->path, "IMAGE")); /* fits */
	return fault_about(f, EXITCODE_REFUSED, image->path, next,
			   "it has signatures of more than one file system");
}

/* The end is missing, or has been given to something else. */
static int refuse_short(const struct image *image, const struct filesystem *fs, struct fault *f)
{
	char next[160];

	(void)snprintf(next, sizeof(next),
		       "copy the image again%s, or repair its file system (fsck, then resize2fs if it "
		       "is ext4)",
		       image->partition ? ", or make the partition as large as that" :
					  ""); /* fits */
	return fault_about(f, EXITCODE_BAD_INPUT, image->path, next,
			   "its file system (%s) is larger than its place: of %llu bytes, the last %llu "
			   "are not there",
			   fs->type, (unsigned long long)fs->size,
			   (unsigned long long)(fs->size - image->size));
}

int filesystem_look(const struct image *image, struct filesystem *ret_fs, struct fault *f)
{
	char next[PARTITION_LISTER_SIZE + 64];
	char usage[FILESYSTEM_TYPE_SIZE] = "", type[FILESYSTEM_TYPE_SIZE] = "";
	struct filesystem fs = { 0 };
	int r = luks1_refuse_begun(image, f);

	if (r < 0)
		return r;
	r = probe(image, usage, type, sizeof(type));
	if (r == -ENOTUNIQ)
		return refuse_signatures(image, f);
	if (r < 0)
		return fault_io(f, image->path, r, "cannot look at its file system");
	if (strcmp(usage, "filesystem") != 0)
		return refuse_content(image, usage, type, f);
	memcpy(fs.type, type, sizeof(fs.type));
	if (partition_type_is_esp(image->type) ||
	    (strcmp(type, "vfat") == 0 && has_efi_directory(image)))
		return fault_about(f, EXITCODE_REFUSED, image->path,
				   other_part(image, "give the image of the root", next),
				   "it is an EFI system partition: encrypted, no firmware can boot from "
				   "it");
	read_superblock(image, &fs);
	if (fs.size > image->size)
		return refuse_short(image, &fs, f);
	if (fs.gather)
		return fault_about(f, EXITCODE_REFUSED, image->path, fs.gather,
				   "a part of its file system (%s) is on another device, and would "
				   "stay plain",
				   type);
	*ret_fs = fs;
	return 0;
}

uint32_t filesystem_sector_size(const struct filesystem *fs, const struct image *image)
{
	return fs->unit > 0 && fs->unit % 4096 == 0 && image->size % 4096 == 0 ? 4096 : 512;
}

int filesystem_refuse_rest(const struct image *image, uint32_t unit, struct fault *f)
{
	char name[SHELL_NAME_SIZE], next[SHELL_NAME_SIZE + 64];

	(void)snprintf(next, sizeof(next), "fill it up with zeros: truncate -s %%%u %s", unit,
		       shell_name(name, image->path, "IMAGE")); /* fits */
	return fault_about(f, EXITCODE_BAD_INPUT, image->path, next,
			   "its size is no multiple of %u bytes", unit);
}

/* What is behind the file system can go, if that is enough. */
static int refuse_size(const struct filesystem *fs, const struct image *image, uint64_t more,
		       struct fault *f)
{
	char name[SHELL_NAME_SIZE], next[SHELL_NAME_SIZE + 128] = "omit --sector-size";

	if (fs->size > 0 && image->size - more >= fs->size) {
		if (!image->partition && !image->block)
			text_append(next, sizeof(next), ", or: truncate -s -%llu %s",
				    (unsigned long long)more,
				    shell_name(name, image->path, "IMAGE"));
		else
			text_append(next, sizeof(next),
				    ", or make the %s smaller by %llu bytes: its file system ends "
				    "before them",
				    image->partition ? "partition" : "disk",
				    (unsigned long long)more);
	}
	return fault_about(f, EXITCODE_BAD_INPUT, image->path, next,
			   "its size is no multiple of 4096 bytes: the last %llu are too many",
			   (unsigned long long)more);
}

int filesystem_check_sectors(const struct filesystem *fs, const struct image *image,
			     uint32_t sector_size, struct fault *f)
{
	if (sector_size <= 512)
		return 0;
	if (fs->unit == 0)
		return fault_about(f, EXITCODE_REFUSED, image->path, "omit --sector-size",
				   "nothing says that its file system (%s) can be mounted from "
				   "sectors of %u bytes",
				   fs->type, sector_size);
	if (fs->unit % sector_size != 0)
		return fault_about(f, EXITCODE_REFUSED, image->path, "omit --sector-size",
				   "its file system (%s) reads and writes %llu bytes: it cannot be "
				   "mounted from sectors of %u bytes",
				   fs->type, (unsigned long long)fs->unit, sector_size);
	if (image->size % sector_size != 0)
		return refuse_size(fs, image, image->size % sector_size, f);
	return 0;
}
