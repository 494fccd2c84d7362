/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * generation.c - the counter in the root: no file is 0, a good file is its number, and
 * anything else is nothing.
 */
#include "rootfs/generation.h"

#include "base/paths.h"
#include "fixture.h"

static struct fixture fx;
static uint64_t got;

static int read_it(void)
{
	got = 4711;
	return generation_read(&fx.root, &got);
}

static int read_text(const char *text)
{
	fixture_text(&fx, PATH_GENERATION, text);
	return read_it();
}

static void test_read(void)
{
	/* clang-format off */
	static const char *const bad[] = {
		"", "\n", "1", "12", "1\n\n", " 1\n", "1 \n", "+1\n", "-1\n", "01\n", "00\n", "0x1\n",
		"1\r\n", "x\n", "1\n2\n", "9223372036854775808\n", "18446744073709551616\n",
		"00000000000000000000001\n",
	};
	/* clang-format on */
	size_t i;

	ok(read_it() == 0 && got == 0, "no directory is generation 0");
	fixture_mkdir(&fx, PATH_GENERATION_DIR);
	ok(read_it() == 0 && got == 0, "no file is generation 0");
	ok(read_text("0\n") == 0 && got == 0, "0 is 0");
	ok(read_text("7\n") == 0 && got == 7, "7 is 7");
	ok(read_text("9223372036854775807\n") == 0 && got == GENERATION_MAX, "the greatest number");
	for (i = 0; i < ARRAY_SIZE(bad); i++)
		ok(read_text(bad[i]) == -EINVAL && got == 4711, "bad text %zu is refused", i);
	fixture_put(&fx, PATH_GENERATION, "1\0\n", 3);
	is_int(read_it(), -EINVAL, "and so is a NUL");
	fixture_unlink(&fx, PATH_GENERATION);
	fixture_text(&fx, "/number", "8\n");
	FIXTURE_MUST(symlink("/number", fixture_path(&fx, PATH_GENERATION)) == 0);
	is_int(read_it(), -EINVAL, "a link is not followed");
	fixture_unlink(&fx, PATH_GENERATION);
	FIXTURE_MUST(mkfifo(fixture_path(&fx, PATH_GENERATION), 0600) == 0);
	is_int(read_it(), -EINVAL, "a pipe is not waited for");
	fixture_unlink(&fx, PATH_GENERATION);
	fixture_mkdir(&fx, PATH_GENERATION);
	is_int(read_it(), -EINVAL, "a directory is no number");
	FIXTURE_MUST(rmdir(fixture_path(&fx, PATH_GENERATION)) == 0);
	FIXTURE_MUST(rmdir(fixture_path(&fx, PATH_GENERATION_DIR)) == 0);
	fixture_text(&fx, PATH_GENERATION_DIR, "");
	is_int(read_it(), -ENOTDIR, "a file in the place of the directory is not 'absent'");
	fixture_unlink(&fx, PATH_GENERATION_DIR);
}

static void test_write(void)
{
	struct stat st;
	mode_t mask;

	FIXTURE_MUST(rmdir(fixture_path(&fx, "/var/lib")) == 0);
	FIXTURE_MUST(rmdir(fixture_path(&fx, "/var")) == 0);
	mask = umask(077);
	is_int(generation_write(&fx.root, 12), 0, "written where there is not even a /var");
	(void)umask(mask);
	is_str(fixture_get(&fx, PATH_GENERATION), "12\n", "as a number and a line feed");
	FIXTURE_MUST(stat(fixture_path(&fx, PATH_GENERATION), &st) == 0);
	is_int(st.st_mode & 07777, 0644, "for all to read");
	is_int(generation_write(&fx.root, GENERATION_MAX), 0, "the greatest number is written");
	ok(read_it() == 0 && got == GENERATION_MAX, "and read back");
	is_int(generation_write(&fx.root, GENERATION_MAX + 1), -ERANGE, "a greater one is not");
	ok(!fixture_has(&fx, PATH_GENERATION ".new"), "nothing else stays behind");
	fixture_text(&fx, "/outside", "mine");
	FIXTURE_MUST(symlink("/outside", fixture_path(&fx, PATH_GENERATION ".new")) == 0);
	is_int(generation_write(&fx.root, 1), -ELOOP, "a link in its place is not followed");
	is_str(fixture_get(&fx, "/outside"), "mine", "what it points to is untouched");
	ok(read_it() == 0 && got == GENERATION_MAX, "and the number stays");
}

static void test_root(void)
{
	struct root sub = { .fd = -EBADF };

	fixture_text(&fx, "/sysroot" PATH_GENERATION, "5\n");
	is_int(generation_root(&fx.root, PATH_SYSROOT, &sub), 0, "the root below another one");
	got = 0;
	ok(generation_read(&sub, &got) == 0 && got == 5, "has its own generation");
	root_done(&sub);
	is_int(generation_root(&fx.root, "/none", &sub), -ENOENT, "no such directory");
	is_int(generation_root(&fx.root, "/outside", &sub), -ENOTDIR, "a file is none");
	is_int(sub.fd, -EBADF, "and nothing is handed out");
}

int main(void)
{
	fixture_init(&fx);
	test_read();
	test_write();
	test_root();
	return tap_done();
}
