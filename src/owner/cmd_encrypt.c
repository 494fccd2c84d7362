/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * cmd_encrypt.c - makes an encrypted root image of a plain one, as a new file or in place.
 */
#include "owner/cmd.h"

#include <limits.h>
#include <signal.h>
#include <string.h>
#include <strings.h>
#include <sys/signalfd.h>
#include <sys/stat.h>

#include "owner/disk/encrypt.h"
#include "owner/disk/inplace.h"
#include "owner/disk/mbr.h"
#include "owner/disk/member.h"
#include "owner/disk/partition.h"
#include "owner/io/file.h"
#include "owner/io/passphrase.h"
#include "owner/io/progress.h"
#include "owner/io/shell.h"

/* UEFI 2.10, appendix A names it; GRUB's core image is in it, found by its place. */
#define TYPE_BIOS_BOOT "21686148-6449-6E6F-744E-656564454649"

struct options {
	const char *image, *out;
	const char *secret, *secret_out; /* one of both */
	const char *backup;
	const char *pbkdf, *sectors;
	enum newheader_kdf kdf;
	uint32_t sector_size; /* bytes; 0: as the file system allows */
	bool force, in_place, integrity;
};

/* The secret that will open the volume, in *ret_file if it is a new one. */
static int get_secret(const struct options *o, struct secret *ret_secret, struct file_out *ret_file,
		      struct fault *f)
{
	int r;

	if (o->secret) {
		r = secret_init(ret_secret, f);
		if (r < 0)
			return r;
		r = file_read_secret(o->secret, ret_secret, f);
		if (r >= 0 && ret_secret->len == 0)
			r = fault_about(f, EXITCODE_BAD_INPUT, o->secret, "put the secret into it",
					"it is empty");
		if (r >= 0)
			cmd_warn_secret(o->secret, ret_secret);
		return r;
	}
	r = file_out_create(o->secret_out, o->force, ret_file, f);
	if (r >= 0)
		r = file_out_keep_old(ret_file, f);
	if (r >= 0)
		r = fault_name(f, passphrase_generate(false, ret_secret, f), "secret");
	return r < 0 ? r :
		       file_out_put(ret_file, CODEC_BINARY, ret_secret->bytes, ret_secret->len, f);
}

/* A signal becomes something to read, so that what is half done can be removed. */
static int open_signals(struct fault *f)
{
	sigset_t set;
	int fd;

	(void)sigemptyset(&set);
	(void)sigaddset(&set, SIGINT);
	(void)sigaddset(&set, SIGTERM);
	(void)sigaddset(&set, SIGHUP);
	(void)sigprocmask(SIG_BLOCK, &set, NULL); /* fails for a bad `how` only */
	fd = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
	return fd < 0 ? fault_io(f, "coco-secret", -errno, "cannot wait for signals") : fd;
}

/* What finds its part by its place must not move, and is moved. */
static void warn_about_move(const struct partition *part)
{
	if (strcasecmp(part->type, TYPE_BIOS_BOOT) == 0)
		cmd_warn("partition %u moves, and GRUB for BIOS finds its part in it by its "
			 "place: run grub-install in the new image, or boot with UEFI",
			 part->number);
	else if (part->active)
		cmd_warn("partition %u moves, and is marked as bootable: a boot loader in it may be "
			 "found by its place, and is then to be installed anew",
			 part->number);
}

/* The guest may use it as it has done before. The ESP is for the firmware. */
static int warn_about_plain(const struct image *image, const struct partition *part,
			    struct fault *f)
{
	char type[FILESYSTEM_TYPE_SIZE];
	int r = filesystem_find_plain(image, part->offset, part->size, type, f);

