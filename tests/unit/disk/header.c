/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * header.c - the copy of a header is what the disk had, each byte read once, and sealed.
 * Needs: cryptsetup
 */
#include "disk/header.h"

#include "fixture.h"
#include "inject.h"

#define DATA_OFFSET (1024 * 1024)
#define AREA_OFFSET 32768
#define AREA_SIZE 258048

static struct fixture fx;
static struct fault f;
static unsigned char disk[2 * 1024 * 1024];

static struct device open_disk(const char *path, uint64_t size)
{
	struct device device = DEVICE_NULL;

	device.fd = open(fixture_path(&fx, path), O_RDONLY | O_CLOEXEC);
	FIXTURE_MUST(device.fd >= 0);
	device.size = size;
	(void)snprintf(device.path, sizeof(device.path), "/dev/vda");
	return device;
}

static void write_disk(const char *path, uint64_t offset, const void *data, size_t len)
{
	int fd = open(fixture_path(&fx, path), O_WRONLY | O_CLOEXEC);

	FIXTURE_MUST(fd >= 0 && pwrite(fd, data, len, (off_t)offset) == (ssize_t)len);
	FIXTURE_MUST(close(fd) == 0);
}

static void restore_disk(void)
{
	fixture_put(&fx, "/vda", disk, sizeof(disk));
}

static void test_read(void)
{
	struct device device = open_disk("/vda", sizeof(disk));
	struct header header = HEADER_NULL;
	unsigned char copy[HEADER_METADATA_SIZE];

	is_int(header_read(&device, HEADER_COPY_SIZE, &header, &f), 0, "read");
	ok(memcmp(header.metadata, disk, HEADER_METADATA_SIZE) == 0, "both metadata copies");
	ok(pread(header.fd, copy, sizeof(copy), 0) == (ssize_t)sizeof(copy) &&
		   memcmp(copy, disk, sizeof(copy)) == 0,
	   "the same bytes are in the memory file");
	header_done(&header);
	ok(header.fd == -EBADF && !header.metadata, "done");
	header_done(&header);
	device_done(&device);
}

static void test_refused(void)
{
	static const struct {
		const char *what;
		const char *magic;
		uint64_t size;
		enum exitcode code;
		const char *reason;
	} cases[] = {
		{ "LUKS1", "LUKS\xba\xbe\x00\x01", 65536, EXITCODE_NOT_LUKS2,
		  "/dev/vda is LUKS version 1, not 2" },
		{ "a later LUKS", "LUKS\xba\xbe\x00\x03", 65536, EXITCODE_NOT_LUKS2,
		  "/dev/vda is LUKS version 3, not 2" },
		{ "LUKS 513", "LUKS\xba\xbe\x02\x01", 65536, EXITCODE_NOT_LUKS2,
		  "/dev/vda is LUKS version 513, not 2" },
		{ "the magic of the second copy", "SKUL\xba\xbe\x00\x02", 65536, EXITCODE_NOT_LUKS2,
		  "/dev/vda has no LUKS2 header" },
		{ "zeros", "\0\0\0\0\0\0\0\0", 65536, EXITCODE_NOT_LUKS2,
		  "/dev/vda has no LUKS2 header" },
		{ "one byte too small", "LUKS\xba\xbe\x00\x02", HEADER_METADATA_SIZE - 1,
		  EXITCODE_NOT_LUKS2, "/dev/vda is too small for a LUKS2 header" },
	};
	struct header header = HEADER_NULL;
	struct device device;
	size_t i;

	for (i = 0; i < ARRAY_SIZE(cases); i++) {
		fixture_put(&fx, "/other", "", 0);
		FIXTURE_MUST(truncate(fixture_path(&fx, "/other"), (off_t)cases[i].size) == 0);
		write_disk("/other", 0, cases[i].magic, 8);
		device = open_disk("/other", cases[i].size);
		f = (struct fault){ 0 };
		is_int(header_read(&device, HEADER_COPY_SIZE, &header, &f), -EINVAL, "refused: %s",
		       cases[i].what);
		ok(f.code == cases[i].code && strcmp(f.why, cases[i].reason) == 0, "as: %s", f.why);
		ok(header.fd < 0 && !header.metadata, "nothing is handed out");
		device_done(&device);
	}
	FIXTURE_MUST(truncate(fixture_path(&fx, "/other"), HEADER_METADATA_SIZE) == 0);
	write_disk("/other", 0, disk, HEADER_METADATA_SIZE);
	device = open_disk("/other", HEADER_METADATA_SIZE);
	is_int(header_read(&device, HEADER_COPY_SIZE, &header, &f), 0,
	       "a disk of exactly the metadata's size");
	header_done(&header);
	FIXTURE_MUST(truncate(fixture_path(&fx, "/other"), HEADER_METADATA_SIZE - 1) == 0);
	f = (struct fault){ 0 };
	is_int(header_read(&device, HEADER_COPY_SIZE, &header, &f), -ENODATA,
	       "a disk that has shrunk since");
	is_int(f.code, EXITCODE_NO_DEVICE, "is no-device");
	device_done(&device);
}

