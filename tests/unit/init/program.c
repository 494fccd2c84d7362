/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * program.c - e2fsck and LVM as children: what they are told, and what becomes of a boot in which
 * one of them fails, is killed, hangs, or cannot be started.
 */
#include "init/program.h"

#include <signal.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>

#include "base/child.h"
#include "base/paths.h"
#include "inject_next.h"
#include "tap.h"

#define LIMIT_MS 300 /* of a program that hangs */
#define ENOUGH_MS 20000

enum way { EXITS, IS_KILLED, CRASHES, HANGS, IS_DEAF, IS_MISSING, NO_PROCESS };

/* What the children of a test share with it. */
static struct shared {
	unsigned int started;
	char words[8][2048]; /* of each program, with a space behind each */
	bool empty_environment, blocked;
} *shared;

static struct {
	unsigned int nth; /* this program, from 1, goes another way; the others end well */
	enum way way;
	int code;
} plan;

static struct conf conf;
static struct fault f;

static void go(void)
{
	switch (plan.way) {
	case EXITS:
	case NO_PROCESS:
		_exit(plan.code);
	case IS_KILLED:
		(void)kill(getpid(), SIGKILL);
		break;
	case CRASHES:
		abort();
	case IS_DEAF:
		(void)signal(SIGTERM, SIG_IGN);
		break;
	case HANGS:
	case IS_MISSING:
		break;
	}
	for (;;)
		(void)pause();
}

int execve(const char *path, char *const argv[], char *const envp[])
{
	unsigned int nr = ++shared->started;
	char *words = shared->words[nr - 1];
	sigset_t mask;
	size_t i;

	if (strcmp(path, argv[0]) != 0)
		_exit(99);
	for (i = 0; argv[i]; i++) {
		(void)strcat(words, argv[i]);
		(void)strcat(words, " ");
	}
	if (!envp[0] || strncmp(envp[0], "PATH=", 5) != 0 || envp[1])
		shared->empty_environment = false;
	if (sigprocmask(SIG_BLOCK, NULL, &mask) < 0 || sigismember(&mask, SIGCHLD) != 0)
		shared->blocked = true;
	if (nr != plan.nth)
		_exit(EXIT_SUCCESS);
	if (plan.way == IS_MISSING) {
		errno = ENOENT;
		return -1;
	}
	go();
	return -1;
}

pid_t fork(void)
{
	if (plan.way == NO_PROCESS && shared->started + 1 == plan.nth) {
		errno = EAGAIN;
		return -1;
	}
	return INJECT_NEXT(fork)();
}

static void begin(unsigned int nth, enum way way, int code)
{
	memset(shared, 0, sizeof(*shared));
	shared->empty_environment = true;
	plan.nth = nth;
	plan.way = way;
	plan.code = code;
	f = (struct fault){ 0 };
}

static int fsck(int ms)
{
	return program_fsck("/dev/mapper/root", deadline_in_ms((uint64_t)ms), &f);
}

static int lvm(int ms)
{
	return program_lvm(&conf, deadline_in_ms((uint64_t)ms), &f);
}

static void test_words(void)
{
	begin(0, EXITS, 0);
	is_int(fsck(ENOUGH_MS), 0, "a clean file system");
	is_str(shared->words[0], "/usr/sbin/e2fsck -p /dev/mapper/root ",
	       "... what e2fsck is told");
	ok(shared->empty_environment && !shared->blocked,
	   "... with PATH alone, and no signal blocked");
	begin(0, EXITS, 0);
	is_int(lvm(ENOUGH_MS), 0, "LVM");
	is_int(shared->started, 3, "... is run once, and once for each volume");
	ok(strncmp(shared->words[0], "/usr/sbin/lvm vgchange -aay --sysinit --config ", 47) == 0 &&
		   strncmp(shared->words[1], "/usr/sbin/lvm pvscan --cache ", 29) == 0 &&
		   strstr(shared->words[1], " /dev/mapper/root ") &&
		   strstr(shared->words[2], " /dev/mapper/data "),
	   "... in this order");
	ok(strstr(shared->words[0], "r|.*|") && strstr(shared->words[2], "r|.*|"),
	   "... and sees no other disk");
}

