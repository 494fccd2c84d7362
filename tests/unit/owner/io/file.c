/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * file.c - what is read of files in any encoding, and files that are there whole or not at all.
 */
#include "owner/io/file.h"

#include <signal.h>
#include <sys/file.h>
#include <sys/syscall.h>

#include "bytes.h"
#include "fixture.h"
#include "inject_next.h"

static struct fixture fx;
static struct fault f;

/* The nth of the calls below that change something fails; what it would have done is not done. */
static unsigned int nth, uses;
static size_t piece, write_piece; /* if not 0, the most that one read or write does */

/* What becomes of the process that names several files. */
static enum { LIVES, IS_NOT_THERE, IS_KILLED } namer;
static unsigned int names; /* that were given */

pid_t fork(void)
{
	errno = EAGAIN;
	return namer == IS_NOT_THERE ? -1 : INJECT_NEXT(fork)();
}

static bool fails(void)
{
	if (nth == 0 || ++uses != nth)
		return false;
	errno = ENOSPC;
	return true;
}

ssize_t write(int fd, const void *data, size_t len)
{
	size_t n = write_piece && len > write_piece ? write_piece : len;

	return fails() ? -1 : syscall(SYS_write, fd, data, n);
}

ssize_t read(int fd, void *data, size_t len)
{
	return syscall(SYS_read, fd, data, piece && len > piece ? piece : len);
}

int fsync(int fd)
{
	return fails() ? -1 : (int)syscall(SYS_fsync, fd);
}

static void name(void)
{
	if (namer == IS_KILLED && ++names == 2)
		(void)kill(getpid(), SIGKILL);
}

int rename(const char *old, const char *new)
{
	name();
	return fails() ? -1 : (int)syscall(SYS_renameat2, AT_FDCWD, old, AT_FDCWD, new, 0);
}

int link(const char *old, const char *new)
{
	return fails() ? -1 : (int)syscall(SYS_linkat, AT_FDCWD, old, AT_FDCWD, new, 0);
}

int renameat2(int olddir, const char *old, int newdir, const char *new, unsigned int flags)
{
	name();
	return fails() ? -1 : (int)syscall(SYS_renameat2, olddir, old, newdir, new, flags);
}

/* What becomes of a file with this content. */
static const char *decoded(const char *content, size_t len, int *ret_format)
{
	_cleanup_secret_ struct secret s = bytes_secret("stale", 5);
	enum codec format = CODEC_BINARY;
	int r;

	f = (struct fault){ 0 };
	fixture_put(&fx, "/in", content, len);
	r = file_read_encoded(fixture_path(&fx, "/in"), &s, &format, &f);
	if (ret_format)
		*ret_format = (int)format;
	if (r < 0)
		return s.len == 0 && memcmp(s.bytes, "\0\0\0\0\0", 5) == 0 ? f.why : "not emptied";
	return bytes_hex(s.bytes, s.len);
}

