/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * console.c - the parent of the processes at the consoles: starts them, listens to all of them,
 * ends them, and puts back what they have changed.
 * Trusts none of them further than the form of a message: they read the host's bytes. Never opens a
 * console, and never waits for one longer than a second or two.
 */
#include "boot/console.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/signalfd.h>
#include <sys/socket.h>

#include "base/child.h"
#include "base/io.h"
#include "base/paths.h"
#include "base/text.h"
#include "boot/screen.h"
#include "boot/terminal.h"
#include "rescue/answer.h"

#define ACTIVE_MAX 4096 /* bytes of the kernel's list */
#define PRINTK_MAX 64	/* bytes of its four numbers */
#define PRINTK_QUIET 1	/* emergencies alone */

#define RESTART_US 1000000 /* between two starts at one console */
#define DEAF_US 2000000	   /* after a refusal */
#define END_MS 2000	   /* for the last line to be taken */
#define RESTORE_MS 1000

struct console {
	char name[CONSOLE_NAME_SIZE];
	struct child child;
	int fd;		   /* negative: no process is there */
	uint64_t start_us; /* no new one before */
	uint64_t deaf_us;  /* nothing is read of it before */
};

struct consoles {
	const struct root *root;
	const struct console_page *page;
	struct terminal_modes *saved; /* of each; shared with the processes */
	struct console consoles[CONSOLES_MAX];
	size_t nr;
	int signals;	 /* a signalfd */
	uint64_t printk; /* what it was; 0: it was not changed */
};

static int write_printk(const struct root *root, uint64_t level)
{
	_cleanup_close_ int fd = root_open(root, PATH_PRINTK, O_WRONLY, 0);
	char text[24];

	if (fd < 0)
		return fd;
	return io_write(fd, text, (size_t)snprintf(text, sizeof(text), "%ju", (uintmax_t)level));
}

/* Linux' Documentation/admin-guide/sysctl/kernel.rst, printk: the first is the level from which on
 * messages stay off the consoles. Where it cannot be set, they disturb and no more. */
static void quiet_kernel(struct consoles *c)
{
	_cleanup_free_ char *text = NULL;
	char *cursor, *word;
	uint64_t level;

	if (root_read_text(c->root, PATH_PRINTK, PRINTK_MAX, &text) < 0)
		return;
	cursor = text;
	word = text_word(&cursor, " \t\n");
	if (word && text_u64(word, INT32_MAX, &level) == 0 && level > PRINTK_QUIET &&
	    write_printk(c->root, PRINTK_QUIET) == 0)
		c->printk = level;
}

static void add_console(struct consoles *c, const char *name)
{
	struct console *console = &c->consoles[c->nr];

	if (c->nr == CONSOLES_MAX || strchr(name, '/') || strlen(name) >= sizeof(console->name))
		return;
	*console = (struct console){ .fd = -EBADF };
	(void)snprintf(console->name, sizeof(console->name), "%s", name); /* fits */
	c->nr++;
}

/* Linux' Documentation/ABI/testing/sysfs-tty: /sys/class/tty/console/active, names of devices. */
static void list_consoles(struct consoles *c)
{
	_cleanup_free_ char *active = NULL;
	char *cursor, *name;

	if (root_read_text(c->root, PATH_CONSOLES_ACTIVE, ACTIVE_MAX, &active) >= 0) {
		cursor = active;
		while ((name = text_word(&cursor, " \n")))
			add_console(c, name);
	}
	if (c->nr == 0)
		add_console(c, strrchr(PATH_CONSOLE, '/') + 1);
}

static struct terminal terminal_of(struct consoles *c, size_t i, int fd)
{
	return (struct terminal){
		.root = c->root,
		.name = c->consoles[i].name,
		.page = c->page,
		.saved = &c->saved[i],
		.parent = getpid(),
		.fd = fd,
	};
}

