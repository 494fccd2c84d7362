/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * sides.c - holds tables against a disk. There is no state but the two: which keyslot is whose
 * is found by opening them.
 * Trusts the tables, and the disk only as far as the policy accepts its header.
 */
#include "owner/plan/sides.h"

#include <limits.h>
#include <string.h>

#include "owner/disk/describe.h"
#include "owner/io/shell.h"

#define KEYSLOTS 32
#define WORDS_MAX 32

int side_read(struct sides *s, struct target *t, const char *path, struct side *side,
	      struct fault *f)
{
	struct secret key = SECRET_NULL;
	int r;

	side->path = path;
	r = secret_init(&side->table, f);
	if (r >= 0)
		r = pinnedtable_read(path, &t->conf, &side->table, &side->format, &side->policy, f);
	if (r < 0)
		target_explain_policy(t, f);
	if (r >= 0)
		r = pinnedtable_get(path, &side->table, t->vc->secret.guid, &side->secret, f);
	if (r < 0)
		return r;
	side->slot = luksheader_open(&t->header, &side->secret, &key, f);
	if (side->slot < 0 && f->code != EXITCODE_SECRET_REFUSED)
		return side->slot;
	*f = (struct fault){ 0 };
	if (side->slot >= 0) {
		secret_done(&s->key);
		s->key = key;
	}
	return 0;
}

int sides_read(struct sides *s, struct target *t, const char *old, const char *new, struct fault *f)
{
	int r = 0;

	if (luksheader_pin(&t->header, &s->present) < 0)
		return fault_about(f, EXITCODE_IO, t->o->disk, "report this", "no SHA-256");
	if (old)
		r = side_read(s, t, old, &s->old, f);
	if (r >= 0 && new)
		r = side_read(s, t, new, &s->new, f);
	return r;
}

void side_done(struct side *side)
{
	secret_done(&side->table);
	secret_done(&side->secret);
	file_out_done(&side->out);
}

void sides_done(struct sides *s)
{
	side_done(&s->old);
	side_done(&s->new);
	secret_done(&s->key);
}

bool side_pins_headers(const struct side *side, const struct target *t)
{
	const struct pins *pins = policy_entry_pins(&side->policy, t->vc->name);

	return pins && pins->nr_headers > 0;
}

bool side_accepts(const struct side *side, const struct sides *s, const struct target *t)
{
	const struct pins *pins = policy_entry_pins(&side->policy, t->vc->name);
	size_t i;

	if (!pins || pins->nr_headers == 0)
		return true;
	for (i = 0; i < pins->nr_headers; i++)
		if (digest_equal(&s->present, &pins->headers[i]))
			return true;
	return false;
}

int sides_check_pins(const struct sides *s, const struct target *t, const char *other,
		     struct fault *f)
{
	const struct side *sides[] = { &s->old, &s->new };
	char command[FAULT_NEXT_MAX], next[FAULT_NEXT_MAX + 64];
	size_t i;

	for (i = 0; i < ARRAY_SIZE(sides); i++) {
		if (!sides[i]->path || sides[i]->slot < 0 || side_accepts(sides[i], s, t))
			continue;
		sides_command(command, sizeof(command), t, SIDES_WORDS("pin", NULL), s->old.path,
			      s->new.path, SIDES_WORDS(NULL));
		(void)snprintf(next, sizeof(next), "%s%s", other, command);
		return fault_about(f, EXITCODE_REFUSED, sides[i]->path,
				   fault_shows(next) ? next : command,
				   "the header of the disk is none of those that this table pins: "
				   "if it was not you who changed it, it may have been the host");
	}
	return 0;
}

int sides_stranger(const struct sides *s, const struct target *t, int except)
{
	uint32_t i;

	for (i = 0; i < t->header.verdict.nr_keyslots; i++) {
		const struct policy_keyslot *slot = &t->header.verdict.keyslots[i];

		if (slot->priority == 2 && (int)slot->id != s->old.slot &&
		    (int)slot->id != s->new.slot && (int)slot->id != except)
			return (int)slot->id;
	}
	return -1;
}

int sides_refuse_stranger(const struct sides *s, const struct target *t, int keyslot,
			  struct fault *f)
{
	char command[FAULT_NEXT_MAX];

