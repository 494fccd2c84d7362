/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * stack.c - walks from a block device down to what it is made of, in sysfs.
 * Trusts sysfs; trusts no name and nothing that a device says of itself.
 */
#include "rootfs/stack.h"

#include <limits.h>
#include <string.h>
#include <sys/sysmacros.h>

#include "base/paths.h"
#include "base/text.h"

#define STACK_DEPTH_MAX 16
#define STACK_DIR_MAX 64 /* /sys/dev/block/MAJOR:MINOR/partition */
#define STACK_PATH_MAX (STACK_DIR_MAX + NAME_MAX + 8)

int stack_read_dev(const struct root *root, const char *path, dev_t *ret_dev)
{
	_cleanup_free_ char *text = NULL;
	uint64_t major_nr, minor_nr;
	char *cursor, *a, *b;
	ssize_t n;

	n = root_read_text(root, path, 64, &text);
	if (n < 0)
		return (int)n;
	cursor = text;
	a = text_word(&cursor, ":\n");
	b = text_word(&cursor, ":\n");
	if (!a || !b || text_u64(a, UINT32_MAX, &major_nr) < 0 ||
	    text_u64(b, UINT32_MAX, &minor_nr) < 0)
		return -EINVAL;
	*ret_dev = makedev((unsigned int)major_nr, (unsigned int)minor_nr);
	return 0;
}

int stack_device_of(const struct root *root, const char *name, dev_t *ret_dev)
{
	char path[STACK_PATH_MAX];
	int r;

	(void)snprintf(path, sizeof(path), PATH_SYS_BLOCK "/%s/dev", name); /* fits */
	r = stack_read_dev(root, path, ret_dev);
	if (r == -ENOENT || r == -ENODEV) /* the kernel's words for one that goes away */
		return 0;
	return r < 0 ? r : 1;
}

/* What is done with each device that one is made of: 0 goes on, all else ends the walk. */
struct step {
	const struct root *root;
	const char *dir;
	int (*visit)(void *ctx, dev_t dev);
	void *ctx;
	unsigned int seen;
};

static int step_one(const char *name, void *ctx)
{
	char path[STACK_PATH_MAX];
	struct step *step = ctx;
	dev_t dev;
	int r;

	(void)snprintf(path, sizeof(path), "%s/%s/dev", step->dir, name); /* fits */
	r = stack_read_dev(step->root, path, &dev);
	step->seen++;
	return r < 0 ? r : step->visit(step->ctx, dev);
}

/*
 * Visits what the device is made of: the disk of a partition, else its slaves. Returns 0, what
 * `visit` returned, or -errno; *ret_seen says how many there are.
 */
static int step_down(const struct root *root, dev_t dev, int (*visit)(void *ctx, dev_t dev),
		     void *ctx, unsigned int *ret_seen)
{
	char path[STACK_DIR_MAX];
	struct step step = { .root = root, .dir = path, .visit = visit, .ctx = ctx };
	dev_t disk;
	int r;

	*ret_seen = 1;
	(void)snprintf(path, sizeof(path), PATH_SYS_DEV_BLOCK "/%u:%u/partition", major(dev),
		       minor(dev)); /* these fit */
	r = root_exists(root, path);
	if (r < 0)
		return r;
	if (r > 0) {
		(void)snprintf(path, sizeof(path), PATH_SYS_DEV_BLOCK "/%u:%u/../dev", major(dev),
			       minor(dev));
		r = stack_read_dev(root, path, &disk);
		return r < 0 ? r : visit(ctx, disk);
	}
	(void)snprintf(path, sizeof(path), PATH_SYS_DEV_BLOCK "/%u:%u/slaves", major(dev),
		       minor(dev));
	r = root_walk(root, path, 0, step_one, &step);
	*ret_seen = step.seen;
	return r == -ENOENT && step.seen == 0 ? 0 : r;
}

struct walk {
	const struct root *root;
	const struct opened_volume *volumes;
	size_t nr;
	unsigned int depth; /* so many levels may follow */
	unsigned int used;  /* volumes, one bit each */
	dev_t wanted;	    /* of a search for one device */
};

#define NOT_OURS 1
#define FOUND 1

/* Returns 0, NOT_OURS or -errno: every device below must be ours, and there must be one. */
static int check_ours(void *ctx, dev_t dev)
{
	struct walk *walk = ctx;
	unsigned int seen = 0;
	size_t i;
	int r;

	for (i = 0; i < walk->nr; i++)
		if (walk->volumes[i].mapping.dev == dev) {
			walk->used |= 1U << i;
			return 0;
		}
	if (walk->depth == 0)
		return -ELOOP;
	walk->depth--;
	r = step_down(walk->root, dev, check_ours, walk, &seen);
	walk->depth++;
	return r == 0 && seen == 0 ? NOT_OURS : r;
}

int stack_is_ours(const struct root *root, dev_t dev, const struct opened_volume *volumes,
		  size_t nr, unsigned int *volumes_used)
{
	struct walk walk = {
		.root = root,
		.volumes = volumes,
		.nr = nr,
		.depth = STACK_DEPTH_MAX,
	};
	int r;

	r = check_ours(&walk, dev);
	if (r == 0)
		*volumes_used |= walk.used;
	return r < 0 ? r : r == 0;
}

static int look_for(void *ctx, dev_t dev)
{
	struct walk *walk = ctx;
	unsigned int seen;
	int r;

	if (dev == walk->wanted)
		return FOUND;
	if (walk->depth == 0)
		return -ELOOP;
	walk->depth--;
	r = step_down(walk->root, dev, look_for, walk, &seen);
	walk->depth++;
	return r;
}

int stack_is_below(const struct root *root, dev_t dev, const struct opened_volume *volumes,
		   size_t nr)
{
	struct walk walk = { .root = root, .depth = STACK_DEPTH_MAX, .wanted = dev };
	unsigned int seen;
	size_t i;
	int r = 0;

	for (i = 0; r == 0 && i < nr; i++)
		r = step_down(root, volumes[i].mapping.dev, look_for, &walk, &seen);
	return r;
}

int stack_is_integrity_part(const struct root *root, const char *name,
			    const struct opened_volume *volumes, size_t nr)
{
	char path[STACK_PATH_MAX], expected[CONF_NAME_SIZE + 8];
	_cleanup_free_ char *text = NULL;
	size_t i;
	ssize_t n;

	(void)snprintf(path, sizeof(path), PATH_SYS_BLOCK "/%s/dm/name", name); /* these fit */
	n = root_read_text(root, path, sizeof(expected), &text);
	if (n < 0)
		return n == -ENOENT || n == -EFBIG ? 0 : (int)n;
	for (i = 0; i < nr; i++) {
		(void)snprintf(expected, sizeof(expected), "%s_dif\n", volumes[i].name);
		if (strcmp(text, expected) != 0)
			continue;
		(void)snprintf(path, sizeof(path), PATH_SYS_DEV_BLOCK "/%u:%u/slaves/%s",
			       major(volumes[i].mapping.dev), minor(volumes[i].mapping.dev), name);
		return root_exists(root, path);
	}
	return 0;
}
