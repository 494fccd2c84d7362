/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * stop.c - the end of a boot: the line to stderr and to each console, the status file, and
 * only then the action. reboot(2) is a fake that looks at what is there when it is called.
 */
#include "stop.h"

#include <fcntl.h>
#include <json-c/json.h>
#include <poll.h>
#include <sys/file.h>
#include <sys/reboot.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <termios.h>

#include "action.h"
#include "fixture.h"
#include "log.h"
#include "paths.h"

#define PATH_STATUS_NEW PATH_STATUS ".new"

#define LINE \
	"coco-unlock: FAILED code=7 name=no-secret-table reason=\"why 'so'\" next=\"%s\" action=%s"

static struct fixture fx;
static struct conf conf;
static struct report report;
static struct fault f;

static struct {
	int command; /* -1: not called */
	int error;
	bool status_was_there;
	bool console_had_the_line;
	bool locked;
} rebooted;

static struct {
	unsigned int calls, interrupted; /* so many fail with EINTR */
	bool console_had_the_line;
	int fd;
} locked;

int flock(int fd, int operation)
{
	locked.calls++;
	locked.console_had_the_line = strstr(fixture_get(&fx, "/dev/ttyS0"), "FAILED") != NULL;
	if (operation == LOCK_EX && locked.calls > locked.interrupted) {
		locked.fd = fd;
		return 0;
	}
	errno = EINTR;
	return -1;
}

int reboot(int command)
{
	rebooted.command = command;
	rebooted.status_was_there = fixture_has(&fx, PATH_STATUS);
	rebooted.console_had_the_line =
		strstr(fixture_get(&fx, "/dev/ttyS0"), "FAILED code=7") != NULL;
	rebooted.locked = fcntl(locked.fd, F_GETFD) >= 0;
	errno = rebooted.error;
	return rebooted.error ? -1 : 0;
}

/* Makes alarms come at once, or never; what was asked for is written down. */
static bool hurry, patience;
static time_t longest_alarm_s;

int setitimer(__itimer_which_t which, const struct itimerval *timer, struct itimerval *old)
{
	struct itimerval soon = *timer;

	if (timer->it_value.tv_sec > longest_alarm_s)
		longest_alarm_s = timer->it_value.tv_sec;
	if (patience)
		return 0;
	if (hurry && timer->it_value.tv_sec > 0)
		soon.it_value = (struct timeval){ .tv_usec = 1000 };
	if (hurry && timer->it_interval.tv_sec > 0)
		soon.it_interval = (struct timeval){ .tv_usec = 1000 };
	return (int)syscall(SYS_setitimer, which, &soon, old);
}

/* How often a console was waited for; how much it takes at once, if not all. */
static unsigned int drained;
static size_t piece;

int tcdrain(int fd)
{
	drained++;
	return fd >= 0 ? 0 : -1;
}

ssize_t write(int fd, const void *buf, size_t len)
{
	return (ssize_t)syscall(SYS_write, fd, buf, piece > 0 && len > piece ? piece : len);
}

static void begin(bool machine, bool initramfs)
{
	fixture_init(&fx);
	fx.root.machine = machine;
	if (initramfs)
		fixture_text(&fx, PATH_INITRD_RELEASE, "");
	fixture_text(&fx, PATH_CONSOLES_ACTIVE, "tty0 ttyS0\n");
	fixture_text(&fx, "/dev/tty0", "");
	fixture_text(&fx, "/dev/ttyS0", "");
	fixture_text(&fx, PATH_CONSOLE, "");
	fixture_mkdir(&fx, "/run");
	conf_defaults(&conf);
	report_init(&report);
	f = (struct fault){ 0 };
	(void)fault_set(&f, EXITCODE_NO_SECRET_TABLE, ENODEV, "why \"so\"");
	rebooted.command = -1;
	rebooted.error = 0;
	memset(&locked, 0, sizeof(locked));
	locked.fd = -EBADF;
}

