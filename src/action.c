/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * action.c - ends the machine.
 * Trusts the configuration inside the initramfs; nothing is mounted yet, so nothing has to
 * be saved. May not hold a secret.
 */
#include "action.h"

#include <sys/reboot.h>

#include "paths.h"

bool action_applies(const struct root *root)
{
	return root->machine && root_exists(root, PATH_INITRD_RELEASE);
}

int action_run(enum failure_action action)
{
	static const int commands[_FAILURE_ACTION_MAX] = {
		[FAILURE_ACTION_POWEROFF] = RB_POWER_OFF,
		[FAILURE_ACTION_REBOOT] = RB_AUTOBOOT,
		[FAILURE_ACTION_HALT] = RB_HALT_SYSTEM,
	};

	if (action == FAILURE_ACTION_RESCUE)
		return 0;
	return reboot(commands[action]) < 0 ? -errno : 0;
}
