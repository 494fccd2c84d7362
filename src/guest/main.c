/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * main.c - the command line: global options, then a verb.
 */
#include <fcntl.h>
#include <stdbool.h>
#include <string.h>

#include "base/io.h"
#include "guest/cmd.h"

static const struct cmd *const cmds[] = {
	&cmd_unlock,	       &cmd_verify_root,  &cmd_verify_mounts,
	&cmd_raise_generation, &cmd_abort,	  &cmd_check,
	&cmd_status,	       &cmd_drop_network, &cmd_init,
};

int cmd_usage(const struct cmd *cmd, const char *word)
{
	fprintf(stderr, "coco-unlock %s: unexpected '%s'; it takes: %s\n", cmd->name, word,
		*cmd->args ? cmd->args : "nothing");
	return EXITCODE_USAGE;
}

static void print_help(void)
{
	size_t i;

	printf("Opens the encrypted disks of a confidential VM with its launch secret.\n\n"
	       "Usage: coco-unlock [--root=DIR] VERB\n\n");
	for (i = 0; i < ARRAY_SIZE(cmds); i++)
		printf("  %-17s%-29s%s\n", cmds[i]->name, cmds[i]->args, cmds[i]->help);
	printf("\n  help [VERB] print this text, or what a verb takes\n"
	       "  --root=DIR  look at this directory tree instead of the machine; maps nothing\n"
	       "  --version   print the version (-V)\n"
	       "  --help      print this text (-h)\n\n"
	       "See coco-unlock(8), coco-unlock.conf(5), cocotab(5).\n");
}

int main(int argc, char **argv)
{
	const char *dir = NULL;
	struct root root;
	size_t n;
	bool help;
	int i, k, r;

	/* As PID 1 of an initramfs there is no /dev yet: init opens them once more. */
	if (io_open_standard_fds() < 0 && getpid() != 1)
		return EXITCODE_INTERNAL;
	for (i = 1; i < argc && argv[i][0] == '-'; i++) {
		if (strncmp(argv[i], "--root=", 7) == 0 && argv[i][7]) {
			dir = argv[i] + 7;
		} else if (strcmp(argv[i], "--help") == 0 || strcmp(argv[i], "-h") == 0) {
			print_help();
			return EXITCODE_OK;
		} else if (strcmp(argv[i], "--version") == 0 || strcmp(argv[i], "-V") == 0) {
			printf("coco-unlock %s\n", COCO_VERSION);
			return EXITCODE_OK;
		} else {
			fprintf(stderr, "coco-unlock: unknown option '%s'; see --help\n", argv[i]);
			return EXITCODE_USAGE;
		}
	}
	if (i == argc) {
		fprintf(stderr, "coco-unlock: a verb is missing; see --help\n");
		return EXITCODE_USAGE;
	}
	if (strcmp(argv[i], "help") == 0 && i + 1 == argc) {
		print_help();
		return EXITCODE_OK;
	}
	help = strcmp(argv[i], "help") == 0;
	i += help;
	for (n = 0; n < ARRAY_SIZE(cmds); n++)
		if (strcmp(cmds[n]->name, argv[i]) == 0)
			break;
	if (n == ARRAY_SIZE(cmds)) {
		fprintf(stderr, "coco-unlock: unknown verb '%s'; see --help\n", argv[i]);
		return EXITCODE_USAGE;
	}
	for (k = i + 1; k < argc; k++)
		help = help || strcmp(argv[k], "--help") == 0 || strcmp(argv[k], "-h") == 0;
	if (help) {
		printf("coco-unlock %s - %s\n\nUsage: coco-unlock [--root=DIR] %s %s\n\n"
		       "See coco-unlock(8).\n",
		       cmds[n]->name, cmds[n]->help, cmds[n]->name, cmds[n]->args);
		return EXITCODE_OK;
	}
	r = root_init(&root, dir);
	if (r < 0 && cmds[n] == &cmd_init && getpid() == 1) {
		/* The kernel starts it in /. An end of it would be a panic without a word. */
		root = (struct root){ .fd = AT_FDCWD, .machine = !dir };
	} else if (r < 0) {
		fprintf(stderr, "coco-unlock: %s: %s\n", dir ? dir : "/", strerror(-r));
		return EXITCODE_USAGE;
	}
	r = cmds[n]->run(&root, argc - i, argv + i);
	root_done(&root);
	return r;
}
