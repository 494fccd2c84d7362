/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * fake_tsm.h - a small model of Linux' configfs-tsm, in a tree of fixture.h in the place of the
 * kernel: mkdir fills a report's directory, a write is committed at close and its result is lost,
 * the first read of outblob makes the report, rmdir takes all away.
 *
 *     fake_tsm_init(&fx.root);          once: makes /sys/kernel/config/tsm/report, without a provider
 *     fake_tsm_provider("sev_guest");   or "tdx_guest"; NULL: none. All the rest is as at first, then
 *     fake_tsm->SOMETHING = ...         see struct fake_tsm; also while another process uses it
 *     fake_tsm_left()                   how many report directories are there
 *     fake_tsm_release()                lets go who hangs
 *
 * The report is of FAKE_TSM_REPORT_SIZE bytes, or a quote of as many, with what was asked for where
 * it belongs; fake_tsm_blob() takes another one, and fake_tsm_maker makes one of fake_tsm->data. The
 * state is shared with all processes that fork().
 * It stands in the place of mkdirat, unlinkat, read, write and close: include it in one test
 * program, not in the code under test, and not together with inject.h.
 */
#ifndef FAKE_TSM_H
#define FAKE_TSM_H

#include <dirent.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/futex.h>
#include <signal.h>
#include <stdint.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>

#include "base/paths.h"
#include "fixture.h"
#include "inject_next.h"

#define FAKE_TSM_REPORT_SIZE 1184
#define FAKE_TSM_BLOB_MAX (17 * 1024 * 1024)

struct fake_tsm {
	char provider[32]; /* empty: mkdir fails with ENXIO */
	int floor;	   /* privlevel_floor; -1: no such attributes, as for tdx_guest */
	bool has_auxblob;  /* false for tdx_guest: the file is not there */

	/* Errors, positive; 0: none. */
	int mkdir_error;
	int rmdir_error;
	int read_error; /* of outblob: EBUSY, EINVAL, ENXIO, ENOTTY, EFBIG, EIO */
	int aux_error;	/* of auxblob */
	int privlevel_error;

	bool lose_write;  /* the commit fails, and nobody hears of it */
	bool foreign;	  /* another process writes between our write and our read */
	bool hang_mkdir;  /* these do not come back before fake_tsm_release() */
	bool hang_read;	  /* of outblob; as in the kernel rmdir waits for it, too */
	bool die_in_read; /* the reader is killed */
	bool wrong_data;  /* the report is of other 64 bytes */
	size_t piece;	  /* what one read() gives at most; 0: all */
	uint16_t quote;	  /* the version of a quote: 4 or 5 */
	size_t blob_len;  /* of outblob, if not 0: blob */
	size_t aux_len;	  /* of auxblob: aux */

	/* What was done. */
	unsigned int made, removed, reports;
	char privlevel[16]; /* as it was written */
	unsigned char data[64];
	size_t data_len;
	unsigned int generation;
	char name[NAME_MAX + 1]; /* of the last directory */

	/* Its own. */
	char dir[PATH_MAX];
	unsigned int hangs;  /* a futex */
	unsigned int reader; /* reads that have not come back */
	unsigned char aux[128 * 1024];
	unsigned char blob[FAKE_TSM_BLOB_MAX];
};

static struct fake_tsm *fake_tsm;
/* Writes a report into FAKE_TSM_BLOB_MAX bytes, if not NULL. Returns its length. */
static size_t (*fake_tsm_maker)(unsigned char *bytes);
static bool fake_tsm_open_write; /* this process has written, and not closed yet */
static bool fake_tsm_mine;	 /* it has made a directory */

static inline void fake_tsm_provider(const char *name)
{
	size_t keep = offsetof(struct fake_tsm, dir);

	memset(fake_tsm, 0, keep);
	(void)snprintf(fake_tsm->provider, sizeof(fake_tsm->provider), "%s", name ? name : "");
	fake_tsm->floor = name && strcmp(name, "sev_guest") == 0 ? 0 : -1;
	fake_tsm->has_auxblob = fake_tsm->floor >= 0;
	fake_tsm->quote = 4;
	fake_tsm->reader = 0;
	fake_tsm->hangs = 1;
}

