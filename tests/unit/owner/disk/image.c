/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * image.c - images, and the partitions that are named in them.
 */
#include "owner/disk/image.h"

#include <libfdisk/libfdisk.h>

#include "base/io.h"
#include "fixture.h"
#include "owner/disk/partition.h"
#include "tap.h"

#define MIB (1024ULL * 1024)

static struct fixture fx;
static char path[PATH_MAX + 16];

static const struct {
	uint64_t start, size; /* MiB */
	const char *name, *uuid;
} wanted[] = {
	{ 1, 2, "esp", "11111111-0000-4000-8000-000000000001" },
	{ 6, 4, "root", "11111111-0000-4000-8000-00000000000A" },
	{ 4, 1, "twin", "11111111-0000-4000-8000-000000000003" },
	{ 12, 1, "twin", "11111111-0000-4000-8000-000000000004" },
};

static void make_file(uint64_t size)
{
	int fd;

	(void)snprintf(path, sizeof(path), "%s/image", fx.dir);
	(void)unlink(path);
	fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	FIXTURE_MUST(fd >= 0 && ftruncate(fd, (off_t)size) == 0);
	(void)close(fd);
}

/* An image of 16 MiB whose partitions are not in the order of their places. */
static void make_gpt(unsigned int sector_size)
{
	struct fdisk_context *cxt = fdisk_new_context();
	uint64_t mib = MIB / sector_size;
	size_t i;

	make_file(16 * MIB);
	FIXTURE_MUST(cxt && fdisk_disable_dialogs(cxt, 1) == 0 &&
		     fdisk_save_user_sector_size(cxt, sector_size, sector_size) == 0 &&
		     fdisk_assign_device(cxt, path, 0) == 0 &&
		     fdisk_create_disklabel(cxt, "gpt") == 0);
	for (i = 0; i < ARRAY_SIZE(wanted); i++) {
		struct fdisk_partition *pa = fdisk_new_partition();

		FIXTURE_MUST(pa && fdisk_partition_set_partno(pa, i) == 0 &&
			     fdisk_partition_set_start(pa, wanted[i].start * mib) == 0 &&
			     fdisk_partition_set_size(pa, wanted[i].size * mib) == 0 &&
			     fdisk_partition_set_name(pa, wanted[i].name) == 0 &&
			     fdisk_partition_set_uuid(pa, wanted[i].uuid) == 0 &&
			     fdisk_add_partition(cxt, pa, NULL) == 0);
		fdisk_unref_partition(pa);
	}
	FIXTURE_MUST(fdisk_write_disklabel(cxt) == 0 && fdisk_deassign_device(cxt, 0) == 0);
	fdisk_unref_context(cxt);
}

static int open_spec(const char *suffix, struct image *ret_image, struct fault *f)
{
	char spec[PATH_MAX + 64];

	(void)snprintf(spec, sizeof(spec), "%s%s", path, suffix);
	*f = (struct fault){ 0 };
	return image_open(spec, false, ret_image, f);
}

static void refuses(const char *suffix, int r, enum exitcode code, const char *why)
{
	struct image image = IMAGE_NULL;
	struct fault f;

	is_int(open_spec(suffix, &image, &f), r, "'%s': %s", suffix, why);
	is_int(f.code, code, "... code");
	ok(strstr(f.why, why), "... reason: %s", f.why);
	ok(strncmp(f.what, path, strlen(path)) == 0 && !strstr(f.why, path) && *f.next,
	   "... about %s, and what to do", f.what);
	ok(image.fd == -EBADF, "... nothing is open");
}

static void test_whole(void)
{
	_cleanup_image_ struct image image = IMAGE_NULL;
	struct fault f;

	make_file(3 * MIB);
	is_int(open_spec("", &image, &f), 0, "a whole file");
	ok(image.offset == 0 && image.size == 3 * MIB && image.total == 3 * MIB &&
		   image.sector_size == 512 && image.partition == 0 && !image.block &&
		   strcmp(image.path, path) == 0,
	   "... all of it");
	refuses("#1", -EINVAL, EXITCODE_BAD_INPUT, "it has no partition table");
	refuses("#", -EINVAL, EXITCODE_BAD_INPUT, "no partition after the #");
	refuses("-no", -ENOENT, EXITCODE_IO, "No such file");
	refuses("/..", -ENOTDIR, EXITCODE_IO, "Not a directory");
}

static void test_name_with_hash(void)
{
	_cleanup_image_ struct image image = IMAGE_NULL;
	char name[PATH_MAX + 32];
	struct fault f;

	make_gpt(512);
	(void)snprintf(name, sizeof(name), "%s#2", path);
	FIXTURE_MUST(rename(path, name) == 0);
	is_int(open_spec("#2", &image, &f), 0, "a file whose own name ends in #2");
	is_int(image.partition, 0, "... is taken as a whole");
	FIXTURE_MUST(unlink(name) == 0);
}

static void test_not_a_file(void)
{
	struct image image = IMAGE_NULL;
	struct fault f = { 0 };

	is_int(image_open(fx.dir, false, &image, &f), -EINVAL, "a directory");
	ok(strstr(f.why, "neither a file nor a block device"), "... reason: %s", f.why);
	f = (struct fault){ 0 };
	is_int(image_open("/dev/null", true, &image, &f), -EINVAL, "a character device");
	f = (struct fault){ 0 };
	is_int(image_open("", true, &image, &f), -EINVAL, "an empty name");
}

