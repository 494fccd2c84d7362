/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * cmd_recovery.c - adds a keyslot for a person: a key that can be read out and typed. First what
 * can fail without a write, then the tables, the disk, and the key; if that cannot be printed, the
 * keyslot goes again.
 */
#include "owner/cmd.h"

#include <signal.h>
#include <string.h>

#include "base/text.h"
#include "owner/io/file.h"
#include "owner/io/passphrase.h"
#include "owner/plan/sides.h"

struct options {
	struct target_options target;
	const char *key_file, *table, *new;
};

struct recovery {
	const struct options *o;
	struct target target;
	struct sides sides;
	struct luksheader before; /* as it was: the way back */
	struct secret recovery;
	int slot;
};

/* With tables, their secret opens the disk; else a file or the person at the terminal. */
static int open_disk(struct recovery *v, struct fault *f)
{
	_cleanup_secret_ struct secret passphrase = SECRET_NULL;
	int r;

	r = sides_read(&v->sides, &v->target, v->o->table, v->o->new, f);
	if (r < 0)
		return r;
	if (v->o->table) {
		if (v->sides.old.slot >= 0 || v->sides.new.slot >= 0)
			return 0;
		return fault_about(f, EXITCODE_REFUSED, v->o->table, "give a table of this disk",
				   "its secret opens no keyslot of the disk");
	}
	if (!v->o->key_file) {
		r = passphrase_from_terminal("Passphrase of the disk", PASSPHRASE_KEY_FILE,
					     &passphrase, f);
	} else {
		r = secret_init(&passphrase, f);
		if (r >= 0)
			r = file_read_secret(v->o->key_file, &passphrase, f);
	}
	return r < 0 ? r : luksheader_open(&v->target.header, &passphrase, &v->sides.key, f);
}

/* Another table would be invalid after this. Without a table nobody says that there is one. */
static int check_tables(const struct recovery *v, struct fault *f)
{
	int stranger = sides_stranger(&v->sides, &v->target, -1);

	if (!v->o->table)
		return 0;
	if (stranger >= 0)
		return sides_refuse_stranger(&v->sides, &v->target, stranger, f);
	return sides_check_pins(&v->sides, &v->target, "", f);
}

/* The new keyslot in memory, and the tables beside their names: all that can be refused is refused
 * here. */
static int make(struct recovery *v, struct fault *f)
{
	struct target *t = &v->target;
	int r;

	r = target_open(t, &v->o->target, true, f);
	if (r >= 0)
		r = luksheader_take(&t->image, &t->conf, t->vc, &v->before, f);
	if (r >= 0)
		r = open_disk(v, f);
	if (r >= 0)
		r = check_tables(v, f);
	if (r >= 0)
		r = passphrase_generate_recovery(&v->recovery, f);
	/* 128 bits of entropy: a costly derivation would add nothing. */
	if (r >= 0)
		r = v->slot = sides_add(&v->sides, t, &v->recovery, LUKSHEADER_KDF_MINIMAL,
					v->o->key_file, f);
	if (r >= 0)
		r = sides_stage(&v->sides, t, -1, f);
	if (r >= 0)
		r = sides_pin(&v->sides, t, SIDE_BESIDE, f);
	if (r >= 0)
		cmd_warn_image(t, &v->sides.key);
	return r;
}

static int flush(struct fault *f)
{
	return fflush(stdout) == 0 && !ferror(stdout) ?
		       0 :
		       fault_io(f, "standard output", -errno, "cannot print the key");
}

/* A place that takes no line takes no key. */
static int announce(const struct recovery *v, struct fault *f)
{
	printf("%s: a keyslot for a recovery key, which is shown only now:\n", v->o->target.disk);
	return flush(f);
}

/* The header as it was, which the tables still pin; the key material is overwritten with what was
 * there before. Says in the fault how things stand then. */
static void undo(struct recovery *v, struct fault *f)
{
	struct fault unused = { 0 };
	char repair[FAULT_NEXT_MAX / 2 - 64], removal[FAULT_NEXT_MAX / 2 - 64], slot[16];

	if (luksheader_put(&v->before, &unused) >= 0) {
		text_append(f->why, sizeof(f->why), "; the disk has no new keyslot");
		return;
	}
	text_append(f->why, sizeof(f->why),
		    "; the disk may have keyslot %d, whose key nobody has, or half a header",
		    v->slot);
	sides_command(repair, sizeof(repair), &v->target, SIDES_WORDS("repair", NULL), NULL, NULL,
		      SIDES_WORDS(NULL));
	(void)snprintf(slot, sizeof(slot), "%d", v->slot); /* fits */
	if (v->o->table)
		sides_command(removal, sizeof(removal), &v->target,
			      SIDES_WORDS("remove-keyslot", NULL), v->o->table, v->o->new,
			      SIDES_WORDS("--keyslot", slot, NULL));
	else
		sides_command_key(removal, sizeof(removal), &v->target, "remove-keyslot", slot,
				  v->o->key_file);
	(void)snprintf(f->next, sizeof(f->next),
		       "make it whole, and take that keyslot away if it is there: %s && %s", repair,
		       removal); /* fits */
}

