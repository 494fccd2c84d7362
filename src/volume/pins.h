/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * pins.h - the policy entry of the secret table: what the owner of the guest pins.
 * coco-unlock-policy(5) is the contract; it comes through the same channel as the secret.
 */
#ifndef COCO_POLICY_ENTRY_H
#define COCO_POLICY_ENTRY_H

#include "base/digest.h"
#include "base/secret.h"
#include "conf/conf.h"
#include "disk/device.h"

#define POLICY_ENTRY_SIZE_MAX 4096 /* bytes */
#define POLICY_ENTRY_HEADERS_MAX 8 /* header pins of one volume */

/* What is pinned for one volume; what is not, is free. */
struct pins {
	char name[CONF_NAME_SIZE];
	char uuid[GUID_TEXT_SIZE]; /* empty: not pinned */
	struct digest headers[POLICY_ENTRY_HEADERS_MAX];
	size_t nr_headers;
	bool has_volume_key, has_fixated_key, has_min_generation, has_set_generation;
	struct digest volume_key;  /* SHA-256 of the volume key */
	struct digest fixated_key; /* systemd's fixate-volume-key= */
	uint64_t min_generation;
	uint64_t set_generation; /* at least min_generation */
};

struct policy_entry {
	bool present;
	struct pins volumes[CONF_VOLUMES_MAX];
	size_t nr_volumes;
};

/*
 * Reads the entry's text. Every volume in it must be one of conf; without a conf (NULL) any that
 * cocotab could have. Returns 0, or -EINVAL with
 * f saying policy-invalid and the number of the line.
 */
int policy_entry_parse(const struct secret *entry, const struct conf *conf,
		       struct policy_entry *ret_policy, struct fault *f);

/* Checks that what RequirePolicyEntry= asks for is there. Returns 0, or -ENOENT with f saying
 * policy-missing. */
int policy_entry_suffices(const struct policy_entry *policy, const struct conf *conf,
			  struct fault *f);

/* The pins of this volume, or NULL. */
const struct pins *policy_entry_pins(const struct policy_entry *policy, const char *name);

/*
 * Compare with the pins, NULL meaning none. Each returns 0, or -EPERM with f saying
 * pin-mismatch.
 * Header: SHA-256 of both copies, of size bytes together, as they came from the disk.
 */
int pins_check_header(const struct pins *pins, const unsigned char *metadata, size_t size,
		      const struct device *device, struct fault *f);
int pins_check_uuid(const struct pins *pins, const char *uuid, struct fault *f);

/* systemd's form (crypttab(5) of systemd 260): HMAC-SHA256 with the volume key as the key,
 * over "cryptsetup:NAME:UUID", as lower case hexadecimal digits. */
int pins_check_key(const struct pins *pins, const struct secret *volume_key, const char *uuid,
		   struct fault *f);

#endif
