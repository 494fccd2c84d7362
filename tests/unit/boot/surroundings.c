/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * surroundings.c - no look at the real root takes an error for "nothing there": each file that a
 * quiet run opens fails once, with each of several errors, and each list breaks off once; there
 * is a warning every time. What is warned of in which form is in cli/guest/surroundings.t.
 */
#include "boot/surroundings.h"

#include <dlfcn.h>
#include <stdarg.h>
#include <sys/syscall.h>

#include "base/paths.h"
#include "fixture.h"

#define PATHS_MAX 512

static struct fixture fx;
static struct conf conf;
static unsigned int nr_warnings;
static char last[WARNING_MAX], all[16 * WARNING_MAX];

/* The paths that were opened, each once. */
static char paths[PATHS_MAX][256];
static size_t nr_paths;
static const char *broken;
static int broken_errno;
static unsigned int nr_broken;
static bool lists_break;

static bool is_known(const char *path)
{
	size_t i;

	for (i = 0; i < nr_paths; i++)
		if (strcmp(paths[i], path) == 0)
			return true;
	return false;
}

long syscall(long number, ...)
{
	static long (*next)(long, ...);
	const char *path;
	long a[6];
	va_list ap;
	int i;

	va_start(ap, number);
	for (i = 0; i < 6; i++)
		a[i] = va_arg(ap, long);
	va_end(ap);
	if (!next)
		next = (__typeof__(next))dlsym(RTLD_NEXT, "syscall");
	path = (const char *)a[1];
	if (number == SYS_openat2 && broken && strcmp(path, broken) == 0) {
		nr_broken++;
		errno = broken_errno;
		return -1;
	}
	if (number == SYS_openat2 && !broken && !is_known(path)) {
		FIXTURE_MUST(nr_paths < PATHS_MAX);
		(void)snprintf(paths[nr_paths++], sizeof(paths[0]), "%s", path);
	}
	return next(number, a[0], a[1], a[2], a[3], a[4], a[5]);
}

struct dirent *readdir(DIR *d)
{
	static struct dirent *(*next)(DIR *);

	if (!next)
		next = (__typeof__(next))dlsym(RTLD_NEXT, "readdir");
	if (lists_break) {
		errno = EIO;
		return NULL;
	}
	return next(d);
}

static void take(void *arg, const char *what, const char *text)
{
	(void)arg;
	nr_warnings++;
	(void)snprintf(last, sizeof(last), "%s", text);
	text_append(all, sizeof(all), "%s\n", text);
	if (!*what || !*text || strlen(text) < 20)
		ok(false, "a warning says something: %s", text);
}

static const struct warning_sink sink = { .take = take };

static unsigned int look(void)
{
	nr_warnings = 0;
	*last = *all = '\0';
	surroundings_look(&fx.root, &conf, &sink);
	return nr_warnings;
}

static void device(const char *name, const char *number, const char *slave)
{
	char path[256], target[256];

	(void)snprintf(path, sizeof(path), "/sys/devices/%s/dev", name);
	fixture_text(&fx, path, number);
	(void)snprintf(path, sizeof(path), "/sys/devices/%s/slaves/x", name);
	fixture_text(&fx, path, "");
	fixture_unlink(&fx, path);
	if (slave) {
		(void)snprintf(path, sizeof(path), "/sys/devices/%s/slaves/%s", name, slave);
		(void)snprintf(target, sizeof(target), "../../%s", slave);
		FIXTURE_MUST(symlink(target, fixture_path(&fx, path)) == 0);
	}
	(void)snprintf(target, sizeof(target), "../../devices/%s", name);
	fixture_mkdir(&fx, PATH_SYS_BLOCK);
	fixture_mkdir(&fx, PATH_SYS_DEV_BLOCK);
	(void)snprintf(path, sizeof(path), PATH_SYS_BLOCK "/%s", name);
	FIXTURE_MUST(symlink(target, fixture_path(&fx, path)) == 0);
	(void)snprintf(path, sizeof(path), PATH_SYS_DEV_BLOCK "/%.*s", (int)strlen(number) - 1,
		       number);
	FIXTURE_MUST(symlink(target, fixture_path(&fx, path)) == 0);
	(void)snprintf(path, sizeof(path), PATH_DEV "/%s", name);
	fixture_text(&fx, path, "");
}

