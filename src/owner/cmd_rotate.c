/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * cmd_rotate.c - a new secret in the place of an old one, in two steps with a boot between
 * them.
 *
 * Step 1: the new table is written, the old one learns the header with both keyslots, then the
 * disk is written. Step 2 (--finish): the table for the header without the old keyslot is written,
 * then the disk. So at any point a table that the owner has opens what is on the disk.
 */
#include "owner/cmd.h"

#include <string.h>
#include <unistd.h>

#include "owner/io/confirm.h"
#include "owner/io/file.h"
#include "owner/io/passphrase.h"
#include "owner/plan/sides.h"

struct options {
	struct target_options target;
	const char *old, *new, *out;
	bool finish, grub, force, accept, remove_others, yes;
};

struct rotate {
	const struct options *o;
	struct target target;
	struct sides sides;
};

static int refuse(struct fault *f, const char *path, const char *next, const char *why)
{
	return fault_about(f, EXITCODE_REFUSED, path, next, "%s", why);
}

/* Before anything is made. */
static int check_output(const struct rotate *t, struct fault *f)
{
	const struct options *o = t->o;

	if (!o->force && access(o->out, F_OK) == 0)
		return refuse(f, o->out, "choose another name, or --force to replace it",
			      "it exists");
	return 0;
}

/* A header that nobody has pinned may be the host's; it takes a word to go on from it. */
static int check_pins(struct rotate *t, struct fault *f)
{
	struct side final = SIDE_NULL;
	struct fault unread = { 0 };
	bool done;

	if (t->o->accept)
		return 0;
	/* What was finished up to a crash pins the header that is there. */
	done = t->o->finish && t->o->force &&
	       side_read(&t->sides, &t->target, t->o->out, &final, &unread) >= 0 &&
	       final.slot == t->sides.new.slot && side_accepts(&final, &t->sides, &t->target);
	side_done(&final);
	return done ? 0 :
		      sides_check_pins(&t->sides, &t->target,
				       "give --accept-header to take it as it is, or look at it first: ",
				       f);
}

/* A new secret, in a keyslot of its own; the new table is the old one with this secret, and
 * gets pins of its own. */
static int make_new(struct rotate *t, struct fault *f)
{
	struct luksheader *header = &t->target.header;
	struct side *new = &t->sides.new;
	struct secret passphrase;
	int r, slot;

	r = secret_init(&new->table, f);
	if (r >= 0)
		r = passphrase_generate(t->o->grub, &new->secret, f);
	if (r < 0)
		return r;
	passphrase = new->secret; /* the same pages */
	if (t->o->grub)
		passphrase.len--; /* GRUB's passphrase is what stands before the NUL */
	r = slot = sides_add(&t->sides, &t->target, &passphrase, LUKSHEADER_KDF_MINIMAL, NULL, f);
	if (r >= 0)
		r = luksheader_prefer(header, slot, f);
	if (r < 0)
		return r;
	pinnedtable_copy(&new->table, &t->sides.old.table);
	new->format = t->sides.old.format;
	new->policy = t->sides.old.policy;
	new->slot = slot;
	new->path = t->o->out;
	return pinnedtable_set(&new->table, t->target.vc->secret.guid, &new->secret,
			       "the volume's secret", f);
}

static void print_begun(const struct rotate *t)
{
	const struct side *old = &t->sides.old, *new = &t->sides.new;
	char command[SIDES_COMMAND_SIZE];

	printf("%s: keyslot %d opens with the old secret, keyslot %d with the new one\n",
	       t->o->target.disk, old->slot, new->slot);
	if (side_pins_headers(old, &t->target))
		printf("%s: pins the new header, too: seal it again if you still start the guest "
		       "with it\n",
		       old->path);
	sides_command(command, sizeof(command), &t->target, SIDES_WORDS("rotate", "--finish", NULL),
		      old->path, new->path, SIDES_WORDS("-o", "FINAL", NULL));
	printf("%s: the new table\n\n"
	       "Next: start the guest with the new table. When it has booted:\n"
	       "  %s\n",
	       new->path, command);
}