/* One that cannot be started is tried again as one that has ended is. */
static int start(struct consoles *c, size_t i)
{
	struct console *console = &c->consoles[i];
	struct terminal terminal;
	int fds[2], r;

	console->start_us = clock_us() + RESTART_US;
	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, fds) < 0)
		return -errno;
	terminal = terminal_of(c, i, fds[1]);
	r = child_start(&console->child, terminal_run, &terminal);
	(void)close(fds[1]); /* the child has its own */
	if (r < 0) {
		(void)close(fds[0]); /* nobody has written to it */
		return r;
	}
	console->fd = fds[0];
	return 0;
}

/* If a console holds on to its process, that is left behind. */
static void end_process(struct console *console)
{
	util_closep(&console->fd);
	console->fd = -EBADF;
	if (console->child.pid > 0)
		(void)child_end(console->child.pid);
	console->child.pid = 0;
}

/* signalfd(2): a signal that is to be read has to be blocked. */
static int open_signals(void)
{
	sigset_t signals;
	int fd;

	sigemptyset(&signals);
	sigaddset(&signals, SIGTERM);
	sigaddset(&signals, SIGINT);
	sigaddset(&signals, SIGHUP);
	if (sigprocmask(SIG_BLOCK, &signals, NULL) < 0)
		return -errno;
	fd = signalfd(-1, &signals, SFD_NONBLOCK | SFD_CLOEXEC);
	return fd < 0 ? -errno : fd;
}

int consoles_open(const struct root *root, const struct console_page *page,
		  struct consoles **ret_consoles, struct fault *f)
{
	struct consoles *c = calloc(1, sizeof(*c));
	int r = 0, started = 0;
	size_t i;

	if (!c)
		return fault_set(f, EXITCODE_NO_MEMORY, ENOMEM, "no memory for the consoles");
	*c = (struct consoles){ .root = root, .page = page };
	c->signals = open_signals(); /* without it, nobody is heard who asks for an end */
	c->saved = mmap(NULL, CONSOLES_MAX * sizeof(*c->saved), PROT_READ | PROT_WRITE,
			MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (c->saved == MAP_FAILED) {
		util_closep(&c->signals);
		free(c);
		return fault_set(f, EXITCODE_NO_MEMORY, ENOMEM, "no memory for the consoles");
	}
	list_consoles(c);
	quiet_kernel(c);
	for (i = 0; i < c->nr; i++) {
		r = start(c, i);
		started += r >= 0;
	}
	if (started == 0) {
		consoles_close(&c, NULL);
		return fault_errno(f, EXITCODE_NO_MEMORY, r, "no process for a console");
	}
	*ret_consoles = c;
	return 0;
}

/* A message as it should be, or the end of the process that has sent it. */
static bool hear(struct consoles *c, size_t i, unsigned char *message,
		 struct console_said *ret_said)
{
	struct console *console = &c->consoles[i];
	unsigned char kind = 0;
	struct iovec parts[] = { { &kind, sizeof(kind) }, { message, ANSWER_SIZE_MAX } };
	struct msghdr header = { .msg_iov = parts, .msg_iovlen = ARRAY_SIZE(parts) };
	ssize_t n = recvmsg(console->fd, &header, MSG_DONTWAIT);
	struct console_said said = { .console = i };

	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return false;
	if (n > 1 && !(header.msg_flags & MSG_TRUNC)) {
		said.len = (size_t)n - 1;
		said.event = kind == TERMINAL_ANSWER ? CONSOLE_ANSWER : CONSOLE_WORD;
		said.action = (enum rescue_action)message[0];
		if ((kind == TERMINAL_ANSWER && c->page->challenge) ||
		    (kind == TERMINAL_WORD && said.len == 1 &&
		     (said.action == RESCUE_REBOOT || said.action == RESCUE_POWEROFF) &&
		     (c->page->actions & 1U << said.action))) {
			*ret_said = said;
			return true;
		}
	}
	end_process(console);
	return false;
}

/* True if somebody asks for the end; the signal is taken, since the next wait is another one. */
static bool is_asked_to_end(const struct consoles *c)
{
	struct signalfd_siginfo info;

	return read(c->signals, &info, sizeof(info)) == (ssize_t)sizeof(info);
}

/* Starts who is due, and says what to listen to, and when to look again. */
static uint64_t prepare_wait(struct consoles *c, struct pollfd *p, uint64_t until_us)
{
	uint64_t now = clock_us();
	size_t i;

	for (i = 0; i < c->nr; i++) {
		struct console *console = &c->consoles[i];
		uint64_t next = 0;

		if (console->fd < 0 && now >= console->start_us)
			(void)start(c, i); /* or later */
		if (console->fd < 0)
			next = console->start_us;
		else if (now < console->deaf_us)
			next = console->deaf_us;
		if (next != 0 && next < until_us)
			until_us = next;
		p[i] = (struct pollfd){ .fd = next == 0 ? console->fd : -1, .events = POLLIN };
	}
	p[c->nr] = (struct pollfd){ .fd = c->signals, .events = POLLIN };
	return until_us;
}

int consoles_wait(struct consoles *c, struct deadline deadline, unsigned char *message,
		  struct console_said *ret_said)
{
	struct pollfd p[CONSOLES_MAX + 1]; /* and the signals */
	size_t i;