static void is_root(const char *suffix, unsigned int sector_size)
{
	_cleanup_image_ struct image image = IMAGE_NULL;
	struct fault f;

	is_int(open_spec(suffix, &image, &f), 0, "'%s' with sectors of %u bytes", suffix,
	       sector_size);
	ok(image.offset == 6 * MIB && image.size == 4 * MIB, "... place");
	is_int(image.partition, 2, "... number");
	is_int(image.sector_size, sector_size, "... sectors");
	is_str(image.name, "root", "... name");
	is_str(image.uuid, wanted[1].uuid, "... UUID");
	is_str(image.type, "0FC63DAF-8483-4772-8E79-3D69D8477DE4", "... type: Linux data");
}

static void test_partitions(unsigned int sector_size)
{
	static const unsigned int order[] = { 1, 3, 2, 4 };
	struct partition parts[PARTITIONS_MAX];
	_cleanup_image_ struct image image = IMAGE_NULL;
	struct fault f;
	size_t i;

	make_gpt(sector_size);
	is_root("#2", sector_size);
	is_root("#root", sector_size);
	is_root("#11111111-0000-4000-8000-00000000000a", sector_size);
	refuses("#9", -EINVAL, EXITCODE_BAD_INPUT, "no partition '9'");
	refuses("#0", -EINVAL, EXITCODE_BAD_INPUT, "no partition '0'");
	refuses("#-1", -EINVAL, EXITCODE_BAD_INPUT, "no partition '-1'");
	refuses("#swap", -EINVAL, EXITCODE_BAD_INPUT, "no partition 'swap'");
	refuses("#twin", -EINVAL, EXITCODE_BAD_INPUT, "more than one partition 'twin'");
	is_int(open_spec("", &image, &f), 0, "the whole of it");
	ok(partition_has_table(&image), "... has a table");
	is_int(partition_list(&image, parts, &f), 4, "... of four");
	for (i = 0; i < ARRAY_SIZE(order); i++)
		is_int(parts[i].number, order[i], "... in the order of their places");
}

static void put(uint64_t offset, const void *data, size_t len)
{
	int fd = open(path, O_RDWR | O_CLOEXEC);

	FIXTURE_MUST(fd >= 0 && io_write_at(fd, data, len, offset) == 0);
	(void)close(fd);
}

static void test_damaged(void)
{
	static const unsigned char zeros[512];

	make_gpt(512);
	FIXTURE_MUST(truncate(path, 12 * MIB) == 0);
	refuses("#2", -EINVAL, EXITCODE_BAD_INPUT, "damaged, or the file is cut short");
	make_gpt(512);
	put(512 + 16, zeros, 4);
	put(16 * MIB - 512 + 16, zeros, 4);
	refuses("#2", -EINVAL, EXITCODE_BAD_INPUT, "damaged, or the file is cut short");
	make_gpt(512);
	put(512, zeros, 512);
	refuses("#2", -EINVAL, EXITCODE_BAD_INPUT, "the first copy of its partition table");
	put(0, zeros, 512);
	refuses("#2", -EINVAL, EXITCODE_BAD_INPUT, "it has no partition table");
	make_gpt(512);
	put(16 * MIB - 512, zeros, 512);
	is_root("#2", 512);
}

/* libfdisk would take gigabytes of memory for them. Fields of the header: UEFI 2.10, 5.3.2. */
static void test_many_entries(void)
{
	const unsigned char many[] = { 0, 0, 0, 1 }, some[] = { 0, 4, 0, 0 }, place[] = { 5, 0 };
	const unsigned char small[] = { 127, 0, 0, 0 };
	unsigned char header[512];
	int fd;

	make_gpt(512);
	put(512 + 80, many, sizeof(many));
	refuses("#2", -EINVAL, EXITCODE_BAD_INPUT, "has too many entries");
	make_gpt(512);
	put(16 * MIB - 512 + 84, many, sizeof(many));
	refuses("#2", -EINVAL, EXITCODE_BAD_INPUT, "has too many entries");
	make_gpt(512);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	FIXTURE_MUST(fd >= 0 && io_read_at(fd, header, sizeof(header), 512) == 0);
	(void)close(fd);
	memcpy(header + 80, many, sizeof(many));
	put(5 * 512, header, sizeof(header));
	is_root("#2", 512);
	put(512 + 32, place, sizeof(place));
	refuses("#2", -EINVAL, EXITCODE_BAD_INPUT, "has too many entries");
	make_gpt(512);
	put(512 + 80, some, sizeof(some)); /* the checksum is wrong: the other header counts */
	is_root("#2", 512);
	/* It would read behind them. */
	make_gpt(512);
	put(512 + 84, small, sizeof(small));
	refuses("#2", -EINVAL, EXITCODE_BAD_INPUT, "has entries that are too small");
}

static void test_read_write(void)
{
	struct image image = IMAGE_NULL;
	struct fault f = { 0 };
	char text[4] = "";

	make_file(MIB);
	FIXTURE_MUST(image_open(path, true, &image, &f) == 0);
	is_int(io_write_at(image.fd, "abc", 3, MIB - 3), 0, "writes");
	is_int(io_read_at(image.fd, text, 3, MIB - 3), 0, "reads");
	is_str(text, "abc", "... the same");
	is_int(io_read_at(image.fd, text, 4, MIB - 3), -ENODATA, "not behind the end");
	is_int(io_read_at(-1, text, 4, 0), -EBADF, "an error of the system");
	is_int(io_write_at(-1, text, 4, 0), -EBADF, "... of writing, too");
	image_done(&image);
}

int main(void)
{
	unsigned int fds;

	fixture_init(&fx);
	fds = fixture_fds();
	test_whole();
	test_name_with_hash();
	test_not_a_file();
	test_partitions(512);
	test_partitions(4096);
	test_damaged();
	test_many_entries();
	test_read_write();
	is_int(fixture_fds(), fds, "no descriptor is left open");
	return tap_done();
}
