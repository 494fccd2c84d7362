/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * jail.c - what the broker program may still do, and that it ends over anything else. The kernel
 * says so itself; as root, also who it is.
 */
#include "broker/jail.h"

#include <fcntl.h>
#include <grp.h>
#include <poll.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/random.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include "source/kbs/frame.h"
#include "tap.h"

static void open_file(void)
{
	(void)open(".", O_RDONLY);
}

static void make_socket(void)
{
	(void)socket(AF_INET, SOCK_STREAM, 0);
}

static void connect_again(void)
{
	struct sockaddr a = { .sa_family = AF_UNSPEC };

	(void)connect(FRAME_TCP_FD, &a, sizeof(a));
}

/* Linux' TCP Fast Open: a send that connects. A socket that was reset takes it. */
static void connect_with_a_send(void)
{
	const struct sockaddr a = { .sa_family = AF_INET };

	(void)sendto(FRAME_TCP_FD, "x", 1, MSG_FASTOPEN | MSG_NOSIGNAL, &a, sizeof(a));
}

static void run_program(void)
{
	(void)execl("true", "true", NULL);
}

static void make_process(void)
{
	(void)syscall(SYS_clone, SIGCHLD, 0, 0, 0, 0);
}

static void map_code(void)
{
	(void)mmap(NULL, 1, PROT_READ | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
}

static void make_code(void)
{
	(void)mprotect((void *)0x10000, 4096, PROT_EXEC);
}

static void send_descriptor(void)
{
	struct msghdr m = { 0 };

	(void)sendmsg(FRAME_FD, &m, 0);
}

static void signal_others(void)
{
	(void)kill(-1, 0);
}

static void ask_who_it_is(void)
{
	(void)getuid();
}

static void be_dumpable(void)
{
	(void)prctl(PR_SET_DUMPABLE, 1, 0, 0, 0);
}

static const struct {
	const char *name;
	void (*call)(void);
} forbidden[] = {
	{ "a file", open_file },
	{ "a socket", make_socket },
	{ "another connection", connect_again },
	{ "another connection by a send", connect_with_a_send },
	{ "a program", run_program },
	{ "a process", make_process },
	{ "memory for code", map_code },
	{ "code in memory", make_code },
	{ "a descriptor for somebody else", send_descriptor },
	{ "a signal", signal_others },
	{ "who it is", ask_who_it_is },
	{ "to be dumped", be_dumpable },
};

/* All that it needs. */
static void work(void)
{
	struct pollfd p = { .fd = FRAME_TCP_FD, .events = POLLOUT };
	char *memory = malloc(8 << 20), bytes[16];
	struct timespec t;

	if (memory && poll(&p, 1, 0) == 1 && getrandom(bytes, sizeof(bytes), 0) == sizeof(bytes) &&
	    syscall(SYS_clock_gettime, CLOCK_MONOTONIC, &t) == 0 &&
	    write(FRAME_TCP_FD, "w", 1) == 1)
		(void)send(FRAME_FD, "done", 4, MSG_NOSIGNAL);
	free(memory);
}

/* In the child. Descriptors that it must not keep are open in it. */
static void live(const int fds[2], void (*call)(void))
{
	char go;
	int r;

	if (geteuid() == 0 && setgroups(1, &(gid_t){ 1 }) < 0)
		_exit(98);
	if (dup2(fds[0], 20) < 0 || dup2(fds[1], 21) < 0 || dup2(20, FRAME_FD) < 0 ||
	    dup2(21, FRAME_TCP_FD) < 0)
		_exit(99);
	r = jail_enter();
	if (send(FRAME_FD, r == 0 ? "in" : "no", 2, 0) != 2 || recv(FRAME_FD, &go, 1, 0) != 1)
		r = -EIO;
	if (r == 0 && write(20, "x", 1) < 0 && errno == EBADF && write(0, "x", 1) < 0 &&
	    errno == EBADF) {
		call();
		(void)send(FRAME_FD, "alive", 5, 0);
	}
	jail_leave(sbrk(0), 7);
}

static bool has_line(pid_t pid, const char *want)
{
	char path[32], line[256];
	bool found = false;
	FILE *f;

	(void)snprintf(path, sizeof(path), "/proc/%d/status", (int)pid);
	f = fopen(path, "re");
	while (f && fgets(line, sizeof(line), f))
		found |= strncmp(line, want, strlen(want)) == 0;
	if (f)
		(void)fclose(f);
	return found;
}

static void look_at(pid_t pid)
{
	char path[32];
	struct stat st;

	ok(has_line(pid, "Seccomp:\t2") && has_line(pid, "NoNewPrivs:\t1"),
	   "it has a filter, and gets no rights");
	if (geteuid() != 0) {
		ok(true, "# SKIP who it is: only root becomes somebody else");
		return;
	}
	ok(has_line(pid, "Uid:\t114880\t114880\t114880\t114880\n") &&
		   has_line(pid, "Gid:\t114880\t114880\t114880\t114880\n") &&
		   has_line(pid, "Groups:\t \n") && has_line(pid, "CapEff:\t0000000000000000") &&
		   has_line(pid, "CapPrm:\t0000000000000000"),
	   "it is nobody else, without groups and capabilities");
	(void)snprintf(path, sizeof(path), "/proc/%d/root/.", (int)pid);
	ok(stat(path, &st) == 0 && st.st_nlink == 0, "its root is a directory that is gone");
}

static void check(const char *name, void (*call)(void), bool allowed, bool look)
{
	int frames[2], wire[2], fds[2], status = 0;
	char text[16] = "";
	pid_t pid;

	if (socketpair(AF_UNIX, SOCK_SEQPACKET, 0, frames) < 0 ||
	    socketpair(AF_UNIX, SOCK_SEQPACKET, 0, wire) < 0)
		abort();
	fds[0] = frames[1];
	fds[1] = wire[1];
	pid = fork();
	if (pid == 0)
		live(fds, call);
	(void)close(frames[1]);
	if (recv(frames[0], text, sizeof(text), 0) < 0 || strcmp(text, "in") != 0)
		printf("# it does not get in: %s\n", text);
	if (look)
		look_at(pid);
	memset(text, 0, sizeof(text));
	(void)send(frames[0], "g", 1, MSG_NOSIGNAL);
	(void)recv(frames[0], text, sizeof(text) - 1, 0);
	if (waitpid(pid, &status, 0) != pid)
		abort();
	if (allowed)
		ok(strcmp(text, "done") == 0 && WIFEXITED(status) && WEXITSTATUS(status) == 7, "%s",
		   name);
	else
		ok(*text == '\0' && WIFSIGNALED(status) && WTERMSIG(status) == SIGSYS,
		   "it does not get %s", name);
	(void)close(frames[0]);
	(void)close(wire[0]);
	(void)close(wire[1]);
}

int main(void)
{
	size_t i;

	check("it can work, and end", work, true, true);
	for (i = 0; i < ARRAY_SIZE(forbidden); i++)
		check(forbidden[i].name, forbidden[i].call, false, false);
	return tap_done();
}