static void test_reading(void)
{
	static unsigned char big[SECRET_CAPACITY + 1], text[2 * SECRET_CAPACITY + 3];
	int format = -1;

	is_str(decoded("42f5741e\n", 9, &format), "42f5741e", "a file in hexadecimal");
	is_int(format, CODEC_HEX, "... is known as that");
	is_str(decoded("QvV0\r\nHg==\n", 11, &format), "42f5741e", "a file in base64");
	is_int(format, CODEC_BASE64, "... is known as that");
	is_str(decoded("\x42\xf5\x74\x1e", 4, &format), "42f5741e", "a file as it is");
	is_int(format, CODEC_BINARY, "... is known as that");
	is_str(decoded("", 0, &format), "", "an empty file");
	ok(strstr(decoded("42f5741", 7, NULL), "at offset 7: the hexadecimal text is cut off"),
	   "half a byte");
	ok(strstr(decoded("QvV0Hg=", 7, NULL), "at offset 7: the base64 text is cut off"),
	   "missing padding");
	ok(strstr(decoded("QvV0Hh==", 8, NULL), "cut off"), "bits behind the last byte");
	ok(strstr(decoded("QvV0Hg==QvV0Hg==", 16, NULL), "at offset 8: a character"),
	   "text behind the padding");
	memset(big, 0xff, sizeof(big));
	ok(strlen(decoded((char *)big, SECRET_CAPACITY, &format)) == 2 * SECRET_CAPACITY &&
		   format == CODEC_BINARY,
	   "as much as there can be");
	ok(strstr(decoded((char *)big, SECRET_CAPACITY + 1, NULL), "longer than the 16384"),
	   "one byte more");
	memset(text, 'a', sizeof(text));
	ok(strlen(decoded((char *)text, 2 * SECRET_CAPACITY, &format)) == 2 * SECRET_CAPACITY &&
		   format == CODEC_HEX,
	   "as much in hexadecimal, more than one buffer");
	ok(strstr(decoded((char *)text, 2 * SECRET_CAPACITY + 2, NULL), "offset 32769: more than"),
	   "one byte more in hexadecimal");
	text[20000] = '!';
	ok(strstr(decoded((char *)text, 2 * SECRET_CAPACITY, NULL), "offset 20000: a character"),
	   "a mistake behind the first buffer");
}

static void test_values(void)
{
	unsigned char bytes[16];

	fixture_text(&fx, "/value", "000102030405060708090a0b0c0d0e0f\n");
	is_int(file_value(fixture_path(&fx, "/value"), bytes, 16, &f), 0, "a value from a file");
	is_str(bytes_hex(bytes, 16), "000102030405060708090a0b0c0d0e0f", "... in hexadecimal");
	fixture_put(&fx, "/value", "\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\1", 16);
	is_int(file_value(fixture_path(&fx, "/value"), bytes, 16, &f), 0, "a value from a file");
	is_str(bytes_hex(bytes, 16), "00000000000000000000000000000001", "... of bytes");
	is_int(file_value("AAECAwQFBgcICQoLDA0ODw==", bytes, 16, &f), 0, "a value itself");
	is_str(bytes_hex(bytes, 16), "000102030405060708090a0b0c0d0e0f", "... in base64");
	fixture_put(&fx, "/value", "000102030405060708090a0b0c0d0e0f\0x", 34);
	f = (struct fault){ 0 };
	is_int(file_value(fixture_path(&fx, "/value"), bytes, 16, &f), -EINVAL,
	       "no text with a NUL");
	f = (struct fault){ 0 };
	is_int(file_value("000102", bytes, 16, &f), -EINVAL, "a value that is too short");
	f = (struct fault){ 0 };
	is_int(file_value("AAECAwQFBgcICQoLDA0ODxAR", bytes, 16, &f), -EINVAL, "... too long");
	ok(strstr(f.why, "base64 of 18 bytes, and 16 are needed"), "... says so: %s", f.why);
	is_str(f.next, "give the value as it is, whole and alone", "... and what to give");
	f = (struct fault){ 0 };
	is_int(file_value("no file", bytes, 16, &f), -EIO, "neither a value nor a file");
}

static int put(const char *path, bool force)
{
	_cleanup_secret_ struct secret s = bytes_secret("secret\n", 7);

	int r;

	f = (struct fault){ 0 };
	write_piece = 3;
	r = file_write_secret(fixture_path(&fx, path), CODEC_BINARY, &s, force, &f);
	write_piece = 0;
	return r;
}

static unsigned int mode(const char *path)
{
	struct stat st = { 0 };

	return lstat(fixture_path(&fx, path), &st) < 0 ? 0 : st.st_mode;
}

