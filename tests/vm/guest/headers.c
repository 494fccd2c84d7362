/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * headers.c - runs in the guest's real root, called by the driver (lab/session.py): every forged header on real
 * device-mapper.
 *
 *   headers mutants       all that stand on the disk with the serial lab1, one after the other
 *   headers swap          a disk whose header changes between two reads (serials lab2 and lab3)
 *
 * It judges nothing: it tells what it sees, in lines "LAB mutant|control|swap NAME key=value ...". Each header is a
 * part of the disk behind dm-linear, with a fresh secret in a tmpfs in the place of the secret directory, and the
 * program is run as it is. A process is dear in emulation, so this starts none but coco-unlock and cryptsetup; and
 * udev, which would look at each mapping, is stopped before. Lab guests only: never part of an installation.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/dm-ioctl.h>
#include <linux/fs.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/wait.h>
#include <unistd.h>

#define DISK "/dev/disk/by-id/virtio-lab1"
#define SWAPPED "/dev/disk/by-id/virtio-lab2"
#define PLAN "/dev/disk/by-id/virtio-lab3"
#define SECRETS "/sys/kernel/security/secrets/coco"
#define SECRET SECRETS "/736869e5-84f0-4973-92ec-06879ce3da0b"
#define WHERE "/run/headers"
#define MNT WHERE "/mnt"
#define MARKER "MARKER of the owner"
/* An event may start it again at this very moment, which takes the stop of its sockets off the list of jobs. */
#define STOP_UDEV                                                                                     \
	"for try in 1 2 3 4 5; do systemctl stop systemd-udevd.service systemd-udevd-control.socket " \
	"systemd-udevd-kernel.socket && exit 0; done; exit 1"
#define PAGE 4096
#define MIB (1 << 20)
#define SECTORS 4096 /* of each header with what lies behind it */

static int mapper, console;
static char key[256];

static void die(const char *format, ...)
{
	va_list args;
	int error = errno;

	va_start(args, format);
	fprintf(stderr, "headers: ");
	vfprintf(stderr, format, args);
	fprintf(stderr, ": %s\n", strerror(error));
	va_end(args);
	exit(1);
}

static void write_file(const char *path, const char *text)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0600);

	if (fd < 0 || write(fd, text, strlen(text)) != (ssize_t)strlen(text) || close(fd) < 0)
		die("%s", path);
}

/* One line, whatever is in it. */
static void say(char *line)
{
	size_t len = strlen(line);

	for (char *c = line; *c; c++)
		if (*c == '\n')
			*c = ' ';
	line[len++] = '\n';
	if (write(console, line, len) != (ssize_t)len)
		die("console");
}

/* One call of device-mapper; the answer is in the buffer. */
static union {
	struct dm_ioctl head;
	char bytes[65536];
} dm;

static struct dm_ioctl *dm_call(unsigned long command, const char *name, unsigned int flags)
{
	memset(&dm.head, 0, sizeof(dm.head));
	dm.head.version[0] = DM_VERSION_MAJOR;
	dm.head.data_size = sizeof(dm.bytes);
	dm.head.data_start = sizeof(dm.head);
	dm.head.flags = flags;
	snprintf(dm.head.name, sizeof(dm.head.name), "%s", name);
	if (ioctl(mapper, command, &dm) < 0)
		return NULL;
	return &dm.head;
}

static bool mapped(const char *name)
{
	return dm_call(DM_DEV_STATUS, name, 0) != NULL;
}

/* The node that the kernel makes for a mapping. */
static const char *node(const char *name)
{
	static char path[64];
	struct dm_ioctl *found = dm_call(DM_DEV_STATUS, name, 0);

	if (!found)
		return NULL;
	snprintf(path, sizeof(path), "/dev/dm-%u", minor(found->dev));
	return path;
}

static void remove_mapping(const char *name)
{
	char link[DM_NAME_LEN + 16];

	if (!mapped(name))
		return;
	if (!dm_call(DM_DEV_REMOVE, name, 0))
		die("the mapping %s does not go", name);
	snprintf(link, sizeof(link), "/dev/mapper/%s", name);
	(void)unlink(link);
}

/* The part of the disk that begins at this sector, as the mapping `m`. */
static void part(unsigned long long start, dev_t disk)
{
	struct dm_target_spec *target =
		(struct dm_target_spec *)(dm.bytes + sizeof(struct dm_ioctl));

	if (!dm_call(DM_DEV_CREATE, "m", 0))
		die("cannot create m");
	memset(target, 0, sizeof(*target));
	target->length = SECTORS;
	strcpy(target->target_type, "linear");
	sprintf((char *)(target + 1), "%u:%u %llu", major(disk), minor(disk), start);
	memset(&dm.head, 0, sizeof(dm.head));
	dm.head.version[0] = DM_VERSION_MAJOR;
	dm.head.data_size = sizeof(dm.bytes);
	dm.head.data_start = sizeof(dm.head);
	dm.head.target_count = 1;
	strcpy(dm.head.name, "m");
	if (ioctl(mapper, DM_TABLE_LOAD, &dm) < 0 || !dm_call(DM_DEV_SUSPEND, "m", 0))
		die("cannot load m");
}

