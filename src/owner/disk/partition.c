/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * partition.c - finds and moves the partitions of an image: of a GPT with libfdisk. Longer than
 * other files, so that all that libfdisk is asked for is in one place.
 * Takes a table only if libfdisk finds it valid and every place in it lies inside. Writes to
 * the given copy only, and nothing in it but the protective MBR and the two tables.
 */
#include "owner/disk/partition.h"

#include <libfdisk/libfdisk.h>
#include <string.h>
#include <strings.h>
#include <sys/mman.h>

#include "base/text.h"
#include "owner/disk/gpt.h"
#include "owner/disk/mbr.h"
#include "owner/io/shell.h"

#define SECTOR 512
#define TABLES_MAX (2ULL * 1024 * 1024) /* bytes that a table can have at an end of the disk */
#define TYPE_ESP "C12A7328-F81F-11D2-BA4B-00A0C93EC93B" /* UEFI 2.10, 5.3.3 */

/* A file does not say how large its sectors are; the place of the signature does. */
static uint32_t find_sector_size(const struct image *image)
{
	if (!image->block && !gpt_has_signature(image, 512) && gpt_has_signature(image, 4096))
		return 4096;
	return image->sector_size;
}

bool partition_has_table(const struct image *image)
{
	return gpt_has_signature(image, find_sector_size(image)) || mbr_is_there(image);
}

/* Of util-linux, as losetup; it takes the sectors of a file for 512 bytes. */
const char *partition_lister(const struct image *image, char buf[PARTITION_LISTER_SIZE])
{
	char name[SHELL_NAME_SIZE];

	(void)snprintf(buf, PARTITION_LISTER_SIZE, "partx -s %s%s",
		       !image->block && find_sector_size(image) != SECTOR ? "-S 4096 " : "",
		       shell_name(name, image->path, "IMAGE")); /* fits */
	return buf;
}

/* What its table says cannot be true. */
static int refuse_table(const struct image *image, const char *why, struct fault *f)
{
	char name[SHELL_NAME_SIZE], next[SHELL_NAME_SIZE + 128];

	(void)snprintf(next, sizeof(next),
		       "copy the image again; if it is a whole copy, repair its table, of which this says "
		       "more: sfdisk -V %s",
		       shell_name(name, image->path, "IMAGE")); /* fits */
	return fault_about(f, EXITCODE_BAD_INPUT, image->path, next, "%s", why);
}

bool partition_type_is_esp(const char *type)
{
	return strcasecmp(type, TYPE_ESP) == 0 || strcmp(type, "0xef") == 0;
}

/* libfdisk's messages: what matters in them comes back as an error, too. */
static int ignore_ask(struct fdisk_context *cxt, struct fdisk_ask *ask, void *data)
{
	(void)cxt;
	(void)ask;
	(void)data;
	return 0;
}

static void unref_contextp(struct fdisk_context **cxt)
{
	fdisk_unref_context(*cxt); /* takes NULL; leaves the descriptor open */
}

static void unref_tablep(struct fdisk_table **table)
{
	fdisk_unref_table(*table);
}

static void unref_partitionp(struct fdisk_partition **pa)
{
	fdisk_unref_partition(*pa);
}

/* Reads the table of fd. A file does not know the size of its sectors, a device (0) does. Returns
 * 0, -ENOMEM or -EINVAL. */
static int assign(int fd, const char *path, uint32_t sector_size, bool read_only,
		  struct fdisk_context **ret_cxt)
{
	_cleanup_(unref_contextp) struct fdisk_context *cxt = fdisk_new_context();

	if (!cxt)
		return -ENOMEM;
	(void)fdisk_set_ask(cxt, ignore_ask, NULL); /* fails for NULL only */
	(void)fdisk_disable_dialogs(cxt, 1);	    /* the same */
	if ((sector_size > 0 && fdisk_save_user_sector_size(cxt, sector_size, sector_size) < 0) ||
	    fdisk_assign_device_by_fd(cxt, fd, path, read_only) < 0)
		return -EINVAL;
	*ret_cxt = TAKE_PTR(cxt);
	return 0;
}

