/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * cmd_answer.c - answers the challenge of a guest that could not unlock: signed by the owner, and
 * with secrets that only this boot of this guest can open.
 * Trusts no byte of a challenge before the table's rescue entry has proved it, and shows none. What
 * nothing proves is said to be unproved, and gets no secret.
 */
#include "owner/cmd.h"

#include <string.h>
#include <unistd.h>

#include "base/text.h"
#include "conf/devicespec.h"
#include "owner/io/file.h"
#include "owner/rescue/paste.h"
#include "owner/rescue/proof.h"
#include "owner/rescue/show.h"
#include "owner/rescue/signer.h"
#include "owner/supply.h"
#include "rescue/line.h"

#define KEYSLOT_MAX 31 /* LUKS2 On-Disk Format Specification 1.1, section 3.2 */

struct options {
	const char *key, *table, *config, *challenge, *output;
	const char *volume, *secret, *device; /* of unlock, as keyslot and ask */
	struct option_number keyslot;
	bool ask, force;
	enum rescue_action action;
};

struct run {
	const struct options *o;
	FILE *report; /* for the person: not where the answer goes */
	struct file_out out;
	struct signing_key *key;
	struct proof proof;
	char text[LINE_MESSAGE_MAX];
	size_t len;
	struct challenge challenge;
	struct supply supply; /* its volume is the one that device and keyslot are about, too */
	struct answer answer;
	struct answer_secret secrets[CHALLENGE_VOLUMES_MAX];
	size_t nr_secrets;
	unsigned char message[ANSWER_SIZE_MAX];
	size_t message_len;
};

static int check_action(const struct run *run, struct fault *f)
{
	const struct challenge *c = &run->challenge;
	const char *why = run->o->action == RESCUE_UNLOCK ? c->no_secret : "";
	char next[FAULT_TEXT_MAX], actions[64];

	if (c->actions & 1U << run->o->action)
		return 0;
	(void)snprintf(next, sizeof(next), "answer with what it offers: %s",
		       show_actions(c->actions, actions, sizeof(actions))); /* fits */
	return fault_about(f, EXITCODE_REFUSED, "challenge",
			   c->actions ? next : "end the guest from its host",
			   "it does not offer %s%s%s", rescue_action_name(run->o->action),
			   *why ? ": " : "", why);
}

static int find_volume(struct run *run, struct fault *f)
{
	const struct challenge *c = &run->challenge;
	const char *name = run->o->volume;
	size_t i;

	for (i = 0; i < c->nr_volumes && !run->supply.volume; i++)
		if (name ? strcmp(c->volumes[i].name, name) == 0 :
			   c->volumes[i].failed || c->nr_volumes == 1)
			run->supply.volume = &c->volumes[i];
	if (run->supply.volume)
		return 0;
	return name ? fault_about(f, EXITCODE_REFUSED, name, "name one that the challenge shows",
				  "the guest has no volume of this name") :
		      fault_about(f, EXITCODE_USAGE, "challenge", "name a volume with --volume",
				  "it has %zu volumes, and none of them has failed", c->nr_volumes);
}

/* What goes with unlock, but for what is asked for. */
static int fill(struct run *run, struct fault *f)
{
	const struct options *o = run->o;
	struct answer *a = &run->answer;
	int r;

	*a = (struct answer){ .action = o->action, .keyslot = -1 };
	if (o->action != RESCUE_UNLOCK)
		return 0;
	r = find_volume(run, f);
	if (r < 0)
		return r;
	if (o->device)
		(void)snprintf(a->device, sizeof(a->device), "%s", o->device); /* fits */
	if (o->keyslot.given)
		a->keyslot = (int)o->keyslot.value;
	if (o->device || o->keyslot.given)
		memcpy(a->volume, run->supply.volume->name, sizeof(a->volume));
	run->nr_secrets = run->challenge.nr_volumes;
	return supply_read(&run->supply, &run->challenge, run->secrets, f);
}

/* The usual slip: the table that has failed, and not the one with the secret of the disk. */
static void warn_same(const struct run *run)
{
	const struct options *o = run->o;

	if (o->action == RESCUE_UNLOCK && run->challenge.code == EXITCODE_SECRET_REFUSED &&
	    !o->secret && !o->ask && !o->device && !o->keyslot.given)
		cmd_warn("%s: if the guest was started with this table, its secret is the one that was "
			 "refused; the table of a rotation has the same rescue entry, and another secret",
			 o->table);
}

static int make(struct run *run, struct fault *f)
{
	ssize_t len = answer_make(&run->answer, run->secrets, run->nr_secrets, run->text, run->len,
				  &run->challenge.public, &run->proof.shared, run->key,
				  run->message, sizeof(run->message), f);

	if (len < 0)
		return fault_name(f, (int)len, "answer");
	run->message_len = (size_t)len;
	return 0;
}

