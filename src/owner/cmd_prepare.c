/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * cmd_prepare.c - makes an encrypted disk ready for its guest: a secret of its own, the pins,
 * the secret table. The old passphrase keeps opening the disk until the very end.
 */
#include "owner/cmd.h"

#include <limits.h>
#include <string.h>
#include <unistd.h>

#include "base/paths.h"
#include "owner/io/file.h"
#include "owner/io/passphrase.h"
#include "owner/io/shell.h"
#include "owner/plan/pinned.h"
#include "owner/plan/target.h"
#include "rescue/keys.h"

struct options {
	struct target_options target;
	const char *out, *key_file, *secret;
	bool grub, remove_old, force, rescue;
};

struct prepare {
	const struct options *o;
	struct target target;
	struct secret old, new, key, table, rescue;
	struct policy_entry policy;
	struct pins *pins;
	int old_slot, new_slot;
	bool written; /* the table: from then on it is replaced */
};

static int get_old(struct prepare *p, struct fault *f)
{
	int r;

	if (!p->o->key_file)
		return passphrase_from_terminal("Passphrase of the disk", PASSPHRASE_KEY_FILE,
						&p->old, f);
	r = secret_init(&p->old, f);
	if (r >= 0)
		r = file_read_secret(p->o->key_file, &p->old, f);
	if (r >= 0)
		cmd_warn_secret(p->o->key_file, &p->old);
	return r;
}

static int get_new(struct prepare *p, struct fault *f)
{
	int r;

	if (!p->o->secret)
		return passphrase_generate(p->o->grub, &p->new, f);
	r = secret_init(&p->new, f);
	if (r >= 0)
		r = file_read_secret(p->o->secret, &p->new, f);
	if (r < 0)
		return r;
	cmd_warn_secret(p->o->secret, &p->new);
	if (p->new.len == 0)
		return fault_about(f, EXITCODE_BAD_INPUT, p->o->secret, "put the secret into it",
				   "it is empty");
	if (!p->o->grub)
		return 0;
	if (passphrase_append_nul(&p->new) < 0)
		return fault_about(f, EXITCODE_BAD_INPUT, p->o->secret,
				   "use text, or omit --secret",
				   "GRUB would cut it at the first NUL byte");
	return 0;
}

/* Everything that can be refused, before anything is written. */
static int open_all(struct prepare *p, struct fault *f)
{
	int r;

	r = target_open(&p->target, &p->o->target, true, f);
	if (r < 0)
		return r;
	r = get_old(p, f);
	if (r >= 0)
		r = get_new(p, f);
	if (r >= 0 && p->o->rescue)
		r = passphrase_random(RESCUE_ENTRY_SIZE, &p->rescue, f);
	if (r < 0)
		return r;
	p->old_slot = luksheader_open(&p->target.header, &p->old, &p->key, f);
	return p->old_slot;
}

/* Before the disk is asked for its passphrase. */
static int check_output(const struct prepare *p, struct fault *f)
{
	const struct options *o = p->o;

	if (!o->force && access(o->out, F_OK) == 0)
		return fault_about(f, EXITCODE_REFUSED, o->out,
				   "choose another name, or --force to replace it", "it exists");
	return 0;
}

static int write_table(struct prepare *p, struct fault *f)
{
	int r;

	table_start(&p->table);
	r = pinnedtable_set(&p->table, p->target.vc->secret.guid, &p->new, "the volume's secret",
			    f);
	if (r >= 0)
		r = pinnedtable_set_policy(&p->table, &p->policy, f);
	if (r >= 0 && p->o->rescue)
		r = pinnedtable_set(&p->table, GUID_RESCUE, &p->rescue, "the rescue entry", f);
	if (r >= 0)
		r = pinnedtable_write(p->o->out, &p->table, CODEC_BINARY, p->o->force || p->written,
				      f);
	if (r >= 0)
		p->written = true;
	return r;
}

/* The table first, then the disk: what is on the disk is always pinned. */
static int put(struct prepare *p, struct fault *f)
{
	int r;

	r = pinnedtable_pin_header(p->pins, &p->target.header, f);
	if (r < 0)
		return r;
	cmd_warn_image(&p->target, &p->key);
	r = write_table(p, f);
	return r < 0 ? r : target_put(&p->target, f);
}

static int add_new(struct prepare *p, struct fault *f)
{
	/* A secret of one's own may be weak; a generated one has its full entropy. */
	enum luksheader_kdf kdf = !p->o->secret ? LUKSHEADER_KDF_MINIMAL :
				  p->o->grub	? LUKSHEADER_KDF_GRUB :
						  LUKSHEADER_KDF_DEFAULT;
	struct luksheader *header = &p->target.header;
	struct secret passphrase = p->new; /* the same pages */
	int r;

	if (p->o->grub)
		passphrase.len--; /* GRUB's passphrase is what stands before the NUL */
	r = p->new_slot = target_add(&p->target, &p->key, &passphrase, kdf, p->o->key_file, f);
	if (r >= 0)
		r = luksheader_prefer(header, p->new_slot, f);
	if (r < 0)
		return r;
	p->pins = pinnedtable_pins(&p->policy, p->target.vc->name);
	r = pinnedtable_pin_identity(p->pins, header, &p->key, f);
	return r < 0 ? r : put(p, f);
}

