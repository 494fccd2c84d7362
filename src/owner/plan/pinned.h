/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * pinned.h - a secret table with its policy entry: the two that prepare and rotate write
 * together.
 */
#ifndef COCO_OWNER_PINNEDTABLE_H
#define COCO_OWNER_PINNEDTABLE_H

#include "owner/disk/header.h"
#include "owner/io/codec.h"
#include "owner/table/table.h"
#include "volume/pins.h"

/* Reads a table in any encoding, and the policy entry in it, if there is one. bytes is from
 * secret_init(). Returns 0 or negative with f. */
int pinnedtable_read(const char *path, const struct conf *conf, struct secret *bytes,
		     enum codec *ret_format, struct policy_entry *ret_policy, struct fault *f);

/* The entry's data into locked memory, owned by the caller. Returns 0 or negative with f. */
int pinnedtable_get(const char *path, const struct secret *bytes, const char *guid,
		    struct secret *ret_data, struct fault *f);

/* dst is from secret_init(). */
void pinnedtable_copy(struct secret *dst, const struct secret *src);

/* Puts an entry into the table; one with this GUID is replaced. Returns 0 or negative with f. */
int pinnedtable_set(struct secret *bytes, const char *guid, const struct secret *data,
		    const char *what, struct fault *f);

/* The same for the policy. */
int pinnedtable_set_policy(struct secret *bytes, const struct policy_entry *policy,
			   struct fault *f);

/* Writes the table padded to 16 bytes, 0600, in one step. Returns 0 or negative with f. */
int pinnedtable_write(const char *path, struct secret *bytes, enum codec format, bool force,
		      struct fault *f);

/* The pins of this volume, which are added if there are none; or NULL if there are too many. */
struct pins *pinnedtable_pins(struct policy_entry *policy, const char *name);

/* Pins UUID and volume key; the header pins are emptied. Returns 0 or negative with f. */
int pinnedtable_pin_identity(struct pins *pins, const struct luksheader *header,
			     const struct secret *volume_key, struct fault *f);

/* Adds the header as it is now to the pinned ones, if it is not there. 0 or negative with f. */
int pinnedtable_pin_header(struct pins *pins, const struct luksheader *header, struct fault *f);

#endif
