/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * fixture.h - small directory trees in the place of the machine, below TMPDIR, removed at exit.
 * May not touch anything outside its own directory; gives up the whole test when it fails.
 */
#ifndef FIXTURE_H
#define FIXTURE_H

#include <dirent.h>
#include <fcntl.h>
#include <ftw.h>
#include <limits.h>
#include <sys/stat.h>

#include "base/root.h"
#include "tap.h"

struct fixture {
	char dir[PATH_MAX];
	struct root root;
};

static char fixture_base[256];
static unsigned int fixture_count;
static pid_t fixture_owner;

#define FIXTURE_MUST(condition)                                                             \
	do {                                                                                \
		if (!(condition)) {                                                         \
			printf("Bail out! %s:%d: %s: %s\n", __FILE__, __LINE__, #condition, \
			       strerror(errno));                                            \
			exit(99);                                                           \
		}                                                                           \
	} while (0)

static inline int fixture_remove_one(const char *path, const struct stat *st, int type,
				     struct FTW *ftw)
{
	(void)st;
	(void)type;
	(void)ftw;
	return remove(path);
}

static inline void fixture_remove_all(void)
{
	if (getpid() == fixture_owner)
		(void)nftw(fixture_base, fixture_remove_one, 16, FTW_DEPTH | FTW_PHYS);
}

/* How many descriptors are open, to see that none is left. */
static inline unsigned int fixture_fds(void)
{
	DIR *dir = opendir("/proc/self/fd");
	unsigned int nr = 0;

	FIXTURE_MUST(dir);
	while (readdir(dir))
		nr++;
	(void)closedir(dir);
	return nr;
}

/* A new empty tree; root.machine is false. */
static inline void fixture_init(struct fixture *ret_fx)
{
	const char *tmp = getenv("TMPDIR");

	if (!*fixture_base) {
		(void)snprintf(fixture_base, sizeof(fixture_base), "%s/coco-unit-XXXXXX",
			       tmp && *tmp ? tmp : "/tmp");
		FIXTURE_MUST(mkdtemp(fixture_base));
		fixture_owner = getpid();
		FIXTURE_MUST(atexit(fixture_remove_all) == 0);
	}
	(void)snprintf(ret_fx->dir, sizeof(ret_fx->dir), "%s/%u", fixture_base, fixture_count++);
	FIXTURE_MUST(mkdir(ret_fx->dir, 0755) == 0);
	FIXTURE_MUST(root_init(&ret_fx->root, ret_fx->dir) == 0);
}

static inline void fixture_done(struct fixture *fx)
{
	root_done(&fx->root);
}

/* The tree's name of a path, in a buffer that the next call but three overwrites. */
static inline const char *fixture_path(const struct fixture *fx, const char *path)
{
	static char buffers[4][PATH_MAX + 256];
	static unsigned int next;
	char *buf = buffers[next++ % 4];

	FIXTURE_MUST(snprintf(buf, sizeof(buffers[0]), "%s%s", fx->dir, path) > 0);
	return buf;
}

/* Makes a directory with its parents. */
static inline void fixture_mkdir(const struct fixture *fx, const char *path)
{
	char part[PATH_MAX];
	size_t i, len = strlen(path);

	for (i = 1; i <= len; i++) {
		if (path[i] != '/' && path[i] != '\0')
			continue;
		memcpy(part, path, i);
		part[i] = '\0';
		FIXTURE_MUST(mkdir(fixture_path(fx, part), 0755) == 0 || errno == EEXIST);
	}
}

/* Writes a file, with its parents. */
static inline void fixture_put(const struct fixture *fx, const char *path, const void *data,
			       size_t len)
{
	char parent[PATH_MAX];
	int fd;

	(void)snprintf(parent, sizeof(parent), "%s", path);
	*strrchr(parent, '/') = '\0';
	if (*parent)
		fixture_mkdir(fx, parent);
	fd = open(fixture_path(fx, path), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
	FIXTURE_MUST(fd >= 0);
	FIXTURE_MUST(write(fd, data, len) == (ssize_t)len);
	FIXTURE_MUST(close(fd) == 0);
}

static inline void fixture_text(const struct fixture *fx, const char *path, const char *text)
{
	fixture_put(fx, path, text, strlen(text));
}

/* Puts a copy of this program there, for what starts one of that name. */
static inline void fixture_self(const struct fixture *fx, const char *path)
{
	char self[PATH_MAX], command[3 * PATH_MAX];
	ssize_t n = readlink("/proc/self/exe", self, sizeof(self) - 1);

	FIXTURE_MUST(n > 0);
	self[n] = '\0';
	fixture_text(fx, path, "");
	FIXTURE_MUST(chmod(fixture_path(fx, path), 0755) == 0);
	(void)snprintf(command, sizeof(command), "cp '%s' '%s'", self, fixture_path(fx, path));
	FIXTURE_MUST(system(command) == 0);
}

static inline void fixture_unlink(const struct fixture *fx, const char *path)
{
	FIXTURE_MUST(unlink(fixture_path(fx, path)) == 0);
}

static inline bool fixture_has(const struct fixture *fx, const char *path)
{
	struct stat st;

	return lstat(fixture_path(fx, path), &st) == 0;
}

/* The file's text, cut to fit; "" if there is none. */
static inline const char *fixture_get(const struct fixture *fx, const char *path)
{
	static char buf[65536];
	int fd = open(fixture_path(fx, path), O_RDONLY | O_CLOEXEC);
	ssize_t n = fd < 0 ? 0 : read(fd, buf, sizeof(buf) - 1);

	if (fd >= 0)
		(void)close(fd);
	buf[n > 0 ? n : 0] = '\0';
	return buf;
}

/* Formats a small LUKS2 volume (data from 1 MiB on) in a file of 2 MiB. */
static inline void fixture_luks(const struct fixture *fx, const char *path, const char *key,
				const char *options)
{
	char cmd[2 * PATH_MAX];

	fixture_put(fx, path, "", 0);
	FIXTURE_MUST(truncate(fixture_path(fx, path), 2 * 1024 * 1024) == 0);
	(void)snprintf(cmd, sizeof(cmd),
		       "PATH=$PATH:/usr/sbin:/sbin; printf %%s '%s' | cryptsetup luksFormat -q "
		       "--key-file - --disable-locks --luks2-metadata-size 16k "
		       "--luks2-keyslots-size 768k --offset 2048 --sector-size 512 --pbkdf pbkdf2 "
		       "--pbkdf-force-iterations 1000 %s '%s' > '%s/format.log' 2>&1",
		       key, options, fixture_path(fx, path), fixture_base);
	if (system(cmd) != 0) {
		printf("Bail out! cryptsetup luksFormat %s failed\n", options);
		exit(99);
	}
}

#endif
