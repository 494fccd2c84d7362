/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * cmd_remove_keyslot.c - takes a keyslot away. The tables learn the header without it before the
 * disk has it, and forget the one with it afterwards: at any moment they open the disk.
 */
#include "owner/cmd.h"

#include <limits.h>
#include <string.h>

#include "owner/disk/rules.h"
#include "owner/io/confirm.h"
#include "owner/io/file.h"
#include "owner/io/shell.h"
#include "owner/plan/sides.h"

struct options {
	struct target_options target;
	const char *old, *new, *key_file;
	struct option_number keyslot;
	bool disable, yes;
};

struct removal {
	const struct options *o;
	struct target target;
	struct sides sides;
	int keyslot;
	int own; /* that the passphrase of --key-file opens; negative: none */
};

static int refuse(const struct removal *m, const char *next, const char *why, struct fault *f)
{
	return fault_about(f, EXITCODE_REFUSED, m->o->target.disk, next, "keyslot %d: %s",
			   m->keyslot, why);
}

/* Whoever takes a key away has to have another one. */
static int open_disk(struct removal *m, struct fault *f)
{
	_cleanup_secret_ struct secret passphrase = SECRET_NULL;
	struct sides *s = &m->sides;
	int r;

	r = target_open(&m->target, &m->o->target, true, f);
	if (r >= 0)
		r = sides_read(s, &m->target, m->o->old, m->o->new, f);
	if (r < 0)
		return r;
	if (!m->o->key_file && s->old.slot < 0 && s->new.slot < 0)
		return fault_about(f, EXITCODE_REFUSED, m->o->old, "give a table of this disk",
				   "its secret opens no keyslot of the disk");
	if (!m->o->key_file)
		return 0;
	r = secret_init(&passphrase, f);
	if (r >= 0)
		r = file_read_secret(m->o->key_file, &passphrase, f);
	if (r >= 0)
		r = m->own = luksheader_open(&m->target.header, &passphrase, &s->key, f);
	return r;
}

/* Which ones there are: status has to have a table. */
static int refuse_none(const struct removal *m, struct fault *f)
{
	const struct sides *s = &m->sides;
	char next[FAULT_NEXT_MAX];
	struct rules_disk disk;

	rules_name(&m->target.image, &disk);
	if (s->old.path)
		sides_command(next, sizeof(next), &m->target, SIDES_WORDS("status", NULL),
			      s->old.path, s->new.path, SIDES_WORDS(NULL));
	else
		(void)snprintf(next, sizeof(next), "%scryptsetup luksDump %s%s", disk.before,
			       disk.name, disk.after); /* fits */
	return refuse(m, next, "there is none", f);
}

static int refuse_last(const struct removal *m, struct fault *f)
{
	char next[FAULT_NEXT_MAX], command[FAULT_NEXT_MAX - 32], key[PATH_MAX];
	const char *file = m->o->key_file;

	sides_command(command, sizeof(command), &m->target, SIDES_WORDS("recovery", NULL),
		      m->sides.old.path, m->sides.new.path,
		      file ? SIDES_WORDS("--key-file",
					 shell_source(key, sizeof(key), file, "KEYFILE"), NULL) :
			     SIDES_WORDS(NULL));
	(void)snprintf(next, sizeof(next), "add another one first: %s", command); /* fits */
	return refuse(m, next, "it is the last one, and nobody could read the disk any more", f);
}

static int check(const struct removal *m, struct fault *f)
{
	const struct sides *s = &m->sides;
	uint32_t used = luksheader_keyslots(&m->target.header);
	int stranger = sides_stranger(s, &m->target, m->keyslot);

	if (!(used & 1U << m->keyslot))
		return refuse_none(m, f);
	if (used == 1U << m->keyslot)
		return refuse_last(m, f);
	if (!m->o->disable &&
	    (m->keyslot == s->old.slot || m->keyslot == s->new.slot || m->keyslot == m->own))
		return refuse(m, "choose another one, or --disable-table if you mean it",
			      m->keyslot == m->own ? "the passphrase of --key-file opens it" :
						     "the secret of a table that is given opens it",
			      f);
	if (!m->o->key_file && stranger >= 0)
		return sides_refuse_stranger(s, &m->target, stranger, f);
	return sides_check_pins(s, &m->target, "", f);
}

static void show(const struct removal *m)
{
	printf("%s: without keyslot %d, these stay:\n", m->o->target.disk, m->keyslot);
	sides_print_keyslots(&m->sides, &m->target, -1);
}

