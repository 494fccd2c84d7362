/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * terminal.h - the process at one console, and what it and console.c say to each other: messages
 * of a SOCK_SEQPACKET socket, the first byte of which says what it is.
 */
#ifndef COCO_TERMINAL_H
#define COCO_TERMINAL_H

#include <sys/types.h>
#include <termios.h>

#include "boot/console.h"

#define TERMINAL_TEXT_MAX 1024 /* bytes of a text for people */

enum terminal_message {
	TERMINAL_WORD = 'w',   /* to console.c: an enum rescue_action, a byte */
	TERMINAL_ANSWER = 'a', /* the bytes of a message, up to ANSWER_SIZE_MAX */
	TERMINAL_SAY = 's',    /* to the process: a text that it shows */
	TERMINAL_END = 'e',    /* it shows a text, if there is one, and ends */
};

/* How the terminal was before the first process came; shared, so that it is known when that was
 * killed. */
struct terminal_modes {
	bool there;
	struct termios modes;
};

struct terminal {
	const struct root *root;
	const char *name; /* below /dev */
	const struct console_page *page;
	struct terminal_modes *saved;
	pid_t parent;
	int fd; /* of the socket; not used by terminal_restore() */
};

/* The life of a process at a console, for child_start() with a struct terminal: ends when the
 * terminal or the socket does, or when it is told to. */
int terminal_run(void *terminal);

/* The same for one that puts back the modes, if they were changed. */
int terminal_restore(void *terminal);

#endif
