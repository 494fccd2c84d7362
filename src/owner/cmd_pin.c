/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * cmd_pin.c - pins the header that a disk has now, for an owner who has changed it with another
 * program. What was pinned is known by its digest only, so the present header is shown for the
 * owner to judge. Reads the disk; writes the tables, after a question.
 */
#include "owner/cmd.h"

#include <string.h>

#include "owner/disk/describe.h"
#include "owner/io/confirm.h"
#include "owner/plan/sides.h"

struct options {
	struct target_options target;
	const char *old, *new;
	bool yes;
};

struct pin {
	const struct options *o;
	struct target target;
	struct sides sides;
};

static const char *compared(bool is_pinned, int r)
{
	return !is_pinned ? "not pinned until now" :
	       r < 0	  ? "ANOTHER one than pinned" :
			    "as pinned";
}

/* Shows the difference to a table. Returns true if there is one. */
static bool show(const struct pin *p, const struct side *side)
{
	const struct pins *pins = policy_entry_pins(&side->policy, p->target.vc->name);
	bool has_uuid = pins && pins->uuid[0], accepts = side_accepts(side, &p->sides, &p->target);
	bool has_key = pins && (pins->has_volume_key || pins->has_fixated_key);
	bool has_header = side_pins_headers(side, &p->target);
	const char *uuid = p->target.header.verdict.uuid;
	struct fault unused = { 0 };
	int r_uuid = pins_check_uuid(pins, uuid, &unused);
	int r_key = pins_check_key(pins, &p->sides.key, uuid, &unused);

	printf("%s: keyslot %d is the one of its secret\n", side->path, side->slot);
	printf("  uuid        %s, %s\n", uuid, compared(has_uuid, r_uuid));
	printf("  volume key  %s\n", compared(has_key, r_key));
	printf("  header      %s\n", compared(has_header, accepts ? 0 : -1));
	if (pins && pins->nr_headers > 1)
		printf("  %zu headers are pinned; all but the present one go\n", pins->nr_headers);
	return !has_uuid || !has_header || !pins->has_volume_key || r_uuid < 0 || r_key < 0 ||
	       !accepts || pins->nr_headers > 1;
}

static int check(struct pin *p, struct fault *f)
{
	const struct side *sides[] = { &p->sides.old, &p->sides.new };
	char command[FAULT_NEXT_MAX];
	size_t i;
	int r;

	r = target_open(&p->target, &p->o->target, false, f);
	if (r >= 0)
		r = sides_read(&p->sides, &p->target, p->o->old, p->o->new, f);
	if (r < 0)
		return r;
	for (i = 0; i < ARRAY_SIZE(sides); i++)
		if (sides[i]->path && sides[i]->slot < 0)
			return fault_about(f, EXITCODE_REFUSED, sides[i]->path,
					   "give a table of this disk",
					   "its secret opens no keyslot of the disk");
	if (!p->target.header.mended)
		return 0;
	sides_command(command, sizeof(command), &p->target, SIDES_WORDS("repair", NULL), NULL, NULL,
		      SIDES_WORDS(NULL));
	return fault_about(f, EXITCODE_REFUSED, p->o->target.disk, command,
			   "a write of its header was interrupted, and a boot refuses it as it is");
}

static int write_tables(struct pin *p, struct fault *f)
{
	struct sides *s = &p->sides;
	int r;

	r = side_stage(&s->old, s->old.path, true, f);
	if (r >= 0 && s->new.path)
		r = side_stage(&s->new, s->new.path, true, f);
	if (r >= 0)
		r = sides_pin(s, &p->target, SIDE_ANEW, f);
	if (r < 0)
		return r;
	cmd_warn_image(&p->target, &s->key);
	r = confirm(p->o->target.disk, "Pin this header?", p->o->yes, f);
	return r < 0 ? r : sides_commit(s, f);
}

static int pin(const struct options *o)
{
	struct pin p = { .o = o, .target = TARGET_NULL, .sides = SIDES_NULL };
	struct fault f = { 0 };
	char text[512];
	bool differs;
	int r;

	r = check(&p, &f);
	if (r >= 0) {
		describe_header(&p.target.header, text, sizeof(text));
		printf("%s: %s\n", o->target.disk, text);
		sides_print_keyslots(&p.sides, &p.target, -1);
		differs = show(&p, &p.sides.old);
		differs = (o->new && show(&p, &p.sides.new)) || differs;
		if (differs)
			r = write_tables(&p, &f);
		if (r >= 0)
			printf("%s\n", differs ? "pinned, and no other header" : "nothing to do");
	}
	target_done(&p.target);
	sides_done(&p.sides);
	(void)fault_name(&f, r, o->target.disk);
	return r < 0 ? cmd_fail(&f) : cmd_finish();
}

static int run_pin(int argc, char **argv)
{
	struct options o = { 0 };
	char **operands;
	int nr = cmd_options(&cmd_pin, argc, argv, &o, &operands);

	if (nr < 0)
		return -nr;
	if (nr != 1 || !o.old)
		return cmd_usage(&cmd_pin, "it takes one disk and --table; --new is another table");
	o.target.disk = operands[0];
	return pin(&o);
}

/* clang-format off */
static const struct option_row pin_options[] = {
	TARGET_LOOK,
	OPTION_FILE(0, "table", "FILE", struct options, old, OPTION_USE_CHANGE,
		    "a table whose secret opens the disk: it is to pin the header"),
	OPTION_FILE(0, "new", "FILE", struct options, new, OPTION_USE_CHANGE,
		    "during a rotation: the other table, for the same"),
	OPTION_FLAG("yes", struct options, yes, "do not ask"),
	TARGET_OPTIONS(struct options, target),
	TARGET_FIRMWARE(struct options, target),
	{ 0 },
};
/* clang-format on */

const struct cmd cmd_pin = {
	.name = "pin",
	.args = "DISK --table TABLE [--new NEW] [--yes] [OPTION...]",
	.help = "pin the header that a disk has now",
	.options = pin_options,
	.notes =
		"For a header that you have changed with another program. If it was not you, it may\n"
		"have been the host: compare what is shown with what you have prepared.\n",
	.run = run_pin,
};
