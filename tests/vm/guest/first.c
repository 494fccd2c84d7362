/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * first.c - /sbin/init of the root that the boot benchmark boots: has the kernel print a line, with
 * the kernel's own time, then shows what coco-unlock has said of this boot, and powers off. Lab
 * guests only: never part of an installation.
 */
#include <fcntl.h>
#include <sys/reboot.h>
#include <termios.h>
#include <unistd.h>

static void copy(const char *path, int to)
{
	int from = open(path, O_RDONLY);
	char buf[4096];
	ssize_t n;

	while (from >= 0 && (n = read(from, buf, sizeof(buf))) > 0)
		if (write(to, buf, n) != n)
			break;
	if (from >= 0)
		close(from);
}

static void say(int to, const char *line, size_t length)
{
	if (write(to, line, length) < 0)
		reboot(RB_POWER_OFF); /* the line is then missed */
}

int main(void)
{
	static const char first[] = "<1>LAB first\n", begin[] = "\nLAB status ",
			  end[] = "\nLAB end\n";
	int kmsg = open("/dev/kmsg", O_WRONLY), console;

	say(kmsg, first, sizeof(first) - 1);
	console = open("/dev/console", O_WRONLY | O_NOCTTY);
	say(console, begin, sizeof(begin) - 1);
	copy("/run/coco-unlock/status.json", console);
	say(console, end, sizeof(end) - 1);
	tcdrain(console);
	reboot(RB_POWER_OFF);
	return 1;
}
