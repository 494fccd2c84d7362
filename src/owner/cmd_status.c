/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * cmd_status.c - says how a disk and its tables stand, and what to do next.
 * Nothing here decides by itself: what a boot says is asked of forecast(), as verify does, and
 * whether a keyslot can be added is tried out in memory. Changes nothing.
 */
#include "owner/cmd.h"

#include <limits.h>
#include <string.h>

#include "owner/io/passphrase.h"
#include "owner/io/shell.h"
#include "owner/plan/forecast.h"
#include "owner/plan/sides.h"

struct options {
	struct target_options target;
	const char *old, *new;
};

struct view {
	const struct options *o;
	struct target target;
	struct sides sides;
	struct fault old, new;	     /* what a boot would say with these tables */
	bool room;		     /* for another keyslot */
	bool fitting;		     /* into the area for tables */
	struct target_options shown; /* in commands */
};

static int look_at_boot(struct view *v, const struct side *side, struct fault *ret_said)
{
	_cleanup_(examined_done) struct examined examined = EXAMINED_NULL;
	_cleanup_free_ struct policy_entry *policy = calloc(1, sizeof(*policy));
	size_t i = (size_t)(v->target.vc - v->target.conf.volumes);

	if (!policy)
		return -ENOMEM;
	if (side->path)
		(void)forecast(&v->target.conf, i, &v->target.image_policy, &side->table,
			       &v->target.image, VOLUME_MEMORY_UNKNOWN, policy, &examined,
			       ret_said);
	return 0;
}

/* Tries it as rotate and recovery do, on a copy that is thrown away. */
static int look_for_room(struct view *v, struct fault *f)
{
	_cleanup_(luksheader_done) struct luksheader scratch = LUKSHEADER_NULL;
	_cleanup_secret_ struct secret secret = SECRET_NULL;
	struct fault full = { 0 };
	int r;

	if (v->sides.old.slot < 0 && v->sides.new.slot < 0)
		return 0; /* no advice needs to know */
	r = luksheader_take(&v->target.image, &v->target.conf, v->target.vc, &scratch, f);
	if (r >= 0)
		r = passphrase_generate(false, &secret, f);
	if (r < 0)
		return r;
	r = luksheader_add(&scratch, &v->sides.key, &secret, LUKSHEADER_KDF_MINIMAL, &full);
	v->room = r >= 0;
	if (r < 0 && r != -ENOSPC)
		fault_merge(f, &full);
	return v->room || r == -ENOSPC ? 0 : r;
}

static int look(struct view *v, struct fault *f)
{
	int r;

	r = target_open(&v->target, &v->o->target, false, f);
	if (r >= 0)
		r = forecast_check_limit(&v->target.image, f);
	if (r >= 0)
		r = sides_read(&v->sides, &v->target, v->o->old, v->o->new, f);
	if (r >= 0 && (look_at_boot(v, &v->sides.old, &v->old) < 0 ||
		       look_at_boot(v, &v->sides.new, &v->new) < 0))
		r = fault_io(f, "memory", -ENOMEM, "no room for a policy entry");
	return r < 0 ? r : look_for_room(v, f);
}

static bool is_fitting(const struct view *v, const struct side *side)
{
	struct fault unused = { 0 };

	return side->slot < 0 || side_fits(side, &v->sides, &v->target, &unused) >= 0;
}

/* No verb writes a table that is too large for the firmware, and without --firmware none writes
 * more than 3072 bytes: the commands get a word for it. */
static void add_firmware(struct view *v)
{
	v->fitting = is_fitting(v, &v->sides.old) && is_fitting(v, &v->sides.new);
	v->shown = v->o->target;
	if (!v->fitting && !v->shown.firmware)
		v->shown.firmware = "FIRMWARE";
	v->target.o = &v->shown;
}

static void print_side(const struct view *v, const char *what, const struct side *side,
		       const struct fault *said)
{
	printf("%-6s %s: ", what, side->path);
	if (side->slot < 0)
		printf("its secret opens no keyslot");
	else
		printf("its secret opens keyslot %d", side->slot);
	printf(", %s\n",
	       !side_pins_headers(side, &v->target)	 ? "it pins no header" :
	       side_accepts(side, &v->sides, &v->target) ? "the header is one that it accepts" :
							   "it pins other headers");
	if (said->code == EXITCODE_OK)
		printf("       a boot with it opens the disk\n");
	else
		printf("       a boot with it says: %s (%s)\n", said->why,
		       exitcode_name(said->code));
	if (!is_fitting(v, side))
		printf("       with more pins it is larger than %zu bytes: %s\n", v->target.area,
		       v->o->target.firmware ? "this firmware would not take it" :
					       "to write it, a verb needs the guest's firmware");
}

