/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * efi.c - gets launch secrets out of securityfs, and gets them out of the way.
 * Trusts the kernel's module; trusts neither the number nor the names nor the content of
 * the entries, which whoever started the guest may have made. May not know about disks.
 *
 * Facts used: unlink zeroes the data and is the only wipe.
 */
#include "source/efi.h"

#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>

#include "source/efi_module.h"

#define RELOADS_MAX 256 /* more rounds than a 16 KiB area can hold batches of entries */

/* The probe has the directory open already. */
static int open_source(struct source *src, struct fault *f)
{
	(void)src;
	(void)f;
	return 0;
}

static void done(struct source *src)
{
	util_closep(&src->fd);
	src->fd = -EBADF;
}

/* Counts the entries of the directory, on a fresh view, and calls fn for each. Returns their
 * number or the first negative result. */
struct entries {
	root_entry_fn fn;
	void *data;
	int nr;
};

static int next_entry(const char *name, void *data)
{
	struct entries *e = data;

	e->nr++;
	return e->fn ? e->fn(name, e->data) : 0;
}

static int for_each_entry(const struct source *src, root_entry_fn fn, void *data)
{
	int fd = openat(src->fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	struct entries e = { .fn = fn, .data = data };
	int r;

	r = root_walk_fd(fd < 0 ? -errno : fd, next_entry, &e);
	return r < 0 ? r : e.nr;
}

static int list(struct source *src, const struct reference *ref, unsigned int *ret_nr,
		bool *ret_has)
{
	struct stat st;
	int nr = for_each_entry(src, NULL, NULL), missing;

	if (nr < 0)
		return nr;
	/* Only ENOENT says that it is not there: the policy entry counts by being there. */
	missing = fstatat(src->fd, ref->guid, &st, AT_SYMLINK_NOFOLLOW) < 0 ? errno : 0;
	if (missing != 0 && missing != ENOENT)
		return -missing;
	if (ret_has)
		*ret_has = missing == 0;
	*ret_nr = (unsigned int)nr;
	return 0;
}

struct names {
	char (*names)[GUID_TEXT_SIZE];
	size_t nr, max;
};

static int add_name(const char *name, void *data)
{
	struct names *n = data;

	if (n->nr < n->max && guid_from_text(name, n->names[n->nr]) == 0)
		n->nr++;
	return 0;
}

/* Those that were seen before an error are there. */
static size_t names(struct source *src, char (*ret_names)[GUID_TEXT_SIZE], size_t max)
{
	struct names n = { .names = ret_names, .max = max };

	if (src->fd >= 0)
		(void)for_each_entry(src, add_name, &n);
	return n.nr;
}

static int fetch(struct source *src, const struct reference *ref, struct secret *ret_secret,
		 struct fault *f)
{
	const char *guid = ref->guid;
	_cleanup_secret_ struct secret s = SECRET_NULL;
	_cleanup_close_ int fd = -EBADF;
	int r;

	fd = openat(src->fd, guid, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
	if (fd < 0 && errno == ENOENT)
		return source_missing(src, ref, f);
	if (fd < 0)
		return fault_errno(f, EXITCODE_SECRET_MISSING, -errno, "cannot open entry %s",
				   guid);
	r = secret_init(&s, f);
	if (r < 0)
		return r;
	r = secret_read(&s, fd);
	if (r < 0)
		return fault_advise(f, EXITCODE_SECRET_MISSING, -r,
				    r == -EFBIG ? "make the entry smaller: a secret has at most "
						  "16384 bytes" :
						  "",
				    "cannot read entry %s: %s", guid, strerror(-r));
	if (s.len == 0)
		return fault_set(f, EXITCODE_SECRET_EMPTY, ENODATA, "entry %s has no data", guid);
	src->info.read++;
	*ret_secret = s;
	s = SECRET_NULL;
	return 0;
}

struct wipe {
	const struct source *src;
	unsigned int wiped;
	unsigned int kept;
	int error; /* first error; the other entries are still wiped */
};

static int wipe_entry(const char *name, void *data)
{
	struct wipe *w = data;
	const struct source *src = w->src;
	struct stat st;

	if (conf_keeps(src->conf, name)) {
		w->kept++;
		return 0;
	}
	if (unlinkat(src->fd, name, 0) < 0)
		w->error = w->error ? w->error : -errno;
	else if (fstatat(src->fd, name, &st, AT_SYMLINK_NOFOLLOW) == 0 || errno != ENOENT)
		w->error = w->error ? w->error : -EIO;
	else
		w->wiped++;
	return 0;
}

/* Unlinks all that is listed, then looks again. Returns how many were listed, or -errno. */
static int wipe_listed(struct source *src)
{
	struct wipe w = { .src = src }, again = w;
	int nr, left;

	nr = for_each_entry(src, wipe_entry, &w);
	if (nr < 0)
		return nr;
	src->info.wiped += w.wiped;
	src->info.kept = w.kept;
	if (w.error < 0)
		return w.error;
	left = for_each_entry(src, wipe_entry, &again);
	if (left < 0)
		return left;
	return again.wiped > 0 || again.error < 0 ? -EIO : nr;
}

/* 64 listed files may hide more, which appear when the module is loaded again. */
static int wipe_hidden(struct source *src, struct fault *f)
{
	unsigned int before = src->info.wiped, round;
	int nr, r;

	for (round = 0; round < RELOADS_MAX; round++) {
		unsigned int wiped = src->info.wiped;

		r = efi_module_reload(src);
		if (r < 0)
			return fault_replace(f, EXITCODE_HIDDEN_ENTRIES, -r,
					     "64 secrets are listed, more may be hidden, and the "
					     "module cannot be reloaded to see them: %s",
					     strerror(-r));
		nr = wipe_listed(src);
		if (nr < 0)
			return efi_module_wipe_failed(f, nr);
		if (src->info.wiped == wiped)
			break;
	}
	if (src->info.wiped == before)
		return 0;
	return fault_replace(f, EXITCODE_HIDDEN_ENTRIES, E2BIG,
			     "%u entries of the secret table were hidden behind the first 64",
			     src->info.wiped - before);
}

static int discard(struct source *src, struct fault *f)
{
	int nr;

	if (src->fd < 0)
		return 0;
	nr = wipe_listed(src);
	if (nr < 0)
		return efi_module_wipe_failed(f, nr);
	if (src->info.found == 0)
		src->info.found = (unsigned int)nr;
	if (!efi_module_may_hide(src, nr))
		return 0;
	return wipe_hidden(src, f);
}

const struct source_ops source_efi = {
	.kind = "launch-secret",
	.probe = efi_module_probe,
	.open = open_source,
	.list = list,
	.names = names,
	.fetch = fetch,
	.discard = discard,
	.done = done,
};
