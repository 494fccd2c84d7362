/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * mapping.h - the live device-mapper table: what the kernel really maps, whatever a header
 * or a library says.
 *
 * Format facts: linux/dm-ioctl.h (interface 4.x, DM_TABLE_STATUS with DM_STATUS_TABLE_FLAG;
 * the secure-data flag makes the kernel wipe its buffer); Documentation/admin-guide/
 * device-mapper/dm-crypt.rst and dm-integrity.rst for the parameters.
 */
#ifndef COCO_MAPPING_H
#define COCO_MAPPING_H

#include <stdint.h>
#include <sys/types.h>

#include "disk/policy.h"

#define MAPPING_UUID_SIZE 129 /* DM_UUID_LEN */
#define MAPPING_TYPE_SIZE 16  /* DM_MAX_TYPE_NAME */
#define MAPPING_PARAMS_SIZE 512

#define MAPPING_DIF_SUFFIX "_dif" /* libcryptsetup's name for the integrity device below */

/* One live mapping; start and length in sectors of 512 bytes. */
struct mapping {
	dev_t dev;
	char uuid[MAPPING_UUID_SIZE];
	unsigned int nr_targets; /* of the active table; the rest is about the first one */
	uint64_t start;
	uint64_t length;
	char type[MAPPING_TYPE_SIZE]; /* such as "crypt" */
	char params[MAPPING_PARAMS_SIZE];
	bool read_only;
	bool suspended_or_pending; /* suspended, or a second table waits to become active */
};

/*
 * Reads the mapping of this name. Returns 0, -ENXIO if there is none, -E2BIG if the table
 * does not fit, or -errno.
 */
int mapping_read(const struct root *root, const char *name, struct mapping *ret_mapping);

/*
 * Refuses a name that somebody has in use, or its integrity device's: such a mapping is not ours,
 * and whoever undoes an unlock that has ended half-way would take it away. Returns 0, or -errno
 * with f saying busy.
 */
int mapping_refuse_taken(const struct root *root, const char *name, struct fault *f);

/*
 * Compares the live mapping of vc (with integrity: both of them) with what the judged header
 * and cocotab ask for on this device: one target, crypt, cipher, a key that is in the
 * kernel's keyring and of the right size, IV offset 0, device, offset, length, and exactly
 * the options. Returns 0 with *ret_mapping filled, or -errno with f saying mapping-differs
 * and what it is that differs.
 */
int mapping_check(const struct root *root, const struct volume_conf *vc,
		  const struct verdict *verdict, const struct device *device,
		  struct mapping *ret_mapping, struct fault *f);

#endif