/* A root in which nothing obeys the host, and which has something of each kind. */
static void quiet_root(void)
{
	fixture_init(&fx);
	device("vda2", "252:2\n", NULL);
	device("dm-0", "253:0\n", "vda2");
	device("dm-1", "253:1\n", "dm-0");
	device("loop0", "7:0\n", NULL);
	device("zram0", "251:0\n", NULL);
	fixture_text(&fx, "/sys/devices/loop0/loop/backing_file", "/var/x.snap\n");
	fixture_text(&fx, "/sys/devices/zram0/comp_algorithm", "lzo\n");
	fixture_text(&fx, "/sys/devices/zram0/backing_dev", "none\n");
	fixture_mkdir(&fx, PATH_DM_DIR);
	FIXTURE_MUST(symlink("../dm-0", fixture_path(&fx, PATH_DM_DIR "/root")) == 0);
	FIXTURE_MUST(symlink("../dm-1", fixture_path(&fx, PATH_DM_DIR "/home")) == 0);
	fixture_text(&fx, PATH_OPENED,
		     "version=1\nvolume=root\nroot=1\nspec=-\ndevice=253:0\nuuid=CRYPT-LUKS2-a-root\nread-only=0\n"
		     "target=0 4096 crypt aes-xts-plain64 :64:logon:x 0 252:2 2048\n"
		     "min-generation=0\nset-generation=0\n");
	fixture_text(&fx, PATH_MOUNTINFO,
		     "20 1 253:0 / / rw - ext4 /dev/mapper/root rw\n"
		     "21 20 7:0 / /snap ro - squashfs /dev/loop0 ro\n");
	fixture_text(&fx, PATH_FSTAB,
		     "/dev/mapper/root / ext4 defaults\n"
		     "/dev/mapper/home /home ext4 defaults\n"
		     "/swapfile none swap sw\n");
	fixture_text(&fx, PATH_CRYPTTAB, "inner /dev/mapper/home none luks\n");
	fixture_text(&fx, PATH_SWAPS,
		     "Filename\tType\n/dev/zram0\tpartition\n/dev/dm-1\tpartition\n");
	fixture_text(&fx, PATH_SHADOW, "root:*:1::::::\n");
	fixture_text(&fx, PATH_SYSRQ, "0\n");
	fixture_text(&fx, PATH_COCOTAB, "root auto - -\n");
	fixture_text(&fx, PATH_GENERATORS_ETC "/systemd-gpt-auto-generator",
		     "#!/bin/sh\n# systemd-gpt-auto-generator - coco-unlock's wrapper\n");
	FIXTURE_MUST(chmod(fixture_path(&fx, PATH_GENERATORS_ETC "/systemd-gpt-auto-generator"),
			   0755) == 0);
	fixture_text(&fx, "/usr/lib/systemd/system-generators/systemd-ssh-generator", "x");
	fixture_text(&fx, "/usr/lib/systemd/system/dracut-shutdown.service", "x");
	fixture_text(&fx, "/usr/lib/systemd/system/dracut-shutdown.service.d/50-coco-unlock.conf",
		     "ConditionPathExists=!" PATH_COCOTAB "\n");
	fixture_text(&fx, "/usr/lib/systemd/system/systemd-repart.service", "x");
	fixture_mkdir(&fx, "/usr/lib/repart.d");
	fixture_mkdir(&fx, PATH_CREDENTIALS_SYSTEM);
	fixture_text(&fx, "/usr/bin/cloud-init", "x");
	fixture_text(&fx, "/etc/cloud/cloud.cfg", "datasource_list: [ NoCloud ]\n");
	fixture_text(&fx, "/etc/cloud/cloud.cfg.d/90.cfg", "datasource_list: [ None ]\n");
}

/* An error there makes a partition look like a disk of nothing, which is never ours. */
static bool is_harmless(const char *path)
{
	size_t len = strlen(path);

	return len > 10 && strcmp(path + len - 10, "/partition") == 0;
}

static void test_opens(void)
{
	static const int errors[] = { EIO, EMFILE, EACCES, ELOOP, ENOMEM, EINVAL };
	unsigned int fds = fixture_fds();
	size_t i, k, nr = nr_paths;

	for (i = 0; i < nr; i++)
		for (k = 0; k < ARRAY_SIZE(errors); k++) {
			broken = paths[i];
			broken_errno = errors[k];
			nr_broken = 0;
			(void)look();
			if (nr_broken == 0 || (nr_warnings == 0 && !is_harmless(broken)))
				ok(false, "%s fails with %s: no warning", broken,
				   strerror(broken_errno));
		}
	broken = NULL;
	ok(nr > 100, "premise: many files are opened (%zu)", nr);
	ok(true, "each of them failed once, and was told");
	is_int(fixture_fds(), fds, "no descriptor is left");
	is_int(look(), 0, "and then all is well again");
}

static void test_lists(void)
{
	lists_break = true;
	(void)look();
	ok(strstr(all, PATH_CREDENTIALS_SYSTEM " cannot"), "a list of credentials breaks off");
	ok(strstr(all, "/etc/cloud/cloud.cfg.d cannot"), "a list of cloud-init's files breaks off");
	ok(strstr(all, "/usr/lib/repart.d cannot"), "a list of definitions breaks off");
	lists_break = false;
}

static void test_text(void)
{
	char text[700];

	memset(text, 'x', sizeof(text) - 1);
	text[sizeof(text) - 1] = '\0';
	text[3] = '\n';
	nr_warnings = 0;
	warning_say(&sink, "test", "a \033[2J\"%s", text);
	is_int(strlen(last), WARNING_MAX - 1, "a long warning is cut");
	ok(strncmp(last, "a ?[2J'xxx?xxx", 14) == 0, "and printable");
}

int main(void)
{
	struct fault f = { 0 };

	quiet_root();
	FIXTURE_MUST(conf_load(&fx.root, &conf, &f) == 0);
	nr_paths = 0;
	is_int(look(), 0, "nothing is warned of: %s", last);
	if (nr_warnings == 0) {
		test_opens();
		test_lists();
		test_text();
	}
	fixture_done(&fx);
	return tap_done();
}
