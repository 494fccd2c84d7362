/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * forge.h - LUKS2 headers for fuzz targets: two binary headers that nothing is wrong with, the
 * JSON text in both copies, and good checksums. The first byte of the input chooses what the
 * owner's configuration asks for.
 */
#ifndef FUZZ_FORGE_H
#define FUZZ_FORGE_H

#include "disk/policy.h"
#include "fuzz.h"
#include "luks2.h"

#define FORGE_UUID "5c0c0a7e-0009-4000-8000-000000000001"

enum forge_choice {
	FORGE_INTEGRITY = 1 << 0,  /* integrity=hmac-sha256 */
	FORGE_TOKENS = 1 << 1,	   /* token=systemd-tpm2,token=coco-test */
	FORGE_CIPHERS = 1 << 2,	   /* a second cipher */
	FORGE_SMALL_DISK = 1 << 3, /* 1 MiB and one page */
	FORGE_LARGE = 1 << 4,	   /* metadata-size=64k */
};

#define FORGE_COPY_MAX (64 * 1024) /* bytes of one copy */

static inline void forge_put_text(unsigned char *at, const char *text)
{
	memcpy(at, text, strlen(text));
}

/* Fields and their places: LUKS2 On-Disk Format Specification 1.1, 2.1. */
static inline void forge_make(const char *json, size_t len, uint32_t size,
			      unsigned char *ret_metadata)
{
	static const unsigned char magics[2][8] = {
		{ 'L', 'U', 'K', 'S', 0xba, 0xbe, 0, 2 },
		{ 'S', 'K', 'U', 'L', 0xba, 0xbe, 0, 2 },
	};
	unsigned int i;

	memset(ret_metadata, 0, 2 * (size_t)size);
	for (i = 0; i < 2; i++) {
		unsigned char *copy = ret_metadata + i * (size_t)size;

		memcpy(copy, magics[i], sizeof(magics[i]));
		copy[13] = (unsigned char)(size >> 16); /* hdr_size, 64 bits */
		copy[14] = (unsigned char)(size >> 8);
		copy[23] = 3; /* seqid */
		forge_put_text(copy + 24, "label");
		forge_put_text(copy + 72, "sha256");
		memset(copy + 104, 0x5a + (int)i, 64); /* salt */
		forge_put_text(copy + 168, FORGE_UUID);
		forge_put_text(copy + 208, "subsystem");
		copy[261] = i ? copy[13] : 0; /* hdr_offset */
		copy[262] = i ? copy[14] : 0;
		memcpy(copy + HEADER_BINARY_SIZE, json, len);
	}
	luks2_seal_sized(ret_metadata, size);
}

static inline void forge_conf(unsigned int choice, struct conf *ret_conf, uint64_t *ret_disk_size)
{
	struct volume_conf *vc = &ret_conf->volumes[0];

	conf_defaults(ret_conf);
	*ret_disk_size = choice & FORGE_SMALL_DISK ? 1024 * 1024 + 4096 : 64 * 1024 * 1024;
	if (choice & FORGE_LARGE)
		vc->metadata_size = FORGE_COPY_MAX;
	if (choice & FORGE_INTEGRITY)
		vc->options |= VOLUME_OPTION_INTEGRITY_HMAC_SHA256;
	if (choice & FORGE_TOKENS) {
		forge_put_text((unsigned char *)vc->tokens.names[0], "systemd-tpm2");
		forge_put_text((unsigned char *)vc->tokens.names[1], "coco-test");
		vc->tokens.nr = 2;
	}
	if (choice & FORGE_CIPHERS) {
		forge_put_text((unsigned char *)ret_conf->ciphers.names[1], "serpent-xts-plain64");
		ret_conf->ciphers.nr = 2;
	}
}

#endif
