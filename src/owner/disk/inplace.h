/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * inplace.h - encrypts a whole file or block device where it is, in steps that survive a crash.
 */
#ifndef COCO_OWNER_INPLACE_H
#define COCO_OWNER_INPLACE_H

#include "base/fault.h"
#include "owner/disk/image.h"
#include "owner/disk/new.h"
#include "owner/io/file.h"

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
	const char *again;  /* the command that goes on after a failure */
	const struct secret *passphrase;
	enum newheader_kdf kdf;
	uint32_t sector_size; /* bytes: 512 or 4096; 0: as the file system allows */
	int cancel_fd;
	void (*progress)(void *data, uint64_t done, uint64_t total);
	void *data;
	/* Set by inplace_open(): */
	struct image image; /* locked until inplace_done() */
	enum inplace_state state;
	uint64_t before; /* PLAIN: bytes, how long it is */
	uint64_t room;	 /* PLAIN: bytes, how long it has to be for the work */
	uint64_t final;	 /* LAST: bytes, how long it will be in the end */
	bool begun;	 /* LAST: the header has been written, as a whole or in part */
	bool unproven;	 /* LAST: the backup may be somebody's copy of a finished disk's header */
	/* Set by inplace_run(): */
	bool kept; /* the file was used meanwhile: it stays longer, for what is in its end */
};

/*
 * Opens and locks the disk, and says in p->state what an earlier run has left; the passphrase is
 * not needed for it. Of a plain disk, checks all that can be checked: size, file system, room.
 * Writes nothing. Returns 0, or negative with f set: it is in use, a backup does not belong to it,
 * or another tool has begun to encrypt it. In any case inplace_done() follows.
 */
int inplace_open(struct inplace *p, struct fault *f);

/*
 * Does all that is left to do. A file gets NEWHEADER_SIZE longer, or as much shorter if its last
 * ROOM_SIZE bytes are free; of a device these must be free: behind the file system, and zeros.
 * `secret` is the file of a new passphrase, or NULL; it is committed when nothing else can fail
 * that could be undone.
 * Returns 0, or negative with f set: EXITCODE_REFUSED if it was interrupted. As long as
 * the secret's file is not committed, the disk is as before then; later p->again goes on, and f
 * says so.
 */
int inplace_run(struct inplace *p, struct file_out *secret, struct fault *f);

void inplace_done(struct inplace *p);

#endif
