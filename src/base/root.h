/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * root.h - opens and reads files below one root directory.
 * `--root=DIR` puts a directory tree in the place of the machine, for tests and for looking
 * at images; nothing outside it is then opened, mounted, loaded or mapped.
 */
#ifndef COCO_ROOT_H
#define COCO_ROOT_H

#include <stdbool.h>
#include <sys/types.h>

#include "base/util.h"

struct root {
	int fd;		 /* O_PATH descriptor of the root directory, owned */
	bool machine;	 /* true: the running machine; false: a tree given by --root */
	bool standalone; /* in an initramfs of our own: fixed at its start, whatever goes later */
};

/* dir NULL means the running machine. Returns 0 or -errno. */
int root_init(struct root *ret_root, const char *dir) _must_check_;
void root_done(struct root *root);

/* openat2(2) with RESOLVE_IN_ROOT below the root and O_CLOEXEC (Linux 5.6); symbolic links
 * are followed inside the root unless flags say O_NOFOLLOW. Returns a descriptor or -errno. */
int root_open(const struct root *root, const char *path, int flags, mode_t mode) _must_check_;

/* Reads a whole text file of at most max bytes into a new string (owned by the caller, not
 * holding a NUL inside). Returns its length, -EFBIG beyond max, -EINVAL for a NUL byte, or
 * -errno. Not for secrets. */
ssize_t root_read_text(const struct root *root, const char *path, size_t max,
		       char **ret_text) _must_check_;

/* Makes a directory (0755 less the umask) below a parent that is there; one that exists is
 * left as it is. Returns 0 or -errno. */
int root_mkdir(const struct root *root, const char *path) _must_check_;

/*
 * Replaces a text file in one step and syncs it: writes PATH.new and renames that. The last
 * directory is made if it is missing, and has mode 0755 then as before; the file has `mode`
 * whatever the umask. Returns 0 or -errno; the old file is then as it was.
 */
int root_replace_text(const struct root *root, const char *path, const char *text,
		      mode_t mode) _must_check_;

/* Returns 1 if the path exists below the root, 0 if it does not (ENOENT, ENOTDIR), or -errno:
 * then nobody knows, and the caller says what that means. Never use it as a truth value. */
int root_exists(const struct root *root, const char *path) _must_check_;

/* What is done with the name of an entry. 0 goes on; anything else ends the walk. */
typedef int (*root_entry_fn)(const char *name, void *data);

/*
 * Calls fn for each entry of a directory but "." and "..". The descriptor is closed in any
 * case; a negative one is an error that is handed on. Returns 0 when all entries were there,
 * what fn has ended the walk with, or -errno if the list could not be read to its end.
 */
int root_walk_fd(int fd, root_entry_fn fn, void *data) _must_check_;

/* The same for a path below the root; flags are added to those of the open. */
int root_walk(const struct root *root, const char *path, int flags, root_entry_fn fn,
	      void *data) _must_check_;

#endif
