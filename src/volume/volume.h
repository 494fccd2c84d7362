/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * volume.h - opens a volume from an accepted, sealed header copy, with libcryptsetup.
 */
#ifndef COCO_VOLUME_H
#define COCO_VOLUME_H

#include "base/secret.h"
#include "disk/header.h"
#include "disk/policy.h"

struct crypt_device;

/* How the secret's bytes opened the volume. */
enum secret_form {
	SECRET_FORM_EXACT,
	SECRET_FORM_WITHOUT_FINAL_NUL,
};

struct volume {
	struct crypt_device *cd; /* owned */
	struct secret key;	 /* volume key, after volume_unlock() */
	enum secret_form form;
	int keyslot;
};

#define VOLUME_NULL ((struct volume){ .keyslot = -1 })

/* Prepares libcryptsetup for hostile headers: no token plugins, no locks on files, no
 * recovery writes, no messages. Call once. */
void volume_init_library(void);

/*
 * Loads the sealed copy as a LUKS2 header, detached from the disk, which only carries data.
 * The volume refers to the descriptors of both: they must outlive it.
 * Returns 0, or -errno with f saying header-refused or no-memory.
 */
int volume_load(const struct header *header, const struct device *device, struct volume *ret_volume,
		struct fault *f);

/*
 * Asks libcryptsetup what it makes of the loaded copy, and compares with the verdict: a
 * second reader, since a rule of ours may have a hole. Returns 0, or -EPERM with f saying
 * header-refused and *ret_rule naming the accessor that disagrees (a constant string).
 */
int volume_check(const struct volume *volume, const struct volume_conf *conf,
		 const struct verdict *verdict, const char **ret_rule, struct fault *f);

#define VOLUME_MEMORY_UNKNOWN UINT64_MAX
#define VOLUME_KEYSLOT_ANY (-1)

/*
 * Gets the volume key out of this keyslot alone, or with VOLUME_KEYSLOT_ANY out of the first that
 * opens: preferred ones first, then by number; with the exact
 * bytes of the secret, or, if they open none and the last byte is 0, once more without that
 * byte, if both together stay below the cost that the policy allows. A keyslot whose key
 * derivation needs more than memory_kib is left out: it would bring out the OOM killer. Takes
 * the time of the key derivations, which only SIGKILL can end. Returns 0, or -errno with f
 * saying secret-refused, no-memory (also if one was left out and no other opened) or
 * header-refused.
 */
int volume_unlock(struct volume *volume, const struct verdict *verdict, const struct secret *secret,
		  int keyslot, uint64_t memory_kib, struct fault *f);

/*
 * Makes the mapping /dev/mapper/<conf->name>, waits until udev has seen it, and wipes the
 * volume key. device: the path of what the volume is on. Returns 0, or -errno with f saying busy,
 * no-dm-crypt or internal.
 */
int volume_map(const struct root *root, const char *device, struct volume *volume,
	       const struct volume_conf *conf, struct fault *f);

/* "exact" or "without-final-nul". */
const char *volume_form_name(enum secret_form form);

void volume_done(struct volume *volume);

#endif