static inline void fake_tsm_init(const struct root *root)
{
	char fd[64];
	ssize_t n;

	fake_tsm = mmap(NULL, sizeof(*fake_tsm), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS,
			-1, 0);
	FIXTURE_MUST(fake_tsm != MAP_FAILED);
	(void)snprintf(fd, sizeof(fd), "/proc/self/fd/%d", root->fd);
	n = readlink(fd, fake_tsm->dir, sizeof(fake_tsm->dir) - sizeof(PATH_TSM_REPORT));
	FIXTURE_MUST(n > 1); /* never the machine itself */
	{
		const struct fixture fx = { .root = *root };
		struct fixture tree = fx;

		(void)snprintf(tree.dir, sizeof(tree.dir), "%s", fake_tsm->dir);
		fixture_mkdir(&tree, PATH_TSM_REPORT);
	}
	memcpy(fake_tsm->dir + n, PATH_TSM_REPORT, sizeof(PATH_TSM_REPORT));
	fake_tsm_provider(NULL);
}

/* Another outblob, as it is. */
static inline void fake_tsm_blob(const void *bytes, size_t len)
{
	FIXTURE_MUST(len > 0 && len <= FAKE_TSM_BLOB_MAX);
	memcpy(fake_tsm->blob, bytes, len);
	fake_tsm->blob_len = len;
}

static inline void fake_tsm_aux(const void *bytes, size_t len)
{
	FIXTURE_MUST(len <= sizeof(fake_tsm->aux));
	memcpy(fake_tsm->aux, bytes, len);
	fake_tsm->aux_len = len;
}

static inline void fake_tsm_wait(void)
{
	while (__atomic_load_n(&fake_tsm->hangs, __ATOMIC_SEQ_CST))
		(void)INJECT_NEXT(syscall)(SYS_futex, &fake_tsm->hangs, FUTEX_WAIT, 1, NULL, NULL,
					   0);
}

static inline void fake_tsm_release(void)
{
	__atomic_store_n(&fake_tsm->hangs, 0, __ATOMIC_SEQ_CST);
	(void)INJECT_NEXT(syscall)(SYS_futex, &fake_tsm->hangs, FUTEX_WAKE, INT_MAX, NULL, NULL, 0);
}

static inline unsigned int fake_tsm_left(void)
{
	DIR *dir = opendir(fake_tsm->dir);
	struct dirent *entry;
	unsigned int nr = 0;

	FIXTURE_MUST(dir);
	while ((entry = readdir(dir)))
		nr += entry->d_name[0] != '.';
	(void)closedir(dir);
	return nr;
}

/* Which attribute is it? NULL if it is none of ours. */
static inline const char *fake_tsm_attribute(int fd)
{
	static char path[PATH_MAX];
	char link[64];
	size_t len;
	ssize_t n;

	/* Only who has made the directory: the judge of headers may not even ask for the link. */
	if (!fake_tsm || !fake_tsm_mine || fd < 0)
		return NULL;
	(void)snprintf(link, sizeof(link), "/proc/self/fd/%d", fd);
	n = readlink(link, path, sizeof(path) - 1);
	len = strlen(fake_tsm->dir);
	if (n <= 0 || (size_t)n <= len || memcmp(path, fake_tsm->dir, len) != 0)
		return NULL;
	path[n] = '\0';
	return strrchr(path, '/') + 1;
}

static inline void fake_tsm_file(int dir, const char *name, const char *text)
{
	int fd = openat(dir, name, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);

	FIXTURE_MUST(fd >= 0);
	FIXTURE_MUST(INJECT_NEXT(write)(fd, text, strlen(text)) == (ssize_t)strlen(text));
	FIXTURE_MUST(INJECT_NEXT(close)(fd) == 0);
}

static inline void fake_tsm_count(void)
{
	char path[PATH_MAX + NAME_MAX + 16], text[16];
	int fd;

	(void)snprintf(path, sizeof(path), "%s/%s", fake_tsm->dir, fake_tsm->name);
	fd = open(path, O_PATH | O_DIRECTORY | O_CLOEXEC);
	FIXTURE_MUST(fd >= 0);
	(void)snprintf(text, sizeof(text), "%u\n", ++fake_tsm->generation);
	fake_tsm_file(fd, "generation", text);
	FIXTURE_MUST(INJECT_NEXT(close)(fd) == 0);
}

