/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * pump.c - every byte goes where it belongs, with any number of threads; and what stops
 * it is told.
 */
#include "owner/disk/pump.h"

#include <pthread.h>
#include <signal.h>
#include <sys/resource.h>

#include "base/io.h"
#include "fixture.h"
#include "owner/disk/image.h"
#include "tap.h"

#define KIB 1024ULL
#define SIZE (2000 * KIB) /* of the source: many pieces, and a short last one */

static struct fixture fx;
static struct secret key;
static unsigned char plain[SIZE];

static int make(const char *name, uint64_t size)
{
	char path[PATH_MAX + 16];
	int fd;

	(void)snprintf(path, sizeof(path), "%s/%s", fx.dir, name);
	fd = open(path, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	FIXTURE_MUST(fd >= 0 && ftruncate(fd, (off_t)size) == 0);
	return fd;
}

/* The source: data, and a hole from 600 to 1500 KiB. */
static int make_source(void)
{
	int fd = make("source", SIZE);
	size_t i;

	for (i = 0; i < SIZE; i++)
		plain[i] = i / KIB >= 600 && i / KIB < 1500 ? 0 : (unsigned char)(i * 7 + i / 251);
	FIXTURE_MUST(io_write_at(fd, plain, 600 * KIB, 0) == 0 &&
		     io_write_at(fd, plain + 1500 * KIB, 500 * KIB, 1500 * KIB) == 0);
	return fd;
}

struct seen {
	uint64_t done, total;
	bool falls;
};

static void see(void *data, uint64_t done, uint64_t total)
{
	struct seen *seen = data;

	seen->falls = seen->falls || done < seen->done;
	seen->done = done;
	seen->total = total;
}

static bool is_plain(const unsigned char *got, uint64_t src, uint64_t len)
{
	return memcmp(got, plain + src, len) == 0;
}

static void test_ranges(unsigned int threads, uint32_t sector_size)
{
	/* Copied 100 KiB + 1, encrypted 1800 KiB, copied rest with odd places. */
	static const struct pump_range ranges[] = {
		{ .src = 0, .dst = 0, .len = 100 * KIB + 1 },
		{ .src = 100 * KIB, .dst = 300 * KIB, .len = 1800 * KIB, .encrypt = true },
		{ .src = 1900 * KIB - 5, .dst = 2200 * KIB + 3, .len = 100 * KIB + 5 },
	};
	static unsigned char got[2400 * KIB];
	struct seen seen = { 0 };
	struct pump pump = {
		.src_fd = make_source(),
		.dst_fd = make("target", sizeof(got)),
		.ranges = ranges,
		.nr_ranges = ARRAY_SIZE(ranges),
		.key = &key,
		.sector_size = sector_size,
		.threads = threads,
		.cancel_fd = -1,
		.progress = see,
		.data = &seen,
	};
	struct xts *xts = NULL;
	bool reading;

	is_int(pump_run(&pump, &reading), 0, "%u threads, sectors of %u", threads, sector_size);
	FIXTURE_MUST(io_read_at(pump.dst_fd, got, sizeof(got), 0) == 0);
	ok(is_plain(got, 0, 100 * KIB + 1), "... copies");
	ok(is_plain(got + 2200 * KIB + 3, 1900 * KIB - 5, 100 * KIB + 5), "... to odd places, too");
	ok(!is_plain(got + 300 * KIB, 100 * KIB, 512), "... encrypts");
	ok(got[1000 * KIB] || got[1000 * KIB + 1] || got[1000 * KIB + 2], "... the hole, too");
	FIXTURE_MUST(xts_new(&key, &xts) == 0 &&
		     xts_decrypt(xts, got + 300 * KIB, 1800 * KIB, 0, sector_size) == 0);
	ok(is_plain(got + 300 * KIB, 100 * KIB, 1800 * KIB),
	   "... all of it, counted from its start");
	ok(seen.done == seen.total && seen.total == 2000 * KIB + 6 && !seen.falls,
	   "... and counts up to the end");
	xts_free(xts);
	(void)close(pump.src_fd);
	(void)close(pump.dst_fd);
}

static void test_holes_stay(void)
{
	static const struct pump_range all = { .len = SIZE };
	struct pump pump = {
		.src_fd = make_source(),
		.dst_fd = make("target", SIZE),
		.ranges = &all,
		.nr_ranges = 1,
		.cancel_fd = -1,
	};
	struct stat st;
	bool reading;

	is_int(pump_run(&pump, &reading), 0, "only copies, without a key");
	FIXTURE_MUST(fstat(pump.dst_fd, &st) == 0);
	ok(st.st_blocks * 512 < (off_t)(1700 * KIB), "... and leaves holes: %lld KiB",
	   (long long)st.st_blocks / 2);
	(void)close(pump.src_fd);
	(void)close(pump.dst_fd);
}

static void test_nothing(void)
{
	static const struct pump_range none = { .encrypt = true };
	struct pump pump = { .src_fd = -1,
			     .dst_fd = -1,
			     .ranges = &none,
			     .nr_ranges = 1,
			     .key = &key,
			     .sector_size = 512,
			     .cancel_fd = -1 };
	bool reading;

	is_int(pump_run(&pump, &reading), 0, "an empty range");
	pump.nr_ranges = 0;
	is_int(pump_run(&pump, &reading), 0, "no range");
}

static void test_short_source(void)
{
	static const struct pump_range range = { .len = SIZE + 512, .encrypt = true };
	struct pump pump = {
		.src_fd = make_source(),
		.dst_fd = make("target", 0),
		.ranges = &range,
		.nr_ranges = 1,
		.key = &key,
		.sector_size = 512,
		.cancel_fd = -1,
	};
	bool reading = false;

	is_int(pump_run(&pump, &reading), -ENODATA, "a source that is too short");
	ok(reading, "... it is the source");
	(void)close(pump.src_fd);
	(void)close(pump.dst_fd);
}

static void test_full_target(void)
{
	static const struct pump_range range = { .len = SIZE, .encrypt = true };
	const struct rlimit small = { 800 * KIB, RLIM_INFINITY };
	const struct rlimit all = { RLIM_INFINITY, RLIM_INFINITY };
	struct pump pump = {
		.src_fd = make_source(),
		.dst_fd = make("target", 0),
		.ranges = &range,
		.nr_ranges = 1,
		.key = &key,
		.sector_size = 512,
		.cancel_fd = -1,
	};
	bool reading = true;

	FIXTURE_MUST(signal(SIGXFSZ, SIG_IGN) != SIG_ERR && setrlimit(RLIMIT_FSIZE, &small) == 0);
	is_int(pump_run(&pump, &reading), -EFBIG, "a target that cannot grow");
	FIXTURE_MUST(setrlimit(RLIMIT_FSIZE, &all) == 0);
	ok(!reading, "... it is the target");
	(void)close(pump.src_fd);
	(void)close(pump.dst_fd);
}

static void test_bad_key(void)
{
	static const struct pump_range range = { .len = SIZE, .encrypt = true };
	struct pump pump = {
		.src_fd = make_source(),
		.dst_fd = make("target", 0),
		.ranges = &range,
		.nr_ranges = 1,
		.key = &key,
		.sector_size = 512,
		.cancel_fd = -1,
	};
	struct stat st;
	bool reading;

	key.len--;
	is_int(pump_run(&pump, &reading), -EINVAL, "a key that is none");
	key.len++;
	FIXTURE_MUST(fstat(pump.dst_fd, &st) == 0);
	is_int(st.st_size, 0, "... nothing is written");
	(void)close(pump.src_fd);
	(void)close(pump.dst_fd);
}

/* A source that never ends to come: a pipe's end would, so a huge hole is taken. */
static void test_cancel(void)
{
	static const struct pump_range range = { .len = 1ULL << 42, .encrypt = true };
	struct pump pump = {
		.src_fd = make("source", 1ULL << 42),
		.dst_fd = open("/dev/null", O_RDWR | O_CLOEXEC),
		.ranges = &range,
		.nr_ranges = 1,
		.key = &key,
		.sector_size = 512,
	};
	bool reading;
	int fds[2];

	FIXTURE_MUST(pipe(fds) == 0 && write(fds[1], "x", 1) == 1);
	pump.cancel_fd = fds[0];
	is_int(pump_run(&pump, &reading), -ECANCELED, "stops when it is told to");
	(void)close(fds[0]);
	(void)close(fds[1]);
	(void)close(pump.src_fd);
	(void)close(pump.dst_fd);
}

static int refuse(void *data)
{
	++*(int *)data;
	return -EPERM;
}

/* What is to be done meanwhile ends a run that would else not end. */
static void test_meanwhile(void)
{
	static const struct pump_range range = { .len = 1ULL << 42, .encrypt = true };
	int calls = 0;
	struct pump pump = {
		.src_fd = make("source", 1ULL << 42),
		.dst_fd = open("/dev/null", O_RDWR | O_CLOEXEC),
		.ranges = &range,
		.nr_ranges = 1,
		.key = &key,
		.sector_size = 512,
		.cancel_fd = -1,
		.meanwhile = refuse,
		.data = &calls,
	};
	bool reading = true;

	is_int(pump_run(&pump, &reading), -EPERM, "stops when the caller's own part fails");
	is_int(calls, 1, "... which is called once");
	ok(!reading, "... and is no failure to read");
	(void)close(pump.src_fd);
	(void)close(pump.dst_fd);
}

int main(void)
{
	unsigned int fds;
	int i;

	FIXTURE_MUST(secret_init(&key, &(struct fault){ 0 }) == 0);
	key.len = XTS_KEY_SIZE;
	for (i = 0; i < XTS_KEY_SIZE; i++)
		key.bytes[i] = (unsigned char)(i * i + 3);
	fixture_init(&fx);
	fds = fixture_fds();
	test_ranges(1, 512);
	test_ranges(2, 512);
	test_ranges(7, 4096);
	test_ranges(0, 512);
	test_ranges(1000, 512);
	test_holes_stay();
	test_nothing();
	test_short_source();
	test_full_target();
	test_bad_key();
	test_cancel();
	test_meanwhile();
	is_int(fixture_fds(), fds, "no descriptor is left open");
	secret_done(&key);
	return tap_done();
}
