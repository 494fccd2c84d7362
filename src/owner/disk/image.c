/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * image.c - opens images and devices, finds the partition with libfdisk, and sees to it that
 * nobody else uses them meanwhile.
 * Trusts the machine; takes a partition table only if libfdisk finds it valid and every place
 * in it lies inside. Writes nothing, apart from locks.
 */
#include "owner/disk/image.h"

#include <fcntl.h>
#include <libfdisk/libfdisk.h>
#include <linux/fs.h>
#include <signal.h>
#include <stdarg.h>
#include <string.h>
#include <strings.h>
#include <sys/file.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/time.h>

#include "base/deadline.h"
#include "base/paths.h"
#include "base/root.h"
#include "base/text.h"

/* QEMU, block/file-posix.c: byte 100 + N is locked by who uses permission N, byte 200 + N by
 * who shares it with nobody. Read is 0, write 1, resize 3. */
#define QEMU_USES 100
#define QEMU_KEEPS 200
#define QEMU_READ 0
#define QEMU_WRITE 1
#define QEMU_RESIZE 3
#define QEMU_PERMISSIONS 4

#define COPY_BLOCK 4096
#define COPY_CHUNK (256 * 1024)

#define LOCK_MS 10000
#define LOCK_TICK_US 100000

/* UEFI 2.10, 5.3.2 */
#define GPT_SIGNATURE "EFI PART"
#define GPT_HEADER_SIZE 92
#define GPT_ALTERNATE_AT 32   /* u64: the other header's sector */
#define GPT_NR_ENTRIES_AT 80  /* u32 */
#define GPT_ENTRY_SIZE_AT 84  /* u32 */
#define GPT_ENTRY_SIZE_MIN 128
#define GPT_ENTRIES_SIZE_MAX (1024 * 1024) /* bytes; everybody writes 16 KiB */

static int refuse(struct fault *f, int error, const char *path, const char *fmt, ...)
	_printf_(4, 5);

/* In use is refused, what a file says is bad input; all else is the machine. */
static int refuse(struct fault *f, int error, const char *path, const char *fmt, ...)
{
	enum exitcode code = EXITCODE_IO;
	const char *next = "check the path and its permissions";
	char why[FAULT_WHY_MAX];
	va_list ap;

	if (error == EBUSY) {
		code = EXITCODE_REFUSED;
		next = "stop what uses it, or unmount it";
	} else if (error == EINVAL) {
		code = EXITCODE_BAD_INPUT;
		next = "name the image and its partition as in IMAGE#2; sfdisk -l lists them";
	}
	va_start(ap, fmt);
	(void)vsnprintf(why, sizeof(why), fmt, ap); /* cut on purpose */
	va_end(ap);
	(void)fault_about(f, code, path, next, "%s", why);
	return -error;
}

int image_read_at(int fd, void *buf, size_t len, uint64_t offset)
{
	unsigned char *p = buf;
	ssize_t n;

	while (len > 0) {
		n = pread(fd, p, len, (off_t)offset);
		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return n < 0 ? -errno : -ENODATA;
		p += n;
		len -= (size_t)n;
		offset += (uint64_t)n;
	}
	return 0;
}

int image_write_at(int fd, const void *buf, size_t len, uint64_t offset)
{
	const unsigned char *p = buf;
	ssize_t n;

	while (len > 0) {
		n = pwrite(fd, p, len, (off_t)offset);
		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return n < 0 ? -errno : -EIO;
		p += n;
		len -= (size_t)n;
		offset += (uint64_t)n;
	}
	return 0;
}

int image_copy(int src_fd, uint64_t src, int dst_fd, uint64_t dst, uint64_t len)
{
	static const unsigned char zeros[COPY_BLOCK];
	_cleanup_free_ unsigned char *buf = malloc(COPY_CHUNK);
	uint64_t at, i, n, block;
	int r = buf ? 0 : -ENOMEM;

	for (at = 0; at < len && r >= 0; at += n) {
		n = len - at < COPY_CHUNK ? len - at : COPY_CHUNK;
		r = image_read_at(src_fd, buf, n, src + at);
		for (i = 0; i < n && r >= 0; i += block) {
			block = n - i < COPY_BLOCK ? n - i : COPY_BLOCK;
			if (memcmp(buf + i, zeros, block) != 0)
				r = image_write_at(dst_fd, buf + i, block, dst + at + i);
		}
	}
	return r;
}

