/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * reencryption.h - what a LUKS2 header says about a reencryption, and whether it is one of ours.
 */
#ifndef COCO_OWNER_REENCRYPTION_H
#define COCO_OWNER_REENCRYPTION_H

#include <stdbool.h>
#include <stdint.h>

struct crypt_device;

enum reencryption_kind {
	REENCRYPTION_NONE,    /* a LUKS2 header, and nothing is under way */
	REENCRYPTION_OURS,    /* encryption, as encrypt --in-place has begun it */
	REENCRYPTION_OTHER,   /* anything else that cryptsetup can resume */
	REENCRYPTION_LEGACY,  /* cryptsetup-reencrypt, of before cryptsetup 2.5, has begun it */
	REENCRYPTION_UNKNOWN, /* libcryptsetup cannot tell, or the header demands something else */
};

struct reencryption {
	enum reencryption_kind kind;
	/* For OURS: */
	bool untouched; /* no data are encrypted yet */
	bool last;	/* all are, but for the part that was moved first, or a piece of it */
	bool complete;	/* all are; only the notes are still there */
};

/* Of a header that is loaded already, for a disk of `total` bytes, whose last NEWHEADER_SIZE bytes
 * keep the part that was moved first. */
void reencryption_get(struct crypt_device *cd, uint64_t total, struct reencryption *ret);

/*
 * Of the header at this byte of an open file or device, for a disk of `total` bytes from there on.
 * It is only read: libcryptsetup gets a copy. Returns 1; 0 if libcryptsetup finds no LUKS2 header
 * there; or -errno.
 */
int reencryption_look(int fd, uint64_t offset, uint64_t total, struct reencryption *ret);

#endif