	if (r >= 0 && mbr_is_extended(part))
		(void)snprintf(type, sizeof(type), "with logical ones");
	if (r < 0 || type[0] == '\0' || partition_type_is_esp(part->type))
		return r;
	if (strcmp(type, "swap") == 0)
		cmd_warn("partition %u is swap and stays plain: the host can read and change what of "
			 "the guest's memory is written to it, keys included: take it out of the "
			 "guest's fstab",
			 part->number);
	else
		cmd_warn("partition %u (%s) stays plain: the host can read and change all that the "
			 "guest has there, /home for instance: move it to the encrypted one, or encrypt "
			 "it, too",
			 part->number, type);
	return 0;
}

static int warn_about_others(const struct image *image, struct fault *f)
{
	struct partition parts[PARTITIONS_MAX];
	int nr = partition_list(image, parts, f), i, r = nr < 0 ? nr : 0;

	for (i = 0; i < nr && r >= 0; i++) {
		if (parts[i].offset > image->offset)
			warn_about_move(&parts[i]);
		if (parts[i].number != image->partition)
			r = warn_about_plain(image, &parts[i], f);
	}
	return r;
}

/* Both names at once, when all is on the disk: the secret's first. */
static int commit(struct file_out *secret, struct file_out *out, const struct options *o,
		  struct fault *f)
{
	struct file_out files[2];
	int r;

	if (!o->secret_out)
		return file_out_commit(out, 1, f);
	files[0] = *secret;
	files[1] = *out;
	r = file_out_commit(files, 2, f);
	*secret = files[0];
	*out = files[1];
	return r;
}

static void print_next(const struct options *o, const char *disk, const char *partition)
{
	const char *key = o->secret_out ? o->secret_out : o->secret;
	char disk_buf[PATH_MAX + 16], name_buf[PATH_MAX + 16], key_buf[PATH_MAX];

	(void)snprintf(name_buf, sizeof(name_buf), "%s%s", disk, partition); /* it was opened */
	if (!o->secret_out && shell_is_stream(key)) {
		key = "KEYFILE";
		printf("next, with the secret in KEYFILE: ");
	} else {
		printf("next: ");
	}
	shell_print(stdout,
		    (const char *const[]){ "coco-secret", "prepare",
					   shell_file(disk_buf, sizeof(disk_buf), name_buf),
					   "--key-file", shell_file(key_buf, sizeof(key_buf), key),
					   "-o", "TABLE", NULL });
	printf("\n");
}

static void print_result(const struct options *o, const struct image *image,
			 const struct filesystem *fs, const char *uuid)
{
	char number[16] = "";

	if (image->partition)
		(void)snprintf(number, sizeof(number), "#%u", image->partition); /* fits */
	printf("%s%s: %s, encrypted, LUKS UUID %s\n", o->out, number, fs->type, uuid);
	if (o->secret_out)
		printf("%s: the secret that opens it\n", o->secret_out);
	print_next(o, o->out, number);
}

static int encrypt_to_file(const struct options *o, struct fault *f)
{
	_cleanup_file_out_ struct file_out out = FILE_OUT_NULL, secret_file = FILE_OUT_NULL;
	_cleanup_secret_ struct secret secret = SECRET_NULL;
	_cleanup_close_ int signal_fd = -EBADF;
	_cleanup_image_ struct image image = IMAGE_NULL;
	struct filesystem fs = { 0 };
	struct progress progress;
	char uuid[BINHEADER_UUID_SIZE];
	struct encrypt e;
	int r;

	r = image_open(o->image, false, &image, f);
	if (r >= 0)
		r = member_refuse(&image, f);
	if (r >= 0)
		r = filesystem_look(&image, &fs, f);
	if (r >= 0)
		r = filesystem_check_sectors(&fs, &image, o->sector_size, f);
	if (r >= 0)
		r = signal_fd = open_signals(f);
	if (r >= 0)
		r = file_out_create(o->out, o->force, &out, f);
	if (r < 0)
		return r;
	e = (struct encrypt){
		.image = image,
		.passphrase = &secret,
		.kdf = o->kdf,
		.sector_size =
			o->sector_size ? o->sector_size : filesystem_sector_size(&fs, &image),
		.out_fd = out.fd,
		.out = o->out,
		.cancel_fd = signal_fd,
		.progress = progress_show,
		.data = &progress,
	};
	r = encrypt_check(&e, f);
	if (r >= 0)
		r = get_secret(o, &secret, &secret_file, f);
	if (r >= 0 && image.partition)
		r = warn_about_others(&image, f);
	if (r < 0)
		return r;
	progress_start(&progress, stderr, "encrypt");
	r = encrypt_run(&e, uuid, f);
	progress_end(&progress);
	if (r >= 0)
		r = commit(&secret_file, &out, o, f);
	if (r >= 0)
		print_result(o, &image, &fs, uuid);
	return r;
}