/* Calls stop(), or logs a detail if ret_code is NULL, with stderr in a file; returns what
 * was printed. */
static const char *run(int *ret_code)
{
	int fd = open(fixture_path(&fx, "/stderr"), O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	int saved = dup(STDERR_FILENO);

	FIXTURE_MUST(fd >= 0 && saved >= 0 && dup2(fd, STDERR_FILENO) >= 0);
	if (ret_code)
		*ret_code = stop(&fx.root, &conf, &report, &f);
	else
		log_debug("a %s", "detail");
	FIXTURE_MUST(dup2(saved, STDERR_FILENO) >= 0 && close(saved) == 0 && close(fd) == 0);
	return fixture_get(&fx, "/stderr");
}

static const char *line(const char *action)
{
	static char text[1024];

	(void)snprintf(text, sizeof(text), LINE, exitcode_next(EXITCODE_NO_SECRET_TABLE), action);
	return text;
}

static const char *with_newlines(const char *before, const char *text, const char *after)
{
	static char buf[1100];

	(void)snprintf(buf, sizeof(buf), "%s%s%s", before, text, after);
	return buf;
}

static const char *status_field(const char *key)
{
	static char value[512];
	struct json_object *status = json_tokener_parse(fixture_get(&fx, PATH_STATUS)), *member;

	(void)snprintf(value, sizeof(value), "no field");
	if (status && json_object_object_get_ex(status, key, &member))
		(void)snprintf(value, sizeof(value), "%s", json_object_get_string(member));
	json_object_put(status);
	return value;
}

/* Two come to an end at once: who does not have the lock of the directory says nothing. */
static void test_turn(void)
{
	int code;

	begin(true, true);
	locked.interrupted = 2;
	(void)run(&code);
	is_int(locked.calls, 3, "it waits for its turn, also when a signal comes");
	ok(!locked.console_had_the_line, "... before its line");
	ok(rebooted.console_had_the_line, "... which comes then");
	is_int(rebooted.command, RB_POWER_OFF, "... and the action");
	ok(rebooted.locked, "... while it has the lock still");
	fixture_done(&fx);
}

static void test_actions(void)
{
	static const struct {
		enum failure_action action;
		int command;
		const char *name;
	} cases[] = {
		{ FAILURE_ACTION_POWEROFF, RB_POWER_OFF, "poweroff" },
		{ FAILURE_ACTION_REBOOT, RB_AUTOBOOT, "reboot" },
		{ FAILURE_ACTION_HALT, RB_HALT_SYSTEM, "halt" },
		{ FAILURE_ACTION_RESCUE, -1, "rescue" },
	};
	size_t i;
	int code;

	for (i = 0; i < ARRAY_SIZE(cases); i++) {
		begin(true, true);
		conf.failure_action = cases[i].action;
		is_str(run(&code), with_newlines("", line(cases[i].name), "\n"),
		       "%s: one line to stderr", cases[i].name);
		is_int(code, 7, "the exit code");
		is_int(rebooted.command, cases[i].command, "what the kernel is asked for");
		ok(cases[i].command < 0 ||
			   (rebooted.status_was_there && rebooted.console_had_the_line),
		   "after the status file and the console");
		is_str(fixture_get(&fx, "/dev/ttyS0"), with_newlines("\r\n", line(cases[i].name), "\r\n"),
		       "the line on one console");
		is_str(fixture_get(&fx, "/dev/tty0"), with_newlines("\r\n", line(cases[i].name), "\r\n"),
		       "the line on the other");
		is_str(fixture_get(&fx, PATH_CONSOLE), "", "and not twice");
		is_str(status_field("action"), cases[i].name, "the action in the status file");
		fixture_done(&fx);
	}
	begin(true, true);
	rebooted.error = EPERM;
	ok(strstr(run(&code), "cannot poweroff: Operation not permitted") && code == 7,
	   "an action that fails is told, and the code stays");
	fixture_done(&fx);
}

/* Outside an initramfs a failure ends the program, not the machine. */
static void test_no_action(void)
{
	static const struct {
		bool machine, initramfs;
		const char *what;
	} cases[] = {
		{ true, false, "a running system" },
		{ false, true, "a tree of an initramfs" },
		{ false, false, "a tree" },
	};
	size_t i;
	int code;

	for (i = 0; i < ARRAY_SIZE(cases); i++) {
		begin(cases[i].machine, cases[i].initramfs);
		ok(!action_applies(&fx.root), "%s: no action applies", cases[i].what);
		is_str(run(&code), with_newlines("", line("none"), "\n"), "one line to stderr");
		ok(code == 7 && rebooted.command == -1, "the code, and the machine goes on");
		is_str(fixture_get(&fx, "/dev/ttyS0"), "", "nothing on the consoles");
		is_str(status_field("action"), "none", "no action in the status file");
		fixture_done(&fx);
	}
	begin(true, true);
	ok(action_applies(&fx.root), "premise: in an initramfs it does");
	fixture_done(&fx);
}

static void test_consoles(void)
{
	begin(true, true);
	fixture_text(&fx, "/outside", "");
	fixture_text(&fx, "/dev/sub/tty", "");
	FIXTURE_MUST(symlink("/outside", fixture_path(&fx, "/dev/link")) == 0);
	fixture_text(&fx, PATH_CONSOLES_ACTIVE,
		     "sub/tty ../outside missing link "
		     "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa ttyS0\n");
	drained = 0;
	log_consoles(&fx.root, "LINE");
	is_str(fixture_get(&fx, "/dev/ttyS0"), "\r\nLINE\r\n", "the good one gets the line");
	ok(!*fixture_get(&fx, "/outside") && !*fixture_get(&fx, "/dev/sub/tty"),
	   "names with a slash and links get none");
	fixture_unlink(&fx, PATH_CONSOLES_ACTIVE);
	log_consoles(&fx.root, "LINE");
	is_str(fixture_get(&fx, PATH_CONSOLE), "\r\nLINE\r\n", "without a list: /dev/console");
	is_int(drained, 2, "what was written was waited for");
	piece = 3;
	fixture_text(&fx, PATH_CONSOLE, "");
	log_consoles(&fx.root, "LINE");
	piece = 0;
	is_str(fixture_get(&fx, PATH_CONSOLE), "\r\nLINE\r\n", "a slow one gets all of it");
	fixture_text(&fx, PATH_CONSOLES_ACTIVE, "\n");
	fixture_text(&fx, PATH_CONSOLE, "");
	log_consoles(&fx.root, "LINE");
	is_str(fixture_get(&fx, PATH_CONSOLE), "\r\nLINE\r\n", "with an empty list, too");
	fixture_text(&fx, PATH_CONSOLES_ACTIVE, "missing\n");
	fixture_text(&fx, PATH_CONSOLE, "");
	log_consoles(&fx.root, "LINE");
	is_str(fixture_get(&fx, PATH_CONSOLE), "\r\nLINE\r\n", "and where none of the list opens");
	fixture_done(&fx);
}

/* A FIFO in the place of a console, with no room left; returns the end that can be read. */
static int full_console(const char *path)
{
	char fill[4096] = { 0 };
	int reader, writer;

	FIXTURE_MUST(mkfifo(fixture_path(&fx, path), 0600) == 0);
	reader = open(fixture_path(&fx, path), O_RDONLY | O_NONBLOCK);
	writer = open(fixture_path(&fx, path), O_WRONLY | O_NONBLOCK);
	FIXTURE_MUST(reader >= 0 && writer >= 0 && fcntl(reader, F_SETFL, 0) == 0);
	while (write(writer, fill, sizeof(fill)) > 0)
		;
	(void)close(writer);
	return reader;
}

/* Somebody else fills the console while the line is to be printed, and goes on reading when
 * the first console has it. */
static void test_busy_console(void)
{
	char buf[4096], last[16] = "";
	int first, busy, status;
	ssize_t n;
	pid_t pid;

	begin(true, true);
	patience = true;
	FIXTURE_MUST(mkfifo(fixture_path(&fx, "/dev/first"), 0600) == 0);
	first = open(fixture_path(&fx, "/dev/first"), O_RDONLY | O_NONBLOCK);
	busy = full_console("/dev/busy");
	FIXTURE_MUST(first >= 0 && fcntl(first, F_SETFL, 0) == 0);
	fixture_text(&fx, PATH_CONSOLES_ACTIVE, "first busy\n");
	fflush(stdout);
	pid = fork();
	FIXTURE_MUST(pid >= 0);
	if (pid == 0) {
		struct pollfd ready = { .fd = first, .events = POLLIN };
		/* With a writer of its own it meets no end, but waits for the line. */
		int keep = open(fixture_path(&fx, "/dev/busy"), O_WRONLY);

		(void)poll(&ready, 1, -1);
		do
			n = read(busy, buf, sizeof(buf));
		while (n == (ssize_t)sizeof(buf));
		(void)snprintf(last, sizeof(last), "%.*s", (int)n, buf);
		_exit(keep < 0 || strcmp(last, "\r\nLINE\r\n") != 0);
	}
	log_consoles(&fx.root, "LINE");
	FIXTURE_MUST(waitpid(pid, &status, 0) == pid);
	is_int(status, 0, "a busy console gets the line when it is free again");
	patience = false;
	(void)close(first);
	(void)close(busy);
	fixture_done(&fx);
}

static void test_stuck_console(void)
{
	struct itimerval left;
	int stuck;

	begin(true, true);
	hurry = true;
	stuck = full_console("/dev/stuck");
	fixture_text(&fx, PATH_CONSOLES_ACTIVE, "stuck ttyS0\n");
	log_consoles(&fx.root, "LINE");
	is_str(fixture_get(&fx, "/dev/ttyS0"), "\r\nLINE\r\n",
	       "a console that takes nothing does not keep the others from theirs");
	ok(longest_alarm_s > 0 && longest_alarm_s <= 5, "it is waited for, but not for long");
	FIXTURE_MUST(getitimer(ITIMER_REAL, &left) == 0);
	ok(left.it_value.tv_sec == 0 && left.it_value.tv_usec == 0, "no alarm stays behind");
	hurry = false;
	(void)close(stuck);
	fixture_done(&fx);
}

/* systemd.exec(5): JOURNAL_STREAM=device:inode says that stderr is the journal's. */
static void test_journal(void)
{
	char stream[64];
	struct stat st;
	int code;

	begin(true, false);
	(void)run(&code);
	FIXTURE_MUST(stat(fixture_path(&fx, "/stderr"), &st) == 0);
	(void)snprintf(stream, sizeof(stream), "%ju:%ju", (uintmax_t)st.st_dev, (uintmax_t)st.st_ino);
	FIXTURE_MUST(setenv("JOURNAL_STREAM", stream, 1) == 0);
	is_str(run(&code), with_newlines("<3>", line("none"), "\n"), "in the journal it is an error");
	is_str(run(NULL), "<7>a detail\n", "details are of another level");
	FIXTURE_MUST(setenv("JOURNAL_STREAM", "1:1", 1) == 0);
	is_str(run(&code), with_newlines("", line("none"), "\n"), "elsewhere it has no mark");
	is_str(run(NULL), "", "and details are not printed");
	FIXTURE_MUST(unsetenv("JOURNAL_STREAM") == 0);
	fixture_done(&fx);
}

static void test_status_file(void)
{
	struct stat st;
	mode_t mask;
	int code;

	begin(true, false);
	mask = umask(077); /* as the unit has it */
	(void)run(&code);
	(void)umask(mask);
	FIXTURE_MUST(stat(fixture_path(&fx, PATH_STATUS), &st) == 0);
	is_int(st.st_mode & 07777, 0644, "the status file is for all to read, whatever the umask");
	FIXTURE_MUST(stat(fixture_path(&fx, PATH_RUN_DIR), &st) == 0);
	is_int(st.st_mode & 07777, 0755, "and so is its directory");
	is_str(status_field("name"), "no-secret-table", "it has the name");
	is_str(status_field("reason"), "why 'so'", "and the reason");
	is_str(status_field("next"), exitcode_next(EXITCODE_NO_SECRET_TABLE), "and the next step");
	f.code = EXITCODE_NO_DEVICE;
	(void)run(&code);
	is_str(status_field("name"), "no-device", "a later one takes its place");
	ok(!fixture_has(&fx, PATH_STATUS_NEW), "nothing else stays behind");
	f.code = EXITCODE_BUSY;
	piece = 100;
	ok(strstr(run(&code), "cannot write the status file") && code == 5, "a full disk is told");
	piece = 0;
	is_str(status_field("name"), "no-device", "and the earlier file stays");
	f.code = EXITCODE_NO_DEVICE;
	fixture_unlink(&fx, PATH_STATUS_NEW);
	fixture_text(&fx, "/outside", "mine");
	fixture_unlink(&fx, PATH_STATUS);
	FIXTURE_MUST(symlink("/outside", fixture_path(&fx, PATH_STATUS_NEW)) == 0);
	ok(strstr(run(&code), "cannot write the status file") != NULL && code == 4,
	   "a link in its place is not followed, and the code stays");
	is_str(fixture_get(&fx, "/outside"), "mine", "what it points to is untouched");
	fixture_done(&fx);
	begin(true, false);
	FIXTURE_MUST(rmdir(fixture_path(&fx, "/run")) == 0);
	ok(strstr(run(&code), "cannot write the status file: No such file or directory") && code == 7,
	   "no /run: told, and the code stays");
	fixture_done(&fx);
}

static void test_stages(void)
{
	memset(&report, 0xaa, sizeof(report));
	report_init(&report);
	ok(!report.running && report.source.dir_fd == -EBADF && report.source.found == 0 &&
		   !report.volumes[1].mapped && !*report.volumes[1].device,
	   "an empty report is empty");
	ok(report.start_us[STAGE_DEVICE] == 0 && report.volumes[0].keyslot == -1,
	   "nothing is reached at first");
	report_stage(&report, STAGE_DEVICE);
	usleep(2000);
	report_stage(&report, STAGE_HEADER);
	ok(report.us[STAGE_DEVICE] >= 2000 && report.us[STAGE_DEVICE] < 5000000,
	   "a stage has the time until the next one");
	report.start_us[STAGE_DEVICE] = 4711;
	report.us[STAGE_DEVICE] = 1000000000;
	report_stage(&report, STAGE_DEVICE);
	report_end(&report);
	ok(report.start_us[STAGE_DEVICE] == 4711 && report.us[STAGE_DEVICE] >= 1000000000,
	   "entered again it keeps its start, and its times add up");
	report.us[STAGE_DEVICE] = 1;
	report_end(&report);
	is_int(report.us[STAGE_DEVICE], 1, "ended twice it does not run on");
	is_str(report_form_name(SECRET_FORM_EXACT), "exact", "form: exact");
	is_str(report_form_name(SECRET_FORM_WITHOUT_FINAL_NUL), "without-final-nul", "form: cut");
}

int main(void)
{
	test_actions();
	test_turn();
	test_no_action();
	test_consoles();
	test_busy_console();
	test_stuck_console();
	test_journal();
	test_status_file();
	test_stages();
	return tap_done();
}
