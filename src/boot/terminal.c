/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * terminal.c - opens a console, gives up everything else, and carries bytes between it and the
 * dialog. Trusts nobody who types; has neither key nor secret, and in the end no right but to read
 * and write two descriptors: the console and the socket of its parent.
 * May wait for the host as long as that likes: its parent does not wait for it.
 */
#include "boot/terminal.h"

#include <fcntl.h>
#include <grp.h>
#include <linux/capability.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/prctl.h>

#include "base/digest.h"
#include "base/paths.h"
#include "base/seccomp.h"
#include "boot/action.h"
#include "boot/dialog.h"
#include "rescue/answer.h"

/* Nobody else's: above the users and services of a system, below those of containers, and not the
 * one of the broker's program. */
#define TERMINAL_UID 114881

/* Where the two descriptors are once there are no others. */
#define TERMINAL_FD 0
#define SOCKET_FD 1

static int open_terminal(const struct terminal *t)
{
	char path[sizeof(PATH_DEV) + CONSOLE_NAME_SIZE];

	(void)snprintf(path, sizeof(path), "%s/%s", PATH_DEV, t->name); /* fits */
	return root_open(t->root, path, O_RDWR | O_NOCTTY | O_NONBLOCK | O_NOFOLLOW, 0);
}

/* Each byte as it comes, and no signal of it; no carrier is needed, no byte stops the output. */
static int set_modes(int fd, struct terminal_modes *saved)
{
	struct termios modes;

	if (tcgetattr(fd, &modes) < 0)
		return -errno;
	if (!saved->there) {
		saved->modes = modes;
		saved->there = true;
	}
	modes.c_iflag = IGNBRK | IGNPAR;
	modes.c_oflag &= ~(tcflag_t)OPOST;
	modes.c_lflag = 0;
	modes.c_cflag |= CLOCAL | CREAD;
	modes.c_cc[VMIN] = 1;
	modes.c_cc[VTIME] = 0;
	return tcsetattr(fd, TCSANOW, &modes) < 0 ? -errno : 0;
}

static int keep_only(int terminal, int fd)
{
	if (dup2(terminal, TERMINAL_FD) < 0 || dup2(fd, SOCKET_FD) < 0 ||
	    syscall(SYS_close_range, SOCKET_FD + 1, ~0U, 0) < 0)
		return -errno;
	return 0;
}

/* capabilities(7). The service may lack what it takes to become another user; no capability is left
 * in any case. */
static int drop_rights(void)
{
	struct __user_cap_header_struct header = { .version = _LINUX_CAPABILITY_VERSION_3 };
	static const struct __user_cap_data_struct none[_LINUX_CAPABILITY_U32S_3];

	if (geteuid() == 0 &&
	    (setgroups(0, NULL) < 0 || setresgid(TERMINAL_UID, TERMINAL_UID, TERMINAL_UID) < 0 ||
	     setresuid(TERMINAL_UID, TERMINAL_UID, TERMINAL_UID) < 0) &&
	    errno != EPERM)
		return -errno;
	return syscall(SYS_capset, &header, none) < 0 ? -errno : 0;
}

static int filter_calls(void)
{
	struct sock_filter filter[] = {
		SECCOMP_BEGIN,
		SECCOMP_ALLOW(SYS_read),
		SECCOMP_ALLOW(SYS_write),
		SECCOMP_ALLOW(SECCOMP_NR_POLL),
		SECCOMP_ALLOW(SYS_restart_syscall), /* poll, after a stop */
		SECCOMP_ALLOW(SYS_clock_gettime),
		SECCOMP_ALLOW(SYS_exit_group),
		SECCOMP_ALLOW_MEMORY, /* libcrypto's, for checksums */
	};

	return seccomp_enter(filter, ARRAY_SIZE(filter));
}

/* Who fails ends, and closes nothing. prctl(2): a change of the user forgets what is to come of the
 * parent's end. */