static bool sealed(int fd)
{
	const int all = F_SEAL_SEAL | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE;

	return (fcntl(fd, F_GET_SEALS) & all) == all && pwrite(fd, "x", 1, 0) < 0 &&
	       ftruncate(fd, 0) < 0 && ftruncate(fd, DATA_OFFSET * 2) < 0 &&
	       mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0) == MAP_FAILED;
}

static void test_seal(void)
{
	static const struct header_area areas[] = { { AREA_OFFSET, AREA_SIZE },
						    { AREA_OFFSET + AREA_SIZE + 4096, 4096 } };
	static unsigned char copy[DATA_OFFSET], expected[DATA_OFFSET], noise[DATA_OFFSET];
	struct device device = open_disk("/vda", sizeof(disk));
	struct header header = HEADER_NULL;
	struct stat st;

	FIXTURE_MUST(header_read(&device, HEADER_COPY_SIZE, &header, &f) == 0);
	ok(!sealed(header.fd), "premise: not sealed before");
	is_int(header_seal(&header, &device, areas, 2, DATA_OFFSET, &f), 0, "seal");
	ok(sealed(header.fd), "nobody can write, shrink, grow or unseal the copy");
	ok(fstat(header.fd, &st) == 0 && st.st_size == DATA_OFFSET,
	   "it is as long as the data offset");
	memcpy(expected, disk, HEADER_METADATA_SIZE);
	memcpy(expected + areas[0].offset, disk + areas[0].offset, areas[0].size);
	memcpy(expected + areas[1].offset, disk + areas[1].offset, areas[1].size);
	ok(pread(header.fd, copy, sizeof(copy), 0) == (ssize_t)sizeof(copy) &&
		   memcmp(copy, expected, sizeof(copy)) == 0,
	   "metadata and areas are the disk's, all else is zero");
	ok(st.st_blocks * 512 <= HEADER_METADATA_SIZE + AREA_SIZE + 3 * 4096,
	   "holes take no memory");

	memset(noise, 0xee, sizeof(noise));
	write_disk("/vda", 0, noise, sizeof(noise));
	ok(pread(header.fd, copy, sizeof(copy), 0) == (ssize_t)sizeof(copy) &&
		   memcmp(copy, expected, sizeof(copy)) == 0 &&
		   memcmp(header.metadata, disk, HEADER_METADATA_SIZE) == 0,
	   "what the disk says later changes nothing");
	header_done(&header);
	device_done(&device);
	restore_disk();
}

/* However short the single reads and writes are. */
static void test_pieces(void)
{
	static const struct header_area area = { AREA_OFFSET, AREA_SIZE };
	static unsigned char copy[AREA_OFFSET + AREA_SIZE];
	struct device device = open_disk("/vda", sizeof(disk));
	struct header header = HEADER_NULL;

	inject_piece = 777;
	is_int(header_read(&device, HEADER_COPY_SIZE, &header, &f), 0, "read in pieces");
	is_int(header_seal(&header, &device, &area, 1, DATA_OFFSET, &f), 0, "seal in pieces");
	inject_piece = 0;
	ok(memcmp(header.metadata, disk, HEADER_METADATA_SIZE) == 0, "the metadata is whole");
	ok(pread(header.fd, copy, sizeof(copy), 0) == (ssize_t)sizeof(copy) &&
		   memcmp(copy, disk, HEADER_METADATA_SIZE) == 0 &&
		   memcmp(copy + AREA_OFFSET, disk + AREA_OFFSET, AREA_SIZE) == 0,
	   "and so is the copy");
	header_done(&header);
	device_done(&device);
}

/* Reading twice would let a disk answer differently the second time. */
static void test_read_once(void)
{
	static const struct header_area area = { AREA_OFFSET, AREA_SIZE };
	static unsigned char zeros[HEADER_METADATA_SIZE];
	struct device device = open_disk("/vda", sizeof(disk));
	struct header header = HEADER_NULL;
	unsigned char copy[HEADER_METADATA_SIZE];

	FIXTURE_MUST(header_read(&device, HEADER_COPY_SIZE, &header, &f) == 0);
	write_disk("/vda", 0, zeros, sizeof(zeros));
	FIXTURE_MUST(header_seal(&header, &device, &area, 1, DATA_OFFSET, &f) == 0);
	ok(pread(header.fd, copy, sizeof(copy), 0) == (ssize_t)sizeof(copy) &&
		   memcmp(copy, disk, sizeof(copy)) == 0,
	   "sealing does not read the metadata again");
	header_done(&header);
	device_done(&device);
	restore_disk();
}