	for (;;) {
		struct deadline next = { .at_us = prepare_wait(c, p, deadline.at_us) };

		if (poll(p, c->nr + 1, deadline_left_ms(next)) < 0) {
			if (errno != EINTR)
				return -errno;
			continue;
		}
		if (p[c->nr].revents && is_asked_to_end(c)) {
			*ret_said = (struct console_said){ .event = CONSOLE_SIGNAL };
			return 0;
		}
		for (i = 0; i < c->nr; i++)
			if (p[i].revents && hear(c, i, message, ret_said))
				return 0;
		if (deadline_left_ms(deadline) == 0) {
			*ret_said = (struct console_said){ .event = CONSOLE_TIMEOUT };
			return 0;
		}
	}
}

/* A process that does not take it has ended, or does not listen. */
static void tell(const struct console *console, enum terminal_message kind, const char *text)
{
	char message[1 + TERMINAL_TEXT_MAX];

	if (console->fd < 0)
		return;
	message[0] = (char)kind;
	screen_wrap(text ? text : "", message + 1, sizeof(message) - 1);
	(void)send(console->fd, message, 1 + strlen(message + 1), MSG_DONTWAIT | MSG_NOSIGNAL);
}

void consoles_refuse(struct consoles *c, size_t console, const char *why)
{
	char text[TERMINAL_TEXT_MAX];

	(void)snprintf(text, sizeof(text), "refused: %s", why); /* cut on purpose */
	tell(&c->consoles[console], TERMINAL_SAY, text);
	c->consoles[console].deaf_us = clock_us() + DEAF_US;
}

const char *consoles_name(const struct consoles *c, size_t console)
{
	return c->consoles[console].name;
}

static void end_all(struct consoles *c, const char *line)
{
	struct child children[CONSOLES_MAX];
	size_t i;

	for (i = 0; i < c->nr; i++) {
		tell(&c->consoles[i], TERMINAL_END, line);
		children[i] = c->consoles[i].child;
	}
	child_wait(children, c->nr, deadline_in_ms(END_MS));
	for (i = 0; i < c->nr; i++)
		util_closep(&c->consoles[i].fd);
}

static void restore_all(struct consoles *c)
{
	struct child children[CONSOLES_MAX] = { 0 };
	struct terminal terminal;
	size_t i;

	for (i = 0; i < c->nr; i++) {
		if (!c->saved[i].there)
			continue;
		terminal = terminal_of(c, i, -EBADF);
		(void)child_start(&children[i], terminal_restore, &terminal); /* else it stays */
	}
	child_wait(children, c->nr, deadline_in_ms(RESTORE_MS));
}

void consoles_close(struct consoles **consoles, const char *line)
{
	struct consoles *c = *consoles;

	if (!c)
		return;
	end_all(c, line);
	restore_all(c);
	if (c->printk != 0)
		(void)write_printk(c->root, c->printk);		  /* else the kernel stays quiet */
	(void)munmap(c->saved, CONSOLES_MAX * sizeof(*c->saved)); /* a whole mapping of ours */
	util_closep(&c->signals);
	free(c);
	*consoles = NULL;
}