static int check_begin(struct rotate *t, struct fault *f)
{
	int r, stranger;

	r = target_open(&t->target, &t->o->target, true, f);
	if (r >= 0)
		r = sides_read(&t->sides, &t->target, t->o->old, NULL, f);
	if (r < 0)
		return r;
	if (t->sides.old.slot < 0)
		return refuse(f, t->o->old, "give the table that the guest boots with now",
			      "its secret opens no keyslot of the disk");
	r = check_output(t, f);
	if (r >= 0)
		r = check_pins(t, f);
	if (r < 0)
		return r;
	stranger = sides_stranger(&t->sides, &t->target, -1);
	return stranger < 0 ? 0 : sides_refuse_stranger(&t->sides, &t->target, stranger, f);
}

static int begin(struct rotate *t, struct fault *f)
{
	struct sides *s = &t->sides;
	int r;

	r = check_begin(t, f);
	if (r >= 0)
		r = make_new(t, f);
	if (r >= 0)
		r = side_stage(&s->new, t->o->out, t->o->force, f);
	if (r >= 0 && side_pins_headers(&s->old, &t->target))
		r = side_stage(&s->old, s->old.path, true, f);
	if (r >= 0)
		r = side_pin(&s->new, s, &t->target, SIDE_ANEW, f);
	if (r >= 0 && s->old.out.new_path)
		r = side_pin(&s->old, s, &t->target, SIDE_BESIDE, f);
	if (r < 0)
		return r;
	cmd_warn_image(&t->target, &s->key);
	r = sides_commit(s, f);
	if (r >= 0)
		r = target_put(&t->target, f);
	if (r >= 0)
		print_begun(t);
	return r;
}

static int check_finish(struct rotate *t, struct fault *f)
{
	const struct sides *s = &t->sides;
	int r;

	r = target_open(&t->target, &t->o->target, true, f);
	if (r >= 0)
		r = sides_read(&t->sides, &t->target, t->o->old, t->o->new, f);
	if (r < 0)
		return r;
	if (s->new.slot < 0)
		return refuse(f, t->o->new, "give the table that rotate has written",
			      "its secret opens no keyslot of the disk");
	if (s->new.slot == s->old.slot)
		return refuse(f, t->o->new, "give the old table and the new one",
			      "both tables have the same secret");
	r = check_output(t, f);
	return r < 0 ? r : check_pins(t, f);
}

/* All keyslots but the new table's, after a question. */
static int remove_others(struct rotate *t, struct fault *f)
{
	const struct sides *s = &t->sides;
	struct luksheader *header = &t->target.header;
	uint32_t others = luksheader_keyslots(header) & ~(1U << s->new.slot);
	int i, r = 0;

	if (!t->o->remove_others || others == 0)
		return 0;
	printf("%s: these are to go, and their keys will open nothing:\n", t->o->target.disk);
	sides_print_keyslots(s, &t->target, s->new.slot);
	r = confirm(t->o->target.disk, "Remove these keyslots, too?", t->o->yes, f);
	for (i = 0; i < 32 && r >= 0; i++)
		if (others & 1U << i)
			r = luksheader_remove(header, i, f);
	return r;
}

static void print_finished(const struct rotate *t)
{
	const struct side *new = &t->sides.new;
	uint32_t others = luksheader_keyslots(&t->target.header) & ~(1U << new->slot);

	if (others == 0) {
		printf("%s: only the new secret opens it, with keyslot %d\n", t->o->target.disk,
		       new->slot);
	} else {
		printf("%s: the new secret opens it, with keyslot %d; these stay, too, and whoever "
		       "has a key of them can read the disk:\n",
		       t->o->target.disk, new->slot);
		sides_print_keyslots(&t->sides, &t->target, new->slot);
	}
	printf("%s: the table for it from now on; the two others are of no use any more\n",
	       t->o->out);
}

