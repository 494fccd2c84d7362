/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * client.c - starts the program that speaks with a broker, and takes what it says.
 * Trusts the program no more than the host, whose bytes it has read: what it sends is bounded, and
 * of a fixed form. It gets two descriptors and an empty environment, and never a secret.
 */
#include "source/kbs/client.h"

#include <fcntl.h>
#include <signal.h>
#include <stdarg.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/paths.h"

#define ANSWER_SIZE_MAX \
	(256 * 1024)	/* bytes of what the program says: a table in base64 is 22 KiB */
#define END_MS 2000	/* to wipe and to end */
#define END_LATE_MS 150 /* the same, once the deadline is over: see tsm.c, too */
#define NOT_RUN 127

int attempt_fail(struct attempt *a, enum kbs_step step, enum kbs_retry retry, enum exitcode code,
		 int errno_value, const char *fmt, ...)
{
	char text[FAULT_WHY_MAX];
	va_list ap;

	va_start(ap, fmt);
	(void)vsnprintf(text, sizeof(text), fmt, ap); /* cut if it is too long */
	va_end(ap);
	a->step = step;
	a->retry = retry;
	return fault_set(&a->fault, code, errno_value, "%s", text);
}

struct start {
	int program, frames, tcp;
};

/* In the new process, which execve() leaves without memory of the old one. The two descriptors may
 * have each other's number, so they go beyond both first. */
static int execute(void *arg)
{
	const struct start *start = arg;
	char name[] = "coco-unlock-broker", *argv[] = { name, NULL }, *envp[] = { NULL };
	int frames = fcntl(start->frames, F_DUPFD_CLOEXEC, FRAME_TCP_FD + 1);
	int tcp = fcntl(start->tcp, F_DUPFD_CLOEXEC, FRAME_TCP_FD + 1);
	int program = fcntl(start->program, F_DUPFD_CLOEXEC, FRAME_TCP_FD + 1);
	sigset_t none;

	sigemptyset(&none);
	(void)sigprocmask(SIG_SETMASK, &none, NULL); /* cannot fail with these arguments */
	if (frames < 0 || tcp < 0 || program < 0 || dup2(frames, FRAME_FD) < 0 ||
	    dup2(tcp, FRAME_TCP_FD) < 0 ||
	    close_range(FRAME_TCP_FD + 1, ~0U, CLOSE_RANGE_CLOEXEC) < 0)
		return NOT_RUN;
	(void)fexecve(program, argv, envp);
	return NOT_RUN;
}

int client_start(const struct root *root, int tcp, struct client *ret_client, struct attempt *a)
{
	_cleanup_close_ int program = root_open(root, PATH_BROKER, O_PATH, 0);
	_cleanup_close_ int other = -EBADF;
	struct start start = { .tcp = tcp };
	int pair[2], r;

	if (program < 0)
		return attempt_fail(a, KBS_STEP_CONNECT, KBS_RETRY_NEVER, EXITCODE_INTERNAL,
				    -program, "cannot open " PATH_BROKER ": %s",
				    strerror(-program));
	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair) < 0)
		return attempt_fail(a, KBS_STEP_CONNECT, KBS_RETRY_NEVER, EXITCODE_INTERNAL, errno,
				    "no socket for the broker program: %s", strerror(errno));
	ret_client->fd = pair[0];
	other = pair[1];
	start.program = program;
	start.frames = other;
	r = child_start(&ret_client->child, execute, &start);
	if (r < 0)
		return attempt_fail(a, KBS_STEP_CONNECT, KBS_RETRY_NEXT, EXITCODE_NO_MEMORY, -r,
				    "no process for the broker program: %s", strerror(-r));
	return 0;
}

int client_send(struct client *client, enum frame_type type, const struct frame_field *fields,
		size_t nr, enum kbs_step step, struct deadline deadline, struct attempt *a)
{
	int r = frame_send(client->fd, type, fields, nr, deadline);

	if (r >= 0 || r == -EPIPE || r == -ECONNRESET)
		return 0; /* its last word is still to be read */
	if (r == -ETIMEDOUT)
		return attempt_fail(a, step, KBS_RETRY_NEXT, EXITCODE_NO_ANSWER, ETIMEDOUT,
				    "the broker program did not listen in time");
	return attempt_fail(a, step, KBS_RETRY_NEVER, EXITCODE_INTERNAL, -r,
			    "cannot speak with the broker program: %s", strerror(-r));
}

