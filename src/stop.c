/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * stop.c - says why the boot ends, and ends it.
 * Trusts the configuration; may not hold a secret: the pipeline has wiped all.
 */
#include "stop.h"

#include <fcntl.h>
#include <string.h>
#include <sys/file.h>

#include "action.h"
#include "log.h"
#include "paths.h"

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

int stop(const struct root *root, const struct conf *conf, const struct report *report,
	 const struct fault *fault)
{
	bool act = action_applies(root);
	const char *action = act ? conf_action_name(conf->failure_action) : "none";
	_cleanup_close_ int turn = -EBADF;
	char line[1000];
	int r;

	(void)snprintf(line, sizeof(line),
		       "coco-unlock: FAILED code=%d name=%s reason=\"%s\" next=\"%s\" action=%s",
		       (int)fault->code, exitcode_name(fault->code), fault->reason,
		       exitcode_next(fault->code), action); /* parts are bounded and fit */
	log_error("%s", line);
	r = report_write(root, conf, report, fault, action);
	if (r < 0)
		log_warning("cannot write the status file: %s", strerror(-r));
	if (act) {
		turn = take_turn(root); /* without it, too, the line and the action come */
		log_consoles(root, line);
		r = action_run(conf->failure_action);
		if (r < 0)
			log_error("cannot %s: %s", action, strerror(-r));
	}
	return (int)fault->code;
}
