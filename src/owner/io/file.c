/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * file.c - the owner's files in and out, as they are, in base64 or in hexadecimal.
 * Trusts no byte that it reads. May not print, and keeps what it reads of a secret in locked
 * memory only; what it writes is there whole or not at all.
 */
#include "owner/io/file.h"

#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>

#include "base/child.h"
#include "base/io.h"

#define BASE64_CHARS "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/="
#define FILE_VALUE_MAX 65536 /* bytes: of a file that is far too long, too, the length is told */
#define CHUNK 3072 /* bytes: a multiple of 3, so that base64 needs padding only at the end */

int file_put(int fd, enum codec format, const unsigned char *bytes, size_t len)
{
	char text[2 * CHUNK + 1];
	size_t done, n;
	int r = 0;

	if (format == CODEC_BINARY)
		return io_write(fd, bytes, len);
	for (done = 0; done < len && r == 0; done += n) {
		n = len - done < CHUNK ? len - done : CHUNK;
		codec_text(format, bytes + done, n, text);
		r = io_write(fd, text, codec_text_len(format, n));
	}
	explicit_bzero(text, sizeof(text));
	return r;
}

int file_open(const char *path, struct fault *f)
{
	int fd = strcmp(path, "-") == 0 ? fcntl(STDIN_FILENO, F_DUPFD_CLOEXEC, 3) :
					  open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY);

	return fd < 0 ? fault_io(f, path, -errno, "cannot open") : fd;
}

int file_read_secret(const char *path, struct secret *s, struct fault *f)
{
	_cleanup_close_ int fd = file_open(path, f);
	int r;

	if (fd < 0)
		return fd;
	r = secret_read(s, fd);
	if (r == -EFBIG)
		return fault_about(f, EXITCODE_BAD_INPUT, path, "give a file that is not longer",
				   "it is longer than the %d bytes that a launch secret can have",
				   SECRET_CAPACITY);
	return r < 0 ? fault_io(f, path, r, "cannot read") : 0;
}

/* Decodes the rest of fd, of which `input` holds the beginning. */
static int decode_file(const char *path, int fd, struct secret *input, struct codec_decoder *d,
		       struct fault *f)
{
	size_t offset = 0, i;
	ssize_t n = (ssize_t)input->len;
	int r;

	while (n > 0) {
		for (i = 0; i < (size_t)n; i++) {
			r = codec_decode(d, input->bytes[i]);
			if (r < 0)
				return fault_about(f, EXITCODE_BAD_INPUT, path,
						   r == -EFBIG ? "give a file that is not longer" :
								 "give bytes, or nothing but "
								 "hexadecimal or base64",
						   "at offset %zu: %s", offset + i,
						   r == -EFBIG ?
							   "more than a launch secret can have" :
							   "a character that does not belong there");
		}
		offset += (size_t)n;
		n = io_read(fd, input->bytes, SECRET_CAPACITY);
		if (n < 0)
			return fault_io(f, path, (int)n, "cannot read");
	}
	if (codec_decode_end(d) < 0)
		return fault_about(f, EXITCODE_BAD_INPUT, path, "give all of the text",
				   "at offset %zu: the %s text is cut off", offset,
				   d->codec == CODEC_HEX ? "hexadecimal" : "base64");
	return 0;
}