	sides_command(command, sizeof(command), t, SIDES_WORDS("status", NULL), s->old.path,
		      s->new.path, SIDES_WORDS(NULL));
	return fault_about(f, EXITCODE_REFUSED, t->o->disk, command,
			   "keyslot %d is preferred, as that of a table, but no table that is given "
			   "opens it: a rotation has begun, and its other table would be invalid",
			   keyslot);
}

int sides_add(const struct sides *s, struct target *t, const struct secret *passphrase,
	      enum luksheader_kdf kdf, const char *key_file, struct fault *f)
{
	int r = target_add(t, &s->key, passphrase, kdf, key_file, f);

	if (r == -ENOSPC && s->old.path)
		sides_command(f->next, sizeof(f->next), t, SIDES_WORDS("status", NULL), s->old.path,
			      s->new.path, SIDES_WORDS(NULL));
	return r;
}

int side_stage(struct side *side, const char *path, bool force, struct fault *f)
{
	return file_out_create(path, force, &side->out, f);
}

int sides_stage(struct sides *s, const struct target *t, int except, struct fault *f)
{
	struct side *sides[] = { &s->old, &s->new };
	size_t i;
	int r = 0;

	for (i = 0; i < ARRAY_SIZE(sides) && r >= 0; i++)
		if (sides[i]->path && sides[i]->slot >= 0 && sides[i]->slot != except &&
		    side_pins_headers(sides[i], t))
			r = side_stage(sides[i], sides[i]->path, true, f);
	return r;
}

int side_pin(struct side *side, const struct sides *s, const struct target *t, enum side_pins how,
	     struct fault *f)
{
	struct pins *pins = pinnedtable_pins(&side->policy, t->vc->name);
	int r = 0;

	if (!pins)
		return fault_about(f, EXITCODE_REFUSED, side->path, "pin fewer volumes",
				   "its policy entry is full");
	/* Other headers are of no disk that the owner still has. */
	pins->nr_headers = 0;
	if (how == SIDE_ANEW)
		r = pinnedtable_pin_identity(pins, &t->header, &s->key, f);
	if (how == SIDE_BESIDE)
		pins->headers[pins->nr_headers++] = s->present;
	if (r >= 0)
		r = pinnedtable_pin_header(pins, &t->header, f);
	if (r >= 0)
		r = pinnedtable_set_policy(&side->table, &side->policy, f);
	if (r < 0)
		return r;
	table_pad(&side->table);
	r = table_fits(side->path, &side->table, t->area, f);
	if (r < 0)
		(void)snprintf(f->next, sizeof(f->next), "%s",
			       t->o->firmware ?
				       "take an entry out: coco-secret table remove --help" :
				       "if the guest's firmware has more room, give it with "
				       "--firmware; else take an entry out: coco-secret table "
				       "remove --help");
	if (r >= 0)
		r = file_out_put(&side->out, side->format, side->table.bytes, side->table.len, f);
	if (r >= 0 && side->format != CODEC_BINARY)
		r = file_out_put(&side->out, CODEC_BINARY, (const unsigned char *)"\n", 1, f);
	return r;
}

/* The table with a new secret needs no more: it has one header less, whose line is longer than what
 * the secret can be longer by. */
int side_fits(const struct side *side, const struct sides *s, const struct target *t,
	      struct fault *f)
{
	_cleanup_free_ struct policy_entry *policy = malloc(sizeof(*policy));
	_cleanup_secret_ struct secret table = SECRET_NULL;
	struct pins *pins;
	int r = policy ? secret_init(&table, f) : fault_io(f, side->path, -ENOMEM, "cannot try");

	if (r < 0)
		return r;
	pinnedtable_copy(&table, &side->table);
	*policy = side->policy;
	pins = pinnedtable_pins(policy, t->vc->name);
	if (!pins)
		return 0; /* no verb pins in it */
	r = pinnedtable_pin_identity(pins, &t->header, &s->key, f);
	if (r < 0)
		return r;
	memset(&pins->headers[pins->nr_headers++], 0, sizeof(pins->headers[0]));
	r = pinnedtable_pin_header(pins, &t->header, f);
	if (r >= 0)
		r = pinnedtable_set_policy(&table, policy, f);
	if (r < 0)
		return r;
	table_pad(&table);
	return table_fits(side->path, &table, t->area, f);
}

