/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * efi_module.h - the directory of securityfs that holds launch secrets, and the kernel module
 * that puts it there.
 */
#ifndef COCO_SOURCE_EFI_MODULE_H
#define COCO_SOURCE_EFI_MODULE_H

#include "source/source.h"

/*
 * The probe of source_efi, see efi.h. When it returns 1, src->fd is the directory, owned by the
 * source, src->info.path its name, and src->info.module what exposes it, where that is a module.
 */
int efi_module_probe(struct source *src, struct fault *f);

/* The merged driver shows 64 entries at most: can there be more behind nr that are listed? */
bool efi_module_may_hide(const struct source *src, int nr);

/*
 * Loads the module again, which then shows what is not wiped yet, and opens its directory anew.
 * Returns 0, -EBUSY if there is no module to be unloaded, -ENODEV if the directory does not come
 * back, or -errno. When it fails, src->fd may be closed, and is negative then.
 */
int efi_module_reload(struct source *src);

/* Puts wipe-failed, with r (-errno) as the reason, in the place of what f said. Returns r. */
int efi_module_wipe_failed(struct fault *f, int r);

#endif
