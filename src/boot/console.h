/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * console.h - the consoles of the kernel's list, at which somebody may read and answer. All of them
 * are the host's.
 */
#ifndef COCO_CONSOLE_H
#define COCO_CONSOLE_H

#include "base/deadline.h"
#include "base/fault.h"
#include "base/root.h"
#include "base/util.h"
#include "rescue/challenge.h"

#define CONSOLES_MAX 8
#define CONSOLE_NAME_SIZE 33
#define CONSOLE_SCREENS_MAX 5

/* A word that shows a page of text, at most 23 lines of at most 79 characters. */
struct console_screen {
	const char *word;
	const char *text;
};

/* What a console shows; fixed from console_open() to console_close(). */
struct console_page {
	struct console_screen screens[CONSOLE_SCREENS_MAX]; /* the first is shown by itself */
	size_t nr_screens;
	unsigned int actions;  /* bits, 1 << enum rescue_action: by a word reboot and poweroff */
	const char *challenge; /* NULL: no answer is taken, and lines of one are not read */
	size_t challenge_len;
};

enum console_event {
	CONSOLE_TIMEOUT, /* the deadline */
	CONSOLE_WORD,	 /* somebody has typed reboot or poweroff: action */
	CONSOLE_ANSWER,	 /* the lines of an answer are complete: message, not looked at yet */
	CONSOLE_SIGNAL,	 /* somebody asks this process to end: SIGTERM, SIGINT or SIGHUP */
};

struct console_said {
	enum console_event event;
	size_t console;		   /* which */
	enum rescue_action action; /* of CONSOLE_WORD */
	size_t len;		   /* of the message */
};

/*
 * All consoles, a process for each: it has the terminal, and neither key nor secret nor rights. The
 * caller never has a console open, since SysRq's SAK kills who has. The kernel's own messages stay
 * off the consoles meanwhile.
 */
struct consoles;

/* From then on SIGTERM, SIGINT and SIGHUP are blocked. f: no-memory, or internal where there is no
 * console at all. */
int consoles_open(const struct root *root, const struct console_page *page,
		  struct consoles **ret_consoles, struct fault *f) _must_check_;

/* Waits for the first that says something, or for a signal, which is taken; a process that has
 * ended is started again. message: room for ANSWER_SIZE_MAX bytes. Returns 0 or -errno. */
int consoles_wait(struct consoles *consoles, struct deadline deadline, unsigned char *message,
		  struct console_said *ret_said) _must_check_;

/* A line for who has said something, why it is not obeyed. That console is then not listened to for
 * two seconds. */
void consoles_refuse(struct consoles *consoles, size_t console, const char *why);

/* The name, such as ttyS0. */
const char *consoles_name(const struct consoles *consoles, size_t console);

/* Ends the processes, each with a last line or NULL; the terminals' modes and the kernel's messages
 * are as they were. Takes NULL. */
void consoles_close(struct consoles **consoles, const char *line);

#endif