static void copy_text(char *dst, size_t size, const char *src)
{
	text_printable(src ? src : "", dst, size);
}

static int add_part(struct fdisk_partition *pa, const struct image *image, uint32_t sector_size,
		    struct partition *ret_part)
{
	struct fdisk_parttype *type = fdisk_partition_get_type(pa);
	struct partition part = { 0 };
	uint64_t end;

	if (!fdisk_partition_has_start(pa) || !fdisk_partition_has_size(pa) ||
	    !fdisk_partition_has_partno(pa) ||
	    __builtin_mul_overflow(fdisk_partition_get_start(pa), sector_size, &part.offset) ||
	    __builtin_mul_overflow(fdisk_partition_get_size(pa), sector_size, &part.size) ||
	    __builtin_add_overflow(part.offset, part.size, &end) || end > image->total)
		return -EINVAL;
	part.number = (unsigned int)fdisk_partition_get_partno(pa) + 1;
	copy_text(part.name, sizeof(part.name), fdisk_partition_get_name(pa));
	copy_text(part.uuid, sizeof(part.uuid), fdisk_partition_get_uuid(pa));
	copy_text(part.type, sizeof(part.type), type ? fdisk_parttype_get_string(type) : NULL);
	*ret_part = part;
	return 0;
}

static int by_offset(const void *a, const void *b)
{
	const struct partition *x = a, *y = b;

	return x->offset < y->offset ? -1 : x->offset > y->offset;
}

static int sort(const struct image *image, struct partition *parts, size_t nr, struct fault *f)
{
	char why[64];
	size_t i;

	qsort(parts, nr, sizeof(*parts), by_offset);
	for (i = 1; i < nr; i++) {
		if (parts[i].offset >= parts[i - 1].offset + parts[i - 1].size)
			continue;
		(void)snprintf(why, sizeof(why), "its partitions %u and %u overlap",
			       parts[i - 1].number, parts[i].number); /* fits */
		return refuse_table(image, why, f);
	}
	return (int)nr;
}

static int list(struct fdisk_context *cxt, const struct image *image, uint32_t sector_size,
		struct partition *parts, struct fault *f)
{
	_cleanup_(unref_tablep) struct fdisk_table *table = NULL;
	char why[80];
	size_t i, nr;

	if (fdisk_get_partitions(cxt, &table) < 0)
		return refuse_table(image, "its partition table cannot be read", f);
	nr = fdisk_table_get_nents(table);
	if (nr > PARTITIONS_MAX)
		return fault_about(f, EXITCODE_REFUSED, image->path,
				   "copy the root's file system into a file of its own, by dd, or delete "
				   "partitions that nobody needs (sgdisk -d)",
				   "its partition table has %zu partitions, and %d are taken at most",
				   nr, PARTITIONS_MAX);
	for (i = 0; i < nr; i++) {
		if (add_part(fdisk_table_get_partition(table, i), image, sector_size, &parts[i]) >=
		    0)
			continue;
		(void)snprintf(why, sizeof(why),
			       "entry %zu of its partition table lies outside of it",
			       i + 1); /* fits */
		return refuse_table(image, why, f);
	}
	return sort(image, parts, nr, f);
}

/* The last sectors of the disk: those of the second copy as everybody writes it. */
#define GPT_END_SIZE(sector_size) (16384ULL + (sector_size))

/* Without room behind the last partition no second copy can be written: then the end is missing. */
static bool is_cut_short(const struct image *image, uint32_t sector_size)
{
	_cleanup_free_ struct partition *parts = calloc(PARTITIONS_MAX, sizeof(*parts));
	struct fault ignored = { 0 };
	int nr = parts ? partition_list(image, parts, &ignored) : 0;

	return nr > 0 &&
	       parts[nr - 1].offset + parts[nr - 1].size + GPT_END_SIZE(sector_size) > image->total;
}

/* sgdisk takes the sectors of a file for 512 bytes; of others it would see no table, and write an
 * empty one over it, as it does where both copies are damaged. */
