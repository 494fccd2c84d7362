/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * pump.c - a few threads, each of which takes the next piece, reads, encrypts and writes it.
 * Trusts its caller about the ranges. A piece is small enough to stay in a core's cache on its
 * way; other threads use the processor and the disk while one waits for the other of these.
 */
#include "owner/disk/pump.h"

#include <fcntl.h>
#include <linux/magic.h>
#include <poll.h>
#include <pthread.h>
#include <stdatomic.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/vfs.h>

#include "base/io.h"
#include "owner/disk/image.h"

#define PIECE (256 * 1024)	  /* bytes */
#define WINDOW (32 * 1024 * 1024) /* bytes: reserved at once, and written back at once */
#define THREADS_MAX 64
#define TICK_MS 250

struct state {
	const struct pump *pump;
	pthread_mutex_t lock;
	size_t range;  /* of the next piece */
	uint64_t at;   /* in it */
	int error;     /* the first one, or 0 */
	bool reading;  /* what failed */
	bool reserves; /* blocks before it writes them */
	unsigned int running;
	atomic_uint_fast64_t done;
	uint64_t total;
	int end_fd; /* eventfd: the last thread ends */
};

static bool next_piece(struct state *s, struct pump_range *ret_piece)
{
	const struct pump_range *range;
	bool more = false;

	(void)pthread_mutex_lock(&s->lock); /* an ordinary mutex: cannot fail */
	while (s->error == 0 && s->range < s->pump->nr_ranges && !more) {
		range = &s->pump->ranges[s->range];
		if (s->at == range->len) {
			s->range++;
			s->at = 0;
			continue;
		}
		*ret_piece = *range;
		ret_piece->src += s->at;
		ret_piece->dst += s->at;
		ret_piece->len = range->len - s->at < PIECE ? range->len - s->at : PIECE;
		s->at += ret_piece->len;
		more = true;
	}
	(void)pthread_mutex_unlock(&s->lock);
	return more;
}

static void fail(struct state *s, int r, bool reading)
{
	(void)pthread_mutex_lock(&s->lock);
	if (s->error == 0) {
		s->error = r;
		s->reading = reading;
	}
	(void)pthread_mutex_unlock(&s->lock);
}

/* True if the piece is a hole of the source, so that it can be one of the target. */
static bool is_hole(const struct state *s, const struct pump_range *piece)
{
	off_t data = lseek(s->pump->src_fd, (off_t)piece->src, SEEK_DATA);

	return data < 0 ? errno == ENXIO : (uint64_t)data >= piece->src + piece->len;
}

/* The encrypted range that a piece is of; it begins at byte 0 of the volume. */
static const struct pump_range *range_of(const struct state *s, const struct pump_range *piece)
{
	const struct pump_range *range = s->pump->ranges;

	while (!range->encrypt || piece->dst < range->dst || piece->dst - range->dst >= range->len)
		range++; /* next_piece() has cut the piece from one */
	return range;
}

/* Blocks that come many at a time are cheaper for the file system, and lie together; but tmpfs
 * fills them with zeros. Only a hint: not all can, and writing reports what is wrong. */
static void reserve(const struct state *s, const struct pump_range *range, uint64_t at)
{
	uint64_t rest = range->len - at;

	if (s->reserves && at % WINDOW == 0)
		(void)fallocate(s->pump->dst_fd, 0, (off_t)(range->dst + at),
				(off_t)(rest < WINDOW ? rest : WINDOW));
}

static int encrypt_piece(struct state *s, struct xts *xts, unsigned char *buf,
			 const struct pump_range *piece)
{
	const struct pump_range *range = range_of(s, piece);
	uint64_t at = piece->dst - range->dst;

	reserve(s, range, at);
	return xts_encrypt(xts, buf, piece->len, at, s->pump->sector_size);
}

static int move_piece(struct state *s, struct xts *xts, unsigned char *buf,
		      const struct pump_range *piece)
{
	const struct pump *pump = s->pump;
	int r;

	if (!piece->encrypt && is_hole(s, piece))
		return 0;
	r = io_read_at(pump->src_fd, buf, piece->len, piece->src);
	if (r < 0) {
		fail(s, r, true);
		return r;
	}
	if (piece->encrypt)
		r = encrypt_piece(s, xts, buf, piece);
	if (r >= 0)
		r = io_write_at(pump->dst_fd, buf, piece->len, piece->dst);
	if (r < 0)
		fail(s, r, false);
	return r;
}

