/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * luks1.c - knows a LUKS1 header, and how cryptsetup makes LUKS2 of it.
 * Trusts no byte of the image. Changes nothing: what to do is left to its owner.
 */
#include "owner/disk/luks1.h"

#include <stdio.h>
#include <string.h>

#include "base/io.h"
#include "base/text.h"
#include "owner/disk/rules.h"

/* LUKS1 On-Disk Format Specification 1.2.3, 2.1: the partition header. */
#define HASH_OFFSET 72
#define HASH_SIZE 32
static const unsigned char magic[] = { 'L', 'U', 'K', 'S', 0xba, 0xbe, 0x00, 0x01 };

bool luks1_way(const struct image *image, char *buf, size_t size)
{
	unsigned char header[HASH_OFFSET + HASH_SIZE];
	struct rules_disk disk;
	bool sha1;

	if (image->size < sizeof(header) ||
	    io_read_at(image->fd, header, sizeof(header), image->offset) < 0 ||
	    memcmp(header, magic, sizeof(magic)) != 0)
		return false;
	/* Keyslots and digest are made with this hash; convert keeps it, as a reencrypt does that
	 * is not told another one. */
	sha1 = memcmp(header + HASH_OFFSET, "sha1", sizeof("sha1")) == 0;
	rules_name(image, &disk);
	(void)snprintf(buf, size, "%scryptsetup convert --type luks2 %s", disk.before, disk.name);
	/* Of a file, cryptsetup cannot see that nobody uses it. */
	if (sha1)
		text_append(buf, size, " && cryptsetup reencrypt --hash sha256 %s%s",
			    disk.file ? "--force-offline-reencrypt " : "", disk.name);
	text_append(buf, size, "%s", disk.after);
	return true;
}
