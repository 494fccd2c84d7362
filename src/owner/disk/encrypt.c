/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * encrypt.c - plans where each byte of an image goes, has it done, and looks at the result.
 * Trusts the image's owner. Writes to the given new file only; never to the image.
 */
#include "owner/disk/encrypt.h"

#include <string.h>
#include <sys/statvfs.h>

#include "base/digest.h"
#include "base/io.h"
#include "owner/disk/header.h"
#include "owner/disk/partition.h"
#include "owner/disk/pump.h"

#define SAMPLE (64 * 1024) /* bytes */
#define SAMPLES 8	   /* places, the first and the last included */

struct plan {
	struct pump_range ranges[3];
	size_t nr;
	uint64_t total; /* bytes of the new file */
};

/* What is before the part stays, the part goes behind its new header, the rest behind that. */
static struct plan make_plan(const struct image *image)
{
	uint64_t end = image->offset + image->size;
	struct plan plan = { .total = image->total + NEWHEADER_SIZE };

	if (image->offset > 0)
		plan.ranges[plan.nr++] = (struct pump_range){ .len = image->offset };
	plan.ranges[plan.nr++] = (struct pump_range){
		.src = image->offset,
		.dst = image->offset + NEWHEADER_SIZE,
		.len = image->size,
		.encrypt = true,
	};
	if (end < image->total)
		plan.ranges[plan.nr++] = (struct pump_range){
			.src = end,
			.dst = end + NEWHEADER_SIZE,
			.len = image->total - end,
		};
	return plan;
}

int encrypt_check(const struct encrypt *e, struct fault *f)
{
	const struct image *image = &e->image;
	struct statvfs fs;
	uint64_t total;

	if (image->size % 512 != 0)
		return filesystem_refuse_rest(image, 512, f);
	if (image->partition && partition_check_growth(image, NEWHEADER_SIZE, f) < 0)
		return -EINVAL;
	if (__builtin_add_overflow(image->total, NEWHEADER_SIZE, &total) || total > INT64_MAX)
		return fault_about(f, EXITCODE_BAD_INPUT, image->path, "give a real image",
				   "it is too large");
	/* Holes of what is only copied need no room. */
	if (fstatvfs(e->out_fd, &fs) == 0 &&
	    image->size + NEWHEADER_SIZE > (uint64_t)fs.f_bavail * fs.f_frsize)
		return fault_io(f, e->out, -ENOSPC, "cannot write");
	return 0;
}

/* One run: what the pump's callbacks need, and how the header's making ended. */
struct run {
	const struct encrypt *e;
	struct newheader header;
	struct fault *fault; /* filled if the header cannot be made */
};

static int make_header(void *data)
{
	struct run *run = data;
	const struct encrypt *e = run->e;
	int r;

	r = newheader_make(&run->header, e->passphrase, e->kdf, e->sector_size, e->image.size,
			   run->fault);
	return r < 0 ? r : newheader_write(&run->header, e->out_fd, e->image.offset);
}

static void show_progress(void *data, uint64_t done, uint64_t total)
{
	const struct run *run = data;

	run->e->progress(run->e->data, done, total);
}

static int move_failed(const struct run *run, int r, bool reading, struct fault *f)
{
	const struct encrypt *e = run->e;

	if (f->code != EXITCODE_OK) /* the header */
		return fault_name(f, r, e->out);
	if (r == -ECANCELED)
		return fault_about(f, EXITCODE_REFUSED, e->image.path, "start it again",
				   "interrupted; the image is as it was");
	if (r == -ENODATA && reading)
		return fault_about(f, EXITCODE_IO, e->image.path,
				   "see to it that nobody else uses the image",
				   "it has become shorter meanwhile");
	return fault_io(f, reading ? e->image.path : e->out, r,
			reading ? "cannot read" : "cannot write");
}

/* The header is made while the data move: its key is there from the beginning. */
static int move_all(struct run *run, const struct plan *plan, struct fault *f)
{
	const struct encrypt *e = run->e;
	const struct pump pump = {
		.src_fd = e->image.fd,
		.dst_fd = e->out_fd,
		.ranges = plan->ranges,
		.nr_ranges = plan->nr,
		.key = &run->header.key,
		.sector_size = e->sector_size,
		.cancel_fd = e->cancel_fd,
		.meanwhile = make_header,
		.progress = e->progress ? show_progress : NULL,
		.data = run,
	};
	bool reading = false;
	int r;

	if (ftruncate(e->out_fd, (off_t)plan->total) < 0)
		return fault_io(f, e->out, -errno, "cannot write");
	r = pump_run(&pump, &reading);
	return r < 0 ? move_failed(run, r, reading, f) : 0;
}

