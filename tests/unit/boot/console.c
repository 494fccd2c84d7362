/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * console.c - processes at pseudo-terminals: what they may, what they say, who is heard, what
 * becomes of terminals and kernel messages; and kills, hang-ups, noise, and nobody who reads.
 */
#include "boot/console.h"

#include <poll.h>
#include <pty.h>
#include <signal.h>
#include <stdarg.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include "base/paths.h"
#include "fixture.h"
#include "inject_next.h"
#include "rescue/answer.h"
#include "rescue/line.h"

#define NR 2
#define PATIENCE_MS 20000

static struct shared {
	unsigned int starts; /* of processes */
	int flags;	     /* of the last terminal that was opened */
	bool forge;	     /* processes say this in the place of what they should */
	size_t forged_len;
	unsigned char forged[ANSWER_SIZE_MAX + 100];
} *shared;

static struct fixture fx;
static char slaves[NR][64];
static int masters[NR];
static struct termios modes[NR];
static bool no_fork, no_terminal;
static struct console_page page;
static unsigned char message[ANSWER_SIZE_MAX];
static unsigned char wanted[1500];
static struct console_said said;

/* Below the tree, /dev/ttyN is a pseudo-terminal. */
long syscall(long nr, ...)
{
	long args[6];
	va_list ap;
	size_t i;

	va_start(ap, nr);
	for (i = 0; i < ARRAY_SIZE(args); i++)
		args[i] = va_arg(ap, long);
	va_end(ap);
	if (nr == SYS_openat2) {
		const char *path = (const char *)args[1];
		const uint64_t *flags = (const uint64_t *)args[2];

		if (strncmp(path, PATH_DEV "/tty", strlen(PATH_DEV "/tty")) == 0 && !no_terminal) {
			shared->flags = (int)flags[0];
			return open(slaves[path[strlen(PATH_DEV "/tty")] - '0'],
				    (int)flags[0] & ~O_NOFOLLOW);
		}
	}
	return INJECT_NEXT(syscall)(nr, args[0], args[1], args[2], args[3], args[4], args[5]);
}

pid_t fork(void)
{
	if (no_fork) {
		errno = EAGAIN;
		return -1;
	}
	shared->starts++;
	return INJECT_NEXT(fork)();
}

/* The socket of a process at a console is its descriptor 1. */
ssize_t write(int fd, const void *data, size_t len)
{
	if (fd == 1 && shared && shared->forge)
		return INJECT_NEXT(write)(fd, shared->forged, shared->forged_len);
	return INJECT_NEXT(write)(fd, data, len);
}

static void open_pty(size_t i)
{
	int slave;

	FIXTURE_MUST(openpty(&masters[i], &slave, slaves[i], NULL, NULL) == 0);
	FIXTURE_MUST(fcntl(masters[i], F_SETFL, O_NONBLOCK) == 0);
	FIXTURE_MUST(fcntl(masters[i], F_SETFD, FD_CLOEXEC) == 0);
	FIXTURE_MUST(tcgetattr(slave, &modes[i]) == 0);
	(void)close(slave);
}

/* What was said on a console until `text` comes, or within the time; true if it came. */
static bool await_for(size_t i, const char *text, int limit_ms)
{
	static char seen[400000];
	struct pollfd p = { .fd = masters[i], .events = POLLIN };
	struct deadline deadline = deadline_in_ms((uint64_t)limit_ms);
	size_t len = 0;
	ssize_t n;

	do {
		n = read(masters[i], seen + len, sizeof(seen) - 1 - len);
		len += n > 0 ? (size_t)n : 0;
		seen[len] = '\0';
		if (strstr(seen, text))
			return true;
		if (n < 0 && errno == EIO) /* nobody has it open, just now */
			(void)poll(NULL, 0, 10);
		else
			(void)poll(&p, 1, deadline_left_ms(deadline));
	} while (deadline_left_ms(deadline) > 0);
	if (limit_ms == PATIENCE_MS)
		printf("# no '%s' in '%s'\n", text, seen);
	return false;
}

