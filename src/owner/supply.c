/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * supply.c - gets the secrets that an answer carries: from the owner's table, a file or the
 * terminal.
 * Trusts the challenge, which the table has proved before. Each secret stays in locked memory; may
 * not print one, nor say more of it than its length.
 */
#include "owner/supply.h"

#include <string.h>

#include "owner/cmd.h"
#include "owner/io/file.h"
#include "owner/io/passphrase.h"

static int take_from_table(const struct proof *proof, const struct challenge_volume *v,
			   struct secret *secret, struct fault *f)
{
	char resource[REFERENCE_RESOURCE_SIZE];
	int r = proof_secret(proof, v, secret, resource, f);

	if (r >= 0 && resource[0])
		cmd_warn("%s: the secret of volume %s is taken from it, and the guest gets that from "
			 "resource %s of the key broker: are they one?",
			 proof->path, v->name, resource);
	return r;
}

static int take_from_file(const char *path, struct secret *secret, struct fault *f)
{
	int r = file_read_secret(path, secret, f);

	if (r >= 0)
		cmd_warn_secret(path, secret);
	return r;
}

static int check_length(const struct answer_secret *s, const char *origin, struct fault *f)
{
	if (s->secret.len >= 1 && s->secret.len <= ANSWER_SECRET_MAX)
		return 0;
	return fault_about(f, EXITCODE_BAD_INPUT, origin,
			   "give one of these lengths; to give the disk one: coco-secret rotate",
			   "the secret of volume %s has %zu bytes, and an answer carries 1 to %d",
			   s->volume, s->secret.len, ANSWER_SECRET_MAX);
}

static int read_one(const struct supply *supply, const struct challenge_volume *v,
		    struct answer_secret *s, struct fault *f)
{
	bool given = v == supply->volume;
	int r = secret_init(&s->secret, f);

	memcpy(s->volume, v->name, sizeof(s->volume));
	if (r < 0 || (given && supply->ask))
		return r;
	if (given && supply->file)
		r = take_from_file(supply->file, &s->secret, f);
	else
		r = take_from_table(supply->proof, v, &s->secret, f);
	return r < 0 ? r :
		       check_length(s, given && supply->file ? supply->file : supply->proof->path,
				    f);
}

int supply_read(const struct supply *supply, const struct challenge *challenge,
		struct answer_secret secrets[static CHALLENGE_VOLUMES_MAX], struct fault *f)
{
	size_t i;
	int r = 0;

	for (i = 0; i < challenge->nr_volumes && r >= 0; i++)
		r = read_one(supply, &challenge->volumes[i], &secrets[i], f);
	return r;
}

int supply_ask(const struct supply *supply, struct answer_secret *s, struct fault *f)
{
	_cleanup_secret_ struct secret typed = SECRET_NULL;
	char question[CHALLENGE_NAME_SIZE + 64];
	int r;

	(void)snprintf(question, sizeof(question),
		       "Recovery key (with its dashes) or passphrase of volume %s",
		       supply->volume->name); /* fits */
	r = passphrase_from_terminal(question, "give it in a file with --secret", &typed, f);
	if (r < 0)
		return r;
	if (!passphrase_is_recovery(&typed))
		cmd_warn("what was typed is no recovery key: if it was meant to be one, there is a "
			 "slip in it");
	secret_copy(&s->secret, &typed);
	return check_length(s, "--ask", f);
}