static int finish(struct rotate *t, struct fault *f)
{
	struct side *old = &t->sides.old, *new = &t->sides.new;
	int r;

	r = check_finish(t, f);
	if (r >= 0)
		r = side_stage(new, t->o->out, t->o->force, f);
	if (r < 0)
		return r;
	/* When this was done once, up to a crash, the old keyslot is gone, but not what it held. */
	r = old->slot >= 0 ? luksheader_remove(&t->target.header, old->slot, f) :
			     luksheader_scrub(&t->target.header, f);
	if (r >= 0)
		r = remove_others(t, f);
	if (r >= 0)
		r = side_pin(new, &t->sides, &t->target, SIDE_ANEW, f);
	if (r < 0)
		return r;
	cmd_warn_image(&t->target, &t->sides.key);
	r = sides_commit(&t->sides, f);
	if (r >= 0)
		r = target_put(&t->target, f);
	if (r >= 0)
		print_finished(t);
	return r;
}

static int rotate(const struct options *o)
{
	struct rotate t = { .o = o, .target = TARGET_NULL, .sides = SIDES_NULL };
	struct fault f = { 0 };
	int r;

	r = o->finish ? finish(&t, &f) : begin(&t, &f);
	target_done(&t.target);
	sides_done(&t.sides);
	(void)fault_name(&f, r, o->target.disk);
	return r < 0 ? cmd_fail(&f) : cmd_finish();
}

/* Returns an enum outcome. */
static int parse_options(const struct cmd *cmd, int argc, char **argv, struct options *o)
{
	char **operands;
	int nr = cmd_options(cmd, argc, argv, o, &operands);

	if (nr < 0)
		return -nr;
	if (nr != 1)
		return cmd_usage(cmd, "it takes one disk");
	o->target.disk = operands[0];
	return OUTCOME_OK;
}

static int run_rotate(int argc, char **argv)
{
	struct options o = { 0 };
	int r = parse_options(&cmd_rotate, argc, argv, &o);

	if (r != OUTCOME_OK)
		return r;
	if (!o.old || !o.out || o.finish != (o.new != NULL))
		return cmd_usage(&cmd_rotate, o.finish ? "--finish takes --table, --new and -o" :
							 "it takes --table and -o");
	if (o.remove_others && !o.finish)
		return cmd_usage(&cmd_rotate, "--remove-others goes with --finish only");
	return rotate(&o);
}

/* clang-format off */
static const struct option_row rotate_options[] = {
	TARGET_DISK,
	OPTION_FILE(0, "table", "FILE", struct options, old, OPTION_USE_CHANGE,
		    "the table that the guest boots with now; its pins are extended",
		    /* --finish does not write it, and says that both have one secret. */
		    .spares = "new"),
	OPTION_FILE('o', "output", "FILE", struct options, out, OPTION_USE_WRITE,
		    "the table with the new secret; with --finish, the last one"),
	OPTION_FLAG("finish", struct options, finish,
		    "remove the old keyslot, once the guest has booted with --new"),
	OPTION_FILE(0, "new", "FILE", struct options, new, OPTION_USE_READ,
		    "with --finish: the table that rotate has written"),
	OPTION_FLAG("remove-others", struct options, remove_others,
		    "with --finish: remove all other keyslots, too, which are named before"),
	OPTION_FLAG("yes", struct options, yes, "do not ask before --remove-others"),
	OPTION_FLAG("accept-header", struct options, accept,
		    "go on from a header that the table does not pin, and pin it"),
	OPTION_FLAG("grub", struct options, grub,
		    "end the new secret with the NUL that GRUB wants"),
	TARGET_OPTIONS(struct options, target),
	TARGET_FIRMWARE(struct options, target),
	OPTION_FLAG("force", struct options, force, "replace the output if it is there"),
	{ 0 },
};
/* clang-format on */

const struct cmd cmd_rotate = {
	.name = "rotate",
	.args = "DISK --table TABLE -o NEW [--grub] [--accept-header] [OPTION...]\n"
		"--finish DISK --table TABLE --new NEW -o FINAL [--remove-others] [--yes] [OPTION...]",
	.help = "put a new secret in the place of the old one, with a boot between",
	.options = rotate_options,
	.notes = "coco-secret status says where a rotation stands.\n",
	.run = run_rotate,
};
