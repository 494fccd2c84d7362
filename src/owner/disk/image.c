/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * image.c - opens images and devices, and the partition of them that is named.
 * Trusts the machine, not what is in a file. Writes nothing but what image_copy() is called for.
 */
#include "owner/disk/image.h"

#include <fcntl.h>
#include <linux/fs.h>
#include <linux/loop.h>
#include <stdarg.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>

#include "base/io.h"
#include "base/paths.h"
#include "owner/disk/format.h"
#include "owner/disk/lock.h"
#include "owner/disk/partition.h"
#include "owner/io/shell.h"

#define COPY_BLOCK 4096
#define COPY_CHUNK (256 * 1024)

int image_refuse(struct fault *f, int error, const char *path, const char *fmt, ...)
{
	enum exitcode code = EXITCODE_IO;
	const char *next = fault_io_next(error);
	char why[FAULT_WHY_MAX];
	va_list ap;

	if (error == EBUSY) {
		code = EXITCODE_REFUSED;
		next = "stop what uses it, or unmount it";
	}
	va_start(ap, fmt);
	(void)vsnprintf(why, sizeof(why), fmt, ap); /* cut on purpose */
	va_end(ap);
	(void)fault_about(f, code, path, next, "%s", why);
	return -error;
}

int image_copy(int src_fd, uint64_t src, int dst_fd, uint64_t dst, uint64_t len)
{
	static const unsigned char zeros[COPY_BLOCK];
	_cleanup_free_ unsigned char *buf = malloc(COPY_CHUNK);
	uint64_t at, i, n, block;
	int r = buf ? 0 : -ENOMEM;

	for (at = 0; at < len && r >= 0; at += n) {
		n = len - at < COPY_CHUNK ? len - at : COPY_CHUNK;
		r = io_read_at(src_fd, buf, n, src + at);
		for (i = 0; i < n && r >= 0; i += block) {
			block = n - i < COPY_BLOCK ? n - i : COPY_BLOCK;
			if (memcmp(buf + i, zeros, block) != 0)
				r = io_write_at(dst_fd, buf + i, block, dst + at + i);
		}
	}
	return r;
}

/* On a block device O_EXCL fails while it or a part of it is mounted or mapped. */
static int claim(const char *path, int flags, struct image *image, struct fault *f)
{
	image->claim_fd = open(path, flags | O_EXCL);
	if (image->claim_fd >= 0)
		return 0;
	if (errno == EBUSY)
		return image_refuse(f, EBUSY, image->path,
				    "it, or a part of it, is mounted or in use");
	return image_refuse(f, errno, image->path, "%s", strerror(errno));
}

void image_release(struct image *image)
{
	util_closep(&image->claim_fd);
	image->claim_fd = -EBADF;
}

int image_claim(struct image *image, struct fault *f)
{
	char path[sizeof(PATH_SELF_FD) + 16];

	if (!image->block || image->claim_fd >= 0)
		return 0;
	(void)snprintf(path, sizeof(path), PATH_SELF_FD, image->fd); /* fits */
	return claim(path, O_RDWR | O_CLOEXEC | O_NONBLOCK, image, f);
}

bool image_disk(const struct image *image, char *buf, size_t size)
{
	char link[sizeof(PATH_SYS_DEV_BLOCK) + 48], dir[PATH_MAX], path[PATH_MAX], *name, *c;
	struct stat st;

	if (!image->block || fstat(image->fd, &st) < 0)
		return false;
	(void)snprintf(link, sizeof(link), PATH_SYS_DEV_BLOCK "/%u:%u/partition", major(st.st_rdev),
		       minor(st.st_rdev)); /* they fit */
	if (access(link, F_OK) < 0)
		return false;
	(void)snprintf(link, sizeof(link), PATH_SYS_DEV_BLOCK "/%u:%u/..", major(st.st_rdev),
		       minor(st.st_rdev));
	if (!realpath(link, dir))
		return false;
	name = strrchr(dir, '/');
	for (c = name; *c; c++)
		*c = *c == '!' ? '/' : *c;
	(void)snprintf(path, sizeof(path), PATH_DEV "%s", name);
	return shell_word(buf, size, path) >= 0 && fault_shows(buf);
}