static int refuse_damage(const struct image *image, uint32_t sector_size, const char *first,
			 const char *why, bool repairable, struct fault *f)
{
	char name[SHELL_NAME_SIZE], next[SHELL_NAME_SIZE + 256];

	(void)shell_name(name, image->path, "IMAGE");
	if (!repairable)
		(void)snprintf(next, sizeof(next),
			       "copy the image again, all of it, or write its table anew (sfdisk)");
	else if (!image->block && sector_size != SECTOR)
		(void)snprintf(next, sizeof(next),
			       "%srepair it from the other copy, by sgdisk of the package gdisk: "
			       "D=$(losetup --show -f -b 4096 %s) && sgdisk -e $D && losetup -d $D",
			       first, name); /* fits */
	else
		(void)snprintf(next, sizeof(next),
			       "%srepair it from the other copy, by sgdisk of the package gdisk: "
			       "sgdisk -e %s",
			       first, name); /* fits */
	return fault_about(f, EXITCODE_BAD_INPUT, image->path, next, "%s", why);
}

/* A sector is what the table counts in: that of the device; files of disks with larger ones are
 * not told apart, and then hold no file system where the table says. */
static int list_mbr(const struct image *image, struct partition *parts, struct fault *f)
{
	int nr = mbr_list(image, image->sector_size, parts), i;
	bool repairable = false;
	char why[128];

	if (nr > 0 && mbr_is_protective(image, false)) {
		const char *damage = gpt_find_damage(image, image->sector_size, &repairable);

		return refuse_damage(image, image->sector_size, "", damage, repairable, f);
	}
	for (i = 0; i < nr; i++) {
		if (parts[i].offset != 0 && parts[i].offset + parts[i].size <= image->total)
			continue;
		(void)snprintf(why, sizeof(why),
			       "entry %u of its partition table lies outside of it, or the file is cut "
			       "short",
			       parts[i].number); /* fits */
		return refuse_table(image, why, f);
	}
	return sort(image, parts, (size_t)nr, f);
}

int partition_list(const struct image *image, struct partition ret_parts[PARTITIONS_MAX],
		   struct fault *f)
{
	_cleanup_(unref_contextp) struct fdisk_context *cxt = NULL;
	uint32_t sector_size = find_sector_size(image);
	bool repairable = false;
	const char *why;
	int r;

	if (!gpt_has_signature(image, sector_size))
		return list_mbr(image, ret_parts, f);
	why = gpt_judge(image, sector_size);
	if (why)
		return refuse_table(image, why, f);
	r = assign(image->fd, image->path, image->block ? 0 : sector_size, true, &cxt);
	if (r == -ENOMEM)
		return image_refuse(f, ENOMEM, image->path, "no memory for its partition table");
	if (r < 0)
		return refuse_table(image, "its partition table cannot be read", f);
	if (!fdisk_is_label(cxt, GPT)) {
		(void)gpt_find_damage(image, sector_size, &repairable);
		return refuse_damage(image, sector_size,
				     "copy the image again; if all its partitions are there, ",
				     "its partition table (GPT) is damaged, or the file is cut short",
				     repairable, f);
	}
	return list(cxt, image, sector_size, ret_parts, f);
}

/* Returns 0, -ENOENT, or -ENOTUNIQ. */
static int choose(const struct partition *parts, size_t nr, const char *wanted, size_t *ret_i)
{
	size_t i, found = nr;
	uint64_t number;

	if (text_u64(wanted, UINT32_MAX, &number) >= 0) {
		for (i = 0; i < nr; i++)
			if (parts[i].number == number)
				found = i;
	} else {
		for (i = 0; i < nr; i++) {
			if (strcasecmp(parts[i].uuid, wanted) != 0 &&
			    strcmp(parts[i].name, wanted) != 0)
				continue;
			if (found < nr)
				return -ENOTUNIQ;
			found = i;
		}
	}
	if (found == nr)
		return -ENOENT;
	*ret_i = found;
	return 0;
}