/* The challenge, once it is proved or said to be unproved. */
static int take_challenge(struct run *run, struct fault *f)
{
	const struct show show = { .table = run->o->table, .config = run->o->config };
	int r = paste_read(run->o->challenge, run->text, &run->len, f);

	if (r < 0)
		return r;
	if (challenge_read(run->text, run->len, &run->challenge, f) < 0) {
		(void)snprintf(f->next, sizeof(f->next),
			       "give what the guest shows; with a coco-secret of its version"); /* fits */
		return fault_name(f, -EINVAL, "challenge");
	}
	r = proof_check(&run->proof, run->text, run->len, &run->challenge, f);
	if (r >= 0)
		r = check_action(run, f);
	if (r >= 0)
		r = fill(run, f);
	if (r < 0)
		return r;
	if (!run->o->table)
		cmd_warn("nothing proves the challenge: the host may have written this");
	warn_same(run);
	show_challenge(&run->challenge, &show, run->report);
	return 0;
}

static bool is_file(const struct options *o)
{
	return o->output && strcmp(o->output, "-") != 0;
}

static int put(struct run *run, struct fault *f)
{
	char line[LINE_TEXT_SIZE];
	size_t i;
	int r = 0;

	for (i = 0; i < line_count(run->message_len) && r >= 0; i++) {
		line_text(LINE_ANSWER, run->message, run->message_len, i, line);
		text_append(line, sizeof(line), "\n");
		if (is_file(run->o))
			r = file_out_put(&run->out, CODEC_BINARY, (const unsigned char *)line,
					 strlen(line), f);
		else
			fputs(line, stdout);
	}
	return r < 0 || !is_file(run->o) ? r : file_out_commit(&run->out, 1, f);
}

static void print_result(const struct run *run)
{
	const struct options *o = run->o;
	const char *given = o->secret ? o->secret : o->ask ? "what was typed" : o->table;
	size_t i;

	fprintf(run->report, "answer     %s\n", rescue_action_name(o->action));
	for (i = 0; i < run->nr_secrets; i++)
		fprintf(run->report, "secret     of volume %s, from %s\n", run->secrets[i].volume,
			&run->challenge.volumes[i] == run->supply.volume ? given : o->table);
	if (o->device)
		fprintf(run->report, "device     %s, for volume %s\n", o->device,
			run->supply.volume->name);
	if (o->keyslot.given)
		fprintf(run->report, "keyslot    %d, for volume %s\n", run->answer.keyslot,
			run->supply.volume->name);
	if (is_file(o))
		printf("%s: the answer. Paste its lines at the guest's console, which acknowledges "
		       "each.\n",
		       o->output);
	else if (isatty(STDOUT_FILENO) == 1)
		fprintf(run->report, "Paste these lines at the guest's console, which acknowledges "
				     "each:\n");
}

/* What can fail without the challenge fails before anybody is asked to paste it. */
static int answer(struct run *run, struct fault *f)
{
	int r = 0;

	if (is_file(run->o))
		r = file_out_create(run->o->output, run->o->force, &run->out, f);
	if (r >= 0)
		r = signer_read(run->o->key, &run->key, f);
	if (r >= 0)
		r = proof_read(&run->proof, f);
	if (r >= 0)
		r = signer_check(run->key, run->o->key, &run->proof, f);
	if (r >= 0)
		r = take_challenge(run, f);
	if (r >= 0 && run->o->ask)
		r = supply_ask(&run->supply,
			       &run->secrets[run->supply.volume - run->challenge.volumes], f);
	if (r >= 0)
		r = make(run, f);
	if (r < 0)
		return r;
	print_result(run);
	return put(run, f);
}

static void run_done(struct run *run)
{
	size_t i;

	for (i = 0; i < CHALLENGE_VOLUMES_MAX; i++)
		secret_done(&run->secrets[i].secret);
	proof_done(&run->proof);
	signing_key_done(&run->key);
	file_out_done(&run->out);
	free(run);
}

/* As the guest will read it. Returns an enum outcome. */
static int check_device(const char *device)
{
	char word[ANSWER_DEVICE_SIZE];
	struct device_spec spec;
	const char *why;
	size_t i;

	for (i = 0; device[i] >= ' ' && device[i] <= '~'; i++)
		;
	if (device[i] || (size_t)snprintf(word, sizeof(word), "%s", device) >= sizeof(word))
		return cmd_usage(&cmd_answer, "--device has less than 256 letters of plain ASCII");
	if (devicespec_parse(word, &spec, &why) < 0)
		return cmd_usage(&cmd_answer, "--device is as in cocotab's second column: %s", why);
	return OUTCOME_OK;
}

