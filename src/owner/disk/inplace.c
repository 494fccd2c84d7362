/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * inplace.c - libcryptsetup's reencryption with data shift, and the steps around it.
 * Trusts the disk's owner. Longer than other files, to have all that a crash can leave in one
 * place. At any point the plain data are on the disk, or the header that
 * says how far they are encrypted is, on the disk or in the backup:
 *
 *  1. a file gets 32 MiB longer: behind the file system there is room
 *  2. libcryptsetup makes the header in the backup, and copies the first 16 MiB of the disk to
 *     its end; the backup gets its name when both are synced
 *  3. the header goes from the backup to the front of the disk; synced; the backup goes
 *  4. libcryptsetup moves and encrypts from the end to the front, and keeps the count
 *  5. a file loses the last 16 MiB again, which nothing uses
 *
 * The last part of step 4 is not left to libcryptsetup if it was interrupted there: its recovery
 * (2.6) wipes the part that was moved first, from which it encrypts, before it notes that all is
 * done. Killed then, it would encrypt what it has wiped. Here the part is encrypted once more, a
 * new header of the same volume waits in the backup, goes to the disk, and then all is wiped.
 */
#include "owner/disk/inplace.h"

#include <fcntl.h>
#include <json-c/json.h>
#include <libcryptsetup.h>
#include <poll.h>
#include <string.h>
#include <sys/random.h>

#include "base/io.h"
#include "base/paths.h"
#include "base/text.h"
#include "owner/disk/filesystem.h"
#include "owner/disk/header.h"
#include "owner/disk/xts.h"
#include "owner/io/file.h"
#include "volume/volume.h"

#define ROOM (2 * NEWHEADER_SIZE) /* bytes: for the header, and for the part that is moved first */
/* Bytes of the whole disk: in a smaller one, libcryptsetup would encrypt the part that was moved
 * first into itself, and what is killed there is lost. */
#define LEAST (ROOM + NEWHEADER_SIZE)
#define SECTOR 512
#define BLOCK 4096
#define FD_PATH_SIZE 32

/* LUKS2 spec, 2.1: in the binary header. */
#define MAGIC_SIZE 8
#define UUID_BEGIN 168
#define UUID_END 208

static void crypt_freep(struct crypt_device **cd)
{
	crypt_free(*cd); /* takes NULL */
}

static int library(const char *path, const char *doing, int r, struct fault *f)
{
	return fault_about(f, r == -EPERM ? EXITCODE_REFUSED : EXITCODE_IO, path,
			   r == -EPERM ? "give the secret of the first run with --secret" :
					 "check the disk; the same command goes on",
			   "libcryptsetup cannot %s: %s", doing,
			   r == -EPERM ? "this secret opens no keyslot" : strerror(-r));
}

/* Whoever reads and writes here is the only one: libcryptsetup opens a device by itself. */
static int open_disk(const struct inplace *p, struct image *ret_image, struct fault *f)
{
	int r = image_open(p->path, true, ret_image, f);

	if (r >= 0 && ret_image->partition) {
		image_done(ret_image);
		return fault_about(f, EXITCODE_REFUSED, p->path,
				   "write a new image, without --in-place",
				   "a partition of an image has no room to grow in place");
	}
	return r;
}

/* Returns 1 if the file or device has a LUKS2 header, and what reencryption says about it. */
static int look_at_header(const char *path, crypt_reencrypt_info *ret_info)
{
	_cleanup_(crypt_freep) struct crypt_device *cd = NULL;

	volume_init_library();
	if (crypt_init(&cd, path) < 0 || crypt_load(cd, CRYPT_LUKS2, NULL) < 0)
		return 0;
	*ret_info = crypt_reencrypt_status(cd, NULL);
	return 1;
}

