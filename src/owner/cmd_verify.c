/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * cmd_verify.c - says beforehand what a boot will say. Changes nothing.
 */
#include "owner/cmd.h"

#include <json-c/json.h>
#include <string.h>

#include "base/text.h"
#include "base/warning.h"
#include "owner/io/file.h"
#include "owner/plan/forecast.h"
#include "owner/plan/guestconf.h"
#include "owner/plan/sides.h"
#include "owner/table/rescueentry.h"
#include "volume/imagepolicy.h"

/* Of a guest's memory, what is left to a key derivation in the initramfs: an estimate. */
#define MEMORY_SHARE_NUM 3
#define MEMORY_SHARE_DEN 4

struct options {
	struct target_options target;
	const char *table, *memory;
	uint64_t memory_kib;
	bool json;
};

static int parse_size(const char *text, uint64_t *ret_kib)
{
	static const struct {
		const char *unit;
		uint64_t kib;
	} units[] = { { "K", 1 }, { "M", 1024 }, { "G", 1024 * 1024 } };
	size_t len = strspn(text, "0123456789"), i;
	char number[20];
	uint64_t n;

	if (len == 0 || len >= sizeof(number))
		return -EINVAL;
	memcpy(number, text, len);
	number[len] = '\0';
	for (i = 0; i < ARRAY_SIZE(units); i++)
		if (strcmp(text + len, units[i].unit) == 0 &&
		    text_u64(number, UINT64_MAX / units[i].kib / MEMORY_SHARE_NUM, &n) == 0) {
			*ret_kib = n * units[i].kib / MEMORY_SHARE_DEN * MEMORY_SHARE_NUM;
			return 0;
		}
	return -EINVAL;
}

static void add(struct json_object *obj, const char *key, const char *value)
{
	json_object_object_add(obj, key, json_object_new_string(value));
}

/* Can an answer of the owner carry a secret into a guest that has failed? Warns of what is half
 * there. To unlock, the guest demands that the volume is pinned. */
static bool can_rescue(const struct options *o, const struct secret *bytes, const struct conf *conf,
		       const struct pins *pins)
{
	_cleanup_free_ struct table *table = malloc(sizeof(*table));
	struct table_flaw flaw;

	if (!table || table_parse(bytes, table, &flaw) < 0)
		return false;
	cmd_warn_rescue(o->table, table, conf, !o->target.config);
	if (!rescueentry_serves(table, conf))
		return false;
	if (pins && (pins->nr_headers > 0 || pins->has_volume_key || pins->has_fixated_key))
		return true;
	cmd_warn("%s: neither header nor volume key is pinned, so that a rescue opens no disk with "
		 "the secret of an answer (coco-secret pin)",
		 o->table);
	return false;
}

static void print_json(const struct volume_conf *vc, const struct examined *e, bool pinned,
		       bool rescue, const struct fault *f)
{
	struct json_object *obj = json_object_new_object();
	bool opened = f->code == EXITCODE_OK;

	add(obj, "result", opened ? "ok" : "failed");
	json_object_object_add(obj, "code", json_object_new_int((int)f->code));
	add(obj, "name", exitcode_name(f->code));
	add(obj, "reason", f->why);
	add(obj, "next", fault_next(f));
	add(obj, "volume", vc->name);
	add(obj, "secret", vc->secret.guid);
	add(obj, "uuid", e->verdict.uuid);
	add(obj, "cipher", e->verdict.cipher);
	add(obj, "header", e->rule);
	json_object_object_add(obj, "keyslot",
			       json_object_new_int(opened ? e->volume.keyslot : -1));
	add(obj, "form", opened ? volume_form_name(e->volume.form) : "");
	json_object_object_add(obj, "pinned", json_object_new_boolean(pinned));
	json_object_object_add(obj, "rescue", json_object_new_boolean(rescue));
	printf("%s\n", json_object_to_json_string_ext(obj, JSON_C_TO_STRING_PLAIN |
								   JSON_C_TO_STRING_NOSLASHESCAPE));
	json_object_put(obj);
}

/* Where there is an image's policy, it is said which of the two pins what. */
static const char *whose(const struct target *t, enum pin_origin origin)
{
	return t->image_policy.present ? pin_origin_name(origin) : "";
}