/* A next step with a command. */
static void next(const struct view *v, const char *text, const char *const *verb, const char *old,
		 const char *new, const char *const *more)
{
	char command[SIDES_COMMAND_SIZE];

	sides_command(command, sizeof(command), &v->target, verb, old, new, more);
	printf("next   %s: %s\n", text, command);
}

static void next_remove(const struct view *v, const char *text, const char *path, int keyslot)
{
	char number[12];

	(void)snprintf(number, sizeof(number), "%d", keyslot); /* fits */
	next(v, text, SIDES_WORDS("remove-keyslot", NULL), path, NULL,
	     SIDES_WORDS("--keyslot", number, NULL));
}

static void advise_full(const struct view *v, const struct side *side)
{
	uint32_t used = luksheader_keyslots(&v->target.header);
	int i;

	printf("next   nothing, but there is no room for another keyslot, for rotate or recovery\n");
	for (i = 0; i < 32; i++)
		if (used & 1U << i && i != side->slot)
			next_remove(v, "if nobody needs this one any more", side->path, i);
}

/* Can pin help? It writes what the policy entry says of this volume, and nothing else. A pin of the
 * image has a next step of its own. */
static bool is_pinning(const struct view *v, const struct side *side, const struct fault *said)
{
	return (said->code == EXITCODE_PIN_MISMATCH && !*said->next) ||
	       (said->code == EXITCODE_POLICY_MISSING &&
		!policy_entry_pins(&side->policy, v->target.vc->name));
}

/* Of one table that opens the disk. */
static void advise_one(const struct view *v, const struct side *side, const struct fault *said)
{
	int stranger = sides_stranger(&v->sides, &v->target, -1);

	if (is_pinning(v, side, said)) {
		next(v,
		     said->code == EXITCODE_POLICY_MISSING ?
			     "it pins nothing, which the configuration demands; to pin the header" :
			     "use a newer table, if there is one; if it was you who changed the "
			     "header, pin it anew",
		     SIDES_WORDS("pin", NULL), side->path, NULL, SIDES_WORDS(NULL));
	} else if (said->code != EXITCODE_OK) {
		printf("next   %s\n", fault_next(said));
	} else if (stranger >= 0) {
		printf("next   keyslot %d is preferred, as that of a table, but %s does not open it: a "
		       "rotation has begun\n",
		       stranger, side->path);
		next(v, "with its other table", SIDES_WORDS("status", NULL), side->path, "NEW",
		     SIDES_WORDS(NULL));
		next_remove(v, "if that table is lost", side->path, stranger);
	} else if (!v->room) {
		advise_full(v, side);
	} else if (!v->fitting && v->o->target.firmware) {
		printf("next   nothing, but for rotate or recovery take an entry out of %s first: "
		       "coco-secret table remove --help\n",
		       side->path);
	} else {
		next(v, "nothing; to change the secret", SIDES_WORDS("rotate", NULL), side->path,
		     NULL, SIDES_WORDS("-o", "NEW", NULL));
	}
}

static void advise_both(const struct view *v)
{
	const struct side *old = &v->sides.old, *new = &v->sides.new;
	char command[SIDES_COMMAND_SIZE];

	if (v->new.code == EXITCODE_OK) {
		sides_command(command, sizeof(command), &v->target,
			      SIDES_WORDS("rotate", "--finish", NULL), old->path, new->path,
			      SIDES_WORDS("-o", "FINAL", NULL));
		printf("next   boot the guest with %s, then: %s\n", new->path, command);
	} else if (is_pinning(v, new, &v->new)) {
		next(v, "if it was you who changed the header, pin it anew in both tables",
		     SIDES_WORDS("pin", NULL), old->path, new->path, SIDES_WORDS(NULL));
	} else {
		printf("next   %s\n", fault_next(&v->new));
	}
}

