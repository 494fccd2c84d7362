/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * pins.h - what the owner of the guest pins: in the policy entry of the secret table, which comes
 * through the same channel as the secret, and in the image's policy (imagepolicy.h).
 * coco-unlock-policy(5) is the contract.
 */
#ifndef COCO_POLICY_ENTRY_H
#define COCO_POLICY_ENTRY_H

#include "base/digest.h"
#include "base/secret.h"
#include "conf/conf.h"
#include "disk/device.h"

#define POLICY_ENTRY_SIZE_MAX 4096 /* bytes */
#define POLICY_ENTRY_HEADERS_MAX 8 /* header pins of one volume */

/* Which of the two pins something. */
enum pin_origin {
	PIN_OF_ENTRY,
	PIN_OF_IMAGE,
	PIN_OF_BOTH,
};

/* What is pinned for one volume; what is not, is free, and has no origin. */
struct pins {
	char name[CONF_NAME_SIZE];
	enum pin_origin uuid_of, headers_of, volume_key_of, fixated_key_of;
	char uuid[GUID_TEXT_SIZE]; /* empty: not pinned */
	struct digest headers[POLICY_ENTRY_HEADERS_MAX];
	size_t nr_headers;
	bool has_volume_key, has_fixated_key, has_min_generation, has_set_generation;
	struct digest volume_key;  /* SHA-256 of the volume key */
	struct digest fixated_key; /* systemd's fixate-volume-key= */
	uint64_t min_generation;
	uint64_t set_generation; /* at least min_generation */
};

/* The entry, the image's policy, or what the two come to together. */
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

/* The same of a text, which is changed, and with the origin of its pins. Fills no fault: returns 0,
 * or -EINVAL and the number of the line. What stood before it has been read. */
int policy_text_parse(char *text, const struct conf *conf, enum pin_origin origin,
		      struct policy_entry *ret_policy, unsigned int *ret_line);

/* The pins of this volume, or NULL. */
const struct pins *policy_entry_pins(const struct policy_entry *policy, const char *name);

/* "the policy entry", "the image's policy" or "both policies". */
const char *pin_origin_name(enum pin_origin origin);

/*
 * Compare with the pins, NULL meaning none. Each returns 0, or -EPERM with f saying
 * pin-mismatch and whose pin it is; of the image's, also what to do.
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
