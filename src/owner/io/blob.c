/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * blob.c - files of bytes in and out, as they are, in base64 or in hexadecimal.
 * Trusts no byte that it reads; codes secrets without tables and branches that depend on them.
 * May not print, and keeps what it reads of a secret in locked memory only.
 */
#include "owner/io/blob.h"

#include <fcntl.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>

#define CHUNK 3072 /* bytes: a multiple of 3, so that base64 needs padding only at the end */

int blob_format_parse(const char *name, enum blob_format *ret_format)
{
	static const char *const names[] = {
		[BLOB_BINARY] = "binary", [BLOB_BASE64] = "base64", [BLOB_HEX] = "hex",
	};
	size_t i;

	for (i = 0; i < ARRAY_SIZE(names); i++) {
		if (strcmp(name, names[i]) != 0)
			continue;
		*ret_format = (enum blob_format)i;
		return 0;
	}
	return -EINVAL;
}

/* All bits if low <= c <= high, else none; for 0..255. */
static int within(int c, int low, int high)
{
	return ((low - 1 - c) & (c - high - 1)) >> 31;
}

static bool is_space(int c)
{
	return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

/* 0..15, or negative. */
static int hex_value(int c)
{
	return -1 + (within(c, '0', '9') & (c - '0' + 1)) +
	       (within(c, 'a', 'f') & (c - 'a' + 11)) + (within(c, 'A', 'F') & (c - 'A' + 11));
}

/* 0..63, or negative. */
static int base64_value(int c)
{
	return -1 + (within(c, 'A', 'Z') & (c - 'A' + 1)) +
	       (within(c, 'a', 'z') & (c - 'a' + 27)) + (within(c, '0', '9') & (c - '0' + 53)) +
	       (within(c, '+', '+') & 63) + (within(c, '/', '/') & 64);
}

static char hex_char(int v)
{
	return (char)((within(v, 0, 9) & (v + '0')) | (within(v, 10, 15) & (v - 10 + 'a')));
}

static char base64_char(int v)
{
	return (char)((within(v, 0, 25) & (v + 'A')) | (within(v, 26, 51) & (v - 26 + 'a')) |
		      (within(v, 52, 61) & (v - 52 + '0')) | (within(v, 62, 62) & '+') |
		      (within(v, 63, 63) & '/'));
}

enum blob_format blob_format_guess(const unsigned char *bytes, size_t len)
{
	bool hex = true;
	size_t i;

	for (i = 0; i < len; i++) {
		if (is_space(bytes[i]))
			continue;
		if (base64_value(bytes[i]) < 0 && bytes[i] != '=')
			return BLOB_BINARY;
		hex = hex && hex_value(bytes[i]) >= 0;
	}
	return len == 0 ? BLOB_BINARY : hex ? BLOB_HEX : BLOB_BASE64;
}

/* A text on its way to bytes. */
struct decoder {
	enum blob_format format;
	unsigned int bits, nr_bits; /* not yet written */
	unsigned int nr_chars;	    /* of the text, without white space */
	unsigned int nr_padding;
	unsigned char *out;
	size_t len, size;
};

/* Returns 0, -EINVAL for a wrong character, or -EFBIG. */
static int decode_char(struct decoder *d, int c)
{
	int value = d->format == BLOB_HEX ? hex_value(c) : base64_value(c);

	if (is_space(c))
		return 0;
	d->nr_chars++;
	if (d->format == BLOB_BASE64 && c == '=')
		return ++d->nr_padding > 2 ? -EINVAL : 0;
	if (value < 0 || d->nr_padding > 0)
		return -EINVAL;
	d->nr_bits += d->format == BLOB_HEX ? 4 : 6;
	d->bits = d->bits << (d->format == BLOB_HEX ? 4 : 6) | (unsigned int)value;
	if (d->nr_bits < 8)
		return 0;
	if (d->len == d->size)
		return -EFBIG;
	d->nr_bits -= 8;
	d->out[d->len++] = (unsigned char)(d->bits >> d->nr_bits);
	d->bits &= (1U << d->nr_bits) - 1;
	return 0;
}

/* Is the text whole? */
static int decode_end(const struct decoder *d)
{
	unsigned int group = d->format == BLOB_HEX ? 2 : 4;

	return d->nr_chars % group != 0 || d->bits != 0 || d->nr_bits >= 6 ? -EINVAL : 0;
}

int blob_parse(const char *text, unsigned char *ret_bytes, size_t size)
{
	struct decoder d = { .size = size };
	_cleanup_free_ unsigned char *out = malloc(size);
	size_t nr_chars = 0;
	const char *p;

	if (!out)
		return -EINVAL;
	for (p = text; *p; p++)
		nr_chars += !is_space(*p);
	d.format = nr_chars == 2 * size ? BLOB_HEX : BLOB_BASE64;
	for (d.out = out; *text; text++)
		if (decode_char(&d, (unsigned char)*text) < 0)
			return -EINVAL;
	if (decode_end(&d) < 0 || d.len != size)
		return -EINVAL;
	memcpy(ret_bytes, out, size);
	return 0;
}

size_t blob_text_len(enum blob_format format, size_t len)
{
	return format == BLOB_HEX ? 2 * len : (len + 2) / 3 * 4;
}

void blob_text(enum blob_format format, const unsigned char *bytes, size_t len, char *ret_text)
{
	size_t i;

	if (format == BLOB_HEX) {
		for (i = 0; i < len; i++) {
			*ret_text++ = hex_char(bytes[i] >> 4);
			*ret_text++ = hex_char(bytes[i] & 15);
		}
	} else {
		for (i = 0; i < len; i += 3) {
			int b = i + 1 < len ? bytes[i + 1] : 0, c = i + 2 < len ? bytes[i + 2] : 0;
			int bits = bytes[i] << 16 | b << 8 | c;

			*ret_text++ = base64_char(bits >> 18);
			*ret_text++ = base64_char(bits >> 12 & 63);
			*ret_text++ = i + 1 < len ? base64_char(bits >> 6 & 63) : '=';
			*ret_text++ = i + 2 < len ? base64_char(bits & 63) : '=';
		}
	}
	*ret_text = '\0';
}

static int write_all(int fd, const void *data, size_t len)
{
	const char *p = data;

	while (len > 0) {
		ssize_t n = write(fd, p, len);

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return n < 0 ? -errno : -EIO;
		p += n;
		len -= (size_t)n;
	}
	return 0;
}

int blob_put(int fd, enum blob_format format, const unsigned char *bytes, size_t len)
{
	char text[2 * CHUNK + 1];
	size_t done, n;
	int r = 0;

	if (format == BLOB_BINARY)
		return write_all(fd, bytes, len);
	for (done = 0; done < len && r == 0; done += n) {
		n = len - done < CHUNK ? len - done : CHUNK;
		blob_text(format, bytes + done, n, text);
		r = write_all(fd, text, blob_text_len(format, n));
	}
	explicit_bzero(text, sizeof(text));
	return r;
}

/* Opens for reading; "-" is a copy of standard input. */
static int open_input(const char *path, struct fault *f)
{
	int fd = strcmp(path, "-") == 0 ? fcntl(STDIN_FILENO, F_DUPFD_CLOEXEC, 3) :
					  open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY);

	return fd < 0 ? fault_io(f, path, -errno, "cannot open") : fd;
}