/* The new table's secret opens nothing. */
static void advise_not_begun(const struct view *v)
{
	const struct side *old = &v->sides.old;
	char out[PATH_MAX];

	if (v->old.code == EXITCODE_OK && v->room && sides_stranger(&v->sides, &v->target, -1) < 0)
		next(v, "the rotation has not begun on the disk", SIDES_WORDS("rotate", NULL),
		     old->path, NULL,
		     SIDES_WORDS("-o", shell_source(out, sizeof(out), v->sides.new.path, "NEW"),
				 "--force", NULL));
	else
		advise_one(v, old, &v->old);
}

static void advise_finished(const struct view *v)
{
	const struct side *new = &v->sides.new;

	if (v->new.code == EXITCODE_OK)
		advise_one(v, new, &v->new);
	else if (is_pinning(v, new, &v->new))
		next(v,
		     "the rotation is finished; keep the table that --finish has written; if that is "
		     "lost, pin the header anew",
		     SIDES_WORDS("pin", NULL), new->path, NULL, SIDES_WORDS(NULL));
	else
		printf("next   %s\n", fault_next(&v->new));
}

static void advise(const struct view *v)
{
	int old = v->sides.old.slot, new = v->sides.new.slot;

	if (v->target.header.mended)
		next(v, "a write of its header was interrupted, so a boot refuses it",
		     SIDES_WORDS("repair", NULL), NULL, NULL, SIDES_WORDS(NULL));
	else if (old < 0 && new < 0)
		next(v,
		     "find the table of this disk; or make one, with a passphrase or a recovery key",
		     SIDES_WORDS("prepare", NULL), NULL, NULL, SIDES_WORDS("-o", "TABLE", NULL));
	else if (old >= 0 && new >= 0 && old != new)
		advise_both(v);
	else if (old >= 0 && v->o->new && new < 0)
		advise_not_begun(v);
	else if (old < 0)
		advise_finished(v);
	else if (v->o->new && v->old.code != EXITCODE_OK)
		advise_one(v, &v->sides.new, &v->new); /* both have the same secret */
	else
		advise_one(v, &v->sides.old, &v->old);
}

static void print_disk(const struct view *v)
{
	uint32_t slots = luksheader_keyslots(&v->target.header);
	int i;

	printf("disk   %s: uuid %s, keyslots", v->o->target.disk, v->target.header.verdict.uuid);
	for (i = 0; i < 32; i++)
		if (slots & 1U << i)
			printf(" %d", i);
	printf("\n");
	sides_print_keyslots(&v->sides, &v->target, -1);
}

static int status(const struct options *o)
{
	struct view v = { .o = o, .target = TARGET_NULL, .sides = SIDES_NULL };
	struct fault f = { 0 };
	int r = look(&v, &f);

	if (r >= 0) {
		add_firmware(&v);
		print_disk(&v);
		print_side(&v, "table", &v.sides.old, &v.old);
		if (o->new)
			print_side(&v, "new", &v.sides.new, &v.new);
		advise(&v);
	}
	target_done(&v.target);
	sides_done(&v.sides);
	(void)fault_name(&f, r, o->target.disk);
	return r < 0 ? cmd_fail(&f) : cmd_finish();
}

static int run_status(int argc, char **argv)
{
	struct options o = { 0 };
	char **operands;
	int nr = cmd_options(&cmd_status, argc, argv, &o, &operands);

	if (nr < 0)
		return -nr;
	if (nr != 1 || !o.old)
		return cmd_usage(&cmd_status,
				 "it takes one disk and --table, and --new during a rotation");
	o.target.disk = operands[0];
	return status(&o);
}

/* clang-format off */
static const struct option_row status_options[] = {
	TARGET_LOOK,
	OPTION_FILE(0, "table", "FILE", struct options, old, OPTION_USE_READ,
		    "a table of the disk; during a rotation, the old one"),
	OPTION_FILE(0, "new", "FILE", struct options, new, OPTION_USE_READ, "the table that rotate has written"),
	TARGET_OPTIONS(struct options, target),
	TARGET_FIRMWARE(struct options, target),
	{ 0 },
};
/* clang-format on */

const struct cmd cmd_status = {
	.name = "status",
	.args = "DISK --table TABLE [--new NEW] [OPTION...]",
	.help = "say which table opens which keyslot, and what to do next",
	.options = status_options,
	.run = run_status,
};
