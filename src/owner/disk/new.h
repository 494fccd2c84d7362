/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * new.h - a new LUKS2 header, made in memory, as the strict policy wants it.
 */
#ifndef COCO_OWNER_NEWHEADER_H
#define COCO_OWNER_NEWHEADER_H

#include "base/secret.h"
#include "disk/policy.h"

#define NEWHEADER_SIZE (16ULL * 1024 * 1024) /* bytes before the data: what all tools leave */
#define NEWHEADER_SPACE (1024 * 1024)	     /* libcryptsetup wants a place for data behind it */

enum newheader_kdf {
	NEWHEADER_KDF_MINIMAL,	/* PBKDF2 at the lowest cost: for secrets of full entropy */
	NEWHEADER_KDF_ARGON2ID, /* 256 MiB: for what a person has thought up */
	NEWHEADER_KDF_PBKDF2,	/* a million: the same, where the guest has little memory */
};

struct newheader {
	int fd;		   /* memfd of NEWHEADER_SIZE bytes, owned */
	struct secret key; /* the volume key, 64 bytes, owned */
	struct verdict verdict;
};

#define NEWHEADER_NULL ((struct newheader){ .fd = -EBADF })

/* Begins with a new volume key, so that data can be encrypted already. Returns 0, or -errno with
 * f saying no-memory or internal. In any case newheader_done() follows. */
int newheader_begin(struct newheader *header, struct fault *f);

/*
 * Makes the header of this volume key with one keyslot that the passphrase opens, for
 * data_size bytes in sectors of 512 or 4096 bytes. Returns 0, or -errno with f saying
 * no-memory, internal, or header-refused: the policy's defaults would not accept it.
 */
int newheader_make(struct newheader *header, const struct secret *passphrase,
		   enum newheader_kdf kdf, uint32_t sector_size, uint64_t data_size,
		   struct fault *f);

struct crypt_device;

/*
 * Formats with the data at NEWHEADER_SIZE, and adds a keyslot; uuid NULL and key NULL let
 * libcryptsetup make them. Returns the keyslot's number or -errno.
 */
int newheader_format(struct crypt_device *cd, const char *uuid, const struct secret *passphrase,
		     enum newheader_kdf kdf, uint32_t sector_size, const struct secret *key);

/* Formats a file of NEWHEADER_SIZE + NEWHEADER_SPACE bytes with UUID and sector size of
 * another header and its volume key. Returns 0 or -errno. */
int newheader_renew(const char *path, struct crypt_device *other, const struct secret *passphrase,
		    enum newheader_kdf kdf, const struct secret *key);

/* Copies it to `offset` of a file that is new there. Returns 0 or -errno. */
int newheader_write(const struct newheader *header, int fd, uint64_t offset);

void newheader_done(struct newheader *header);

#endif
