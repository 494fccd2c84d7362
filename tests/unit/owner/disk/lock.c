/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * lock.c - who else may use an image while it is open.
 */
#include "owner/disk/lock.h"

#include <fcntl.h>
#include <sys/file.h>

#include "fixture.h"
#include "tap.h"

#define MIB (1024 * 1024)

static struct fixture fx;
static char path[PATH_MAX + 16];

static void make_file(void)
{
	int fd;

	(void)snprintf(path, sizeof(path), "%s/image", fx.dir);
	(void)unlink(path);
	fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	FIXTURE_MUST(fd >= 0 && ftruncate(fd, MIB) == 0);
	(void)close(fd);
}

/* Opens it once more in the way that another program would. */
static bool other_can(bool writable)
{
	_cleanup_image_ struct image image = IMAGE_NULL;
	struct fault f = { 0 };
	int r = image_open(path, writable, &image, &f);

	if (r < 0)
		ok(r == -EBUSY && f.code == EXITCODE_REFUSED, "... it is busy: %s", f.why);
	return r >= 0;
}

static void test_locks(void)
{
	struct image image = IMAGE_NULL;
	struct fault f = { 0 };

	make_file();
	is_int(image_open(path, false, &image, &f), 0, "open for reading");
	ok(other_can(false), "... another may read");
	ok(!other_can(true), "... none may write");
	image_done(&image);
	is_int(image.fd, -EBADF, "closed");
	is_int(image_open(path, true, &image, &f), 0, "open for writing");
	ok(!other_can(false), "... none may read");
	image_done(&image);
	image_done(&image);
	ok(other_can(true), "free again");
}

/* As QEMU locks it: a disk of a running guest has byte 101 (writes), and is kept by byte 201. */
static void test_qemu(void)
{
	static const struct {
		int byte;
		bool reader, writer;
	} cases[] = {
		{ 101, false, false }, { 103, false, false }, { 200, false, false },
		{ 100, true, false },  { 201, true, false },
	};
	size_t i;

	make_file();
	for (i = 0; i < ARRAY_SIZE(cases); i++) {
		struct flock lock = { .l_type = F_RDLCK, .l_start = cases[i].byte, .l_len = 1 };
		int fd = open(path, O_RDWR | O_CLOEXEC);

		FIXTURE_MUST(fd >= 0 && fcntl(fd, F_OFD_SETLK, &lock) == 0);
		ok(other_can(false) == cases[i].reader, "QEMU's byte %d: reading", cases[i].byte);
		ok(other_can(true) == cases[i].writer, "QEMU's byte %d: writing", cases[i].byte);
		(void)close(fd);
	}
}

int main(void)
{
	unsigned int fds;

	fixture_init(&fx);
	fds = fixture_fds();
	test_locks();
	test_qemu();
	is_int(fixture_fds(), fds, "no descriptor is left open");
	return tap_done();
}
