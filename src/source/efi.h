/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * efi.h - the launch secret that firmware published and a kernel module exposes
 * below securityfs, one file per entry of the secret table.
 */
#ifndef COCO_SOURCE_EFI_H
#define COCO_SOURCE_EFI_H

#include "source/source.h"

/*
 * probe: mounts securityfs if nobody has, and loads the first secret module that the kernel has.
 * Where the table is corrupt and our own module is in use, the whole area is zeroed before it
 * returns. Absent: no-securityfs (a kernel without it), no-secret-module, no-secret-table.
 * Errors: these where that is unknown, table-corrupt, table-duplicate, wipe-failed.
 *
 * fetch: closes the file again at once, since an entry that is unlinked while it is open keeps
 * its bytes in the kernel (secret-table ABI of Linux 5.19 and later).
 *
 * discard: unlinks every entry but the kept ones, which zeroes it in the secret area, and proves
 * that they are gone. The merged driver lists 64 files at most and hides the rest: there the
 * module is reloaded until nothing new appears. Errors: wipe-failed, hidden-entries.
 *
 * Only looked at, it says what is exposed already; our own module says why it exposes nothing.
 */
extern const struct source_ops source_efi;

#endif