/* IMAGE.header; of a link (such as /dev/stdin) it is beside the file itself, where it lasts as
 * long, and is found by each way to it. What version 0.1.0 has left beside the link is used.
 * Returns 0 or -ENAMETOOLONG. */
static int name_backup(const char *path, char *buf, size_t size)
{
	_cleanup_free_ char *file = NULL;
	struct stat st;

	if ((size_t)snprintf(buf, size, "%s.header", path) >= size)
		return -ENAMETOOLONG;
	if (access(buf, F_OK) == 0 || lstat(path, &st) < 0 || !S_ISLNK(st.st_mode))
		return 0;
	file = realpath(path, NULL);
	if (file && (size_t)snprintf(buf, size, "%s.header", file) >= size)
		return -ENAMETOOLONG;
	return 0;
}

static int set_backup(struct inplace *p, const struct options *o, char *buf, size_t size,
		      struct fault *f)
{
	struct stat st;

	p->backup = o->backup;
	if (p->backup)
		return 0;
	if (stat(o->image, &st) == 0 && S_ISBLK(st.st_mode))
		return fault_about(f, EXITCODE_USAGE, o->image,
				   "add --backup FILE, on another disk",
				   "a device needs a file that keeps its new header for a moment");
	if (name_backup(o->image, buf, size) < 0)
		return fault_about(f, EXITCODE_USAGE, o->image, "use a shorter path",
				   "the name is too long");
	p->backup = buf;
	return 0;
}

/* The command that goes on with what has begun; empty if it cannot be shown as it is. */
static void set_again(const struct options *o, char *buf, size_t size)
{
	const char *secret = o->secret ? o->secret : o->secret_out;
	char secret_buf[PATH_MAX], image_buf[PATH_MAX], backup_buf[PATH_MAX];
	const char *words[] = {
		"coco-secret",
		"encrypt",
		"--in-place",
		"--secret",
		o->secret ? shell_source(secret_buf, sizeof(secret_buf), secret, "KEYFILE") :
			    shell_file(secret_buf, sizeof(secret_buf), secret),
		shell_file(image_buf, sizeof(image_buf), o->image),
		o->backup ? "--backup" : NULL,
		o->backup ? shell_file(backup_buf, sizeof(backup_buf), o->backup) : NULL,
		NULL
	};

	if (shell_command(buf, size, words) >= 0 && !fault_shows(buf))
		buf[0] = '\0';
}

/* A new secret is for a plain disk only. It gets its name when the disk needs it. */
static int get_inplace_secret(const struct options *o, enum inplace_state state,
			      struct secret *ret_secret, struct file_out *ret_file, struct fault *f)
{
	if (o->secret_out && state != INPLACE_PLAIN)
		return fault_about(f, EXITCODE_REFUSED, o->image,
				   "give the secret of the first run with --secret",
				   "its encryption has begun already");
	return get_secret(o, ret_secret, ret_file, f);
}

static void print_inplace_result(const struct options *o, const struct inplace *p)
{
	printf("%s: encrypted\n", o->image);
	if (p->kept)
		cmd_warn("%s: its last 16 MiB have been used since, and stay", o->image);
	if (o->secret_out)
		printf("%s: the secret that opens it\n", o->secret_out);
	print_next(o, o->image, "");
}

struct watched {
	const char *image; /* of a run that may go on; else NULL, also once that is said */
	struct progress progress;
};

