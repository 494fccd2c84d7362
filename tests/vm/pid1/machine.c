/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * machine.c - what PID 1 of a namespace leaves in the machine, and how it goes: drivers, mappings,
 * settings, and the launch secret, which is wiped. Lab guests only.
 */
#include "machine.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/dm-ioctl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/klog.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/reboot.h>
#include <sys/sendfile.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#define SECRET "/lab/secret" /* its address, and its bytes */
#define AREA 4096
#define PATIENCE 200 /* looks, 10 ms apart */

static const char *const settings[] = {
	"/proc/sys/kernel/sysrq",
	"/proc/sys/kernel/panic",
	"/proc/sys/kernel/modprobe",
	"/proc/sys/kernel/panic_on_oops",
};
#define NR (sizeof(settings) / sizeof(settings[0]))
static char before[NR][256];
static char loaded[8192]; /* names of modules, each between spaces */
static int kmsg = -1;
static char *area;
static char secret[AREA];

void machine_say(const char *format, ...)
{
	char line[900];
	va_list args;
	int n = snprintf(line, sizeof(line), "<1>LAB ");

	va_start(args, format);
	n += vsnprintf(line + n, sizeof(line) - n - 1, format, args);
	va_end(args);
	if (n > (int)sizeof(line) - 2)
		n = sizeof(line) - 2;
	line[n++] = '\n';
	if (write(kmsg, line, n) != n)
		reboot(RB_HALT_SYSTEM);
}

_Noreturn void machine_die(const char *what)
{
	machine_say("cannot go on: %s: %s", what, strerror(errno));
	reboot(RB_POWER_OFF);
	for (;;)
		pause();
}

char *machine_text(const char *path, char *text, size_t size)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	ssize_t n = fd < 0 ? -1 : read(fd, text, size - 1);

	text[n < 0 ? 0 : n] = '\0';
	if (fd >= 0)
		close(fd);
	return text;
}

static void put(const char *path, const char *text)
{
	int fd = open(path, O_WRONLY | O_CLOEXEC);

	if (fd < 0 || write(fd, text, strlen(text)) != (ssize_t)strlen(text))
		machine_die(path);
	close(fd);
}

/* Those that are loaded: from the first line of the list, which is the last that came. */
static void list_modules(char *names, size_t size)
{
	FILE *list = fopen("/proc/modules", "re");
	char line[512], name[64];
	size_t n = snprintf(names, size, " ");

	while (list && fgets(line, sizeof(line), list))
		if (sscanf(line, "%63s", name) == 1)
			n += snprintf(names + n, size - n, "%s ", name);
	if (list)
		fclose(list);
}

static void map_area(void)
{
	char text[32];
	int fd, mem = open("/dev/mem", O_RDWR | O_CLOEXEC);
	off_t at;

	fd = open(SECRET, O_RDONLY | O_CLOEXEC);
	if (fd < 0 || read(fd, text, 16) != 16 || read(fd, secret, AREA) < 0)
		machine_die(SECRET);
	text[16] = '\0';
	at = (off_t)strtoull(text, NULL, 16);
	area = mmap(NULL, AREA, PROT_READ | PROT_WRITE, MAP_SHARED, mem, at);
	if (area == MAP_FAILED)
		machine_die("/dev/mem");
	close(fd);
	close(mem);
}

const char *machine_changed(void)
{
	char now[sizeof(before[0])];
	size_t i;

	for (i = 0; i < NR; i++)
		if (strcmp(machine_text(settings[i], now, sizeof(now)), before[i]) != 0)
			return settings[i];
	return NULL;
}

void machine_begin(void)
{
	size_t i;

	if (mount("proc", "/proc", "proc", 0, NULL) < 0 ||
	    mount("sysfs", "/sys", "sysfs", 0, NULL) < 0 ||
	    mount("devtmpfs", "/dev", "devtmpfs", 0, NULL) < 0)
		reboot(RB_POWER_OFF);
	kmsg = open("/dev/kmsg", O_WRONLY | O_CLOEXEC);
	put("/proc/sys/kernel/printk_devkmsg", "on\n");
	/* Emulation translates code for an address: with random ones it begins anew each time. */
	put("/proc/sys/kernel/randomize_va_space", "0\n");
	klogctl(8 /* SYSLOG_ACTION_CONSOLE_LEVEL */, NULL, 2); /* what is said here, and no more */
	for (i = 0; i < NR; i++)
		machine_text(settings[i], before[i], sizeof(before[i]));
	list_modules(loaded, sizeof(loaded));
	if (mkdir(MACHINE_IMAGE, 0755) < 0)
		machine_die(MACHINE_IMAGE);
	map_area();
}

static void copy_file(int from, int to, const char *name, mode_t mode)
{
	int in = openat(from, name, O_RDONLY | O_CLOEXEC),
	    out = openat(to, name, O_WRONLY | O_CREAT | O_CLOEXEC, mode & 0777);
	ssize_t n = 1;

	while (in >= 0 && out >= 0 && n > 0)
		n = sendfile(out, in, NULL, 1 << 20);
	if (n != 0)
		machine_die(name);
	close(in);
	close(out);
}

