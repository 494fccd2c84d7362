/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * cmd_rotate.c - a new secret in the place of an old one, in two steps with a boot between
 * them. There is no state but the disk and the tables: which keyslot is whose is found by
 * opening them.
 *
 * Step 1: the new table is written, the old one learns the header with both keyslots, then the
 * disk is written. Step 2 (--finish): the table for the header without the old keyslot is written,
 * then the disk. So at any point a table that the owner has opens what is on the disk.
 */
#include "owner/cmd.h"

#include <limits.h>
#include <string.h>
#include <unistd.h>

#include "owner/io/file.h"
#include "owner/io/passphrase.h"
#include "owner/io/shell.h"
#include "owner/plan/pinned.h"
#include "owner/plan/target.h"

struct options {
	struct target_options target;
	const char *old, *new, *out;
	bool finish, grub, force;
};

/* One table: its bytes, its policy, and the volume's secret in it. */
struct side {
	const char *path;
	struct secret table, secret;
	struct policy_entry policy;
	int slot; /* that its secret opens; negative: none */
};

struct rotate {
	const struct options *o;
	struct target target;
	struct secret key;
	struct side old, new;
};

/* Reads a table and tries its secret. A secret that opens nothing is no failure here. */
static int read_side(struct rotate *t, const char *path, struct side *side, struct fault *f)
{
	int r;

	side->path = path;
	side->slot = -1;
	r = secret_init(&side->table, f);
	if (r >= 0)
		r = pinnedtable_read(path, &t->target.conf, &side->table, &side->policy, f);
	if (r >= 0)
		r = pinnedtable_get(path, &side->table, t->target.vc->secret.guid, &side->secret,
				    f);
	if (r < 0)
		return r;
	secret_done(&t->key);
	side->slot = luksheader_open(&t->target.header, &side->secret, &t->key, f);
	if (side->slot < 0 && f->code != EXITCODE_SECRET_REFUSED)
		return side->slot;
	*f = (struct fault){ 0 };
	return 0;
}

static int refuse(struct fault *f, const char *path, const char *next, const char *why)
{
	return fault_about(f, EXITCODE_REFUSED, path, next, "%s", why);
}

/* Pins the header as it is in memory now, and it alone if `only`; and writes the table. */
static int write_side(struct rotate *t, struct side *side, const char *path, bool only, bool force,
		      struct fault *f)
{
	struct pins *pins = pinnedtable_pins(&side->policy, t->target.vc->name);
	int r = 0;

	if (!pins)
		return refuse(f, path, "pin fewer volumes", "its policy entry is full");
	if (only)
		r = pinnedtable_pin_identity(pins, &t->target.header, &t->key, f);
	if (r >= 0)
		r = pinnedtable_pin_header(pins, &t->target.header, f);
	if (r >= 0)
		r = pinnedtable_set_policy(&side->table, &side->policy, f);
	return r < 0 ? r : pinnedtable_write(path, &side->table, CODEC_BINARY, force, f);
}

/* A table without header pins opens any header with its secret: pins would take that away. */
static bool pins_headers(const struct rotate *t, const struct side *side)
{
	const struct pins *pins = policy_entry_pins(&side->policy, t->target.vc->name);

	return pins && pins->nr_headers > 0;
}

/* --force is for what is left of another try, not for what opens the disk meanwhile. */
static int check_output(const struct rotate *t, struct fault *f)
{
	const struct options *o = t->o;

	if (image_is(&t->target.image, o->out))
		return refuse(f, o->out, "choose another name", "it is the disk");
	if (file_is_same(o->old, o->out) || (o->new && file_is_same(o->new, o->out)))
		return refuse(f, o->out, "choose another name",
			      "it is a table that opens the disk until the end");
	if (!o->force && access(o->out, F_OK) == 0)
		return refuse(f, o->out, "choose another name, or --force to replace it",
			      "it exists");
	return 0;
}

/* A new secret, in a keyslot of its own; the new table is the old one with this secret, and
 * gets pins of its own. */
static int make_new(struct rotate *t, struct fault *f)
{
	struct luksheader *header = &t->target.header;
	struct secret passphrase;
	int r;

	r = secret_init(&t->new.table, f);
	if (r >= 0)
		r = passphrase_generate(t->o->grub, &t->new.secret, f);
	if (r < 0)
		return r;
	passphrase = t->new.secret; /* the same pages */
	if (t->o->grub)
		passphrase.len--; /* GRUB's passphrase is what stands before the NUL */
	r = t->new.slot = luksheader_add(header, &t->key, &passphrase, LUKSHEADER_KDF_MINIMAL, f);
	if (r >= 0)
		r = luksheader_prefer(header, t->new.slot, f);
	if (r < 0)
		return r;
	pinnedtable_copy(&t->new.table, &t->old.table);
	t->new.policy = t->old.policy;
	return pinnedtable_set(&t->new.table, t->target.vc->secret.guid, &t->new.secret,
			       "the volume's secret", f);
}

