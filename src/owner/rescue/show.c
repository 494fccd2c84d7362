/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * show.c - prints a challenge for a person.
 * Trusts no text of it: a host may have written it, and the owner's terminal obeys bytes.
 */
#include "owner/rescue/show.h"

#include "base/text.h"

/* A label of ours, then text of theirs. */
static void print(FILE *out, const char *label, const char *text)
{
	char line[CHALLENGE_TEXT_SIZE];

	text_printable(text, line, sizeof(line));
	fprintf(out, "%s%s", label, line);
}

/* The same if there is any. */
static void print_some(FILE *out, const char *label, const char *text)
{
	if (*text)
		print(out, label, text);
}

static void print_volume(const struct challenge_volume *v, FILE *out)
{
	print(out, "volume     ", v->name);
	fprintf(out, "%s", v->failed ? ", which has failed" : "");
	print_some(out, "; secret ", v->secret);
	print_some(out, "; device ", v->device);
	print_some(out, "; uuid ", v->uuid);
	print_some(out, "; header ", v->header);
	fprintf(out, "\n");
}

static void print_configuration(const struct challenge *c, const struct show *show, FILE *out)
{
	char digest[DIGEST_TEXT_SIZE];

	digest_text(&c->configuration, digest);
	if (show->config)
		fprintf(out, "image      configuration %s, as %s has it\n", digest, show->config);
	else
		fprintf(out, "image      configuration %s, not compared (--config)\n", digest);
}

const char *show_actions(unsigned int actions, char *buf, size_t size)
{
	int i;

	buf[0] = '\0';
	for (i = 0; i < _RESCUE_ACTION_MAX; i++)
		if (actions & 1U << i)
			text_append(buf, size, "%s%s", *buf ? ", " : "",
				    rescue_action_name((enum rescue_action)i));
	return buf;
}

void show_challenge(const struct challenge *c, const struct show *show, FILE *out)
{
	char actions[64];
	size_t i;

	if (show->table)
		fprintf(out, "challenge  of a guest that has the rescue entry of %s\n",
			show->table);
	else
		fprintf(out, "challenge  not proved: the host may have written this\n");
	print(out, "boot       ", c->boot_id);
	fprintf(out, "\n");
	print_configuration(c, show, out);
	fprintf(out, "failed     code %d", c->code);
	print_some(out, " ", c->code_name);
	print_some(out, ": ", c->reason);
	fprintf(out, "\n");
	for (i = 0; i < c->nr_volumes; i++)
		print_volume(&c->volumes[i], out);
	fprintf(out, "offered    %s\n", show_actions(c->actions, actions, sizeof(actions)));
	if (*c->no_secret) {
		print(out, "no secret  ", c->no_secret);
		fprintf(out, "\n");
	}
}