/* Logical partitions have numbers from 5. */
static bool may_be_logical(const struct partition *parts, size_t nr, const char *wanted)
{
	uint64_t number;
	size_t i;

	for (i = 0; i < nr; i++)
		if (mbr_is_extended(&parts[i]))
			return text_u64(wanted, UINT32_MAX, &number) >= 0 && number > MBR_ENTRIES;
	return false;
}

int partition_select(struct image *image, const char *wanted, struct fault *f)
{
	_cleanup_free_ struct partition *parts = calloc(PARTITIONS_MAX, sizeof(*parts));
	char lister[PARTITION_LISTER_SIZE], next[PARTITION_LISTER_SIZE + 128];
	size_t i = 0, nr;
	int r;

	if (!parts)
		return image_refuse(f, ENOMEM, image->path, "no memory for its partition table");
	r = partition_list(image, parts, f);
	if (r < 0)
		return r;
	if (r == 0)
		return fault_about(f, EXITCODE_BAD_INPUT, image->path,
				   "leave out the # and what is behind it",
				   "it has no partition table");
	nr = (size_t)r;
	r = choose(parts, nr, wanted, &i);
	(void)partition_lister(image, lister);
	if ((r == 0 && mbr_is_extended(&parts[i])) ||
	    (r < 0 && may_be_logical(parts, nr, wanted))) {
		(void)snprintf(next, sizeof(next),
			       "copy the file system into a file of its own, by dd bs=512 with START as "
			       "skip and SECTORS as count: %s",
			       lister); /* fits */
		return fault_about(f, EXITCODE_REFUSED, image->path, next,
				   "partition '%s' is a logical one of an MBR, or has only such ones",
				   wanted);
	}
	if (r < 0) {
		(void)snprintf(next, sizeof(next), "give the number of one that is there: %s",
			       lister); /* fits */
		return fault_about(f, EXITCODE_BAD_INPUT, image->path, next, "%s partition '%s'",
				   r == -ENOTUNIQ ? "more than one" : "no", wanted);
	}
	image->sector_size = find_sector_size(image);
	image->partition = parts[i].number;
	image->offset = parts[i].offset;
	image->size = parts[i].size;
	memcpy(image->name, parts[i].name, sizeof(image->name));
	memcpy(image->uuid, parts[i].uuid, sizeof(image->uuid));
	memcpy(image->type, parts[i].type, sizeof(image->type));
	return 0;
}

static int read_copy(int fd, const struct image *image, struct fdisk_context **ret_cxt)
{
	_cleanup_(unref_contextp) struct fdisk_context *cxt = NULL;
	int r;

	r = assign(fd, image->path, image->sector_size, false, &cxt);
	if (r < 0)
		return r;
	if (!fdisk_is_label(cxt, GPT))
		return -EINVAL;
	*ret_cxt = TAKE_PTR(cxt);
	return 0;
}

/* The table still says where the shorter disk ended: writing it puts that right. */
static int relocate(int fd, const struct image *image)
{
	_cleanup_(unref_contextp) struct fdisk_context *cxt = NULL;
	int r;

	r = read_copy(fd, image, &cxt);
	if (r < 0)
		return r;
	fdisk_label_set_changed(fdisk_get_label(cxt, "gpt"), 1);
	return fdisk_write_disklabel(cxt) < 0 ? -EIO : 0;
}

static int change(struct fdisk_context *cxt, const struct partition *part, uint64_t start,
		  uint64_t size, uint32_t sector_size)
{
	_cleanup_(unref_partitionp) struct fdisk_partition *pa = fdisk_new_partition();

	if (!pa)
		return -ENOMEM;
	/* Nothing but the place is set, so nothing else changes. */
	if (fdisk_partition_set_start(pa, start / sector_size) < 0 ||
	    fdisk_partition_set_size(pa, size / sector_size) < 0 ||
	    fdisk_set_partition(cxt, part->number - 1, pa) < 0)
		return -EINVAL;
	return 0;
}

