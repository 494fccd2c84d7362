/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * stop.c - says why the boot ends, and ends it.
 * Trusts the configuration; may not hold a secret: the pipeline has wiped all.
 */
#include "stop.h"

#include <string.h>

#include "action.h"
#include "log.h"

int stop(const struct root *root, const struct conf *conf, const struct report *report,
	 const struct fault *fault)
{
	bool act = action_applies(root);
	const char *action = act ? conf_action_name(conf->failure_action) : "none";
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
		log_consoles(root, line);
		r = action_run(conf->failure_action);
		if (r < 0)
			log_error("cannot %s: %s", action, strerror(-r));
	}
	return (int)fault->code;
}
