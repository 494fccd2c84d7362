/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * attacker.c - /sbin/init of the root that the hostile host puts behind its forged disks. If it
 * runs, the guest has fallen: it says so on the console, tells which secrets it can still read
 * and how long they are, and powers off. Lab guests only: never part of an installation.
 */
#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/mount.h>
#include <sys/reboot.h>
#include <unistd.h>

#define SECRETS "/sys/kernel/security/secrets/coco"

static void tell_secrets(void)
{
	char path[512], data[4096];
	struct dirent *e;
	DIR *dir = opendir(SECRETS);

	while (dir && (e = readdir(dir))) {
		ssize_t n;
		int fd;

		if (e->d_name[0] == '.')
			continue;
		snprintf(path, sizeof(path), SECRETS "/%s", e->d_name);
		fd = open(path, O_RDONLY);
		n = fd < 0 ? -1 : read(fd, data, sizeof(data));
		printf("ATTACKER READS %s %zd\n", e->d_name, n);
		if (fd >= 0)
			close(fd);
	}
}

/* A line that the kernel prints, which nothing cuts in two. */
static void tell_kernel(const char *line)
{
	int fd = open("/dev/kmsg", O_WRONLY);

	if (fd >= 0) {
		dprintf(fd, "<0>%s\n", line);
		close(fd);
	}
}

int main(void)
{
	int fd = open("/dev/console", O_RDWR);

	if (fd >= 0) {
		dup2(fd, 0);
		dup2(fd, 1);
		dup2(fd, 2);
	}
	setvbuf(stdout, NULL, _IONBF, 0);
	printf("\nATTACKER ROOT\n");
	tell_kernel("ATTACKER ROOT");
	mount("sysfs", "/sys", "sysfs", 0, NULL);
	mount("securityfs", "/sys/kernel/security", "securityfs", 0, NULL);
	tell_secrets();
	sleep(1);
	reboot(RB_POWER_OFF);
	return 1;
}
