/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * main.c - the command line of coco-secret: a verb, then what it takes.
 */
#include <fcntl.h>
#include <signal.h>
#include <stdarg.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/digest.h"
#include "base/io.h"
#include "base/paths.h"
#include "base/secret.h"
#include "base/text.h"
#include "base/warning.h"
#include "owner/cmd.h"
#include "owner/plan/imagepins.h"
#include "owner/table/table.h"

#define FILES_NEEDED 64 /* open at once; libcryptsetup has up to ten of them */

static const struct cmd *const cmds[] = {
	&cmd_table,   &cmd_measure,	   &cmd_packet, &cmd_verify, &cmd_encrypt,
	&cmd_prepare, &cmd_recovery,	   &cmd_rotate, &cmd_status, &cmd_repair,
	&cmd_pin,     &cmd_remove_keyslot, &cmd_answer,
};

static void print_line(const char *fmt, va_list ap) __attribute__((format(printf, 1, 0)));

static void print_line(const char *fmt, va_list ap)
{
	char raw[1024], line[1024];

	(void)vsnprintf(raw, sizeof(raw), fmt, ap); /* cut on purpose */
	text_printable(raw, line, sizeof(line));
	fputs(line, stderr);
}

int cmd_usage(const struct cmd *cmd, const char *why, ...)
{
	va_list ap;

	fprintf(stderr, "coco-secret: %s: ", cmd->name);
	va_start(ap, why);
	print_line(why, ap);
	va_end(ap);
	fprintf(stderr, "; next: coco-secret %s --help\n", cmd->name);
	return OUTCOME_USAGE;
}

/* No run may write a file that it also reads, or writes by another name. */
static int check_files(const struct cmd *cmd, const void *values, int nr, char **operands,
		       struct fault *f)
{
	struct files files = { 0 };
	int r = files_add_all(&files, cmd->options, values, nr, operands, f);

	if (r >= 0 && cmd->files)
		r = cmd->files(&files, values, nr, operands, f);
	if (r >= 0)
		r = files_check(&files, f);
	files_done(&files);
	return r;
}

int cmd_options(const struct cmd *cmd, int argc, char **argv, void *values, char ***ret_operands)
{
	struct fault f = { 0 };
	int first = options_parse(cmd->options, argc, argv, values, &f);

	if (first < 0)
		return -cmd_usage(cmd, "%s", f.why);
	if (check_files(cmd, values, argc - first, argv + first, &f) < 0)
		return -cmd_fail(&f);
	*ret_operands = argv + first;
	return argc - first;
}

void cmd_warn(const char *fmt, ...)
{
	va_list ap;

	fputs("coco-secret: warning: ", stderr);
	va_start(ap, fmt);
	print_line(fmt, ap);
	va_end(ap);
	fputc('\n', stderr);
}

void cmd_warn_secret(const char *path, const struct secret *secret)
{
	const char *doubt;
	size_t n;

	for (n = 0; (doubt = table_secret_doubt(secret, n)); n++)
		cmd_warn("%s: %s", path, doubt);
}

void cmd_warn_image(const struct target *t, const struct secret *volume_key)
{
	char doubt[WARNING_MAX];

	if (imagepins_doubt(t, volume_key, doubt, sizeof(doubt)))
		cmd_warn("%s: %s", t->o->config, doubt);
}

int cmd_fail(const struct fault *f)
{
	enum outcome outcome = exitcode_outcome(f->code);
	/* What a boot would stop at has a name that the manual pages explain. */
	bool named = f->code < _EXITCODE_MAX &&
		     (outcome == OUTCOME_REFUSED || outcome == OUTCOME_BAD_INPUT);

	fprintf(stderr, "coco-secret: %s: %s", *f->what ? f->what : "''", f->why);
	if (named)
		fprintf(stderr, " (%s)", exitcode_name(f->code));
	fprintf(stderr, "; next: %s\n", *f->next ? f->next : exitcode_owner_next(f->code));
	return outcome;
}

int cmd_finish(void)
{
	struct fault f = { 0 };

	if (fflush(stdout) == 0 && !ferror(stdout))
		return OUTCOME_OK;
	(void)fault_io(&f, "standard output", -errno,
		       "all else is done, but the text cannot be written");
	return cmd_fail(&f);
}

static int print_help(void)
{
	size_t i;

	printf("Prepares, seals and checks the launch secret of a confidential VM, on its owner's\n"
	       "machine.\n\nUsage: coco-secret VERB ...\n\n");
	for (i = 0; i < ARRAY_SIZE(cmds); i++)
		printf("  %-16s%s\n", cmds[i]->name, cmds[i]->help);
	printf("\n  VERB --help     print what the verb takes\n"
	       "  help [VERB]     the same, or this text\n"
	       "  --version       print the version (-V)\n"
	       "  --help          print this text (-h)\n\n"
	       "See coco-secret(1).\n");
	return cmd_finish();
}

