/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * firmware.c - walks the GUID table in front of an OVMF image's reset vector.
 * Trusts no length in it: each one is compared with what is left before it is used.
 */
#include "owner/launch/firmware.h"

#include <string.h>

#include "base/guid.h"
#include "base/little.h"
#include "owner/io/file.h"

#define FOOTER_END 32 /* bytes between the footer record and the end of the image */
#define RECORD_MIN 18 /* u16 length and GUID */

static const char footer_guid[] = "96b582de-1fb2-45f7-baea-a366c55a082d";
static const char secret_guid[] = "4c2eb361-7d9b-4cc3-8081-127c90d3d294";
static const char hashes_guid[] = "7255371f-3a3b-4b04-927b-1da6efa8d454";

static bool has_guid(const unsigned char *p, const char guid[static GUID_TEXT_SIZE])
{
	unsigned char bytes[GUID_SIZE];

	guid_bytes(guid, bytes);
	return memcmp(p, bytes, GUID_SIZE) == 0;
}

static int bad(struct fault *f, const char *path, size_t offset, const char *why)
{
	return fault_about(f, EXITCODE_BAD_INPUT, path, "use an AmdSev build of OVMF, unchanged",
			   "the reset vector's table, at offset %zu: %s", offset, why);
}

/* Base and size of a block, from a record of 8 bytes of data. */
static int read_block(const char *path, const unsigned char *image, size_t start, size_t len,
		      struct firmware_block *block, struct fault *f)
{
	uint32_t base, size, end;

	if (block->present)
		return bad(f, path, start, "a block that is there twice");
	if (len != 8 + RECORD_MIN)
		return bad(f, path, start, "a block whose record has not 8 bytes");
	base = little32(image + start);
	size = little32(image + start + 4);
	if (base == 0 || size == 0 || __builtin_add_overflow(base, size, &end))
		return bad(f, path, start, "a block that is empty or wraps");
	*block = (struct firmware_block){ .present = true, .base = base, .size = size };
	return 0;
}

int firmware_parse(const char *path, const unsigned char *image, size_t size,
		   struct firmware *ret_firmware, struct fault *f)
{
	struct firmware firmware = { 0 };
	size_t end, left, len;
	int r = 0;

	if (size < FOOTER_END + RECORD_MIN)
		return bad(f, path, size, "the file is too short to have one");
	end = size - FOOTER_END - GUID_SIZE; /* of the footer's length field, then of records */
	if (!has_guid(image + end, footer_guid))
		return bad(f, path, end, "the GUID of its footer is not there");
	end -= 2;
	left = little16(image + end);
	if (left < RECORD_MIN || left - RECORD_MIN > end)
		return bad(f, path, end, "its total length is not possible");
	left -= RECORD_MIN;
	while (left > 0 && r == 0) {
		if (left < RECORD_MIN)
			return bad(f, path, end - left, "bytes that are no record");
		len = little16(image + end - RECORD_MIN);
		if (len < RECORD_MIN || len > left)
			return bad(f, path, end - RECORD_MIN, "a record's length is not possible");
		if (has_guid(image + end - GUID_SIZE, secret_guid))
			r = read_block(path, image, end - len, len, &firmware.secret, f);
		else if (has_guid(image + end - GUID_SIZE, hashes_guid))
			r = read_block(path, image, end - len, len, &firmware.hashes, f);
		end -= len;
		left -= len;
	}
	if (r == 0)
		*ret_firmware = firmware;
	return r;
}

int firmware_refuse(struct fault *f, const char *path, const char *why)
{
	return fault_about(f, EXITCODE_REFUSED, path,
			   "use OVMF.amdsev.fd, which edk2 builds of OvmfPkg/AmdSev/AmdSevX64.dsc; "
			   "Debian's package is ovmf-amdsev",
			   "it is no AmdSev build of OVMF: %s", why);
}

int firmware_secret_area(const char *path, size_t *ret_size, struct fault *f)
{
	_cleanup_free_ unsigned char *image = NULL;
	struct firmware firmware;
	size_t size;
	int r = file_read(path, FIRMWARE_SIZE_MAX, &image, &size, f);

	if (r == 0)
		r = firmware_parse(path, image, size, &firmware, f);
	if (r < 0)
		return r;
	if (!firmware.secret.present)
		return firmware_refuse(f, path, "it has no area for a secret table");
	*ret_size = firmware.secret.size;
	return 0;
}
