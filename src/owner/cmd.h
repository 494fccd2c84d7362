/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * cmd.h - the verbs of coco-secret.
 */
#ifndef COCO_OWNER_CMD_H
#define COCO_OWNER_CMD_H

#include "base/fault.h"
#include "base/options.h"
#include "owner/io/files.h"

struct cmd {
	const char *name;
	const char *args; /* for the usage lines: one or more, with LF between them */
	const char *help; /* one line of the list of verbs */
	const struct option_row *options; /* `VERB --help` lists them, and bash completes that */
	const char *intro, *notes;	  /* lines before and behind the options; may be NULL */
	/* Adds the files that no row names: those whose names follow from others. May be NULL. */
	int (*files)(struct files *files, const void *values, int nr, char **operands,
		     struct fault *f);
	/* argv[0] is the verb. Returns an enum outcome; verify an enum exitcode. */
	int (*run)(int argc, char **argv);
};

extern const struct cmd cmd_table;
extern const struct cmd cmd_measure;
extern const struct cmd cmd_packet;
extern const struct cmd cmd_verify;
extern const struct cmd cmd_encrypt;
extern const struct cmd cmd_prepare;
extern const struct cmd cmd_recovery;
extern const struct cmd cmd_rotate;
extern const struct cmd cmd_status;
extern const struct cmd cmd_repair;
extern const struct cmd cmd_pin;
extern const struct cmd cmd_remove_keyslot;
extern const struct cmd cmd_answer;

/* One line on stderr for a mistake in the command line. Returns OUTCOME_USAGE. */
int cmd_usage(const struct cmd *cmd, const char *why, ...) _printf_(2, 3);

/* Reads the options into *values, which is of the type that the rows are made for, and refuses
 * files that are both read and written. Returns the number of operands, which *ret_operands
 * points to; or, after a line on stderr, a negative enum outcome. */
int cmd_options(const struct cmd *cmd, int argc, char **argv, void *values, char ***ret_operands);

/* One line on stderr: `coco-secret: WHAT: WHY; next: NEXT`, with the code's name behind WHY if a
 * boot would stop at it, too. Returns the exit code. */
int cmd_fail(const struct fault *f);

/* One line on stderr that stops nothing. */
void cmd_warn(const char *fmt, ...) _printf_(1, 2);

struct secret;

/* Such lines about a secret that was read from this file, if table_secret_doubt() has any. */
void cmd_warn_secret(const char *path, const struct secret *secret);

struct target;

/* Such a line if the image pins something else than what this disk is about to have. */
void cmd_warn_image(const struct target *t, const struct secret *volume_key);

struct conf;
struct table;

/* Warnings for the volumes of a configuration whose secrets the table does not have. */
void cmd_warn_missing(const char *path, const struct table *table, const struct conf *conf,
		      bool is_default);

/* One for a rescue entry without RescueKey=, or the other way round. */
void cmd_warn_rescue(const char *path, const struct table *table, const struct conf *conf,
		     bool is_default);

/* Flushes stdout: the last thing of a verb that printed something which scripts read. */
int cmd_finish(void);

#endif