/* "NAME: TABLE " of a mapping, as dmsetup says it. */
static size_t table_of(const char *name, char *out, size_t size)
{
	struct dm_ioctl *found = dm_call(DM_TABLE_STATUS, name, DM_STATUS_TABLE_FLAG);
	size_t pos = 0, at = found ? found->data_start : 0;

	for (unsigned int i = 0; found && i < found->target_count; i++) {
		struct dm_target_spec *target = (struct dm_target_spec *)(dm.bytes + at);

		pos += snprintf(out + pos, size - pos, "%s: %llu %llu %s %s ", name,
				(unsigned long long)target->sector_start,
				(unsigned long long)target->length, target->target_type,
				(char *)(target + 1));
		at = found->data_start + target->next;
	}
	return pos;
}

static void tables(char *out, size_t size)
{
	struct dm_ioctl *found = dm_call(DM_LIST_DEVICES, "", 0);
	char names[32][DM_NAME_LEN];
	size_t pos = 0, count = 0, at;

	if (!found)
		die("cannot list the mappings");
	out[0] = '\0';
	at = found->data_start;
	for (;;) {
		struct dm_name_list *entry = (struct dm_name_list *)(dm.bytes + at);

		if (!entry->dev || count == 32)
			break;
		snprintf(names[count++], DM_NAME_LEN, "%s", entry->name);
		if (!entry->next)
			break;
		at += entry->next;
	}
	for (size_t i = 0; i < count; i++)
		pos += table_of(names[i], out + pos, size - pos);
}

/* What a reader finds behind a mapping. */
static const char *look(const char *name)
{
	static char data[4 * MIB], content[64];
	const char *path = node(name);
	FILE *marker;
	ssize_t len;
	int fd;

	if (!path)
		return "none";
	fd = open(path, O_RDONLY | O_CLOEXEC);
	len = fd < 0 ? -1 : read(fd, data, sizeof(data));
	if (fd >= 0)
		close(fd);
	if (len > 0 && memmem(data, len, MARKER, strlen(MARKER)))
		return "owner";
	if (mount(path, MNT, "ext4", MS_RDONLY, NULL) < 0)
		return "unknown";
	marker = fopen(MNT "/marker", "re");
	snprintf(content, sizeof(content), "a-file-system");
	if (marker && fscanf(marker, "%63s", content) != 1)
		die("marker");
	if (marker)
		fclose(marker);
	if (umount(MNT) < 0)
		die("umount");
	return content;
}

