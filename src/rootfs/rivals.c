/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * rivals.c - looks at every block device for a UUID or label of what lies on the opened
 * volumes, with libblkid.
 * Trusts sysfs for the list of devices; what they say of themselves can only lead to a refusal.
 */
#include "rootfs/rivals.h"

#include <blkid/blkid.h>
#include <fcntl.h>
#include <limits.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>

#include "base/paths.h"
#include "base/text.h"

#define CLAIMS_MAX 4096 /* superblocks */
#define CLAIM_SIZE 256
#define TYPE_SIZE 32
#define LUKS_PREFIX "CRYPT-LUKS2-" /* libcryptsetup's UUID of a mapping, before the header's */
#define RIVALS_PATH_MAX (sizeof(PATH_SYS_BLOCK) + NAME_MAX + 32)

/* What one superblock says; empty: nothing. */
struct claim {
	char uuid[CLAIM_SIZE];
	char label[CLAIM_SIZE];
	char type[TYPE_SIZE]; /* libblkid's word */
	bool container;	      /* nobody can mount it: LUKS, integrity, a part of LVM or RAID */
	char owner[NAME_MAX]; /* the device that it is on */
};

struct claims {
	struct claim *list; /* owned */
	size_t nr;
	size_t room;
};

struct search {
	const struct root *root;
	const struct opened_volume *volumes;
	size_t nr;
	unsigned int seen; /* mappings, one bit for each volume */
	struct claims ours;
	struct claims claims; /* of the device that is looked at */
	struct fault *f;
};

static void claims_done(struct claims *claims)
{
	free(claims->list);
	*claims = (struct claims){ .nr = 0 };
}

static int claims_new(struct claims *claims, const char *owner, struct claim **ret_claim)
{
	struct claim *list;

	if (claims->nr == CLAIMS_MAX)
		return -E2BIG;
	if (claims->nr == claims->room) {
		list = realloc(claims->list, (claims->room + 16) * sizeof(*list));
		if (!list)
			return -ENOMEM;
		claims->list = list;
		claims->room += 16;
	}
	*ret_claim = &claims->list[claims->nr++];
	memset(*ret_claim, 0, sizeof(**ret_claim));
	(void)snprintf((*ret_claim)->owner, NAME_MAX, "%s", owner); /* of the kernel, far shorter */
	return 0;
}

static void probe_freep(blkid_probe *pr)
{
	if (*pr)
		blkid_free_probe(*pr);
}

static void take_value(blkid_probe pr, const char *name, char *buf, size_t size)
{
	const char *value = NULL;

	if (blkid_probe_lookup_value(pr, name, &value, NULL) == 0 && value)
		(void)snprintf(buf, size, "%s", value); /* all are far shorter */
}

static void take_claim(blkid_probe pr, struct claim *claim)
{
	char usage[TYPE_SIZE] = "";

	take_value(pr, "UUID", claim->uuid, sizeof(claim->uuid));
	take_value(pr, "LABEL", claim->label, sizeof(claim->label));
	take_value(pr, "TYPE", claim->type, sizeof(claim->type));
	take_value(pr, "USAGE", usage, sizeof(usage));
	claim->container = strcmp(usage, "crypto") == 0 || strcmp(usage, "raid") == 0;
}

/*
 * Adds every superblock of the device, one after the other. libblkid's safe probing would say
 * nothing of a device that has two of them; this way each counts.
 */
