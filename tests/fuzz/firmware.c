/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * firmware.c - fuzz target: the table in front of a firmware's reset vector. A block that is found
 * has its eight bytes, and its GUID, somewhere in the image.
 */
#include "owner/launch/firmware.h"

#include "fuzz.h"

static void put32(unsigned char *p, uint32_t value)
{
	p[0] = (unsigned char)value;
	p[1] = (unsigned char)(value >> 8);
	p[2] = (unsigned char)(value >> 16);
	p[3] = (unsigned char)(value >> 24);
}

static void check_block(const unsigned char *image, size_t size, const struct firmware_block *b,
			const char *guid)
{
	unsigned char record[8 + 2 + 16];

	if (!b->present) {
		FUZZ_MUST(b->base == 0 && b->size == 0);
		return;
	}
	FUZZ_MUST(b->base != 0 && b->size != 0 && b->base + b->size > b->base);
	put32(record, b->base);
	put32(record + 4, b->size);
	memcpy(record + 8, "\x1a", 2); /* 26, 16 bits */
	memcpy(record + 10, guid, 16);
	FUZZ_MUST(memmem(image, size, record, sizeof(record)));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	unsigned char *image = fuzz_copy(data, size);
	struct firmware firmware = { 0 };
	struct fault f = { 0 };
	int r = firmware_parse("OVMF.fd", image, size, &firmware, &f);

	FUZZ_MUST(r == 0 || (r == -EINVAL && f.code == EXITCODE_BAD_INPUT && f.why[0]));
	if (r == 0) {
		fuzz_accepted++;
		check_block(image, size, &firmware.secret,
			    "\x61\xb3\x2e\x4c\x9b\x7d\xc3\x4c\x80\x81\x12\x7c\x90\xd3\xd2\x94");
		check_block(image, size, &firmware.hashes,
			    "\x1f\x37\x55\x72\x3b\x3a\x04\x4b\x92\x7b\x1d\xa6\xef\xa8\xd4\x54");
	} else {
		FUZZ_MUST(!firmware.secret.present && !firmware.hashes.present);
	}
	free(image);
	return 0;
}