/* Is it the directory of the reports? */
static inline bool fake_tsm_is_parent(int dir)
{
	char link[64], path[PATH_MAX];
	ssize_t n;

	if (!fake_tsm)
		return false;
	(void)snprintf(link, sizeof(link), "/proc/self/fd/%d", dir);
	n = readlink(link, path, sizeof(path) - 1);
	return n > 0 && (size_t)n == strlen(fake_tsm->dir) &&
	       memcmp(path, fake_tsm->dir, (size_t)n) == 0;
}

int mkdirat(int dir, const char *name, mode_t mode)
{
	static const char *const plain[] = { "inblob", "outblob" };
	char text[48];
	size_t i;
	int fd;

	if (!fake_tsm_is_parent(dir))
		return INJECT_NEXT(mkdirat)(dir, name, mode);
	if (fake_tsm->hang_mkdir)
		fake_tsm_wait();
	errno = *fake_tsm->provider ? fake_tsm->mkdir_error : ENXIO;
	if (errno)
		return -1;
	if (INJECT_NEXT(mkdirat)(dir, name, mode) < 0)
		return -1;
	fd = openat(dir, name, O_PATH | O_DIRECTORY | O_CLOEXEC);
	FIXTURE_MUST(fd >= 0);
	(void)snprintf(fake_tsm->name, sizeof(fake_tsm->name), "%s", name);
	fake_tsm->generation = 0;
	fake_tsm->data_len = 0;
	fake_tsm->made++;
	fake_tsm_mine = true;
	fake_tsm_file(fd, "generation", "0\n");
	(void)snprintf(text, sizeof(text), "%s\n", fake_tsm->provider);
	fake_tsm_file(fd, "provider", text);
	for (i = 0; i < 2; i++)
		fake_tsm_file(fd, plain[i], "");
	if (fake_tsm->has_auxblob)
		fake_tsm_file(fd, "auxblob", "");
	if (fake_tsm->floor >= 0) {
		(void)snprintf(text, sizeof(text), "%d\n", fake_tsm->floor);
		fake_tsm_file(fd, "privlevel_floor", text);
		fake_tsm_file(fd, "privlevel", "");
	}
	FIXTURE_MUST(INJECT_NEXT(close)(fd) == 0);
	return 0;
}

int unlinkat(int dir, const char *name, int flags)
{
	static const char *const all[] = { "generation", "provider",	    "inblob",	"outblob",
					   "auxblob",	 "privlevel_floor", "privlevel" };
	size_t i;
	int fd;

	if (!fake_tsm_is_parent(dir) || !(flags & AT_REMOVEDIR))
		return INJECT_NEXT(unlinkat)(dir, name, flags);
	if (__atomic_load_n(&fake_tsm->reader, __ATOMIC_SEQ_CST))
		fake_tsm_wait();
	errno = fake_tsm->rmdir_error;
	if (errno)
		return -1;
	fd = openat(dir, name, O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0)
		return -1;
	for (i = 0; i < sizeof(all) / sizeof(all[0]); i++)
		(void)INJECT_NEXT(unlinkat)(fd, all[i], 0);
	FIXTURE_MUST(INJECT_NEXT(close)(fd) == 0);
	if (INJECT_NEXT(unlinkat)(dir, name, flags) < 0)
		return -1;
	fake_tsm->removed++;
	return 0;
}