static void copy(int from, int to, bool top)
{
	DIR *dir = fdopendir(from);
	struct dirent *entry;
	char target[512];
	struct stat st;
	ssize_t n;

	while (dir && (entry = readdir(dir))) {
		const char *name = entry->d_name;

		if (strcmp(name, ".") == 0 || strcmp(name, "..") == 0 ||
		    (top && (strcmp(name, "lab") == 0 || strcmp(name, MACHINE_IMAGE + 1) == 0)))
			continue;
		if (fstatat(from, name, &st, AT_SYMLINK_NOFOLLOW) < 0)
			machine_die(name);
		if (S_ISREG(st.st_mode)) {
			copy_file(from, to, name, st.st_mode);
		} else if (S_ISLNK(st.st_mode)) {
			n = readlinkat(from, name, target, sizeof(target) - 1);
			target[n < 0 ? 0 : n] = '\0';
			if (symlinkat(target, to, name) < 0)
				machine_die(name);
		} else if (S_ISDIR(st.st_mode)) {
			if (mkdirat(to, name, 0755) < 0)
				machine_die(name);
			/* Where a file system of the kernel's is mounted, nothing is the image's. */
			if (!top || (strcmp(name, "proc") != 0 && strcmp(name, "sys") != 0 &&
				     strcmp(name, "dev") != 0))
				copy(openat(from, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC),
				     openat(to, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC), false);
		}
	}
	if (!dir)
		machine_die("the image");
	closedir(dir);
	close(to);
}

void machine_fresh(void)
{
	int to, lab = open("/lab", O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	if (mount("tmpfs", MACHINE_IMAGE, "tmpfs", 0, "mode=0755") < 0)
		machine_die(MACHINE_IMAGE);
	copy(open("/", O_RDONLY | O_DIRECTORY | O_CLOEXEC),
	     open(MACHINE_IMAGE, O_RDONLY | O_DIRECTORY | O_CLOEXEC), true);
	/* The name of the stub in the image is ours here. */
	to = open(MACHINE_IMAGE, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (unlinkat(to, "init", 0) < 0)
		machine_die("init");
	copy_file(lab, to, "init", 0755);
	close(lab);
	close(to);
	memcpy(area, secret, AREA);
}

size_t machine_secret_left(void)
{
	size_t i, left = 0;

	/* Header and GUID may stay, for they are no secret. */
	for (i = 40; i < AREA; i++)
		left += area[i] != 0 && area[i] == secret[i];
	return left;
}

static void wait_a_little(void)
{
	nanosleep(&(struct timespec){ 0, 10000000 }, NULL);
}

static unsigned int count_mappings(void)
{
	DIR *dir = opendir("/sys/class/block");
	struct dirent *entry;
	unsigned int nr = 0;

	while (dir && (entry = readdir(dir)))
		nr += strncmp(entry->d_name, "dm-", 3) == 0;
	if (dir)
		closedir(dir);
	return nr;
}

static unsigned int remove_mappings(void)
{
	struct dm_ioctl all;
	unsigned int before_it = count_mappings(), i;
	int control = open("/dev/mapper/control", O_RDWR | O_CLOEXEC);
	DIR *dir;
	struct dirent *entry;

	for (i = 0; count_mappings() > 0; i++) {
		all = (struct dm_ioctl){ .version = { DM_VERSION_MAJOR, 0, 0 },
					 .data_size = sizeof(all),
					 .data_start = sizeof(all) };
		if (i == PATIENCE)
			machine_die("a mapping stays");
		(void)ioctl(control, DM_REMOVE_ALL, &all); /* until nobody has it mounted */
		if (count_mappings() > 0)
			wait_a_little();
	}
	if (control >= 0)
		close(control);
	dir = opendir("/dev/mapper");
	while (dir && (entry = readdir(dir)))
		if (entry->d_name[0] != '.' && strcmp(entry->d_name, "control") != 0)
			unlinkat(dirfd(dir), entry->d_name, 0);
	if (dir)
		closedir(dir);
	return before_it;
}

static void unload_modules(void)
{
	char names[8192], name[70], *rest, *word;
	unsigned int i, stay = 1;

	for (i = 0; stay > 0; i++) {
		stay = 0;
		list_modules(names, sizeof(names));
		for (word = strtok_r(names, " ", &rest); word; word = strtok_r(NULL, " ", &rest)) {
			snprintf(name, sizeof(name), " %s ", word);
			/* A user of it comes first in the list. */
			if (!strstr(loaded, name) &&
			    syscall(SYS_delete_module, word, O_NONBLOCK) < 0)
				stay++;
		}
		if (stay > 0 && i == PATIENCE)
			machine_die("a module stays");
		if (stay > 0)
			wait_a_little();
	}
}

unsigned int machine_clean(void)
{
	unsigned int mappings;
	size_t i;

	if (umount2(MACHINE_IMAGE, MNT_DETACH) < 0)
		machine_die(MACHINE_IMAGE);
	mappings = remove_mappings();
	unload_modules();
	for (i = 0; i < NR; i++)
		put(settings[i], before[i]);
	put("/proc/sys/kernel/printk_devkmsg", "on\n");
	return mappings;
}

bool machine_is_root(unsigned int major, unsigned int minor)
{
	char path[96], text[256];

	snprintf(path, sizeof(path), "/sys/dev/block/%u:%u/dm/name", major, minor);
	if (strcmp(machine_text(path, text, sizeof(text)), "root\n") != 0)
		return false;
	snprintf(path, sizeof(path), "/sys/dev/block/%u:%u/dm/uuid", major, minor);
	return strncmp(machine_text(path, text, sizeof(text)),
		       "CRYPT-LUKS2-5c0c0a7e000140008000000000000001-", 45) == 0;
}