/* True if the front of the disk is a header of the same volume, whatever comes behind it. */
static bool is_same_volume(const struct image *image, int backup_fd)
{
	unsigned char ours[UUID_END], theirs[UUID_END];

	return io_read_at(image->fd, theirs, UUID_END, 0) == 0 &&
	       io_read_at(backup_fd, ours, UUID_END, 0) == 0 &&
	       memcmp(ours, theirs, MAGIC_SIZE) == 0 &&
	       memcmp(ours + UUID_BEGIN, theirs + UUID_BEGIN, UUID_END - UUID_BEGIN) == 0;
}

/* Each block of the front is still plain, and then it is at the end, too; or it is the header's
 * already. Anything else is no disk that this backup was made for. */
static int is_of_backup(const struct image *image, int backup_fd)
{
	unsigned char front[BLOCK], header[BLOCK], end[BLOCK];
	uint64_t at;
	int r;

	if (is_same_volume(image, backup_fd))
		return 1;
	if (image->total < ROOM)
		return 0;
	for (at = 0; at < NEWHEADER_SIZE; at += BLOCK) {
		r = io_read_at(image->fd, front, BLOCK, at);
		if (r >= 0)
			r = io_read_at(backup_fd, header, BLOCK, at);
		if (r >= 0)
			r = io_read_at(image->fd, end, BLOCK, image->total - NEWHEADER_SIZE + at);
		if (r < 0)
			return r == -ENODATA ? 0 : r;
		if (memcmp(front, header, BLOCK) != 0 && memcmp(front, end, BLOCK) != 0)
			return 0;
	}
	return 1;
}