static bool qemu_has(int fd, int byte)
{
	struct flock lock = {
		.l_type = F_WRLCK, .l_whence = SEEK_SET, .l_start = byte, .l_len = 1
	};

	return fcntl(fd, F_OFD_GETLK, &lock) == 0 && lock.l_type != F_UNLCK;
}

static bool qemu_take(int fd, int byte)
{
	struct flock lock = {
		.l_type = F_RDLCK, .l_whence = SEEK_SET, .l_start = byte, .l_len = 1
	};

	/* Where locks do not work, nobody else has one. */
	return fcntl(fd, F_OFD_SETLK, &lock) == 0 || (errno != EAGAIN && errno != EACCES);
}

/* Takes part in QEMU's protocol as one who reads, or as one who wants it for himself. */
static bool lock_as_qemu(int fd, bool writable)
{
	unsigned int uses = 1 << QEMU_READ, keeps = 1 << QEMU_WRITE | 1 << QEMU_RESIZE;
	int i;

	if (writable) {
		uses |= 1 << QEMU_WRITE | 1 << QEMU_RESIZE;
		keeps = (1 << QEMU_PERMISSIONS) - 1;
	}
	for (i = 0; i < QEMU_PERMISSIONS; i++)
		if ((uses & 1U << i && !qemu_take(fd, QEMU_USES + i)) ||
		    (keeps & 1U << i && !qemu_take(fd, QEMU_KEEPS + i)))
			return false;
	for (i = 0; i < QEMU_PERMISSIONS; i++)
		if ((keeps & 1U << i && qemu_has(fd, QEMU_USES + i)) ||
		    (uses & 1U << i && qemu_has(fd, QEMU_KEEPS + i)))
			return false;
	return true;
}

struct loop_search {
	const struct stat *file;
	char name[64]; /* of the loop device that has it behind it; or empty */
};

static int look_at_loop(const char *name, void *data)
{
	char path[PATH_MAX], backing[PATH_MAX];
	struct loop_search *search = data;
	struct stat other;
	FILE *file;

	if (strncmp(name, "loop", strlen("loop")) != 0)
		return 0;
	(void)snprintf(path, sizeof(path), PATH_SYS_BLOCK "/%s/loop/backing_file", name); /* fits */
	file = fopen(path, "re");
	if (!file)
		return errno == ENOENT ? 0 : -errno; /* ENOENT: it is free */
	if (fgets(backing, sizeof(backing), file)) {
		backing[strcspn(backing, "\n")] = '\0';
		if (stat(backing, &other) == 0 && other.st_dev == search->file->st_dev &&
		    other.st_ino == search->file->st_ino)
			text_printable(name, search->name, sizeof(search->name));
	}
	(void)fclose(file); /* only read */
	return 0;
}

static int find_loop(struct loop_search *search)
{
	int fd = open(PATH_SYS_BLOCK, O_RDONLY | O_DIRECTORY | O_CLOEXEC), r;

	r = root_walk_fd(fd < 0 ? -errno : fd, look_at_loop, search);
	return r == -ENOENT ? 0 : r; /* no sysfs, no loop device to be seen */
}

static void wake(int number)
{
	(void)number; /* flock(2) ends with EINTR: that is all */
}

/* udev locks a disk while it looks at it, which it does each time that somebody has written to
 * it: this is waited for. A timer that ticks again cannot be missed between two attempts. */
static int lock_device(int fd, int operation)
{
	const struct itimerval tick = { .it_interval = { .tv_usec = LOCK_TICK_US },
					.it_value = { .tv_usec = LOCK_TICK_US } };
	const struct sigaction action = { .sa_handler = wake }; /* without SA_RESTART */
	struct deadline deadline = deadline_in_ms(LOCK_MS);
	struct sigaction before;
	sigset_t set;
	int r;

	(void)sigemptyset(&set);
	(void)sigaddset(&set, SIGALRM);
	/* These fail for bad numbers only. */
	(void)sigprocmask(SIG_UNBLOCK, &set, NULL);
	(void)sigaction(SIGALRM, &action, &before);
	(void)setitimer(ITIMER_REAL, &tick, NULL);
	do
		r = flock(fd, operation) < 0 ? -errno : 0;
	while (r == -EINTR && deadline_left_ms(deadline) > 0);
	(void)setitimer(ITIMER_REAL, &(struct itimerval){ 0 }, NULL);
	(void)sigaction(SIGALRM, &before, NULL);
	return r;
}