static int print_verb_help(const struct cmd *cmd)
{
	const char *line = cmd->args, *prefix = "Usage:";

	printf("coco-secret %s - %s\n\n", cmd->name, cmd->help);
	for (; line; prefix = "      ") {
		const char *end = strchr(line, '\n');

		printf("%s coco-secret %s %.*s\n", prefix, cmd->name,
		       (int)(end ? (size_t)(end - line) : strlen(line)), line);
		line = end ? end + 1 : NULL;
	}
	printf("\n");
	if (cmd->intro)
		printf("%s\n", cmd->intro);
	options_print(cmd->options, stdout);
	if (cmd->notes)
		printf("\n%s", cmd->notes);
	return cmd_finish();
}

static bool is_help(const char *word)
{
	return strcmp(word, "--help") == 0 || strcmp(word, "-h") == 0;
}

static const struct cmd *find_verb(const char *name)
{
	size_t n;

	for (n = 0; n < ARRAY_SIZE(cmds); n++)
		if (strcmp(cmds[n]->name, name) == 0)
			return cmds[n];
	return NULL;
}

/* A library that gets no descriptor says something else, of a disk that is in order. */
static int ask_for_files(struct fault *f)
{
	struct rlimit limit;

	if (getrlimit(RLIMIT_NOFILE, &limit) < 0)
		return fault_io(f, "coco-secret", -errno, "cannot see how many files it may open");
	if (limit.rlim_cur >= FILES_NEEDED)
		return 0;
	limit.rlim_cur = FILES_NEEDED;
	if (limit.rlim_max >= FILES_NEEDED && setrlimit(RLIMIT_NOFILE, &limit) == 0)
		return 0;
	return fault_about(f, EXITCODE_IO, "coco-secret", fault_io_next(EMFILE),
			   "it may have %llu files open, and needs up to %d",
			   (unsigned long long)limit.rlim_max, FILES_NEEDED);
}

static int run(const struct cmd *cmd, int argc, char **argv)
{
	struct fault f = { 0 };
	int i, r;

	for (i = 1; i < argc && strcmp(argv[i], "--") != 0; i++)
		if (is_help(argv[i]))
			return print_verb_help(cmd);
	(void)signal(SIGXFSZ, SIG_IGN); /* the write fails instead */
	if (ask_for_files(&f) < 0)
		return cmd_fail(&f);
	r = secret_harden_process();
	if (r >= 0)
		r = digest_init_library();
	if (r < 0) {
		(void)fault_io(&f, "coco-secret", r, "cannot become a safe place for secrets");
		return cmd_fail(&f);
	}
	(void)umask(077); /* returns the old one */
	return cmd->run(argc, argv);
}

/* To a standard output that is closed nothing can be printed, and that has to fail. */
static int open_standard_fds(void)
{
	bool closed = fcntl(STDOUT_FILENO, F_GETFD) < 0;
	int fd, r = io_open_standard_fds();

	if (r < 0 || !closed)
		return r;
	fd = open(PATH_DEV_NULL, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	r = dup2(fd, STDOUT_FILENO) < 0 ? -errno : 0;
	(void)close(fd); /* only read */
	return r;
}

int main(int argc, char **argv)
{
	const struct cmd *cmd;
	bool help;

	if (open_standard_fds() < 0) {
		fprintf(stderr,
			"coco-secret: cannot open the standard files; next: mount /dev, or raise "
			"the limit of open files (ulimit -n)\n");
		return OUTCOME_IO;
	}
	if (argc < 2) {
		fprintf(stderr, "coco-secret: a verb is missing; next: coco-secret --help\n");
		return OUTCOME_USAGE;
	}
	if (strcmp(argv[1], "--version") == 0 || strcmp(argv[1], "-V") == 0) {
		printf("coco-secret %s\n", COCO_VERSION);
		return cmd_finish();
	}
	help = strcmp(argv[1], "help") == 0;
	if (is_help(argv[1]) || (help && argc == 2))
		return print_help();
	cmd = find_verb(argv[help ? 2 : 1]);
	if (cmd)
		return help ? print_verb_help(cmd) : run(cmd, argc - 1, argv + 1);
	fprintf(stderr, "coco-secret: unknown verb '%s'; next: coco-secret --help\n",
		argv[help ? 2 : 1]);
	return OUTCOME_USAGE;
}
