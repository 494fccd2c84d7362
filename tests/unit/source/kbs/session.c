/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * session.c - how a session begins: the broker program starts while the connection is under way,
 * and is told to speak when that is done. The program is this test itself, the wait for the
 * connection is the test's, and so is the other end of it.
 */
#include "source/kbs/session.h"

#include <poll.h>
#include <sys/socket.h>
#include <sys/wait.h>

#include "base/io.h"
#include "base/paths.h"
#include "fixture.h"
#include "source/kbs/route.h"

#define PATIENCE_MS 10000
#define ASKED '?'   /* by whoever connects, over the connection */
#define WAITING 'w' /* the program is there, and has been told nothing */
#define TOLD 't'

static int far_end = -EBADF; /* of the connection */
static bool fails;	     /* the connection */
static char state;	     /* of the program while the connection is under way; 0: not there */

/* Between connect(2) and its end. What was sent to the program before lies in its socket by now. */
int route_connected(int fd, const char *address, unsigned int port, struct deadline deadline,
		    struct fault *f)
{
	const char asked = ASKED;

	(void)fd;
	(void)address;
	(void)port;
	FIXTURE_MUST(io_write(far_end, &asked, 1) == 0);
	if (io_wait(far_end, POLLIN, deadline) >= 0)
		FIXTURE_MUST(read(far_end, &state, 1) == 1);
	return fails ? fault_set(f, EXITCODE_CONNECTION, ECONNREFUSED, "refused") : 0;
}

/* The program's side. */
static int be_program(void)
{
	const unsigned char code = EXITCODE_BROKER_HTTP, step = KBS_STEP_AUTH,
			    retry = KBS_RETRY_NEXT;
	struct pollfd frames = { .fd = FRAME_FD, .events = POLLIN };
	struct frame_field fields[_FAILED_MAX] = {
		[FAILED_CODE] = { &code, 1 },
		[FAILED_STEP] = { &step, 1 },
		[FAILED_RETRY] = { &retry, 1 },
		[FAILED_REASON] = { (const unsigned char *)"told", 4 },
	};
	unsigned char *buffer = NULL;
	struct frame frame;
	char c;

	if (read(FRAME_TCP_FD, &c, 1) != 1 || c != ASKED)
		return 1;
	c = poll(&frames, 1, 0) == 0 ? WAITING : TOLD;
	if (io_write(FRAME_TCP_FD, &c, 1) < 0)
		return 1;
	if (frame_receive(FRAME_FD, 4096, deadline_in_ms(PATIENCE_MS), &buffer, &frame) < 0)
		return 0;
	if (frame.type != FRAME_START || frame.nr != _START_MAX)
		return 1;
	return frame_send(FRAME_FD, FRAME_FAILED, fields, _FAILED_MAX, deadline_in_ms(1000)) < 0;
}

static struct fixture fx;

static void run(struct attempt *ret_attempt)
{
	const struct kbs_conf conf = { .format = RESOURCE_SECRET };
	const struct broker_url url = { .text = "https://broker", .port = 443 };
	const struct session_input in = {
		.root = &fx.root,
		.conf = &conf,
		.tee = "snp",
		.deadline = deadline_in_ms(2 * PATIENCE_MS),
	};
	struct resource resource = { .path = "a/b/c" };
	int pair[2];

	*ret_attempt = (struct attempt){ 0 };
	state = 0;
	FIXTURE_MUST(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair) == 0);
	far_end = pair[1];
	ok(session_run(&in, &url, pair[0], deadline_in_ms(PATIENCE_MS), &resource, 1, ret_attempt) <
		   0,
	   "the session ends");
	FIXTURE_MUST(close(pair[0]) == 0 && close(pair[1]) == 0);
}

static void test_start(void)
{
	const unsigned int fds = fixture_fds();
	struct attempt a;

	fails = false;
	run(&a);
	ok(state != 0, "the program runs before the connection is there");
	ok(state == WAITING, "and is told nothing until then");
	ok(a.fault.code == EXITCODE_BROKER_HTTP && a.step == KBS_STEP_AUTH,
	   "then it is told to begin: %s", a.fault.why);
	ok(fixture_fds() == fds && waitpid(-1, NULL, WNOHANG) < 0 && errno == ECHILD,
	   "nothing is left of it");

	fails = true;
	run(&a);
	ok(state == WAITING, "a connection that fails: the program was there");
	ok(a.fault.code == EXITCODE_CONNECTION && a.step == KBS_STEP_CONNECT &&
		   a.retry == KBS_RETRY_NEXT,
	   "the next broker is to be tried: %s", a.fault.why);
	ok(fixture_fds() == fds && waitpid(-1, NULL, WNOHANG) < 0 && errno == ECHILD,
	   "nothing is left of it");
}

int main(int argc, char **argv)
{
	(void)argc;
	if (strcmp(argv[0], "coco-unlock-broker") == 0)
		return be_program();
	fixture_init(&fx);
	fixture_self(&fx, PATH_BROKER);
	test_start();
	fixture_done(&fx);
	return tap_done();
}
