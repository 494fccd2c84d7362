/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * fetch.h - what a boot takes from its source: the owner's pins, then each volume's secret.
 */
#ifndef COCO_FETCH_H
#define COCO_FETCH_H

#include "source/source.h"
#include "volume/pins.h"

/*
 * The first thing: src is open, image is the image's policy; *ret_policy gets what it and the
 * policy entry come to together. Returns 0, or -errno with f saying policy-missing, policy-invalid
 * or what fetch() of the source says; then nothing in *ret_policy counts.
 */
int fetch_policy(struct source *src, const struct policy_entry *image,
		 struct policy_entry *ret_policy, struct fault *f);

/*
 * secrets has one element for each volume of src's configuration, SECRET_NULL before; what was
 * fetched is the caller's, also after a failure. Returns 0, or -errno with f saying what fetch() of
 * the source says.
 */
int fetch_secrets(struct source *src, struct secret *secrets, struct fault *f);

#endif
