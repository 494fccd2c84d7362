/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * floor.c - /init that does nothing but what any initramfs has to: loads the modules that lead to
 * the disk, mounts it and executes its init. The boot benchmark's floor, for a root that is not
 * encrypted. Lab guests only: never part of an installation.
 */
#include <fcntl.h>
#include <linux/netlink.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#define DISK "/dev/vda"
#define SYSROOT "/sysroot"

/* The kernel panics, which ends the machine, and the benchmark misses its line. */
static int give_up(const char *what)
{
	perror(what);
	return 1;
}

static int load(const char *path)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	long r = fd < 0 ? -1 : syscall(SYS_finit_module, fd, "", 0);

	if (fd >= 0)
		close(fd);
	return (int)r;
}

/* The files that /modules names, one a line. A driver of hardware that is not there may refuse. */
static int load_all(void)
{
	FILE *list = fopen("/modules", "re");
	char path[512];

	if (!list)
		return -1;
	while (fgets(path, sizeof(path), list)) {
		path[strcspn(path, "\n")] = '\0';
		if (load(path) < 0)
			perror(path);
	}
	fclose(list);
	return 0;
}

int main(void)
{
	const struct sockaddr_nl all = { .nl_family = AF_NETLINK, .nl_groups = 1 };
	int events = socket(AF_NETLINK, SOCK_DGRAM | SOCK_CLOEXEC, NETLINK_KOBJECT_UEVENT);
	char event[8192];

	if (events < 0 || bind(events, (const struct sockaddr *)&all, sizeof(all)) < 0)
		return give_up("events");
	if (mount("devtmpfs", "/dev", "devtmpfs", 0, NULL) < 0 ||
	    mount("proc", "/proc", "proc", 0, NULL) < 0)
		return give_up("mount");
	if (load_all() < 0)
		return give_up("/modules");
	while (access(DISK, F_OK) < 0)
		if (recv(events, event, sizeof(event), 0) < 0)
			return give_up("recv");
	if (mount(DISK, SYSROOT, "ext4", 0, NULL) < 0)
		return give_up(DISK);
	if (mount("/dev", SYSROOT "/dev", NULL, MS_MOVE, NULL) < 0 ||
	    mount("/proc", SYSROOT "/proc", NULL, MS_MOVE, NULL) < 0 || chdir(SYSROOT) < 0 ||
	    mount(".", "/", NULL, MS_MOVE, NULL) < 0 || chroot(".") < 0)
		return give_up(SYSROOT);
	execl("/sbin/init", "/sbin/init", (char *)NULL);
	return give_up("/sbin/init");
}
