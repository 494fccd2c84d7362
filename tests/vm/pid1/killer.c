/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * killer.c - /init of an image of our own in whose boot a child of PID 1 is killed: forks a process
 * that does it, and executes the image's own /init. /lab/kill has three numbers: milliseconds from
 * the first child on, how many generations it may be from PID 1, and which of them, of as many as
 * there are. Lab guests only: never part of an installation.
 */
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define NR 64

static char *text_of(int pid, const char *name, char *text, size_t size)
{
	char path[64];
	ssize_t n;
	int fd;

	snprintf(path, sizeof(path), "/proc/%d/%s", pid, name);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	n = fd < 0 ? -1 : read(fd, text, size - 1);
	text[n < 0 ? 0 : n] = '\0';
	if (fd >= 0)
		close(fd);
	return text;
}

/* Adds the descendants of a process, but this one, to the list; returns how many it has then. */
static unsigned int find(int pid, unsigned int generations, int list[NR], unsigned int nr)
{
	char name[64], text[1024], *rest, *word;
	int child;

	snprintf(name, sizeof(name), "task/%d/children", pid);
	text_of(pid, name, text, sizeof(text));
	for (word = strtok_r(text, " ", &rest); word; word = strtok_r(NULL, " ", &rest)) {
		child = atoi(word);
		if (child == getpid() || nr == NR)
			continue;
		list[nr++] = child;
		if (generations > 1)
			nr = find(child, generations - 1, list, nr);
	}
	return nr;
}

static void say(const char *what, int pid)
{
	char comm[32], line[96];
	int n, fd = open("/dev/kmsg", O_WRONLY | O_CLOEXEC);

	text_of(pid, "comm", comm, sizeof(comm));
	n = snprintf(line, sizeof(line), "<1>LAB %s %d %s", what, pid, comm);
	if (fd >= 0 && write(fd, line, n) != n)
		_exit(1); /* nothing is killed then, and the case fails */
	close(fd);
}

/* PID 1 is still ours. */
static int is_early(void)
{
	char name[64];

	return strcmp(text_of(1, "comm", name, sizeof(name)), "coco-unlock\n") == 0;
}

static void wait_ms(unsigned int ms)
{
	nanosleep(&(struct timespec){ ms / 1000, ms % 1000 * 1000000L }, NULL);
}

static void kill_one(unsigned int after_ms, unsigned int generations, unsigned int which)
{
	int list[NR];
	unsigned int nr = 0;

	while (find(1, 1, list, 0) == 0)
		wait_ms(1);
	wait_ms(after_ms);
	while (is_early() && (nr = find(1, generations, list, 0)) == 0)
		wait_ms(1);
	if (nr == 0) {
		say("kills nobody, it is too late:", 1);
		return;
	}
	say("kills", list[which % nr]);
	kill(list[which % nr], SIGKILL);
}

int main(int argc, char **argv)
{
	char program[] = "/lab/init", text[64] = "", *envp[] = { NULL };
	int fd = open("/lab/kill", O_RDONLY | O_CLOEXEC);
	unsigned int after_ms, generations, which;

	(void)argc;
	if (getpid() != 1 || fd < 0 || read(fd, text, sizeof(text) - 1) < 0 ||
	    sscanf(text, "%u %u %u", &after_ms, &generations, &which) != 3)
		return 1;
	close(fd);
	if (fork() == 0) {
		kill_one(after_ms, generations, which);
		_exit(0);
	}
	argv[0] = program;
	execve(program, argv, envp);
	return 1;
}
