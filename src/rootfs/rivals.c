/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * rivals.c - looks at every block device for a UUID or label of what lies on the opened
 * volumes.
 * Trusts sysfs for the list of devices; what they say of themselves can only lead to a refusal.
 */
#include "rootfs/rivals.h"

#include <fcntl.h>
#include <limits.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>

#include "base/paths.h"
#include "base/text.h"
#include "conf/devicespec.h"
#include "disk/claims.h"
#include "disk/device.h"

#define LUKS_PREFIX "CRYPT-LUKS2-" /* libcryptsetup's UUID of a mapping, before the header's */
#define RIVALS_PATH_MAX (sizeof(PATH_SYS_BLOCK) + NAME_MAX + 32)

struct search {
	const struct root *root;
	const struct opened_volume *volumes;
	size_t nr;
	unsigned int seen;  /* mappings, one bit for each volume */
	unsigned int meant; /* volumes whose spec matches the device that is looked at, the same */
	struct claims ours;
	struct claims claims; /* of the device that is looked at */
	struct fault *f;
};

/* The node of a device of this name; cut if it is too long. */
static bool node_path(const char *name, char path[static RIVALS_PATH_MAX])
{
	bool fits = snprintf(path, RIVALS_PATH_MAX, PATH_DEV "/%s", name) < (int)RIVALS_PATH_MAX;

	for (; *path != '\0'; path++)
		if (*path == '!') /* sysfs' form of a slash */
			*path = '/';
	return fits;
}