int file_read_encoded(const char *path, struct secret *s, enum codec *ret_format, struct fault *f)
{
	_cleanup_close_ int fd = file_open(path, f);
	_cleanup_secret_ struct secret input = SECRET_NULL;
	struct codec_decoder d = { .out = s->bytes, .size = SECRET_CAPACITY };
	ssize_t n;
	int r;

	s->len = 0;
	if (fd < 0)
		return fd;
	r = secret_init(&input, f);
	if (r < 0)
		return r;
	n = io_read(fd, input.bytes, SECRET_CAPACITY); /* not secret_read(): text may be longer */
	if (n < 0)
		return fault_io(f, path, (int)n, "cannot read");
	input.len = (size_t)n;
	d.codec = codec_guess(input.bytes, input.len);
	if (d.codec == CODEC_BINARY) {
		r = 0;
		if (input.len == SECRET_CAPACITY) {
			unsigned char more;

			if (read(fd, &more, 1) != 0)
				r = fault_about(
					f, EXITCODE_BAD_INPUT, path,
					"give a file that is not longer",
					"it is longer than the %d bytes that a launch secret can have",
					SECRET_CAPACITY);
			explicit_bzero(&more, sizeof(more));
		}
		memcpy(s->bytes, input.bytes, input.len);
		d.len = input.len;
	} else {
		r = decode_file(path, fd, &input, &d, f);
	}
	if (r < 0) {
		explicit_bzero(s->bytes, SECRET_CAPACITY);
		return r;
	}
	s->len = d.len;
	*ret_format = d.codec;
	return 0;
}

int file_read(const char *path, size_t max, unsigned char **ret_bytes, size_t *ret_len,
	      struct fault *f)
{
	_cleanup_close_ int fd = file_open(path, f);
	_cleanup_free_ unsigned char *bytes = NULL;
	size_t len = 0, size = 0;
	unsigned char *bigger;
	ssize_t n;

	if (fd < 0)
		return fd;
	for (;;) {
		if (len + 1 >= size) {
			size = size ? 2 * size : 65536;
			bigger = realloc(bytes, size);
			if (!bigger)
				return fault_io(f, path, -ENOMEM, "cannot read");
			bytes = bigger;
		}
		n = io_read(fd, bytes + len, size - len - 1);
		if (n < 0)
			return fault_io(f, path, (int)n, "cannot read");
		if (n == 0)
			break;
		len += (size_t)n;
		if (len > max)
			return fault_about(f, EXITCODE_BAD_INPUT, path,
					   "give a file of its kind, which is smaller",
					   "it has more than %zu bytes", max);
	}
	bytes[len] = '\0';
	*ret_bytes = TAKE_PTR(bytes);
	*ret_len = len;
	return 0;
}

/* There is no such file: so what was it meant to be? */
static int refuse_text(const char *text, size_t size, struct fault *f)
{
	size_t len = strlen(text), digits = strspn(text, "0123456789abcdefABCDEF"), padding;

	if (digits == len && len > 0)
		return fault_about(f, EXITCODE_BAD_INPUT, text,
				   "give the value as it is, whole and alone",
				   "%zu hexadecimal digits, where %zu bytes have %zu", len, size,
				   2 * size);
	if (len > 0 && strspn(text, BASE64_CHARS) == len && len >= size && len % 4 == 0) {
		padding = (text[len - 1] == '=') + (text[len - 2] == '=');
		return fault_about(f, EXITCODE_BAD_INPUT, text,
				   "give the value as it is, whole and alone",
				   "base64 of %zu bytes, and %zu are needed", len / 4 * 3 - padding,
				   size);
	}
	return fault_about(f, EXITCODE_IO, text,
			   "give the value in hexadecimal or base64, or check the path",
			   "no such file, and no %zu bytes in hexadecimal or base64", size);
}

int file_value(const char *text_or_path, unsigned char *ret_bytes, size_t size, struct fault *f)
{
	_cleanup_free_ unsigned char *bytes = NULL;
	size_t len;
	int r;

	if (codec_parse(text_or_path, ret_bytes, size) == 0)
		return 0;
	if (strcmp(text_or_path, "-") != 0 && access(text_or_path, F_OK) < 0 && errno == ENOENT)
		return refuse_text(text_or_path, size, f);
	r = file_read(text_or_path, FILE_VALUE_MAX, &bytes, &len, f);
	if (r < 0)
		return r;
	if (len == size)
		memcpy(ret_bytes, bytes, size);
	else if (strlen((char *)bytes) != len || codec_parse((char *)bytes, ret_bytes, size) < 0)
		return fault_about(f, EXITCODE_BAD_INPUT, text_or_path,
				   "give a file with that many bytes",
				   "it has %zu bytes, and neither %zu nor these in base64 or "
				   "hexadecimal",
				   len, size);
	return 0;
}

