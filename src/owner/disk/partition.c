/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * partition.c - finds and moves the partitions of an image with libfdisk.
 * Takes a table only if libfdisk finds it valid and every place in it lies inside. Writes to
 * the given copy only, and nothing in it but the protective MBR and the two tables.
 */
#include "owner/disk/partition.h"

#include <libfdisk/libfdisk.h>
#include <string.h>
#include <strings.h>

#include "base/io.h"
#include "base/text.h"

/* UEFI 2.10, 5.3.2 */
#define GPT_SIGNATURE "EFI PART"
#define GPT_HEADER_SIZE 92
#define GPT_ALTERNATE_AT 32  /* u64: the other header's sector */
#define GPT_NR_ENTRIES_AT 80 /* u32 */
#define GPT_ENTRY_SIZE_AT 84 /* u32 */
#define GPT_ENTRY_SIZE_MIN 128
#define GPT_ENTRIES_SIZE_MAX (1024 * 1024) /* bytes; everybody writes 16 KiB */

static bool has_signature(const struct image *image, uint32_t sector_size)
{
	char sig[sizeof(GPT_SIGNATURE) - 1];

	return io_read_at(image->fd, sig, sizeof(sig), sector_size) == 0 &&
	       memcmp(sig, GPT_SIGNATURE, sizeof(sig)) == 0;
}

/* A file does not say how large its sectors are; the place of the signature does. */
static uint32_t find_sector_size(const struct image *image)
{
	if (!image->block && !has_signature(image, 512) && has_signature(image, 4096))
		return 4096;
	return image->sector_size;
}

bool partition_has_gpt(const struct image *image)
{
	return has_signature(image, find_sector_size(image));
}

static uint64_t get_number(const unsigned char *p, size_t size)
{
	uint64_t value = 0;

	while (size-- > 0)
		value = value << 8 | p[size];
	return value;
}

/* What libfdisk must not see in a header, if there is one at this sector; or NULL. Also says where
 * the other header is. */
static const char *judge_gpt_header(const struct image *image, uint32_t sector_size,
				    uint64_t sector, uint64_t *ret_alternate)
{
	unsigned char header[GPT_HEADER_SIZE];
	uint64_t nr, size;

	if (sector >= image->total / sector_size ||
	    io_read_at(image->fd, header, sizeof(header), sector * sector_size) < 0 ||
	    memcmp(header, GPT_SIGNATURE, sizeof(GPT_SIGNATURE) - 1) != 0)
		return NULL;
	*ret_alternate = get_number(header + GPT_ALTERNATE_AT, 8);
	nr = get_number(header + GPT_NR_ENTRIES_AT, 4);
	size = get_number(header + GPT_ENTRY_SIZE_AT, 4);
	if (size < GPT_ENTRY_SIZE_MIN)
		return "its partition table has entries that are too small";
	return nr * size > GPT_ENTRIES_SIZE_MAX ? "its partition table has too many entries" : NULL;
}

/*
 * libfdisk 2.38 takes as much memory as any of the headers says, gigabytes, and only then looks at
 * what there is; and it reads whole entries, however small the header says that they are.
 */
static const char *judge_gpt(const struct image *image, uint32_t sector_size)
{
	uint64_t alternate = 0, ignored, last = image->total / sector_size - 1;
	const char *why = judge_gpt_header(image, sector_size, 1, &alternate);

	if (!why)
		why = judge_gpt_header(image, sector_size, alternate, &ignored);
	return why ? why : judge_gpt_header(image, sector_size, last, &ignored);
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

static int list(struct fdisk_context *cxt, const struct image *image, uint32_t sector_size,
		struct partition *parts, struct fault *f)
{
	_cleanup_(unref_tablep) struct fdisk_table *table = NULL;
	size_t i, nr;

	if (fdisk_get_partitions(cxt, &table) < 0)
		return image_refuse(f, EINVAL, image->path, "its partition table cannot be read");
	nr = fdisk_table_get_nents(table);
	if (nr > PARTITIONS_MAX)
		return image_refuse(f, EINVAL, image->path,
				    "its partition table has too many entries");
	for (i = 0; i < nr; i++)
		if (add_part(fdisk_table_get_partition(table, i), image, sector_size, &parts[i]) <
		    0)
			return image_refuse(f, EINVAL, image->path,
					    "entry %zu of its partition table lies outside of it",
					    i + 1);
	qsort(parts, nr, sizeof(*parts), by_offset);
	for (i = 1; i < nr; i++)
		if (parts[i].offset < parts[i - 1].offset + parts[i - 1].size)
			return image_refuse(f, EINVAL, image->path,
					    "its partitions %u and %u overlap", parts[i - 1].number,
					    parts[i].number);
	return (int)nr;
}

int partition_list(const struct image *image, struct partition ret_parts[PARTITIONS_MAX],
		   struct fault *f)
{
	_cleanup_(unref_contextp) struct fdisk_context *cxt = NULL;
	uint32_t sector_size = find_sector_size(image);
	const char *why;
	int r;

	if (!has_signature(image, sector_size))
		return 0;
	why = judge_gpt(image, sector_size);
	if (why)
		return image_refuse(f, EINVAL, image->path, "%s", why);
	r = assign(image->fd, image->path, image->block ? 0 : sector_size, true, &cxt);
	if (r == -ENOMEM)
		return image_refuse(f, ENOMEM, image->path, "no memory for its partition table");
	if (r < 0)
		return image_refuse(f, EINVAL, image->path, "its partition table cannot be read");
	if (!fdisk_is_label(cxt, GPT))
		return image_refuse(f, EINVAL, image->path,
				    "its partition table (GPT) is damaged, or the file is cut short");
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

int partition_select(struct image *image, const char *wanted, struct fault *f)
{
	_cleanup_free_ struct partition *parts = calloc(PARTITIONS_MAX, sizeof(*parts));
	size_t i = 0;
	int r;

	if (!parts)
		return image_refuse(f, ENOMEM, image->path, "no memory for its partition table");
	r = partition_list(image, parts, f);
	if (r < 0)
		return r;
	if (r == 0)
		return image_refuse(f, EINVAL, image->path, "it has no partition table (GPT)");
	r = choose(parts, (size_t)r, wanted, &i);
	if (r < 0)
		return image_refuse(f, EINVAL, image->path, "%s partition '%s'",
				    r == -ENOTUNIQ ? "more than one" : "no", wanted);
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
