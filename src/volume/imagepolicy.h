/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * imagepolicy.h - the owner's pins in the image, PATH_POLICY: as the policy entry, but for every
 * source, and measured with the image. coco-unlock-policy(5) is the contract.
 */
#ifndef COCO_IMAGEPOLICY_H
#define COCO_IMAGEPOLICY_H

#include "base/root.h"
#include "volume/pins.h"

/* Reads the image's policy; without the file, present is false. Returns 0, or -errno with f saying
 * config, with file and line: what cannot be read is never not there. */
int image_policy_load(const struct root *root, const struct conf *conf,
		      struct policy_entry *ret_image, struct fault *f);

/* Does the image pin this volume's key or header? A UUID does not count: anybody can write it
 * onto a disk. */
bool image_policy_pins(const struct policy_entry *image, const char *name);

/* Checks that what RequirePolicyEntry= asks for is there: each volume is in the entry, or
 * image_policy_pins() it. Returns 0, or -ENOENT with f saying policy-missing. */
int policy_suffices(const struct policy_entry *image, const struct policy_entry *entry,
		    const struct conf *conf, struct fault *f);

/* The same before a key broker is asked: a bare secret (ResourceFormat=secret) brings no entry, so
 * that only the image can have what is asked for. */
int policy_check_bare(const struct policy_entry *image, const struct conf *conf, struct fault *f);

/*
 * Adds what the image pins to the entry, volume by volume: what only one of them pins counts, and
 * of both the headers that stand in both, and the larger generations. Returns 0, or -EPERM with f
 * saying policy-invalid where nothing would satisfy both; then *policy is of no use.
 */
int policy_merge(const struct policy_entry *image, struct policy_entry *policy, struct fault *f);

/*
 * What is open in the image's policy, sentence by sentence with what to do: number n, counted from
 * 0. A key broker's volume that it does not pin, since whoever passes for the broker then chooses
 * the disk; and header pins, which a new keyslot breaks. Returns false behind the last one.
 */
bool image_policy_doubt(const struct policy_entry *image, const struct conf *conf, size_t n,
			char *buf, size_t size);

#endif
