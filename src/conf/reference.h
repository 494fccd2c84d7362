/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * reference.h - which secret a volume is opened with: the third column of cocotab.
 */
#ifndef COCO_REFERENCE_H
#define COCO_REFERENCE_H

#include <stdbool.h>

#include "base/guid.h"

/* The GUID of a disk secret; the name EFI_DISKPASSWD of GRUB's efisecret patches, and the
 * alias luks-key of libvirt's virt-qemu-sev-validate(1). */
#define GUID_DISK_SECRET "736869e5-84f0-4973-92ec-06879ce3da0b"
/* The example of Linux' Documentation/security/secrets/coco.rst: one byte pair differs. */
#define GUID_KERNEL_EXAMPLE "736870e5-84f0-4973-92ec-06879ce3da0b"
/* The project's own, of the owner's pins: coco-unlock-policy(5). */
#define GUID_POLICY "f2d7c5a0-8f0e-4f36-9a3c-6b1de5a7c914"
/* The project's own, of what a rescue's secrets travel under: coco-unlock-rescue(7). */
#define GUID_RESCUE "ca4b4042-831b-4962-9798-fc95c71f1236"

#define REFERENCE_RESOURCE_SIZE 256 /* bytes with the final NUL */
#define REFERENCE_TEXT_SIZE (REFERENCE_RESOURCE_SIZE + GUID_TEXT_SIZE + 8)

enum reference_kind {
	REFERENCE_ENTRY,    /* of a secret table: the launch secret, or the broker's Resource= */
	REFERENCE_RESOURCE, /* of the broker, named by cocotab itself */
};

struct reference {
	enum reference_kind kind;
	char guid[GUID_TEXT_SIZE]; /* of the entry, lower case; without one, GUID_DISK_SECRET */
	bool has_guid;		   /* cocotab names one */
	char resource[REFERENCE_RESOURCE_SIZE]; /* repo/type/tag; empty for REFERENCE_ENTRY */
};

#define REFERENCE_DISK_SECRET ((struct reference){ .guid = GUID_DISK_SECRET })
#define REFERENCE_POLICY ((struct reference){ .guid = GUID_POLICY })
#define REFERENCE_RESCUE ((struct reference){ .guid = GUID_RESCUE })

/*
 * Reads a word of cocotab: a GUID of either case, kbs:///repo/type/tag, or that with #GUID. Each of
 * the three has letters, digits, _, - and, but not in front, dots, as Trustee's resource backend
 * wants them. Returns 0 or -EINVAL.
 */
int reference_parse(const char *word, struct reference *ret_reference);

/* Reads repo/type/tag, with or without kbs:/// in front, and nothing behind it. Returns 0 or
 * -EINVAL. */
int reference_parse_resource(const char *word, char ret_resource[static REFERENCE_RESOURCE_SIZE]);

/* The word again, as cocotab has it: a GUID is in lower case. */
void reference_text(const struct reference *ref, char ret_text[static REFERENCE_TEXT_SIZE]);

#endif
