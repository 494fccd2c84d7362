/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * client.c - the broker program as seen by the process that unlocks: what it is started with, and
 * what it may say. The program is this test itself, which does what the first frame asks for.
 */
#include "source/kbs/client.h"

#include <dirent.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/wait.h>

#include "base/paths.h"
#include "fixture.h"

#define BAD 255 /* no code, step or retry */

extern char **environ;

/* What the first frame of a test says: the deed, and a failure's bytes and reason. */
struct order {
	char deed[16];
	unsigned char code, step, retry;
	unsigned char more; /* fields of the failure beyond the right number */
	unsigned short reason_len;
};

static int count_fds(void)
{
	DIR *dir = opendir("/proc/self/fd");
	int nr = -1; /* its own */

	while (dir && readdir(dir))
		nr++;
	return nr - 2; /* "." and ".." */
}

/* Whoever does not listen any more fails the test on the other side. */
static void say(enum frame_type type, const struct frame_field *fields, size_t nr)
{
	if (frame_send(FRAME_FD, type, fields, nr, deadline_in_ms(1000)) < 0)
		_exit(2);
}

static void fail(const struct order *o)
{
	static unsigned char reason[1024];
	struct frame_field fields[FRAME_FIELDS_MAX] = {
		[FAILED_CODE] = { &o->code, 1 },
		[FAILED_STEP] = { &o->step, 1 },
		[FAILED_RETRY] = { &o->retry, 1 },
		[FAILED_REASON] = { reason, o->reason_len },
	};

	memset(reason, 'r', sizeof(reason));
	say(FRAME_FAILED, fields, _FAILED_MAX + o->more);
}

/* The program's side. */
static int be_program(int argc)
{
	unsigned char *buffer = NULL;
	char text[64];
	struct frame_field field = { (unsigned char *)text, 0 };
	struct frame frame;
	struct order o;

	if (frame_receive(FRAME_FD, 4096, deadline_in_ms(5000), &buffer, &frame) < 0 ||
	    frame.nr != 1 || frame.fields[0].len != sizeof(o))
		return 1;
	memcpy(&o, frame.fields[0].data, sizeof(o));
	if (strcmp(o.deed, "fail") == 0)
		fail(&o);
	else if (strcmp(o.deed, "look") == 0) {
		sigset_t set;

		sigemptyset(&set);
		(void)sigprocmask(SIG_BLOCK, NULL, &set);
		field.len =
			(size_t)snprintf(text, sizeof(text), "%d %d %d %d", argc, count_fds(),
					 environ && *environ ? 1 : 0, sigismember(&set, SIGCHLD));
		say(FRAME_NONCE, &field, 1);
	} else if (strcmp(o.deed, "kind") == 0)
		say(FRAME_ANSWER, &field, 1);
	else if (strcmp(o.deed, "fields") == 0)
		say(FRAME_NONCE, &field, 0);
	else if (strcmp(o.deed, "garbage") == 0)
		(void)send(FRAME_FD, "\x08\0\0\0garbage!", 12, MSG_NOSIGNAL);
	else if (strcmp(o.deed, "huge") == 0)
		(void)send(FRAME_FD, "\xff\xff\xff\x7f", 4, MSG_NOSIGNAL);
	else if (strcmp(o.deed, "half") == 0)
		(void)send(FRAME_FD, "\x20\0\0\0", 4, MSG_NOSIGNAL);
	else if (strcmp(o.deed, "crash") == 0)
		(void)raise(SIGKILL);
	else if (strcmp(o.deed, "silence") == 0)
		return -frame_receive(FRAME_FD, 4096, deadline_in_ms(60000), &buffer, &frame);
	else if (strcmp(o.deed, "deaf") == 0)
		for (;;)
			(void)pause();
	return 0;
}

static struct fixture fx;

/* One conversation. Returns what client_receive() does; the client has ended. */
static int talk(const struct order *o, int ms, char *ret_text, struct attempt *ret_attempt)
{
	struct client client = CLIENT_NULL;
	const struct frame_field field = { (const unsigned char *)o, sizeof(*o) };
	_cleanup_free_ unsigned char *buffer = NULL;
	_cleanup_close_ int other = -EBADF;
	struct deadline deadline;
	struct frame frame;
	int pair[2], r;

	*ret_attempt = (struct attempt){ 0 };
	FIXTURE_MUST(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair) == 0);
	other = pair[1];
	r = client_start(&fx.root, pair[0], &client, ret_attempt);
	FIXTURE_MUST(close(pair[0]) == 0);
	if (r >= 0)
		r = client_send(&client, FRAME_START, &field, 1, KBS_STEP_AUTH,
				deadline_in_ms(1000), ret_attempt);
	deadline = deadline_in_ms((uint64_t)ms);
	if (r >= 0)
		r = client_receive(&client, FRAME_NONCE, 1, KBS_STEP_AUTH, deadline, &buffer,
				   &frame, ret_attempt);
	if (r >= 0 && ret_text)
		(void)snprintf(ret_text, 64, "%.*s", (int)frame.fields[0].len,
			       (const char *)frame.fields[0].data);
	client_end(&client, deadline);
	client_end(&client, deadline);
	return r;
}

