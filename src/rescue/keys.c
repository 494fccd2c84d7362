/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * keys.c - the key pair of a boot, and the key that challenge and answer share.
 * Trusts libcrypto and the kernel's random numbers; may not print, keep or copy the rescue entry:
 * what is derived from it lies in locked memory.
 */
#include "rescue/keys.h"

#include <string.h>
#include <sys/mman.h>
#include <sys/random.h>

#include "rescue/hkdf.h"
#include "rescue/x25519.h"

#define INFO "coco-unlock-rescue-1 key" /* its NUL belongs to it */

int rescue_keys_map(struct rescue_keys **ret_keys, struct fault *f)
{
	void *p = mmap(NULL, sizeof(struct rescue_keys), PROT_READ | PROT_WRITE,
		       MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	int r;

	if (p == MAP_FAILED)
		return fault_errno(f, EXITCODE_NO_MEMORY, -errno, "no memory for a rescue's keys");
	if (madvise(p, sizeof(struct rescue_keys), MADV_DONTDUMP) < 0 ||
	    madvise(p, sizeof(struct rescue_keys), MADV_DONTFORK) < 0 ||
	    mlock(p, sizeof(struct rescue_keys)) < 0) {
		r = fault_errno(f, EXITCODE_NO_MEMORY, -errno,
				"no locked memory for a rescue's keys");
		(void)munmap(p, sizeof(struct rescue_keys)); /* holds nothing yet */
		return r;
	}
	*ret_keys = p;
	return 0;
}

int rescue_keys_share(struct rescue_keys *keys, bool share)
{
	if (!keys)
		return 0;
	return madvise(keys, sizeof(*keys), share ? MADV_DOFORK : MADV_DONTFORK) < 0 ? -errno : 0;
}

void rescue_keys_done(struct rescue_keys **keys)
{
	if (!*keys)
		return;
	explicit_bzero(*keys, sizeof(**keys));
	(void)munmap(*keys, sizeof(**keys)); /* a whole mapping of ours, and zero */
	*keys = NULL;
}

/* K. */
static int derive_shared(const struct secret *entry, const struct rescue_public *public,
			 unsigned char ret_shared[static RESCUE_KEY_SIZE], struct fault *f)
{
	unsigned char info[sizeof(INFO) + RESCUE_KEY_SIZE] = INFO;

	if (entry->len != RESCUE_ENTRY_SIZE)
		return fault_set(f, EXITCODE_BAD_INPUT, EINVAL,
				 "the rescue entry has %zu bytes, not %d", entry->len,
				 RESCUE_ENTRY_SIZE);
	memcpy(info + sizeof(INFO), public->key, RESCUE_KEY_SIZE);
	if (hkdf((struct hkdf_data){ public->nonce, RESCUE_NONCE_SIZE },
		 (struct hkdf_data){ entry->bytes, entry->len },
		 (struct hkdf_data){ info, sizeof(info) }, ret_shared, RESCUE_KEY_SIZE) < 0)
		return fault_set(f, EXITCODE_INTERNAL, ENOTSUP, "libcrypto: no HKDF");
	return 0;
}

static int make(const struct secret *entry, struct rescue_keys *keys, struct fault *f)
{
	ssize_t n = getrandom(keys->public.nonce, RESCUE_NONCE_SIZE, 0);

	if (n != RESCUE_NONCE_SIZE)
		return fault_errno(f, EXITCODE_INTERNAL, n < 0 ? -errno : -EIO,
				   "no random numbers");
	if (x25519_new(keys->private, keys->public.key) < 0)
		return fault_set(f, EXITCODE_INTERNAL, ENOTSUP, "libcrypto: no key of X25519");
	return derive_shared(entry, &keys->public, keys->shared, f);
}

int rescue_keys_make(const struct secret *entry, struct rescue_keys *keys, struct fault *f)
{
	int r;

	keys->there = false;
	r = make(entry, keys, f);
	if (r < 0)
		explicit_bzero(keys, sizeof(*keys));
	else
		keys->there = true;
	return r;
}

int rescue_shared(const struct secret *entry, const struct rescue_public *public,
		  struct secret *ret_shared, struct fault *f)
{
	_cleanup_secret_ struct secret shared = SECRET_NULL;
	int r = secret_init(&shared, f);

	if (r < 0)
		return r;
	r = derive_shared(entry, public, shared.bytes, f);
	if (r < 0)
		return r;
	shared.len = RESCUE_KEY_SIZE;
	*ret_shared = shared;
	shared = SECRET_NULL;
	return 0;
}
