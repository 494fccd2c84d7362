/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * stop.c - undoes, says why the boot ends, and ends it.
 * Trusts the configuration; may not hold a secret: the pipeline has wiped all. May not wait for
 * anything of the host before the end of the machine is armed.
 */
#include "boot/stop.h"

#include <fcntl.h>
#include <string.h>
#include <sys/file.h>

#include "base/child.h"
#include "base/log.h"
#include "base/paths.h"
#include "boot/action.h"
#include "boot/rescue.h"
#include "boot/unlock.h"

#define CONSOLES_LIMIT_MS 6000 /* twice what one console may take */

/*
 * While one process ends the machine, another may fail just because of that: of a disk that is
 * gone, for example. Who comes first speaks and acts; the other waits, for the end, or for its
 * turn if the first is killed or cannot, or if an answer has rescued its boot.
 */
static int turn = -EBADF; /* this process has the lock while it is open */

static void take_turn(const struct root *root)
{
	if (turn >= 0 || root_mkdir(root, PATH_RUN_DIR) < 0)
		return;
	turn = root_open(root, PATH_RUN_DIR, O_RDONLY | O_DIRECTORY, 0);
	while (turn >= 0 && flock(turn, LOCK_EX) < 0 && errno == EINTR)
		;
}

/* Also from children that have inherited it and that do not end. */
static void give_turn(void)
{
	if (turn >= 0)
		(void)flock(turn, LOCK_UN);
	util_closep(&turn);
	turn = -EBADF;
}

/* The part that may wait for the host; in a process of its own. */
struct speech {
	const struct root *root;
	const char *line;
};

static int speak(void *arg)
{
	const struct speech *speech = arg;

	action_leave_cpu();
	log_consoles(speech->root, speech->line);
	return EXIT_SUCCESS;
}

/* False if there is no process to do it. */
static bool speak_in_time(const struct root *root, const char *line)
{
	struct speech speech = { .root = root, .line = line };
	struct child child;

	if (child_start(&child, speak, &speech) < 0)
		return false;
	child_wait(&child, 1, deadline_in_ms(CONSOLES_LIMIT_MS));
	return true;
}

/* Says what has happened; report is NULL if this is not yet the end of it. */
static void announce(const struct root *root, const struct conf *conf, const struct report *report,
		     const struct fault *fault, const char *action)
{
	char line[1000];
	int r;

	(void)snprintf(line, sizeof(line),
		       "coco-unlock: FAILED code=%d name=%s reason=\"%s\" next=\"%s\" action=%s",
		       (int)fault->code, exitcode_name(fault->code), fault->why, fault_next(fault),
		       action); /* parts are bounded and fit */
	/* The kernel's log would show it on the consoles, too, and nobody reads it later. */
	if (!root->standalone)
		log_error("%s", line);
	r = report ? report_write(root, conf, report, fault, action) : 0;
	if (r < 0)
		log_warning("cannot write the status file: %s", strerror(-r));
	if (!action_applies(root))
		return;
	/* Kept to the end; without it, too, the line and the action come. */
	take_turn(root);
	if (!speak_in_time(root, line) && root->standalone)
		log_error("%s", line); /* on the consoles, too, as the kernel shows it */
}

/* A failure without a code would be read as a success by who has started us. */
static void have_reason(struct fault *fault)
{
	(void)fault_set(fault, EXITCODE_INTERNAL, EINVAL, "a failure without a reason");
}

/* With FAILURE_ACTION_RESCUE the machine goes on, and somebody has a shell. */
static int end_with(const struct root *root, const struct conf *conf, struct report *report,
		    enum failure_action action, struct fault *fault)
{
	bool applies = action_applies(root), ends = applies && action != FAILURE_ACTION_RESCUE;
	struct action_watch watch;

	if (ends)
		action_arm(root, action, ACTION_LIMIT_MS, &watch);
	have_reason(fault);
	unlock_undo(root, conf, report, fault);
	announce(root, conf, report, fault, applies ? conf_action_name(action) : "none");
	if (ends)
		action_now(&watch);
	return (int)fault->code;
}

int stop_unrescued(const struct root *root, const struct conf *conf, struct report *report,
		   struct fault *fault)
{
	return end_with(root, conf, report,
			conf_rescues(conf) ? FAILURE_ACTION_POWEROFF : conf->failure_action, fault);
}

/* True if somebody is asked at the consoles before the machine ends. */
static bool asks(const struct root *root, const struct conf *conf)
{
	return action_applies(root) && conf_rescues(conf);
}

int stop(const struct root *root, const struct conf *conf, struct report *report,
	 struct fault *fault)
{
	enum failure_action action;
	struct action_watch watch;

	if (!asks(root, conf))
		return stop_unrescued(root, conf, report, fault);
	/* Nothing may hold up the end for longer than somebody is waited for. */
	action_arm(root, FAILURE_ACTION_POWEROFF, conf->rescue.timeout_ms + ACTION_LIMIT_MS,
		   &watch);
	have_reason(fault);
	rescue_undo(root, conf, report, fault);
	announce(root, conf, NULL, fault, conf_action_name(FAILURE_ACTION_RESCUE));
	action = rescue_report(root, conf, report, fault);
	action_disarm(&watch);
	return end_with(root, conf, report, action, fault);
}

int stop_unlock(const struct root *root, const struct conf *conf, struct report *report,
		struct attempts *attempts, struct fault *fault)
{
	enum failure_action action;

	/* Who has asked it to end is not kept waiting. */
	if (!asks(root, conf) || fault->code == EXITCODE_ABORTED) {
		rescue_keys_done(&attempts->keys); /* what follows may not return */
		return stop_unrescued(root, conf, report, fault);
	}
	have_reason(fault);
	rescue_undo(root, conf, report, fault);
	announce(root, conf, NULL, fault, conf_action_name(FAILURE_ACTION_RESCUE));
	if (rescue_unlock(root, conf, report, attempts, &action, fault) == RESCUE_DONE) {
		give_turn();
		return EXITCODE_OK;
	}
	rescue_keys_done(&attempts->keys);
	return end_with(root, conf, report, action, fault);
}