static int set_up(const struct terminal *t)
{
	int terminal, r;

	(void)setsid(); /* a child of its parent leads no group: it cannot fail */
	if (signal(SIGPIPE, SIG_IGN) == SIG_ERR)
		return -errno;
	if (digest_init_library() < 0) /* while it may still open files */
		return -ENOTSUP;
	action_leave_cpu();
	terminal = open_terminal(t);
	if (terminal < 0)
		return terminal;
	r = set_modes(terminal, t->saved);
	if (r >= 0)
		r = keep_only(terminal, t->fd);
	if (r >= 0)
		r = drop_rights();
	if (r >= 0 && prctl(PR_SET_PDEATHSIG, SIGKILL) < 0)
		r = -errno;
	if (r >= 0 && getppid() != t->parent)
		r = -ESRCH;
	return r < 0 ? r : filter_calls();
}

/* A socket that is full is one whose reader has enough to look at. */
static void tell(struct dialog *d, enum terminal_message kind, const void *data, size_t len)
{
	unsigned char message[1 + ANSWER_SIZE_MAX];

	_Static_assert(LINE_MESSAGE_MAX <= ANSWER_SIZE_MAX, "a message has room");
	message[0] = (unsigned char)kind;
	memcpy(message + 1, data, len);
	if (write(SOCKET_FD, message, 1 + len) < 0)
		dialog_say(d, "busy: try again in a minute");
}

static bool read_terminal(struct dialog *d)
{
	unsigned char bytes[4096], action;
	ssize_t i, n = read(TERMINAL_FD, bytes, sizeof(bytes));

	if (n <= 0)
		return n < 0 && (errno == EAGAIN || errno == EINTR);
	for (i = 0; i < n; i++)
		switch (dialog_take(d, bytes[i], clock_us())) {
		case DIALOG_WORD:
			action = (unsigned char)d->action;
			tell(d, TERMINAL_WORD, &action, sizeof(action));
			break;
		case DIALOG_ANSWER:
			tell(d, TERMINAL_ANSWER, d->reader.message, d->reader.len);
			break;
		case DIALOG_NOTHING:
			break;
		}
	return true;
}

/* Takes what the parent says. Returns false at its end. */
static bool read_parent(struct dialog *d, bool *ret_ends)
{
	char message[1 + TERMINAL_TEXT_MAX + 1];
	ssize_t n = read(SOCKET_FD, message, sizeof(message) - 1);

	if (n <= 0)
		return n < 0 && (errno == EAGAIN || errno == EINTR);
	message[n] = '\0';
	dialog_say(d, message + 1);
	*ret_ends = message[0] == TERMINAL_END;
	return true;
}

static bool write_terminal(struct dialog *d)
{
	ssize_t n = write(TERMINAL_FD, d->out, d->out_len);

	if (n < 0)
		return errno == EAGAIN || errno == EINTR;
	dialog_wrote(d, (size_t)n);
	return true;
}

static void talk(const struct console_page *page)
{
	struct pollfd p[] = { { .fd = TERMINAL_FD }, { .fd = SOCKET_FD, .events = POLLIN } };
	struct dialog dialog;
	bool ends = false;

	dialog_init(&dialog, page);
	while (!ends || dialog.out_len > 0) {
		p[0].events = (ends ? 0 : POLLIN) | (dialog.out_len > 0 ? POLLOUT : 0);
		if (poll(p, ARRAY_SIZE(p), -1) < 0) {
			if (errno == EINTR)
				continue;
			return;
		}
		if (p[1].revents && !read_parent(&dialog, &ends))
			return;
		if ((p[0].revents & ~POLLOUT) && !read_terminal(&dialog))
			return;
		if ((p[0].revents & POLLOUT) && !write_terminal(&dialog))
			return;
	}
}

int terminal_run(void *terminal)
{
	const struct terminal *t = terminal;

	if (set_up(t) < 0)
		return EXIT_FAILURE;
	talk(t->page);
	return EXIT_SUCCESS;
}

int terminal_restore(void *terminal)
{
	const struct terminal *t = terminal;
	int fd = open_terminal(t);

	return fd >= 0 && tcsetattr(fd, TCSANOW, &t->saved->modes) == 0 ? EXIT_SUCCESS :
									  EXIT_FAILURE;
}
