/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * cmd_packet.c - seals a secret table for one guest that has been measured.
 */
#include "owner/cmd.h"

#include <json-c/json.h>
#include <limits.h>
#include <string.h>
#include <sys/random.h>

#include "owner/io/file.h"
#include "owner/io/shell.h"
#include "owner/launch/firmware.h"
#include "owner/launch/options.h"
#include "owner/launch/packet.h"
#include "owner/plan/guestconf.h"
#include "owner/table/policytext.h"

#define NR_FILES 4

struct options {
	struct launch_options launch;
	const char *tek, *output, *domain, *table, *config;
	bool force, json, skip;
	struct digest measurement; /* verified, or not: skip */
};

/* Returns an enum outcome. */
static int parse_options(int argc, char **argv, struct options *o)
{
	char **operands;
	int nr = cmd_options(&cmd_packet, argc, argv, o, &operands);
	struct fault f = { 0 };

	if (nr < 0)
		return -nr;
	if (nr != 1)
		return cmd_usage(&cmd_packet, "it needs one table");
	o->table = operands[0];
	if (!o->output || !o->tek || !o->launch.tik || !o->launch.blob)
		return cmd_usage(&cmd_packet,
				 "it needs -o PREFIX, --tik, --tek and --launch-measure-blob");
	if (o->launch.nonce)
		return cmd_usage(&cmd_packet, "the nonce is in the launch measure blob");
	return launch_options_take(&o->launch, &f) < 0 ? cmd_fail(&f) : OUTCOME_OK;
}

/* Sets o->measurement, if it is what it must be. */
static int verify(struct options *o, const struct secret *tik, const struct secret *tek,
		  struct fault *f)
{
	const struct launch_platform *platform = &o->launch.platform;
	unsigned char blob[LAUNCH_BLOB_SIZE];
	struct digest digest;
	int r = file_value(o->launch.blob, blob, sizeof(blob), f);

	if (r < 0)
		return r;
	memcpy(o->measurement.octets, blob, DIGEST_SIZE);
	if (o->skip) {
		cmd_warn("the measurement is not checked: whatever guest the host has started gets "
			 "the secret, and the host may read it there");
		return 0;
	}
	r = launch_options_check(&o->launch, f);
	if (r >= 0)
		r = launch_options_digest(&o->launch, &digest, f);
	if (r < 0)
		return r;
	if (!(platform->policy & LAUNCH_POLICY_NODBG))
		cmd_warn("policy 0x%x lets the host read the guest's memory (bit 0 is not set)",
			 platform->policy);
	r = launch_check(tik, platform, &digest, blob);
	if (r >= 0)
		return 0;
	if (r == -EPERM && launch_check(tek, platform, &digest, blob) >= 0)
		return fault_about(f, EXITCODE_REFUSED, o->launch.tik, "swap --tik and --tek",
				   "it is not the TIK: the measurement verifies with the other key");
	return fault_about(f, EXITCODE_REFUSED, "measurement",
			   "give this guest no secret; compare all inputs with the host's",
			   "it is not the expected one: the host has started another guest, or "
			   "firmware, kernel, policy, API version, build or TIK differ");
}

static int read_keys(const struct options *o, struct secret *tik, struct secret *tek,
		     struct fault *f)
{
	int r = secret_init(tik, f);

	if (r >= 0)
		r = secret_init(tek, f);
	if (r >= 0)
		r = launch_key_read(o->launch.tik, "TIK", tik, f);
	if (r >= 0)
		r = launch_key_read(o->tek, "TEK", tek, f);
	if (r < 0)
		return r;
	if (memcmp(tik->bytes, tek->bytes, LAUNCH_KEY_SIZE) == 0)
		return fault_about(f, EXITCODE_REFUSED, o->tek, "give the TEK",
				   "it is the same key as the TIK");
	return 0;
}

/* What a boot would stop at is not sealed, if it is in the table; what is missing may be meant. */
static int check_content(const struct options *o, const struct secret *bytes,
			 const struct table *table, struct fault *f)
{
	_cleanup_free_ struct policy_entry *policy = malloc(sizeof(*policy));
	_cleanup_free_ struct conf *conf = malloc(sizeof(*conf));
	int r = policy && conf ? guestconf_read(o->config, conf, f) :
				 fault_io(f, o->table, -ENOMEM, "cannot read");

	if (r >= 0)
		r = policytext_read(o->table, bytes, table, o->config ? conf : NULL, policy, f);
	if (r < 0)
		return r;
	cmd_warn_missing(o->table, table, conf, !o->config);
	cmd_warn_rescue(o->table, table, conf, !o->config);
	return 0;
}

/* Reads the table, checks that it fits, and pads it. */
static int read_table(const struct options *o, struct secret *bytes, struct fault *f)
{
	_cleanup_free_ struct table *table = malloc(sizeof(*table));
	size_t area = TABLE_AREA_SIZE;
	enum codec format;
	int r = table ? secret_init(bytes, f) : fault_io(f, o->table, -ENOMEM, "cannot read");

	if (r < 0)
		return r;
	r = file_read_encoded(o->table, bytes, &format, f);
	if (r >= 0)
		r = table_check(o->table, bytes, table, f);
	if (r >= 0 && o->launch.inputs.firmware)
		r = firmware_secret_area(o->launch.inputs.firmware, &area, f);
	if (r < 0)
		return r;
	r = check_content(o, bytes, table, f);
	if (r < 0)
		return r;
	bytes->len = table->len;
	r = table_fits(o->table, bytes, area, f);
	table_pad(bytes);
	return r;
}

