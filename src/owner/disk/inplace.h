/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * inplace.h - encrypts a whole file or block device where it is, in steps that survive a crash.
 */
#ifndef COCO_OWNER_INPLACE_H
#define COCO_OWNER_INPLACE_H

#include "base/fault.h"
#include "owner/disk/new.h"

enum inplace_state {
	INPLACE_PLAIN,	   /* nothing has begun */
	INPLACE_PREPARED,  /* the new header is in the backup, and not, or half, on the disk */
	INPLACE_RUNNING,   /* interrupted somewhere in the data */
	INPLACE_LAST,	   /* all data are encrypted; the last header is in the backup */
	INPLACE_ENCRYPTED, /* all done, or nothing to do */
};

struct inplace {
	const char *path;   /* of the whole file or device */
	const char *backup; /* keeps the new header until it is on the disk */
	const struct secret *passphrase;
	enum newheader_kdf kdf;
	uint32_t sector_size; /* bytes: 512 or 4096; 0: as the file system allows */
	int cancel_fd;
	void (*progress)(void *data, uint64_t done, uint64_t total);
	void *data;
};

/* What an earlier run has left; the passphrase is not needed for it. Returns 0, or negative
 * with f set (the disk is in use, or a backup does not belong to it). */
int inplace_look(const struct inplace *p, enum inplace_state *ret_state, struct fault *f);

/*
 * Does all that is left to do, from a state that inplace_look() has just returned. A file gets
 * NEWHEADER_SIZE longer, and at least 32 MiB long; of a device the last 2 * NEWHEADER_SIZE bytes
 * must be free.
 * Returns 0, or negative with f set: EXITCODE_REFUSED if it was interrupted; the next run goes on.
 */
int inplace_run(const struct inplace *p, enum inplace_state state, struct fault *f);

#endif