static void test_start(void)
{
	const struct order look = { .deed = "look" };
	struct attempt a;
	char text[64] = "";

	ok(talk(&look, 5000, text, &a) == 0, "the program is started, and speaks");
	is_str(text, "1 5 0 0",
	       "it has one argument, five descriptors, no environment, no blocked signal");
}

static void test_failures(void)
{
	static const struct {
		struct order o;
		enum exitcode code;
		const char *what;
	} cases[] = {
		{ { "fail", 39, KBS_STEP_HANDSHAKE, KBS_RETRY_NEVER, 0, 10 }, 39, "a failure" },
		{ { "fail", 47, KBS_STEP_RESOURCE, KBS_RETRY_NEW_NONCE, 0, FRAME_REASON_MAX },
		  47,
		  "the last of all" },
		{ { "fail", 37, KBS_STEP_CONNECT, KBS_RETRY_NEXT, 0, 0 },
		  37,
		  "one without a reason" },
		{ { "fail", 0, KBS_STEP_AUTH, KBS_RETRY_NEVER, 0, 10 },
		  45,
		  "the code of a success" },
		{ { "fail", 2, KBS_STEP_AUTH, KBS_RETRY_NEVER, 0, 10 }, 45, "a code of a disk" },
		{ { "fail", 36, KBS_STEP_AUTH, KBS_RETRY_NEVER, 0, 10 },
		  45,
		  "a code of the network" },
		{ { "fail", 48, KBS_STEP_AUTH, KBS_RETRY_NEVER, 0, 10 },
		  45,
		  "a code that is none" },
		{ { "fail", 39, KBS_STEP_OPEN, KBS_RETRY_NEVER, 0, 10 },
		  45,
		  "a step that is not its own" },
		{ { "fail", 39, BAD, KBS_RETRY_NEVER, 0, 10 }, 45, "a step that is none" },
		{ { "fail", 39, KBS_STEP_AUTH, BAD, 0, 10 }, 45, "a retry that is none" },
		{ { "fail", 39, KBS_STEP_AUTH, KBS_RETRY_NEVER, 0, FRAME_REASON_MAX + 1 },
		  45,
		  "a reason that is too long" },
		{ { "fail", 39, KBS_STEP_AUTH, KBS_RETRY_NEVER, 1, 10 }, 45, "a field too many" },
		{ { .deed = "kind" }, 45, "a frame of another kind" },
		{ { .deed = "fields" }, 45, "a frame without its field" },
		{ { .deed = "garbage" }, 45, "bytes that are no frame" },
		{ { .deed = "huge" }, 45, "a length beyond all bounds" },
		{ { .deed = "half" }, 45, "half a frame, and then the end" },
		{ { .deed = "crash" }, 45, "an end by a signal" },
		{ { .deed = "end" }, 45, "an end without a word" },
		{ { .deed = "silence" }, 47, "no answer in time" },
		{ { .deed = "deaf" }, 47, "no answer in time, and no end" },
	};
	size_t i;

	for (i = 0; i < ARRAY_SIZE(cases); i++) {
		const unsigned int fds = fixture_fds();
		const bool waits = strchr("sd", cases[i].o.deed[0]) != NULL;
		const uint64_t start = clock_us();
		struct attempt a;

		ok(talk(&cases[i].o, waits ? 300 : 10000, NULL, &a) < 0, "%s is a failure",
		   cases[i].what);
		is_int(a.fault.code, cases[i].code, "... with its code");
		ok(a.fault.why[0] || cases[i].o.reason_len == 0, "... and says so: %s",
		   a.fault.why);
		ok(a.step <= KBS_STEP_OPEN && a.retry <= KBS_RETRY_NEW_NONCE, "... in range");
		ok(fixture_fds() == fds && waitpid(-1, NULL, WNOHANG) < 0 && errno == ECHILD,
		   "... and nothing is left of it");
		ok(clock_us() - start < (waits ? 1300000 : 9000000), "... in time");
	}
}

static void test_missing(void)
{
	const struct order look = { .deed = "look" };
	struct attempt a;

	fixture_unlink(&fx, PATH_BROKER);
	ok(talk(&look, 300, NULL, &a) < 0 && a.fault.code == EXITCODE_INTERNAL,
	   "an image without the program");
	fixture_text(&fx, PATH_BROKER, "no program\n");
	FIXTURE_MUST(chmod(fixture_path(&fx, PATH_BROKER), 0755) == 0);
	ok(talk(&look, 10000, NULL, &a) < 0 && a.fault.code == EXITCODE_MALFORMED_ANSWER,
	   "a program that cannot be run");
}

int main(int argc, char **argv)
{
	if (strcmp(argv[0], "coco-unlock-broker") == 0)
		return be_program(argc);
	fixture_init(&fx);
	fixture_self(&fx, PATH_BROKER);
	test_start();
	test_failures();
	test_missing();
	fixture_done(&fx);
	return tap_done();
}