static void print_pins(const struct target *t, const struct pins *pins, bool is_root)
{
	const char *comma = t->image_policy.present ? ", " : "";

	if (!pins) {
		printf("pins     none: the table's policy entry does not name the volume%s\n",
		       *comma ? ", nor does the image's policy" : "");
		return;
	}
	if (pins->nr_headers > 0)
		printf("pin      header: one of %zu matches%s%s\n", pins->nr_headers, comma,
		       whose(t, pins->headers_of));
	if (pins->uuid[0])
		printf("pin      uuid: %s%s%s\n", pins->uuid, comma, whose(t, pins->uuid_of));
	if (pins->has_volume_key)
		printf("pin      volume key: matches%s%s\n", comma, whose(t, pins->volume_key_of));
	else if (pins->has_fixated_key)
		printf("pin      volume key: matches%s%s\n", comma, whose(t, pins->fixated_key_of));
	if (pins->has_min_generation)
		printf("pin      generation: at least %llu; only the guest can look at it%s\n",
		       (unsigned long long)pins->min_generation,
		       is_root ? "" : ", and only if the root lies on this volume, too");
}

static void print_text(const struct target *t, const struct examined *e, const struct pins *pins,
		       bool is_root, const struct fault *f)
{
	const struct volume_conf *vc = t->vc;

	if (e->rule[0])
		printf("header   %s%s\n",
		       f->code == EXITCODE_HEADER_REFUSED ? "breaks the rule " : "", e->rule);
	if (f->code == EXITCODE_OK) {
		print_pins(t, pins, is_root);
		printf("secret   entry %s opens keyslot %d (%s)\n", vc->secret.guid,
		       e->volume.keyslot, volume_form_name(e->volume.form));
		printf("boot     opens volume %s, uuid %s, %s\n", vc->name, e->verdict.uuid,
		       e->verdict.cipher);
		return;
	}
	printf("boot     FAILED code=%d name=%s reason=\"%s\" next=\"%s\"\n", (int)f->code,
	       exitcode_name(f->code), f->why, fault_next(f));
}

/* Of a table that does not pin the header: pin, unless a crash has torn that. */
static void add_pin(const struct target *t, const char *table, bool mended, struct fault *f)
{
	char command[FAULT_NEXT_MAX - 128];

	sides_command(command, sizeof(command), t,
		      mended ? SIDES_WORDS("repair", NULL) : SIDES_WORDS("pin", NULL),
		      mended ? NULL : table, NULL, SIDES_WORDS(NULL));
	(void)snprintf(f->next, sizeof(f->next), "%s%s",
		       mended ? "" :
		       f->code == EXITCODE_POLICY_MISSING ?
				"every volume of cocotab has to be pinned; for this one: " :
				"give the disk that the table pins; if it was you who changed its "
				"header, pin it anew: ",
		       command); /* fits */
}

/* A boot knows no way out of a header that it refuses; the verbs that change one do. */
static void add_way(const struct target *t, const char *table, struct fault *f)
{
	_cleanup_(luksheader_done) struct luksheader header = LUKSHEADER_NULL;
	struct fault refused = { 0 };
	bool pins = f->code == EXITCODE_PIN_MISMATCH || f->code == EXITCODE_POLICY_MISSING;
	int r;

	if (!pins && f->code != EXITCODE_NOT_LUKS2 && f->code != EXITCODE_HEADER_REFUSED)
		return;
	if (f->code == EXITCODE_PIN_MISMATCH && *f->next)
		return; /* of the image, which says how */
	r = luksheader_take(&t->image, &t->conf, t->vc, &header, &refused);
	if (r >= 0 && (header.mended || (pins && strcmp(table, "-") != 0)))
		add_pin(t, table, header.mended, f);
	else if (r < 0 && !pins && *refused.next)
		(void)snprintf(f->next, sizeof(f->next), "%s", refused.next); /* of the same size */
}

/* What the image pins and a rotation would break; also where this table fits it. */
static void warn_headers(const struct target *t)
{
	char doubt[WARNING_MAX];
	size_t n;

	for (n = 0; image_policy_doubt(&t->image_policy, &t->conf, n, doubt, sizeof(doubt)); n++)
		cmd_warn("%s: %s", t->o->config, doubt);
}