static void test_codes(void)
{
	int code;

	for (code = 0; code < 256; code++) {
		begin(1, EXITS, code);
		if (!ok((fsck(ENOUGH_MS) == 0) == (code <= 3) &&
				(f.code == EXITCODE_ABORTED) == (code > 3),
			"e2fsck ends with %d", code))
			printf("# %d: %s\n", (int)f.code, f.why);
	}
	begin(1, EXITS, 4);
	(void)fsck(ENOUGH_MS);
	ok(strstr(f.why, "could not repair") && strstr(f.why, "exit code 4"), "... what it says");
}

/* The way that one of them goes, and what is said of it. */
static void refuses(const char *what, int (*fn)(int ms), unsigned int nth, enum way way,
		    enum exitcode code, const char *why)
{
	const struct deadline late = deadline_in_ms(LIMIT_MS + 3000);
	int r;

	begin(nth, way, 5);
	r = fn(way == HANGS || way == IS_DEAF ? LIMIT_MS : ENOUGH_MS);
	if (!ok(r < 0 && f.code == code && strstr(f.why, why), "%s: %s", what, why))
		printf("# %d, %d: %s\n", r, (int)f.code, f.why);
	ok(strcmp(fault_next(&f), exitcode_next(EXITCODE_ABORTED)) != 0, "... what to do: %s",
	   fault_next(&f));
	ok((way != HANGS && way != IS_DEAF) || deadline_left_ms(late) > 0, "... in time");
	/* On a busy machine one before it may have taken all the time. */
	ok(shared->started <= nth &&
		   (way == HANGS || way == IS_DEAF || shared->started == nth - (way == NO_PROCESS)),
	   "... no other is started");
	ok(waitpid(-1, NULL, WNOHANG) < 0 && errno == ECHILD, "... and none is left");
}

static void test_ways(void)
{
	static const struct {
		const char *what;
		enum way way;
		enum exitcode code;
		const char *why;
	} ways[] = {
		{ "killed", IS_KILLED, EXITCODE_ABORTED, " was killed" },
		{ "crashed", CRASHES, EXITCODE_ABORTED, " was killed" },
		{ "hangs", HANGS, EXITCODE_ABORTED, " is still at work" },
		{ "hangs, and is deaf", IS_DEAF, EXITCODE_ABORTED, " is still at work" },
		{ "missing", IS_MISSING, EXITCODE_ABORTED, " cannot be run" },
		{ "no process", NO_PROCESS, EXITCODE_NO_MEMORY, "no process for " },
	};
	unsigned int nth;
	size_t i;

	for (i = 0; i < ARRAY_SIZE(ways); i++) {
		refuses(ways[i].what, fsck, 1, ways[i].way, ways[i].code, ways[i].why);
		for (nth = 1; nth <= 3; nth++)
			refuses(ways[i].what, lvm, nth, ways[i].way, ways[i].code, ways[i].why);
	}
	refuses("vgchange fails", lvm, 1, EXITS, EXITCODE_ABORTED, "cannot activate");
	refuses("pvscan fails", lvm, 2, EXITS, EXITCODE_ABORTED, "/dev/mapper/root is in use");
	refuses("the other fails", lvm, 3, EXITS, EXITCODE_ABORTED, "/dev/mapper/data is in use");
}

static void test_filter(void)
{
	const struct device_spec device = conf.volumes[1].device;

	conf.volumes[1].device = (struct device_spec){ DEVICE_KIND_PATH, "/dev/group/data" };
	begin(0, EXITS, 0);
	ok(lvm(ENOUGH_MS) < 0 && f.code == EXITCODE_CONFIG, "a volume on LVM itself");
	is_int(shared->started, 0, "... nothing is started");
	conf.volumes[1].device = device;
}

int main(void)
{
	shared = mmap(NULL, sizeof(*shared), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1,
		      0);
	if (shared == MAP_FAILED)
		return 99;
	(void)fflush(stdout);
	conf_defaults(&conf);
	conf.volumes[1] = conf.volumes[0];
	(void)snprintf(conf.volumes[1].name, sizeof(conf.volumes[1].name), "data");
	conf.nr_volumes = 2;
	test_words();
	test_codes();
	test_ways();
	test_filter();
	return tap_done();
}