static void count(struct state *s, const struct pump_range *piece)
{
	uint64_t before = atomic_fetch_add(&s->done, piece->len);

	/* Only a hint: what is not written now is written by the caller's fsync(). */
	if (before / WINDOW != (before + piece->len) / WINDOW)
		(void)sync_file_range(s->pump->dst_fd, 0, 0, SYNC_FILE_RANGE_WRITE);
}

static void *work(void *data)
{
	struct state *s = data;
	struct pump_range piece = { 0 };
	struct xts *xts = NULL;
	unsigned char *buf =
		mmap(NULL, PIECE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	int r = 0;

	if (buf == MAP_FAILED)
		fail(s, -ENOMEM, false);
	if (s->pump->key)
		r = xts_new(s->pump->key, &xts);
	if (r < 0)
		fail(s, r, false);
	while (next_piece(s, &piece) && move_piece(s, xts, buf, &piece) >= 0)
		count(s, &piece);
	xts_free(xts);
	if (buf != MAP_FAILED)
		(void)munmap(buf, PIECE); /* held the plain data of the image, nothing secret */
	(void)pthread_mutex_lock(&s->lock);
	s->running--;
	if (s->running == 0)
		(void)eventfd_write(s->end_fd, 1); /* cannot fail: it counts to 1 */
	(void)pthread_mutex_unlock(&s->lock);
	return NULL;
}

static unsigned int count_threads(const struct pump *pump)
{
	long cores = sysconf(_SC_NPROCESSORS_ONLN);

	if (pump->threads > 0)
		return pump->threads < THREADS_MAX ? pump->threads : THREADS_MAX;
	return cores < 1 ? 1 : cores < THREADS_MAX ? (unsigned int)cores : THREADS_MAX;
}

/* Waits for the end or for a cancel, which ends all threads after their piece. */
static void watch(struct state *s)
{
	struct pollfd fds[] = {
		{ .fd = s->end_fd, .events = POLLIN },
		{ .fd = s->pump->cancel_fd, .events = POLLIN },
	};
	int n;

	for (;;) {
		n = poll(fds, ARRAY_SIZE(fds), TICK_MS);
		if (n > 0 && fds[0].revents)
			return;
		if (n > 0 && fds[1].revents) {
			fail(s, -ECANCELED, false);
			fds[1].fd = -1;
		}
		if (s->pump->progress)
			s->pump->progress(s->pump->data, atomic_load(&s->done), s->total);
	}
}

int pump_run(const struct pump *pump, bool *ret_reading)
{
	_cleanup_close_ int end_fd = eventfd(0, EFD_CLOEXEC);
	struct state s = { .pump = pump, .lock = PTHREAD_MUTEX_INITIALIZER, .end_fd = end_fd };
	unsigned int wanted = count_threads(pump), nr, i;
	pthread_t threads[THREADS_MAX];
	struct statfs fs;
	int r;

	if (end_fd < 0)
		return -errno;
	for (i = 0; i < pump->nr_ranges; i++)
		s.total += pump->ranges[i].len;
	(void)posix_fadvise(pump->src_fd, 0, 0, POSIX_FADV_SEQUENTIAL); /* only a hint */
	s.reserves = fstatfs(pump->dst_fd, &fs) == 0 && fs.f_type != TMPFS_MAGIC;
	if (pump->progress)
		pump->progress(pump->data, 0, s.total);
	s.running = wanted;
	for (nr = 0; nr < wanted; nr++)
		if (pthread_create(&threads[nr], NULL, work, &s) != 0)
			break;
	/* Fewer will do; without any, this one does the work. */
	(void)pthread_mutex_lock(&s.lock);
	s.running -= wanted - nr;
	if (nr == 0)
		s.running = 1;
	else if (s.running == 0)
		(void)eventfd_write(end_fd, 1); /* cannot fail: it counts to 2 */
	(void)pthread_mutex_unlock(&s.lock);
	if (nr == 0)
		(void)work(&s);
	if (pump->meanwhile) {
		r = pump->meanwhile(pump->data);
		if (r < 0)
			fail(&s, r, false);
	}
	watch(&s);
	for (i = 0; i < nr; i++)
		(void)pthread_join(threads[i], NULL); /* they have all ended */
	if (s.error == 0 && pump->progress)
		pump->progress(pump->data, atomic_load(&s.done), s.total);
	if (s.error != 0)
		*ret_reading = s.reading;
	return s.error;
}
