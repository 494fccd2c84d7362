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

/* LUKS1 On-Disk Format Specification 1.2.3, 2.1 and 2.3: the partition header and its keyslots;
 * numbers are big-endian, sectors have 512 bytes. */
#define HASH_OFFSET 72
#define PAYLOAD_OFFSET 104   /* sectors */
#define KEY_BYTES_OFFSET 108 /* of the volume key */
#define KEYSLOTS_OFFSET 208
#define KEYSLOT_SIZE 48
#define NR_KEYSLOTS 8
#define KEYSLOT_ACTIVE 0x00ac71f3
#define HEADER_SIZE (KEYSLOTS_OFFSET + NR_KEYSLOTS * KEYSLOT_SIZE)
#define STRIPES 4000
#define METADATA_SIZE 32768 /* bytes: both copies, as convert makes them */
static const unsigned char magic[] = { 'L', 'U', 'K', 'S', 0xba, 0xbe, 0x00, 0x01 };

/* cryptsetup, reencryption of LUKS1: the first bytes of the magic while it is under way. */
static const unsigned char begun[] = { 'L', 'U', 'K', 'S', 0xde, 0xad };

static uint32_t get_be32(const unsigned char *p)
{
	return (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 | (uint32_t)p[2] << 8 | p[3];
}

static uint64_t payload_of(const unsigned char *header)
{
	return 512 * (uint64_t)get_be32(header + PAYLOAD_OFFSET);
}

/* Of one keyslot in LUKS2. */
static uint64_t area_of(const unsigned char *header)
{
	return (STRIPES * (uint64_t)get_be32(header + KEY_BYTES_OFFSET) + 4095) / 4096 * 4096;
}

/* Convert moves the areas of all keyslots, those not in use, too; headers of old versions, and with
 * --align-payload, have no room for that. */
static bool can_convert(const unsigned char *header)
{
	return payload_of(header) >= METADATA_SIZE + NR_KEYSLOTS * area_of(header);
}

/*
 * How many keyslots have to go before cryptsetup can re-encrypt what convert makes of this header.
 * It makes each keyslot once more beside the old ones, and needs the room of one for itself;
 * convert makes 2 times 16 KiB of metadata, and keyslots in units of 4 KiB.
 */
static uint32_t too_many_keyslots(const unsigned char *header)
{
	const uint64_t area = area_of(header);
	uint64_t room = area > 0 ? (payload_of(header) - METADATA_SIZE) / area : 0;
	uint32_t i, active = 0;

	for (i = 0; i < NR_KEYSLOTS; i++)
		active += get_be32(header + KEYSLOTS_OFFSET + i * KEYSLOT_SIZE) == KEYSLOT_ACTIVE;
	room = room > 2 ? (room - 1) / 2 : 1;
	return active > room ? active - (uint32_t)room : 0;
}

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

/* Keyslots and digest are made with the header's hash; convert keeps it, as a reencrypt does that
 * is not told another one. */
static void leave_sha1(const unsigned char *header, const struct rules_disk *disk, char *buf,
		       size_t size)
{
	uint32_t i, too_many = too_many_keyslots(header);

	if (too_many > 0)
		text_append(buf, size,
			    "there is not enough room to re-encrypt so many keyslots; with the "
			    "number of one that can go for each N: ");
	text_append(buf, size, "%s", disk->before);
	for (i = 0; i < too_many; i++)
		text_append(buf, size, "cryptsetup luksKillSlot %s N && ", disk->name);
	/* Of a file, cryptsetup cannot see that nobody uses it. */
	text_append(buf, size,
		    "cryptsetup convert --type luks2 %s && cryptsetup reencrypt --hash sha256 %s%s%s",
		    disk->name, disk->file ? "--force-offline-reencrypt " : "", disk->name,
		    disk->after);
}

static void show_way(const unsigned char *header, const struct rules_disk *disk, char *buf,
		     size_t size)
{
	*buf = '\0';
	if (!can_convert(header))
		text_append(buf, size,
			    "cryptsetup convert has no room in this header; make a new image of what "
			    "is in it: %scryptsetup open %s plain && coco-secret encrypt --secret-out "
			    "SECRET /dev/mapper/plain NEW; cryptsetup close plain%s",
			    disk->before, disk->name, disk->after);
	else if (memcmp(header + HASH_OFFSET, "sha1", sizeof("sha1")) == 0)
		leave_sha1(header, disk, buf, size);
	else
		text_append(buf, size, "%scryptsetup convert --type luks2 %s%s", disk->before,
			    disk->name, disk->after);
}

bool luks1_way(const struct image *image, char *buf, size_t size)
{
	unsigned char header[HEADER_SIZE];
	struct rules_disk disk;

	if (image->size < sizeof(header) ||
	    io_read_at(image->fd, header, sizeof(header), image->offset) < 0 ||
	    memcmp(header, magic, sizeof(magic)) != 0)
		return false;
	rules_name(image, &disk);
	show_way(header, &disk, buf, size);
	if (strlen(buf) < size - 1)
		return true;
	/* Half a command is another one; its owner knows the name. */
	disk = (struct rules_disk){ .name = "DISK", .file = disk.file };
	show_way(header, &disk, buf, size);
	return true;
}
