/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * cmd_recovery.c - adds a keyslot for a person: a key that can be read out and typed.
 */
#include "cmd.h"

#include <string.h>
#include <unistd.h>

#include "forecast.h"
#include "guestconf.h"
#include "passphrase.h"
#include "pinnedtable.h"

struct options {
	const char *disk, *key_file, *table, *config, *volume;
};

struct recovery {
	const struct options *o;
	struct conf conf;
	size_t volume;
	struct image image;
	struct luksheader header;
	struct secret old, recovery, key, table;
	struct policy_entry policy;
};

static int as_failure(int r, const struct fault *fault, const struct recovery *v,
		      struct failure *f)
{
	return r < 0 ? forecast_failure(fault, v->o->disk, f) : r;
}

/* With a table, its secret opens the disk; else a file or the person at the terminal. */
static int get_old(struct recovery *v, struct failure *f)
{
	struct fault fault = { 0 };
	int r;

	if (v->o->table) {
		r = secret_init(&v->table);
		if (r < 0)
			return failure_io(f, "memory", -r, "no locked memory for a secret");
		r = pinnedtable_read(v->o->table, &v->conf, &v->table, &v->policy, f);
		return r < 0 ? r : pinnedtable_get(v->o->table, &v->table,
						   v->conf.volumes[v->volume].guid, &v->old, f);
	}
	if (!v->o->key_file)
		return as_failure(passphrase_from_terminal("Passphrase of the disk", &v->old,
							   &fault), &fault, v, f);
	r = secret_init(&v->old);
	if (r < 0)
		return failure_io(f, "memory", -r, "no locked memory for a secret");
	return blob_read_secret(v->o->key_file, &v->old, f);
}

/* A new keyslot changes the header: the table must pin it, before the disk has it. */
static int repin(struct recovery *v, struct failure *f)
{
	struct pins *pins;
	int r;

	if (!v->o->table || !policy_entry_pins(&v->policy, v->conf.volumes[v->volume].name))
		return 0;
	pins = pinnedtable_pins(&v->policy, v->conf.volumes[v->volume].name);
	if (pins->nr_headers == 0)
		return 0;
	r = pinnedtable_pin_header(pins, &v->header, f);
	if (r >= 0)
		r = pinnedtable_set_policy(&v->table, &v->policy, f);
	return r < 0 ? r : pinnedtable_write(v->o->table, &v->table, BLOB_BINARY, true, f);
}

static int add(struct recovery *v, struct failure *f)
{
	const struct volume_conf *vc;
	struct fault fault = { 0 };
	int r, slot;

	r = guestconf_load(v->o->config, v->o->volume, &v->conf, &v->volume, f);
	if (r < 0)
		return r;
	vc = &v->conf.volumes[v->volume];
	r = image_open(v->o->disk, true, &v->image, &fault);
	if (r >= 0)
		r = luksheader_take(&v->image, &v->conf, vc, &v->header, &fault);
	if (r < 0)
		return as_failure(r, &fault, v, f);
	r = get_old(v, f);
	if (r < 0)
		return r;
	r = luksheader_open(&v->header, &v->old, &v->key, &fault);
	if (r >= 0)
		r = passphrase_generate_recovery(&v->recovery, &fault);
	/* 128 bits of entropy: a costly derivation would add nothing. */
	if (r >= 0)
		r = luksheader_add(&v->header, &v->key, &v->recovery, LUKSHEADER_KDF_MINIMAL,
				   &fault);
	if (r < 0)
		return as_failure(r, &fault, v, f);
	slot = r;
	r = repin(v, f);
	if (r >= 0)
		r = as_failure(luksheader_put(&v->header, &fault), &fault, v, f);
	return r < 0 ? r : slot;
}

static void show(const struct recovery *v, int slot)
{
	printf("%s: keyslot %d opens with this recovery key, which is shown only now:\n\n    ",
	       v->o->disk, slot);
	(void)passphrase_print(&v->recovery, stdout); /* cmd_finish() looks at the stream */
	printf("\n\nType it with its dashes, in the rescue mode or into cryptsetup open.\n");
	if (v->o->table)
		printf("%s: pins the new header, too\n", v->o->table);
	else
		printf("A table that pins the header no longer matches: run this with --table.\n");
}

static int recovery(const struct options *o)
{
	struct recovery v = { .o = o, .image = IMAGE_NULL, .header = LUKSHEADER_NULL };
	static char buffer[512];
	struct failure f = { 0 };
	int r;

	(void)setvbuf(stdout, buffer, _IOFBF, sizeof(buffer)); /* wiped below */
	r = add(&v, &f);
	if (r >= 0)
		show(&v, r);
	luksheader_done(&v.header);
	image_done(&v.image);
	secret_done(&v.old);
	secret_done(&v.recovery);
	secret_done(&v.key);
	secret_done(&v.table);
	if (r < 0)
		return cmd_fail(&f);
	r = cmd_finish();
	explicit_bzero(buffer, sizeof(buffer));
	return r;
}

static int run_recovery(int argc, char **argv)
{
	static const struct option options[] = {
		{ "key-file", required_argument, NULL, 'k' },
		{ "table", required_argument, NULL, 't' },
		{ "config", required_argument, NULL, 'c' },
		{ "volume", required_argument, NULL, 'v' },
		{ 0 },
	};
	struct options o = { 0 };
	int c;

	while ((c = getopt_long(argc, argv, ":", options, NULL)) != -1) {
		switch (c) {
		case 'k':
			o.key_file = optarg;
			break;
		case 't':
			o.table = optarg;
			break;
		case 'c':
			o.config = optarg;
			break;
		case 'v':
			o.volume = optarg;
			break;
		default:
			return cmd_bad_option(&cmd_recovery, argv);
		}
	}
	if (argc - optind != 1 || (o.key_file && o.table))
		return cmd_usage(&cmd_recovery, "it takes one disk, and --key-file or --table");
	o.disk = argv[optind];
	return recovery(&o);
}

const struct cmd cmd_recovery = {
	.name = "recovery",
	.args = "DISK [--table TABLE | --key-file FILE] [--config DIR] [--volume NAME]",
	.help = "add a keyslot with a key that a person can read out and type",
	.details =
		"  DISK            encrypted disk: file or block device, or IMAGE#PARTITION\n"
		"  --table TABLE   its secret opens the disk, and it gets a pin of the new header\n"
		"  --key-file F    a passphrase that opens the disk; without both, it is asked for\n"
		"  --config DIR    the guest's root directory, whose /etc/coco-unlock counts\n"
		"  --volume NAME   the volume of cocotab that DISK is; root without a configuration\n\n"
		"The key is printed once, on standard output: 34 letters in groups, the last two\n"
		"a checksum.\n",
	.run = run_recovery,
};