static bool await(size_t i, const char *text)
{
	return await_for(i, text, PATIENCE_MS);
}

static void type(size_t i, const char *text)
{
	FIXTURE_MUST(write(masters[i], text, strlen(text)) == (ssize_t)strlen(text));
}

static void type_answer(size_t i, size_t without)
{
	size_t n, count = line_count(sizeof(wanted));
	char line[LINE_TEXT_SIZE + 2];

	for (n = 0; n < count; n++) {
		if (n == without)
			continue;
		line_text(LINE_ANSWER, wanted, sizeof(wanted), n, line);
		type(i, strcat(line, "\r"));
	}
}

static struct consoles *begin(void)
{
	static const char challenge[] = "a challenge";
	struct consoles *consoles = NULL;
	struct fault f = { 0 };
	size_t i;

	memset(shared, 0, sizeof(*shared));
	for (i = 0; i < NR; i++)
		open_pty(i);
	fixture_text(&fx, PATH_CONSOLES_ACTIVE, "tty0 tty1\n");
	fixture_text(&fx, PATH_PRINTK, "7\t4\t1\t7\n");
	page = (struct console_page){
		.screens = { { "report", "the report\n" }, { "times", "the times\n" } },
		.nr_screens = 2,
		.actions = 1U << RESCUE_UNLOCK | 1U << RESCUE_REBOOT,
		.challenge = challenge,
		.challenge_len = strlen(challenge),
	};
	if (consoles_open(&fx.root, &page, &consoles, &f) < 0) {
		printf("Bail out! %s\n", f.why);
		exit(99);
	}
	return consoles;
}

static bool nothing_runs(void)
{
	return waitpid(-1, NULL, WNOHANG) < 0 && errno == ECHILD;
}

/* The modes that the terminal has now. */
static struct termios modes_of(size_t i)
{
	struct termios now;

	FIXTURE_MUST(tcgetattr(masters[i], &now) == 0);
	return now;
}

static bool modes_are_back(size_t i)
{
	struct termios now = modes_of(i);

	return now.c_iflag == modes[i].c_iflag && now.c_oflag == modes[i].c_oflag &&
	       now.c_lflag == modes[i].c_lflag && now.c_cflag == modes[i].c_cflag &&
	       memcmp(now.c_cc, modes[i].c_cc, sizeof(now.c_cc)) == 0;
}

static void finish(struct consoles **consoles, const char *line)
{
	size_t i;

	consoles_close(consoles, line);
	for (i = 0; i < NR; i++)
		(void)close(masters[i]);
}

static int wait_ms(struct consoles *consoles, uint64_t ms)
{
	memset(message, 0, sizeof(message));
	return consoles_wait(consoles, deadline_in_ms(ms), message, &said);
}

/* Waits until this many processes have been there. */
static bool await_starts(struct consoles *consoles, unsigned int nr)
{
	struct deadline deadline = deadline_in_ms(PATIENCE_MS);

	while (shared->starts < nr && deadline_left_ms(deadline) > 0)
		if (wait_ms(consoles, 100) < 0 || said.event != CONSOLE_TIMEOUT)
			return false;
	return deadline_left_ms(deadline) > 0;
}

/* The nth process of ours, from 0. */
static pid_t child(size_t n)
{
	char path[64], text[256] = "", *cursor = text;
	pid_t pid = 0;
	ssize_t len;
	int fd;

	(void)snprintf(path, sizeof(path), "/proc/self/task/%d/children", (int)getpid());
	fd = open(path, O_RDONLY | O_CLOEXEC);
	FIXTURE_MUST(fd >= 0);
	len = read(fd, text, sizeof(text) - 1);
	(void)close(fd);
	FIXTURE_MUST(len >= 0);
	for (n++; n > 0; n--)
		pid = (pid_t)strtol(cursor, &cursor, 10);
	return pid;
}