static int remove_old(struct prepare *p, struct fault *f)
{
	int r;

	r = luksheader_remove(&p->target.header, p->old_slot, f);
	if (r >= 0)
		r = put(p, f); /* pins both headers, with and without the old keyslot */
	if (r < 0)
		return r;
	p->pins->nr_headers = 0;
	r = pinnedtable_pin_header(p->pins, &p->target.header, f);
	return r < 0 ? r : write_table(p, f);
}

/* The packet's command, with shell variables for what only the launch can tell. */
static void print_packet(const char *table)
{
	printf("Before each start of the guest, with its keys, what it is started with, and what the\n"
	       "host reports of it in these variables:\n"
	       "  coco-secret packet -o packet --tik vm_tik.bin --tek vm_tek.bin \\\n"
	       "    --launch-measure-blob \"$BLOB\" --policy \"$POLICY\" --api-major \"$MAJOR\" \\\n"
	       "    --api-minor \"$MINOR\" --build \"$BUILD\" --firmware \"$FIRMWARE\" \\\n"
	       "    --kernel \"$KERNEL\" --initrd \"$INITRD\" --append \"$APPEND\" ");
	shell_print(stdout, (const char *const[]){ table, NULL });
	printf("\nIt prints what hands the packet to the guest, by QMP and by libvirt.\n");
}

/* sevctl takes the entries from files, and writes binary ones; virsh wants base64. */
static void print_sevctl(const struct prepare *p, const char *table)
{
	const char *guid = p->target.vc->secret.guid;

	printf("With sevctl in its place, which does not check the measurement:\n  ");
	shell_print(stdout, (const char *const[]){ "coco-secret", "table", "extract", "-o",
						   "luks-key.bin", table, guid, NULL });
	printf("\n  ");
	shell_print(stdout, (const char *const[]){ "coco-secret", "table", "extract", "-o",
						   "policy.bin", table, "policy", NULL });
	if (p->o->rescue) {
		printf("\n  ");
		shell_print(stdout, (const char *const[]){ "coco-secret", "table", "extract", "-o",
							   "rescue.bin", table, "rescue", NULL });
	}
	printf("\n  sevctl secret build --tik vm_tik.bin --tek vm_tek.bin \\\n"
	       "    --launch-measure-blob \"$BLOB\" --secret %s:luks-key.bin \\\n"
	       "    --secret %s:policy.bin%s header.bin payload.bin\n"
	       "  base64 -w 0 header.bin > header.base64\n"
	       "  base64 -w 0 payload.bin > payload.base64\n"
	       "  virsh domsetlaunchsecstate --domain \"$DOMAIN\" --secrethdr header.base64 \\\n"
	       "    --secret payload.base64\n",
	       guid, GUID_POLICY, p->o->rescue ? " --secret " GUID_RESCUE ":rescue.bin" : "");
}

/* Stores a file at each broker, by Trustee's own interface for its administrator. */
static void print_store(const struct conf *conf, const char *file, const char *resource)
{
	char data[PATH_MAX + 1], url[CONF_URL_SIZE + REFERENCE_RESOURCE_SIZE + 32];
	size_t i;

	(void)snprintf(data, sizeof(data), "@%s", file); /* fits */
	for (i = 0; i < conf->kbs.nr_urls; i++) {
		const char *text = conf->kbs.urls[i].text;
		int len = (int)strlen(text);

		if (text[len - 1] == '/')
			len--;
		(void)snprintf(url, sizeof(url), "%.*s/kbs/v0/resource/%s", len, text,
			       resource); /* fits */
		printf("  curl --fail -H \"Authorization: Bearer $TOKEN\" "
		       "-H 'Content-Type: application/octet-stream' \\\n    --data-binary ");
		shell_print(stdout, (const char *const[]){ data, url, NULL });
		printf("\n");
	}
}

static void print_broker(const struct prepare *p, const char *table)
{
	const struct reference *ref = &p->target.vc->secret;
	const struct conf *conf = &p->target.conf;
	const char *resource = ref->kind == REFERENCE_RESOURCE ? ref->resource : conf->kbs.resource;

	if (conf->kbs.format == RESOURCE_TABLE) {
		printf("Before the first start of the guest, the table becomes the resource %s of the\n"
		       "key broker (Trustee); TOKEN is its administrator's:\n",
		       resource);
		print_store(conf, table, resource);
		return;
	}
	printf("Before the first start of the guest, the bare secret becomes the resource %s of\n"
	       "the key broker (Trustee); TOKEN is its administrator's. The pins belong into the image,\n"
	       "as %s:\n  ",
	       resource, PATH_POLICY);
	shell_print(stdout, (const char *const[]){ "coco-secret", "table", "extract", "-o",
						   "luks-key.bin", table, ref->guid, NULL });
	printf("\n");
	print_store(conf, "luks-key.bin", resource);
	printf("  ");
	shell_print(stdout, (const char *const[]){ "coco-secret", "table", "extract", "-o",
						   "policy", table, "policy", NULL });
	printf("\n");
}