/* Refuses a path that may not be written. */
static int check_target(const char *path, bool force, struct fault *f)
{
	struct stat st, behind;

	if (path[0] == '\0')
		return fault_about(f, EXITCODE_USAGE, "''", "give a name",
				   "no file can be called so");
	if (lstat(path, &st) < 0)
		return errno == ENOENT ? 0 : fault_io(f, path, -errno, "cannot look at it");
	if (!S_ISREG(st.st_mode))
		return fault_about(f, EXITCODE_REFUSED, path,
				   stat(path, &behind) == 0 && S_ISREG(behind.st_mode) ?
					   "give the name of the file that the link leads to" :
					   "give another name",
				   "it exists and is no regular file");
	if (!force)
		return fault_about(f, EXITCODE_REFUSED, path,
				   "give another name, or --force to replace it", "it exists");
	return 0;
}

/* Opens PATH.coco-new for this process alone. Returns a descriptor or -errno. */
static int open_new(const char *new_path)
{
	_cleanup_close_ int fd = -EBADF;
	struct stat st, named;
	int tries;

	for (tries = 0; tries < 3; tries++) {
		fd = open(new_path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);
		if (fd >= 0) {
			if (flock(fd, LOCK_EX | LOCK_NB) < 0 || fstat(fd, &st) < 0 ||
			    lstat(new_path, &named) < 0 || st.st_ino != named.st_ino)
				return -EBUSY;
			return TAKE_FD(fd);
		}
		if (errno != EEXIST)
			return -errno;
		/* Left by a process that was killed, or being written by another one? */
		fd = open(new_path, O_WRONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
		if (fd < 0) /* ENXIO: a fifo or a socket */
			return errno == EISDIR || errno == ELOOP || errno == ENXIO ? -EEXIST :
										     -errno;
		if (fstat(fd, &st) < 0 || !S_ISREG(st.st_mode) || st.st_uid != geteuid() ||
		    (st.st_mode & 07777) != 0600)
			return -EEXIST;
		if (flock(fd, LOCK_EX | LOCK_NB) < 0)
			return -EBUSY;
		if (unlink(new_path) < 0)
			return -errno;
		(void)close(TAKE_FD(fd)); /* nothing was written */
	}
	return -EBUSY;
}

int file_out_create(const char *path, bool force, struct file_out *ret_file, struct fault *f)
{
	_cleanup_file_out_ struct file_out file = FILE_OUT_NULL;
	_cleanup_free_ char *new_path = NULL;
	int r = check_target(path, force, f);

	if (r < 0)
		return r;
	file.path = strdup(path);
	if (!file.path || asprintf(&new_path, "%s" FILE_NEW_SUFFIX, path) < 0) {
		new_path = NULL;
		return fault_io(f, path, -ENOMEM, "cannot write");
	}
	file.fd = open_new(new_path);
	if (file.fd == -EBUSY)
		return fault_about(f, EXITCODE_REFUSED, new_path,
				   "wait until that run has ended, or give another name",
				   "another coco-secret is writing %s just now", path);
	if (file.fd == -EEXIST)
		return fault_about(f, EXITCODE_REFUSED, new_path,
				   "move it away, or give another name",
				   "it is in the way of what is written, and no leftover of an "
				   "earlier run");
	if (file.fd < 0)
		return fault_io(f, new_path, file.fd, "cannot create");
	file.new_path = TAKE_PTR(new_path);
	file.replace = force;
	*ret_file = file;
	file = FILE_OUT_NULL;
	return 0;
}

int file_out_put(struct file_out *file, enum codec format, const unsigned char *bytes, size_t len,
		 struct fault *f)
{
	int r = file_put(file->fd, format, bytes, len);

	return r < 0 ? fault_io(f, file->path, r, "cannot write") : 0;
}

/* Gives PATH.coco-new its name. Returns 0 or -errno. */
static int rename_new(const struct file_out *file)
{
	int r;

	if (file->replace)
		return rename(file->new_path, file->path) < 0 ? -errno : 0;
	if (renameat2(AT_FDCWD, file->new_path, AT_FDCWD, file->path, RENAME_NOREPLACE) == 0)
		return 0;
	if (errno != EINVAL && errno != ENOSYS)
		return -errno;
	/* A file system that cannot do that, such as NFS, has hard links. */
	if (link(file->new_path, file->path) < 0)
		return -errno;
	if (unlink(file->new_path) == 0)
		return 0;
	r = -errno;
	(void)unlink(file->path); /* the failure is being reported */
	return r;
}

static int refuse_old(const struct file_out *file, struct fault *f)
{
	return fault_about(f, EXITCODE_REFUSED, file->old_path,
			   "move it to where you keep what opens your images, and run this again",
			   "it is there, and if it is not yours, it is what %s was before a run that "
			   "was interrupted",
			   file->path);
}

int file_out_keep_old(struct file_out *file, struct fault *f)
{
	struct stat st;
	int r = 0;

	if (!file->replace)
		return 0;
	if (asprintf(&file->old_path, "%s" FILE_OLD_SUFFIX, file->path) < 0) {
		file->old_path = NULL;
		return fault_io(f, file->path, -ENOMEM, "cannot write");
	}
	if (lstat(file->old_path, &st) == 0)
		r = refuse_old(file, f);
	else if (errno != ENOENT)
		r = fault_io(f, file->old_path, -errno, "cannot look at it");
	return r;
}

/* Returns 0 or -errno; where there is nothing to keep, or no way to, nothing is kept. */
static int keep_old(struct file_out *file)
{
	if (!file->old_path)
		return 0;
	file->kept = link(file->path, file->old_path) == 0;
	if (file->kept)
		return 0;
	file->fresh = errno == ENOENT;
	return errno == ENOENT || errno == EPERM || errno == EOPNOTSUPP || errno == ENOSYS ||
			       errno == EMLINK ?
		       0 :
		       -errno;
}

static void drop_old(struct file_out *file)
{
	if (file->kept)
		(void)unlink(file->old_path); /* if that fails, the next run says so */
	file->kept = false;
}

static bool can_take_back(const struct file_out *files, size_t nr)
{
	size_t i;

	for (i = 0; i < nr; i++)
		if (files[i].replace && !files[i].kept && !files[i].fresh)
			return false;
	return true;
}

/* The first `done` have their names. A failure is being reported, so what fails here is not. */
static void take_back(struct file_out *files, size_t nr, size_t done)
{
	bool back = can_take_back(files, done);
	size_t i;

	for (i = 0; i < nr; i++) {
		if (i >= done)
			drop_old(&files[i]);
		else if (back && files[i].kept)
			(void)rename(files[i].old_path, files[i].path);
		else if (back)
			(void)unlink(files[i].path);
	}
}

static int sync_directory(const char *path)
{
	_cleanup_free_ char *dir = strdup(path);
	_cleanup_close_ int fd = -EBADF;
	char *slash;

	if (!dir)
		return -ENOMEM;
	slash = strrchr(dir, '/');
	if (slash)
		slash[slash == dir] = '\0';
	fd = open(slash ? dir : ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	return fd < 0 || fsync(fd) < 0 ? -errno : 0;
}

/* Files that get their names together. */
struct batch {
	struct file_out *files;
	size_t nr;
};

static void fail(const struct file_out *file, int r, struct fault *f)
{
	if (r == -EEXIST && file->old_path)
		(void)refuse_old(file, f);
	else if (r == -EEXIST)
		(void)fault_about(f, EXITCODE_REFUSED, file->path,
				  file->taken ? file->taken :
						"give another name, or --force to replace it",
				  "it exists");
	else
		(void)fault_io(f, file->path, r, "cannot write");
}

/* Returns how many have got their names: all, or f says why not. */
static int name_all(void *arg, struct fault *f)
{
	const struct batch *batch = arg;
	struct file_out *files = batch->files;
	size_t nr = batch->nr, i, done = 0, at = 0;
	int r = 0;

	/* If the power fails between two names, the file without one is there as PATH.coco-new. */
	for (i = 0; i < nr && nr > 1 && r >= 0; at = i++) {
		r = keep_old(&files[i]);
		if (r >= 0)
			r = sync_directory(files[i].path);
	}
	for (; done < nr && r >= 0; done += r >= 0) {
		at = done;
		r = rename_new(&files[done]);
	}
	for (i = 0; i < done && r >= 0; at = i++)
		r = sync_directory(files[i].path);
	if (r < 0) {
		take_back(files, nr, done);
		fail(&files[at], r, f);
	}
	for (i = 0; i < nr && r >= 0; i++)
		drop_old(&files[i]);
	return (int)done;
}

/* The same in a process of its own, which no signal to this one ends between two names. */
static int name_all_apart(void *arg, struct fault *f)
{
	sigset_t all;

	sigfillset(&all);
	(void)sigprocmask(SIG_BLOCK, &all, NULL); /* cannot fail with these arguments */
	return name_all(arg, f);
}

/* name_all() for any number of files. Returns how many are not to be removed any more. */
static int name_together(struct batch *batch, struct fault *f)
{
	int done = 0, r = -EAGAIN;

	if (batch->nr > 1)
		r = child_call(name_all_apart, batch, deadline_in_ms(INT_MAX), &done, f);
	switch (r) {
	case 0:
		return done;
	case -ECHILD:
	case -EPROTO:
	case -ETIMEDOUT:
		/* As after a power failure: nobody knows how far it got, so all stay. */
		(void)fault_about(f, EXITCODE_IO, batch->files[0].path,
				  "look which files are there, with " FILE_NEW_SUFFIX
				  " or " FILE_OLD_SUFFIX
				  " behind the name, too; keep what opens an image, "
				  "and run this again",
				  "the process that gives it and other files their names was killed");
		return (int)batch->nr;
	default: /* no process can be had: no reason to throw the work away */
		return name_all(batch, f);
	}
}

int file_out_commit(struct file_out *files, size_t nr, struct fault *f)
{
	struct batch batch = { files, nr };
	int i, done = 0, r = 0;
	size_t at;

	for (at = 0; at < nr && r >= 0; at++) {
		r = fsync(files[at].fd) < 0 ? -errno : 0;
		if (r < 0)
			fail(&files[at], r, f);
	}
	if (r >= 0)
		done = name_together(&batch, f);
	for (i = 0; i < done; i++)
		free(TAKE_PTR(files[i].new_path));
	return f->code == EXITCODE_OK ? 0 : f->code == EXITCODE_REFUSED ? -EPERM : -EIO;
}

void file_out_done(struct file_out *file)
{
	if (file->new_path)
		(void)unlink(file->new_path); /* if that fails, the next process does it */
	free(TAKE_PTR(file->new_path));
	free(TAKE_PTR(file->old_path));
	free(TAKE_PTR(file->path));
	util_closep(&file->fd);
	file->fd = -EBADF;
}

int file_write_secret(const char *path, enum codec format, const struct secret *s, bool force,
		      struct fault *f)
{
	_cleanup_file_out_ struct file_out file = FILE_OUT_NULL;
	int r = file_out_create(path, force, &file, f);

	if (r == 0)
		r = file_out_put(&file, format, s->bytes, s->len, f);
	if (r == 0 && format != CODEC_BINARY)
		r = file_out_put(&file, CODEC_BINARY, (const unsigned char *)"\n", 1, f);
	return r < 0 ? r : file_out_commit(&file, 1, f);
}