/* A field of proc(5), status. */
static bool status_has(pid_t pid, const char *what)
{
	char path[64], text[8192];
	ssize_t len;
	int fd;

	(void)snprintf(path, sizeof(path), "/proc/%d/status", (int)pid);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	FIXTURE_MUST(fd >= 0);
	len = read(fd, text, sizeof(text) - 1);
	(void)close(fd);
	FIXTURE_MUST(len > 0);
	text[len] = '\0';
	return strstr(text, what) != NULL;
}

static bool has_two_descriptors(pid_t pid)
{
	unsigned int nr = 0;
	struct dirent *e;
	char path[64];
	DIR *dir;

	(void)snprintf(path, sizeof(path), "/proc/%d/fd", (int)pid);
	dir = opendir(path);
	if (!dir)
		return errno == EACCES; /* of a user that has no other rights than ours */
	while ((e = readdir(dir)))
		nr += e->d_name[0] != '.';
	(void)closedir(dir);
	return nr == 2;
}

static void test_open(void)
{
	struct consoles *consoles;
	unsigned int fds = fixture_fds();
	struct termios raw;
	size_t i;

	consoles = begin();
	for (i = 0; i < NR; i++)
		ok(await(i, "\r\nthe report\r\n"), "the first screen, on console %zu", i);
	raw = modes_of(0);
	ok(!(raw.c_lflag & (ICANON | ECHO | ISIG)) && !(raw.c_oflag & OPOST) &&
		   (raw.c_cflag & CLOCAL) && raw.c_iflag == (IGNBRK | IGNPAR),
	   "the terminal is raw");
	ok((shared->flags & (O_NOCTTY | O_NONBLOCK | O_NOFOLLOW)) ==
		   (O_NOCTTY | O_NONBLOCK | O_NOFOLLOW),
	   "it was opened as it should be");
	ok(fixture_get(&fx, PATH_PRINTK)[0] == '1', "the kernel's messages are off");
	for (i = 0; i < NR; i++) {
		pid_t pid = child(i);

		ok(pid > 0 && getsid(pid) == pid, "a process for console %zu, its own session", i);
		ok(status_has(pid, "\nSeccomp:\t2\n") && status_has(pid, "\nNoNewPrivs:\t1\n") &&
			   status_has(pid, "\nCapEff:\t0000000000000000\n") &&
			   status_has(pid, "\nCapPrm:\t0000000000000000\n"),
		   "... has no rights");
		ok(geteuid() != 0 || status_has(pid, "\nUid:\t114881\t114881\t114881\t114881\n"),
		   "... and is nobody");
		ok(has_two_descriptors(pid), "... it has two descriptors");
	}
	is_str(consoles_name(consoles, 1), "tty1", "the name");
	is_int(wait_ms(consoles, 1), 0, "nobody says anything");
	is_int(said.event, CONSOLE_TIMEOUT, "until the deadline");
	consoles_close(&consoles, "the machine\x1b goes on");
	ok(!consoles, "closed");
	ok(await(0, "the machine? goes on\r\n") && await(1, "the machine? goes on\r\n"),
	   "the last line is on all");
	ok(modes_are_back(0) && modes_are_back(1), "the terminals are as they were");
	ok(fixture_get(&fx, PATH_PRINTK)[0] == '7', "and so are the kernel's messages");
	ok(nothing_runs(), "no process is left");
	for (i = 0; i < NR; i++)
		(void)close(masters[i]);
	is_int(fixture_fds(), fds, "and no descriptor");
	consoles_close(&consoles, NULL);
}

static void test_word(void)
{
	struct consoles *consoles = begin();

	type(1, "times\rpoweroff\rreboot\r");
	ok(wait_ms(consoles, PATIENCE_MS) == 0 && said.event == CONSOLE_WORD &&
		   said.action == RESCUE_REBOOT && said.console == 1,
	   "a word, and who has typed it; not one that is not on offer");
	ok(await(1, "\r\nthe times\r\n"), "a screen is no event");
	finish(&consoles, NULL);
}