/* Returns an enum outcome. */
static int parse(int argc, char **argv, struct options *o)
{
	char **operands;
	int nr = cmd_options(&cmd_answer, argc, argv, o, &operands), action;

	if (nr < 0)
		return -nr;
	if (nr < 1 || nr > 2 || !o->key)
		return cmd_usage(&cmd_answer, "it takes --key PEM, an action, and the challenge");
	action = rescue_action_from_name(operands[0]);
	if (action < 0)
		return cmd_usage(&cmd_answer, "'%s' is not unlock, fetch, reboot or poweroff",
				 operands[0]);
	o->action = (enum rescue_action)action;
	o->challenge = nr == 2 ? operands[1] : "-";
	if (o->action != RESCUE_UNLOCK &&
	    (o->volume || o->secret || o->ask || o->device || o->keyslot.given))
		return cmd_usage(&cmd_answer,
				 "--volume, --secret, --ask, --device and --keyslot go "
				 "with unlock only");
	if (o->action == RESCUE_UNLOCK && !o->table)
		return cmd_usage(&cmd_answer,
				 "unlock needs --table, whose rescue entry proves that the "
				 "guest, and not the host, has written the challenge");
	if (o->secret && o->ask)
		return cmd_usage(&cmd_answer, "one of --secret and --ask");
	return o->device ? check_device(o->device) : OUTCOME_OK;
}

static int run_answer(int argc, char **argv)
{
	struct options o = { 0 };
	struct fault f = { 0 };
	struct run *run;
	int r = parse(argc, argv, &o);

	if (r != OUTCOME_OK)
		return r;
	run = calloc(1, sizeof(*run));
	if (!run) {
		(void)fault_io(&f, "answer", -ENOMEM, "cannot make it");
		return cmd_fail(&f);
	}
	run->o = &o;
	run->proof.path = o.table;
	run->proof.config = o.config;
	run->supply = (struct supply){ .proof = &run->proof, .file = o.secret, .ask = o.ask };
	run->out = FILE_OUT_NULL;
	run->report = is_file(&o) ? stdout : stderr;
	r = answer(run, &f);
	run_done(run);
	return r < 0 ? cmd_fail(&f) : cmd_finish();
}

/* clang-format off */
static const struct option_row answer_options[] = {
	OPTION_OPERAND("ACTION", OPTION_USE_NONE, "unlock, fetch, reboot or poweroff"),
	OPTION_OPERAND("CHALLENGE", OPTION_USE_READ,
		       "what the guest's console has shown; standard input without it"),
	OPTION_FILE(0, "key", "PEM", struct options, key, OPTION_USE_READ,
		    "the private half of a RescueKey= of the guest's image"),
	OPTION_FILE(0, "table", "TABLE", struct options, table, OPTION_USE_READ,
		    "that the guest was started with: its rescue entry proves the challenge, and its secrets travel; without it, no secret can"),
	OPTION_TEXT(0, "volume", "NAME", struct options, volume,
		    "that --secret, --ask, --device and --keyslot are about; without it, the one that has failed"),
	OPTION_FILE(0, "secret", "FILE", struct options, secret, OPTION_USE_READ,
		    "its secret, a recovery key for instance, in the place of the table's"),
	OPTION_FLAG("ask", struct options, ask, "ask for that secret on the terminal"),
	OPTION_TEXT(0, "device", "SPEC", struct options, device,
		    "look for the volume there, as in cocotab's second column"),
	OPTION_NUMBER("keyslot", KEYSLOT_MAX, struct options, keyslot, "try this keyslot alone"),
	OPTION_TEXT(0, "config", "DIR", struct options, config,
		    "the guest's root directory: is it that configuration, and is the key in it?"),
	OPTION_FILE('o', "output", "FILE", struct options, output, OPTION_USE_WRITE,
		    "where the answer goes; else to standard output", .stream = true),
	OPTION_FLAG("force", struct options, force, "replace FILE"),
	{ 0 },
};
/* clang-format on */

/* Standard input may be the challenge without being named. */
static int answer_files(struct files *files, const void *values, int nr, char **operands,
			struct fault *f)
{
	static const struct option_row row = { .kind = OPTION_KIND_OPERAND,
					       .use = OPTION_USE_READ,
					       .name = "CHALLENGE" };

	(void)values, (void)operands; /* rows name them */
	return nr == 1 ? files_add(files, &row, row.name, "-", f) : 0;
}

const struct cmd cmd_answer = {
	.name = "answer",
	.args = "--key PEM [--table TABLE] [OPTION...] ACTION [CHALLENGE]",
	.help = "answer a guest that could not unlock, over a console of the host",
	.intro =
		"The guest shows a challenge; the answer is signed, and what it carries can be opened by\n"
		"that boot of that guest alone.\n",
	.options = answer_options,
	.notes =
		"The challenge is shown, and said to be proved or not. The answer is lines of text for\n"
		"the guest's console.\n",
	.files = answer_files,
	.run = run_answer,
};
