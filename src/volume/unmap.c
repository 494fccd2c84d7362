/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * unmap.c - error tables in the place of mappings, then their removal; a process for each.
 * Trusts the kernel alone: libcryptsetup would read the header from the host's disk again.
 */
#include "volume/unmap.h"

#include <fcntl.h>
#include <string.h>

#include "base/child.h"
#include "base/paths.h"
#include "volume/dm.h"
#include "volume/mapping.h"

#define SECTORS_IF_UNKNOWN 8

struct job {
	const struct root *root;
	const char *name;
};

/* The size that the mapping has, so that nobody sees it shrink. */
static uint64_t length_of(int fd, const char *name, struct dm_ioctl *io)
{
	struct dm_target_spec spec;

	if (dm_call(fd, DM_TABLE_STATUS, name, 0, io) < 0 || io->target_count != 1 ||
	    io->data_start > DM_BUFFER_SIZE - sizeof(spec))
		return SECTORS_IF_UNKNOWN;
	memcpy(&spec, (const char *)io + io->data_start, sizeof(spec));
	return spec.length;
}

/* A resume with a new table suspends by itself: without a flush, since the disk may not
 * answer, and without freezing a file system, which would write to it. */
static int wipe_table(int fd, const char *name, struct dm_ioctl *io)
{
	int r = dm_load(fd, name, "error", length_of(fd, name, io), io);

	if (r < 0)
		return r;
	return dm_call(fd, DM_DEV_SUSPEND, name, DM_NOFLUSH_FLAG | DM_SKIP_LOCKFS_FLAG, io);
}

/* Returns 1 if it is gone, 0 if it goes when it is closed, or -errno. */
static int remove_mapping(const struct root *root, int fd, const char *name, struct dm_ioctl *io)
{
	char path[sizeof(PATH_DM_DIR) + DM_NAME_LEN + 1];
	int r;

	r = dm_call(fd, DM_DEV_REMOVE, name, DM_DEFERRED_REMOVE, io);
	if (r == -ENXIO)
		return 1;
	if (r < 0)
		return r;
	if (io->flags & DM_DEFERRED_REMOVE)
		return 0;
	(void)snprintf(path, sizeof(path), "%s/%s", PATH_DM_DIR, name); /* dm_call took the name */
	(void)unlinkat(root->fd, path + 1, 0);				/* where no udev does it */
	return 1;
}

/* Returns 0 if both are gone. */
static int unmap_one(void *arg)
{
	const struct job *job = arg;
	_cleanup_close_ int fd = root_open(job->root, PATH_DM_CONTROL, O_RDWR, 0);
	_cleanup_free_ struct dm_ioctl *io = calloc(1, DM_BUFFER_SIZE);
	char dif[DM_NAME_LEN + sizeof(MAPPING_DIF_SUFFIX)];
	const char *const names[] = { job->name, dif };
	bool gone = true;
	size_t i;

	if (fd < 0 || !io)
		return EXIT_FAILURE;
	/* One that is too long is refused by dm_call(). */
	(void)snprintf(dif, sizeof(dif), "%s%s", job->name, MAPPING_DIF_SUFFIX);
	for (i = 0; i < ARRAY_SIZE(names); i++) {
		(void)wipe_table(fd, names[i], io); /* removed, it is out of use all the same */
		gone = remove_mapping(job->root, fd, names[i], io) == 1 && gone;
	}
	return gone ? EXIT_SUCCESS : EXIT_FAILURE;
}

void unmap_all(const struct root *root, const char *const *names, size_t nr, bool *ret_gone)
{
	struct child children[UNMAP_MAX] = { 0 };
	struct deadline deadline = deadline_in_ms(UNMAP_LIMIT_MS);
	size_t i;

	for (i = 0; i < nr && i < UNMAP_MAX; i++) {
		struct job job = { .root = root, .name = names[i] };

		(void)child_start(&children[i], unmap_one, &job); /* status says it */
	}
	child_wait(children, i, deadline);
	for (i = 0; i < nr; i++)
		ret_gone[i] = i < UNMAP_MAX && children[i].status == EXIT_SUCCESS;
}
