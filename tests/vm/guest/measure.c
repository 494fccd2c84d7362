/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * measure.c - runs a command in a lab guest and prints what it cost, as one line
 * "wall_us user_us system_us peak_kib exit". Its child's own output goes where it wants.
 * Without a command: the microseconds from the monotonic clock to the time of day.
 */
#include <stdio.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static long long now_us(clockid_t clock)
{
	struct timespec t;

	clock_gettime(clock, &t);
	return t.tv_sec * 1000000LL + t.tv_nsec / 1000;
}

static long long us(struct timeval t)
{
	return t.tv_sec * 1000000LL + t.tv_usec;
}

int main(int argc, char **argv)
{
	long long began = now_us(CLOCK_MONOTONIC);
	struct rusage usage;
	int status;
	pid_t pid;

	if (argc < 2) {
		printf("%lld\n", now_us(CLOCK_REALTIME) - now_us(CLOCK_MONOTONIC));
		return 0;
	}
	pid = vfork();
	if (pid < 0)
		return 125;
	if (pid == 0) {
		execvp(argv[1], argv + 1);
		_exit(127);
	}
	if (wait4(pid, &status, 0, &usage) < 0)
		return 125;
	printf("%lld %lld %lld %ld %d\n", now_us(CLOCK_MONOTONIC) - began, us(usage.ru_utime),
	       us(usage.ru_stime), usage.ru_maxrss,
	       WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status));
	return 0;
}
