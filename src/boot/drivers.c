/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * drivers.c - loads the modules that the image's list names.
 * Trusts the list, which was made with the image; no device and no alias chooses a module.
 */
#include "boot/drivers.h"

#include <string.h>

#include "base/log.h"
#include "base/modules.h"
#include "base/paths.h"
#include "base/text.h"

void drivers_load(const struct root *root, struct fault *f)
{
	_cleanup_free_ char *text = NULL;
	char *cursor, *name;
	ssize_t n;
	int r;

	n = root_read_text(root, PATH_DRIVERS, DRIVERS_MAX, &text);
	if (n < 0) {
		(void)fault_errno(f, EXITCODE_INTERNAL, (int)n, "cannot read %s", PATH_DRIVERS);
		return;
	}
	cursor = text;
	while ((name = text_word(&cursor, " \n"))) {
		r = module_load(name, NULL);
		if (r < 0 && r != -ENODEV)
			log_warning("the module %s does not load: %s", name, strerror(-r));
	}
}