static void test_writing(void)
{
	(void)umask(0);
	is_int(put("/out", false), 0, "a file is written");
	is_int(mode("/out"), S_IFREG | 0600, "... for its owner alone, whatever the umask");
	is_str(fixture_get(&fx, "/out"), "secret\n", "... with its content");
	ok(!fixture_has(&fx, "/out.coco-new"), "... and nothing beside it");
	fixture_text(&fx, "/out", "old");
	is_int(put("/out", false), -EPERM, "it is not replaced");
	ok(f.code == EXITCODE_REFUSED && strstr(f.next, "--force"), "... which is said");
	is_str(fixture_get(&fx, "/out"), "old", "... and has its old content");
	is_int(put("/out", true), 0, "unless forced");
	is_str(fixture_get(&fx, "/out"), "secret\n", "... then it has the new one");
	FIXTURE_MUST(symlink("nowhere", fixture_path(&fx, "/link")) == 0);
	is_int(put("/link", true), -EPERM, "a link is not replaced, even if forced");
	fixture_mkdir(&fx, "/dir");
	is_int(put("/dir", true), -EPERM, "nor a directory");
	ok(S_ISLNK(mode("/link")) && S_ISDIR(mode("/dir")) && !fixture_has(&fx, "/nowhere"),
	   "... and both are as they were");
	is_int(put("/none/out", false), -EIO, "no file where there is no directory");
	ok(f.code == EXITCODE_IO && strstr(f.why, "No such file"), "... which is said");
}

static void test_long_texts(void)
{
	static char text[2 * SECRET_CAPACITY + 2];
	_cleanup_secret_ struct secret s = bytes_secret("", 0), back = bytes_secret("", 0);
	enum codec format;
	size_t i;

	for (i = 0; i < SECRET_CAPACITY - 1; i++)
		s.bytes[i] = (unsigned char)(i * 7 + i / 256);
	s.len = i;
	for (format = CODEC_BASE64; format <= CODEC_HEX; format++) {
		enum codec found = CODEC_BINARY;

		f = (struct fault){ 0 };
		is_int(file_write_secret(fixture_path(&fx, "/long"), format, &s, true, &f), 0,
		       "many bytes as text");
		codec_text(format, s.bytes, s.len, text);
		text[strlen(text) + 1] = '\0';
		text[strlen(text)] = '\n';
		is_str(fixture_get(&fx, "/long"), text, "... in one line");
		ok(file_read_encoded(fixture_path(&fx, "/long"), &back, &found, &f) == 0 &&
			   found == format && back.len == s.len &&
			   memcmp(back.bytes, s.bytes, s.len) == 0,
		   "... come back");
	}
}

static void test_race(void)
{
	struct file_out file = FILE_OUT_NULL;

	f = (struct fault){ 0 };
	is_int(file_out_create(fixture_path(&fx, "/raced"), false, &file, &f), 0, "a new file");
	is_int(file_out_put(&file, CODEC_BINARY, (const unsigned char *)"new", 3, &f), 0,
	       "written");
	fixture_text(&fx, "/raced", "first");
	is_int(file_out_commit(&file, 1, &f), -EPERM, "another process was faster");
	file_out_done(&file);
	is_str(fixture_get(&fx, "/raced"), "first", "... and its file stays");
	ok(!fixture_has(&fx, "/raced.coco-new"), "... alone");
	is_str(f.next, "give another name, or --force to replace it", "... and what to do");

	f = (struct fault){ 0 };
	is_int(file_out_create(fixture_path(&fx, "/raced2"), false, &file, &f), 0, "another one");
	file.taken = "move it away";
	fixture_text(&fx, "/raced2", "first");
	is_int(file_out_commit(&file, 1, &f), -EPERM, "... is no faster");
	file_out_done(&file);
	is_str(f.next, "move it away", "... has a way of its own");
}