static const struct {
	const char *suffix;
	bool header;
	enum codec format;
} outputs[NR_FILES] = {
	{ ".header.bin", true, CODEC_BINARY },
	{ ".header.base64", true, CODEC_BASE64 },
	{ ".secret.bin", false, CODEC_BINARY },
	{ ".secret.base64", false, CODEC_BASE64 },
};

static int write_packet(const struct options *o, const struct packet *packet, struct fault *f)
{
	struct file_out files[NR_FILES] = { FILE_OUT_NULL, FILE_OUT_NULL, FILE_OUT_NULL,
					    FILE_OUT_NULL };
	size_t i;
	int r = 0;

	for (i = 0; i < NR_FILES && r >= 0; i++) {
		_cleanup_free_ char *path = NULL;

		if (asprintf(&path, "%s%s", o->output, outputs[i].suffix) < 0) {
			path = NULL;
			r = fault_io(f, o->output, -ENOMEM, "cannot write");
			break;
		}
		r = file_out_create(path, o->force, &files[i], f);
		if (r >= 0)
			r = file_out_put(&files[i], outputs[i].format,
					 outputs[i].header ? packet->header : packet->payload,
					 outputs[i].header ? PACKET_HEADER_SIZE : packet->len, f);
	}
	if (r >= 0)
		r = file_out_commit(files, NR_FILES, f);
	for (i = 0; i < NR_FILES; i++)
		file_out_done(&files[i]);
	return r;
}

static struct json_object *qmp_command(const struct packet *packet)
{
	struct json_object *command = json_object_new_object();
	struct json_object *arguments = json_object_new_object();
	_cleanup_free_ char *payload = malloc(codec_text_len(CODEC_BASE64, packet->len) + 1);
	char header[2 * PACKET_HEADER_SIZE];

	if (payload)
		codec_text(CODEC_BASE64, packet->payload, packet->len, payload);
	codec_text(CODEC_BASE64, packet->header, PACKET_HEADER_SIZE, header);
	json_object_object_add(arguments, "packet-header", json_object_new_string(header));
	json_object_object_add(arguments, "secret",
			       payload ? json_object_new_string(payload) : NULL);
	json_object_object_add(command, "execute",
			       json_object_new_string("sev-inject-launch-secret"));
	json_object_object_add(command, "arguments", arguments);
	return command;
}

static void print_json(const struct options *o, struct json_object *command)
{
	struct json_object *object = json_object_new_object();
	size_t i;

	json_object_object_add(object, "measurement_verified", json_object_new_boolean(!o->skip));
	for (i = 0; i < NR_FILES; i++) {
		char path[4096], key[32];

		(void)snprintf(path, sizeof(path), "%s%s", o->output, outputs[i].suffix);
		(void)snprintf(key, sizeof(key), "%s_%s", outputs[i].header ? "header" : "secret",
			       outputs[i].format == CODEC_BINARY ? "binary" : "base64");
		json_object_object_add(object, key, json_object_new_string(path));
	}
	json_object_object_add(object, "qmp", json_object_get(command));
	puts(json_object_to_json_string_ext(object, JSON_C_TO_STRING_PRETTY |
							    JSON_C_TO_STRING_NOSLASHESCAPE));
	json_object_put(object);
}

/* Lines for a shell. Without --domain the name is left to a variable. */
static void print_virsh(const struct options *o, const char *header, const char *secret)
{
	static const char any[] = " --domain \"$DOMAIN\"";
	const char *domain = o->domain ? o->domain : "";

	printf("\nOr by libvirt%s:\nvirsh domsetlaunchsecstate", o->domain ? "" : ", as DOMAIN");
	if (o->domain) {
		printf(" ");
		shell_print(stdout, (const char *const[]){ "--domain", domain, NULL });
	}
	printf("%s ", o->domain ? "" : any);
	shell_print(stdout,
		    (const char *const[]){ "--secrethdr", header, "--secret", secret, NULL });
	printf("\nvirsh resume");
	if (o->domain) {
		printf(" ");
		shell_print(stdout, (const char *const[]){ "--domain", domain, NULL });
	}
	printf("%s\n", o->domain ? "" : any);
}