/* Opens the node of a device, which must have this number; in a tree of tests it is a file. */
static int open_node(const struct root *root, const char *name, dev_t dev)
{
	char path[RIVALS_PATH_MAX];
	_cleanup_close_ int fd = -EBADF;
	struct stat st;

	if (!node_path(name, path))
		return -ENAMETOOLONG;
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

/* True for what cannot claim anything: the guest's own memory, and what has no size. */
static bool is_nothing(const struct root *root, const char *name)
{
	char path[RIVALS_PATH_MAX];
	_cleanup_free_ char *text = NULL;

	if (strncmp(name, "ram", 3) == 0 || strncmp(name, "zram", 4) == 0)
		return true;
	(void)snprintf(path, sizeof(path), PATH_SYS_BLOCK "/%s/size", name); /* fits */
	return root_read_text(root, path, 64, &text) > 0 && strcmp(text, "0\n") == 0;
}

static int cannot_read(struct search *s, const char *name, int r, const char *so)
{
	return fault_advise(s->f, EXITCODE_ROOT_CONFUSION, -r,
			    "detach this device, or attach one that can be read",
			    "%s/%s cannot be read, so that %s: %s", PATH_DEV, name, so,
			    strerror(-r));
}

/* Takes the claims of a device that lies on the volumes; passes over all others. */
static int take_ours(const char *name, void *ctx)
{
	_cleanup_close_ int fd = -EBADF;
	struct search *s = ctx;
	unsigned int used = 0;
	dev_t dev = 0;
	size_t i;
	int r;

	if (is_nothing(s->root, name))
		return 0;
	r = stack_device_of(s->root, name, &dev);
	if (r > 0)
		r = stack_is_ours(s->root, dev, s->volumes, s->nr, &used);
	if (r > 0) {
		fd = open_node(s->root, name, dev);
		r = fd < 0 ? fd : claims_read(fd, 0, 0, name, &s->ours);
	}
	for (i = 0; r >= 0 && i < s->nr; i++)
		if (dev == s->volumes[i].mapping.dev)
			s->seen |= 1U << i;
	return r < 0 ? cannot_read(s, name, r, "nobody knows what others must not claim") : 0;
}

/* The UUID of each volume's LUKS header, as libcryptsetup has put it into the mapping's. */
static int take_luks(struct search *s)
{
	struct claim *claim;
	size_t i, len, end;
	int r;

	for (i = 0; i < s->nr; i++) {
		const char *uuid = s->volumes[i].mapping.uuid;

		end = strlen(uuid) - strlen(s->volumes[i].name);
		if (strncmp(uuid, LUKS_PREFIX, sizeof(LUKS_PREFIX) - 1) != 0 ||
		    end <= sizeof(LUKS_PREFIX) || end > strlen(uuid))
			continue;
		r = claims_add(&s->ours, "", &claim);
		if (r < 0)
			return r;
		len = end - sizeof(LUKS_PREFIX);
		(void)snprintf(claim->uuid, CLAIM_SIZE, "%.*s", (int)len,
			       uuid + sizeof(LUKS_PREFIX) - 1); /* fits */
	}
	return 0;
}

#define DETACH "detach it; if it is yours, give it "

static int compare_one(struct search *s, const char *name, const struct claim *claim,
		       const struct claim *ours, bool below)
{
	char path[RIVALS_PATH_MAX], label[RIVALS_PATH_MAX + 80] = DETACH "a label of its own";
	const char *command = claim_relabel_command(claim);

	switch (claim_clashes(claim, ours, below)) {
	case CLASH_NONE:
		break;
	case CLASH_UUID:
		return fault_advise(s->f, EXITCODE_ROOT_CONFUSION, ENOTUNIQ,
				    DETACH "a UUID of its own", "%s/%s claims the UUID %s of %s%s",
				    PATH_DEV, name, claim->uuid,
				    *ours->owner ? PATH_DEV "/" : "a volume's LUKS header",
				    ours->owner);
	case CLASH_LABEL:
		if (command && node_path(name, path) && !strchr(path, '\''))
			(void)snprintf(label, sizeof(label), DETACH "another label: %s '%s' %s",
				       command, path, claim_other_label(claim)); /* fits */
		return fault_advise(s->f, EXITCODE_ROOT_CONFUSION, ENOTUNIQ, label,
				    "%s/%s claims the label '%s' of %s/%s", PATH_DEV, name,
				    claim->label, PATH_DEV, ours->owner);
	}
	return 0;
}

/* Had it been there before, the unlock would have called it ambiguous. */
static int refuse_meant(struct search *s, const char *name)
{
	size_t i;

	for (i = 0; i < s->nr; i++)
		if (s->meant & 1U << i)
			return fault_set(s->f, EXITCODE_ROOT_CONFUSION, ENOTUNIQ,
					 "%s/%s is %s%s, too, as cocotab calls the device of the "
					 "volume '%s'",
					 PATH_DEV, name, devicespec_prefix(s->volumes[i].spec.kind),
					 s->volumes[i].spec.value, s->volumes[i].name);
	return 0;
}

static int compare(struct search *s, const char *name, bool below)
{
	size_t i, k;
	int r = 0;

	for (i = 0; i < s->claims.nr; i++)
		for (k = 0; r == 0 && k < s->ours.nr; k++)
			r = compare_one(s, name, &s->claims.list[i], &s->ours.list[k], below);
	return r;
}

/* Returns 1 if the device has to be looked at, 0 if it is ours or is gone, or -errno. */
static int is_foreign(struct search *s, const char *name, dev_t *ret_dev)
{
	unsigned int used = 0;
	int r;

	r = stack_device_of(s->root, name, ret_dev);
	if (r <= 0)
		return r;
	r = stack_is_ours(s->root, *ret_dev, s->volumes, s->nr, &used);
	if (r == 0)
		r = stack_is_integrity_part(s->root, name, s->volumes, s->nr);
	return r < 0 ? r : r == 0;
}

/* LABEL= and PARTUUID= of cocotab; UUID= is among the claims. */
static int match_specs(struct search *s, int fd)
{
	char type[32];
	size_t i;
	int r;

	s->meant = 0;
	for (i = 0; i < s->nr; i++) {
		const struct device_spec *spec = &s->volumes[i].spec;

		if (spec->kind != DEVICE_KIND_LABEL && spec->kind != DEVICE_KIND_PARTUUID)
			continue;
		r = device_matches(fd, 0, 0, spec, type);
		if (r < 0)
			return r;
		if (r > 0 && r != DEVICE_RAID_MEMBER)
			s->meant |= 1U << i;
	}
	return 0;
}

/* Returns 1 with the claims read, 0 for an empty or vanished drive, or -errno. */
static int read_foreign(struct search *s, const char *name, dev_t dev)
{
	_cleanup_close_ int fd = open_node(s->root, name, dev);
	dev_t now;
	int r;

	/* The floppy driver has another word for an empty drive; of a disk it would be an error. */
	if (fd == -ENOMEDIUM || (fd == -ENXIO && strncmp(name, "fd", 2) == 0))
		return 0;
	s->claims.nr = 0;
	r = fd < 0 ? fd : claims_read(fd, 0, 0, name, &s->claims);
	if (r >= 0)
		r = match_specs(s, fd);
	if (r < 0)
		return stack_device_of(s->root, name, &now) == 0 ? 0 : r;
	return 1;
}

static int look_at(const char *name, void *ctx)
{
	struct search *s = ctx;
	int r, below = 0;
	dev_t dev = 0;

	if (is_nothing(s->root, name))
		return 0;
	r = is_foreign(s, name, &dev);
	if (r > 0)
		r = read_foreign(s, name, dev);
	if (r > 0)
		below = stack_is_below(s->root, dev, s->volumes, s->nr);
	if (r < 0 || below < 0)
		return cannot_read(s, name, r < 0 ? r : below,
				   "it may claim to be what was opened");
	if (r > 0 && !below && refuse_meant(s, name) < 0)
		return -ENOTUNIQ;
	return r == 0 ? 0 : compare(s, name, below > 0);
}

static int look_at_all(struct search *s)
{
	size_t i;
	int r;

	r = take_luks(s);
	if (r < 0)
		return fault_set(s->f, EXITCODE_NO_MEMORY, -r, "no memory to look at devices");
	r = root_walk(s->root, PATH_SYS_BLOCK, 0, take_ours, s);
	for (i = 0; r >= 0 && i < s->nr; i++)
		if (!(s->seen & 1U << i))
			return fault_set(s->f, EXITCODE_ROOT_CONFUSION, ENODEV,
					 "%s has no device of the volume '%s'", PATH_SYS_BLOCK,
					 s->volumes[i].name);
	if (r >= 0)
		r = root_walk(s->root, PATH_SYS_BLOCK, 0, look_at, s);
	if (r < 0) /* unless something else has been said already */
		return fault_errno(s->f, EXITCODE_ROOT_CONFUSION, r, "%s cannot be read",
				   PATH_SYS_BLOCK);
	return 0;
}

int rivals_refuse(const struct root *root, const struct opened_volume *volumes, size_t nr,
		  struct fault *f)
{
	struct search s = { .root = root, .volumes = volumes, .nr = nr, .f = f };
	int r = look_at_all(&s);

	claims_done(&s.ours);
	claims_done(&s.claims);
	return r;
}
