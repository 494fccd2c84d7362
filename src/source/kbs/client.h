/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * client.h - the broker program: its process, and what it says.
 */
#ifndef COCO_CLIENT_H
#define COCO_CLIENT_H

#include "base/child.h"
#include "base/root.h"
#include "conf/conf.h"
#include "source/kbs/frame.h"

/* How a session with a broker has ended. */
struct attempt {
	struct fault fault; /* ok: all answers are there */
	enum kbs_step step; /* how far it came */
	enum kbs_retry retry;
};

/* Fills an attempt that has failed. Returns -errno_value. */
int attempt_fail(struct attempt *a, enum kbs_step step, enum kbs_retry retry, enum exitcode code,
		 int errno_value, const char *fmt, ...) _printf_(6, 7);

struct client {
	struct child child;
	int fd; /* of the frames */
};

#define CLIENT_NULL ((struct client){ .fd = -EBADF })

/* Starts the program with a descriptor that connects, and that stays the caller's. Returns 0, or
 * -errno with a->fault saying internal or no-memory. */
int client_start(const struct root *root, int tcp, struct client *ret_client, struct attempt *a);

/* Sends a frame. Returns 0 or -errno with a: where the program has ended, it may have said why, so
 * that client_receive() is the one to ask. */
int client_send(struct client *client, enum frame_type type, const struct frame_field *fields,
		size_t nr, enum kbs_step step, struct deadline deadline, struct attempt *a);

/*
 * Receives a frame of this type and number of fields; *ret_buffer is the caller's and holds them.
 * Returns 0, or -errno with what the program has said in a, or no-answer at the deadline, or
 * malformed-answer if it was killed or says something else. step: what was asked for.
 */
int client_receive(struct client *client, enum frame_type type, size_t nr, enum kbs_step step,
		   struct deadline deadline, unsigned char **ret_buffer, struct frame *ret_frame,
		   struct attempt *a);

/* Hangs up and waits until the program has wiped what it knows and is gone; who is late is killed,
 * after the deadline soon. Safe twice. */
void client_end(struct client *client, struct deadline deadline);

#endif
