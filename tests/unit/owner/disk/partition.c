/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * partition.c - a partition grows, those behind it move, and all else of the table stays. The
 * table's bytes are judged by cli/owner/encrypt.t, without libfdisk.
 */
#include "owner/disk/partition.h"

#include <libfdisk/libfdisk.h>

#include "base/io.h"
#include "fixture.h"
#include "tap.h"

#define MIB (1024ULL * 1024)
#define GROWTH (16 * MIB)

static struct fixture fx;
static char path[PATH_MAX + 16];

static const struct {
	uint64_t start, size; /* MiB */
} wanted[] = { { 1, 2 }, { 6, 4 }, { 4, 1 }, { 10, 1 }, { 11, 4 } };

static void make_gpt(unsigned int sector_size)
{
	struct fdisk_context *cxt = fdisk_new_context();
	uint64_t mib = MIB / sector_size;
	size_t i;
	int fd;

	(void)snprintf(path, sizeof(path), "%s/image", fx.dir);
	(void)unlink(path);
	fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	FIXTURE_MUST(fd >= 0 && ftruncate(fd, 16 * MIB) == 0);
	(void)close(fd);
	FIXTURE_MUST(cxt && fdisk_disable_dialogs(cxt, 1) == 0 &&
		     fdisk_save_user_sector_size(cxt, sector_size, sector_size) == 0 &&
		     fdisk_assign_device(cxt, path, 0) == 0 &&
		     fdisk_create_disklabel(cxt, "gpt") == 0);
	for (i = 0; i < ARRAY_SIZE(wanted); i++) {
		struct fdisk_partition *pa = fdisk_new_partition();
		char name[16];

		(void)snprintf(name, sizeof(name), "name %zu", i + 1);
		FIXTURE_MUST(pa && fdisk_partition_set_partno(pa, i) == 0 &&
			     fdisk_partition_set_start(pa, wanted[i].start * mib) == 0 &&
			     fdisk_partition_set_size(pa, wanted[i].size * mib) == 0 &&
			     fdisk_partition_set_name(pa, name) == 0 &&
			     fdisk_add_partition(cxt, pa, NULL) == 0);
		fdisk_unref_partition(pa);
	}
	FIXTURE_MUST(fdisk_write_disklabel(cxt) == 0 && fdisk_deassign_device(cxt, 0) == 0);
	fdisk_unref_context(cxt);
}

/* Copies the whole file to a longer one. */
static int copy_longer(const struct image *image)
{
	static unsigned char buf[16 * MIB];
	char name[PATH_MAX + 16];
	int fd;

	(void)snprintf(name, sizeof(name), "%s/copy", fx.dir);
	fd = open(name, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	FIXTURE_MUST(fd >= 0 && io_read_at(image->fd, buf, sizeof(buf), 0) == 0 &&
		     io_write_at(fd, buf, sizeof(buf), 0) == 0 &&
		     ftruncate(fd, (off_t)(sizeof(buf) + GROWTH)) == 0);
	return fd;
}

static void test_grow(unsigned int number, unsigned int sector_size)
{
	static struct partition before[PARTITIONS_MAX], after[PARTITIONS_MAX];
	_cleanup_image_ struct image image = IMAGE_NULL;
	struct image copy = IMAGE_NULL;
	char spec[PATH_MAX + 32];
	struct fault f = { 0 };
	int i, fd;

	make_gpt(sector_size);
	(void)snprintf(spec, sizeof(spec), "%s#%u", path, number);
	FIXTURE_MUST(image_open(spec, false, &image, &f) == 0);
	FIXTURE_MUST(partition_list(&image, before, &f) == (int)ARRAY_SIZE(wanted));
	fd = copy_longer(&image);
	is_int(partition_grow(fd, &image, GROWTH, &f), 0, "partition %u grows: %s", number, f.why);
	(void)close(fd);
	(void)snprintf(spec, sizeof(spec), "%s/copy", fx.dir);
	FIXTURE_MUST(image_open(spec, false, &copy, &f) == 0);
	is_int(partition_list(&copy, after, &f), ARRAY_SIZE(wanted), "... none is lost");
	for (i = 0; i < (int)ARRAY_SIZE(wanted); i++) {
		bool moves = before[i].offset > image.offset, grows = before[i].number == number;

		is_int(after[i].number, before[i].number, "... %d: number", before[i].number);
		is_int(after[i].offset, before[i].offset + (moves ? GROWTH : 0), "... place");
		is_int(after[i].size, before[i].size + (grows ? GROWTH : 0), "... size");
		is_str(after[i].name, before[i].name, "... name");
		is_str(after[i].uuid, before[i].uuid, "... UUID");
		is_str(after[i].type, before[i].type, "... type");
	}
	image_done(&copy);
}

static void test_no_table(void)
{
	_cleanup_image_ struct image image = IMAGE_NULL;
	char spec[PATH_MAX + 32];
	struct fault f = { 0 };
	int fd;

	make_gpt(512);
	(void)snprintf(spec, sizeof(spec), "%s#2", path);
	FIXTURE_MUST(image_open(spec, false, &image, &f) == 0);
	(void)snprintf(spec, sizeof(spec), "%s/empty", fx.dir);
	fd = open(spec, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	FIXTURE_MUST(fd >= 0 && ftruncate(fd, 32 * MIB) == 0);
	is_int(partition_grow(fd, &image, GROWTH, &f), -EINVAL, "a copy without a table");
	is_int(f.code, EXITCODE_NO_DEVICE, "... is told: %s", f.why);
	(void)close(fd);
}

int main(void)
{
	unsigned int fds, i;

	fixture_init(&fx);
	fds = fixture_fds();
	for (i = 1; i <= ARRAY_SIZE(wanted); i++)
		test_grow(i, 512);
	test_grow(2, 4096);
	test_no_table();
	is_int(fixture_fds(), fds, "no descriptor is left open");
	return tap_done();
}