static bool is_staged(const struct side *side)
{
	return side->out.new_path != NULL;
}

int sides_pin(struct sides *s, const struct target *t, enum side_pins how, struct fault *f)
{
	int r = is_staged(&s->old) ? side_pin(&s->old, s, t, how, f) : 0;

	return r >= 0 && is_staged(&s->new) ? side_pin(&s->new, s, t, how, f) : r;
}

/* Until it is done, a struct file_out may be in one place only. */
int sides_commit(struct sides *s, struct fault *f)
{
	struct side *sides[] = { &s->new, &s->old };
	struct file_out files[ARRAY_SIZE(sides)];
	size_t i, nr = 0;
	int r;

	for (i = 0; i < ARRAY_SIZE(sides); i++)
		if (is_staged(sides[i])) {
			files[nr++] = sides[i]->out;
			sides[i]->out = FILE_OUT_NULL;
		}
	r = file_out_commit(files, nr, f);
	for (i = 0; i < nr; i++)
		file_out_done(&files[i]);
	return r;
}

static void add_option(const char **words, size_t *nr, const char *option, const char *value)
{
	if (!value)
		return;
	words[(*nr)++] = option;
	words[(*nr)++] = value;
}

void sides_command(char *buf, size_t size, const struct target *t, const char *const *verb,
		   const char *old, const char *new, const char *const *more)
{
	char disk_buf[PATH_MAX + IMAGE_NAME_SIZE], dir_buf[PATH_MAX], old_buf[PATH_MAX],
		new_buf[PATH_MAX], firmware_buf[PATH_MAX];
	const char *words[WORDS_MAX] = { "coco-secret" };
	size_t nr = 1, i;

	for (i = 0; verb[i]; i++)
		words[nr++] = verb[i];
	words[nr++] = shell_file(disk_buf, sizeof(disk_buf), t->o->disk);
	if (t->o->config)
		add_option(words, &nr, "--config",
			   shell_file(dir_buf, sizeof(dir_buf), t->o->config));
	add_option(words, &nr, "--volume", t->o->volume);
	if (t->o->firmware && strcmp(verb[0], "repair") != 0 && strcmp(verb[0], "prepare") != 0)
		add_option(words, &nr, "--firmware",
			   shell_source(firmware_buf, sizeof(firmware_buf), t->o->firmware,
					"FIRMWARE"));
	if (old)
		add_option(words, &nr, "--table",
			   shell_source(old_buf, sizeof(old_buf), old, "TABLE"));
	if (new)
		add_option(words, &nr, "--new", shell_source(new_buf, sizeof(new_buf), new, "NEW"));
	for (i = 0; more[i] && nr < WORDS_MAX - 1; i++)
		words[nr++] = more[i];
	if (shell_command(buf, size, words) < 0 || !fault_shows(buf))
		(void)snprintf(buf, size, "coco-secret %s --help", verb[0]); /* fits */
}

void sides_command_key(char *buf, size_t size, const struct target *t, const char *verb,
		       const char *keyslot, const char *key_file)
{
	char key[PATH_MAX];

	if (!key_file || strcmp(key_file, "-") == 0)
		key_file = "KEYFILE";
	sides_command(buf, size, t, SIDES_WORDS(verb, NULL), NULL, NULL,
		      SIDES_WORDS("--keyslot", keyslot, "--key-file",
				  shell_file(key, sizeof(key), key_file), NULL));
}

void sides_print_keyslots(const struct sides *s, const struct target *t, int except)
{
	uint32_t used = luksheader_keyslots(&t->header);
	char text[160];
	int i;

	for (i = 0; i < KEYSLOTS; i++) {
		if (!(used & 1U << i) || i == except)
			continue;
		describe_keyslot(&t->header, i, text, sizeof(text));
		printf("  keyslot %d (%s): ", i, text);
		if (i == s->old.slot || i == s->new.slot)
			printf("the secret of %s opens it\n",
			       i == s->new.slot ? s->new.path : s->old.path);
		else
			printf("for a passphrase, a recovery key or another table\n");
	}
}
