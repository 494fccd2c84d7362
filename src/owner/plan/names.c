/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * names.c - looks for names of the volume's content elsewhere on its image, as rootfs/rivals.c does
 * in the guest.
 * Trusts nothing on the image. Plain text of the volume is only in memory, in a file without a
 * name.
 */
#include "owner/plan/names.h"

#include <string.h>
#include <sys/mman.h>

#include "base/io.h"
#include "disk/claims.h"
#include "owner/disk/partition.h"
#include "owner/disk/xts.h"
#include "owner/io/shell.h"

#define CONTENT_SIZE ((size_t)1024 * 1024) /* superblocks of mountable things are in it */

struct look {
	const struct image *image;
	const char *volume;
	struct claims ours;
	struct claims claims; /* of the partition that is looked at */
	struct fault *f;
};

static int cannot_read(struct look *l, int r)
{
	return fault_errno(l->f, EXITCODE_ROOT_CONFUSION, r, "the names on %s cannot be read",
			   l->image->path);
}

/* The beginning of the volume, decrypted, in a file of the volume's size. Returns it or -errno. */
static int open_content(const struct image *image, const struct examined *e)
{
	_cleanup_close_ int fd = memfd_create("content", MFD_CLOEXEC);
	_cleanup_free_ unsigned char *buf = malloc(CONTENT_SIZE);
	const struct verdict *v = &e->verdict;
	uint64_t size = image->size - v->data_offset;
	size_t len =
		size < CONTENT_SIZE ? (size_t)size / v->sector_size * v->sector_size : CONTENT_SIZE;
	struct xts *xts;
	int r;

	if (fd < 0)
		return -errno;
	if (!buf)
		return -ENOMEM;
	r = io_read_at(image->fd, buf, len, image->offset + v->data_offset);
	if (r < 0)
		return r;
	r = xts_new(&e->volume.key, &xts);
	if (r < 0)
		return r;
	r = xts_decrypt(xts, buf, len, 0, v->sector_size);
	xts_free(xts);
	if (r < 0)
		return r;
	if (ftruncate(fd, (off_t)size) < 0)
		return -errno;
	r = io_write_at(fd, buf, len, 0);
	return r < 0 ? r : TAKE_FD(fd);
}

static int take_ours(struct look *l, const struct examined *e)
{
	_cleanup_close_ int fd = open_content(l->image, e);
	struct claim *header;
	int r;

	r = fd < 0 ? fd : claims_read(fd, 0, 0, "the volume", &l->ours);
	if (r >= 0)
		r = claims_add(&l->ours, "the LUKS header of the volume", &header);
	if (r < 0)
		return cannot_read(l, r);
	(void)snprintf(header->uuid, sizeof(header->uuid), "%s", e->verdict.uuid);
	return 0;
}

/* The command for a partition in a file, where there is one. */
static void advise(const struct look *l, const struct claim *claim, const struct partition *part,
		   char *buf, size_t size)
{
	const char *command = claim_relabel_command(claim);
	char path[FAULT_WHY_MAX], file[PATH_MAX];

	*buf = '\0';
	if (!command || !part ||
	    shell_word(path, sizeof(path), shell_file(file, sizeof(file), l->image->path)) < 0)
		return;
	if (snprintf(buf, size,
		     "L=$(losetup -f --show -o %llu --sizelimit %llu %s) && %s $L %s; losetup -d $L",
		     (unsigned long long)part->offset, (unsigned long long)part->size, path,
		     command, claim_other_label(claim)) >= (int)size ||
	    !fault_shows(buf))
		*buf = '\0'; /* half a command is another one */
}

/* Without a command: what it comes to. */
static void advise_words(const char *where, bool is_uuid, char *buf, size_t size)
{
	(void)snprintf(buf, size,
		       "give the file system in %s another %s; if it is a signature that is left of "
		       "something, remove it (wipefs)",
		       where, is_uuid ? "UUID" : "label"); /* fits */
}

static int compare(struct look *l, const struct partition *part, bool below)
{
	char where[64] = "the image beside the volume", advice[FAULT_TEXT_MAX] = "";
	size_t i, k;

	if (part)
		(void)snprintf(where, sizeof(where), "partition %u", part->number); /* fits */
	for (i = 0; i < l->claims.nr; i++)
		for (k = 0; k < l->ours.nr; k++) {
			const struct claim *claim = &l->claims.list[i], *ours = &l->ours.list[k];
			enum clash clash = claim_clashes(claim, ours, below);

			if (clash == CLASH_NONE)
				continue;
			if (clash == CLASH_LABEL)
				advise(l, claim, part, advice, sizeof(advice));
			if (!*advice)
				advise_words(where, clash == CLASH_UUID, advice, sizeof(advice));
			return fault_advise(l->f, EXITCODE_ROOT_CONFUSION, ENOTUNIQ, advice,
					    "%s claims the %s '%s' of %s '%s'", where,
					    clash == CLASH_UUID ? "UUID" : "label",
					    clash == CLASH_UUID ? claim->uuid : claim->label,
					    ours->owner, l->volume);
		}
	return 0;
}

static int look_at(struct look *l, uint64_t offset, uint64_t size, const struct partition *part,
		   bool below)
{
	int r;

	l->claims.nr = 0;
	r = claims_read(l->image->fd, offset, size, "", &l->claims);
	return r < 0 ? cannot_read(l, r) : compare(l, part, below);
}

static int look_at_all(struct look *l)
{
	struct partition parts[PARTITIONS_MAX];
	const struct image *image = l->image;
	int nr = 0, i, r;

	r = look_at(l, image->offset, image->size, NULL, true);
	if (r < 0 || image->partition == 0)
		return r;
	r = look_at(l, 0, image->total, NULL, true);
	if (r >= 0)
		r = nr = partition_list(image, parts, l->f);
	for (i = 0; r >= 0 && i < nr; i++)
		if (parts[i].number != image->partition)
			r = look_at(l, parts[i].offset, parts[i].size, &parts[i], false);
	return r < 0 ? r : 0;
}

int names_refuse(const struct image *image, const struct examined *examined, const char *volume,
		 struct fault *f)
{
	struct look l = { .image = image, .volume = volume, .f = f };
	int r;

	if (examined->verdict.integrity || examined->volume.key.len != XTS_KEY_SIZE)
		return 0;
	r = take_ours(&l, examined);
	if (r >= 0)
		r = look_at_all(&l);
	claims_done(&l.ours);
	claims_done(&l.claims);
	return r;
}