static int claim(struct image *image, const struct stat *st, bool writable, struct fault *f)
{
	int operation = writable ? LOCK_EX : LOCK_SH, r;
	struct loop_search loop = { .file = st };

	if (image->block)
		r = lock_device(image->fd, operation);
	else
		r = flock(image->fd, operation | LOCK_NB) < 0 ? -errno : 0;
	if (r == -EWOULDBLOCK || r == -EINTR)
		return refuse(f, EBUSY, image->path, "another program has locked it");
	if (image->block)
		return 0;
	if (!lock_as_qemu(image->fd, writable))
		return refuse(f, EBUSY, image->path, "a virtual machine or another program uses it");
	r = find_loop(&loop);
	if (r < 0)
		return refuse(f, -r, image->path, "cannot see whether a loop device uses it: %s",
			      strerror(-r));
	if (loop.name[0])
		return refuse(f, EBUSY, image->path, "it is in use as /dev/%s", loop.name);
	return 0;
}

static int open_whole(const char *path, bool writable, struct image *image, struct fault *f)
{
	int flags = (writable ? O_RDWR : O_RDONLY) | O_CLOEXEC | O_NOCTTY | O_NONBLOCK;
	struct stat st;
	int ssz = 512;

	if (stat(path, &st) < 0)
		return refuse(f, errno, path, "%s", strerror(errno));
	if (!S_ISREG(st.st_mode) && !S_ISBLK(st.st_mode))
		return refuse(f, EINVAL, path, "neither a file nor a block device");
	image->block = S_ISBLK(st.st_mode);
	/* On a block device O_EXCL fails while it or a part of it is mounted or mapped. */
	image->fd = open(path, flags | (image->block ? O_EXCL : 0));
	if (image->fd < 0 && errno == EBUSY)
		return refuse(f, EBUSY, path, "it, or a part of it, is mounted or in use");
	if (image->fd < 0 || fstat(image->fd, &st) < 0)
		return refuse(f, errno, path, "%s", strerror(errno));
	if (image->block != S_ISBLK(st.st_mode) || (!image->block && !S_ISREG(st.st_mode)))
		return refuse(f, EBUSY, path, "it has just been replaced");
	image->total = (uint64_t)st.st_size;
	if (image->block && (ioctl(image->fd, BLKGETSIZE64, &image->total) < 0 ||
			     ioctl(image->fd, BLKSSZGET, &ssz) < 0))
		return refuse(f, errno, path, "%s", strerror(errno));
	image->sector_size = (uint32_t)ssz;
	image->size = image->total;
	return claim(image, &st, writable, f);
}

static bool has_signature(const struct image *image, uint32_t sector_size)
{
	char sig[sizeof(GPT_SIGNATURE) - 1];

	return image_read_at(image->fd, sig, sizeof(sig), sector_size) == 0 &&
	       memcmp(sig, GPT_SIGNATURE, sizeof(sig)) == 0;
}

/* A file does not say how large its sectors are; the place of the signature does. */
static uint32_t find_sector_size(const struct image *image)
{
	if (!image->block && !has_signature(image, 512) && has_signature(image, 4096))
		return 4096;
	return image->sector_size;
}

bool image_has_gpt(const struct image *image)
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
	    image_read_at(image->fd, header, sizeof(header), sector * sector_size) < 0 ||
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

static void copy_text(char *dst, size_t size, const char *src)
{
	text_printable(src ? src : "", dst, size);
}

static int add_part(struct fdisk_partition *pa, const struct image *image, uint32_t sector_size,
		    struct image_part *ret_part)
{
	struct fdisk_parttype *type = fdisk_partition_get_type(pa);
	struct image_part part = { 0 };
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
	const struct image_part *x = a, *y = b;

	return x->offset < y->offset ? -1 : x->offset > y->offset;
}

static int list(struct fdisk_context *cxt, const struct image *image, uint32_t sector_size,
		struct image_part *parts, struct fault *f)
{
	_cleanup_(unref_tablep) struct fdisk_table *table = NULL;
	size_t i, nr;