static void test_left_overs(void)
{
	int fd;

	fixture_text(&fx, "/killed.coco-new", "half of a sec");
	FIXTURE_MUST(chmod(fixture_path(&fx, "/killed.coco-new"), 0600) == 0);
	is_int(put("/killed", false), 0, "what a killed process has left does not matter");
	is_str(fixture_get(&fx, "/killed"), "secret\n", "... nor does it get into the file");
	ok(!fixture_has(&fx, "/killed.coco-new"), "... and it is gone");

	fixture_text(&fx, "/busy.coco-new", "being written");
	FIXTURE_MUST(chmod(fixture_path(&fx, "/busy.coco-new"), 0600) == 0);
	fd = open(fixture_path(&fx, "/busy.coco-new"), O_RDONLY | O_CLOEXEC);
	FIXTURE_MUST(fd >= 0 && flock(fd, LOCK_EX) == 0);
	is_int(put("/busy", false), -EPERM, "what another process is writing is left alone");
	is_str(fixture_get(&fx, "/busy.coco-new"), "being written", "... as it is");
	ok(!fixture_has(&fx, "/busy"), "... and nothing is written");
	(void)close(fd);

	fixture_text(&fx, "/table.new", "a user's table");
	FIXTURE_MUST(chmod(fixture_path(&fx, "/table.new"), 0600) == 0);
	is_int(put("/table", false), 0, "NAME.new is a user's name");
	is_str(fixture_get(&fx, "/table.new"), "a user's table", "... and is left as it is");

	fixture_text(&fx, "/user.coco-new", "a user's file");
	FIXTURE_MUST(chmod(fixture_path(&fx, "/user.coco-new"), 0644) == 0);
	is_int(put("/user", false), -EPERM, "a file of that name that is not ours is left alone");
	is_str(fixture_get(&fx, "/user.coco-new"), "a user's file", "... as it is");
	fixture_text(&fx, "/target", "elsewhere");
	FIXTURE_MUST(chmod(fixture_path(&fx, "/target"), 0600) == 0);
	FIXTURE_MUST(symlink("target", fixture_path(&fx, "/trap.coco-new")) == 0);
	is_int(put("/trap", false), -EPERM, "a link of that name is not followed");
	ok(S_ISLNK(mode("/trap.coco-new")), "... nor removed");
	is_str(fixture_get(&fx, "/target"), "elsewhere", "... and its target is as it was");
	FIXTURE_MUST(mkfifo(fixture_path(&fx, "/pipe.coco-new"), 0600) == 0);
	is_int(put("/pipe", false), -EPERM, "a pipe of that name does not stop anybody");
}

/* Two files, one text and one binary; every call fails once. */
static int put_two(bool force)
{
	struct file_out files[2] = { FILE_OUT_NULL, FILE_OUT_NULL };
	int r;

	f = (struct fault){ 0 };
	r = file_out_create(fixture_path(&fx, "/one"), force, &files[0], &f);
	if (r == 0)
		r = file_out_create(fixture_path(&fx, "/two"), force, &files[1], &f);
	if (r == 0)
		r = file_out_keep_old(&files[0], &f);
	if (r == 0)
		r = file_out_put(&files[0], CODEC_BINARY, (const unsigned char *)"1", 1, &f);
	if (r == 0)
		r = file_out_put(&files[1], CODEC_HEX, (const unsigned char *)"2", 1, &f);
	if (r == 0)
		r = file_out_commit(files, 2, &f);
	file_out_done(&files[0]);
	file_out_done(&files[1]);
	return r;
}

static bool has(const char *path, const char *text)
{
	return text ? fixture_has(&fx, path) && strcmp(fixture_get(&fx, path), text) == 0 :
		      !fixture_has(&fx, path);
}

/* Both files have this text, and nothing is beside them; NULL: there is none. What the first was may
 * be kept. */
static bool are(const char *one, const char *two, bool kept)
{
	return has("/one", one) && has("/two", two) && has("/one.coco-new", NULL) &&
	       has("/two.coco-new", NULL) &&
	       (has("/one.coco-old", NULL) || (kept && has("/one.coco-old", "old one")));
}

/* As put_two(true), over /two and what /one has; NULL: nothing. Its nth call fails. */
static int replace_two(const char *one, unsigned int fails_at)
{
	int r;

	(void)unlink(fixture_path(&fx, "/one.coco-old"));
	(void)unlink(fixture_path(&fx, "/one"));
	if (one)
		fixture_text(&fx, "/one", one);
	fixture_text(&fx, "/two", "old two");
	uses = 0;
	nth = fails_at;
	r = put_two(true);
	nth = 0;
	return r;
}

