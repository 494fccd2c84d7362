/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * action.h - what is done when a boot must not go on: the end of the machine, in layers, each
 * of which holds when those before it do nothing.
 */
#ifndef COCO_ACTION_H
#define COCO_ACTION_H

#include "conf/conf.h"

#define ACTION_LIMIT_MS 30000 /* for who does nothing more than to undo, and to say why */

/* The process that ends the machine; it waits for a word, for the caller's end, or the limit. */
struct action_watch {
	enum failure_action action;
	pid_t pid;   /* 0: there is none */
	int go;	     /* our end of a pipe, owned; negative: there is none */
	int trigger; /* PATH_SYSRQ_TRIGGER, owned; negative: there is none */
};

/*
 * True inside an initramfs: our own, or initrd-release(5) is there, or it is unknown. Only
 * there is a failure action carried out: in a running system a failed unlock ends with its exit
 * code and no more.
 */
bool action_applies(const struct root *root);

/*
 * Starts the process that ends the machine, before anything that could hang. From now on the
 * caller blocks all signals that can be blocked: it must not end by itself any more. Whatever it is
 * doing limit_ms later, the machine ends then. A watch that cannot be started is no error:
 * action_now() then does all by itself.
 */
void action_arm(const struct root *root, enum failure_action action, uint64_t limit_ms,
		struct action_watch *ret_watch);

/* Takes the watch away, for another action_arm(): only with another action or another limit. */
void action_disarm(struct action_watch *watch);

/*
 * Ends the machine, and never returns, whatever the machine does:
 *  - reboot(2) in a child. It holds the kernel's lock even when it has come back without effect
 *    and the kernel has ended the child with status 0, so that any later reboot(2) of anybody
 *    waits for ever; it is called once.
 *  - then SysRq's `b`, which asks nobody, and `c`, a panic.
 *  - then this process stays, blocked, and so does what the system manager does after it.
 */
_Noreturn void action_now(struct action_watch *watch);

/* For a process that may spin in the kernel, at a console: it leaves the CPU that the end of
 * the machine needs, if there is another. */
void action_leave_cpu(void);

#endif