	if (fdisk_get_partitions(cxt, &table) < 0)
		return refuse(f, EINVAL, image->path, "its partition table cannot be read");
	nr = fdisk_table_get_nents(table);
	if (nr > IMAGE_PARTITIONS_MAX)
		return refuse(f, EINVAL, image->path, "its partition table has too many entries");
	for (i = 0; i < nr; i++)
		if (add_part(fdisk_table_get_partition(table, i), image, sector_size,
			     &parts[i]) < 0)
			return refuse(f, EINVAL, image->path,
				      "entry %zu of its partition table lies outside of it", i + 1);
	qsort(parts, nr, sizeof(*parts), by_offset);
	for (i = 1; i < nr; i++)
		if (parts[i].offset < parts[i - 1].offset + parts[i - 1].size)
			return refuse(f, EINVAL, image->path, "its partitions %u and %u overlap",
				      parts[i - 1].number, parts[i].number);
	return (int)nr;
}

int image_partitions(const struct image *image, struct image_part ret_parts[IMAGE_PARTITIONS_MAX],
		     struct fault *f)
{
	_cleanup_(unref_contextp) struct fdisk_context *cxt = NULL;
	uint32_t sector_size = find_sector_size(image);
	const char *why;

	if (!has_signature(image, sector_size))
		return 0;
	why = judge_gpt(image, sector_size);
	if (why)
		return refuse(f, EINVAL, image->path, "%s", why);
	cxt = fdisk_new_context();
	if (!cxt)
		return refuse(f, ENOMEM, image->path, "no memory for its partition table");
	(void)fdisk_set_ask(cxt, ignore_ask, NULL); /* fails for NULL only */
	(void)fdisk_disable_dialogs(cxt, 1);
	if ((!image->block && fdisk_save_user_sector_size(cxt, sector_size, sector_size) < 0) ||
	    fdisk_assign_device_by_fd(cxt, image->fd, image->path, 1) < 0)
		return refuse(f, EINVAL, image->path, "its partition table cannot be read");
	if (!fdisk_is_label(cxt, GPT))
		return refuse(f, EINVAL, image->path,
			      "its partition table (GPT) is damaged, or the file is cut short");
	return list(cxt, image, sector_size, ret_parts, f);
}

/* Returns 0, -ENOENT, or -ENOTUNIQ. */
static int choose(const struct image_part *parts, size_t nr, const char *wanted, size_t *ret_i)
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

static int select_part(struct image *image, const char *wanted, struct fault *f)
{
	_cleanup_free_ struct image_part *parts = calloc(IMAGE_PARTITIONS_MAX, sizeof(*parts));
	size_t i = 0;
	int r;

	if (!parts)
		return refuse(f, ENOMEM, image->path, "no memory for its partition table");
	r = image_partitions(image, parts, f);
	if (r < 0)
		return r;
	if (r == 0)
		return refuse(f, EINVAL, image->path, "it has no partition table (GPT)");
	r = choose(parts, (size_t)r, wanted, &i);
	if (r < 0)
		return refuse(f, EINVAL, image->path, "%s partition '%s'",
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

int image_open(const char *spec, bool writable, struct image *ret_image, struct fault *f)
{
	_cleanup_image_ struct image image = IMAGE_NULL;
	const char *hash = access(spec, F_OK) < 0 ? strrchr(spec, '#') : NULL;
	size_t len = hash ? (size_t)(hash - spec) : strlen(spec);
	int r;

	if (len == 0 || len >= sizeof(image.path))
		return refuse(f, EINVAL, spec, "not the name of an image");
	if (hash && hash[1] == '\0')
		return refuse(f, EINVAL, spec, "no partition after the #");
	memcpy(image.path, spec, len);
	r = open_whole(image.path, writable, &image, f);
	if (r >= 0 && hash)
		r = select_part(&image, hash + 1, f);
	if (r < 0)
		return r;
	*ret_image = image;
	image = IMAGE_NULL;
	return 0;
}

bool image_is(const struct image *image, const char *path)
{
	struct stat ours, other;

	return fstat(image->fd, &ours) == 0 && stat(path, &other) == 0 &&
	       ours.st_dev == other.st_dev && ours.st_ino == other.st_ino;
}

void image_done(struct image *image)
{
	util_closep(&image->fd);
	image->fd = -EBADF;
}
