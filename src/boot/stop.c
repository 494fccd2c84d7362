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
#include "boot/unlock.h"

#define CONSOLES_LIMIT_MS 6000 /* twice what one console may take */

/*
 * While one process ends the machine, another may fail just because of that: of a disk that is
 * gone, for example. Who comes first speaks and acts; the other waits, for the end, or for its
 * turn if the first is killed or cannot. Returns a descriptor to keep, or -errno.
 */
static int take_turn(const struct root *root)
{
	int fd = root_open(root, PATH_RUN_DIR, O_RDONLY | O_DIRECTORY, 0);

	while (fd >= 0 && flock(fd, LOCK_EX) < 0 && errno == EINTR)
		;
	return fd;
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

int stop(const struct root *root, const struct conf *conf, struct report *report,
	 struct fault *fault)
{
	bool applies = action_applies(root), ends;
	const char *action = applies ? conf_action_name(conf->failure_action) : "none";
	struct action_watch watch;
	char line[1000];
	int r;

	ends = applies && conf->failure_action != FAILURE_ACTION_RESCUE;
	if (ends)
		action_arm(root, conf->failure_action, &watch);
	/* A failure without a code would be read as a success by who has started us. */
	(void)fault_set(fault, EXITCODE_INTERNAL, EINVAL, "a failure without a reason");
	unlock_undo(root, conf, report, fault);
	(void)snprintf(line, sizeof(line),
		       "coco-unlock: FAILED code=%d name=%s reason=\"%s\" next=\"%s\" action=%s",
		       (int)fault->code, exitcode_name(fault->code), fault->why, fault_next(fault),
		       action); /* parts are bounded and fit */
	/* The kernel's log would show it on the consoles, too, and nobody reads it later. */
	if (!root->standalone)
		log_error("%s", line);
	r = report_write(root, conf, report, fault, action);
	if (r < 0)
		log_warning("cannot write the status file: %s", strerror(-r));
	if (applies) {
		/* Kept open to the end; without it, too, the line and the action come. */
		(void)take_turn(root);
		if (!speak_in_time(root, line) && root->standalone)
			log_error("%s", line); /* on the consoles, too, as the kernel shows it */
	}
	if (ends)
		action_now(&watch);
	return (int)fault->code;
}
