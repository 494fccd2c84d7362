/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * provider.h - what makes reports on this machine, if anything does.
 */
#ifndef COCO_PROVIDER_H
#define COCO_PROVIDER_H

#include "source/kbs/tsm.h"

/*
 * Loads the modules of all providers that can be, unless it only looks, and asks the kernel which
 * one is registered; its name alone decides, and nothing else that the host shows or hides.
 * Returns 1 with its name and *ret_tee "snp" or "tdx" (constant), 0 with f saying no-provider, or
 * -errno with f saying no-provider (a module that does not load although its hardware is there, or
 * that is not in the image; a provider of another kind) or what tsm_provider() says.
 */
int provider_find(const struct root *root, bool look_only, struct deadline deadline,
		  char ret_name[static TSM_PROVIDER_SIZE], const char **ret_tee,
		  struct fault *f) _must_check_;

#endif