static void say_goes_on(struct watched *w)
{
	if (w->image)
		printf("%s: goes on where an earlier run was interrupted\n", w->image);
	w->image = NULL;
}

/* What was found may be refused before anything goes on: a secret or a backup that is another. */
static void watch(void *data, uint64_t done, uint64_t total)
{
	struct watched *w = data;

	say_goes_on(w);
	progress_show(&w->progress, done, total);
}

/* With p open, which has the disk's lock until it is done. */
static int go_in_place(const struct options *o, struct inplace *p, struct secret *secret,
		       struct fault *f)
{
	_cleanup_file_out_ struct file_out secret_file = FILE_OUT_NULL;
	_cleanup_close_ int signal_fd = -EBADF;
	struct watched w = { .image = p->state != INPLACE_PLAIN ? o->image : NULL };
	int r;

	r = signal_fd = open_signals(f);
	if (r >= 0)
		r = get_inplace_secret(o, p->state, secret, &secret_file, f);
	if (r < 0)
		return r;
	p->cancel_fd = signal_fd;
	p->progress = watch;
	p->data = &w;
	progress_start(&w.progress, stderr, "encrypt");
	r = inplace_run(p, o->secret_out ? &secret_file : NULL, f);
	progress_end(&w.progress);
	if (r >= 0)
		say_goes_on(&w);
	return r;
}

static int encrypt_in_place(const struct options *o, struct fault *f)
{
	_cleanup_secret_ struct secret secret = SECRET_NULL;
	char backup[PATH_MAX], again[FAULT_NEXT_MAX - 48];
	struct inplace p = {
		.path = o->image,
		.again = again,
		.passphrase = &secret,
		.kdf = o->kdf,
		.sector_size = o->sector_size,
		.image = IMAGE_NULL,
	};
	int r;

	set_again(o, again, sizeof(again));
	r = set_backup(&p, o, backup, sizeof(backup), f);
	if (r >= 0)
		r = inplace_open(&p, f);
	if (r >= 0 && p.state == INPLACE_ENCRYPTED)
		r = filesystem_refuse_encrypted(&p.image, "crypto_LUKS", f);
	if (r >= 0)
		r = go_in_place(o, &p, &secret, f);
	inplace_done(&p);
	if (r >= 0)
		print_inplace_result(o, &p);
	return r;
}

/* A generated secret needs no stretching; what a person has thought up does. */
static enum newheader_kdf kdf_of(const struct options *o)
{
	if (!o->pbkdf)
		return o->secret ? NEWHEADER_KDF_ARGON2ID : NEWHEADER_KDF_MINIMAL;
	return strcmp(o->pbkdf, "minimal") == 0 ? NEWHEADER_KDF_MINIMAL :
	       strcmp(o->pbkdf, "pbkdf2") == 0	? NEWHEADER_KDF_PBKDF2 :
						  NEWHEADER_KDF_ARGON2ID;
}

/* Returns an enum outcome. */
static int parse(int argc, char **argv, struct options *o)
{
	char **operands;
	int nr = cmd_options(&cmd_encrypt, argc, argv, o, &operands);

	if (nr < 0)
		return -nr;
	if (nr != (o->in_place ? 1 : 2))
		return cmd_usage(&cmd_encrypt, o->in_place ?
						       "--in-place takes one IMAGE or DEVICE" :
						       "IMAGE and OUT are needed");
	if (!o->secret == !o->secret_out && !o->integrity)
		return cmd_usage(&cmd_encrypt, "one of --secret and --secret-out is needed");
	if (o->backup && !o->in_place)
		return cmd_usage(&cmd_encrypt, "--backup goes with --in-place only");
	o->image = operands[0];
	o->out = operands[1]; /* NULL for --in-place */
	o->kdf = kdf_of(o);
	if (o->sectors)
		o->sector_size = strcmp(o->sectors, "512") == 0 ? 512 : 4096;
	return OUTCOME_OK;
}