static int print(const struct options *o, const struct packet *packet)
{
	char header[PATH_MAX], secret[PATH_MAX], header_buf[PATH_MAX], secret_buf[PATH_MAX];
	struct json_object *command = qmp_command(packet);

	/* They fit: the files are there. */
	(void)snprintf(header, sizeof(header), "%s.header.base64", o->output);
	(void)snprintf(secret, sizeof(secret), "%s.secret.base64", o->output);
	if (o->json) {
		print_json(o, command);
	} else {
		printf("measurement  %s\npacket       %s, %s, and as .bin\n\n"
		       "For the guest that waits, started with -S, by QMP:\n"
		       "{\"execute\":\"qmp_capabilities\"}\n%s\n{\"execute\":\"cont\"}\n",
		       o->skip ? "NOT CHECKED" : "as expected", header, secret,
		       json_object_to_json_string_ext(command, JSON_C_TO_STRING_NOSLASHESCAPE));
		print_virsh(o, shell_file(header_buf, sizeof(header_buf), header),
			    shell_file(secret_buf, sizeof(secret_buf), secret));
	}
	json_object_put(command);
	return cmd_finish();
}

static int seal(struct options *o, struct packet *packet, struct fault *f)
{
	_cleanup_secret_ struct secret tik = SECRET_NULL, tek = SECRET_NULL, table = SECRET_NULL;
	unsigned char iv[PACKET_IV_SIZE];
	int r = read_keys(o, &tik, &tek, f);

	if (r >= 0)
		r = verify(o, &tik, &tek, f);
	if (r >= 0)
		r = read_table(o, &table, f);
	if (r < 0)
		return r;
	if (getrandom(iv, sizeof(iv), 0) != sizeof(iv))
		return fault_io(f, "getrandom", -errno, "no random numbers");
	r = packet_seal(&table, &tik, &tek, &o->measurement, iv, packet);
	return r < 0 ? fault_io(f, "libcrypto", r, "cannot seal") : 0;
}

static int run_packet(int argc, char **argv)
{
	_cleanup_free_ struct packet *packet = calloc(1, sizeof(*packet));
	struct fault f = { 0 };
	struct options o = { 0 };
	int r = parse_options(argc, argv, &o);

	if (r != OUTCOME_OK)
		return r;
	if (!packet) {
		(void)fault_io(&f, "packet", -ENOMEM, "cannot seal");
		return cmd_fail(&f);
	}
	r = seal(&o, packet, &f);
	if (r >= 0)
		r = write_packet(&o, packet, &f);
	return r < 0 ? cmd_fail(&f) : print(&o, packet);
}

/* clang-format off */
static const struct option_row packet_options[] = {
	OPTION_OPERAND("TABLE", OPTION_USE_READ, NULL),
	LAUNCH_OPTIONS(struct options, launch),
	/* Not shown: it is refused with a reason. */
	OPTION_TEXT(0, "nonce", "N", struct options, launch.nonce, NULL),
	OPTION_FILE(0, "tek", "FILE", struct options, tek, OPTION_USE_READ,
		    "the transport encryption key, 16 bytes"),
	OPTION_TEXT('o', "output", "PREFIX", struct options, output,
		    "beginning of the files' names"),
	OPTION_TEXT(0, "config", "DIR", struct options, config,
		    "the guest's root directory: are the entries there that its cocotab names?"),
	OPTION_TEXT(0, "domain", "NAME", struct options, domain,
		    "libvirt's name of the guest, for the printed command"),
	OPTION_FLAG("force", struct options, force, "replace the files"),
	OPTION_FLAG("json", struct options, json, "print as JSON"),
	OPTION_FLAG("insecure-skip-measurement", struct options, skip,
		    "seal without a check: any guest that the host has started gets the secret. For tests only"),
	{ 0 },
};
/* clang-format on */

/* The files that are written have PREFIX before their names. */
static int packet_files(struct files *files, const void *values, int nr, char **operands,
			struct fault *f)
{
	static const struct option_row row = { .use = OPTION_USE_WRITE, .name = "output" };
	const struct options *o = values;
	char path[PATH_MAX];
	size_t i;
	int r = 0;

	(void)nr, (void)operands; /* a row names them */
	if (o->output && strcmp(o->output, "-") == 0)
		return fault_about(f, EXITCODE_USAGE, "--output",
				   "give a prefix; ./- is one that is called so",
				   "'-' is standard output, and these are %d files", NR_FILES);
	if (o->launch.inputs.firmware && strcmp(o->launch.inputs.firmware, "-") == 0)
		return fault_about(f, EXITCODE_USAGE, "--firmware",
				   "give a file; ./- is one that is called so",
				   "'-' is standard input, and the firmware is read twice");
	for (i = 0; i < NR_FILES && o->output && r >= 0; i++)
		if (snprintf(path, sizeof(path), "%s%s", o->output, outputs[i].suffix) <
		    (int)sizeof(path))
			r = files_add(files, &row, row.name, path, f);
	return r;
}

const struct cmd cmd_packet = {
	.name = "packet",
	.args = "-o PREFIX --tik FILE --tek FILE --launch-measure-blob B [OPTION...] TABLE",
	.help = "check the measurement of a guest, then seal a secret table for it",
	.intro = "Writes PREFIX.header.bin, PREFIX.secret.bin and both as .base64, and prints the\n"
		 "commands that hand them to the guest.\n",
	.options = packet_options,
	.notes = "D and B are given in hex, in base64, or as a file. With --expected-digest,\n"
		 "--firmware only says how much room the table has.\n",
	.files = packet_files,
	.run = run_packet,
};
