/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * launch.h - what a SEV or SEV-ES guest measures to: launch digest and launch measurement.
 * Formulas: AMD SEV API, LAUNCH_MEASURE, as virtee/sevctl (src/measurement.rs) and libvirt's
 * virt-qemu-sev-validate(1) compute them; hashes of kernel, initrd and command line as QEMU
 * (target/i386/sev.c) lays them out for AmdSev firmware.
 */
#ifndef COCO_OWNER_LAUNCH_H
#define COCO_OWNER_LAUNCH_H

#include <stdint.h>

#include "base/fault.h"
#include "base/secret.h"

#define LAUNCH_NONCE_SIZE 16
#define LAUNCH_BLOB_SIZE (DIGEST_SIZE + LAUNCH_NONCE_SIZE) /* what LAUNCH_MEASURE returns */
#define LAUNCH_KEY_SIZE 16				   /* TIK, TEK */
#define LAUNCH_HASHES_SIZE 176				   /* with 8 bytes of padding */
#define LAUNCH_VMSA_SIZE 4096
#define LAUNCH_VMSAS_MAX 512 /* processors of a guest */

#define LAUNCH_POLICY_NODBG 0x1U /* the host may not read the guest's memory by DBG_DECRYPT */
#define LAUNCH_POLICY_ES 0x4U	 /* registers are encrypted and measured: SEV-ES */

struct launch_inputs {
	const char *firmware;
	const char *kernel;	     /* NULL: the host does not set kernel-hashes=on */
	const char *initrd, *append; /* may be NULL */
	const char *vmsas[LAUNCH_VMSAS_MAX];
	size_t nr_vmsas;
	size_t nr_cpus; /* 0, or: the last of the VMSAs is that of the rest of so many */
	uint32_t policy;
};

struct launch_platform {
	uint8_t api_major, api_minor, build;
	uint32_t policy;
};

/* The table of hashes that QEMU puts into the guest's memory; reads the files. */
int launch_hashes(const char *kernel, const char *initrd, const char *append,
		  unsigned char ret_table[static LAUNCH_HASHES_SIZE], struct fault *f);

/* SHA-256 over all that is loaded before the guest runs; reads the files. Refuses a firmware
 * without a place for hashes if there is a kernel, and VMSAs that do not fit the policy. */
int launch_digest(const struct launch_inputs *in, struct digest *ret_digest, struct fault *f);

/* HMAC of the platform's state, the launch digest and the nonce, with the TIK. */
int launch_measurement(const struct secret *tik, const struct launch_platform *platform,
		       const struct digest *digest,
		       const unsigned char nonce[static LAUNCH_NONCE_SIZE],
		       struct digest *ret_measurement);

/* Checks what the host reported, measurement and nonce. Returns 0, -EPERM or -ENOTSUP. */
int launch_check(const struct secret *tik, const struct launch_platform *platform,
		 const struct digest *digest, const unsigned char blob[static LAUNCH_BLOB_SIZE]);

/* HMAC-SHA256 of bytes that are no secret. Returns 0 or -ENOTSUP. */
int launch_hmac(const struct secret *key, const unsigned char *data, size_t len,
		struct digest *ret_digest);

#endif
