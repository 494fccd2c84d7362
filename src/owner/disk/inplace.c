/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * inplace.c - libcryptsetup's reencryption with data shift, and the steps around it.
 * Trusts the disk's owner. Longer than other files, to have all that a crash can leave in one
 * place. At any point the plain data are on the disk, or the header that
 * says how far they are encrypted is, on the disk or in the backup:
 *
 *  1. a file gets 32 MiB longer, unless as much behind the file system is zeros: there is room
 *  2. libcryptsetup makes the header in the backup, and copies the first 16 MiB of the disk to
 *     its end; the secret and the backup get their names when all is synced
 *  3. the header goes from the backup to the front of the disk; synced; the backup goes
 *  4. libcryptsetup moves and encrypts from the end to the front, and keeps the count, until only
 *     the part that was moved first is left
 *  5. that part is encrypted here; a new header of the same volume waits in the backup, with the
 *     size that the disk will have; goes to the disk; the end is wiped
 *  6. a file loses the last 16 MiB again, which nothing uses; then the backup goes
 *
 * Step 5 is not left to libcryptsetup: its recovery (2.6) wipes the part that was moved first, from
 * which it encrypts, before it notes that all is done; killed then, it would encrypt what it has
 * wiped. And killed while it writes the last header, it leaves two copies of it that differ, and no
 * word that this was a run of ours.
 *
 * One descriptor has the locks from the first look to the last write. libcryptsetup gets that, so
 * that it cannot be led to another file that has got the name meanwhile. It claims a device for
 * itself, so our own claim is given up for its time.
 */
#include "owner/disk/inplace.h"

#include <endian.h>
#include <fcntl.h>
#include <libcryptsetup.h>
#include <poll.h>
#include <string.h>
#include <sys/random.h>

#include "base/io.h"
#include "base/paths.h"
#include "owner/disk/header.h"
#include "owner/disk/luks1.h"
#include "owner/disk/member.h"
#include "owner/disk/reencryption.h"
#include "owner/disk/room.h"
#include "owner/disk/xts.h"
#include "owner/io/shell.h"
#include "volume/volume.h"

#define SECTOR 512
#define BLOCK 4096
#define MIB (1024 * 1024)
#define FD_PATH_SIZE 32

/* LUKS2 spec, 2.1: in the binary header. */
#define MAGIC_SIZE 8
#define UUID_BEGIN 168
#define UUID_END 208

static const unsigned char zeros[BLOCK];

/* Behind the last header, in the backup. */
struct last_note {
	char magic[24];
	uint64_t final; /* bytes that the disk will have, little endian */
};
static const char last_magic[24] = "coco-secret last header";

static void crypt_freep(struct crypt_device **cd)
{
	crypt_free(*cd); /* takes NULL */
}

static int library(const char *path, const char *doing, int r, struct fault *f)
{
	return fault_about(f, r == -EPERM ? EXITCODE_REFUSED : EXITCODE_IO, path,
			   r == -EPERM	? "give the secret of the first run with --secret" :
			   r == -ENOMEM ? fault_io_next(ENOMEM) :
					  "check the disk, and the kernel's messages about it",
			   "libcryptsetup cannot %s: %s", doing,
			   r == -EPERM ? "this secret opens no keyslot" : strerror(-r));
}

/* The disk as libcryptsetup can open it. */
static const char *disk_path(const struct inplace *p, char *buf)
{
	(void)snprintf(buf, FD_PATH_SIZE, PATH_SELF_FD, p->image.fd); /* fits */
	return buf;
}

static bool is_cancelled(const struct inplace *p)
{
	struct pollfd fd = { .fd = p->cancel_fd, .events = POLLIN };

	return poll(&fd, 1, 0) > 0;
}

/* --- What is there --- */