static int put(struct recovery *v, struct fault *f)
{
	int r = sides_commit(&v->sides, f);

	if (r < 0) {
		text_append(f->why, sizeof(f->why), "; the disk has no new keyslot");
		return r;
	}
	r = fault_name(f, luksheader_put(&v->target.header, f), v->o->target.disk);
	if (r < 0)
		undo(v, f);
	return r;
}

/* A keyslot whose key nobody has seen would be for nobody. */
static int show(struct recovery *v, struct fault *f)
{
	int r;

	printf("\n    ");
	(void)passphrase_print(&v->recovery, stdout); /* fflush() looks at the stream */
	printf("\n\n");
	r = flush(f);
	if (r < 0)
		undo(v, f);
	return r;
}

static void show_result(const struct recovery *v)
{
	const struct side *sides[] = { &v->sides.old, &v->sides.new };
	char command[SIDES_COMMAND_SIZE];
	size_t i;

	printf("It opens keyslot %d. Its dashes are part of it. coco-secret answer --ask carries it into "
	       "a boot\nthat has failed, and cryptsetup open takes it. Typed at a console of the "
	       "guest, it is the host's.\n",
	       v->slot);
	for (i = 0; i < ARRAY_SIZE(sides); i++)
		if (sides[i]->path && sides[i]->slot >= 0 &&
		    side_pins_headers(sides[i], &v->target))
			printf("%s: pins the new header, too\n", sides[i]->path);
	if (v->o->table)
		return;
	sides_command(command, sizeof(command), &v->target, SIDES_WORDS("pin", NULL), "TABLE", NULL,
		      SIDES_WORDS(NULL));
	printf("A table that pins the header no longer matches, until: %s\n", command);
}

static int recovery(const struct options *o)
{
	struct recovery v = { .o = o,
			      .target = TARGET_NULL,
			      .sides = SIDES_NULL,
			      .before = LUKSHEADER_NULL,
			      .slot = -1 };
	static char buffer[512];
	struct fault f = { 0 };
	int r;

	(void)signal(SIGPIPE, SIG_IGN); /* a reader that is gone is an error like any other */
	(void)setvbuf(stdout, buffer, _IOFBF, sizeof(buffer)); /* wiped below */
	r = make(&v, &f);
	if (r >= 0)
		r = announce(&v, &f);
	if (r >= 0)
		r = put(&v, &f);
	if (r >= 0)
		r = show(&v, &f);
	explicit_bzero(buffer, sizeof(buffer));
	if (r >= 0)
		show_result(&v);
	luksheader_done(&v.before);
	target_done(&v.target);
	secret_done(&v.recovery);
	sides_done(&v.sides);
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
	if (nr != 1 || (o.key_file && o.table) || (o.new && !o.table))
		return cmd_usage(&cmd_recovery,
				 "it takes one disk, and --key-file, or --table (and --new)");
	o.target.disk = operands[0];
	return recovery(&o);
}

/* clang-format off */
static const struct option_row recovery_options[] = {
	TARGET_DISK,
	OPTION_FILE(0, "table", "TABLE", struct options, table, OPTION_USE_CHANGE,
		    "its secret opens the disk, and it gets a pin of the new header"),
	OPTION_FILE(0, "new", "FILE", struct options, new, OPTION_USE_CHANGE,
		    "during a rotation: the other table, for the same"),
	OPTION_FILE(0, "key-file", "FILE", struct options, key_file, OPTION_USE_READ,
		    "a passphrase that opens the disk; without both, it is asked for"),
	TARGET_OPTIONS(struct options, target),
	TARGET_FIRMWARE(struct options, target),
	{ 0 },
};
/* clang-format on */

const struct cmd cmd_recovery = {
	.name = "recovery",
	.args = "DISK [--table TABLE [--new NEW] | --key-file FILE] [OPTION...]",
	.help = "add a keyslot with a key that a person can read out and type",
	.options = recovery_options,
	.notes = "The key is printed once, on standard output: 34 letters in groups, the last two\n"
		 "a checksum.\n",
	.run = run_recovery,
};