static int verify(const struct options *o)
{
	_cleanup_(examined_done) struct examined examined = EXAMINED_NULL;
	_cleanup_secret_ struct secret table = SECRET_NULL;
	_cleanup_free_ struct policy_entry *policy = calloc(1, sizeof(*policy));
	_cleanup_(target_done) struct target t = TARGET_NULL;
	enum codec format;
	struct fault f = { 0 };
	const struct pins *pins;
	bool rescue;
	size_t i = 0;
	int r;

	r = policy ? secret_init(&table, &f) :
		     fault_io(&f, "memory", -ENOMEM, "no room for a policy entry");
	if (r < 0) {
		(void)cmd_fail(&f);
		return EXITCODE_NO_MEMORY;
	}
	if (guestconf_load(o->target.config, o->target.volume, &t.conf, &i, &f) < 0 ||
	    guestconf_policy(o->target.config, &t.conf, &t.image_policy, &f) < 0) {
		(void)cmd_fail(&f);
		return f.code == EXITCODE_USAGE ? EXITCODE_USAGE : EXITCODE_CONFIG;
	}
	if (file_read_encoded(o->table, &table, &format, &f) < 0) {
		(void)cmd_fail(&f);
		return EXITCODE_NO_SECRET_TABLE;
	}
	t.o = &o->target;
	t.vc = &t.conf.volumes[i];
	r = image_open(o->target.disk, false, &t.image, &f);
	if (r < 0) {
		(void)cmd_fail(&f);
		return r == -EBUSY ? EXITCODE_BUSY : EXITCODE_NO_DEVICE;
	}
	if (forecast_check_limit(&t.image, &f) < 0) {
		(void)cmd_fail(&f);
		return EXITCODE_NO_DEVICE;
	}
	warn_headers(&t);
	(void)forecast(&t.conf, i, &t.image_policy, &table, &t.image, o->memory_kib, policy,
		       &examined, &f);
	add_way(&t, o->table, &f);
	target_explain_policy(&t, &f);
	pins = policy_entry_pins(policy, t.vc->name);
	rescue = can_rescue(o, &table, &t.conf, pins);
	if (o->json)
		print_json(t.vc, &examined, pins != NULL, rescue, &f);
	else
		print_text(&t, &examined, pins, i == t.conf.root_volume, &f);
	if (rescue && !o->json)
		printf("rescue   if a boot fails, an answer can carry a secret: coco-secret answer\n");
	if (cmd_finish() != OUTCOME_OK)
		return EXITCODE_INTERNAL;
	return (int)f.code;
}

static int run_verify(int argc, char **argv)
{
	struct options o = { .memory_kib = VOLUME_MEMORY_UNKNOWN };
	char **operands;
	int nr = cmd_options(&cmd_verify, argc, argv, &o, &operands);

	if (nr < 0)
		return -nr;
	if (o.memory && parse_size(o.memory, &o.memory_kib) < 0)
		return cmd_usage(&cmd_verify, "--memory takes a size such as 512M");
	if (nr != 2)
		return cmd_usage(&cmd_verify, "it takes a disk and a table");
	o.target.disk = operands[0];
	o.table = operands[1];
	return verify(&o);
}

/* clang-format off */
static const struct option_row verify_options[] = {
	TARGET_LOOK,
	OPTION_OPERAND("TABLE", OPTION_USE_READ, "the secret table: binary, base64 or hexadecimal"),
	TARGET_OPTIONS(struct options, target),
	OPTION_TEXT(0, "memory", "SIZE", struct options, memory,
		    "of the guest, such as 512M: is it enough for the keyslot?"),
	OPTION_FLAG("json", struct options, json, "one line of JSON"),
	{ 0 },
};
/* clang-format on */

const struct cmd cmd_verify = {
	.name = "verify",
	.args = "DISK TABLE [--config DIR] [--volume NAME] [--memory SIZE] [--json]",
	.help = "say what a boot with this disk and this table would say",
	.options = verify_options,
	.notes =
		"The exit code is that of the boot: see coco-unlock(8). Not decided here: the kernel,\n"
		"its modules and its command line, the firmware, and the root's generation.\n",
	.run = run_verify,
};
