/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * dm.c - talks to the device mapper's control node.
 * Trusts the kernel; knows nothing of volumes.
 */
#include "volume/dm.h"

#include <string.h>

static int begin(struct dm_ioctl *io, const char *name, uint32_t flags)
{
	if (strlen(name) >= sizeof(io->name))
		return -ENAMETOOLONG;
	memset(io, 0, DM_BUFFER_SIZE);
	io->version[0] = DM_VERSION_MAJOR;
	io->data_size = DM_BUFFER_SIZE;
	io->data_start = sizeof(*io);
	io->flags = flags;
	memcpy(io->name, name, strlen(name) + 1);
	return 0;
}

static int finish(int fd, unsigned long request, struct dm_ioctl *io)
{
	if (ioctl(fd, request, io) < 0)
		return -errno;
	return io->flags & DM_BUFFER_FULL_FLAG ? -E2BIG : 0;
}

int dm_call(int fd, unsigned long request, const char *name, uint32_t flags, struct dm_ioctl *io)
{
	int r = begin(io, name, flags);

	return r < 0 ? r : finish(fd, request, io);
}

int dm_load(int fd, const char *name, const char *target, uint64_t sectors, struct dm_ioctl *io)
{
	struct dm_target_spec spec = { .length = sectors };
	int r = begin(io, name, 0);

	if (r < 0)
		return r;
	if (strlen(target) >= sizeof(spec.target_type))
		return -ENAMETOOLONG;
	memcpy(spec.target_type, target, strlen(target) + 1);
	io->target_count = 1;
	/* The parameters' text is what is behind it: an empty one, since all is zero. */
	memcpy((char *)io + io->data_start, &spec, sizeof(spec));
	return finish(fd, DM_TABLE_LOAD, io);
}
