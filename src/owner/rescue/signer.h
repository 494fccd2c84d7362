/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * signer.h - the owner's key, which signs an answer.
 */
#ifndef COCO_OWNER_SIGNER_H
#define COCO_OWNER_SIGNER_H

#include "owner/rescue/proof.h"
#include "rescue/signature.h"

/* Reads it from a file of PEM, and asks for its passphrase on the terminal if it has one. Returns
 * 0, or negative with f about the file. */
int signer_read(const char *path, struct signing_key **ret_key, struct fault *f) _must_check_;

/* Is it one of the keys that the guest's image has? An image takes answers of no other. Without a
 * configuration all are good. Returns 0 or negative with f. */
int signer_check(const struct signing_key *key, const char *path, const struct proof *proof,
		 struct fault *f) _must_check_;

#endif