/* The key that the written header gives, as a boot would take it. */
static int open_header(const struct encrypt *e, const struct image *out, struct secret *ret_key,
		       char *ret_uuid, struct fault *f)
{
	_cleanup_(luksheader_done) struct luksheader header = LUKSHEADER_NULL;
	_cleanup_free_ struct conf *conf = malloc(sizeof(*conf));
	int r;

	if (!conf)
		return fault_io(f, e->out, -ENOMEM, "cannot check");
	conf_defaults(conf);
	r = luksheader_take(out, conf, &conf->volumes[0], &header, f);
	if (r >= 0)
		r = luksheader_open(&header, e->passphrase, ret_key, f);
	if (r < 0)
		return fault_name(f, r, e->out);
	memcpy(ret_uuid, header.verdict.uuid, sizeof(header.verdict.uuid));
	return 0;
}

static int compare_sample(const struct encrypt *e, const struct image *out, struct xts *xts,
			  uint64_t at, size_t len)
{
	_cleanup_free_ unsigned char *plain = malloc(SAMPLE), *other = malloc(SAMPLE);
	int r;

	if (!plain || !other)
		return -ENOMEM;
	r = io_read_at(e->image.fd, plain, len, e->image.offset + at);
	if (r >= 0)
		r = io_read_at(out->fd, other, len, out->offset + NEWHEADER_SIZE + at);
	if (r >= 0)
		r = xts_decrypt(xts, other, len, at, e->sector_size);
	if (r >= 0 && memcmp(plain, other, len) != 0)
		r = -EBADMSG;
	return r;
}

static int compare_samples(const struct encrypt *e, const struct image *out,
			   const struct secret *key)
{
	uint64_t size = e->image.size, step = size / (SAMPLES - 1), at;
	size_t len = size < SAMPLE ? (size_t)size : SAMPLE;
	struct xts *xts = NULL;
	int r, i;

	r = xts_new(key, &xts);
	for (i = 0; i < SAMPLES && r >= 0; i++) {
		at = i == SAMPLES - 1 || step * (uint64_t)i > size - len ? size - len :
									   step * (uint64_t)i;
		at -= at % e->sector_size;
		r = compare_sample(e, out, xts, at, len);
	}
	xts_free(xts);
	return r;
}

/* Nothing is handed out that a boot would refuse. */
static int check_result(const struct encrypt *e, char *ret_uuid, struct fault *f)
{
	_cleanup_secret_ struct secret key = SECRET_NULL;
	struct image out = e->image;
	int r;

	out.fd = e->out_fd;
	out.size += NEWHEADER_SIZE;
	out.total += NEWHEADER_SIZE;
	(void)snprintf(out.path, sizeof(out.path), "%s", e->out); /* for messages: may be cut */
	r = open_header(e, &out, &key, ret_uuid, f);
	if (r < 0)
		return r;
	r = compare_samples(e, &out, &key);
	if (r == -EBADMSG)
		return fault_about(f, EXITCODE_IO, e->out,
				   "see to it that nobody else uses the image; check the disk",
				   "what was written is not what the image has now");
	return r < 0 ? fault_io(f, e->out, r, "cannot check") : 0;
}

static int run_all(struct run *run, char *ret_uuid, struct fault *f)
{
	const struct encrypt *e = run->e;
	struct plan plan = make_plan(&e->image);
	int r;

	r = fault_name(f, newheader_begin(&run->header, f), e->out);
	if (r >= 0)
		r = move_all(run, &plan, f);
	if (r >= 0 && e->image.partition)
		r = fault_name(f, partition_grow(e->out_fd, &e->image, NEWHEADER_SIZE, f), e->out);
	return r < 0 ? r : check_result(e, ret_uuid, f);
}

int encrypt_run(const struct encrypt *e, char *ret_uuid, struct fault *f)
{
	struct run run = { .e = e, .header = NEWHEADER_NULL, .fault = f };
	int r;

	r = run_all(&run, ret_uuid, f);
	newheader_done(&run.header);
	return r;
}
