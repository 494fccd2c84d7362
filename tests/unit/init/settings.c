/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * settings.c - what is stricter while the initramfs runs, and is as it was afterwards.
 */
#include "init/settings.h"

#include "base/paths.h"
#include "fixture.h"

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
	is_int(settings_restore(&fx.root, &settings, &f), 0, "back");
	starts(PATH_SYSRQ, "438\n", "... SysRq as it was");
	starts(PATH_PANIC, "0\n", "... and the panic");
	starts(PATH_PANIC_ON_OOPS, "0\n", "... and the oops");
	starts(PATH_MODPROBE, "/sbin/modprobe\n", "... and modprobe");
	is_int(f.code, EXITCODE_OK, "no fault");
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
					     PATH_MODPROBE };
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

int main(void)
{
	test_there_and_back();
	test_absent();
	test_errors();
	return tap_done();
}
