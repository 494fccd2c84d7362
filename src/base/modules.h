/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * modules.h - loads and unloads kernel modules of the running kernel, through libkmod.
 */
#ifndef COCO_MODULE_H
#define COCO_MODULE_H

#include <stdbool.h>

/*
 * Makes a module available, by name or alias (such as "crypto-xts"), with everything it
 * depends on. params is its parameter string or NULL; ignored if it is loaded already.
 * Returns 0 if it is built in, loaded already or loaded now; -ENOENT if neither the kernel
 * nor the file system has it; -errno from libkmod or from the module's own start.
 */
int module_load(const char *name, const char *params);

/* Returns 0, -ENOENT if it is not there, -EBUSY if in use or built in, or -errno. */
int module_unload(const char *name);

/* Dry run of module_load(): 0 if it is there or could be loaded, else as above. */
int module_lookup(const char *name);

#endif
