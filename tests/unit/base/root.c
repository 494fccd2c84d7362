/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * root.c - no path leads out of the tree, and text files are text of bounded size.
 */
#include "base/root.h"

#include "fixture.h"
#include "inject.h"

static void test_inside(struct fixture *fx)
{
	static const char *const out[] = { "/link", "/absolute", "/up", "/dir/../../outside" };
	char target[PATH_MAX];
	_cleanup_free_ char *text = NULL;
	size_t i;
	int fd;

	fixture_text(fx, "/outside", "inside");
	(void)snprintf(target, sizeof(target), "%s/0/secret", fixture_base);
	FIXTURE_MUST(symlink("../outside", fixture_path(fx, "/up")) == 0);
	FIXTURE_MUST(symlink("/outside", fixture_path(fx, "/link")) == 0);
	FIXTURE_MUST(symlink("/../../../outside", fixture_path(fx, "/absolute")) == 0);
	FIXTURE_MUST(symlink(target, fixture_path(fx, "/host")) == 0);
	fixture_mkdir(fx, "/dir");
	for (i = 0; i < ARRAY_SIZE(out); i++) {
		_cleanup_free_ char *got = NULL;

		ok(root_read_text(&fx->root, out[i], 100, &got) == 6 && strcmp(got, "inside") == 0,
		   "%s ends inside the tree", out[i]);
	}
	ok(access(target, R_OK) == 0, "premise: the file outside is readable");
	is_int(root_read_text(&fx->root, "/host", 100, &text), -ENOENT,
	       "a link to a file outside finds nothing");
	ok(!text, "nothing is handed out after an error");
	is_int(root_open(&fx->root, "/link", O_RDONLY | O_NOFOLLOW, 0), -ELOOP,
	       "O_NOFOLLOW refuses a link");
	fd = root_open(&fx->root, "/outside", O_RDONLY, 0);
	is_int(fcntl(fd, F_GETFD), FD_CLOEXEC, "descriptors are closed on exec");
	(void)close(fd);
	ok(root_exists(&fx->root, "/dir") && root_exists(&fx->root, "/link"), "exists: yes");
	ok(!root_exists(&fx->root, "/nothing") && !root_exists(&fx->root, "/host"), "exists: no");
}

static void test_text(struct fixture *fx)
{
	int fd;
	char *text = NULL;

	fixture_text(fx, "/ten", "0123456789");
	is_int(root_read_text(&fx->root, "/ten", 10, &text), 10, "a file of exactly the limit");
	is_str(text ? text : "", "0123456789", "its text");
	free(text);
	text = NULL;
	is_int(root_read_text(&fx->root, "/ten", 9, &text), -EFBIG, "one byte above the limit");
	fixture_put(fx, "/nul", "a\0b", 3);
	is_int(root_read_text(&fx->root, "/nul", 9, &text), -EINVAL, "a NUL byte inside");
	fixture_put(fx, "/nul", "ab\0", 3);
	is_int(root_read_text(&fx->root, "/nul", 9, &text), -EINVAL, "a NUL byte at the end");
	is_int(root_read_text(&fx->root, "/nothing", 9, &text), -ENOENT, "no file");
	fixture_mkdir(fx, "/directory");
	is_int(root_read_text(&fx->root, "/directory", 9, &text), -EISDIR, "a directory");
	ok(!text, "none of these handed out a string");
	fixture_text(fx, "/empty", "");
	is_int(root_read_text(&fx->root, "/empty", 9, &text), 0, "an empty file");
	is_str(text ? text : "none", "", "is an empty string");
	free(text);
	text = NULL;
	inject_failure(INJECT_OPENAT2, 1, EAGAIN);
	fd = root_open(&fx->root, "/ten", O_RDONLY, 0);
	ok(inject.hit && fd >= 0, "a mount or rename in the way is no failure");
	FIXTURE_MUST(close(fd) == 0);
	(void)alarm(60); /* ends the test if the attempts have no end */
	inject_failure(INJECT_OPENAT2, INJECT_ALL, EAGAIN);
	is_int(root_open(&fx->root, "/ten", O_RDONLY, 0), -EAGAIN,
	       "one in the way each time is one at last");
	ok(inject.uses > 100 && inject.uses <= 1000, "after %u attempts", inject.uses);
	is_int(root_exists(&fx->root, "/ten"), -EAGAIN, "nobody knows then whether it is there");
	inject_failure(INJECT_OPENAT2, INJECT_ALL, EIO);
	ok(root_open(&fx->root, "/ten", O_RDONLY, 0) == -EIO && inject.uses == 1,
	   "no other error is tried again");
	(void)alarm(0);
	inject_failure(INJECT_READ, 1, EIO);
	is_int(root_read_text(&fx->root, "/ten", 99, &text), -EIO, "a read error");
	ok(!text, "hands out nothing");
	inject_failure(INJECT_READ, 1, EINTR);
	is_int(root_read_text(&fx->root, "/ten", 99, &text), 10, "a signal while reading");
	ok(inject.hit && text && strcmp(text, "0123456789") == 0, "loses nothing");
	inject_failure(INJECT_NONE, 0, 0);
	free(text);
	text = NULL;
	inject_piece = 3;
	is_int(root_read_text(&fx->root, "/ten", 10, &text), 10, "a read in pieces");
	ok(text && strcmp(text, "0123456789") == 0, "is whole");
	is_int(root_read_text(&fx->root, "/ten", 9, &text), -EFBIG,
	       "the limit holds in pieces, too");
	inject_piece = 0;
	free(text);
}

int main(void)
{
	struct fixture outside, fx;
	struct root root = { .fd = -EBADF };
	const unsigned int fds = fixture_fds();

	fixture_init(&outside);
	fixture_text(&outside, "/secret", "outside");
	fixture_init(&fx);
	test_inside(&fx);
	test_text(&fx);
	ok(!fx.root.machine, "a tree is no machine");
	is_int(root_init(&root, fixture_path(&fx, "/nothing")), -ENOENT, "no such root");
	is_int(root_init(&root, fixture_path(&fx, "/ten")), -ENOTDIR, "a file is no root");
	is_int(root_init(&root, NULL), 0, "the machine's root");
	ok(root.machine, "the machine is a machine");
	root_done(&root);
	is_int(root.fd, -EBADF, "done");
	fixture_done(&fx);
	fixture_done(&outside);
	is_int(fixture_fds(), fds, "no descriptor is left open");
	return tap_done();
}
