/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * passphrase.h - where the owner's secrets come from, if not from a file (file.h): the random
 * number generator, a terminal. Never the command line or the environment.
 */
#ifndef COCO_OWNER_PASSPHRASE_H
#define COCO_OWNER_PASSPHRASE_H

#include "base/fault.h"
#include "base/secret.h"

/* What else can be done, in `otherwise`. */
#define PASSPHRASE_KEY_FILE "give it in a file with --key-file"

/* Asks on the controlling terminal, without echo, up to the end of the line, which does not
 * count. otherwise: half a sentence, for next steps. Returns 0, or -errno with f set (no terminal,
 * nothing typed). */
int passphrase_from_terminal(const char *question, const char *otherwise, struct secret *ret_secret,
			     struct fault *f);

/* 32 bytes of getrandom(2) as 64 hexadecimal digits, with one NUL behind them if final_nul (a
 * GRUB in the guest's firmware demands it). Returns 0, or -errno with f set. */
int passphrase_generate(bool final_nul, struct secret *ret_secret, struct fault *f);

/* len bytes of getrandom(2), as they are: 1..256. Returns 0, or -errno with f set. */
int passphrase_random(size_t len, struct secret *ret_secret, struct fault *f);

/*
 * 16 random bytes as 32 letters of modhex (cbdefghijklnrtuv: on nearly all keyboards in the same
 * places) and 2 of a checksum, in groups of 4 with dashes between them: what is shown is the
 * passphrase. Returns 0, or -errno with f set.
 */
int passphrase_generate_recovery(struct secret *ret_secret, struct fault *f);

/* True if the text has the form and the checksum of passphrase_generate_recovery(). */
bool passphrase_is_recovery(const struct secret *secret);

/* Adds one NUL at the end, as GRUB wants it. Returns 0, or -EINVAL if the secret is full or
 * has a NUL already. */
int passphrase_append_nul(struct secret *secret);

/* For a recovery key, which a person has to see once. The caller wipes the stream's buffer.
 * Returns 0 or -EIO. */
int passphrase_print(const struct secret *secret, FILE *out);

#endif