/* Another tool's work, which only that can go on with. */
static int refuse_other(const struct inplace *p, enum reencryption_kind kind, struct fault *f)
{
	char name[SHELL_NAME_SIZE], next[SHELL_NAME_SIZE + 128];

	(void)shell_name(name, p->path, "DISK");
	if (kind == REENCRYPTION_OTHER) {
		/* Of a file, cryptsetup cannot tell whether it is in use; we have seen that it is
		 * not. */
		(void)snprintf(next, sizeof(next), "cryptsetup reencrypt --resume-only %s%s", name,
			       p->image.block ? "" : " --force-offline-reencrypt"); /* fits */
		return fault_about(f, EXITCODE_REFUSED, p->path, next,
				   "cryptsetup has begun to re-encrypt it, and only cryptsetup can "
				   "go on");
	}
	if (kind == REENCRYPTION_LEGACY)
		return fault_about(f, EXITCODE_REFUSED, p->path,
				   "go on with cryptsetup-reencrypt, which cryptsetup has had up to "
				   "version 2.4",
				   "cryptsetup-reencrypt has begun to re-encrypt it");
	(void)snprintf(next, sizeof(next),
		       "finish it with the tool that has begun it; this shows what it is: cryptsetup "
		       "luksDump %s",
		       name); /* fits */
	return fault_about(f, EXITCODE_REFUSED, p->path, next,
			   "its header demands something, or its reencryption is in a state, that is "
			   "not known");
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
 * already. Anything else is no disk that this backup was made for, or one that is further on.
 * Returns 1, 0 or -errno. */
static int is_begin_of(const struct image *image, int backup_fd)
{
	unsigned char front[BLOCK], header[BLOCK], end[BLOCK];
	uint64_t at;
	int r;

	if (image->total < ROOM_SIZE)
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

/* What the size of the disk is in the end; as if it had not been made shorter yet. */
static uint64_t final_of(const struct image *image)
{
	return image->block ? image->total : image->total - NEWHEADER_SIZE;
}

/* The header in the backup is due while that on the disk says that only the end is missing, opens
 * nothing, or is this one in one of its copies. Returns 1 with p->begun, 0 or -errno. */
static int is_header_due(struct inplace *p, int backup_fd)
{
	unsigned char ours[HEADER_METADATA_SIZE], theirs[HEADER_METADATA_SIZE];
	const size_t half = HEADER_COPY_SIZE;
	struct reencryption re;
	int r;

	r = reencryption_look(p->image.fd, 0, p->image.total, &re);
	if (r < 0)
		return r;
	if (r > 0 && re.kind != REENCRYPTION_NONE)
		return re.kind == REENCRYPTION_OURS && (re.last || re.complete);
	p->begun = true;
	if (r == 0)
		return 1;
	r = io_read_at(p->image.fd, theirs, sizeof(theirs), 0);
	if (r >= 0)
		r = io_read_at(backup_fd, ours, sizeof(ours), 0);
	if (r < 0)
		return r;
	return memcmp(ours, theirs, half) == 0 || memcmp(ours + half, theirs + half, half) == 0;
}

/* A finished header of the disk's own volume, with our note behind it; not if the disk's own has
 * been changed since it was written: a secret that is new there would open nothing. Returns 1 with
 * p->final, 0 or -errno. */
static int is_end_of(struct inplace *p, int backup_fd)
{
	struct last_note note;
	int r;

	if (!is_same_volume(&p->image, backup_fd))
		return 0;
	r = io_read_at(backup_fd, &note, sizeof(note), NEWHEADER_SIZE);
	if (r == -ENODATA) {
		/* Version 0.1 has left none; so has somebody who has made a backup. */
		if (p->image.total < ROOM_LEAST)
			return 0;
		p->final = final_of(&p->image);
		r = is_header_due(p, backup_fd);
		p->unproven = p->begun;
		return r;
	}
	if (r < 0)
		return r;
	p->final = le64toh(note.final);
	if (memcmp(note.magic, last_magic, sizeof(last_magic)) != 0 ||
	    (p->final != p->image.total && p->final != final_of(&p->image)))
		return 0;
	return is_header_due(p, backup_fd);
}

static int refuse_backup(const struct inplace *p, int fd, struct fault *f)
{
	char disk[SHELL_NAME_SIZE], backup[SHELL_NAME_SIZE], next[2 * SHELL_NAME_SIZE + 128];

	if (!is_same_volume(&p->image, fd))
		return fault_about(f, EXITCODE_REFUSED, p->backup,
				   "move it away, or name another file with --backup",
				   "it is there, and not the header that was made for %s", p->path);
	(void)snprintf(next, sizeof(next),
		       "move it away; only if the disk does not open: cryptsetup luksHeaderRestore %s "
		       "--header-backup-file %s",
		       shell_name(disk, p->path, "DISK"),
		       shell_name(backup, p->backup, "BACKUP")); /* fits */
	return fault_about(f, EXITCODE_REFUSED, p->backup, next,
			   "it is a header of %s, but not one that this program has still to write "
			   "there",
			   p->path);
}

/* Returns 1 if there is one, with p->state. */
static int look_at_backup(struct inplace *p, struct fault *f)
{
	_cleanup_close_ int fd = open(p->backup, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
	struct reencryption re;
	int r;

	if (fd < 0 && errno == ENOENT)
		return 0;
	if (fd < 0)
		return fault_io(f, p->backup, -errno, "cannot read");
	r = reencryption_look(fd, 0, p->image.total, &re);
	if (r > 0 && re.kind == REENCRYPTION_OURS && re.untouched) {
		p->state = INPLACE_PREPARED;
		r = is_begin_of(&p->image, fd);
	} else if (r > 0) {
		p->state = INPLACE_LAST;
		r = re.kind == REENCRYPTION_NONE ? is_end_of(p, fd) : 0;
	}
	if (r < 0)
		return fault_io(f, p->path, r, "cannot read it and its backup");
	return r == 0 ? refuse_backup(p, fd, f) : 1;
}

static int look_at_disk(struct inplace *p, struct fault *f)
{
	struct reencryption re;
	int r = luks1_refuse_begun(&p->image, f);

	if (r < 0)
		return r;
	r = reencryption_look(p->image.fd, 0, p->image.total, &re);
	if (r < 0)
		return fault_io(f, p->path, r, "cannot read");
	if (r == 0) {
		p->state = INPLACE_PLAIN;
		p->before = p->image.total;
		return room_plan(&p->image, &p->sector_size, &p->room, f);
	}
	p->state = re.kind == REENCRYPTION_NONE ? INPLACE_ENCRYPTED : INPLACE_RUNNING;
	if (re.kind != REENCRYPTION_NONE && re.kind != REENCRYPTION_OURS)
		return refuse_other(p, re.kind, f);
	return 0;
}

int inplace_open(struct inplace *p, struct fault *f)
{
	int r;

	r = image_open(p->path, true, &p->image, f);
	if (r < 0)
		return r;
	if (p->image.partition)
		return fault_about(f, EXITCODE_REFUSED, p->path,
				   "write a new image, without --in-place",
				   "a partition of an image has no room to grow in place");
	r = member_refuse(&p->image, f);
	if (r < 0)
		return r;
	p->room = p->image.total;
	r = room_check_limit(&p->image, p->room, f); /* of a copy in memory, too */
	if (r >= 0)
		r = look_at_backup(p, f);
	if (r == 0)
		r = look_at_disk(p, f);
	if (r >= 0 && p->state != INPLACE_ENCRYPTED)
		r = room_check_limit(&p->image, p->room, f);
	return r < 0 ? r : 0;
}

/* --- Steps 1 and 2: what fails here is undone --- */

/* All of the file for good, so that it is not the last block that does not fit. Some file systems
 * cannot do that. Returns 0 or -errno. */
static int reserve(int fd, uint64_t size)
{
	if (fallocate(fd, 0, 0, (off_t)size) == 0)
		return 0;
	if (errno != EOPNOTSUPP)
		return -errno;
	return ftruncate(fd, (off_t)size) < 0 ? -errno : 0;
}

static int create_backup(const struct inplace *p, struct file_out *file, struct fault *f)
{
	int r = file_out_create(p->backup, false, file, f);

	if (r < 0)
		return r;
	file->taken = "move it away, or name another file with --backup"; /* --force has no say */
	r = reserve(file->fd, NEWHEADER_SIZE + NEWHEADER_SPACE);
	return r < 0 ? fault_io(f, p->backup, r, "cannot write") : 0;
}

/* Step 1. */
static int make_room(struct inplace *p, struct fault *f)
{
	int r = p->image.block ? 0 : reserve(p->image.fd, p->room);

	if (r >= 0 && fsync(p->image.fd) < 0)
		r = -errno;
	if (r < 0)
		return fault_io(f, p->path, r, "cannot make room in it");
	p->image.total = p->image.size = p->room;
	return 0;
}

/* The header with a keyslot, and the reencryption in it; moves the disk's front to its end. */
static int make_header(const struct inplace *p, const char *header_path)
{
	_cleanup_(crypt_freep) struct crypt_device *cd = NULL;
	const struct crypt_params_luks2 luks2 = { .sector_size = p->sector_size };
	const struct crypt_params_reencrypt params = {
		.mode = CRYPT_REENCRYPT_ENCRYPT,
		.direction = CRYPT_REENCRYPT_BACKWARD,
		.resilience = "datashift",
		.hash = "sha256",
		.data_shift = NEWHEADER_SIZE / SECTOR,
		.luks2 = &luks2,
		.flags = CRYPT_REENCRYPT_INITIALIZE_ONLY | CRYPT_REENCRYPT_MOVE_FIRST_SEGMENT,
	};
	char data_path[FD_PATH_SIZE];
	int r;

	volume_init_library();
	r = crypt_init_data_device(&cd, header_path, disk_path(p, data_path));
	if (r >= 0)
		r = newheader_format(cd, NULL, p->passphrase, p->kdf, p->sector_size, NULL);
	if (r >= 0)
		r = crypt_reencrypt_init_by_passphrase(cd, NULL, (const char *)p->passphrase->bytes,
						       p->passphrase->len, CRYPT_ANY_SLOT, r, "aes",
						       "xts-plain64", &params);
	return r < 0 ? r : 0;
}

/* Step 2, without the names. */
static int begin(struct inplace *p, struct file_out *backup, struct fault *f)
{
	char path[FD_PATH_SIZE];
	int r;

	(void)snprintf(path, sizeof(path), PATH_SELF_FD, backup->fd); /* fits */
	if (ftruncate(backup->fd, NEWHEADER_SIZE) < 0)
		return fault_io(f, p->backup, -errno, "cannot write");
	image_release(&p->image);
	r = make_header(p, path);
	if (r < 0)
		return library(p->path, "begin", r, f);
	r = image_claim(&p->image, f);
	if (r < 0)
		return r;
	if (fsync(p->image.fd) < 0)
		return fault_io(f, p->path, -errno, "cannot write");
	if (is_cancelled(p))
		return fault_about(f, EXITCODE_REFUSED, p->path, "run it again",
				   "interrupted: nothing has changed");
	return 0;
}

/* The end is as it was, or zeros where it was a copy of the front already. The failure is being
 * reported, so what fails here is not. */
static void undo(struct inplace *p)
{
	uint64_t at;
	int r = 0;

	if (p->room != p->before)
		r = ftruncate(p->image.fd, (off_t)p->before) < 0 ? -errno : 1;
	for (at = p->before - NEWHEADER_SIZE; at < p->before && r == 0; at += BLOCK)
		r = io_write_at(p->image.fd, zeros, BLOCK, at);
}

/* The secret gets its name just before the header does that it opens. */
static int commit(struct file_out *secret, struct file_out *backup, struct fault *f)
{
	struct file_out files[2] = { FILE_OUT_NULL, *backup };
	int r;

	if (!secret)
		return file_out_commit(backup, 1, f);
	files[0] = *secret;
	r = file_out_commit(files, 2, f);
	*secret = files[0];
	*backup = files[1];
	return r;
}

static int prepare(struct inplace *p, struct file_out *secret, struct fault *f)
{
	_cleanup_file_out_ struct file_out backup = FILE_OUT_NULL;
	int r;

	r = create_backup(p, &backup, f);
	if (r < 0)
		return r;
	r = make_room(p, f);
	if (r >= 0)
		r = begin(p, &backup, f);
	if (r >= 0)
		r = commit(secret, &backup, f);
	if (r < 0)
		undo(p);
	return r;
}

/* --- Step 3 --- */

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
static int copy_header(const struct inplace *p, int backup_fd, struct fault *f)
{
	unsigned char buf[BLOCK];
	uint64_t at;
	int r = 0;

	for (at = 0; at < NEWHEADER_SIZE && r >= 0; at += BLOCK) {
		r = io_read_at(backup_fd, buf, BLOCK, at);
		if (r >= 0)
			r = io_write_at(p->image.fd, buf, BLOCK, at);
	}
	if (r >= 0 && fsync(p->image.fd) < 0)
		r = -errno;
	return r < 0 ? fault_io(f, p->path, r, "cannot write the header") : 0;
}

static int put_header(const struct inplace *p, struct fault *f)
{
	_cleanup_close_ int fd = open(p->backup, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
	int r;

	if (fd < 0)
		return fault_io(f, p->backup, -errno, "cannot read");
	r = copy_header(p, fd, f);
	return r < 0 ? r : remove_backup(p, f);
}

/* --- Step 4 --- */

struct watch {
	const struct inplace *p;
	struct crypt_device *cd;
	bool cancelled;
};

static bool is_last(const struct inplace *p, struct crypt_device *cd, struct reencryption *ret)
{
	reencryption_get(cd, p->image.total, ret);
	return ret->kind == REENCRYPTION_OURS && (ret->last || ret->complete);
}

/* libcryptsetup stops, in a clean state, when this is not 0. */
static int watch(uint64_t size, uint64_t offset, void *data)
{
	struct watch *w = data;
	struct reencryption re;

	if (w->p->progress)
		w->p->progress(w->p->data, offset < size ? offset : size, size);
	w->cancelled = w->cancelled || is_cancelled(w->p);
	return w->cancelled || is_last(w->p, w->cd, &re);
}

static int open_library(const struct inplace *p, struct crypt_device **ret_cd)
{
	_cleanup_(crypt_freep) struct crypt_device *cd = NULL;
	char path[FD_PATH_SIZE];
	int r;

	volume_init_library();
	r = crypt_init(&cd, disk_path(p, path));
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

/* What was being written when the last run died is written again. Returns 1 if the last part is
 * all that is left; else 0 or -errno. */
static int recover(const struct inplace *p)
{
	_cleanup_(crypt_freep) struct crypt_device *cd = NULL;
	struct reencryption re;
	int r = open_library(p, &cd);

	if (r < 0)
		return r;
	if (is_last(p, cd, &re))
		return 1;
	if (crypt_reencrypt_status(cd, NULL) != CRYPT_REENCRYPT_CRASH)
		return 0;
	r = continue_with(p, cd, CRYPT_REENCRYPT_RECOVERY);
	return r < 0 ? r : 0;
}

static int shift(const struct inplace *p, struct fault *f)
{
	_cleanup_(crypt_freep) struct crypt_device *cd = NULL;
	struct watch w = { .p = p };
	struct reencryption re;
	int r;

	r = open_library(p, &cd);
	if (r < 0)
		return library(p->path, "go on", r, f);
	if (is_last(p, cd, &re))
		return 0;
	w.cd = cd;
	r = continue_with(p, cd, CRYPT_REENCRYPT_RESUME_ONLY);
	if (r < 0)
		return library(p->path, "go on", r, f);
	r = crypt_reencrypt_run(cd, watch, &w);
	if (w.cancelled)
		return fault_about(f, EXITCODE_REFUSED, p->path, "",
				   "interrupted: a part of it is encrypted");
	return r < 0 ? library(p->path, "encrypt", r, f) : 0;
}

/* --- Step 5 --- */

/* Encrypts the part that was moved first from where it still is plain to its place, the first of
 * the data. It can be done again. */
static int encrypt_last(const struct inplace *p, const struct secret *key, uint32_t sector_size,
			struct fault *f)
{
	unsigned char buf[BLOCK];
	struct xts *xts = NULL;
	uint64_t at;
	int r;

	r = xts_new(key, &xts);
	for (at = 0; at < NEWHEADER_SIZE && r >= 0; at += BLOCK) {
		r = io_read_at(p->image.fd, buf, BLOCK, p->image.total - NEWHEADER_SIZE + at);
		if (r >= 0)
			r = xts_encrypt(xts, buf, BLOCK, at, sector_size);
		if (r >= 0)
			r = io_write_at(p->image.fd, buf, BLOCK, NEWHEADER_SIZE + at);
		if (p->progress && (at + BLOCK) % MIB == 0)
			p->progress(p->data, p->image.total - ROOM_SIZE + at + BLOCK,
				    p->image.total - NEWHEADER_SIZE); /* as libcryptsetup counts */
	}
	xts_free(xts);
	if (r >= 0 && fsync(p->image.fd) < 0)
		r = -errno;
	return r < 0 ? fault_io(f, p->path, r, "cannot encrypt the last part") : 0;
}

/* As the first run has chosen it: this one may have other options. */
static enum newheader_kdf kdf_of(struct crypt_device *cd, int keyslot)
{
	struct crypt_pbkdf_type kdf;

	if (crypt_keyslot_get_pbkdf(cd, keyslot, &kdf) < 0 ||
	    strcmp(kdf.type, CRYPT_KDF_PBKDF2) != 0)
		return NEWHEADER_KDF_ARGON2ID;
	return kdf.iterations <= POLICY_ITERATIONS_MIN ? NEWHEADER_KDF_MINIMAL :
							 NEWHEADER_KDF_PBKDF2;
}

/* A new header for the same volume, and our note. */
static int make_last_header(const struct inplace *p, struct crypt_device *cd, int keyslot,
			    const struct secret *key, struct file_out *backup, struct fault *f)
{
	struct last_note note = { .final = htole64(p->final) };
	char path[FD_PATH_SIZE];
	int r;

	memcpy(note.magic, last_magic, sizeof(note.magic));
	(void)snprintf(path, sizeof(path), PATH_SELF_FD, backup->fd); /* fits */
	r = newheader_renew(path, cd, p->passphrase, kdf_of(cd, keyslot), key);
	if (r < 0)
		return library(p->path, "make the last header", r, f);
	r = ftruncate(backup->fd, NEWHEADER_SIZE) < 0 ? -errno : 0;
	if (r >= 0)
		r = io_write_at(backup->fd, &note, sizeof(note), NEWHEADER_SIZE);
	return r < 0 ? fault_io(f, p->backup, r, "cannot write") : file_out_commit(backup, 1, f);
}

static int finish_data(struct inplace *p, struct file_out *backup, struct fault *f)
{
	_cleanup_(crypt_freep) struct crypt_device *cd = NULL;
	_cleanup_secret_ struct secret key = SECRET_NULL;
	size_t size = SECRET_CAPACITY;
	struct reencryption re;
	int r, keyslot;

	r = secret_init(&key, f);
	if (r < 0)
		return r;
	r = open_library(p, &cd);
	if (r >= 0 && !is_last(p, cd, &re))
		r = -EILSEQ;
	if (r >= 0)
		r = crypt_volume_key_get(cd, CRYPT_ANY_SLOT, (char *)key.bytes, &size,
					 (const char *)p->passphrase->bytes, p->passphrase->len);
	if (r < 0)
		return library(p->path, "go on", r, f);
	keyslot = r;
	key.len = size;
	p->final = final_of(&p->image);
	r = re.complete ? 0 : encrypt_last(p, &key, (uint32_t)crypt_get_sector_size(cd), f);
	return r < 0 ? r : make_last_header(p, cd, keyslot, &key, backup, f);
}

/* Steps 4 and 5, up to the last header. Its place is taken before they begin. */
static int run(struct inplace *p, struct fault *f)
{
	_cleanup_file_out_ struct file_out backup = FILE_OUT_NULL;
	int r;

	r = create_backup(p, &backup, f);
	if (r < 0)
		return r;
	image_release(&p->image);
	r = recover(p);
	if (r < 0)
		return library(p->path, "go on", r, f);
	r = r > 0 ? 0 : shift(p, f);
	if (r >= 0)
		r = image_claim(&p->image, f);
	return r < 0 ? r : finish_data(p, &backup, f);
}

/* The note of a backup that version 0.1 has left: without it, nobody could tell later whether the
 * file has been made shorter. */
static int add_note(const struct inplace *p, int backup_fd, struct fault *f)
{
	struct last_note note = { .final = htole64(p->final) };
	int r;

	memcpy(note.magic, last_magic, sizeof(note.magic));
	r = io_write_at(backup_fd, &note, sizeof(note), NEWHEADER_SIZE);
	if (r >= 0 && fsync(backup_fd) < 0)
		r = -errno;
	return r < 0 ? fault_io(f, p->backup, r, "cannot write") : 0;
}

/* The key of the data, by the header in the backup. */
static int open_backup(const struct inplace *p, int fd, struct xts **ret_xts,
		       uint32_t *ret_sector_size, struct fault *f)
{
	_cleanup_(crypt_freep) struct crypt_device *cd = NULL;
	_cleanup_secret_ struct secret key = SECRET_NULL;
	size_t size = SECRET_CAPACITY;
	char path[FD_PATH_SIZE];
	int r;

	r = secret_init(&key, f);
	if (r < 0)
		return r;
	(void)snprintf(path, sizeof(path), PATH_SELF_FD, fd); /* fits */
	volume_init_library();
	r = crypt_init(&cd, path);
	if (r >= 0)
		r = crypt_load(cd, CRYPT_LUKS2, NULL);
	if (r >= 0)
		r = crypt_volume_key_get(cd, CRYPT_ANY_SLOT, (char *)key.bytes, &size,
					 (const char *)p->passphrase->bytes, p->passphrase->len);
	if (r < 0)
		return library(p->path, "go on", r, f);
	*ret_sector_size = (uint32_t)crypt_get_sector_size(cd);
	key.len = size;
	r = xts_new(&key, ret_xts);
	return r < 0 ? fault_io(f, p->path, r, "cannot go on") : 0;
}

/* True if a block of the end still has what is encrypted in the front. Returns 1, 0 or -errno. */
static int is_still_plain(const struct inplace *p, struct xts *xts, uint32_t sector_size,
			  const unsigned char *end, uint64_t at)
{
	unsigned char ours[BLOCK], front[BLOCK];
	int r;

	memcpy(ours, end, BLOCK);
	r = io_read_at(p->image.fd, front, BLOCK, NEWHEADER_SIZE + at);
	if (r >= 0)
		r = xts_encrypt(xts, ours, BLOCK, at, sector_size);
	return r < 0 ? r : memcmp(ours, front, BLOCK) == 0;
}

/* Nothing needs the last 16 MiB, which have had plain data: they get random bytes, in a file that
 * goes shorter zeros. With xts, an earlier run may have done this, and the disk been used since:
 * what is neither from here nor from the front must stay. */
static int wipe_end(struct inplace *p, struct xts *xts, uint32_t sector_size, struct fault *f)
{
	unsigned char end[BLOCK], random[BLOCK];
	uint64_t at, place;
	int r = 0, wipe;

	for (at = 0; at < NEWHEADER_SIZE && r >= 0; at += BLOCK) {
		place = p->image.total - NEWHEADER_SIZE + at;
		wipe = 1;
		if (xts) {
			r = io_read_at(p->image.fd, end, BLOCK, place);
			if (r >= 0)
				r = wipe = is_still_plain(p, xts, sector_size, end, at);
		}
		if (r >= 0 && wipe == 0 && !p->image.block && memcmp(end, zeros, BLOCK) != 0)
			p->kept = true;
		if (r < 0 || wipe == 0)
			continue;
		if (p->image.block && getrandom(random, BLOCK, 0) != BLOCK)
			r = -EIO;
		if (r >= 0)
			r = io_write_at(p->image.fd, p->image.block ? random : zeros, BLOCK, place);
	}
	if (r >= 0 && fsync(p->image.fd) < 0)
		r = -errno;
	return r < 0 ? fault_io(f, p->path, r, "cannot wipe its end") : 0;
}

/* Of a backup without a note: only while the end still has what is encrypted in the front, there is
 * something to finish; else it is data, and must stay. */
static int prove_end(const struct inplace *p, int fd, struct xts *xts, uint32_t sector_size,
		     struct fault *f)
{
	unsigned char end[BLOCK];
	int r = io_read_at(p->image.fd, end, BLOCK, p->image.total - BLOCK);

	if (r >= 0)
		r = is_still_plain(p, xts, sector_size, end, NEWHEADER_SIZE - BLOCK);
	if (r < 0)
		return fault_io(f, p->path, r, "cannot look at its end");
	return r > 0 ? 0 : refuse_backup(p, fd, f);
}

static int write_end(struct inplace *p, int fd, struct fault *f)
{
	struct xts *xts = NULL;
	uint32_t sector_size = 0;
	int r = p->begun ? open_backup(p, fd, &xts, &sector_size, f) : 0;

	if (r >= 0 && p->unproven)
		r = prove_end(p, fd, xts, sector_size, f);
	if (r >= 0)
		r = add_note(p, fd, f);
	if (r >= 0)
		r = copy_header(p, fd, f);
	if (r >= 0)
		r = wipe_end(p, xts, sector_size, f);
	xts_free(xts);
	return r;
}

/* The rest of step 5, and step 6. A file that has its size has all the rest. */
static int finish(struct inplace *p, struct fault *f)
{
	_cleanup_close_ int fd = open(p->backup, O_RDWR | O_CLOEXEC | O_NOFOLLOW);
	int r = 0;

	if (fd < 0)
		return fault_io(f, p->backup, -errno, "cannot read");
	if (p->image.block || p->image.total != p->final)
		r = write_end(p, fd, f);
	if (r < 0)
		return r;
	if (p->kept && !p->unproven)
		p->final = p->image.total;
	if (p->image.total != p->final &&
	    (ftruncate(p->image.fd, (off_t)p->final) < 0 || fsync(p->image.fd) < 0))
		return fault_io(f, p->path, -errno, "cannot make it shorter");
	p->image.total = p->image.size = p->final;
	return remove_backup(p, f);
}

/* What the unlocker says of the result. */
static int check(const struct inplace *p, struct fault *f)
{
	_cleanup_(luksheader_done) struct luksheader header = LUKSHEADER_NULL;
	_cleanup_free_ struct conf *conf = malloc(sizeof(*conf));
	int r;

	if (!conf)
		return fault_io(f, p->path, -ENOMEM, "cannot check");
	if (!image_is(&p->image, p->path))
		return fault_about(f, EXITCODE_REFUSED, p->path, "look where it was moved to",
				   "its name has got another file meanwhile; the one that it had is "
				   "encrypted");
	conf_defaults(conf);
	r = luksheader_take(&p->image, conf, &conf->volumes[0], &header, f);
	return fault_name(f, r, p->path);
}

/* Only a wrong secret has a next step of its own: with the right one, the same goes on, too. */
static void say_how_to_go_on(const struct inplace *p, struct fault *f)
{
	if (f->code != EXITCODE_REFUSED || !f->next[0])
		(void)snprintf(f->next, sizeof(f->next),
			       p->again[0] ? "this goes on, when nothing is in its way: %s" :
					     "the same command with --secret goes on",
			       p->again);
}

int inplace_run(struct inplace *p, struct file_out *secret, struct fault *f)
{
	int r = 0;

	if (p->state == INPLACE_PLAIN) {
		r = prepare(p, secret, f);
		if (r < 0)
			return r;
		p->state = INPLACE_PREPARED;
	}
	if (p->state == INPLACE_PREPARED)
		r = put_header(p, f);
	if (r >= 0 && p->state <= INPLACE_RUNNING)
		r = run(p, f);
	if (r >= 0)
		r = finish(p, f);
	if (r < 0)
		say_how_to_go_on(p, f);
	return r < 0 ? r : check(p, f);
}

void inplace_done(struct inplace *p)
{
	image_done(&p->image);
}
