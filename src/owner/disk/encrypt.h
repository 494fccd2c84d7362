/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * encrypt.h - makes an encrypted copy of a root image.
 */
#ifndef COCO_OWNER_ENCRYPT_H
#define COCO_OWNER_ENCRYPT_H

#include "base/fault.h"
#include "owner/disk/filesystem.h"
#include "owner/disk/image.h"
#include "owner/disk/new.h"

struct encrypt {
	struct image image; /* open for reading */
	const struct secret *passphrase;
	enum newheader_kdf kdf;
	uint32_t sector_size; /* of the volume: 512 or 4096 */
	int out_fd;	      /* an empty file, open for reading and writing */
	const char *out;      /* for people */
	int cancel_fd;	      /* as in struct pump */
	void (*progress)(void *data, uint64_t done, uint64_t total);
	void *data;
};

/*
 * Refuses what cannot become a volume as it is: sizes that are no multiples of the sector, too
 * little room for the copy. Before anything is written. Returns 0 or negative with f set.
 */
int encrypt_check(const struct encrypt *e, struct fault *f);

/*
 * Writes everything to out_fd, unsynced: the header of NEWHEADER_SIZE bytes, the encrypted
 * data behind it, and around both what else the image has. Then reads the header back, judges
 * and opens it as the unlocker would, and compares samples of the data.
 * Returns 0, or negative with f set (EXITCODE_REFUSED if it was cancelled); *ret_uuid is of the
 * new volume, BINHEADER_UUID_SIZE bytes.
 */
int encrypt_run(const struct encrypt *e, char *ret_uuid, struct fault *f);

#endif
