/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * fake_dm.h - a device mapper that has the tables which a test has put there, in the place
 * of the kernel's. It answers what dm.c asks; a test's own ioctl() calls fake_dm_ioctl(). As
 * in the kernel, all processes see the same tables.
 *
 * Format facts: linux/dm-ioctl.h.
 */
#ifndef FAKE_DM_H
#define FAKE_DM_H

#include <linux/dm-ioctl.h>
#include <sys/mman.h>
#include <sys/sysmacros.h>

#include "fixture.h"

struct fake_dm {
	char name[DM_NAME_LEN]; /* empty: none */
	char uuid[DM_UUID_LEN];
	unsigned int major, minor;
	unsigned int nr_targets;
	uint64_t start, length;
	char type[DM_MAX_TYPE_NAME];
	char params[8192];
	uint32_t flags;
	char new_type[DM_MAX_TYPE_NAME]; /* loaded, not yet in use */
	uint64_t new_length;
};

#define FAKE_DM_MAX 4

static struct fake_dm *fake_dm; /* FAKE_DM_MAX of them */
static int fake_dm_error;	/* if not 0, of each call */
static bool fake_dm_in_use;	/* somebody has all of them open */

static __attribute__((constructor)) void fake_dm_share(void)
{
	fake_dm = mmap(NULL, FAKE_DM_MAX * sizeof(*fake_dm), PROT_READ | PROT_WRITE,
		       MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	FIXTURE_MUST(fake_dm != MAP_FAILED);
}

static inline struct fake_dm *fake_dm_find(const char *name)
{
	size_t i;

	for (i = 0; i < FAKE_DM_MAX; i++)
		if (strcmp(fake_dm[i].name, name) == 0)
			return &fake_dm[i];
	return NULL;
}

/* A new mapping with one target; its minor number is its place in the table. */
static inline struct fake_dm *fake_dm_add(const char *name, const char *uuid, const char *type,
					  uint64_t length, const char *params)
{
	struct fake_dm *dm = fake_dm_find("");

	FIXTURE_MUST(dm);
	*dm = (struct fake_dm){ .major = 252, .nr_targets = 1, .length = length };
	dm->minor = (unsigned int)(dm - fake_dm);
	dm->flags = DM_ACTIVE_PRESENT_FLAG;
	(void)snprintf(dm->name, sizeof(dm->name), "%s", name);
	(void)snprintf(dm->uuid, sizeof(dm->uuid), "%s", uuid);
	(void)snprintf(dm->type, sizeof(dm->type), "%s", type);
	(void)snprintf(dm->params, sizeof(dm->params), "%s", params);
	return dm;
}

static inline void fake_dm_reset(void)
{
	memset(fake_dm, 0, FAKE_DM_MAX * sizeof(*fake_dm));
	fake_dm_error = 0;
	fake_dm_in_use = false;
}

/* Linux' huge_encode_dev() */
static inline uint64_t fake_dm_dev(const struct fake_dm *dm)
{
	return (dm->minor & 0xff) | (uint64_t)dm->major << 8 | (uint64_t)(dm->minor & ~0xffU) << 12;
}

/* DM_TABLE_STATUS: with the parameters, or without them. */
static inline int fake_dm_status(const struct fake_dm *dm, struct dm_ioctl *io)
{
	/* the table, not the status; and the kernel forgets what it has copied */
	bool table = io->flags == (DM_STATUS_TABLE_FLAG | DM_SECURE_DATA_FLAG);
	const char *params = table ? dm->params : "";
	struct dm_target_spec spec = { 0 };
	size_t size;
	char *p;

	FIXTURE_MUST(table || io->flags == 0);
	io->flags = dm->flags;
	io->dev = fake_dm_dev(dm);
	io->target_count = dm->nr_targets;
	memcpy(io->uuid, dm->uuid, sizeof(io->uuid));
	spec.sector_start = dm->start;
	spec.length = dm->length;
	memcpy(spec.target_type, dm->type, sizeof(spec.target_type));
	size = sizeof(spec) + strnlen(params, sizeof(dm->params)) + 1;
	if (size > io->data_size - io->data_start) {
		io->flags |= DM_BUFFER_FULL_FLAG;
		return 0;
	}
	p = (char *)io + io->data_start;
	memcpy(p, &spec, sizeof(spec));
	memcpy(p + sizeof(spec), params, size - sizeof(spec));
	return 0;
}

/* DM_TABLE_LOAD, DM_DEV_SUSPEND (which is the resume, too) and DM_DEV_REMOVE. */
static inline int fake_dm_change(unsigned long request, struct fake_dm *dm, struct dm_ioctl *io)
{
	struct dm_target_spec spec;

	if (request == DM_TABLE_LOAD) {
		FIXTURE_MUST(io->target_count == 1);
		memcpy(&spec, (char *)io + io->data_start, sizeof(spec));
		memcpy(dm->new_type, spec.target_type, sizeof(dm->new_type));
		dm->new_length = spec.length;
		return 0;
	}
	if (request == DM_DEV_SUSPEND) {
		FIXTURE_MUST(!(io->flags & DM_SUSPEND_FLAG));
		if (*dm->new_type) {
			memcpy(dm->type, dm->new_type, sizeof(dm->type));
			dm->length = dm->new_length;
			dm->params[0] = dm->new_type[0] = '\0';
		}
		return 0;
	}
	FIXTURE_MUST(request == DM_DEV_REMOVE);
	if (fake_dm_in_use) {
		errno = EBUSY;
		return io->flags & DM_DEFERRED_REMOVE ? 0 : -1;
	}
	io->flags &= ~(uint32_t)DM_DEFERRED_REMOVE;
	dm->name[0] = '\0';
	return 0;
}

static inline int fake_dm_ioctl(unsigned long request, struct dm_ioctl *io)
{
	struct fake_dm *dm;

	FIXTURE_MUST(io->version[0] == DM_VERSION_MAJOR);
	FIXTURE_MUST(io->data_start >= sizeof(*io) && io->data_size > io->data_start);
	dm = *io->name ? fake_dm_find(io->name) : NULL;
	if (fake_dm_error || !dm) {
		errno = fake_dm_error ? fake_dm_error : ENXIO;
		return -1;
	}
	return request == DM_TABLE_STATUS ? fake_dm_status(dm, io) :
					    fake_dm_change(request, dm, io);
}

#endif