static void test_answer(void)
{
	struct consoles *consoles = begin();
	uint64_t start_us;
	size_t i;

	for (i = 0; i < sizeof(wanted); i++)
		wanted[i] = (unsigned char)(i * 13 + i / 256);
	type_answer(0, 7);
	ok(await(0, "missing 007\r\n"), "a line is lost");
	type_answer(0, SIZE_MAX);
	ok(wait_ms(consoles, PATIENCE_MS) == 0 && said.event == CONSOLE_ANSWER &&
		   said.console == 0 && said.len == sizeof(wanted) &&
		   memcmp(message, wanted, sizeof(wanted)) == 0,
	   "an answer");
	ok(await(0, "ok 042\r\ncomplete: 1500 bytes\r\n"), "its lines are acknowledged");
	start_us = clock_us();
	consoles_refuse(consoles, 0,
			"a reason that is so long that it does not find room in one line, which "
			"is why there are two");
	ok(await(0,
		 "refused: a reason that is so long that it does not find room in one line, which\r\n"
		 "is why there are two\r\n"),
	   "it is refused");
	type(0, "reboot\r");
	type(1, "reboot\r");
	ok(wait_ms(consoles, PATIENCE_MS) == 0 && said.event == CONSOLE_WORD && said.console == 1 &&
		   clock_us() - start_us < 2000000,
	   "another console is heard meanwhile");
	ok(wait_ms(consoles, PATIENCE_MS) == 0 && said.event == CONSOLE_WORD && said.console == 0 &&
		   clock_us() - start_us >= 2000000,
	   "and this one after two seconds");
	finish(&consoles, NULL);
}

static sigset_t blocked(void)
{
	sigset_t set;

	FIXTURE_MUST(sigprocmask(SIG_BLOCK, NULL, &set) == 0);
	return set;
}

/* Who asks for an end is heard at once, also one that has asked before. */
static void test_signal(void)
{
	static const int signals[] = { SIGTERM, SIGINT, SIGHUP };
	const sigset_t before = blocked();
	struct consoles *consoles = begin();
	unsigned int fds = fixture_fds();
	sigset_t none;
	size_t i;

	for (i = 0; i < ARRAY_SIZE(signals); i++) {
		FIXTURE_MUST(kill(getpid(), signals[i]) == 0);
		is_int(wait_ms(consoles, PATIENCE_MS), 0, "signal %d ends the wait", signals[i]);
		is_int(said.event, CONSOLE_SIGNAL, "... and is told");
		is_int(wait_ms(consoles, 1), 0, "it is taken");
		is_int(said.event, CONSOLE_TIMEOUT, "... and not told twice");
	}
	is_int(fixture_fds(), fds, "no descriptor is lost");
	FIXTURE_MUST(kill(getpid(), SIGTERM) == 0);
	finish(&consoles, NULL);
	consoles = begin();
	ok(wait_ms(consoles, PATIENCE_MS) == 0 && said.event == CONSOLE_SIGNAL,
	   "one that came between two waits is told by the next");
	finish(&consoles, NULL);
	none = blocked();
	ok(sigismember(&none, SIGTERM), "it stays so: what comes later does not kill");
	FIXTURE_MUST(sigprocmask(SIG_SETMASK, &before, NULL) == 0);
}

static void test_no_answer(void)
{
	struct consoles *consoles = begin();

	page.challenge = NULL; /* known to who listens; processes have their copy */
	type_answer(0, SIZE_MAX);
	ok(await(0, "complete") && wait_ms(consoles, 100) == 0 && said.event == CONSOLE_TIMEOUT,
	   "no answer is taken where none is asked for");
	finish(&consoles, NULL);
}

