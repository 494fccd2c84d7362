/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * image.h - the file or block device that a user names, and the part of it that counts.
 */
#ifndef COCO_OWNER_IMAGE_H
#define COCO_OWNER_IMAGE_H

#include <limits.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/fault.h"

#define IMAGE_NAME_SIZE 128 /* GPT: 36 UTF-16 units */
#define IMAGE_UUID_SIZE 40

struct image {
	int fd;		      /* of the whole file or device, locked, owned */
	int claim_fd;	      /* of a device: as long as it is open, nobody mounts that; owned */
	int backing_fd;	      /* of a loop device: the file behind it, locked, owned */
	char path[PATH_MAX];  /* of the same, as the user gave it; with ./ before a dash */
	bool block;	      /* a block device, not a file */
	uint64_t total;	      /* bytes of the whole */
	uint64_t offset;      /* bytes: where the part begins in it */
	uint64_t size;	      /* bytes of the part; the whole if there is no partition */
	uint32_t sector_size; /* bytes: of the partition table, or 512 */
	/* All zero or empty if the part is the whole: */
	unsigned int partition; /* from 1 */
	char name[IMAGE_NAME_SIZE];
	char uuid[IMAGE_UUID_SIZE]; /* of the partition, as libfdisk or the kernel has it */
	char type[IMAGE_UUID_SIZE]; /* of the partition: GUID, or 0x83 (MBR) */
};

#define IMAGE_NULL ((struct image){ .fd = -EBADF, .claim_fd = -EBADF, .backing_fd = -EBADF })
#define _cleanup_image_ _cleanup_(image_done)

/*
 * Opens PATH, or PATH#PART where PART is the number, the name (no second one may have it) or
 * the UUID of a partition. A file whose own name has the `#` is taken as it is. Refuses what is
 * no raw disk (format.h), and what is in use: a device that is mounted or mapped, a file behind a
 * loop device or in a running QEMU; as long as it is open here, QEMU does not open it for writing
 * (with writable: at all), and another image_open() for writing fails, also of a loop device of
 * the same file. Waits up to 10 s for the lock of a device, which udev takes for a moment.
 * With writable, also refuses a device that is set to be read only.
 *
 * Returns 0, or -errno with f about the path: -EBUSY and EXITCODE_REFUSED if it is in use, -EINVAL
 * and EXITCODE_BAD_INPUT for what a file says or lacks (partition table, partition), else the
 * error of the system and EXITCODE_IO.
 */
int image_open(const char *spec, bool writable, struct image *ret_image, struct fault *f);

/* True if this is the file of the image, by whatever name. */
bool image_is(const struct image *image, const char *path);

/*
 * A device can be claimed by one descriptor only: it is given up while libcryptsetup claims it, and
 * claimed again; the locks stay meanwhile. Both do nothing for a file. image_claim() returns 0, or
 * -errno with f as image_open() does.
 */
void image_release(struct image *image);
int image_claim(struct image *image, struct fault *f);

void image_done(struct image *image);

#define IMAGE_LOOP_SIZE 1152 /* bytes */

/* The command of a next step that makes a loop device of the part. Returns buf. */
const char *image_loop(const struct image *image, char buf[IMAGE_LOOP_SIZE]);

/*
 * The device of which this one is a partition for the kernel, quoted for a shell. False if it is
 * none, or its name cannot be shown.
 *
 * Format facts: Documentation/ABI/stable/sysfs-block, a partition lies in its disk's directory;
 * Linux drivers/base/core.c, a slash in a name is an exclamation mark there.
 */
bool image_disk(const struct image *image, char *buf, size_t size);

/* Copies len bytes, a multiple of 512, from one file to another, which reads as zeros there: so
 * zeros are not written, and stay holes. Returns 0, -ENODATA or -errno. */
int image_copy(int src_fd, uint64_t src, int dst_fd, uint64_t dst, uint64_t len);

/* Fills f about a path, and says what to do: error (a positive errno) EBUSY is a refusal, all else
 * is the machine. Returns -error. */
int image_refuse(struct fault *f, int error, const char *path, const char *fmt, ...) _printf_(4, 5);

#endif
