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

/* cryptsetup, reencryption of LUKS1: the first bytes of the magic while it is under way. */
static const unsigned char begun[] = { 'L', 'U', 'K', 'S', 0xde, 0xad };

int luks1_refuse_begun(const struct image *image, struct fault *f)
{
	unsigned char header[sizeof(begun)];
	char next[FAULT_NEXT_MAX];
	struct rules_disk disk;

	if (image->size < sizeof(header) ||
	    io_read_at(image->fd, header, sizeof(header), image->offset) < 0 ||
	    memcmp(header, begun, sizeof(begun)) != 0)
		return 0;
	rules_name(image, &disk);
	(void)snprintf(next, sizeof(next), "%scryptsetup reencrypt %s%s", disk.before, disk.name,
		       disk.after); /* fits */
	return fault_about(f, EXITCODE_REFUSED, image->path, next,
			   "cryptsetup has begun to re-encrypt it (LUKS1), and can go on in the "
			   "directory that has its files LUKS-UUID.log, .org and .new");
}

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
