/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * cmdline.h - what the host may have told the system manager before we run: the kernel
 * command line, its double in an EFI variable, and credentials.
 *
 * This stops words that work through the initramfs. It does not stop a host that replaces us
 * altogether (rdinit=): only a measured command line does.
 */
#ifndef COCO_CMDLINE_H
#define COCO_CMDLINE_H

#include "conf/conf.h"

/*
 * Every word must be on the built-in list, or on AllowWords=, or be root=/dev/mapper/NAME
 * with the NAME of the root volume. Words with quotes, backslashes or control characters never are.
 * Checks nothing if CheckCommandLine=no. Returns 0, or -EPERM with f saying command-line and
 * naming the word.
 */
int cmdline_check(const struct root *root, const struct conf *conf, struct fault *f);

/* Returns the next word of *cursor that the configuration does not allow, terminated in place, and
 * moves the cursor behind it; NULL if all that is left is allowed. */
char *cmdline_next_refused(char **cursor, const struct conf *conf);

/*
 * System credentials come from SMBIOS, fw_cfg, the boot loader or the command line; units,
 * mounts and passwords can be made of them. Returns 0 if the system manager has imported
 * none, or -EPERM with f saying foreign-credential.
 */
int cmdline_check_credentials(const struct root *root, struct fault *f);

#endif
