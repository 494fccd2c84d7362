/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * cmd.h - the verbs of the command line.
 */
#ifndef COCO_CMD_H
#define COCO_CMD_H

#include "base/exitcode.h"
#include "base/root.h"

struct cmd {
	const char *name;
	const char *args; /* for the help text */
	const char *help;
	/* argv[0] is the verb. Returns an enum exitcode. */
	int (*run)(const struct root *root, int argc, char **argv);
};

extern const struct cmd cmd_init;
extern const struct cmd cmd_unlock;
extern const struct cmd cmd_check;
extern const struct cmd cmd_status;
extern const struct cmd cmd_abort;
extern const struct cmd cmd_verify_root;
extern const struct cmd cmd_verify_mounts;
extern const struct cmd cmd_drop_network;
extern const struct cmd cmd_raise_generation;
extern const struct cmd cmd_init;

/* One line on stderr for a word that a verb does not take. Returns EXITCODE_USAGE. */
int cmd_usage(const struct cmd *cmd, const char *word);

#endif
