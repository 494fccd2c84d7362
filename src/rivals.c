/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * rivals.c - looks at every block device for the root's UUID or label, with libblkid.
 * Trusts sysfs for the list of devices; what they say of themselves can only lead to a refusal.
 */
#include "rivals.h"

#include <blkid/blkid.h>
#include <dirent.h>
#include <fcntl.h>
#include <limits.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>

#include "paths.h"
#include "text.h"

#define CLAIMS_MAX 64 /* superblocks of one device, of all devices of the root */
#define CLAIM_SIZE 256
#define UEVENT_MAX 4096
#define RIVALS_PATH_MAX (sizeof(PATH_SYS_BLOCK) + NAME_MAX + 32)

/* What the superblocks of a device say; empty: nothing. */
struct claims {
	struct {
		char uuid[CLAIM_SIZE];
		char label[CLAIM_SIZE];
	} list[CLAIMS_MAX];
	size_t nr;
};

struct search {
	const struct root *root;
	const struct opened_volume *volumes;
	size_t nr;
	struct claims *root_claims;
	struct claims *claims; /* of the device that is looked at */
};

static void probe_freep(blkid_probe *pr)
{
	if (*pr)
		blkid_free_probe(*pr);
}

static void take_value(blkid_probe pr, const char *name, char buf[static CLAIM_SIZE])
{
	const char *value = NULL;

	if (blkid_probe_lookup_value(pr, name, &value, NULL) == 0 && value)
		(void)snprintf(buf, CLAIM_SIZE, "%s", value); /* both are far shorter */
}

/*
 * Adds every superblock of the device, one after the other. libblkid's safe probing would say
 * nothing of a device that has two of them; this way each counts.
 */
static int add_claims(int fd, struct claims *claims)
{
	_cleanup_(probe_freep) blkid_probe pr = blkid_new_probe();
	int r;

	if (!pr)
		return -ENOMEM;
	errno = 0;
	if (blkid_probe_set_device(pr, fd, 0, 0) < 0)
		return errno ? -errno : -EIO;
	(void)blkid_probe_enable_superblocks(pr, 1);
	(void)blkid_probe_set_superblocks_flags(pr, BLKID_SUBLKS_TYPE | BLKID_SUBLKS_UUID |
							    BLKID_SUBLKS_LABEL);
	for (;;) {
		errno = 0;
		r = blkid_do_probe(pr);
		if (r == 1)
			return 0;
		if (r < 0)
			return errno ? -errno : -EIO;
		if (claims->nr == CLAIMS_MAX)
			return -E2BIG;
		memset(&claims->list[claims->nr], 0, sizeof(claims->list[0]));
		take_value(pr, "UUID", claims->list[claims->nr].uuid);
		take_value(pr, "LABEL", claims->list[claims->nr].label);
		claims->nr++;
	}
}

/* Opens the node of a device, which must have this number; in a tree of tests it is a file. */
static int open_node(const struct root *root, const char *name, dev_t dev)
{
	char path[RIVALS_PATH_MAX], *p;
	_cleanup_close_ int fd = -EBADF;
	struct stat st;

	if (snprintf(path, sizeof(path), PATH_DEV "/%s", name) >= (int)sizeof(path))
		return -ENAMETOOLONG;
	for (p = path; *p != '\0'; p++)
		if (*p == '!') /* sysfs' form of a slash */
			*p = '/';
	/* Not O_NONBLOCK: an empty drive then says that it is empty. */
	fd = root_open(root, path, O_RDONLY, 0);
	if (fd < 0)
		return fd;
	if (fstat(fd, &st) < 0)
		return -errno;
	if (root->machine && (!S_ISBLK(st.st_mode) || st.st_rdev != dev))
		return -ENOTBLK;
	return TAKE_FD(fd);
}

/* The kernel's name of a device, from the line DEVNAME= of its uevent file. */
static int device_name(const struct root *root, dev_t dev, char name[static NAME_MAX])
{
	_cleanup_free_ char *text = NULL;
	char path[RIVALS_PATH_MAX], *cursor, *line;
	ssize_t n;

	(void)snprintf(path, sizeof(path), PATH_SYS_DEV_BLOCK "/%u:%u/uevent", major(dev),
		       minor(dev)); /* fits */
	n = root_read_text(root, path, UEVENT_MAX, &text);
	if (n < 0)
		return (int)n;
	cursor = text;
	while ((line = text_word(&cursor, "\n"))) {
		if (strncmp(line, "DEVNAME=", 8) != 0)
			continue;
		return snprintf(name, NAME_MAX, "%s", line + 8) < NAME_MAX ? 0 : -ENAMETOOLONG;
	}
	return -ENOENT;
}

