/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * cmd_recovery.c - adds a keyslot for a person: a key that can be read out and typed.
 */
#include "owner/cmd.h"

#include <string.h>
#include <unistd.h>

#include "owner/io/file.h"
#include "owner/io/passphrase.h"
#include "owner/plan/pinned.h"
#include "owner/plan/target.h"

struct options {
	struct target_options target;
	const char *key_file, *table;
};

struct recovery {
	const struct options *o;
	struct target target;
	struct secret old, recovery, key, table;
	struct policy_entry policy;
};

/* With a table, its secret opens the disk; else a file or the person at the terminal. */
static int get_old(struct recovery *v, struct fault *f)
{
	int r;

	if (v->o->table) {
		r = secret_init(&v->table, f);
		if (r >= 0)
			r = pinnedtable_read(v->o->table, &v->target.conf, &v->table, &v->policy,
					     f);
		return r < 0 ? r :
			       pinnedtable_get(v->o->table, &v->table, v->target.vc->secret.guid,
					       &v->old, f);
	}
	if (!v->o->key_file)
		return passphrase_from_terminal("Passphrase of the disk", &v->old, f);
	r = secret_init(&v->old, f);
	return r < 0 ? r : file_read_secret(v->o->key_file, &v->old, f);
}

/* A new keyslot changes the header: the table must pin it, before the disk has it. */
static int repin(struct recovery *v, struct fault *f)
{
	struct pins *pins;
	int r;

	if (!v->o->table || !policy_entry_pins(&v->policy, v->target.vc->name))
		return 0;
	pins = pinnedtable_pins(&v->policy, v->target.vc->name);
	if (pins->nr_headers == 0)
		return 0;
	r = pinnedtable_pin_header(pins, &v->target.header, f);
	if (r >= 0)
		r = pinnedtable_set_policy(&v->table, &v->policy, f);
	return r < 0 ? r : pinnedtable_write(v->o->table, &v->table, CODEC_BINARY, true, f);
}

/* The new keyslot, in memory only. Returns its number. */
static int make(struct recovery *v, struct fault *f)
{
	int r;

	r = target_open(&v->target, &v->o->target, true, f);
	if (r >= 0)
		r = get_old(v, f);
	if (r >= 0)
		r = luksheader_open(&v->target.header, &v->old, &v->key, f);
	if (r >= 0)
		r = passphrase_generate_recovery(&v->recovery, f);
	/* 128 bits of entropy: a costly derivation would add nothing. */
	if (r >= 0)
		r = luksheader_add(&v->target.header, &v->key, &v->recovery, LUKSHEADER_KDF_MINIMAL,
				   f);
	return r;
}

/* A keyslot whose key nobody has seen would be for nobody: the key goes out first. */
static int show(const struct recovery *v, struct fault *f)
{
	printf("%s: recovery key, which is shown only now:\n\n    ", v->o->target.disk);
	(void)passphrase_print(&v->recovery, stdout); /* fflush() looks at the stream */
	printf("\n\n");
	if (fflush(stdout) != 0 || ferror(stdout))
		return fault_io(f, "standard output", -errno,
				"cannot print the key; it opens nothing");
	return 0;
}

static void show_result(const struct recovery *v, int slot)
{
	printf("It opens keyslot %d. Type it with its dashes, in the rescue mode or into cryptsetup "
	       "open.\n",
	       slot);
	if (v->o->table)
		printf("%s: pins the new header, too\n", v->o->table);
	else
		printf("A table that pins the header no longer matches: run this with --table.\n");
}

static int recovery(const struct options *o)
{
	struct recovery v = { .o = o, .target = TARGET_NULL };
	static char buffer[512];
	struct fault f = { 0 };
	int r, slot;

	(void)setvbuf(stdout, buffer, _IOFBF, sizeof(buffer)); /* wiped below */
	r = slot = make(&v, &f);
	if (r >= 0)
		r = show(&v, &f);
	explicit_bzero(buffer, sizeof(buffer));
	if (r >= 0)
		r = repin(&v, &f);
	if (r >= 0)
		r = target_put(&v.target, &f);
	if (r >= 0)
		show_result(&v, slot);
	target_done(&v.target);
	secret_done(&v.old);
	secret_done(&v.recovery);
	secret_done(&v.key);
	secret_done(&v.table);
	(void)fault_name(&f, r, o->target.disk);
	return r < 0 ? cmd_fail(&f) : cmd_finish();
}

static int run_recovery(int argc, char **argv)
{
	struct options o = { 0 };
	char **operands;
	int nr = cmd_options(&cmd_recovery, argc, argv, &o, &operands);

	if (nr < 0)
		return -nr;
	if (nr != 1 || (o.key_file && o.table))
		return cmd_usage(&cmd_recovery, "it takes one disk, and --key-file or --table");
	o.target.disk = operands[0];
	return recovery(&o);
}

/* clang-format off */
static const struct option_row recovery_options[] = {
	TARGET_DISK,
	OPTION_FILE(0, "table", "TABLE", struct options, table, OPTION_USE_CHANGE,
		    "its secret opens the disk, and it gets a pin of the new header"),
	OPTION_FILE(0, "key-file", "FILE", struct options, key_file, OPTION_USE_READ,
		    "a passphrase that opens the disk; without both, it is asked for"),
	TARGET_OPTIONS(struct options, target),
	{ 0 },
};
/* clang-format on */

const struct cmd cmd_recovery = {
	.name = "recovery",
	.args = "DISK [--table TABLE | --key-file FILE] [--config DIR] [--volume NAME]",
	.help = "add a keyslot with a key that a person can read out and type",
	.options = recovery_options,
	.notes = "The key is printed once, on standard output: 34 letters in groups, the last two\n"
		 "a checksum.\n",
	.run = run_recovery,
};