/* The command that goes on, and LF. first: --finish or NULL; out: of its -o. */
static void print_command(const struct rotate *t, const char *first, const char *out, bool force)
{
	char disk[PATH_MAX + IMAGE_NAME_SIZE], old[PATH_MAX], new[PATH_MAX], dir[PATH_MAX];
	char out_buf[PATH_MAX];
	const struct options *o = t->o;
	const struct target_options *target = &o->target;
	const char *words[20] = { "coco-secret", "rotate" };
	size_t nr = 2;

	if (first)
		words[nr++] = first;
	words[nr++] = shell_file(disk, sizeof(disk), target->disk);
	words[nr++] = "--table";
	words[nr++] = shell_file(old, sizeof(old), o->old);
	if (first) {
		words[nr++] = "--new";
		words[nr++] = shell_file(new, sizeof(new), o->new ? o->new : o->out);
	}
	words[nr++] = "-o";
	words[nr++] = shell_file(out_buf, sizeof(out_buf), out);
	if (target->config) {
		words[nr++] = "--config";
		words[nr++] = shell_file(dir, sizeof(dir), target->config);
	}
	if (target->volume) {
		words[nr++] = "--volume";
		words[nr++] = target->volume;
	}
	if (force)
		words[nr++] = "--force";
	shell_print(stdout, words);
	printf("\n");
}

static int begin(struct rotate *t, struct fault *f)
{
	int r;

	r = target_open(&t->target, &t->o->target, true, f);
	if (r >= 0)
		r = read_side(t, t->o->old, &t->old, f);
	if (r < 0)
		return r;
	if (t->old.slot < 0)
		return refuse(f, t->o->old, "give the table that the guest boots with now",
			      "its secret opens no keyslot of the disk");
	r = check_output(t, f);
	if (r >= 0)
		r = make_new(t, f);
	if (r >= 0)
		r = write_side(t, &t->new, t->o->out, true, t->o->force, f);
	if (r >= 0 && pins_headers(t, &t->old))
		r = write_side(t, &t->old, t->o->old, false, true, f);
	if (r >= 0)
		r = target_put(&t->target, f);
	if (r < 0)
		return r;
	printf("%s: keyslot %d opens with the old secret, keyslot %d with the new one\n",
	       t->o->target.disk, t->old.slot, t->new.slot);
	if (pins_headers(t, &t->old))
		printf("%s: pins the new header, too: seal it again if you still start the guest "
		       "with it\n",
		       t->o->old);
	printf("%s: the new table\n\n"
	       "Next: start the guest with the new table. When it has booted:\n  ",
	       t->o->out);
	print_command(t, "--finish", "FINAL", false);
	return 0;
}

static int finish(struct rotate *t, struct fault *f)
{
	int r;

	r = target_open(&t->target, &t->o->target, true, f);
	if (r >= 0)
		r = read_side(t, t->o->old, &t->old, f);
	if (r >= 0)
		r = read_side(t, t->o->new, &t->new, f); /* the volume key is from this one */
	if (r < 0)
		return r;
	if (t->new.slot < 0)
		return refuse(f, t->o->new, "give the table that rotate has written",
			      "its secret opens no keyslot of the disk");
	if (t->new.slot == t->old.slot)
		return refuse(f, t->o->new, "give the old table and the new one",
			      "both tables have the same secret");
	r = check_output(t, f);
	if (r < 0)
		return r;
	/* When this was done once, up to a crash, the old keyslot is gone, but not what it held. */
	r = t->old.slot >= 0 ? luksheader_remove(&t->target.header, t->old.slot, f) :
			       luksheader_scrub(&t->target.header, f);
	if (r >= 0)
		r = write_side(t, &t->new, t->o->out, true, t->o->force, f);
	if (r >= 0)
		r = target_put(&t->target, f);
	if (r < 0)
		return r;
	printf("%s: only the new secret opens it, with keyslot %d; recovery keyslots stay\n"
	       "%s: the table for it from now on; the two others are of no use any more\n",
	       t->o->target.disk, t->new.slot, t->o->out);
	return 0;
}

static void side_done(struct side *side)
{
	secret_done(&side->table);
	secret_done(&side->secret);
}

static int rotate(const struct options *o)
{
	struct rotate t = { .o = o, .target = TARGET_NULL };
	struct fault f = { 0 };
	int r;

	r = o->finish ? finish(&t, &f) : begin(&t, &f);
	target_done(&t.target);
	secret_done(&t.key);
	side_done(&t.old);
	side_done(&t.new);
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
	OPTION_FLAG("grub", struct options, grub,
		    "end the new secret with the NUL that GRUB wants"),
	TARGET_OPTIONS(struct options, target),
	OPTION_FLAG("force", struct options, force, "replace the output if it is there"),
	{ 0 },
};
/* clang-format on */