/* How far a request came where nothing was answered. */
static const char *asked(enum kbs_step step)
{
	switch (step) {
	case KBS_STEP_AUTH:
		return "handshake and challenge";
	case KBS_STEP_ATTEST:
		return "the evidence";
	default:
		return "the resource";
	}
}

static bool is_one_byte(const struct frame_field *field, unsigned int from, unsigned int to)
{
	return field->len == 1 && field->data[0] >= from && field->data[0] <= to;
}

/* What the program says of a failure. It knows the classes of its own work and no others. */
static int take_failure(const struct frame *frame, struct attempt *a)
{
	const struct frame_field *fields = frame->fields;
	char reason[FRAME_REASON_MAX + 1] = "";

	if (frame->nr != _FAILED_MAX ||
	    !(is_one_byte(&fields[FAILED_CODE], EXITCODE_CONNECTION, EXITCODE_NO_ANSWER) ||
	      is_one_byte(&fields[FAILED_CODE], EXITCODE_NO_MEMORY, EXITCODE_NO_MEMORY) ||
	      is_one_byte(&fields[FAILED_CODE], EXITCODE_CONFIG, EXITCODE_CONFIG) ||
	      is_one_byte(&fields[FAILED_CODE], EXITCODE_INTERNAL, EXITCODE_INTERNAL)) ||
	    !is_one_byte(&fields[FAILED_STEP], KBS_STEP_CONNECT, KBS_STEP_RESOURCE) ||
	    !is_one_byte(&fields[FAILED_RETRY], KBS_RETRY_NEXT, KBS_RETRY_NEW_NONCE) ||
	    fields[FAILED_REASON].len > FRAME_REASON_MAX)
		return -EBADMSG;
	memcpy(reason, fields[FAILED_REASON].data, fields[FAILED_REASON].len);
	return attempt_fail(a, (enum kbs_step)fields[FAILED_STEP].data[0],
			    (enum kbs_retry)fields[FAILED_RETRY].data[0],
			    (enum exitcode)fields[FAILED_CODE].data[0], ECONNABORTED, "%s", reason);
}

int client_receive(struct client *client, enum frame_type type, size_t nr, enum kbs_step step,
		   struct deadline deadline, unsigned char **ret_buffer, struct frame *ret_frame,
		   struct attempt *a)
{
	int r = frame_receive(client->fd, ANSWER_SIZE_MAX, deadline, ret_buffer, ret_frame);

	if (r >= 0 && ret_frame->type == FRAME_FAILED) {
		r = take_failure(ret_frame, a);
		if (r != -EBADMSG)
			return r;
	}
	if (r >= 0 && ret_frame->type == type && ret_frame->nr == nr)
		return 0;
	if (r == -ETIMEDOUT)
		return attempt_fail(a, step, KBS_RETRY_NEXT, EXITCODE_NO_ANSWER, ETIMEDOUT,
				    "no answer to %s in time", asked(step));
	if (r == -ENODATA)
		return attempt_fail(a, step, KBS_RETRY_NEVER, EXITCODE_MALFORMED_ANSWER, EPROTO,
				    "the broker program has ended without a word, over the answer to "
				    "%s",
				    asked(step));
	return attempt_fail(a, step, KBS_RETRY_NEVER, EXITCODE_MALFORMED_ANSWER, EBADMSG,
			    "the broker program makes no sense over the answer to %s", asked(step));
}

void client_end(struct client *client, struct deadline deadline)
{
	const struct deadline late = deadline_in_ms(END_LATE_MS), end = deadline_in_ms(END_MS);

	if (deadline.at_us < late.at_us)
		deadline = late;
	util_closep(&client->fd);
	client->fd = -EBADF;
	if (client->child.pid > 0)
		child_wait(&client->child, 1, deadline.at_us < end.at_us ? deadline : end);
}
