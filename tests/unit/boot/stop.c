/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * stop.c - the end of a boot: the line to stderr and to each console, the status file, and
 * only then the action; but the end is armed before all of that, and holds when any of it
 * hangs. unit/boot/action.c has the end itself.
 */
#include "boot/stop.h"

#include <fcntl.h>
#include <json-c/json.h>
#include <poll.h>
#include <sys/file.h>
#include <sys/ioctl.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <termios.h>

#include "base/log.h"
#include "base/paths.h"
#include "boot/action.h"
#include "boot/rescue.h"
#include "boot/unlock.h"
#include "fake_end.h"

#define PATH_STATUS_NEW PATH_STATUS ".new"

#define LINE \
	"coco-unlock: FAILED code=7 name=no-secret-table reason=\"why 'so'\" next=\"%s\" action=%s"

static struct fixture fx;
static struct conf conf;
static struct report report;
static struct attempts attempts;
static struct fault f;

static struct {
	unsigned int interrupted; /* so many calls fail with EINTR */
} lock;

int flock(int fd, int operation)
{
	FIXTURE_MUST(fd >= 0 && (operation == LOCK_EX || operation == LOCK_UN));
	if (operation == LOCK_UN) {
		end_note("unlock", 0);
		return 0;
	}
	end_note("flock", strstr(fixture_get(&fx, "/dev/ttyS0"), "FAILED") != NULL);
	if (lock.interrupted == 0)
		return 0;
	lock.interrupted--;
	errno = EINTR;
	return -1;
}

int renameat(int old_dir, const char *old, int new_dir, const char *new)
{
	end_note("status", 0);
	return INJECT_NEXT(renameat)(old_dir, old, new_dir, new);
}

int unlinkat(int dir, const char *path, int flags)
{
	end_note("unlink", 0);
	return INJECT_NEXT(unlinkat)(dir, path, flags);
}

