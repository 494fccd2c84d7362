/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * secret.h - the only type that may hold secret bytes.
 */
#ifndef COCO_SECRET_H
#define COCO_SECRET_H

#include <stdbool.h>

#include "base/digest.h"
#include "base/fault.h"

/* The largest launch secret that a platform takes: KVM and the AMD secure processor accept
 * blobs of 16 KiB; today's firmware leaves 3072 bytes for the whole table. */
#define SECRET_CAPACITY 16384

struct secret {
	unsigned char *bytes; /* own locked pages; NULL when empty */
	size_t len;	      /* bytes in use, 0..SECRET_CAPACITY */
};

#define SECRET_NULL ((struct secret){ 0 })
#define _cleanup_secret_ _cleanup_(secret_done)

/*
 * Makes the process a safe place for secrets: not dumpable, no core file.
 * Returns 0 or -errno. Call it once, before the first secret_init().
 */
int secret_harden_process(void) _must_check_;

/*
 * Maps SECRET_CAPACITY bytes that are locked into memory, left out of core dumps, and
 * emptied in a child process. Returns 0, or -ENOMEM, -EPERM (RLIMIT_MEMLOCK) or -errno with f
 * saying no-memory, its object the memory.
 */
int secret_init(struct secret *ret_secret, struct fault *f) _must_check_;

/* Fills one from secret_init() with what another holds. */
void secret_copy(struct secret *to, const struct secret *from);

/* Wipes and unmaps; safe on SECRET_NULL and twice. */
void secret_done(struct secret *s);

/*
 * Reads a file to its end, however short the single reads are, NUL and newline included.
 * Returns 0, -EFBIG if there is more than SECRET_CAPACITY, or -errno; on error s is empty.
 */
int secret_read(struct secret *s, int fd) _must_check_;

/* Digests of the whole content: see digest.h. */
int secret_sha256(const struct secret *s, struct digest *ret_digest);
int secret_hmac_sha256(const struct secret *key, const char *text, struct digest *ret_digest);

/*
 * Copies an entry that is not secret, such as the policy, out into a new string, owned by
 * the caller. Returns 0, -EFBIG beyond max bytes, -EINVAL for a NUL byte, or -ENOMEM.
 */
int secret_reveal_text(const struct secret *s, size_t max, char **ret_text);

/* True if the last byte is 0 (builders for GRUB append one). */
bool secret_ends_in_nul(const struct secret *s);

#endif
