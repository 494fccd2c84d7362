/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * settings.c - what is stricter while the initramfs runs, and is as it was afterwards.
 */
#include "init/settings.h"

#include "base/paths.h"
#include "fixture.h"
#include "inject_next.h"

static struct fixture fx;
static struct settings settings;
static struct fault f;

static void begin(void)
{
	fixture_init(&fx);
	fixture_text(&fx, PATH_SYSRQ, "438\n");
	fixture_text(&fx, PATH_PANIC, "0\n");
	fixture_text(&fx, PATH_PANIC_ON_OOPS, "0\n");
	fixture_text(&fx, PATH_MODPROBE, "/sbin/modprobe\n");
	fixture_text(&fx, PATH_DEVKMSG, "ratelimit\n");
	f = (struct fault){ 0 };
}

/* A write here does not cut the file, as one to the kernel's would. */
static void starts(const char *path, const char *text, const char *what)
{
	ok(strncmp(fixture_get(&fx, path), text, strlen(text)) == 0, "%s", what);
}

static void test_there_and_back(void)
{
	begin();
	is_int(settings_strict(&fx.root, &settings, &f), 0, "all are there");
	starts(PATH_SYSRQ, "0\n", "... no SysRq");
	starts(PATH_PANIC, "1\n", "... a panic ends the machine");
	starts(PATH_PANIC_ON_OOPS, "1\n", "... an oops is a panic");
	starts(PATH_MODPROBE, "\n", "... the kernel starts no program for a module");
	starts(PATH_DEVKMSG, "on\n", "... each line of the log stays");
	is_int(settings_restore(&fx.root, &settings, &f), 0, "back");
	starts(PATH_SYSRQ, "438\n", "... SysRq as it was");
	starts(PATH_PANIC, "0\n", "... and the panic");
	starts(PATH_PANIC_ON_OOPS, "0\n", "... and the oops");
	starts(PATH_MODPROBE, "/sbin/modprobe\n", "... and modprobe");
	starts(PATH_DEVKMSG, "ratelimit\n", "... and the log");
	is_int(f.code, EXITCODE_OK, "no fault");
	fixture_done(&fx);
}

/* The stub has done one of them, and kept what it was: a string with its NUL. */
static void test_stub(void)
{
	int fd;

	begin();
	fixture_text(&fx, PATH_PANIC, "1\n");
	fixture_text(&fx, PATH_KERNEL_PANIC, "-30\n");
	fd = open(fixture_path(&fx, PATH_KERNEL_PANIC), O_WRONLY | O_APPEND);
	FIXTURE_MUST(fd >= 0 && write(fd, "", 1) == 1 && close(fd) == 0);
	is_int(settings_strict(&fx.root, &settings, &f), 0, "a panic ends the machine by now");
	starts(PATH_PANIC, "1\n", "... and goes on to");
	is_int(settings_restore(&fx.root, &settings, &f), 0, "back");
	starts(PATH_PANIC, "-30\n", "... to what it was before that");
	starts(PATH_SYSRQ, "438\n", "... and so are the others");
	fixture_done(&fx);
}

static void test_unreadable(void)
{
	begin();
	FIXTURE_MUST(symlink("/proc/sys/kernel/sysrq", fixture_path(&fx, PATH_KERNEL_PANIC)) == 0);
	ok(settings_strict(&fx.root, &settings, &f) < 0 && f.code == EXITCODE_INTERNAL,
	   "what the stub has kept cannot be read");
	fixture_done(&fx);
}

static void test_absent(void)
{
	begin();
	fixture_unlink(&fx, PATH_SYSRQ);
	fixture_unlink(&fx, PATH_MODPROBE);
	is_int(settings_strict(&fx.root, &settings, &f), 0, "a kernel without two of them");
	starts(PATH_PANIC, "1\n", "... the others are set");
	is_int(settings_restore(&fx.root, &settings, &f), 0, "... and put back");
	ok(!fixture_has(&fx, PATH_SYSRQ) && !fixture_has(&fx, PATH_MODPROBE),
	   "... no file is made");
	fixture_done(&fx);
}

/* An error is never "not there". */
static void test_errors(void)
{
	static const char *const paths[] = { PATH_SYSRQ, PATH_PANIC, PATH_PANIC_ON_OOPS,
					     PATH_MODPROBE, PATH_DEVKMSG };
	size_t i;

	for (i = 0; i < ARRAY_SIZE(paths); i++) {
		begin();
		fixture_unlink(&fx, paths[i]);
		fixture_mkdir(&fx, paths[i]);
		ok(settings_strict(&fx.root, &settings, &f) < 0, "%s is no file", paths[i]);
		is_int(f.code, EXITCODE_INTERNAL, "... the code");
		ok(strstr(f.why, paths[i]), "... and the reason names it");
		fixture_done(&fx);
	}
	begin();
	is_int(settings_strict(&fx.root, &settings, &f), 0, "premise: all are set");
	fixture_unlink(&fx, PATH_PANIC);
	ok(settings_restore(&fx.root, &settings, &f) < 0, "one that cannot be put back");
	is_int(f.code, EXITCODE_INTERNAL, "... the code");
	fixture_done(&fx);
}

/* printk.devkmsg= of the command line holds: any write is EINVAL then (kernel/printk/printk.c,
 * devkmsg_sysctl_set_loglvl()). */
static const char *held;

ssize_t write(int fd, const void *buf, size_t len)
{
	char path[64], target[PATH_MAX];
	ssize_t n;

	(void)snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	n = held ? readlink(path, target, sizeof(target) - 1) : -1;
	target[n < 0 ? 0 : n] = '\0';
	if (held && strstr(target, held)) {
		errno = EINVAL;
		return -1;
	}
	return INJECT_NEXT(write)(fd, buf, len);
}

static void test_held(void)
{
	begin();
	held = PATH_DEVKMSG;
	is_int(settings_strict(&fx.root, &settings, &f), 0, "the log's is the command line's");
	is_int(settings_restore(&fx.root, &settings, &f), 0, "... it is not put back, either");
	starts(PATH_SYSRQ, "438\n", "... all others are");
	fixture_done(&fx);
	held = NULL;
	begin();
	held = PATH_SYSRQ;
	ok(settings_strict(&fx.root, &settings, &f) < 0 && f.code == EXITCODE_INTERNAL,
	   "no other one may be held");
	held = NULL;
	fixture_done(&fx);
}

int main(void)
{
	test_held();
	test_there_and_back();
	test_stub();
	test_unreadable();
	test_absent();
	test_errors();
	return tap_done();
}