/* Returns 1 if there is one, with what its header says. */
static int look_at_backup(const struct inplace *p, const struct image *image,
			  crypt_reencrypt_info *ret_info, struct fault *f)
{
	_cleanup_close_ int fd = open(p->backup, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
	int r;

	if (fd < 0 && errno == ENOENT)
		return 0;
	if (fd < 0)
		return fault_io(f, p->backup, -errno, "cannot read");
	r = look_at_header(p->backup, ret_info) ? is_of_backup(image, fd) : 0;
	if (r < 0)
		return fault_io(f, p->path, r, "cannot read");
	if (r == 0)
		return fault_about(f, EXITCODE_REFUSED, p->backup,
				   "remove it if the disk was replaced since, else name another one "
				   "with --backup",
				   "it is there, and not the header that was made for %s", p->path);
	return 1;
}

int inplace_look(const struct inplace *p, enum inplace_state *ret_state, struct fault *f)
{
	_cleanup_image_ struct image image = IMAGE_NULL;
	crypt_reencrypt_info info = CRYPT_REENCRYPT_NONE;
	struct filesystem fs;
	int r;

	r = open_disk(p, &image, f);
	if (r >= 0)
		r = look_at_backup(p, &image, &info, f);
	if (r < 0)
		return r;
	if (r > 0) {
		*ret_state = info == CRYPT_REENCRYPT_NONE ? INPLACE_LAST : INPLACE_PREPARED;
		return 0;
	}
	if (look_at_header(p->path, &info)) {
		if (info == CRYPT_REENCRYPT_INVALID)
			return fault_about(f, EXITCODE_REFUSED, p->path,
					   "look at it with cryptsetup",
					   "its reencryption is in a state that is not known");
		*ret_state = info == CRYPT_REENCRYPT_NONE ? INPLACE_ENCRYPTED : INPLACE_RUNNING;
		return 0;
	}
	r = filesystem_look(&image, &fs, f);
	if (r >= 0)
		*ret_state = INPLACE_PLAIN;
	return r;
}

/* Step 1. A run that was interrupted here has made the room already. */
static int make_room(const struct inplace *p, uint32_t *ret_sector_size, struct fault *f)
{
	_cleanup_image_ struct image image = IMAGE_NULL;
	struct filesystem fs;
	uint64_t total;
	int r;

	r = open_disk(p, &image, f);
	if (r >= 0)
		r = filesystem_look(&image, &fs, f);
	if (r < 0)
		return r;
	*ret_sector_size = p->sector_size ? p->sector_size : filesystem_sector_size(&fs, &image);
	if (image.size % *ret_sector_size != 0)
		return fault_about(f, EXITCODE_BAD_INPUT, p->path,
				   "fill it up with zeros (truncate)",
				   "its size is no multiple of %u bytes", *ret_sector_size);
	if (fs.size > 0 && image.size - fs.size >= ROOM && image.size >= LEAST)
		return 0;
	if (image.block)
		return fault_about(f, EXITCODE_REFUSED, p->path,
				   "make its file system smaller by 32 MiB (as resize2fs does), or its "
				   "partition larger",
				   "the last 32 MiB of the device must be free, and %s",
				   fs.size ? "its file system has them" :
					     "nothing says how large its file system is");
	total = image.total + ROOM < LEAST ? LEAST : image.total + ROOM;
	if (ftruncate(image.fd, (off_t)total) < 0 || fsync(image.fd) < 0)
		return fault_io(f, p->path, -errno, "cannot make it longer");
	return 0;
}

/* The header with a keyslot, and the reencryption in it; moves the disk's front to its end. */
static int make_header(const struct inplace *p, const char *header_path, uint32_t sector_size)
{
	_cleanup_(crypt_freep) struct crypt_device *cd = NULL;
	const struct crypt_params_luks2 luks2 = { .sector_size = sector_size };
	const struct crypt_params_reencrypt params = {
		.mode = CRYPT_REENCRYPT_ENCRYPT,
		.direction = CRYPT_REENCRYPT_BACKWARD,
		.resilience = "datashift",
		.hash = "sha256",
		.data_shift = NEWHEADER_SIZE / SECTOR,
		.luks2 = &luks2,
		.flags = CRYPT_REENCRYPT_INITIALIZE_ONLY | CRYPT_REENCRYPT_MOVE_FIRST_SEGMENT,
	};
	int r;

	volume_init_library();
	r = crypt_init_data_device(&cd, header_path, p->path);
	if (r >= 0)
		r = newheader_format(cd, NULL, p->passphrase, p->kdf, sector_size, NULL);
	if (r >= 0)
		r = crypt_reencrypt_init_by_passphrase(cd, NULL, (const char *)p->passphrase->bytes,
						       p->passphrase->len, CRYPT_ANY_SLOT, r, "aes",
						       "xts-plain64", &params);
	return r < 0 ? r : 0;
}

/* Step 2. */
static int prepare(const struct inplace *p, struct fault *f)
{
	_cleanup_file_out_ struct file_out file = FILE_OUT_NULL;
	_cleanup_image_ struct image image = IMAGE_NULL;
	char path[FD_PATH_SIZE];
	uint32_t sector_size;
	int r;

	r = make_room(p, &sector_size, f);
	if (r >= 0)
		r = file_out_create(p->backup, false, &file, f);
	if (r < 0)
		return r;
	if (ftruncate(file.fd, NEWHEADER_SIZE) < 0)
		return fault_io(f, p->backup, -errno, "cannot write");
	(void)snprintf(path, sizeof(path), PATH_SELF_FD, file.fd); /* fits */
	r = make_header(p, path, sector_size);
	if (r < 0)
		return library(p->path, "begin", r, f);
	r = open_disk(p, &image, f);
	if (r < 0)
		return r;
	if (fsync(image.fd) < 0)
		return fault_io(f, p->path, -errno, "cannot write");
	return file_out_commit(&file, 1, f);
}

/* For good, before the header on the disk begins to differ from it. */
static int remove_backup(const struct inplace *p, struct fault *f)
{
	const char *slash = strrchr(p->backup, '/');
	_cleanup_free_ char *dir =
		slash ? strndup(p->backup, (size_t)(slash - p->backup) + 1) : strdup(".");
	_cleanup_close_ int fd = dir ? open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC) : -EBADF;

	if (fd < 0 || unlink(p->backup) < 0 || fsync(fd) < 0)
		return fault_io(f, p->backup, -errno, "cannot remove");
	return 0;
}