static void test_kill(void)
{
	struct consoles *consoles = begin();
	uint64_t start_us;
	pid_t killed;

	(void)(await(0, "the report") && await(1, "the report"));
	killed = child(0);
	start_us = clock_us();
	FIXTURE_MUST(kill(killed, SIGKILL) == 0);
	type(0, "reb");
	ok(await_starts(consoles, NR + 1), "a process is killed");
	ok(await(0, "\r\nthe report\r\n"), "another one takes its place, and begins anew");
	type(0, "\rreboot\r");
	ok(wait_ms(consoles, PATIENCE_MS) == 0 && said.event == CONSOLE_WORD,
	   "and what is typed then is heard");
	FIXTURE_MUST(kill(child(1), SIGKILL) == 0);
	ok(child(0) != killed && clock_us() - start_us < 10000000, "soon");
	finish(&consoles, "end");
	ok(nothing_runs(), "nothing runs, also with one that was killed just now");
	ok(fixture_get(&fx, PATH_PRINTK)[0] == '7', "the kernel's messages are back");
}

static void test_modes_after_kill(void)
{
	struct consoles *consoles = begin();

	(void)(await(0, "the report") && await(1, "the report"));
	FIXTURE_MUST(kill(child(0), SIGKILL) == 0);
	FIXTURE_MUST(kill(child(1), SIGKILL) == 0);
	ok(await_starts(consoles, 2 * NR), "all are killed");
	(void)(await(0, "the report") && await(1, "the report"));
	FIXTURE_MUST(kill(child(0), SIGKILL) == 0);
	FIXTURE_MUST(kill(child(1), SIGKILL) == 0);
	consoles_close(&consoles, "end");
	ok(modes_are_back(0) && modes_are_back(1),
	   "twice: the terminals are as they were at first");
	finish(&consoles, NULL);
}

static unsigned int starts_within(struct consoles *consoles, uint64_t ms)
{
	unsigned int before = shared->starts;

	(void)wait_ms(consoles, ms);
	return shared->starts - before;
}

static void test_hang_up(void)
{
	struct consoles *consoles = begin();
	unsigned int starts;

	(void)(await(0, "the report") && await(1, "the report"));
	(void)close(masters[0]);
	no_terminal = true;
	starts = starts_within(consoles, 2500);
	ok(starts >= 2 && starts <= 3, "a hang-up: a process is tried once a second (%u)", starts);
	no_terminal = false;
	type(1, "reboot\r");
	ok(wait_ms(consoles, PATIENCE_MS) == 0 && said.console == 1, "the other console goes on");
	open_pty(0);
	ok(await_starts(consoles, shared->starts + 1) && await(0, "the report"),
	   "and this one, when it is there again");
	finish(&consoles, NULL);
}

/* Writes all that is typed, reads all that is said. */
static pid_t feed(size_t i, size_t megabytes, bool reads)
{
	pid_t pid = INJECT_NEXT(fork)();
	unsigned char noise[4096], said_here[4096];
	struct pollfd p = { .fd = masters[i], .events = POLLOUT | (reads ? POLLIN : 0) };
	uint32_t seed = 7;
	size_t n, k, sent = 0, at = 0;
	ssize_t done;

	if (pid != 0)
		return pid;
	while (sent < megabytes << 20) {
		for (k = 0; at == 0 && k < sizeof(noise); k++) {
			seed = seed * 1103515245 + 12345;
			noise[k] = (unsigned char)(seed >> 16);
		}
		(void)poll(&p, 1, -1);
		if ((p.revents & POLLIN) && read(masters[i], said_here, sizeof(said_here)) < 0)
			_exit(1);
		done = write(masters[i], noise + at, sizeof(noise) - at);
		if (done < 0 && errno != EAGAIN)
			_exit(2);
		n = done < 0 ? 0 : (size_t)done;
		at = (at + n) % sizeof(noise);
		sent += n;
	}
	_exit(0);
}

static long peak_kib(pid_t pid)
{
	char path[64], text[8192], *at;
	ssize_t len;
	int fd;

	(void)snprintf(path, sizeof(path), "/proc/%d/status", (int)pid);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	len = fd < 0 ? -1 : read(fd, text, sizeof(text) - 1);
	(void)close(fd);
	FIXTURE_MUST(len > 0);
	text[len] = '\0';
	at = strstr(text, "VmData:");
	return at ? strtol(at + strlen("VmData:"), NULL, 10) : -1;
}

