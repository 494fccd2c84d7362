/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * target.h - the disk that a verb is about: how the command line names it, its image, its
 * header, and what the guest's configuration says of its volume.
 */
#ifndef COCO_OWNER_TARGET_H
#define COCO_OWNER_TARGET_H

#include "base/fault.h"
#include "base/options.h"
#include "conf/conf.h"
#include "owner/disk/header.h"
#include "volume/pins.h"

/* From the command line; not owned. */
struct target_options {
	const char *disk;     /* file or block device, or IMAGE#PARTITION */
	const char *config;   /* the guest's root directory, or NULL */
	const char *volume;   /* name in cocotab, or NULL */
	const char *firmware; /* OVMF image that the tables are for, or NULL */
};

/* Rows for a table of options; o is the member of `type` that is a struct target_options. */
#define TARGET_OPTIONS(type, o)                                                   \
	OPTION_TEXT(0, "config", "DIR", type, o.config,                           \
		    "the guest's root directory, whose /etc/coco-unlock counts"), \
		OPTION_TEXT(0, "volume", "NAME", type, o.volume,                  \
			    "the volume of cocotab that DISK is; root without a configuration")
/* For verbs that write tables, or print commands that do. */
#define TARGET_FIRMWARE(type, o)                                              \
	OPTION_FILE(0, "firmware", "FILE", type, o.firmware, OPTION_USE_READ, \
		    "take the size of the tables' area from this OVMF image; else 3072")
#define TARGET_DISK                             \
	OPTION_OPERAND("DISK", OPTION_USE_DISK, \
		       "encrypted disk: file or block device, or IMAGE#PARTITION")
#define TARGET_LOOK                             \
	OPTION_OPERAND("DISK", OPTION_USE_LOOK, \
		       "encrypted disk: file or block device, or IMAGE#PARTITION")

/* Must not be moved while it is open. */
struct target {
	const struct target_options *o; /* not owned */
	struct conf conf;
	const struct volume_conf *vc; /* in conf */
	struct policy_entry image_policy;
	struct image image;
	struct luksheader header;
	size_t area; /* bytes: that the firmware has for a table */
};

#define TARGET_NULL ((struct target){ .image = IMAGE_NULL, .header = LUKSHEADER_NULL })

/* Reads the configuration, the image's policy and the firmware, opens the disk, and takes its
 * header out, if the unlocker would accept it. Returns 0 or negative with f; in any case
 * target_done() follows. */
int target_open(struct target *t, const struct target_options *o, bool writable, struct fault *f);

/* A policy entry is read with the names of cocotab: without --config, that may be all that is wrong
 * with it, and is the next step then. */
void target_explain_policy(const struct target *t, struct fault *f);

/* luksheader_add() with a next step where there is no room: what takes a keyslot away with the
 * passphrase in key_file, or in a file without a name yet (NULL). */
int target_add(struct target *t, const struct secret *volume_key, const struct secret *passphrase,
	       enum luksheader_kdf kdf, const char *key_file, struct fault *f);

/* luksheader_put() with a fault that names the disk. */
int target_put(const struct target *t, struct fault *f);

void target_done(struct target *t);

#endif