/* Runs a program; what it says, and its exit code. */
static int run(char *const argv[], char *said, size_t size)
{
	int fds[2], status;
	size_t pos;
	ssize_t n;
	pid_t pid;

	if (pipe2(fds, O_CLOEXEC) < 0)
		die("pipe");
	pid = vfork();
	if (pid == 0) {
		dup2(open("/dev/null", O_RDONLY), 0);
		dup2(fds[1], 1);
		dup2(fds[1], 2);
		execvp(argv[0], argv);
		_exit(127);
	}
	if (pid < 0)
		die("vfork");
	close(fds[1]);
	pos = 0;
	while (pos + 1 < size && (n = read(fds[0], said + pos, size - 1 - pos)) > 0)
		pos += n;
	said[pos] = '\0';
	close(fds[0]);
	if (waitpid(pid, &status, 0) < 0)
		die("waitpid");
	return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

static void tell(const char *kind, const char *name, int code, const char *left,
		 const char *mapping, const char *said)
{
	static char all[16384], line[32768];

	tables(all, sizeof(all));
	snprintf(line, sizeof(line) - 1,
		 "LAB %s %s code=%d left=%s content=%s tables= %smessage= %s", kind, name, code,
		 left, look(mapping), all, said);
	say(line);
}

/* Of coco-unlock and of cryptsetup, what people use today, on the same disk: KIND, NAME, device and argument. */
static void unlock(const char *kind, const char *name, const char *device, const char *options)
{
	char *argv[] = { "coco-unlock", "unlock", NULL };
	char said[4096], line[512];
	int code;

	snprintf(line, sizeof(line), "mut %s %s %s\n", device, strrchr(SECRET, '/') + 1, options);
	write_file("/etc/coco-unlock/cocotab", line);
	write_file(SECRET, key);
	code = run(argv, said, sizeof(said));
	tell(kind, name, code, access(SECRET, F_OK) == 0 ? "secret" : "", "mut", said);
	remove_mapping("mut");
	remove_mapping("mut_dif");
}

static void control(const char *kind, const char *name, const char *device, const char *keyfile)
{
	char said[4096], path[64];
	char *argv[] = { "cryptsetup", "open",	       "--type", "luks2", "--key-file",
			 path,	       (char *)device, "ctl",	 NULL };
	int code;

	snprintf(path, sizeof(path), WHERE "/%s", keyfile);
	code = run(argv, said, sizeof(said));
	tell(kind, name, code, "", "ctl", said);
	remove_mapping("ctl");
	remove_mapping("ctl_dif");
}

/* The list of the disk: its first line has the key. */
static char *list(void)
{
	char *text = calloc(1, MIB + 1);
	int fd = open(DISK, O_RDONLY | O_CLOEXEC);

	if (!text || fd < 0 || read(fd, text, MIB) != MIB)
		die(DISK);
	close(fd);
	if (sscanf(text, "key %255s", key) != 1)
		die("no key");
	return strchr(text, '\n') + 1;
}

static void mutants(char *text)
{
	char name[128], key_of_control[16], options[128], device[64], *rest = NULL;
	unsigned long long start;
	struct stat st;

	if (stat(DISK, &st) < 0)
		die(DISK);
	for (char *line = strtok_r(text, "\n", &rest); line; line = strtok_r(NULL, "\n", &rest)) {
		if (sscanf(line, "%127s %llu %15s %127s", name, &start, key_of_control, options) !=
		    4)
			die("%s", line);
		part(start, st.st_rdev);
		snprintf(device, sizeof(device), "%s", node("m"));
		unlock("mutant", name, device, options);
		if (strcmp(key_of_control, "-") != 0)
			control("control", name, device, key_of_control);
		remove_mapping("m");
	}
}

/* The page of the server's export control, past the page cache. */
static void plan(bool writes, char *page)
{
	static char aligned[PAGE] __attribute__((aligned(PAGE)));
	int fd = open(PLAN, (writes ? O_WRONLY : O_RDONLY) | O_DIRECT | O_CLOEXEC);

	memcpy(aligned, page, PAGE);
	if (fd < 0 || (writes ? write(fd, aligned, PAGE) : read(fd, aligned, PAGE)) != PAGE)
		die(PLAN);
	close(fd);
	memcpy(page, aligned, PAGE);
}

/* One run, from a clean disk and with nothing in the page cache. */
static void swap(bool ours, const char *size, const char *direction, int n)
{
	char name[64], page[PAGE] = "", line[PAGE + 128];
	int fd;

	snprintf(page, sizeof(page), "%s %d", direction, n);
	plan(true, page);
	fd = open(SWAPPED, O_RDONLY | O_CLOEXEC);
	if (fd < 0 || ioctl(fd, BLKFLSBUF) < 0)
		die(SWAPPED);
	close(fd);
	snprintf(name, sizeof(name), "%s,%s,%s,%d", ours ? "unlock" : "control", size, direction,
		 n);
	if (ours)
		unlock("swap", name, SWAPPED, "-");
	else
		control("swap", name, SWAPPED, "key");
	plan(false, page);
	page[PAGE - 1] = '\0';
	snprintf(line, sizeof(line), "LAB served %s %s", name, page);
	say(line);
}

static void queue(const char *name, const char *value)
{
	char device[64] = "", path[128];

	if (readlink(SWAPPED, device, sizeof(device) - 1) < 0)
		die(SWAPPED);
	snprintf(path, sizeof(path), "/sys/class/block/%s/queue/%s", strrchr(device, '/') + 1,
		 name);
	write_file(path, value);
}

/* Requests of any size, and then of one page each: there the header can change in the middle. */
static void swaps(void)
{
	static const char *const directions[] = { "good-evil", "evil-good" };

	for (int i = 0; i < 2; i++) {
		for (int n = 1; n <= 4; n++)
			swap(true, "large", directions[i], n);
		for (int n = 1; n <= 8; n++)
			swap(false, "large", directions[i], n);
	}
	queue("read_ahead_kb", "0");
	queue("max_sectors_kb", "4");
	for (int i = 0; i < 2; i++)
		for (int n = 1; n <= 9; n++)
			swap(true, "pages", directions[i], n);
}

int main(int argc, char **argv)
{
	char *text;

	mapper = open("/dev/mapper/control", O_RDWR | O_CLOEXEC);
	console = open("/dev/ttyS0", O_WRONLY | O_NOCTTY | O_CLOEXEC);
	if (argc != 2 || mapper < 0 || console < 0 || system(STOP_UDEV) != 0)
		die("cannot begin");
	(void)mkdir(WHERE, 0700);
	(void)mkdir(MNT, 0700);
	(void)mkdir("/etc/coco-unlock", 0755);
	if (mount("tmpfs", SECRETS, "tmpfs", 0, NULL) < 0)
		die(SECRETS);
	/* This is no initramfs: what is on the command line is not for these volumes. */
	write_file("/etc/coco-unlock/coco-unlock.conf",
		   "[Unlock]\nTimeout=20s\n[Policy]\nCheckCommandLine=no\n");
	text = list();
	write_file(WHERE "/key", key);
	write_file(WHERE "/wrong", "a wrong key");
	if (strcmp(argv[1], "mutants") == 0)
		mutants(text);
	else
		swaps();
	if (umount(SECRETS) < 0)
		die(SECRETS);
	return 0;
}
