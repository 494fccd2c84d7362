/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * step.h - the steps of a boot, each of which ends the machine if it fails (stop.h).
 */
#ifndef COCO_STEP_H
#define COCO_STEP_H

#include "base/fault.h"
#include "rootfs/verify.h"

/* conf_load(), and in an initramfs of our own rootsection_check(). On an error, which is in f, the
 * defaults are in *ret_conf. */
void step_conf(const struct root *root, struct conf *ret_conf, struct fault *f);

/* Opens all volumes, and wipes the secrets; what fails may be rescued (rescue.h). Returns 0, or
 * what stop() returns. */
int step_unlock(const struct root *root);

/* verify_root() or verify_mounts(). */
typedef int look_fn(const struct root *root, const char *point, const struct opened_volume *volumes,
		    size_t nr, struct fault *f);

/* Looks at what is mounted on /sysroot, in a process that has 45 s; logs `good` if all is as it
 * should be. Returns 0, or what stop() returns. */
int step_look(const struct root *root, look_fn *look, const char *good);

/* The boot cannot go on, whatever stage it was in: no secret and no mapping stays. f says why.
 * Returns what stop() returns. */
int step_abort(const struct root *root, struct fault *f);

/* The same for who comes when the time is over: nobody is asked at a console any more. */
int step_end(const struct root *root, struct fault *f);

#endif