/* Opened for writing it may be all the same: only the writes fail, when the tables are new. */
static int refuse_read_only(const struct image *image, struct fault *f)
{
	char name[SHELL_NAME_SIZE], disk[SHELL_NAME_SIZE], next[2 * SHELL_NAME_SIZE + 128];
	struct loop_info64 loop = { 0 };
	int read_only = 0;
	bool part;

	if (ioctl(image->fd, BLKROGET, &read_only) < 0)
		return image_refuse(f, errno, image->path, "%s", strerror(errno));
	if (!read_only)
		return 0;
	part = image_disk(image, disk, sizeof(disk));
	if (ioctl(image->fd, LOOP_GET_STATUS64, &loop) == 0 && (loop.lo_flags & LO_FLAGS_READ_ONLY))
		(void)snprintf(next, sizeof(next),
			       "make the loop device anew, by losetup without its option -r, and of a "
			       "file that may be written");
	else
		(void)snprintf(next, sizeof(next),
			       "attach or make it anew, so that it may be written; if only a "
			       "setting of the kernel forbids it: blockdev --setrw %s%s%s",
			       part ? disk : "", part ? " " : "",
			       shell_name(name, image->path, "DEVICE")); /* fits */
	(void)fault_about(f, EXITCODE_IO, image->path, next, "it is set to be read only");
	return -EROFS;
}

static int open_whole(const char *path, bool writable, struct image *image, struct fault *f)
{
	int flags = (writable ? O_RDWR : O_RDONLY) | O_CLOEXEC | O_NOCTTY | O_NONBLOCK;
	char claimed[sizeof(PATH_SELF_FD) + 16];
	struct stat st;
	int ssz = 512, r;

	if (stat(path, &st) < 0)
		return image_refuse(f, errno, path, "%s", strerror(errno));
	if (!S_ISREG(st.st_mode) && !S_ISBLK(st.st_mode))
		return fault_about(f, EXITCODE_BAD_INPUT, path, "give an image or a disk",
				   "neither a file nor a block device");
	image->block = S_ISBLK(st.st_mode);
	r = image->block ? claim(path, flags, image, f) : 0;
	if (r < 0)
		return r;
	if (image->block)
		(void)snprintf(claimed, sizeof(claimed), PATH_SELF_FD, image->claim_fd); /* fits */
	image->fd = open(image->block ? claimed : path, flags);
	if (image->fd < 0 || fstat(image->fd, &st) < 0)
		return image_refuse(f, errno, path, "%s", strerror(errno));
	if (image->block != S_ISBLK(st.st_mode) || (!image->block && !S_ISREG(st.st_mode)))
		return image_refuse(f, EBUSY, path, "it has just been replaced");
	image->total = (uint64_t)st.st_size;
	if (image->block && (ioctl(image->fd, BLKGETSIZE64, &image->total) < 0 ||
			     ioctl(image->fd, BLKSSZGET, &ssz) < 0))
		return image_refuse(f, errno, path, "%s", strerror(errno));
	r = image->block && writable ? refuse_read_only(image, f) : 0;
	if (r < 0)
		return r;
	image->sector_size = (uint32_t)ssz;
	image->size = image->total;
	return lock_image(image, &st, writable, f);
}

int image_open(const char *spec, bool writable, struct image *ret_image, struct fault *f)
{
	_cleanup_image_ struct image image = IMAGE_NULL;
	const char *hash = access(spec, F_OK) < 0 ? strrchr(spec, '#') : NULL;
	size_t len = hash ? (size_t)(hash - spec) : strlen(spec);
	const char *before = spec[0] == '-' ? "./" : ""; /* else a program's option */
	int r;

	if (len == 0 || strlen(before) + len >= sizeof(image.path))
		return fault_about(f, EXITCODE_BAD_INPUT, *spec ? spec : "''",
				   len == 0 ? "give the name of an image or a disk" :
					      "use a shorter name",
				   "not the name of an image");
	if (hash && hash[1] == '\0')
		return fault_about(f, EXITCODE_BAD_INPUT, spec,
				   "leave out the #, or give the partition's number behind it",
				   "no partition after the #");
	(void)snprintf(image.path, sizeof(image.path), "%s%.*s", before, (int)len, spec); /* fits */
	r = open_whole(image.path, writable, &image, f);
	if (r >= 0)
		r = format_check(&image, f);
	if (r >= 0 && hash)
		r = partition_select(&image, hash + 1, f);
	if (r < 0)
		return r;
	*ret_image = image;
	image = IMAGE_NULL;
	return 0;
}

bool image_is(const struct image *image, const char *path)
{
	struct stat ours, other;

	return fstat(image->fd, &ours) == 0 && stat(path, &other) == 0 && io_is_same(&ours, &other);
}

const char *image_loop(const struct image *image, char buf[IMAGE_LOOP_SIZE])
{
	char name[SHELL_NAME_SIZE], place[64] = "";

	if (image->partition)
		(void)snprintf(place, sizeof(place), " -o %llu --sizelimit %llu",
			       (unsigned long long)image->offset,
			       (unsigned long long)image->size); /* fits */
	(void)snprintf(buf, IMAGE_LOOP_SIZE, "losetup --show -f%s %s", place,
		       shell_name(name, image->path, "IMAGE")); /* fits */
	return buf;
}

void image_done(struct image *image)
{
	image_release(image);
	util_closep(&image->fd);
	util_closep(&image->backing_fd);
	image->fd = image->backing_fd = -EBADF;
}
