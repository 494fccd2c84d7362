/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * blob.h - files of bytes in and out, as they are, in base64 or in hexadecimal.
 */
#ifndef COCO_OWNER_BLOB_H
#define COCO_OWNER_BLOB_H

#include <stdbool.h>

#include "base/fault.h"
#include "base/secret.h"

enum blob_format {
	BLOB_BINARY,
	BLOB_BASE64, /* RFC 4648 section 4, with padding; one line when written */
	BLOB_HEX,    /* lower case when written; one line */
};

/* Are these two names of one file? */
bool blob_is_same(const char *path, const char *other);

/* "binary", "base64" or "hex". Returns 0 or -EINVAL. */
int blob_format_parse(const char *name, enum blob_format *ret_format);

/* The format of these first bytes of a file; text if they could be nothing else but text. */
enum blob_format blob_format_guess(const unsigned char *bytes, size_t len);

/*
 * Reads a secret file to its end, byte for byte; "-" is standard input.
 * s is from secret_init(). Returns 0 or negative with f; then s is empty.
 */
int blob_read_secret(const char *path, struct secret *s, struct fault *f);

/* The same, but guesses base64 or hexadecimal and decodes it. White space in the text is
 * skipped; anything else that is wrong is told with its offset. */
int blob_read_encoded(const char *path, struct secret *s, enum blob_format *ret_format,
		      struct fault *f);

/* Reads a file that is no secret, at most max bytes. The caller frees *ret_bytes, which has a
 * NUL behind the last byte. */
int blob_read(const char *path, size_t max, unsigned char **ret_bytes, size_t *ret_len,
	      struct fault *f);

/*
 * Reads exactly size bytes from text: hexadecimal if it has twice as many digits, else base64.
 * For values that are no secrets, and for size >= 3. Returns 0 or -EINVAL.
 */
int blob_parse(const char *text, unsigned char *ret_bytes, size_t size);

/* The same, or else a file that has the bytes or such a text. */
int blob_value(const char *text_or_path, unsigned char *ret_bytes, size_t size,
	       struct fault *f);

/* How many characters the encoding of len bytes has, and the text itself with its NUL; not for
 * BLOB_BINARY, nor for secrets. */
size_t blob_text_len(enum blob_format format, size_t len);
void blob_text(enum blob_format format, const unsigned char *bytes, size_t len, char *ret_text);

/* Writes to an open descriptor; in text formats without a final LF. Returns 0 or -errno. */
int blob_put(int fd, enum blob_format format, const unsigned char *bytes, size_t len);

/*
 * A file that is being written: as PATH.new with mode 0600, locked, until it is committed. What
 * a killed process has left of it, the next one removes.
 */
struct blob_file {
	char *path;
	char *new_path; /* NULL once it is gone */
	int fd;
	bool replace; /* an existing PATH */
};

#define BLOB_FILE_NULL ((struct blob_file){ .fd = -EBADF })
#define _cleanup_blob_file_ _cleanup_(blob_file_done)

/* Refuses a PATH that exists, unless force; and one that is no regular file, always. */
int blob_file_create(const char *path, bool force, struct blob_file *ret_file,
		     struct fault *f);
int blob_file_put(struct blob_file *file, enum blob_format format, const unsigned char *bytes,
		  size_t len, struct fault *f);

/*
 * Syncs all of them, then renames all of them. When this fails, none of the new files is left,
 * except where an old one was replaced already.
 */
int blob_files_commit(struct blob_file *files, size_t nr, struct fault *f);

/* Removes what was not committed. */
void blob_file_done(struct blob_file *file);

/* All of it for one secret; text formats end with an LF. */
int blob_write_secret(const char *path, enum blob_format format, const struct secret *s,
		      bool force, struct fault *f);

#endif
