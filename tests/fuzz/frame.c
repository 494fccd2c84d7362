/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * frame.c - fuzz target: a frame, as it stands behind its length. What is accepted lies in the
 * bytes without a gap, and comes back the same through a socket.
 */
#include "source/kbs/frame.h"

#include <sys/socket.h>

#include "fuzz.h"

#define SENT_MAX 65536 /* bytes; a socket's buffer holds them */

static uint32_t le32(const unsigned char *p)
{
	return (uint32_t)p[0] | (uint32_t)p[1] << 8 | (uint32_t)p[2] << 16 | (uint32_t)p[3] << 24;
}

static void check(const unsigned char *bytes, size_t size, const struct frame *frame)
{
	const unsigned char *p = bytes + 8;
	size_t i;

	FUZZ_MUST(frame->type >= FRAME_START && frame->type <= FRAME_FAILED);
	FUZZ_MUST(frame->type == le32(bytes) && frame->nr == le32(bytes + 4));
	FUZZ_MUST(frame->nr <= FRAME_FIELDS_MAX);
	for (i = 0; i < FRAME_FIELDS_MAX; i++) {
		const struct frame_field *field = &frame->fields[i];

		if (i >= frame->nr) {
			FUZZ_MUST(!field->data && field->len == 0);
			continue;
		}
		FUZZ_MUST(field->data == p + 4 && field->len == le32(p));
		p += 4 + field->len;
	}
	FUZZ_MUST(p == bytes + size);
}

/* Sent, and received. */
static void check_socket(const unsigned char *bytes, size_t size, const struct frame *frame)
{
	const struct deadline soon = deadline_in_ms(10000);
	unsigned char *buffer = NULL;
	struct frame again;
	int pair[2];

	FUZZ_MUST(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair) == 0);
	FUZZ_MUST(frame_send(pair[0], frame->type, frame->fields, frame->nr, soon) == 0);
	FUZZ_MUST(frame_receive(pair[1], size, soon, &buffer, &again) == 0);
	FUZZ_MUST(memcmp(buffer, bytes, size) == 0);
	check(buffer, size, &again);
	free(buffer);
	buffer = NULL;
	FUZZ_MUST(frame_send(pair[0], frame->type, frame->fields, frame->nr, soon) == 0);
	FUZZ_MUST(frame_receive(pair[1], size - 1, soon, &buffer, &again) == -EMSGSIZE && !buffer);
	close(pair[0]);
	close(pair[1]);
}

/* The bytes are what comes through the socket, with the length of the frame in them. */
static void check_stream(const unsigned char *bytes, size_t size)
{
	unsigned char *buffer = NULL;
	struct frame frame;
	int pair[2], r;

	FUZZ_MUST(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair) == 0);
	FUZZ_MUST(send(pair[0], bytes, size, MSG_DONTWAIT) == (ssize_t)size);
	close(pair[0]);
	r = frame_receive(pair[1], SENT_MAX, deadline_in_ms(10000), &buffer, &frame);
	FUZZ_MUST(r == 0 || r == -ENODATA || r == -EBADMSG || r == -EMSGSIZE);
	FUZZ_MUST((r == 0) == (buffer != NULL));
	if (r == 0)
		check(buffer, le32(bytes), &frame);
	free(buffer);
	close(pair[1]);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct frame frame = { 0 };
	unsigned char *bytes;
	int r;

	if (size == 0) /* the other side has ended */
		return 0;
	bytes = fuzz_copy(data, size);
	r = frame_parse(bytes, size, &frame);
	FUZZ_MUST(r == 0 || (r == -EBADMSG && frame.nr == 0));
	if (r == 0) {
		fuzz_accepted++;
		check(bytes, size, &frame);
		if (size <= SENT_MAX)
			check_socket(bytes, size, &frame);
	}
	if (size <= SENT_MAX)
		check_stream(bytes, size);
	free(bytes);
	return 0;
}
