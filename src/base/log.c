/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * log.c - prints lines to the journal, stderr and the consoles.
 * Trusts its callers to have made foreign text printable; may not see a secret.
 */
#include "base/log.h"

#include <fcntl.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/time.h>
#include <termios.h>

#include "base/paths.h"
#include "base/text.h"

/* Documentation/admin-guide/devices.txt: 1:11 is /dev/kmsg. Its lines begin as a journal's do. */
static bool stderr_is_kmsg(void)
{
	struct stat st;

	return fstat(STDERR_FILENO, &st) == 0 && S_ISCHR(st.st_mode) &&
	       st.st_rdev == makedev(1, 11);
}

/* systemd.exec(5): JOURNAL_STREAM holds device and inode of the journal's socket. */
static bool stderr_is_journal(void)
{
	const char *stream = getenv("JOURNAL_STREAM");
	char expected[64];
	struct stat st;

	if (!stream || fstat(STDERR_FILENO, &st) < 0)
		return false;
	(void)snprintf(expected, sizeof(expected), "%ju:%ju", (uintmax_t)st.st_dev,
		       (uintmax_t)st.st_ino);
	return strcmp(stream, expected) == 0;
}

void log_line(enum log_level level, const char *fmt, ...)
{
	bool kmsg = stderr_is_kmsg(), journal = kmsg || stderr_is_journal();
	char line[1024];
	va_list ap;

	if (level == LOG_LEVEL_DEBUG && !journal)
		return;
	va_start(ap, fmt);
	(void)vsnprintf(line, sizeof(line), fmt, ap); /* a long line is cut on purpose */
	va_end(ap);
	if (journal)
		(void)fprintf(stderr, "<%d>%s%s\n", (int)level, kmsg ? "coco-unlock: " : "", line);
	else
		(void)fprintf(stderr, "%s\n", line);
}

/* Waiting for a console ends after this: the other side may never take the text. */
#define CONSOLE_LIMIT_S 3

static void on_alarm(int signal_number)
{
	(void)signal_number; /* it only has to interrupt a wait */
}

static void set_alarm(time_t seconds)
{
	const struct itimerval timer = {
		.it_value = { .tv_sec = seconds },
		.it_interval = { .tv_sec = seconds }, /* should it strike just before the wait */
	};
	const struct sigaction action = { .sa_handler = on_alarm }; /* no SA_RESTART */
	sigset_t alarm_only;

	sigemptyset(&alarm_only);
	sigaddset(&alarm_only, SIGALRM);
	(void)sigaction(SIGALRM, &action, NULL);
	(void)sigprocmask(SIG_UNBLOCK, &alarm_only, NULL); /* who ends the machine blocks all */
	(void)setitimer(ITIMER_REAL, &timer, NULL);	   /* neither fails with valid arguments */
}

/* Returns true if the whole line is out. */
static bool console_write(const struct root *root, const char *path, const char *line)
{
	_cleanup_close_ int fd =
		root_open(root, path, O_WRONLY | O_NOCTTY | O_NONBLOCK | O_NOFOLLOW, 0);
	char buf[1100], *p = buf;
	ssize_t n = snprintf(buf, sizeof(buf), "\r\n%s\r\n", line);
	size_t left = n > 0 ? (size_t)n : 0;

	/* Only the open must not wait, for a carrier. A write does: somebody else, such as
	 * systemd with its progress, may be writing just now. */
	if (fd < 0 || fcntl(fd, F_SETFL, 0) < 0)
		return false;
	while (left > 0 && (n = write(fd, p, left)) > 0) {
		p += n;
		left -= (size_t)n;
	}
	if (left > 0)
		return false;
	(void)tcdrain(fd); /* the machine may go off next */
	return true;
}

void log_consoles(const struct root *root, const char *line)
{
	_cleanup_free_ char *active = NULL;
	char *cursor, *name;
	char path[64];
	bool any = false;

	set_alarm(CONSOLE_LIMIT_S);
	if (root_read_text(root, PATH_CONSOLES_ACTIVE, 4096, &active) >= 0) {
		cursor = active;
		while ((name = text_word(&cursor, " \n"))) {
			if (strchr(name, '/') || strlen(name) > 32)
				continue;
			(void)snprintf(path, sizeof(path), "%s/%s", PATH_DEV, name);
			any |= console_write(root, path, line);
		}
	}
	if (!any)
		(void)console_write(root, PATH_CONSOLE, line); /* nobody is left to tell */
	set_alarm(0);
}
