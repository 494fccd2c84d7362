/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * lock.c - sees to it that nobody else uses an image meanwhile: locks of files, QEMU's bytes,
 * loop devices.
 * Trusts the machine, and that others keep to their locks. Writes nothing.
 */
#include "owner/disk/lock.h"

#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <sys/file.h>
#include <sys/sysmacros.h>
#include <sys/time.h>

#include "base/deadline.h"
#include "base/io.h"
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

#define LOCK_MS 10000
#define LOCK_TICK_US 100000

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

/* Takes QEMU's locks on an image: as a reader, or as the exclusive user. */
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

/* Its own word: the name of the file can have gone, or be of another mount namespace. Who may not
 * open it has only the name. */
static bool is_behind_loop(const char *name, const struct stat *st)
{
	_cleanup_close_ int fd = -EBADF;
	char path[PATH_MAX];
	struct stat file;

	(void)snprintf(path, sizeof(path), PATH_DEV "/%s", name); /* fits */
	fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	return fd >= 0 && io_loop_file(fd, &file, NULL) > 0 && io_is_same(&file, st);
}

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
		if ((stat(backing, &other) == 0 && io_is_same(&other, search->file)) ||
		    is_behind_loop(name, search->file))
			text_printable(name, search->name, sizeof(search->name));
	}
	(void)fclose(file); /* only read */
	return 0;
}

static int walk_devices(root_entry_fn fn, void *data)
{
	int fd = open(PATH_SYS_BLOCK, O_RDONLY | O_DIRECTORY | O_CLOEXEC), r;

	r = root_walk_fd(fd < 0 ? -errno : fd, fn, data);
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

static int lock_file(const struct image *image, int fd, bool writable, struct fault *f)
{
	if (flock(fd, (writable ? LOCK_EX : LOCK_SH) | LOCK_NB) < 0 && errno == EWOULDBLOCK)
		return image_refuse(f, EBUSY, image->path, "another program has locked it");
	if (!lock_as_qemu(fd, writable))
		return image_refuse(f, EBUSY, image->path,
				    "a virtual machine or another program uses it");
	return 0;
}

/* The path of the file behind a loop device, or behind that of which this is a partition. Returns
 * 1, 0 if it is none, or -errno. */
static int find_backing(dev_t dev, char *ret_path, size_t size)
{
	static const char *const places[] = { "", "../" };
	char path[PATH_MAX];
	FILE *file = NULL;
	size_t i;
	int r;

	for (i = 0; i < ARRAY_SIZE(places) && !file; i++) {
		(void)snprintf(path, sizeof(path), PATH_SYS_DEV_BLOCK "/%u:%u/%sloop/backing_file",
			       major(dev), minor(dev), places[i]); /* fits */
		file = fopen(path, "re");
		if (!file && errno != ENOENT)
			return -errno;
	}
	if (!file)
		return 0;
	r = fgets(ret_path, (int)size, file) ? 1 : -EIO;
	if (r > 0)
		ret_path[strcspn(ret_path, "\n")] = '\0';
	(void)fclose(file); /* only read */
	return r;
}

/* Another loop device of the same file. */
struct brother {
	struct stat file;
	uint32_t number; /* of our own loop device */
	bool idle_too;	 /* else it counts while it, or a part of it, is mounted or claimed */
	char name[64];	 /* what was found; or empty */
};

static int look_at_brother(const char *name, void *data)
{
	_cleanup_close_ int fd = -EBADF, claim_fd = -EBADF;
	struct brother *brother = data;
	char path[PATH_MAX];
	uint32_t number;
	struct stat file;

	if (strncmp(name, "loop", strlen("loop")) != 0)
		return 0;
	(void)snprintf(path, sizeof(path), PATH_DEV "/%s", name); /* fits */
	fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	if (fd < 0 || io_loop_file(fd, &file, &number) == 0 || number == brother->number ||
	    !io_is_same(&file, &brother->file))
		return 0; /* who may not open it has no way to see */
	claim_fd = brother->idle_too ? -EBADF : open(path, O_RDONLY | O_CLOEXEC | O_EXCL);
	if (brother->idle_too || (claim_fd < 0 && errno == EBUSY))
		text_printable(name, brother->name, sizeof(brother->name));
	return 0;
}

/* A file without a name cannot be locked: then no other loop device may have it. */
static int refuse_brother(const struct image *image, struct fault *f)
{
	struct brother brother = { .idle_too = image->backing_fd < 0 };
	int r;

	if (io_loop_file(image->fd, &brother.file, &brother.number) == 0)
		return 0;
	r = walk_devices(look_at_brother, &brother);
	if (r < 0)
		return image_refuse(f, -r, image->path,
				    "cannot see whether another loop device has its file: %s",
				    strerror(-r));
	if (brother.name[0])
		return image_refuse(f, EBUSY, image->path,
				    "the file behind it is in use as /dev/%s, too", brother.name);
	return 0;
}

/* Opens the file behind a loop device, if it has a name by which it can be found. */
static int open_backing(struct image *image, dev_t dev)
{
	_cleanup_close_ int fd = -EBADF;
	struct stat named, file;
	char path[PATH_MAX];
	int r = find_backing(dev, path, sizeof(path));

	if (r <= 0)
		return r;
	fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
	if (fd < 0)
		return errno == ENOENT ? 0 : -errno; /* the name has gone */
	if (fstat(fd, &named) < 0)
		return -errno;
	if (io_loop_file(image->fd, &file, NULL) == 0 || io_is_same(&named, &file))
		image->backing_fd = TAKE_FD(fd); /* else another file has the name now */
	return 0;
}

static int lock_backing(struct image *image, dev_t dev, bool writable, struct fault *f)
{
	int r = open_backing(image, dev);

	if (r < 0)
		return image_refuse(f, -r, image->path,
				    "cannot lock the file that is behind it: %s", strerror(-r));
	r = image->backing_fd < 0 ? 0 : lock_file(image, image->backing_fd, writable, f);
	return r < 0 ? r : refuse_brother(image, f);
}

/* The name is the kernel's. */
static int refuse_loop(const struct image *image, const char *name, struct fault *f)
{
	char next[128];

	(void)snprintf(next, sizeof(next), "unmount what is on it, then: losetup -d /dev/%s",
		       name); /* fits: NAME_MAX is cut at 31 */
	(void)fault_about(f, EXITCODE_REFUSED, image->path, next, "it is in use as /dev/%s", name);
	return -EBUSY;
}

int lock_image(struct image *image, const struct stat *st, bool writable, struct fault *f)
{
	struct loop_search loop = { .file = st };
	int r;

	if (image->block) {
		r = lock_device(image->fd, writable ? LOCK_EX : LOCK_SH);
		if (r == -EWOULDBLOCK || r == -EINTR)
			return image_refuse(f, EBUSY, image->path, "another program has locked it");
		return lock_backing(image, st->st_rdev, writable, f);
	}
	r = lock_file(image, image->fd, writable, f);
	if (r < 0)
		return r;
	r = walk_devices(look_at_loop, &loop);
	if (r < 0)
		return image_refuse(f, -r, image->path,
				    "cannot see whether a loop device uses it: %s", strerror(-r));
	return loop.name[0] ? refuse_loop(image, loop.name, f) : 0;
}