static void test_noise(size_t megabytes)
{
	struct consoles *consoles = begin();
	int status = -1;
	long before;
	pid_t at_console, feeder;

	(void)(await(0, "the report") && await(1, "the report"));
	at_console = child(0);
	before = peak_kib(at_console);
	feeder = feed(0, megabytes, true);
	FIXTURE_MUST(waitpid(feeder, &status, 0) == feeder);
	ok(status == 0 && wait_ms(consoles, 1) == 0 && said.event == CONSOLE_TIMEOUT,
	   "%zu MB of noise: no event", megabytes);
	ok(child(0) == at_console && peak_kib(at_console) <= before + 512, "no end, no memory");
	type(0, "\r");
	type_answer(0, SIZE_MAX);
	ok(wait_ms(consoles, PATIENCE_MS) == 0 && said.event == CONSOLE_ANSWER &&
		   memcmp(message, wanted, sizeof(wanted)) == 0,
	   "an answer behind it is taken");
	finish(&consoles, NULL);
}

static void test_nobody_reads(void)
{
	struct consoles *consoles = begin();
	uint64_t start_us;
	int i;

	for (i = 0; i < 200; i++) {
		struct pollfd p = { .fd = masters[0], .events = POLLOUT };

		(void)poll(&p, 1, PATIENCE_MS);
		type(0, "times\rreport\rchallenge\rchallenge\rchallenge\rchallenge\r");
	}
	type(0, "reboot\r");
	ok(wait_ms(consoles, PATIENCE_MS) == 0 && said.event == CONSOLE_WORD,
	   "nobody reads: what is typed is heard all the same");
	start_us = clock_us();
	consoles_close(&consoles, "end");
	ok(clock_us() - start_us < 5000000 && nothing_runs(), "and the end does not wait for it");
	ok(modes_are_back(0), "the terminal is as it was");
	finish(&consoles, NULL);
}

static void test_forged(void)
{
	static const struct {
		const char *what;
		unsigned char bytes[2];
		size_t len;
	} cases[] = {
		{ "a message of no kind", "x\2", 2 },
		{ "nothing but a kind", "w", 1 },
		{ "an answer without a byte", "a", 1 },
		{ "a word for what no word does", { 'w', RESCUE_UNLOCK }, 2 },
		{ "a word that is not on offer", { 'w', RESCUE_POWEROFF }, 2 },
		{ "a number that is no action", { 'w', 200 }, 2 },
		{ "a word of two bytes", { 'w', RESCUE_REBOOT }, 3 },
		{ "an answer that is too long", "a", ANSWER_SIZE_MAX + 2 },
	};
	struct consoles *consoles;
	struct deadline deadline;
	size_t i;
	pid_t pid;

	for (i = 0; i < ARRAY_SIZE(cases); i++) {
		consoles = begin();
		(void)await(0, "the report");
		pid = child(0);
		memcpy(shared->forged, cases[i].bytes, sizeof(cases[i].bytes));
		shared->forged_len = cases[i].len;
		shared->forge = true;
		type(0, "reboot\r");
		deadline = deadline_in_ms(PATIENCE_MS);
		said.event = CONSOLE_TIMEOUT;
		while (child(0) == pid && said.event == CONSOLE_TIMEOUT &&
		       deadline_left_ms(deadline) > 0)
			(void)wait_ms(consoles, 20);
		ok(said.event == CONSOLE_TIMEOUT, "a process says %s: no event", cases[i].what);
		ok(child(0) != pid, "... and is ended");
		shared->forge = false;
		finish(&consoles, NULL);
	}
	consoles = begin();
	(void)await(0, "the report");
	memset(shared->forged, 'a', sizeof(shared->forged));
	shared->forged_len = ANSWER_SIZE_MAX + 1;
	shared->forge = true;
	type(0, "reboot\r");
	ok(wait_ms(consoles, 5000) == 0 && said.event == CONSOLE_ANSWER &&
		   said.len == ANSWER_SIZE_MAX && message[ANSWER_SIZE_MAX - 1] == 'a',
	   "an answer of the greatest length");
	shared->forge = false;
	finish(&consoles, NULL);
}

