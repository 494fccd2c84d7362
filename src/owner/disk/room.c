/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * room.c - reads the end of a disk, and asks the system how much more there can be.
 * Trusts the disk's owner, and that nobody else takes the room meanwhile. Writes nothing.
 */
#include "owner/disk/room.h"

#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/statvfs.h>

#include "base/io.h"
#include "owner/disk/filesystem.h"
#include "owner/io/shell.h"

#define SECTOR 512
#define BLOCK 4096
#define MIB (1024 * 1024)

static const unsigned char zeros[BLOCK];

/* True if nothing is lost when the last ROOM_SIZE bytes go: zeros, or what a run that was killed
 * before its backup was there has copied from the front. Returns 1, 0 or -errno. */
static int is_free_end(const struct image *image)
{
	unsigned char block[BLOCK], front[BLOCK];
	uint64_t at;
	int r;

	for (at = 0; at < ROOM_SIZE; at += BLOCK) {
		r = io_read_at(image->fd, block, BLOCK, image->total - ROOM_SIZE + at);
		if (r < 0)
			return r;
		if (memcmp(block, zeros, BLOCK) == 0)
			continue;
		if (at < NEWHEADER_SIZE)
			return 0;
		r = io_read_at(image->fd, front, BLOCK, at - NEWHEADER_SIZE);
		if (r < 0)
			return r;
		if (memcmp(block, front, BLOCK) != 0)
			return 0;
	}
	return 1;
}

/* Only file systems that can be made smaller without being mounted have a command. */
static int refuse_full(const struct image *image, const struct filesystem *fs, struct fault *f)
{
	char name[SHELL_NAME_SIZE], next[2 * SHELL_NAME_SIZE + 128];

	(void)shell_name(name, image->path, "DEVICE");
	if (fs->size == 0)
		(void)snprintf(next, sizeof(next), "write a new image, without --in-place");
	else if (strncmp(fs->type, "ext", 3) == 0 && image->total >= ROOM_LEAST)
		(void)snprintf(next, sizeof(next),
			       "make its partition larger by 32 MiB, or its file system smaller: e2fsck -f "
			       "%s && resize2fs %s %llus",
			       name, name,
			       (unsigned long long)(image->total - ROOM_SIZE) / SECTOR); /* fits */
	else
		(void)snprintf(next, sizeof(next),
			       "make its partition larger by 32 MiB, or write a new image, without "
			       "--in-place");
	return fault_about(f, EXITCODE_REFUSED, image->path, next,
			   "the last 32 MiB of the device%s must be free, and %s",
			   image->total < ROOM_LEAST ? ", which must have 48 or more," : "",
			   fs->size > 0 ? "its file system has them" :
					  "nothing says how large its file system is");
}

static int refuse_device(const struct image *image, const struct filesystem *fs, bool behind,
			 struct fault *f)
{
	char name[SHELL_NAME_SIZE], next[SHELL_NAME_SIZE + 128];

	if (!behind)
		return refuse_full(image, fs, f);
	/* -f: on a terminal it would refuse, since the device has a file system. */
	(void)snprintf(next, sizeof(next),
		       "if nobody needs them: blkdiscard -f -z -o %llu -l %llu %s",
		       (unsigned long long)(image->total - ROOM_SIZE),
		       (unsigned long long)ROOM_SIZE,
		       shell_name(name, image->path, "DEVICE")); /* fits */
	return fault_about(f, EXITCODE_REFUSED, image->path, next,
			   "its last 32 MiB are behind the file system, but not all zeros, and would "
			   "be lost");
}

/* Room for all of a file: all of it gets written, its holes, too. */
static int check_space(const struct image *image, uint64_t room, struct fault *f)
{
	uint64_t has, needs, free_bytes;
	struct statvfs vfs;
	struct stat st;

	if (fstat(image->fd, &st) < 0 || fstatvfs(image->fd, &vfs) < 0)
		return fault_io(f, image->path, -errno, "cannot see how much room there is for it");
	has = (uint64_t)st.st_blocks * SECTOR;
	needs = room > has ? room - has : 0;
	free_bytes = (uint64_t)vfs.f_bavail * vfs.f_frsize;
	if (needs > free_bytes)
		return fault_about(f, EXITCODE_IO, image->path,
				   "make room where it is, or write a new image elsewhere",
				   "all of it is written, holes, too, for which %llu MiB are missing",
				   (unsigned long long)((needs - free_bytes + MIB - 1) / MIB));
	return 0;
}

/* ulimit -f, which would end a run half way. */
int room_check_limit(const struct image *image, uint64_t room, struct fault *f)
{
	struct rlimit limit;

	if (image->block || getrlimit(RLIMIT_FSIZE, &limit) < 0 ||
	    limit.rlim_cur == RLIM_INFINITY || room <= limit.rlim_cur)
		return 0;
	return fault_about(f, EXITCODE_IO, image->path,
			   room <= limit.rlim_max ?
				   "ulimit -S -f $(ulimit -H -f)" :
				   "use a shell without this limit, or raise it for this one, as root: "
				   "prlimit --fsize=unlimited --pid $$",
			   "it will have %llu MiB, and this process may not write so long a file",
			   (unsigned long long)((room + MIB - 1) / MIB));
}

int room_plan(const struct image *image, uint32_t *sector_size, uint64_t *ret_room, struct fault *f)
{
	uint64_t room = image->total;
	struct filesystem fs;
	bool behind;
	int r;

	r = filesystem_look(image, &fs, f);
	if (r >= 0)
		r = filesystem_check_sectors(&fs, image, *sector_size, f);
	if (r < 0)
		return r;
	if (!*sector_size)
		*sector_size = filesystem_sector_size(&fs, image);
	if (image->size % *sector_size != 0)
		return filesystem_refuse_rest(image, *sector_size, f);
	behind = fs.size > 0 && image->size >= ROOM_LEAST && image->size - fs.size >= ROOM_SIZE;
	r = behind ? is_free_end(image) : 0;
	if (r < 0)
		return fault_io(f, image->path, r, "cannot read");
	if (r == 0 && image->block)
		return refuse_device(image, &fs, behind, f);
	if (r == 0)
		room = room + ROOM_SIZE < ROOM_LEAST ? ROOM_LEAST : room + ROOM_SIZE;
	r = image->block ? 0 : check_space(image, room, f);
	if (r >= 0)
		*ret_room = room;
	return r;
}
