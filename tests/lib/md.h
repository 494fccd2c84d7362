/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * md.h - makes a file of a tree a member of a RAID, as far as its superblock goes: half of a
 * mirror of two. What else is in the file stays.
 */
#ifndef MD_H
#define MD_H

#include <linux/raid/md_p.h>
#include <stdint.h>

#include "fixture.h"

#define MD_MAGIC 0xa92b4efc
#define MD_UUID "61616161-6161-6161-6161-616161616161"

static inline void md_write(const char *file, uint64_t place, const void *sb, size_t size)
{
	int fd = open(file, O_WRONLY | O_CLOEXEC);

	FIXTURE_MUST(fd >= 0 && pwrite(fd, sb, size, (off_t)place) == (ssize_t)size);
	FIXTURE_MUST(close(fd) == 0);
}

/* Version 0.90, of a machine with this order of bytes: in the last whole 64 KiB but one. */
static inline void md_put_old(const struct fixture *fx, const char *path)
{
	static mdp_super_t sb;
	struct stat st;
	uint64_t place;

	FIXTURE_MUST(stat(fixture_path(fx, path), &st) == 0);
	place = ((uint64_t)st.st_size & ~0xffffULL) - 0x10000;
	sb = (mdp_super_t){ .md_magic = MD_MAGIC, .minor_version = 90, .level = 1 };
	sb.size = (uint32_t)(place / 1024);
	sb.nr_disks = sb.raid_disks = 2;
	sb.set_uuid0 = sb.set_uuid1 = sb.set_uuid2 = sb.set_uuid3 = 0x61616161;
	md_write(fixture_path(fx, path), place, &sb, sizeof(sb));
}

/* Versions 1.0 (in the last 8 KiB), 1.1 (at byte 0) and 1.2 (at 4096). */
static inline void md_put(const struct fixture *fx, const char *path, unsigned int minor,
			  const char *name)
{
	uint32_t words[(sizeof(struct mdp_superblock_1) + 2 * 2) / 4];
	struct mdp_superblock_1 *sb = (struct mdp_superblock_1 *)words;
	uint64_t sum = 0, place = 4096;
	struct stat st;
	size_t i;

	memset(words, 0, sizeof(words));
	FIXTURE_MUST(stat(fixture_path(fx, path), &st) == 0);
	if (minor < 2)
		place = minor == 0 ? ((uint64_t)st.st_size - 8192) & ~4095ULL : 0;
	sb->magic = MD_MAGIC;
	sb->major_version = 1;
	memset(sb->set_uuid, 'a', sizeof(sb->set_uuid));
	(void)snprintf(sb->set_name, sizeof(sb->set_name), "%s", name);
	sb->level = 1;
	sb->raid_disks = sb->max_dev = 2;
	sb->size = sb->data_size = 1024;
	sb->data_offset = minor == 0 ? 0 : 2048;
	sb->super_offset = place / 512;
	for (i = 0; i < ARRAY_SIZE(words); i++)
		sum += words[i];
	sb->sb_csum = (uint32_t)((sum & 0xffffffff) + (sum >> 32));
	md_write(fixture_path(fx, path), place, words, sizeof(words));
}

#endif