static void test_short_disk(void)
{
	const struct header_area areas[] = { { sizeof(disk) - 4096, 8192 },
					     { sizeof(disk) + 4096, 4096 } };
	struct device device = open_disk("/vda", sizeof(disk));
	size_t i;

	for (i = 0; i < ARRAY_SIZE(areas); i++) {
		struct header header = HEADER_NULL;

		f = (struct fault){ 0 };
		FIXTURE_MUST(header_read(&device, HEADER_COPY_SIZE, &header, &f) == 0);
		is_int(header_seal(&header, &device, &areas[i], 1, 4 * sizeof(disk), &f), -ENODATA,
		       "an area that reaches behind the disk's end");
		ok(f.code == EXITCODE_NO_DEVICE && !sealed(header.fd), "is no-device");
		header_done(&header);
	}
	device_done(&device);
}

static void test_failures(void)
{
	static const struct header_area area = { AREA_OFFSET, AREA_SIZE };
	static const struct {
		enum inject_call call;
		int error;
		enum exitcode code;
	} reading[] = {
		{ INJECT_PREAD, EIO, EXITCODE_NO_DEVICE },
		{ INJECT_MEMFD_CREATE, EMFILE, EXITCODE_INTERNAL },
		{ INJECT_PWRITE, ENOSPC, EXITCODE_NO_MEMORY },
	}, sealing[] = {
		{ INJECT_SENDFILE, EIO, EXITCODE_NO_DEVICE },
		{ INJECT_SENDFILE, ENOMEM, EXITCODE_NO_MEMORY },
		{ INJECT_LSEEK, EINVAL, EXITCODE_NO_DEVICE },
		{ INJECT_FTRUNCATE, EINVAL, EXITCODE_INTERNAL },
		{ INJECT_FCNTL, EPERM, EXITCODE_INTERNAL },
	};
	struct device device = open_disk("/vda", sizeof(disk));
	struct header header = HEADER_NULL;
	size_t i;

	for (i = 0; i < ARRAY_SIZE(reading); i++) {
		f = (struct fault){ 0 };
		inject_failure(reading[i].call, 1, reading[i].error);
		is_int(header_read(&device, HEADER_COPY_SIZE, &header, &f), -reading[i].error,
		       "reading: %s fails", inject_names[reading[i].call]);
		is_str(exitcode_name(f.code), exitcode_name(reading[i].code), "with this code");
		ok(inject.hit && header.fd < 0 && !header.metadata, "nothing is handed out");
	}
	inject_failure(INJECT_PREAD, 1, EINTR);
	f = (struct fault){ 0 };
	ok(header_read(&device, HEADER_COPY_SIZE, &header, &f) == 0 && inject.hit,
	   "a signal while reading is harmless");
	header_done(&header);
	inject_failure(INJECT_PWRITE, 1, EINTR);
	ok(header_read(&device, HEADER_COPY_SIZE, &header, &f) == 0 && inject.hit,
	   "a signal while writing, too");
	header_done(&header);
	for (i = 0; i < ARRAY_SIZE(sealing); i++) {
		f = (struct fault){ 0 };
		FIXTURE_MUST(header_read(&device, HEADER_COPY_SIZE, &header, &f) == 0);
		inject_failure(sealing[i].call, 1, sealing[i].error);
		is_int(header_seal(&header, &device, &area, 1, DATA_OFFSET, &f), -sealing[i].error,
		       "sealing: %s fails with %s", inject_names[sealing[i].call],
		       strerror(sealing[i].error));
		ok(inject.hit && f.code == sealing[i].code, "as %s", exitcode_name(f.code));
		inject_failure(INJECT_NONE, 0, 0);
		header_done(&header);
	}
	FIXTURE_MUST(header_read(&device, HEADER_COPY_SIZE, &header, &f) == 0);
	inject_failure(INJECT_SENDFILE, 1, EINTR);
	ok(header_seal(&header, &device, &area, 1, DATA_OFFSET, &f) == 0 && inject.hit,
	   "a signal while sealing is harmless");
	header_done(&header);
	device_done(&device);
}

int main(void)
{
	int fd;

	fixture_init(&fx);
	fixture_luks(&fx, "/vda", "key", "");
	fd = open(fixture_path(&fx, "/vda"), O_RDONLY | O_CLOEXEC);
	FIXTURE_MUST(fd >= 0 && read(fd, disk, sizeof(disk)) == (ssize_t)sizeof(disk));
	FIXTURE_MUST(close(fd) == 0);
	test_read();
	test_refused();
	test_seal();
	test_pieces();
	test_read_once();
	test_short_disk();
	test_failures();
	fixture_done(&fx);
	return tap_done();
}