int partition_grow(int fd, const struct image *image, uint64_t growth, struct fault *f)
{
	_cleanup_free_ struct partition *parts = calloc(PARTITIONS_MAX, sizeof(*parts));
	_cleanup_(unref_contextp) struct fdisk_context *cxt = NULL;
	int nr, i, r;

	if (!gpt_has_signature(image, image->sector_size)) {
		r = mbr_grow(fd, image, growth);
		return r < 0 ? fault_errno(f, EXITCODE_NO_DEVICE, r,
					   "%s: cannot make room in the partition table (MBR)",
					   image->path) :
			       0;
	}
	nr = parts ? partition_list(image, parts, f) : -ENOMEM;
	r = nr < 0 ? nr : relocate(fd, image);
	if (r >= 0)
		r = read_copy(fd, image, &cxt);
	/* From the end, so that there is always room. */
	for (i = nr - 1; i >= 0 && r >= 0; i--) {
		if (parts[i].offset > image->offset)
			r = change(cxt, &parts[i], parts[i].offset + growth, parts[i].size,
				   image->sector_size);
		else if (parts[i].number == image->partition)
			r = change(cxt, &parts[i], parts[i].offset, parts[i].size + growth,
				   image->sector_size);
	}
	if (r >= 0 && fdisk_write_disklabel(cxt) < 0)
		r = -EIO;
	if (r < 0)
		return fault_errno(f, EXITCODE_NO_DEVICE, r,
				   "%s: libfdisk cannot make room in the partition table",
				   image->path);
	return 0;
}

/*
 * Has libfdisk change a copy in memory of both ends of the disk, with a hole between them: what its
 * rules are about a table whose checksums are good, it alone knows.
 */
static int rehearse(const struct image *image, uint64_t growth, struct fault *f)
{
	_cleanup_close_ int fd = memfd_create("partitions", MFD_CLOEXEC);
	uint64_t size = image->total - image->total % 512,
		 len = size < TABLES_MAX ? size : TABLES_MAX;
	struct fault ours = { 0 };
	int r;

	if (fd < 0 || ftruncate(fd, (off_t)(image->total + growth)) < 0)
		return image_refuse(f, errno, image->path, "no memory for its partition table");
	r = image_copy(image->fd, 0, fd, 0, len);
	if (r >= 0)
		r = image_copy(image->fd, size - len, fd, size - len, len);
	if (r < 0)
		return fault_io(f, image->path, r, "cannot read its partition table");
	return partition_grow(fd, image, growth, &ours) < 0 ?
		       refuse_table(image,
				    "its partition table (GPT) is one that cannot be changed", f) :
		       0;
}

int partition_check_growth(const struct image *image, uint64_t growth, struct fault *f)
{
	char name[SHELL_NAME_SIZE], next[SHELL_NAME_SIZE + 128];
	bool repairable = false;
	const char *why;

	(void)shell_name(name, image->path, "IMAGE");
	if (!gpt_has_signature(image, image->sector_size)) {
		if (mbr_can_grow(image, growth))
			return 0;
		(void)snprintf(next, sizeof(next),
			       "make the table a GPT, by sgdisk of the package gdisk: sgdisk -g %s",
			       name); /* fits */
		return fault_about(f, EXITCODE_REFUSED, image->path, next,
				   "its partition table (MBR) has no numbers for places that far "
				   "behind");
	}
	why = gpt_find_damage(image, image->sector_size, &repairable);
	if (why && repairable && is_cut_short(image, image->sector_size))
		return fault_about(f, EXITCODE_BAD_INPUT, image->path,
				   "copy the image again, all of it",
				   "%s, and has no room behind its partitions: it is cut short",
				   why);
	if (why)
		return refuse_damage(image, image->sector_size, "", why, repairable, f);
	if (mbr_is_protective(image, true)) {
		(void)snprintf(
			next, sizeof(next),
			"make its MBR a protective one, with the commands x, n, w and y in: gdisk %s",
			name); /* fits */
		return fault_about(f, EXITCODE_REFUSED, image->path, next,
				   "its GPT and its MBR both have partitions (hybrid): one would "
				   "lose them");
	}
	return rehearse(image, growth, f);
}
