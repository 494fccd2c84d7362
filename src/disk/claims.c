/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * claims.c - asks libblkid for every superblock of a device, and compares what they say.
 * Trusts nothing that they say: a claim can only lead to a refusal.
 */
#include "disk/claims.h"

#include <string.h>

#include "disk/probe.h"

#define CLAIMS_MAX 4096 /* superblocks */

void claims_done(struct claims *claims)
{
	free(claims->list);
	*claims = (struct claims){ .nr = 0 };
}

int claims_add(struct claims *claims, const char *owner, struct claim **ret_claim)
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
	(void)snprintf((*ret_claim)->owner, CLAIM_OWNER_SIZE, "%s",
		       owner); /* for people: may be cut */
	return 0;
}

static void take_value(blkid_probe pr, const char *name, char *buf, size_t size)
{
	const char *value = NULL;

	if (blkid_probe_lookup_value(pr, name, &value, NULL) == 0 && value)
		(void)snprintf(buf, size, "%s", value); /* all are far shorter */
}

static void take_claim(blkid_probe pr, struct claim *claim)
{
	char usage[CLAIM_TYPE_SIZE] = "";

	take_value(pr, "UUID", claim->uuid, sizeof(claim->uuid));
	take_value(pr, "LABEL", claim->label, sizeof(claim->label));
	take_value(pr, "TYPE", claim->type, sizeof(claim->type));
	take_value(pr, "USAGE", usage, sizeof(usage));
	claim->container = strcmp(usage, "crypto") == 0 || strcmp(usage, "raid") == 0;
}

int claims_read(int fd, uint64_t offset, uint64_t size, const char *owner, struct claims *claims)
{
	_cleanup_(probe_done) blkid_probe pr = NULL;
	struct claim *claim;
	int r;

	r = probe_start(fd, offset, size,
			BLKID_SUBLKS_TYPE | BLKID_SUBLKS_UUID | BLKID_SUBLKS_LABEL |
				BLKID_SUBLKS_USAGE,
			&pr);
	if (r < 0)
		return r;
	for (;;) {
		errno = 0;
		r = blkid_do_probe(pr);
		if (r == 1)
			return 0;
		if (r < 0)
			return errno ? -errno : -EIO;
		r = claims_add(claims, owner, &claim);
		if (r < 0)
			return r;
		take_claim(pr, claim);
	}
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

enum clash claim_clashes(const struct claim *claim, const struct claim *ours, bool below)
{
	bool named = below && claim->container; /* as it likes */
	bool twin = ours->container && strcmp(claim->type, ours->type) == 0;

	if (same_uuid(claim->uuid, ours->uuid) && (!named || twin))
		return CLASH_UUID;
	if (*claim->label && strcmp(claim->label, ours->label) == 0 && !named)
		return CLASH_LABEL;
	return CLASH_NONE;
}

const char *claim_relabel_command(const struct claim *claim)
{
	static const struct {
		const char *type, *command;
	} commands[] = {
		{ "vfat", "fatlabel" },
		{ "ext2", "e2label" },
		{ "ext3", "e2label" },
		{ "ext4", "e2label" },
	};
	size_t i;

	for (i = 0; i < ARRAY_SIZE(commands); i++)
		if (strcmp(commands[i].type, claim->type) == 0)
			return commands[i].command;
	return NULL;
}

const char *claim_other_label(const struct claim *claim)
{
	return strcmp(claim->label, "EFI") == 0 ? "ESP" : "EFI";
}
