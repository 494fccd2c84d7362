/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * firmware.h - what an OVMF image says in its reset vector: where the secret table and the
 * hashes of kernel, initrd and command line have their place.
 */
#ifndef COCO_OWNER_FIRMWARE_H
#define COCO_OWNER_FIRMWARE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/fault.h"

#define FIRMWARE_SIZE_MAX (64 * 1024 * 1024) /* bytes; OVMF images have 2 to 16 MiB */

struct firmware_block {
	bool present;
	uint32_t base, size;
};

struct firmware {
	struct firmware_block secret; /* GUID 4c2eb361-7d9b-4cc3-8081-127c90d3d294 */
	struct firmware_block hashes; /* GUID 7255371f-3a3b-4b04-927b-1da6efa8d454 */
};

/*
 * Walks the table in front of the reset vector, from its end (tianocore/edk2,
 * OvmfPkg/ResetVector/Ia16/ResetVectorVtf0.nasm.inc). Unknown records are skipped. Returns 0,
 * or -EINVAL with f naming path and offset.
 */
int firmware_parse(const char *path, const unsigned char *image, size_t size,
		   struct firmware *ret_firmware, struct fault *f);

/* It is an OVMF, but of another build. Returns -EPERM with f. */
int firmware_refuse(struct fault *f, const char *path, const char *why);

/* The bytes that a secret table may have in this firmware: reads the file. */
int firmware_secret_area(const char *path, size_t *ret_size, struct fault *f);

#endif