/* Who listens ends: so do all. */
static void test_parent_dies(void)
{
	int status, i;
	pid_t parent;

	for (i = 0; i < NR; i++)
		open_pty((size_t)i);
	parent = INJECT_NEXT(fork)();
	if (parent == 0) {
		struct consoles *consoles = NULL;
		struct fault f = { 0 };

		for (i = 0; i < NR; i++)
			(void)close(masters[i]);
		_exit(consoles_open(&fx.root, &page, &consoles, &f) < 0);
	}
	FIXTURE_MUST(waitpid(parent, &status, 0) == parent);
	for (i = 0; i < NR; i++) {
		struct pollfd p = { .fd = masters[i] };

		(void)poll(&p, 1, PATIENCE_MS);
		ok(status == 0 && (p.revents & POLLHUP),
		   "the parent is gone, and nobody is at console %d", i);
		(void)close(masters[i]);
	}
}

static void test_list(void)
{
	static const char *const lists[] = { "", "\n", "../tty1\n",
					     "a-name-that-is-much-too-long-for-a-terminal\n" };
	struct consoles *consoles = NULL;
	struct fault f = { 0 };
	size_t i;

	for (i = 0; i < ARRAY_SIZE(lists); i++) {
		fixture_text(&fx, PATH_CONSOLES_ACTIVE, lists[i]);
		FIXTURE_MUST(consoles_open(&fx.root, &page, &consoles, &f) == 0);
		is_str(consoles_name(consoles, 0), "console", "no name in the list: /dev/console");
		consoles_close(&consoles, NULL);
	}
	fixture_unlink(&fx, PATH_CONSOLES_ACTIVE);
	fixture_unlink(&fx, PATH_PRINTK);
	FIXTURE_MUST(consoles_open(&fx.root, &page, &consoles, &f) == 0);
	is_str(consoles_name(consoles, 0), "console", "no list: the same");
	is_int(wait_ms(consoles, 10), 0, "a terminal that is not there: the wait goes on");
	is_int(said.event, CONSOLE_TIMEOUT, "to its end");
	consoles_close(&consoles, "end");
	ok(!fixture_has(&fx, PATH_PRINTK), "no file for the kernel's messages: none is made");
	fixture_text(&fx, PATH_CONSOLES_ACTIVE, "a b c d e f g h i j k l\n");
	fixture_text(&fx, PATH_PRINTK, "1 4 1 7\n");
	FIXTURE_MUST(consoles_open(&fx.root, &page, &consoles, &f) == 0);
	is_str(consoles_name(consoles, CONSOLES_MAX - 1), "h", "more than there is room for");
	consoles_close(&consoles, "end");
	is_str(fixture_get(&fx, PATH_PRINTK), "1 4 1 7\n", "a quiet kernel is left as it is");
}

static void test_no_process(void)
{
	struct consoles *consoles = NULL;
	struct fault f = { 0 };
	unsigned int fds = fixture_fds();

	fixture_text(&fx, PATH_CONSOLES_ACTIVE, "tty0\n");
	fixture_text(&fx, PATH_PRINTK, "7\n");
	no_fork = true;
	is_int(consoles_open(&fx.root, &page, &consoles, &f), -EAGAIN, "no process");
	no_fork = false;
	ok(f.code == EXITCODE_NO_MEMORY && !consoles, "the reason");
	ok(fixture_get(&fx, PATH_PRINTK)[0] == '7' && fixture_fds() == fds, "all is as it was");
}

int main(void)
{
	shared = mmap(NULL, sizeof(*shared), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1,
		      0);
	FIXTURE_MUST(shared != MAP_FAILED);
	fixture_init(&fx);
	test_open();
	test_word();
	test_answer();
	test_signal();
	test_no_answer();
	test_kill();
	test_modes_after_kill();
	test_hang_up();
	test_noise(10);
	test_nobody_reads();
	test_forged();
	test_parent_dies();
	test_list();
	test_no_process();
	fixture_done(&fx);
	return tap_done();
}