static int refuse_integrity(const struct options *o, struct fault *f)
{
	return fault_about(f, EXITCODE_REFUSED, o->image,
			   "make it by hand, as root: man coco-secret has the commands, under "
			   "--integrity",
			   "authentication tags can only be laid out by the kernel (dm-integrity)");
}

static int run_encrypt(int argc, char **argv)
{
	struct options o = { 0 };
	struct fault f = { 0 };
	int r;

	r = parse(argc, argv, &o);
	if (r != OUTCOME_OK)
		return r;
	if (o.integrity)
		r = refuse_integrity(&o, &f);
	else if (o.in_place)
		r = encrypt_in_place(&o, &f);
	else
		r = encrypt_to_file(&o, &f);
	return r < 0 ? cmd_fail(&f) : cmd_finish();
}

/* clang-format off */
static const struct option_row encrypt_options[] = {
	OPTION_OPERAND("IMAGE", OPTION_USE_DISK, NULL),
	OPTION_OPERAND("OUT", OPTION_USE_WRITE, NULL),
	OPTION_FILE(0, "secret-out", "FILE", struct options, secret_out, OPTION_USE_WRITE,
		    "make a secret (64 hexadecimal digits) and write it to FILE"),
	OPTION_FILE(0, "secret", "FILE", struct options, secret, OPTION_USE_READ,
		    "take the secret in FILE, byte for byte; - is standard input"),
	OPTION_WORD("pbkdf", "minimal|argon2id|pbkdf2", struct options, pbkdf,
		    "minimal: for random secrets, default with --secret-out; argon2id: for passphrases, default with --secret"),
	OPTION_WORD("sector-size", "512|4096", struct options, sectors,
		    "4096: default if the file system reads and writes no less"),
	OPTION_FLAG("force", struct options, force, "replace OUT and the file of --secret-out"),
	OPTION_FLAG("in-place", struct options, in_place,
		    "encrypt a whole IMAGE or DEVICE where it is; once begun, it has to be finished: the same command goes on after a crash"),
	OPTION_FILE(0, "backup", "FILE", struct options, backup, OPTION_USE_WRITE,
		    "with --in-place: keeps the new header until it is on the disk; needed for a device, else IMAGE.header"),
	OPTION_FLAG("integrity", struct options, integrity,
		    "refused: says what can make an authenticated volume"),
	{ 0 },
};
/* clang-format on */

/* The backup of --in-place has a name of its own, and so has an old secret while it is kept. */
static int encrypt_files(struct files *files, const void *values, int nr, char **operands,
			 struct fault *f)
{
	static const struct option_row backup = { .use = OPTION_USE_WRITE, .name = "backup" };
	static const struct option_row old = { .use = OPTION_USE_WRITE, .name = "secret-out" };
	const struct options *o = values;
	char path[PATH_MAX];
	struct stat st;
	int r = 0;

	/* If it is there, file_out_keep_old() says what it is. */
	if (o->secret_out && o->force &&
	    (size_t)snprintf(path, sizeof(path), "%s" FILE_OLD_SUFFIX, o->secret_out) <
		    sizeof(path) &&
	    lstat(path, &st) < 0 && errno == ENOENT)
		r = files_add(files, &old, old.name, path, f);
	if (r < 0 || !o->in_place || o->backup || nr == 0 ||
	    name_backup(operands[0], path, sizeof(path)) < 0)
		return r;
	return files_add(files, &backup, backup.name, path, f);
}

const struct cmd cmd_encrypt = {
	.name = "encrypt",
	.args = "[OPTION...] IMAGE[#PARTITION] OUT\n"
		"--in-place [OPTION...] IMAGE|DEVICE",
	.help = "make an encrypted root image of a plain one",
	.intro =
		"IMAGE holds a file system, or a partition table (GPT or MBR) with PARTITION, which is\n"
		"a number, name or UUID. OUT is 16 MiB longer; what is behind the partition moves.\n",
	.options = encrypt_options,
	.files = encrypt_files,
	.run = run_encrypt,
};
