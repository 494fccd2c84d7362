/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * io.h - reads and writes that are whole: on EINTR and after a short count they go on.
 * Bytes go between the descriptor and the caller's memory and nowhere else, so that they may be
 * those of a secret.
 */
#ifndef COCO_IO_H
#define COCO_IO_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/stat.h>
#include <sys/types.h>

#include "base/deadline.h"
#include "base/util.h"

/* Reads up to len bytes, less only at the end. Returns how many, or -errno. */
ssize_t io_read(int fd, void *buf, size_t len) _must_check_;

/* Waits for events of poll(2), an error or a hang-up of the descriptor. Returns 0, -ETIMEDOUT at
 * the deadline, or -errno. */
int io_wait(int fd, short events, struct deadline deadline) _must_check_;

/* Writes len bytes. Returns 0 or -errno. */
int io_write(int fd, const void *buf, size_t len) _must_check_;

/* Read or write exactly len bytes at an offset of a file or device. Return 0, -ENODATA at the end
 * (to write: -EIO where nothing more is taken), or -errno. */
int io_read_at(int fd, void *buf, size_t len, uint64_t offset) _must_check_;
int io_write_at(int fd, const void *buf, size_t len, uint64_t offset) _must_check_;

/* Is it one file, or one device, that fstat(2) or stat(2) has said this of? */
bool io_is_same(const struct stat *a, const struct stat *b);

/*
 * Of a loop device, a partition of one, or what device-mapper puts on one, that is open: what
 * stat(2) would say of the file behind it, in st_dev and st_ino alone, and the N of /dev/loopN. The
 * kernel's own word: the name that sysfs has can be gone, or be of another mount namespace.
 * ret_number may be NULL. Returns 1, or 0 if it is none of these, or a free one.
 */
int io_loop_file(int fd, struct stat *ret_file, uint32_t *ret_number);

/* Sees to it that descriptors 0, 1 and 2 are open, so that none of ours gets one of these numbers.
 * Those that were not are /dev/null, also over exec. Returns 0, or -errno if there is none: then
 * they are the directory /, to which nothing can be written. */
int io_open_standard_fds(void) _must_check_;

#endif