int blob_read_secret(const char *path, struct secret *s, struct fault *f)
{
	_cleanup_close_ int fd = open_input(path, f);
	int r;

	if (fd < 0)
		return fd;
	r = secret_read(s, fd);
	if (r == -EFBIG)
		return fault_about(f, EXITCODE_BAD_INPUT, path, "use the right file",
				   "it is longer than the %d bytes that a launch secret can have",
				   SECRET_CAPACITY);
	return r < 0 ? fault_io(f, path, r, "cannot read") : 0;
}

/* Decodes the rest of fd, of which `input` holds the beginning. */
static int decode_file(const char *path, int fd, struct secret *input, struct decoder *d,
		       struct fault *f)
{
	size_t offset = 0, i;
	ssize_t n = (ssize_t)input->len;
	int r;

	while (n > 0) {
		for (i = 0; i < (size_t)n; i++) {
			r = decode_char(d, input->bytes[i]);
			if (r < 0)
				return fault_about(f, EXITCODE_BAD_INPUT, path, "use the right file",
						   "at offset %zu: %s", offset + i,
						   r == -EFBIG ? "more than a launch secret can have" :
								 "a character that does not belong there");
		}
		offset += (size_t)n;
		do
			n = read(fd, input->bytes, SECRET_CAPACITY);
		while (n < 0 && errno == EINTR);
		if (n < 0)
			return fault_io(f, path, -errno, "cannot read");
	}
	if (decode_end(d) < 0)
		return fault_about(f, EXITCODE_BAD_INPUT, path, "use the whole file",
				   "at offset %zu: the %s text is cut off", offset,
				   d->format == BLOB_HEX ? "hexadecimal" : "base64");
	return 0;
}