static void print_next(const struct prepare *p)
{
	char disk_buf[PATH_MAX + 64], out_buf[PATH_MAX], dir_buf[PATH_MAX];
	const char *disk = shell_file(disk_buf, sizeof(disk_buf), p->o->target.disk);
	const char *out = shell_file(out_buf, sizeof(out_buf), p->o->out);
	const char *verify[9] = { "coco-secret", "verify", disk, out };
	size_t nr = 4;

	printf("%s: keyslot %d opens with the new secret; the old passphrase %s\n",
	       p->o->target.disk, p->new_slot,
	       p->o->remove_old ? "is gone" : "stays, in its keyslot, for recovery");
	printf("%s: secret table with the secret%s; keep it like a key\n\n", p->o->out,
	       p->o->rescue ? ", the pins and a rescue entry" : " and the pins");
	if (conf_has_source(&p->target.conf, SOURCE_KBS))
		print_broker(p, out);
	if (conf_has_source(&p->target.conf, SOURCE_EFI)) {
		print_packet(out);
		print_sevctl(p, out);
	}
	if (p->o->target.config) {
		verify[nr++] = "--config";
		verify[nr++] = shell_file(dir_buf, sizeof(dir_buf), p->o->target.config);
	}
	if (p->o->target.volume) {
		verify[nr++] = "--volume";
		verify[nr++] = p->o->target.volume;
	}
	printf("What the boot will say:\n  ");
	shell_print(stdout, verify);
	printf("\n");
}

/* The table is there: what it says of a rescue only warns. */
static void warn_rescue(const struct prepare *p)
{
	_cleanup_free_ struct table *table = malloc(sizeof(*table));
	struct fault unused = { 0 };

	if (table && table_check(p->o->out, &p->table, table, &unused) >= 0)
		cmd_warn_rescue(p->o->out, table, &p->target.conf, !p->o->target.config);
}

static void prepare_done(struct prepare *p)
{
	target_done(&p->target);
	secret_done(&p->old);
	secret_done(&p->new);
	secret_done(&p->key);
	secret_done(&p->table);
	secret_done(&p->rescue);
}

static int prepare(const struct options *o)
{
	struct prepare p = { .o = o, .target = TARGET_NULL };
	struct fault f = { 0 };
	int r;

	r = secret_init(&p.table, &f);
	if (r >= 0)
		r = open_all(&p, &f);
	if (r >= 0)
		r = check_output(&p, &f);
	if (r >= 0)
		r = add_new(&p, &f);
	if (r >= 0 && o->remove_old)
		r = remove_old(&p, &f);
	if (r >= 0) {
		warn_rescue(&p);
		print_next(&p);
	}
	prepare_done(&p);
	(void)fault_name(&f, r, o->target.disk);
	return r < 0 ? cmd_fail(&f) : cmd_finish();
}

static int run_prepare(int argc, char **argv)
{
	struct options o = { 0 };
	char **operands;
	int nr = cmd_options(&cmd_prepare, argc, argv, &o, &operands);

	if (nr < 0)
		return -nr;
	if (nr != 1 || !o.out)
		return cmd_usage(&cmd_prepare, "it takes one disk, and -o TABLE");
	o.target.disk = operands[0];
	return prepare(&o);
}

/* clang-format off */
static const struct option_row prepare_options[] = {
	TARGET_DISK,
	OPTION_FILE('o', "output", "FILE", struct options, out, OPTION_USE_WRITE,
		    "the secret table to write (0600)"),
	OPTION_FILE(0, "key-file", "FILE", struct options, key_file, OPTION_USE_READ,
		    "a passphrase that opens the disk now; without it, it is asked for"),
	OPTION_FLAG("remove-old", struct options, remove_old,
		    "remove the keyslot of that passphrase; else it stays for recovery"),
	OPTION_FLAG("grub", struct options, grub,
		    "end the table's secret with the NUL that GRUB wants; not the keyslot's"),
	OPTION_FILE(0, "secret", "FILE", struct options, secret, OPTION_USE_READ,
		    "take this secret instead of a generated one"),
	TARGET_OPTIONS(struct options, target),
	OPTION_FLAG("rescue", struct options, rescue,
		    "add a rescue entry, so that coco-secret answer can carry a secret into a failed boot"),
	OPTION_FLAG("force", struct options, force, "replace the table if there is one"),
	{ 0 },
};
/* clang-format on */

const struct cmd cmd_prepare = {
	.name = "prepare",
	.args = "DISK -o TABLE [OPTION...]",
	.help = "give a disk a secret and pins, and write the secret table",
	.options = prepare_options,
	.notes = "The disk's header must be one that the unlocker accepts. At any moment the old\n"
		 "passphrase or, with --remove-old, the new table opens the disk.\n",
	.run = run_prepare,
};