/* It can be done again. */
static int copy_header(const struct inplace *p, struct fault *f)
{
	_cleanup_image_ struct image image = IMAGE_NULL;
	_cleanup_close_ int fd = -EBADF;
	unsigned char buf[BLOCK];
	uint64_t at;
	int r;

	r = open_disk(p, &image, f);
	if (r < 0)
		return r;
	fd = open(p->backup, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return fault_io(f, p->backup, -errno, "cannot read");
	for (at = 0; at < NEWHEADER_SIZE && r >= 0; at += BLOCK) {
		r = io_read_at(fd, buf, BLOCK, at);
		if (r >= 0)
			r = io_write_at(image.fd, buf, BLOCK, at);
	}
	if (r >= 0 && fsync(image.fd) < 0)
		r = -errno;
	return r < 0 ? fault_io(f, p->path, r, "cannot write the header") : 0;
}

/* Step 3. */
static int put_header(const struct inplace *p, struct fault *f)
{
	int r = copy_header(p, f);

	return r < 0 ? r : remove_backup(p, f);
}

struct watch {
	const struct inplace *p;
	bool cancelled;
};

/* libcryptsetup stops, in a clean state, when this is not 0. */
static int watch(uint64_t size, uint64_t offset, void *data)
{
	struct watch *w = data;
	struct pollfd fd = { .fd = w->p->cancel_fd, .events = POLLIN };

	if (w->p->progress)
		w->p->progress(w->p->data, offset < size ? offset : size, size);
	w->cancelled = w->cancelled || poll(&fd, 1, 0) > 0;
	return w->cancelled;
}

static int open_library(const struct inplace *p, struct crypt_device **ret_cd)
{
	_cleanup_(crypt_freep) struct crypt_device *cd = NULL;
	int r;

	volume_init_library();
	r = crypt_init(&cd, p->path);
	if (r >= 0)
		r = crypt_load(cd, CRYPT_LUKS2, NULL);
	if (r >= 0)
		*ret_cd = TAKE_PTR(cd);
	return r;
}

static int continue_with(const struct inplace *p, struct crypt_device *cd, uint32_t flags)
{
	const struct crypt_params_reencrypt params = { .flags = flags };

	return crypt_reencrypt_init_by_passphrase(cd, NULL, (const char *)p->passphrase->bytes,
						  p->passphrase->len, CRYPT_ANY_SLOT,
						  CRYPT_ANY_SLOT, NULL, NULL, &params);
}

/* What was being written when the last run died is written again. */
static int recover(const struct inplace *p)
{
	_cleanup_(crypt_freep) struct crypt_device *cd = NULL;
	int r = open_library(p, &cd);

	if (r >= 0 && crypt_reencrypt_status(cd, NULL) == CRYPT_REENCRYPT_CRASH)
		r = continue_with(p, cd, CRYPT_REENCRYPT_RECOVERY);
	return r < 0 ? r : 0;
}

/* The segments, as far as they matter at the end. */
struct last_part {
	bool complete;	       /* all is encrypted, only the notes are still there */
	bool interrupted;      /* in the part that was moved first, which is encrypted last */
	uint64_t offset, size; /* bytes: where it is, not encrypted */
};

static uint64_t number(struct json_object *segment, const char *key)
{
	struct json_object *value = NULL;
	uint64_t n = 0;

	if (json_object_object_get_ex(segment, key, &value) &&
	    text_u64(json_object_get_string(value), INT64_MAX, &n) < 0)
		return 0;
	return n;
}

static bool has_flag(struct json_object *segment, const char *name)
{
	struct json_object *flags = NULL;
	size_t i;

	if (!json_object_object_get_ex(segment, "flags", &flags))
		return false;
	for (i = 0; i < json_object_array_length(flags); i++)
		if (strcmp(json_object_get_string(json_object_array_get_idx(flags, i)), name) == 0)
			return true;
	return false;
}

/* libcryptsetup has loaded the header, so it has the members that each segment must have. */
static struct last_part find_last_part(struct crypt_device *cd)
{
	struct json_object *root = NULL, *segments = NULL, *first = NULL, *type = NULL;
	struct last_part last = { 0 };
	const char *text = NULL;

	if (crypt_dump_json(cd, &text, 0) == 0)
		root = json_tokener_parse(text);
	if (root && json_object_object_get_ex(root, "segments", &segments) &&
	    json_object_object_get_ex(segments, "0", &first) &&
	    json_object_object_get_ex(first, "type", &type) &&
	    strcmp(json_object_get_string(type), "crypt") == 0 &&
	    number(first, "offset") == NEWHEADER_SIZE && number(first, "iv_tweak") == 0) {
		json_object_object_foreach(segments, id, segment) {
			(void)id;
			if (!has_flag(segment, "backup-moved-segment"))
				continue;
			last.offset = number(segment, "offset");
			last.size = number(segment, "size");
		}
		last.interrupted = has_flag(first, "in-reencryption") && last.size > 0 &&
				   last.size <= NEWHEADER_SIZE;
		last.complete = !json_object_object_get_ex(first, "flags", NULL);
	}
	json_object_put(root); /* takes NULL */
	return last;
}

/* Encrypts it from where it still is plain to its place, the first of the data. */
static int encrypt_last(const struct inplace *p, struct crypt_device *cd, const struct secret *key,
			const struct last_part *last, struct fault *f)
{
	_cleanup_image_ struct image image = IMAGE_NULL;
	unsigned char buf[BLOCK];
	struct xts *xts = NULL;
	uint64_t at;
	int r;

	r = open_disk(p, &image, f);
	if (r < 0)
		return r;
	r = xts_new(key, &xts);
	for (at = 0; at < last->size && r >= 0; at += BLOCK) {
		r = io_read_at(image.fd, buf, BLOCK, last->offset + at);
		if (r >= 0)
			r = xts_encrypt(xts, buf, BLOCK, at, (uint32_t)crypt_get_sector_size(cd));
		if (r >= 0)
			r = io_write_at(image.fd, buf, BLOCK, NEWHEADER_SIZE + at);
	}
	xts_free(xts);
	if (r >= 0 && fsync(image.fd) < 0)
		r = -errno;
	return r < 0 ? fault_io(f, p->path, r, "cannot encrypt the last part") : 0;
}

/* A new header for the same volume, in the backup. */
static int make_last_header(const struct inplace *p, struct crypt_device *cd,
			    const struct secret *key, struct fault *f)
{
	_cleanup_file_out_ struct file_out file = FILE_OUT_NULL;
	char path[FD_PATH_SIZE];
	int r;

	r = file_out_create(p->backup, false, &file, f);
	if (r < 0)
		return r;
	if (ftruncate(file.fd, NEWHEADER_SIZE + NEWHEADER_SPACE) < 0)
		return fault_io(f, p->backup, -errno, "cannot write");
	(void)snprintf(path, sizeof(path), PATH_SELF_FD, file.fd); /* fits */
	r = newheader_renew(path, cd, p->passphrase, p->kdf, key);
	if (r < 0)
		return library(p->path, "make the last header", r, f);
	if (ftruncate(file.fd, NEWHEADER_SIZE) < 0)
		return fault_io(f, p->backup, -errno, "cannot write");
	return file_out_commit(&file, 1, f);
}

/* The last 16 MiB have had plain data, and nothing needs them. */
static int wipe_end(const struct inplace *p, struct fault *f)
{
	_cleanup_image_ struct image image = IMAGE_NULL;
	unsigned char buf[BLOCK];
	uint64_t at;
	int r;

	r = open_disk(p, &image, f);
	if (r < 0)
		return r;
	for (at = 0; at < NEWHEADER_SIZE && r >= 0; at += BLOCK) {
		r = getrandom(buf, BLOCK, 0) == BLOCK ? 0 : -EIO;
		if (r >= 0)
			r = io_write_at(image.fd, buf, BLOCK, image.total - NEWHEADER_SIZE + at);
	}
	if (r >= 0 && fsync(image.fd) < 0)
		r = -errno;
	return r < 0 ? fault_io(f, p->path, r, "cannot wipe its end") : 0;
}

static int put_last_header(const struct inplace *p, struct fault *f)
{
	int r = copy_header(p, f);

	if (r >= 0)
		r = wipe_end(p, f);
	return r < 0 ? r : remove_backup(p, f);
}

static int finish_alone(const struct inplace *p, struct crypt_device *cd,
			const struct last_part *last, struct fault *f)
{
	_cleanup_secret_ struct secret key = SECRET_NULL;
	size_t size = SECRET_CAPACITY;
	int r;

	r = secret_init(&key, f);
	if (r < 0)
		return r;
	r = crypt_volume_key_get(cd, CRYPT_ANY_SLOT, (char *)key.bytes, &size,
				 (const char *)p->passphrase->bytes, p->passphrase->len);
	if (r < 0)
		return library(p->path, "go on", r, f);
	key.len = size;
	r = last->complete ? 0 : encrypt_last(p, cd, &key, last, f);
	if (r >= 0)
		r = make_last_header(p, cd, &key, f);
	return r < 0 ? r : put_last_header(p, f);
}

/* Step 4. */
static int run(const struct inplace *p, struct fault *f)
{
	_cleanup_(crypt_freep) struct crypt_device *cd = NULL;
	struct watch w = { .p = p };
	struct last_part last;
	int r;

	r = open_library(p, &cd);
	if (r < 0)
		return library(p->path, "go on", r, f);
	last = find_last_part(cd);
	if (last.complete || last.interrupted)
		return finish_alone(p, cd, &last, f);
	r = recover(p);
	crypt_free(TAKE_PTR(cd));
	if (r >= 0)
		r = open_library(p, &cd);
	if (r < 0)
		return library(p->path, "go on", r, f);
	r = continue_with(p, cd, CRYPT_REENCRYPT_RESUME_ONLY);
	if (r < 0)
		return library(p->path, "go on", r, f);
	r = crypt_reencrypt_run(cd, watch, &w);
	if (w.cancelled)
		return fault_about(f, EXITCODE_REFUSED, p->path,
				   "the same command with --secret goes on; the disk can be used again "
				   "when it has ended",
				   "interrupted: a part of it is encrypted");
	return r < 0 ? library(p->path, "encrypt", r, f) : 0;
}

/* Step 5, and what the unlocker says of the result. */
static int finish(const struct inplace *p, struct fault *f)
{
	_cleanup_(luksheader_done) struct luksheader header = LUKSHEADER_NULL;
	_cleanup_free_ struct conf *conf = malloc(sizeof(*conf));
	_cleanup_image_ struct image image = IMAGE_NULL;
	int r;

	r = conf ? open_disk(p, &image, f) : fault_io(f, p->path, -ENOMEM, "cannot check");
	if (r < 0)
		return r;
	if (!image.block &&
	    (ftruncate(image.fd, (off_t)(image.total - NEWHEADER_SIZE)) < 0 || fsync(image.fd) < 0))
		return fault_io(f, p->path, -errno, "cannot make it shorter");
	conf_defaults(conf);
	r = luksheader_take(&image, conf, &conf->volumes[0], &header, f);
	return fault_name(f, r, p->path);
}

int inplace_run(const struct inplace *p, enum inplace_state state, struct fault *f)
{
	int r = 0;

	if (state == INPLACE_PLAIN)
		r = prepare(p, f);
	if (r >= 0 && state <= INPLACE_PREPARED)
		r = put_header(p, f);
	if (r >= 0 && state <= INPLACE_RUNNING)
		r = run(p, f);
	if (r >= 0 && state == INPLACE_LAST)
		r = put_last_header(p, f);
	if (r >= 0 && state <= INPLACE_LAST)
		r = finish(p, f);
	return r;
}
