/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * file.h - the owner's files in and out, as they are, in base64 or in hexadecimal. What fails
 * returns a negative number, with f about the file.
 */
#ifndef COCO_OWNER_FILE_H
#define COCO_OWNER_FILE_H

#include <stdbool.h>

#include "base/fault.h"
#include "base/secret.h"
#include "owner/io/codec.h"

/* Opens for reading; "-" is a copy of standard input. Returns a descriptor, or negative with f. */
int file_open(const char *path, struct fault *f) _must_check_;

/*
 * Reads a secret file to its end, byte for byte; "-" is standard input.
 * s is from secret_init(). Returns 0 or negative with f; then s is empty.
 */
int file_read_secret(const char *path, struct secret *s, struct fault *f);

/* The same, but guesses base64 or hexadecimal and decodes it. White space in the text is
 * skipped; anything else that is wrong is reported with its offset. */
int file_read_encoded(const char *path, struct secret *s, enum codec *ret_format, struct fault *f);

/* Reads a file that is no secret, at most max bytes. The caller frees *ret_bytes, which has a
 * NUL behind the last byte. */
int file_read(const char *path, size_t max, unsigned char **ret_bytes, size_t *ret_len,
	      struct fault *f);

/* A value of size bytes that is no secret: codec_parse() of the text itself, or else a file that
 * has the bytes or such a text. */
int file_value(const char *text_or_path, unsigned char *ret_bytes, size_t size, struct fault *f);

/* Writes to an open descriptor; in text formats without a final LF. Returns 0 or -errno. */
int file_put(int fd, enum codec format, const unsigned char *bytes, size_t len);

/* Behind the name of a file that is being written. Nobody else calls a file so: what has the name
 * is what a killed process has left, and goes. */
#define FILE_NEW_SUFFIX ".coco-new"
#define FILE_OLD_SUFFIX ".coco-old"

/*
 * A file that is being written: as PATH.coco-new with mode 0600, locked, until it is committed.
 * What a killed process has left of it, the next one removes.
 */
struct file_out {
	char *path;
	char *new_path; /* NULL once it is gone */
	int fd;
	char *old_path; /* keeps what is replaced until all have their names; NULL: nothing does */
	bool replace;	/* an existing PATH */
	bool kept;	/* old_path is there, and ours */
	bool fresh;	/* there was no PATH to be kept */
	const char *taken; /* the next step if PATH has appeared meanwhile; NULL: the usual one */
};

#define FILE_OUT_NULL ((struct file_out){ .fd = -EBADF })
#define _cleanup_file_out_ _cleanup_(file_out_done)

/* Refuses a PATH that exists, unless force; and one that is no regular file, always. */
int file_out_create(const char *path, bool force, struct file_out *ret_file, struct fault *f);
int file_out_put(struct file_out *file, enum codec format, const unsigned char *bytes, size_t len,
		 struct fault *f);

/*
 * For a file without which another one is of no use, as the secret of an image that is replaced
 * with it: what is replaced is kept as PATH.coco-old until both are there, also if the process is
 * killed. Refuses if that is there from such a time. Without hard links nothing is kept.
 */
int file_out_keep_old(struct file_out *file, struct fault *f);

/*
 * Syncs all of them, then renames all of them. When this fails, none of the new files is left, and
 * what was replaced is back; but if one was replaced that nothing has kept, all stay as they are
 * then, so that two that belong together are not parted. Several get their names in a process of
 * its own: whatever ends the caller meanwhile, none of them is alone.
 */
int file_out_commit(struct file_out *files, size_t nr, struct fault *f);

/* Removes what was not committed. */
void file_out_done(struct file_out *file);

/* All of it for one secret; text formats end with an LF. */
int file_write_secret(const char *path, enum codec format, const struct secret *s, bool force,
		      struct fault *f);

#endif