/* Two that belong together are both old or both new, whatever fails. */
static void test_pairs(void)
{
	static const char *const before[] = { "old one", NULL };
	unsigned int failed, parted;
	size_t i;

	for (i = 0; i < ARRAY_SIZE(before); i++) {
		failed = parted = 0;
		while (failed < 100 && replace_two(before[i], failed + 1) < 0) {
			failed++;
			parted += !are(before[i], "old two", false) &&
				  !are("1", "32", before[i] != NULL);
		}
		ok(failed >= 9 && failed < 100, "over %s: each of %u calls fails once",
		   before[i] ? "two others" : "one other", failed);
		is_int(parted, 0, "... and both are as before, or both are new");
		ok(are("1", "32", false), "... and new at last, with nothing beside them");
	}
}

/* Without that process they get their names all the same; of one that dies between two names
 * nobody knows how far it got. */
static void test_namer(void)
{
	struct file_out none[1];

	namer = IS_NOT_THERE;
	is_int(replace_two("old one", 0), 0, "no process: both are new");
	ok(are("1", "32", false), "... with nothing beside them");
	f = (struct fault){ 0 };
	ok(file_out_commit(none, 0, &f) == 0 && f.code == EXITCODE_OK, "no file: nothing to do");
	namer = IS_KILLED;
	names = 0;
	is_int(replace_two("old one", 0), -EIO, "killed between two names: a refusal");
	is_int(f.code, EXITCODE_IO, "... its code");
	ok(strstr(f.why, "was killed") && strstr(f.next, "look which files are there"),
	   "... what to do: %s", f.next);
	ok(has("/one", "1") && has("/one.coco-old", "old one") && has("/two", "old two") &&
		   has("/two.coco-new", "32"),
	   "... and nothing is removed");
	namer = LIVES;
	fixture_unlink(&fx, "/two.coco-new");
	fixture_unlink(&fx, "/one.coco-old");
}

static void test_failures(void)
{
	unsigned int fds = fixture_fds(), failed = 0, left = 0, silent = 0, nr = 0;
	int r = -1;

	for (nth = 1; r < 0 && nth < 100; nth++) {
		uses = 0;
		r = put_two(false);
		if (r == 0)
			break;
		failed++;
		silent += f.code != EXITCODE_IO || !strstr(f.why, "No space");
		left += fixture_has(&fx, "/one") + fixture_has(&fx, "/two") +
			fixture_has(&fx, "/one.coco-new") + fixture_has(&fx, "/two.coco-new");
	}
	nr = nth;
	nth = 0;
	ok(r == 0 && failed == nr - 1 && failed >= 8, "each of %u calls fails once", failed);
	is_int(left, 0, "and leaves no file");
	is_int(silent, 0, "and is told");
	is_str(fixture_get(&fx, "/one"), "1", "then both are there");
	is_str(fixture_get(&fx, "/two"), "32", "... in their formats");
	fixture_text(&fx, "/two", "old");
	fixture_unlink(&fx, "/one");
	is_int(put_two(false), -EPERM, "one of them exists");
	ok(!fixture_has(&fx, "/one") && !fixture_has(&fx, "/one.coco-new"),
	   "... so neither is written");

	test_pairs();
	test_namer();
	fixture_text(&fx, "/one.coco-old", "of a run that was killed");
	is_int(put_two(true), -EPERM, "what a killed run has kept is not replaced");
	is_str(fixture_get(&fx, "/one.coco-old"), "of a run that was killed", "... nor removed");
	ok(strstr(f.why, "before a run that was interrupted"), "... and named");
	fixture_unlink(&fx, "/one.coco-old");
	is_int(fixture_fds(), fds, "no descriptor is left");
}

int main(void)
{
	fixture_init(&fx);
	test_reading();
	piece = 7;
	test_reading();
	test_values();
	test_writing();
	piece = 0;
	test_long_texts();
	test_race();
	test_left_overs();
	test_failures();
	fixture_done(&fx);
	return tap_done();
}
