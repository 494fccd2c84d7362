/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * proof.c - holds a challenge against the owner's table and the configuration of his image.
 * Trusts no byte of the challenge. Its secrets stay in locked memory; may not print.
 */
#include "owner/rescue/proof.h"

#include <string.h>

#include "owner/io/file.h"
#include "owner/plan/guestconf.h"

static int take_entry(struct proof *p, struct fault *f)
{
	const struct table_entry *entry = table_find(&p->table, GUID_RESCUE);
	int r;

	if (!entry)
		return fault_about(f, EXITCODE_REFUSED, p->path,
				   "give the table that the guest was started with; if that has none, "
				   "omit --table, for fetch, reboot or poweroff",
				   "it has no rescue entry, so that it proves no challenge");
	if (entry->len != RESCUE_ENTRY_SIZE)
		return fault_about(f, EXITCODE_BAD_INPUT, p->path,
				   "omit --table, for fetch, reboot or poweroff; and give the guest's "
				   "next table an entry of that length (coco-secret table)",
				   "its rescue entry has %zu bytes, and not %d", entry->len,
				   RESCUE_ENTRY_SIZE);
	r = secret_init(&p->entry, f);
	return r < 0 ? r : table_get(&p->bytes, entry, &p->entry);
}

int proof_read(struct proof *p, struct fault *f)
{
	enum codec format;
	int r = 0;

	if (p->config)
		r = guestconf_read(p->config, &p->conf, f);
	if (r < 0 || !p->path)
		return r;
	r = secret_init(&p->bytes, f);
	if (r >= 0)
		r = file_read_encoded(p->path, &p->bytes, &format, f);
	if (r >= 0)
		r = table_check(p->path, &p->bytes, &p->table, f);
	return r < 0 ? r : take_entry(p, f);
}

static int check_guest(struct proof *p, const char *text, size_t len,
		       const struct challenge *challenge, struct fault *f)
{
	_cleanup_secret_ struct secret shared = SECRET_NULL;
	int r;

	if (!challenge->has_keys)
		return fault_about(
			f, EXITCODE_REFUSED, "challenge",
			"omit --table, for fetch, reboot or poweroff, which carry no secret",
			"nothing proves it: the guest has got no rescue entry, or the host has "
			"written this");
	r = rescue_shared(&p->entry, &challenge->public, &shared, f);
	if (r < 0)
		return r;
	if (challenge_verify(text, len, &shared) < 0)
		return fault_about(f, EXITCODE_REFUSED, "challenge",
				   "give the table that the guest was started with; if it is this one, "
				   "give no answer: the host has written or changed the challenge",
				   "it is not from a guest that has the rescue entry of %s",
				   p->path);
	p->shared = shared;
	shared = SECRET_NULL;
	return 0;
}

static int check_image(const struct proof *p, const struct challenge *challenge, struct fault *f)
{
	struct digest digest;
	struct root root;
	int r = root_init(&root, p->config);

	if (r < 0)
		return fault_io(f, p->config, r, "cannot open the guest's root directory");
	r = conf_digest(&root, &digest, f);
	root_done(&root);
	if (r < 0)
		return fault_name(f, r, p->config);
	if (digest_equal(&digest, &challenge->configuration))
		return 0;
	return fault_about(f, EXITCODE_REFUSED, p->config,
			   "give the directory that the guest's image was built of, or omit --config",
			   "the guest that has written the challenge has another configuration");
}

int proof_check(struct proof *p, const char *text, size_t len, const struct challenge *challenge,
		struct fault *f)
{
	int r = p->path ? check_guest(p, text, len, challenge, f) : 0;

	return r < 0 || !p->config ? r : check_image(p, challenge, f);
}

int proof_secret(const struct proof *p, const struct challenge_volume *volume,
		 struct secret *secret, char ret_resource[static REFERENCE_RESOURCE_SIZE],
		 struct fault *f)
{
	const struct table_entry *entry;
	struct reference ref;

	if (reference_parse(volume->secret, &ref) < 0)
		return fault_about(f, EXITCODE_BAD_INPUT, "challenge",
				   "give the secret with --secret, and its volume with --volume",
				   "it names no secret for the volume %s that a table could have",
				   volume->name);
	entry = table_find(&p->table, ref.guid);
	if (!entry)
		return fault_about(f, EXITCODE_REFUSED, p->path,
				   "add it (coco-secret table add), and give the new table; or give "
				   "it with --secret, and its volume with --volume",
				   "it has no entry %s, which is the secret of volume %s", ref.guid,
				   volume->name);
	memcpy(ret_resource, ref.resource, REFERENCE_RESOURCE_SIZE);
	return table_get(&p->bytes, entry, secret);
}

void proof_done(struct proof *p)
{
	secret_done(&p->shared);
	secret_done(&p->entry);
	secret_done(&p->bytes);
}
