/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * signer.c - reads the owner's key, and looks whether the guest's image has it.
 * Trusts the configuration as guestconf.c has read it. The key stays in memory of libcrypto, and
 * its passphrase in locked memory; may not sign or print.
 */
#include "owner/rescue/signer.h"

#include <string.h>

#include "owner/io/file.h"
#include "owner/io/passphrase.h"

static int ask_for_passphrase(struct secret *passphrase, struct fault *f)
{
	_cleanup_secret_ struct secret typed = SECRET_NULL;
	int r = passphrase_from_terminal("Passphrase of the key",
					 "give a key without a passphrase (openssl pkey)", &typed,
					 f);

	if (r < 0)
		return r;
	*passphrase = typed;
	typed = SECRET_NULL;
	return 0;
}

int signer_read(const char *path, struct signing_key **ret_key, struct fault *f)
{
	_cleanup_secret_ struct secret pem = SECRET_NULL;
	int r = secret_init(&pem, f);

	if (r >= 0)
		r = file_read_secret(path, &pem, f);
	if (r >= 0)
		r = signing_key_read(&pem, ask_for_passphrase, ret_key, f);
	if (r < 0 && !*f->next && (f->code == EXITCODE_BAD_INPUT || f->code == EXITCODE_REFUSED))
		(void)snprintf(f->next, sizeof(f->next), "%s",
			       f->code == EXITCODE_REFUSED ?
				       "run it again, and type the passphrase of this key" :
				       "give the private key that was made by: openssl genpkey "
				       "-algorithm ed25519 -out KEY"); /* fits */
	return fault_name(f, r, path);
}

int signer_check(const struct signing_key *key, const char *path, const struct proof *proof,
		 struct fault *f)
{
	const struct conf *conf = &proof->conf;
	unsigned char public[ED25519_KEY_SIZE];
	size_t i;
	int r;

	if (!proof->config)
		return 0;
	if (conf->rescue.nr_keys == 0)
		return fault_about(f, EXITCODE_REFUSED, proof->config,
				   "type reboot or poweroff at the guest's console; for answers, build "
				   "the image with RescueKey=",
				   "its configuration has no RescueKey=, so that the guest takes no "
				   "answer");
	r = signing_key_public(key, public);
	if (r < 0)
		return fault_io(f, path, r, "no public key of it");
	for (i = 0; i < conf->rescue.nr_keys; i++)
		if (memcmp(public, conf->rescue.keys[i], sizeof(public)) == 0)
			return 0;
	return fault_about(f, EXITCODE_REFUSED, path, "give the private half of one of them",
			   "it is none of the keys that RescueKey= has in the configuration of %s",
			   proof->config);
}
