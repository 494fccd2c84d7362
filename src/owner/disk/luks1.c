/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * luks1.c - knows a LUKS1 header, and how cryptsetup makes LUKS2 of it.
 * Trusts no byte of the image. Changes nothing: what to do is left to its owner.
 */
#include "owner/disk/luks1.h"

#include <stdio.h>
#include <string.h>

#include "base/io.h"
#include "owner/io/shell.h"

/* LUKS1 On-Disk Format Specification 1.2.3, 2.1: the partition header. */
#define HASH_OFFSET 72
#define HASH_SIZE 32
static const unsigned char magic[] = { 'L', 'U', 'K', 'S', 0xba, 0xbe, 0x00, 0x01 };

bool luks1_way(const struct image *image, char *buf, size_t size)
{
	unsigned char header[HASH_OFFSET + HASH_SIZE];
	const char *force;
	char word[FAULT_NEXT_MAX / 4];
	bool sha1;
	int nr;

	if (image->size < sizeof(header) ||
	    io_read_at(image->fd, header, sizeof(header), image->offset) < 0 ||
	    memcmp(header, magic, sizeof(magic)) != 0)
		return false;
	/* Keyslots and digest are made with this hash; convert keeps it, as a reencrypt does that
	 * is not told another one. */
	sha1 = memcmp(header + HASH_OFFSET, "sha1", sizeof("sha1")) == 0;
	if (shell_word(word, sizeof(word), image->path) < 0)
		(void)snprintf(word, sizeof(word), "DISK"); /* fits */
	/* Of a file, cryptsetup cannot see that nobody uses it. */
	force = image->block ? "" : "--force-offline-reencrypt ";
	if (image->partition)
		nr = snprintf(buf, size,
			      "losetup -P --show -f %s, and on partition %u of that device, as DEVICE: "
			      "cryptsetup convert --type luks2 DEVICE%s",
			      word, image->partition,
			      sha1 ? ", then cryptsetup reencrypt --hash sha256 DEVICE" : "");
	else if (sha1)
		nr = snprintf(
			buf, size,
			"cryptsetup convert --type luks2 %s, then cryptsetup reencrypt --hash sha256 %s%s",
			word, force, word);
	else
		nr = snprintf(buf, size, "cryptsetup convert --type luks2 %s", word);
	if (nr < 0 || (size_t)nr >= size)
		(void)snprintf(buf, size, "cryptsetup convert --type luks2 DISK%s%s",
			       sha1 ? ", then cryptsetup reencrypt --hash sha256 " : "",
			       sha1 ? "DISK" : "");
	return true;
}