/* As sev_guest and tdx_guest do it. Returns how long the report is, or -errno. */
static inline ssize_t fake_tsm_make(const unsigned char **ret_bytes)
{
	static unsigned char report[FAKE_TSM_REPORT_SIZE];
	bool tdx = strcmp(fake_tsm->provider, "tdx_guest") == 0;
	size_t at = !tdx ? 0x50 : fake_tsm->quote == 5 ? 54 + 520 : 48 + 520;

	fake_tsm->reports++;
	if (fake_tsm->die_in_read)
		(void)kill(getpid(), SIGKILL);
	if (fake_tsm->hang_read) {
		(void)__atomic_add_fetch(&fake_tsm->reader, 1, __ATOMIC_SEQ_CST);
		fake_tsm_wait();
	}
	if (fake_tsm->read_error)
		return -fake_tsm->read_error;
	if (fake_tsm->data_len != sizeof(fake_tsm->data))
		return -EINVAL;
	*ret_bytes = fake_tsm->blob;
	if (fake_tsm_maker)
		return (ssize_t)fake_tsm_maker(fake_tsm->blob);
	if (fake_tsm->blob_len)
		return (ssize_t)fake_tsm->blob_len;
	memset(report, 0, sizeof(report));
	report[0] = tdx ? (unsigned char)fake_tsm->quote : 3;
	memcpy(report + at, fake_tsm->data, sizeof(fake_tsm->data));
	report[at] ^= fake_tsm->wrong_data;
	*ret_bytes = report;
	return sizeof(report);
}

/* What the kernel keeps for one descriptor. */
static struct {
	int fd;
	size_t at;
	ssize_t len;
	const unsigned char *bytes;
} fake_tsm_reading = { .fd = -1 };

static inline ssize_t fake_tsm_read(int fd, bool auxiliary, void *buf, size_t len)
{
	size_t n;

	if (fake_tsm_reading.fd != fd) {
		fake_tsm_reading.at = 0;
		fake_tsm_reading.bytes = fake_tsm->aux;
		fake_tsm_reading.len = !auxiliary ? fake_tsm_make(&fake_tsm_reading.bytes) :
				       fake_tsm->aux_error ? -fake_tsm->aux_error :
							     (ssize_t)fake_tsm->aux_len;
		if (fake_tsm_reading.len < 0) {
			errno = (int)-fake_tsm_reading.len;
			return -1;
		}
		fake_tsm_reading.fd = fd;
	}
	n = (size_t)fake_tsm_reading.len - fake_tsm_reading.at;
	n = n < len ? n : len;
	n = fake_tsm->piece && n > fake_tsm->piece ? fake_tsm->piece : n;
	memcpy(buf, fake_tsm_reading.bytes + fake_tsm_reading.at, n);
	fake_tsm_reading.at += n;
	return (ssize_t)n;
}

ssize_t read(int fd, void *buf, size_t len)
{
	const char *name = fake_tsm_attribute(fd);

	if (name && (strcmp(name, "outblob") == 0 || strcmp(name, "auxblob") == 0))
		return fake_tsm_read(fd, *name == 'a', buf, len);
	return INJECT_NEXT(read)(fd, buf, len);
}

ssize_t write(int fd, const void *buf, size_t len)
{
	const char *name = fake_tsm_attribute(fd);

	if (name && strcmp(name, "inblob") == 0) {
		if (fake_tsm_open_write || len > sizeof(fake_tsm->data)) {
			errno = EFBIG;
			return -1;
		}
		memcpy(fake_tsm->data, buf, len);
		fake_tsm->data_len = len;
		fake_tsm_open_write = true;
		return (ssize_t)len;
	}
	if (name && strcmp(name, "privlevel") == 0) {
		errno = fake_tsm->privlevel_error;
		if (errno)
			return -1;
		(void)snprintf(fake_tsm->privlevel, sizeof(fake_tsm->privlevel), "%.*s", (int)len,
			       (const char *)buf);
		fake_tsm_count();
		return (ssize_t)len;
	}
	return INJECT_NEXT(write)(fd, buf, len);
}

int close(int fd)
{
	const char *name = fake_tsm_attribute(fd);

	if (fd >= 0 && fake_tsm_reading.fd == fd)
		fake_tsm_reading.fd = -1;
	if (name && strcmp(name, "inblob") == 0 && fake_tsm_open_write) {
		fake_tsm_open_write = false;
		if (fake_tsm->lose_write)
			fake_tsm->data_len = 0;
		else
			fake_tsm_count();
		if (fake_tsm->foreign)
			fake_tsm_count();
	}
	return INJECT_NEXT(close)(fd);
}

#endif