/* No mapping is there, or it hangs. */
int ioctl(int fd, unsigned long request, ...)
{
	FIXTURE_MUST(fd >= 0);
	end_note("unmap", (long)request);
	errno = ENXIO;
	return -1;
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

static unsigned int drained; /* how often a console was waited for */

int tcdrain(int fd)
{
	drained++;
	return fd >= 0 ? 0 : -1;
}

/* What a rescue comes to. */
static enum rescue_end rescue_end;
static enum failure_action rescue_action;

void rescue_undo(const struct root *root, const struct conf *with, struct report *of,
		 struct fault *fault)
{
	end_note("undo for a rescue", 0);
	unlock_undo(root, with, of, fault);
}

enum rescue_end rescue_unlock(const struct root *root, const struct conf *with, struct report *of,
			      struct attempts *with_attempts, enum failure_action *ret_action,
			      struct fault *fault)
{
	FIXTURE_MUST(root && with && of && with_attempts && fault->code != EXITCODE_OK);
	end_note("rescue", fixture_has(&fx, PATH_STATUS));
	*ret_action = rescue_action;
	return rescue_end;
}

enum failure_action rescue_report(const struct root *root, const struct conf *with,
				  struct report *of, const struct fault *fault)
{
	FIXTURE_MUST(root && with && of && fault->code != EXITCODE_OK);
	(void)end_await("watches", 0, 1); /* nobody is that fast at a console */
	end_note("report", fixture_has(&fx, PATH_STATUS));
	return rescue_action;
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
	fixture_text(&fx, PATH_SYSRQ_TRIGGER, "");
	fixture_text(&fx, PATH_DM_CONTROL, "");
	conf_defaults(&conf);
	report_init(&report);
	report.discarded = true; /* there is no secret table here */
	memset(end, 0, sizeof(*end));
	end_set_cpus(2, 5);
	f = (struct fault){ 0 };
	(void)fault_set(&f, EXITCODE_NO_SECRET_TABLE, ENODEV, "why \"so\"");
	memset(&lock, 0, sizeof(lock));
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

/* Standard error, which says when it is used. */
static ssize_t note_stderr(void *file, const char *text, size_t len)
{
	end_note("stderr", 0);
	return (ssize_t)fwrite(text, 1, len, file);
}

static enum way {
	WAY_STOP,
	WAY_UNRESCUED,
	WAY_UNLOCK,
} way;

static void body(void)
{
	FILE *file = fopen(fixture_path(&fx, "/stderr"), "we");

	FIXTURE_MUST(file && setvbuf(file, NULL, _IONBF, 0) == 0);
	stderr = fopencookie(file, "w", (cookie_io_functions_t){ .write = note_stderr });
	FIXTURE_MUST(stderr && setvbuf(stderr, NULL, _IOLBF, 1100) == 0);
	if (way == WAY_UNLOCK)
		(void)stop_unlock(&fx.root, &conf, &report, &attempts, &f);
	else if (way == WAY_UNRESCUED)
		(void)stop_unrescued(&fx.root, &conf, &report, &f);
	else
		(void)stop(&fx.root, &conf, &report, &f);
}

/* stop() in a process of its own, which is to be at its end. */
static pid_t run_to_the_end(void)
{
	pid_t caller = end_begin(body);

	ok(end_await("is at its end", 0, 1), "somebody ends the machine");
	is_int(end_count("returns"), 0, "and nothing comes back");
	ok(INJECT_NEXT(waitpid)(caller, NULL, WNOHANG) == 0, "who was called stays");
	return caller;
}

/* The watch is there before anything that may hang. */
static void is_armed_first(pid_t caller)
{
	static const char *const steps[] = { "unmap",  "unlink", "stderr",
					     "status", "flock",	 "console" };
	bool first = end_find("fork", caller, 1) >= 0;
	size_t i;

	for (i = 0; i < ARRAY_SIZE(steps); i++)
		first = first && (end_count(steps[i]) == 0 || end_order("fork", steps[i]));
	ok(first && end_value("fork") == end_pid("watches"),
	   "the watch was started before all else");
}

static bool holds_lock(pid_t pid)
{
	char path[64], target[PATH_MAX];
	bool holds = false;
	ssize_t n;
	int i;

	for (i = 0; i < 32; i++) {
		(void)snprintf(path, sizeof(path), "/proc/%d/fd/%d", (int)pid, i);
		n = readlink(path, target, sizeof(target) - 1);
		target[n < 0 ? 0 : n] = '\0';
		holds = holds || strstr(target, PATH_RUN_DIR);
	}
	return holds;
}

static const char *console(const char *action)
{
	return with_newlines("\r\n", line(action), "\r\n");
}

static void test_actions(void)
{
	pid_t caller;
	size_t i;

	for (i = 0; i < ARRAY_SIZE(end_ways); i++) {
		begin(true, true);
		conf.failure_action = end_ways[i].action;
		report.runs[0].mapped = true;
		caller = run_to_the_end();
		is_str(fixture_get(&fx, "/stderr"), with_newlines("", line(end_ways[i].name), "\n"),
		       "%s: one line to stderr", end_ways[i].name);
		is_int(end_value("reboot"), end_ways[i].command, "what the kernel is asked for");
		is_int(end_count("reboot"), 1, "once");
		ok(end->reboot_parent == end_pid("watches"), "by the watch");
		is_armed_first(caller);
		ok(end_order("unmap", "unlink") && end_order("unlink", "stderr") &&
			   end_order("stderr", "status") && end_order("status", "flock") &&
			   end_order("flock", "console") && end_order("console", "word") &&
			   end_order("word", "reboot"),
		   "mappings, list, line, status file, turn, consoles, end: in this order");
		ok(end_pid("unmap") != caller && end_pid("console") != caller &&
			   end_pid("console") != end_pid("watches"),
		   "what may hang at a disk or a console is done by others");
		is_int(end_value("console"), 0, "who prints is not on the CPU of the end");
		is_str(end->strange_fds, "", "who acts has nothing open");
		is_str(fixture_get(&fx, "/dev/ttyS0"), console(end_ways[i].name),
		       "the line on one console");
		is_str(fixture_get(&fx, "/dev/tty0"), console(end_ways[i].name),
		       "the line on the other");
		is_str(fixture_get(&fx, PATH_CONSOLE), "", "and not twice");
		is_str(status_field("action"), end_ways[i].name, "the action in the status file");
		is_str(fixture_get(&fx, PATH_SYSRQ_TRIGGER), "bc",
		       "and SysRq, when reboot() has failed");
		ok(holds_lock(caller), "nobody else has a turn");
		end_over();
		fixture_done(&fx);
	}
}

/* Two come to an end at once: who does not have the lock of the directory says nothing. */
static void test_turn(void)
{
	begin(true, true);
	lock.interrupted = 2;
	(void)run_to_the_end();
	is_int(end_count("flock"), 3, "it waits for its turn, also when a signal comes");
	is_int(end_value("flock"), 0, "... before its line");
	is_str(fixture_get(&fx, "/dev/ttyS0"), console("poweroff"), "... which comes then");
	end_over();
	fixture_done(&fx);
}

static const char *hang_at;

static void hang_there(const char *what)
{
	if (hang_at && strcmp(what, hang_at) == 0 && getpid() == end_caller)
		end_hang("hangs");
}

/* Whatever it is that never comes back: the watch ends the machine at its limit. */
static void test_caller_hangs(void)
{
	static const char *const places[] = { "unlink", "stderr", "status", "flock" };
	pid_t caller;
	size_t i;

	end_hook = hang_there;
	for (i = 0; i < ARRAY_SIZE(places); i++) {
		begin(true, true);
		report.runs[0].mapped = true;
		plan.limit_after = "hangs";
		hang_at = places[i];
		caller = run_to_the_end();
		is_armed_first(caller);
		ok(end->reboot_parent == end_pid("watches") && end_count("word") == 0,
		   "hangs at %s: the watch acts by itself", places[i]);
		ok(strcmp(places[i], "flock") != 0 || !*fixture_get(&fx, "/dev/ttyS0"),
		   "who has no turn says nothing");
		end_over();
		fixture_done(&fx);
	}
	end_hook = NULL;
	hang_at = NULL;
}

static void hang_in_child(const char *what)
{
	if (hang_at && strcmp(what, hang_at) == 0 && getpid() != end_caller)
		end_hang("hangs");
}

/* The kernel keeps a child: for a mapping 3 s, then half a second to die. */
static void test_unmap_hangs(void)
{
	int undead;

	end_hook = hang_in_child;
	hang_at = "unmap";
	for (undead = 0; undead < 2; undead++) {
		begin(true, true);
		report.runs[0].mapped = true;
		plan.patience_ends = "hangs";
		plan.nr_waits = undead ? 2 : 1;
		plan.undead = undead;
		(void)run_to_the_end();
		ok(end_value("waits for children") > 2000 &&
			   end_value("waits for children") <= 3000,
		   "a mapping hangs%s: 3 s for it", undead ? ", and its process does not die" : "");
		ok(end_find("word", 0, 1) >= 0 && end->reboot_parent == end_pid("watches"),
		   "then all goes its way");
		ok(strstr(status_field("volumes"), "mapper\\/root"),
		   "the status file says that it is there");
		end_over();
		fixture_done(&fx);
	}
	end_hook = NULL;
	hang_at = NULL;
}

static int full_console(const char *path);

static void test_console_hangs(void)
{
	pid_t caller;
	int stuck;

	begin(true, true);
	stuck = full_console("/dev/stuck");
	fixture_text(&fx, PATH_CONSOLES_ACTIVE, "stuck ttyS0\n");
	hurry = true;
	(void)run_to_the_end();
	is_str(fixture_get(&fx, "/dev/ttyS0"), console("poweroff"),
	       "one console takes nothing: the other has the line before the end");
	hurry = false;
	end_over();
	fixture_text(&fx, "/dev/ttyS0", "");
	patience = true;
	plan.patience_ends = "console";
	plan.nr_waits = 1;
	caller = run_to_the_end();
	ok(end_value("waits for children") > 3000 && end_value("waits for children") <= 6000,
	   "nothing interrupts its writer: it has 6 s");
	ok(end_find("word", caller, 1) >= 0 && end->reboot_parent == end_pid("watches"),
	   "then the machine ends");
	patience = false;
	end_over();
	(void)close(stuck);
	fixture_done(&fx);
}

static void test_no_process(void)
{
	pid_t caller;

	begin(true, true);
	report.runs[0].mapped = true;
	plan.no_fork = true;
	caller = run_to_the_end();
	ok(end_pid("b") == caller && end_order("status", "b") && end_order("b", "c"),
	   "no process can be started: the caller does what is left");
	is_str(fixture_get(&fx, "/stderr"), with_newlines("", line("poweroff"), "\n"),
	       "it says why");
	end_over();
	fixture_done(&fx);

	begin(true, false);
	fx.root.standalone = true;
	plan.no_fork = true;
	(void)run_to_the_end();
	is_str(fixture_get(&fx, "/stderr"), with_newlines("", line("poweroff"), "\n"),
	       "... also in an initramfs of our own, in the kernel's log");
	end_over();
	fixture_done(&fx);

	begin(true, false);
	fx.root.standalone = true;
	(void)run_to_the_end();
	is_str(fixture_get(&fx, "/stderr"), "", "... which has it in this case alone");
	ok(strstr(fixture_get(&fx, "/dev/ttyS0"), line("poweroff")), "... and else the console");
	end_over();
	fixture_done(&fx);
}

static void test_release_unknown(void)
{
	static const int errors[] = { EMFILE, EIO };
	size_t i;

	for (i = 0; i < ARRAY_SIZE(errors); i++) {
		begin(true, true);
		plan.open_path = PATH_INITRD_RELEASE;
		plan.open_error = errors[i];
		(void)run_to_the_end();
		is_int(end_count("reboot"), 1, "initrd-release, %s: the action is done",
		       strerror(errors[i]));
		end_over();
		fixture_done(&fx);
	}
}

/* Where the machine goes on it is the exit code that says no. */
static void test_goes_on(void)
{
	static const struct {
		bool machine, initramfs;
		enum failure_action action;
		const char *what, *name;
	} cases[] = {
		{ true, true, FAILURE_ACTION_RESCUE, "a shell", "rescue" },
		{ true, false, FAILURE_ACTION_POWEROFF, "a running system", "none" },
		{ false, true, FAILURE_ACTION_POWEROFF, "a tree of an initramfs", "none" },
		{ false, false, FAILURE_ACTION_POWEROFF, "a tree", "none" },
	};
	const char *text;
	size_t i;
	int code;

	for (i = 0; i < ARRAY_SIZE(cases); i++) {
		bool shell = cases[i].action == FAILURE_ACTION_RESCUE;
		bool applies = cases[i].machine && cases[i].initramfs;

		begin(cases[i].machine, cases[i].initramfs);
		conf.failure_action = cases[i].action;
		conf.rescue.shell = shell;
		report.runs[0].mapped = true;
		text = run(&code);
		is_str(text, with_newlines("", line(cases[i].name), "\n"), "%s: one line to stderr",
		       cases[i].what);
		is_int(code, 7, "the code, and the machine goes on");
		is_int(action_applies(&fx.root), applies, "an action applies, or does not");
		ok(end_count("watches") == 0 && end_count("reboot") == 0 &&
			   !*fixture_get(&fx, PATH_SYSRQ_TRIGGER),
		   "nobody ends the machine");
		is_int(end_count("unmap") > 0, cases[i].machine,
		       "what was mapped goes, on a machine");
		ok(!shell || end_order("unmap", "console"), "before anybody reads of it");
		is_str(fixture_get(&fx, "/dev/ttyS0"), shell ? console("rescue") : "",
		       "the consoles");
		is_str(status_field("action"), cases[i].name, "the action in the status file");
		f = (struct fault){ 0 };
		(void)run(&code);
		is_int(code, EXITCODE_INTERNAL, "a failure without a code has one");
		fixture_done(&fx);
	}
}

static void begin_rescue(enum way by, enum failure_action action)
{
	begin(true, true);
	conf.failure_action = FAILURE_ACTION_RESCUE;
	report.runs[0].mapped = true;
	rescue_end = RESCUE_STOP;
	rescue_action = action;
	way = by;
}

static void over(void)
{
	end_over();
	fixture_done(&fx);
	way = WAY_STOP;
}

/* Somebody may read at a console before the machine ends, and no longer than RescueTimeout=. */
static void test_report(void)
{
	char both[2300];
	pid_t caller;
	size_t i;

	for (i = 0; i < ARRAY_SIZE(end_ways); i++) {
		if (end_ways[i].action == FAILURE_ACTION_HALT)
			continue; /* no end of a rescue */
		begin_rescue(WAY_STOP, end_ways[i].action);
		caller = run_to_the_end();
		is_armed_first(caller);
		ok(end_value("watches") > 925000 && end_value("watches") <= 930000,
		   "a report at the consoles: the end comes after RescueTimeout= and 30 s");
		ok(end_order("undo for a rescue", "unmap") && end_order("unmap", "stderr") &&
			   end_order("stderr", "console") && end_order("console", "report") &&
			   end_order("report", "word"),
		   "undoing, line, consoles, report, end: in this order");
		ok(end_value("report") == 0 && end_order("report", "status"),
		   "the status file says that it is over when it is");
		is_int(end_count("watches"), 2, "then the end is armed once more");
		is_int(end_value("reboot"), end_ways[i].command, "%s: what the kernel is asked for",
		       end_ways[i].name);
		(void)snprintf(both, sizeof(both), "%s\n", line("rescue"));
		text_append(both, sizeof(both), "%s\n", line(end_ways[i].name));
		is_str(fixture_get(&fx, "/stderr"), both, "what has failed, and what follows");
		is_str(status_field("action"), end_ways[i].name, "the action in the status file");
		is_int(end_count("flock"), 1, "a turn is taken once");
		over();
	}
	begin_rescue(WAY_STOP, FAILURE_ACTION_REBOOT);
	end_hook = hang_there;
	hang_at = "report";
	plan.limit_after = "hangs";
	(void)run_to_the_end();
	is_int(end_value("reboot"), RB_POWER_OFF, "a report that hangs: the watch powers off");
	end_hook = NULL;
	hang_at = NULL;
	over();

	begin_rescue(WAY_UNRESCUED, FAILURE_ACTION_REBOOT);
	(void)run_to_the_end();
	ok(end_count("report") == 0 && end_value("reboot") == RB_POWER_OFF &&
		   strcmp(status_field("action"), "poweroff") == 0,
	   "where the time is over already, nobody is asked");
	over();
}

/* What a rescue would use, in a page that the caller shares with this process. */
static void have_keys(void)
{
	FIXTURE_MUST(rescue_keys_map(&attempts.keys, &f) == 0 &&
		     rescue_keys_share(attempts.keys, true) == 0);
	memset(attempts.keys, 0x5a, sizeof(*attempts.keys));
}

static void keys_are_gone(void)
{
	static const struct rescue_keys none;

	ok(memcmp(attempts.keys, &none, sizeof(none)) == 0, "the rescue keys are wiped");
	rescue_keys_done(&attempts.keys);
}

static void test_rescue(void)
{
	int code;

	begin_rescue(WAY_UNLOCK, FAILURE_ACTION_REBOOT);
	have_keys();
	(void)run_to_the_end();
	keys_are_gone();
	ok(end_order("undo for a rescue", "stderr") && end_order("stderr", "console") &&
		   end_order("console", "rescue") && end_order("rescue", "watches") &&
		   end_value("reboot") == RB_AUTOBOOT,
	   "an unlock: undoing, line, consoles, rescue, and the end that it comes to");
	ok(end_value("rescue") == 0, "who is killed meanwhile has left no status file");
	over();

	begin_rescue(WAY_UNLOCK, FAILURE_ACTION_REBOOT);
	f = (struct fault){ 0 };
	(void)fault_set(&f, EXITCODE_ABORTED, EINTR, "a signal");
	have_keys();
	(void)run_to_the_end();
	keys_are_gone();
	ok(end_count("rescue") == 0 && end_value("reboot") == RB_POWER_OFF,
	   "who was asked to end asks nobody");
	over();

	begin_rescue(WAY_STOP, FAILURE_ACTION_REBOOT);
	rescue_end = RESCUE_DONE;
	code = stop_unlock(&fx.root, &conf, &report, &attempts, &f);
	is_int(code, EXITCODE_OK, "a boot that is rescued goes on");
	ok(end_count("watches") == 0 && end_order("flock", "rescue") &&
		   end_order("rescue", "unlock"),
	   "and leaves its turn to others");
	over();

	begin_rescue(WAY_STOP, FAILURE_ACTION_REBOOT);
	fixture_unlink(&fx, PATH_INITRD_RELEASE);
	code = stop_unlock(&fx.root, &conf, &report, &attempts, &f);
	ok(code == EXITCODE_NO_SECRET_TABLE && end_count("rescue") == 0 &&
		   end_count("watches") == 0,
	   "in a running system nothing is rescued");
	over();
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
	end_piece = 3;
	fixture_text(&fx, PATH_CONSOLE, "");
	log_consoles(&fx.root, "LINE");
	end_piece = 0;
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
	(void)snprintf(stream, sizeof(stream), "%ju:%ju", (uintmax_t)st.st_dev,
		       (uintmax_t)st.st_ino);
	FIXTURE_MUST(setenv("JOURNAL_STREAM", stream, 1) == 0);
	is_str(run(&code), with_newlines("<3>", line("none"), "\n"),
	       "in the journal it is an error");
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
	end_piece = 100;
	ok(strstr(run(&code), "cannot write the status file") && code == 5, "a full disk is told");
	end_piece = 0;
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
	ok(strstr(run(&code), "cannot write the status file: No such file or directory") &&
		   code == 7,
	   "no /run: told, and the code stays");
	fixture_done(&fx);
}

static void test_stages(void)
{
	memset(&report, 0xaa, sizeof(report));
	report_init(&report);
	ok(!report.stages.running && report.source.found == 0 && !report.runs[1].mapped &&
		   !*report.runs[1].device,
	   "an empty report is empty");
	ok(report.stages.start_us[STAGE_DEVICE] == 0 && report.runs[0].keyslot == -1,
	   "nothing is reached at first");
	stages_enter(&report.stages, STAGE_DEVICE);
	usleep(2000);
	stages_enter(&report.stages, STAGE_HEADER);
	ok(report.stages.us[STAGE_DEVICE] >= 2000 && report.stages.us[STAGE_DEVICE] < 5000000,
	   "a stage has the time until the next one");
	report.stages.start_us[STAGE_DEVICE] = 4711;
	report.stages.us[STAGE_DEVICE] = 1000000000;
	stages_enter(&report.stages, STAGE_DEVICE);
	stages_end(&report.stages);
	ok(report.stages.start_us[STAGE_DEVICE] == 4711 &&
		   report.stages.us[STAGE_DEVICE] >= 1000000000,
	   "entered again it keeps its start, and its times add up");
	report.stages.us[STAGE_DEVICE] = 1;
	stages_end(&report.stages);
	is_int(report.stages.us[STAGE_DEVICE], 1, "ended twice it does not run on");
	is_str(volume_form_name(SECRET_FORM_EXACT), "exact", "form: exact");
	is_str(volume_form_name(SECRET_FORM_WITHOUT_FINAL_NUL), "without-final-nul", "form: cut");
}

int main(void)
{
	test_actions();
	test_turn();
	test_caller_hangs();
	test_unmap_hangs();
	test_console_hangs();
	test_no_process();
	test_release_unknown();
	test_report();
	test_rescue();
	test_goes_on();
	test_consoles();
	test_busy_console();
	test_stuck_console();
	test_journal();
	test_status_file();
	test_stages();
	return tap_done();
}