static int add_claims(int fd, const char *owner, struct claims *claims)
{
	_cleanup_(probe_freep) blkid_probe pr = blkid_new_probe();
	struct claim *claim;
	int r;

	if (!pr)
		return -ENOMEM;
	errno = 0;
	if (blkid_probe_set_device(pr, fd, 0, 0) < 0)
		return errno ? -errno : -EIO;
	(void)blkid_probe_enable_superblocks(pr, 1);
	(void)blkid_probe_set_superblocks_flags(pr, BLKID_SUBLKS_TYPE | BLKID_SUBLKS_UUID |
							    BLKID_SUBLKS_LABEL |
							    BLKID_SUBLKS_USAGE);
	for (;;) {
		errno = 0;
		r = blkid_do_probe(pr);
		if (r == 1)
			return 0;
		if (r < 0)
			return errno ? -errno : -EIO;
		r = claims_new(claims, owner, &claim);
		if (r < 0)
			return r;
		take_claim(pr, claim);
	}
}

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
	return fault_errno(s->f, EXITCODE_ROOT_CONFUSION, r, "%s/%s cannot be read, so that %s",
			   PATH_DEV, name, so);
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
		r = fd < 0 ? fd : add_claims(fd, name, &s->ours);
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
		r = claims_new(&s->ours, "", &claim);
		if (r < 0)
			return r;
		len = end - sizeof(LUKS_PREFIX);
		(void)snprintf(claim->uuid, CLAIM_SIZE, "%.*s", (int)len,
			       uuid + sizeof(LUKS_PREFIX) - 1); /* fits */
	}
	return 0;
}

/* Either case, and dashes do not count: the UUID of a mapping has none. */
static bool same_uuid(const char *a, const char *b)
{
	if (*a == '\0' || *b == '\0')
		return false;
	for (;; a++, b++) {
		a += strspn(a, "-");
		b += strspn(b, "-");
		if (strncasecmp(a, b, 1) != 0)
			return false;
		if (*a == '\0')
			return true;
	}
}

/* Names the command that gives a file system another label, where there is one to name. */
static int refuse_label(struct search *s, const char *name, const struct claim *claim,
			const struct claim *ours)
{
	static const struct {
		const char *type, *command;
	} commands[] = {
		{ "vfat", "fatlabel" },
		{ "ext2", "e2label" },
		{ "ext3", "e2label" },
		{ "ext4", "e2label" },
	};
	const char *other = strcmp(claim->label, "EFI") == 0 ? "ESP" : "EFI";
	char path[RIVALS_PATH_MAX];
	size_t i = 0;

	while (i < ARRAY_SIZE(commands) && strcmp(commands[i].type, claim->type) != 0)
		i++;
	if (i == ARRAY_SIZE(commands) || !node_path(name, path) || strchr(path, '\''))
		return fault_set(s->f, EXITCODE_ROOT_CONFUSION, ENOTUNIQ,
				 "%s/%s claims the label '%s' of %s/%s", PATH_DEV, name,
				 claim->label, PATH_DEV, ours->owner);
	return fault_set(s->f, EXITCODE_ROOT_CONFUSION, ENOTUNIQ,
			 "%s/%s claims the label '%s' of %s/%s; if it is yours, give it another "
			 "one: %s '%s' %s",
			 PATH_DEV, name, claim->label, PATH_DEV, ours->owner, commands[i].command,
			 path, other);
}

/*
 * What a container below a volume is called is no claim: tools give container and content one
 * name, and no name leads through it to another content. But a second part of LVM or RAID by the
 * UUID of one above could be taken for that.
 */
static bool claims_nothing(const struct claim *claim, const struct claim *ours, bool below)
{
	return below && claim->container &&
	       (!ours->container || strcmp(claim->type, ours->type) != 0);
}

static int compare_one(struct search *s, const char *name, const struct claim *claim,
		       const struct claim *ours, bool below)
{
	bool is_header = *ours->owner == '\0';

	if (claims_nothing(claim, ours, below))
		return 0;
	if (same_uuid(claim->uuid, ours->uuid))
		return fault_set(s->f, EXITCODE_ROOT_CONFUSION, ENOTUNIQ,
				 "%s/%s claims the UUID %s of %s%s", PATH_DEV, name, claim->uuid,
				 is_header ? "a volume's LUKS header" : PATH_DEV "/", ours->owner);
	if (*claim->label && strcmp(claim->label, ours->label) == 0 && !(below && claim->container))
		return refuse_label(s, name, claim, ours);
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
	r = fd < 0 ? fd : add_claims(fd, name, &s->claims);
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
