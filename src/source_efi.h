/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * source_efi.h - the launch secret that firmware published and a kernel module exposes
 * below securityfs, one file per entry of the secret table.
 */
#ifndef COCO_SOURCE_EFI_H
#define COCO_SOURCE_EFI_H

#include "conf.h"
#include "secret.h"

struct source_efi {
	int dir_fd;		     /* directory with the entries, owned; -EBADF if absent */
	const char *path;	     /* of that directory; NULL if absent */
	char module[CONF_NAME_SIZE]; /* that exposes it; empty if built in */
	unsigned int found;	     /* entries listed at first */
	unsigned int read;	     /* entries read into secrets */
	unsigned int wiped;	     /* entries removed, and seen to be gone */
	unsigned int kept;	     /* entries spared by KeepSecrets= */
};

#define SOURCE_EFI_NULL ((struct source_efi){ .dir_fd = -EBADF })

/*
 * Mounts securityfs if nobody has, loads the first secret module that the kernel has, and
 * opens the directory of entries. Where the table is corrupt and our own module is in use,
 * the whole area is zeroed before this returns. Returns 0, or -errno with f saying which of
 * no-securityfs, no-secret-module, no-secret-table, table-corrupt, table-duplicate,
 * wipe-failed it is; src->module then names the module if one was found, and no more is set.
 */
int source_efi_open(const struct root *root, const struct conf *conf, struct source_efi *src,
		    struct fault *f);

/*
 * Reads the entry with this GUID (lower case) to its end; *ret_secret is owned by the caller.
 * The file is closed again at once: an entry that is unlinked while it is open keeps its
 * bytes in the kernel (secret-table ABI of Linux 5.19 and later). Returns 0 or -errno with f
 * saying secret-missing, example-guid, secret-empty or no-memory.
 */
int source_efi_fetch(struct source_efi *src, const char *guid, struct secret *ret_secret,
		     struct fault *f);

/*
 * Unlinks every entry but the kept ones, which zeroes it in the secret area, and proves that
 * they are gone. The merged driver lists 64 files at most and hides the rest: there the
 * module is reloaded until nothing new appears. Returns 0 or -errno with f saying wipe-failed
 * or hidden-entries. Safe on SOURCE_EFI_NULL and twice.
 */
int source_efi_discard(const struct root *root, const struct conf *conf, struct source_efi *src,
		       struct fault *f);

void source_efi_done(struct source_efi *src);

/*
 * Dry run: opens the directory of entries without mounting, loading or wiping anything.
 * Returns 0, or -ENOENT if there is none, with f saying why if our own module tells, or another
 * error with f saying wipe-failed.
 */
int source_efi_look(const struct root *root, struct source_efi *ret_src, struct fault *f);

/* Fills f for an entry that is not there: secret-missing, or example-guid. Returns -ENOENT. */
int source_efi_missing(const struct source_efi *src, const char *guid, struct fault *f);

/* Counts the entries; tells in *ret_has, unless that is NULL, whether guid is among them. Returns 0
 * or -errno: then nobody knows. */
int source_efi_list(const struct source_efi *src, const char *guid, unsigned int *ret_nr,
		    bool *ret_has);

#endif
