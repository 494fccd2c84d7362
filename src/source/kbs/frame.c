/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * frame.c - packs and unpacks the frames between the unlocking process and the broker program.
 * Trusts neither side: the broker program has read the host's bytes. May not know what a frame
 * means.
 */
#include "source/kbs/frame.h"

#include <poll.h>
#include <string.h>
#include <sys/socket.h>

#include "base/io.h"
#include "base/little.h"

#define LENGTH_SIZE 4

int frame_parse(const unsigned char *bytes, size_t len, struct frame *ret_frame)
{
	struct frame frame = { 0 };
	size_t at = FRAME_HEAD_SIZE, i;

	if (len < FRAME_HEAD_SIZE || little32(bytes) < FRAME_START ||
	    little32(bytes) > FRAME_FAILED || little32(bytes + LENGTH_SIZE) > FRAME_FIELDS_MAX)
		return -EBADMSG;
	frame.type = little32(bytes);
	frame.nr = little32(bytes + LENGTH_SIZE);
	for (i = 0; i < frame.nr; i++) {
		struct frame_field *field = &frame.fields[i];

		if (len - at < LENGTH_SIZE)
			return -EBADMSG;
		field->len = little32(bytes + at);
		at += LENGTH_SIZE;
		if (field->len > len - at)
			return -EBADMSG;
		field->data = bytes + at;
		at += field->len;
	}
	if (at != len)
		return -EBADMSG;
	*ret_frame = frame;
	return 0;
}

static int send_bytes(int fd, const unsigned char *bytes, size_t len, struct deadline deadline)
{
	ssize_t n;
	int r;

	while (len > 0) {
		n = send(fd, bytes, len, MSG_NOSIGNAL | MSG_DONTWAIT);
		if (n < 0 && errno == EAGAIN) {
			r = io_wait(fd, POLLOUT, deadline);
			if (r < 0)
				return r;
			continue;
		}
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -errno;
		bytes += n;
		len -= (size_t)n;
	}
	return 0;
}

static int receive_bytes(int fd, unsigned char *bytes, size_t len, struct deadline deadline)
{
	ssize_t n;
	int r;

	while (len > 0) {
		n = recv(fd, bytes, len, MSG_DONTWAIT);
		if (n < 0 && errno == EAGAIN) {
			r = io_wait(fd, POLLIN, deadline);
			if (r < 0)
				return r;
			continue;
		}
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return errno == ECONNRESET ? -ENODATA : -errno;
		if (n == 0)
			return -ENODATA;
		bytes += n;
		len -= (size_t)n;
	}
	return 0;
}

int frame_send(int fd, enum frame_type type, const struct frame_field *fields, size_t nr,
	       struct deadline deadline)
{
	unsigned char head[LENGTH_SIZE + FRAME_HEAD_SIZE];
	size_t len = FRAME_HEAD_SIZE, i;
	int r;

	for (i = 0; i < nr && i < FRAME_FIELDS_MAX; i++) {
		if (fields[i].len > FRAME_SIZE_MAX)
			return -EMSGSIZE;
		len += LENGTH_SIZE + fields[i].len;
	}
	if (nr > FRAME_FIELDS_MAX || len > FRAME_SIZE_MAX)
		return -EMSGSIZE;
	little32_put(head, (uint32_t)len);
	little32_put(head + LENGTH_SIZE, type);
	little32_put(head + 2 * LENGTH_SIZE, (uint32_t)nr);
	r = send_bytes(fd, head, sizeof(head), deadline);
	for (i = 0; i < nr && r >= 0; i++) {
		little32_put(head, (uint32_t)fields[i].len);
		r = send_bytes(fd, head, LENGTH_SIZE, deadline);
		if (r >= 0)
			r = send_bytes(fd, fields[i].data, fields[i].len, deadline);
	}
	return r;
}

int frame_receive(int fd, size_t max, struct deadline deadline, unsigned char **ret_buffer,
		  struct frame *ret_frame)
{
	_cleanup_free_ unsigned char *buffer = NULL;
	unsigned char head[LENGTH_SIZE];
	size_t len;
	int r;

	r = receive_bytes(fd, head, sizeof(head), deadline);
	if (r < 0)
		return r;
	len = little32(head);
	if (len < FRAME_HEAD_SIZE)
		return -EBADMSG;
	if (len > max)
		return -EMSGSIZE;
	buffer = malloc(len);
	if (!buffer)
		return -ENOMEM;
	r = receive_bytes(fd, buffer, len, deadline);
	if (r < 0)
		return r;
	r = frame_parse(buffer, len, ret_frame);
	if (r < 0)
		return r;
	*ret_buffer = buffer;
	buffer = NULL;
	return 0;
}
