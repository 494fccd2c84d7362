/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * header.h - the LUKS2 header of an image, taken out into memory, changed there, and put
 * back in an order that a crash cannot hurt.
 */
#ifndef COCO_OWNER_LUKSHEADER_H
#define COCO_OWNER_LUKSHEADER_H

#include "base/digest.h"
#include "base/secret.h"
#include "disk/policy.h"
#include "owner/disk/image.h"

struct crypt_device;

struct luksheader {
	const struct image *image; /* not owned, as the next two */
	const struct conf *conf;
	const struct volume_conf *vc;
	int fd;			 /* memfd with everything before the data, owned */
	struct crypt_device *cd; /* on that copy, owned */
	struct verdict verdict;	 /* of what was taken */
	bool mended;		 /* the disk has one copy of another write than the other */
};

#define LUKSHEADER_NULL ((struct luksheader){ .fd = -EBADF })

/*
 * Takes the header of the image out, if the unlocker would accept it for volume vc of conf.
 * All three must outlive it. A header of which a crash has left two different copies is
 * completed in memory, from the newer whole one; the next luksheader_put() does it on the disk.
 * Returns 0, or -errno with f saying not-luks2, header-refused (with the rule's name),
 * no-memory or no-device (read error).
 */
int luksheader_take(const struct image *image, const struct conf *conf,
		    const struct volume_conf *vc, struct luksheader *ret_header, struct fault *f);

/*
 * Gets the volume key with a passphrase, in the forms that the unlocker tries: as it is, then
 * without one final NUL. ret_key is owned by the caller. Returns the number of
 * the keyslot, or -errno with f saying secret-refused or no-memory.
 */
int luksheader_open(const struct luksheader *header, const struct secret *passphrase,
		    struct secret *ret_key, struct fault *f);

enum luksheader_kdf {
	LUKSHEADER_KDF_MINIMAL, /* PBKDF2 at the lowest cost: for secrets of full entropy */
	LUKSHEADER_KDF_DEFAULT, /* what libcryptsetup takes for a person's passphrase */
	LUKSHEADER_KDF_GRUB,	/* for a person's passphrase, too; GRUB knows PBKDF2 only */
};

/* Adds a keyslot. Returns its number, or -errno with f set: -ENOSPC and EXITCODE_REFUSED, without
 * a next step, if there is no room for one, header-refused if the unlocker would refuse it. */
int luksheader_add(struct luksheader *header, const struct secret *volume_key,
		   const struct secret *passphrase, enum luksheader_kdf kdf, struct fault *f);

/* Has a keyslot tried before the others: a costly one for people would delay each boot, or need
 * more memory than the guest has. Returns 0 or -errno with f set. */
int luksheader_prefer(struct luksheader *header, int keyslot, struct fault *f);

/* Removes a keyslot, and key material as luksheader_scrub() does. Returns 0 or -errno with f
 * set: header-refused if the unlocker would refuse the result. */
int luksheader_remove(struct luksheader *header, int keyslot, struct fault *f);

/* Removes what lies between the headers and the data and belongs to no keyslot: key material
 * that a crash has left behind. Returns 0 or -errno with f set. */
int luksheader_scrub(struct luksheader *header, struct fault *f);

/* The keyslots in use, one bit each. */
uint32_t luksheader_keyslots(const struct luksheader *header);

/* SHA-256 of both copies, as header= of the policy entry has it. Returns 0 or -errno. */
int luksheader_pin(const struct luksheader *header, struct digest *ret_pin);

/*
 * Judges the changed copy once more, and writes what differs to the image: the keyslots' key
 * material, sync, the second copy, sync, the first copy, sync, then what no keyslot has any
 * more, sync. At any point one of the two copies on the disk is whole and its key material is
 * there; so do not add and remove keyslots in one go, since the new one may take the old one's
 * place. Returns 0 or -errno with f set; nothing is written if the unlocker would refuse it.
 */
int luksheader_put(const struct luksheader *header, struct fault *f);

void luksheader_done(struct luksheader *header);

#endif