const struct cmd cmd_rotate = {
	.name = "rotate",
	.args = "DISK --table TABLE -o NEW [--grub] [--config DIR] [--volume NAME] [--force]\n"
		"--finish DISK --table TABLE --new NEW -o FINAL [--config DIR] [--volume NAME]",
	.help = "put a new secret in the place of the old one, with a boot between",
	.options = rotate_options,
	.notes = "coco-secret status says where a rotation stands.\n",
	.run = run_rotate,
};

static void print_side(const struct rotate *t, const char *what, struct side *side)
{
	const struct pins *pins = policy_entry_pins(&side->policy, t->target.vc->name);
	struct digest digest;
	bool pinned = !pins || pins->nr_headers == 0;
	size_t i;

	for (i = 0; pins && i < pins->nr_headers; i++)
		pinned = pinned || (luksheader_pin(&t->target.header, &digest) == 0 &&
				    digest_equal(&digest, &pins->headers[i]));
	printf("%-6s %s: ", what, side->path);
	if (side->slot < 0)
		printf("its secret opens no keyslot");
	else
		printf("its secret opens keyslot %d", side->slot);
	printf(", %s\n", pinned ? "the header is one that it accepts" : "it pins other headers");
}

static void print_advice(const struct rotate *t, bool two)
{
	if (two && t->old.slot >= 0 && t->new.slot >= 0 && t->old.slot != t->new.slot) {
		printf("next   boot the guest with %s, then: ", t->o->new);
		print_command(t, "--finish", "FINAL", false);
	} else if (two && t->old.slot >= 0 && t->new.slot < 0) {
		printf("next   the rotation has not begun on the disk: ");
		print_command(t, NULL, t->o->new, true);
	} else if (two && t->old.slot < 0 && t->new.slot >= 0) {
		printf("next   the rotation is finished; keep the table that --finish has written\n");
	} else if (t->old.slot >= 0) {
		printf("next   nothing; to change the secret: ");
		print_command(t, NULL, "NEW", false);
	} else {
		printf("next   find the table of this disk, or use a recovery key\n");
	}
}

static void print_repair(const struct options *o)
{
	char disk[PATH_MAX + IMAGE_NAME_SIZE], dir[PATH_MAX];
	const char *words[] = { "coco-secret", "repair", NULL, NULL, NULL, NULL, NULL, NULL };
	size_t nr = 3;

	words[2] = shell_file(disk, sizeof(disk), o->target.disk);
	if (o->target.config) {
		words[nr++] = "--config";
		words[nr++] = shell_file(dir, sizeof(dir), o->target.config);
	}
	if (o->target.volume) {
		words[nr++] = "--volume";
		words[nr++] = o->target.volume;
	}
	printf("disk   a write of its header was interrupted, so a boot refuses it: ");
	shell_print(stdout, words);
	printf("\n");
}

static int status(const struct options *o)
{
	struct rotate t = { .o = o, .target = TARGET_NULL };
	struct fault f = { 0 };
	uint32_t slots;
	int r, i;

	r = target_open(&t.target, &o->target, false, &f);
	if (r >= 0)
		r = read_side(&t, o->old, &t.old, &f);
	if (r >= 0 && o->new)
		r = read_side(&t, o->new, &t.new, &f);
	if (r >= 0) {
		slots = luksheader_keyslots(&t.target.header);
		printf("disk   %s: uuid %s, keyslots", o->target.disk,
		       t.target.header.verdict.uuid);
		for (i = 0; i < 32; i++)
			if (slots & 1U << i)
				printf(" %d", i);
		printf("\n");
		if (t.target.header.mended)
			print_repair(o);
		print_side(&t, "table", &t.old);
		if (o->new)
			print_side(&t, "new", &t.new);
		print_advice(&t, o->new != NULL);
	}
	target_done(&t.target);
	secret_done(&t.key);
	side_done(&t.old);
	side_done(&t.new);
	(void)fault_name(&f, r, o->target.disk);
	return r < 0 ? cmd_fail(&f) : cmd_finish();
}

static int run_status(int argc, char **argv)
{
	struct options o = { 0 };
	int r = parse_options(&cmd_status, argc, argv, &o);

	if (r != OUTCOME_OK)
		return r;
	if (!o.old)
		return cmd_usage(&cmd_status, "it takes --table, and --new during a rotation");
	return status(&o);
}

/* clang-format off */
static const struct option_row status_options[] = {
	TARGET_LOOK,
	OPTION_FILE(0, "table", "FILE", struct options, old, OPTION_USE_READ,
		    "a table of the disk; during a rotation, the old one"),
	OPTION_FILE(0, "new", "FILE", struct options, new, OPTION_USE_READ, "the table that rotate has written"),
	TARGET_OPTIONS(struct options, target),
	{ 0 },
};
/* clang-format on */

const struct cmd cmd_status = {
	.name = "status",
	.args = "DISK --table TABLE [--new NEW] [--config DIR] [--volume NAME]",
	.help = "say which table opens which keyslot, and what to do next",
	.options = status_options,
	.run = run_status,
};