int blob_read_encoded(const char *path, struct secret *s, enum blob_format *ret_format,
		      struct fault *f)
{
	_cleanup_close_ int fd = open_input(path, f);
	_cleanup_secret_ struct secret input = SECRET_NULL;
	struct decoder d = { .out = s->bytes, .size = SECRET_CAPACITY };
	int r;

	s->len = 0;
	if (fd < 0)
		return fd;
	r = secret_init(&input, f);
	if (r < 0)
		return r;
	while (input.len < SECRET_CAPACITY) { /* not secret_read(): text may be longer */
		ssize_t n = read(fd, input.bytes + input.len, SECRET_CAPACITY - input.len);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return fault_io(f, path, -errno, "cannot read");
		if (n == 0)
			break;
		input.len += (size_t)n;
	}
	d.format = blob_format_guess(input.bytes, input.len);
	if (d.format == BLOB_BINARY) {
		r = 0;
		if (input.len == SECRET_CAPACITY) {
			unsigned char more;

			if (read(fd, &more, 1) != 0)
				r = fault_about(f, EXITCODE_BAD_INPUT, path, "use the right file",
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
	*ret_format = d.format;
	return 0;
}

int blob_read(const char *path, size_t max, unsigned char **ret_bytes, size_t *ret_len,
	      struct fault *f)
{
	_cleanup_close_ int fd = open_input(path, f);
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
		n = read(fd, bytes + len, size - len - 1);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return fault_io(f, path, -errno, "cannot read");
		if (n == 0)
			break;
		len += (size_t)n;
		if (len > max)
			return fault_about(f, EXITCODE_BAD_INPUT, path, "use the right file",
					   "it has more than %zu bytes", max);
	}
	bytes[len] = '\0';
	*ret_bytes = TAKE_PTR(bytes);
	*ret_len = len;
	return 0;
}

int blob_value(const char *text_or_path, unsigned char *ret_bytes, size_t size,
	       struct fault *f)
{
	_cleanup_free_ unsigned char *bytes = NULL;
	size_t len;
	int r;

	if (blob_parse(text_or_path, ret_bytes, size) == 0)
		return 0;
	r = blob_read(text_or_path, 4 * size, &bytes, &len, f);
	if (r < 0)
		return r;
	if (len == size)
		memcpy(ret_bytes, bytes, size);
	else if (strlen((char *)bytes) != len || blob_parse((char *)bytes, ret_bytes, size) < 0)
		return fault_about(f, EXITCODE_BAD_INPUT, text_or_path, "use the right file",
				   "it is not %zu bytes, nor these in base64 or hexadecimal", size);
	return 0;
}

bool blob_is_same(const char *path, const char *other)
{
	struct stat a, b;

	return stat(path, &a) == 0 && stat(other, &b) == 0 && a.st_dev == b.st_dev &&
	       a.st_ino == b.st_ino;
}

/* May PATH be written? */
static int check_target(const char *path, bool force, struct fault *f)
{
	struct stat st;

	if (lstat(path, &st) < 0)
		return errno == ENOENT ? 0 : fault_io(f, path, -errno, "cannot look at it");
	if (!S_ISREG(st.st_mode))
		return fault_about(f, EXITCODE_REFUSED, path, "give another name",
				   "it exists and is no regular file");
	if (!force)
		return fault_about(f, EXITCODE_REFUSED, path,
				   "give another name, or --force to replace it", "it exists");
	return 0;
}

/* Opens PATH.new for this process alone. Returns a descriptor or -errno. */
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
		if (fd < 0)
			return -errno;
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

int blob_file_create(const char *path, bool force, struct blob_file *ret_file,
		     struct fault *f)
{
	_cleanup_blob_file_ struct blob_file file = BLOB_FILE_NULL;
	_cleanup_free_ char *new_path = NULL;
	int r = check_target(path, force, f);

	if (r < 0)
		return r;
	file.path = strdup(path);
	if (!file.path || asprintf(&new_path, "%s.new", path) < 0) {
		new_path = NULL;
		return fault_io(f, path, -ENOMEM, "cannot write");
	}
	file.fd = open_new(new_path);
	if (file.fd < 0)
		return fault_io(f, new_path, file.fd, "cannot create");
	file.new_path = TAKE_PTR(new_path);
	file.replace = force;
	*ret_file = file;
	file = BLOB_FILE_NULL;
	return 0;
}

int blob_file_put(struct blob_file *file, enum blob_format format, const unsigned char *bytes,
		  size_t len, struct fault *f)
{
	int r = blob_put(file->fd, format, bytes, len);

	return r < 0 ? fault_io(f, file->path, r, "cannot write") : 0;
}

/* Gives PATH.new its name. Returns 0 or -errno. */
static int rename_new(const struct blob_file *file)
{
	if (file->replace)
		return rename(file->new_path, file->path) < 0 ? -errno : 0;
	if (renameat2(AT_FDCWD, file->new_path, AT_FDCWD, file->path, RENAME_NOREPLACE) == 0)
		return 0;
	if (errno != EINVAL && errno != ENOSYS)
		return -errno;
	/* A file system that cannot do that, such as NFS, has hard links. */
	if (link(file->new_path, file->path) < 0)
		return -errno;
	return unlink(file->new_path) < 0 ? -errno : 0;
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

int blob_files_commit(struct blob_file *files, size_t nr, struct fault *f)
{
	size_t i, done = 0;
	int r = 0;

	for (i = 0; i < nr; i++)
		if (fsync(files[i].fd) < 0)
			return fault_io(f, files[i].path, -errno, "cannot write");
	for (; done < nr; done++) {
		r = rename_new(&files[done]);
		if (r < 0)
			break;
		free(TAKE_PTR(files[done].new_path));
	}
	for (i = 0; i < done && r == 0; i++)
		r = sync_directory(files[i].path);
	if (r == 0)
		return 0;
	for (i = 0; i < done; i++)
		if (!files[i].replace)
			(void)unlink(files[i].path); /* the failure is being told */
	return r == -EEXIST ? fault_about(f, EXITCODE_REFUSED, files[done].path,
					  "give another name, or --force to replace it",
					  "it exists") :
			      fault_io(f, files[done < nr ? done : 0].path, r, "cannot write");
}

void blob_file_done(struct blob_file *file)
{
	if (file->new_path)
		(void)unlink(file->new_path); /* if that fails, the next process does it */
	free(TAKE_PTR(file->new_path));
	free(TAKE_PTR(file->path));
	util_closep(&file->fd);
	file->fd = -EBADF;
}

int blob_write_secret(const char *path, enum blob_format format, const struct secret *s,
		      bool force, struct fault *f)
{
	_cleanup_blob_file_ struct blob_file file = BLOB_FILE_NULL;
	int r = blob_file_create(path, force, &file, f);

	if (r == 0)
		r = blob_file_put(&file, format, s->bytes, s->len, f);
	if (r == 0 && format != BLOB_BINARY)
		r = blob_file_put(&file, BLOB_BINARY, (const unsigned char *)"\n", 1, f);
	return r < 0 ? r : blob_files_commit(&file, 1, f);
}