static int claims_of_root(struct search *s, const dev_t *ground, size_t nr, struct fault *f)
{
	char name[NAME_MAX];
	size_t i;
	int fd, r;

	for (i = 0; i < nr; i++) {
		r = device_name(s->root, ground[i], name);
		fd = r < 0 ? r : open_node(s->root, name, ground[i]);
		r = fd < 0 ? fd : add_claims(fd, s->root_claims);
		util_closep(&fd);
		if (r < 0)
			return fault_set(f, EXITCODE_ROOT_CONFUSION, -r,
					 "the root's device %u:%u cannot be read: %s",
					 major(ground[i]), minor(ground[i]), strerror(-r));
	}
	return 0;
}

static int compare(struct search *s, const char *name, struct fault *f)
{
	size_t i, k;

	for (i = 0; i < s->claims->nr; i++) {
		const char *uuid = s->claims->list[i].uuid, *label = s->claims->list[i].label;

		for (k = 0; k < s->root_claims->nr; k++) {
			if (*uuid && strcasecmp(uuid, s->root_claims->list[k].uuid) == 0)
				return fault_set(f, EXITCODE_ROOT_CONFUSION, ENOTUNIQ,
						 "%s/%s claims the root's UUID %s", PATH_DEV, name,
						 uuid);
			if (*label && strcmp(label, s->root_claims->list[k].label) == 0)
				return fault_set(f, EXITCODE_ROOT_CONFUSION, ENOTUNIQ,
						 "%s/%s claims the root's label '%s'", PATH_DEV,
						 name, label);
		}
	}
	return 0;
}

static bool has_no_size(const struct root *root, const char *name)
{
	char path[RIVALS_PATH_MAX];
	_cleanup_free_ char *text = NULL;

	(void)snprintf(path, sizeof(path), PATH_SYS_BLOCK "/%s/size", name); /* fits */
	return root_read_text(root, path, 64, &text) > 0 && strcmp(text, "0\n") == 0;
}

/* Returns 1 if the device has to be looked at, 0 if it is ours or empty, or -errno. */
static int is_foreign(struct search *s, const char *name, dev_t *ret_dev)
{
	char path[RIVALS_PATH_MAX];
	unsigned int used = 0;
	int r;

	if (strncmp(name, "ram", 3) == 0 || strncmp(name, "zram", 4) == 0)
		return 0; /* the guest's own memory */
	if (has_no_size(s->root, name))
		return 0;
	(void)snprintf(path, sizeof(path), PATH_SYS_BLOCK "/%s/dev", name); /* fits */
	r = stack_read_dev(s->root, path, ret_dev);
	if (r == -ENOENT && !root_exists(s->root, path))
		return 0; /* it is gone again */
	if (r < 0)
		return r;
	r = stack_is_ours(s->root, *ret_dev, s->volumes, s->nr, &used);
	if (r != 0)
		return r > 0 ? 0 : r;
	return stack_is_integrity_part(s->root, name, s->volumes, s->nr) ? 0 : 1;
}

static int look_at(struct search *s, const char *name, struct fault *f)
{
	dev_t dev = 0;
	int fd, r;

	r = is_foreign(s, name, &dev);
	if (r == 0)
		return 0;
	if (r > 0) {
		fd = open_node(s->root, name, dev);
		if (fd == -ENOMEDIUM || fd == -ENXIO)
			return 0;
		s->claims->nr = 0;
		r = fd < 0 ? fd : add_claims(fd, s->claims);
		util_closep(&fd);
	}
	if (r < 0)
		return fault_set(f, EXITCODE_ROOT_CONFUSION, -r,
				 "%s/%s cannot be read, so that it may claim to be the root: %s",
				 PATH_DEV, name, strerror(-r));
	return compare(s, name, f);
}

static int look_at_all(struct search *s, struct fault *f)
{
	_cleanup_close_ int fd = root_open(s->root, PATH_SYS_BLOCK, O_RDONLY | O_DIRECTORY, 0);
	struct dirent *e;
	DIR *d = fd < 0 ? NULL : fdopendir(fd);
	int r = 0;

	if (!d)
		return fault_set(f, EXITCODE_ROOT_CONFUSION, EIO, "%s cannot be read",
				 PATH_SYS_BLOCK);
	TAKE_FD(fd);
	while (r >= 0 && (e = readdir(d)))
		if (*e->d_name != '.')
			r = look_at(s, e->d_name, f);
	(void)closedir(d);
	return r;
}

int rivals_refuse(const struct root *root, const dev_t *ground, size_t nr_ground,
		  const struct opened_volume *volumes, size_t nr, struct fault *f)
{
	_cleanup_free_ struct claims *of_root = calloc(1, sizeof(*of_root));
	_cleanup_free_ struct claims *claims = calloc(1, sizeof(*claims));
	struct search s = {
		.root = root,
		.volumes = volumes,
		.nr = nr,
		.root_claims = of_root,
		.claims = claims,
	};
	int r;

	if (!of_root || !claims)
		return fault_set(f, EXITCODE_NO_MEMORY, ENOMEM, "no memory to look at devices");
	r = claims_of_root(&s, ground, nr_ground, f);
	return r < 0 ? r : look_at_all(&s, f);
}