/* Until now both headers are pinned; from now on only that without the keyslot. */
static int forget(struct removal *m, struct fault *f)
{
	struct sides *s = &m->sides;
	int r;

	r = sides_stage(s, &m->target, m->keyslot, f);
	if (r >= 0)
		r = sides_pin(s, &m->target, SIDE_ALONE, f);
	if (r >= 0)
		r = sides_commit(s, f);
	if (r < 0)
		sides_command(f->next, sizeof(f->next), &m->target, SIDES_WORDS("pin", NULL),
			      s->old.path, s->new.path, SIDES_WORDS(NULL));
	return r;
}

static int remove_it(struct removal *m, struct fault *f)
{
	struct sides *s = &m->sides;
	int r;

	r = open_disk(m, f);
	if (r >= 0)
		r = check(m, f);
	if (r >= 0)
		r = luksheader_remove(&m->target.header, m->keyslot, f); /* in memory */
	if (r >= 0)
		r = sides_stage(s, &m->target, m->keyslot, f);
	if (r >= 0)
		r = sides_pin(s, &m->target, SIDE_BESIDE, f);
	if (r < 0)
		return r;
	show(m);
	cmd_warn_image(&m->target, &s->key);
	r = confirm(m->o->target.disk, "Remove the keyslot?", m->o->yes, f);
	if (r >= 0)
		r = sides_commit(s, f);
	if (r >= 0)
		r = target_put(&m->target, f);
	if (r < 0)
		return r;
	printf("%s: keyslot %d is gone\n", m->o->target.disk, m->keyslot);
	return forget(m, f);
}

static void show_tables(const struct removal *m)
{
	const struct side *sides[] = { &m->sides.old, &m->sides.new };
	size_t i;

	for (i = 0; i < ARRAY_SIZE(sides); i++) {
		if (!sides[i]->path)
			continue;
		if (sides[i]->slot == m->keyslot)
			printf("%s: opens nothing any more\n", sides[i]->path);
		else if (sides[i]->slot >= 0 && side_pins_headers(sides[i], &m->target))
			printf("%s: pins the new header; seal it again before the next start\n",
			       sides[i]->path);
	}
	if (m->o->key_file)
		printf("A table that pins the header no longer matches: coco-secret pin --help\n");
}

static int remove_keyslot(const struct options *o)
{
	struct removal m = { .o = o,
			     .target = TARGET_NULL,
			     .sides = SIDES_NULL,
			     .keyslot = (int)o->keyslot.value,
			     .own = -1 };
	struct fault f = { 0 };
	int r = remove_it(&m, &f);

	if (r >= 0)
		show_tables(&m);
	target_done(&m.target);
	sides_done(&m.sides);
	(void)fault_name(&f, r, o->target.disk);
	return r < 0 ? cmd_fail(&f) : cmd_finish();
}

static int run_remove_keyslot(int argc, char **argv)
{
	struct options o = { 0 };
	char **operands;
	int nr = cmd_options(&cmd_remove_keyslot, argc, argv, &o, &operands);

	if (nr < 0)
		return -nr;
	if (nr != 1 || !o.keyslot.given || !o.old == !o.key_file || (o.new && !o.old))
		return cmd_usage(&cmd_remove_keyslot,
				 "it takes one disk, --keyslot, and --table or --key-file");
	o.target.disk = operands[0];
	return remove_keyslot(&o);
}

/* clang-format off */
static const struct option_row remove_keyslot_options[] = {
	TARGET_DISK,
	OPTION_NUMBER("keyslot", 31, struct options, keyslot,
		      "the keyslot to remove; coco-secret status lists them"),
	OPTION_FILE(0, "table", "FILE", struct options, old, OPTION_USE_CHANGE,
		    "its secret opens another keyslot; its pins follow"),
	OPTION_FILE(0, "new", "FILE", struct options, new, OPTION_USE_CHANGE,
		    "during a rotation: the other table, for the same"),
	OPTION_FILE(0, "key-file", "FILE", struct options, key_file, OPTION_USE_READ,
		    "in place of a table: a passphrase that opens another keyslot"),
	OPTION_FLAG("disable-table", struct options, disable,
		    "remove also the keyslot that a table, or the passphrase, opens"),
	OPTION_FLAG("yes", struct options, yes, "do not ask"),
	TARGET_OPTIONS(struct options, target),
	TARGET_FIRMWARE(struct options, target),
	{ 0 },
};
/* clang-format on */

const struct cmd cmd_remove_keyslot = {
	.name = "remove-keyslot",
	.args = "DISK --keyslot N --table TABLE [--new NEW] [OPTION...]\n"
		"DISK --keyslot N --key-file FILE [OPTION...]",
	.help = "take a keyslot away, so that its key opens nothing",
	.options = remove_keyslot_options,
	.notes = "The last keyslot stays. Whoever has an old copy of the disk and the key of the\n"
		 "keyslot can go on reading that copy.\n",
	.run = run_remove_keyslot,
};
