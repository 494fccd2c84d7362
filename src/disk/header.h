/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * header.h - our own copy of a LUKS2 header: read once, judged, sealed, and then the only
 * header that anybody looks at.
 *
 * Format facts: LUKS2 On-Disk Format Specification 1.1 (binary header of 4096 bytes, big
 * endian, JSON area behind it, second copy right after the first).
 */
#ifndef COCO_HEADER_H
#define COCO_HEADER_H

#include <stdint.h>

#include "disk/device.h"

/* Bytes of one copy, both copies and the JSON area, where cocotab has no metadata-size=. */
#define HEADER_COPY_SIZE CONF_METADATA_SIZE
#define HEADER_METADATA_SIZE (2 * HEADER_COPY_SIZE)
#define HEADER_JSON_SIZE (HEADER_COPY_SIZE - HEADER_BINARY_SIZE)
#define HEADER_BINARY_SIZE 4096		   /* bytes before the JSON */
#define HEADER_AREAS_MAX 4		   /* keyslots */
#define HEADER_AREA_SIZE_MAX (1024 * 1024) /* bytes of one keyslot area */
#define HEADER_DATA_OFFSET_MAX (1024ULL * 1024 * 1024)

/* One keyslot area, in bytes from the start of the device. */
struct header_area {
	uint64_t offset;
	uint64_t size;
};

struct header {
	int fd;			 /* memfd, owned; sealed after header_seal() */
	unsigned char *metadata; /* both copies once more, owned */
	size_t size;		 /* bytes of that */
};

#define HEADER_NULL ((struct header){ .fd = -EBADF })

/*
 * Reads both copies of the header, of copy_size bytes each, once: what the disk itself says about
 * that size does not count. Returns 0, or -errno with f saying not-luks2 (too short, or no LUKS2
 * magic), no-memory or no-device (read error).
 */
int header_read(const struct device *device, uint32_t copy_size, struct header *ret_header,
		struct fault *f);

/*
 * Adds the keyslot areas that the judged JSON names, gives the copy the length of
 * data_offset bytes (holes between the areas: libcryptsetup refuses a header that is cut
 * short) and seals it against any change. Offsets and sizes must have passed the policy.
 * Returns 0 or -errno with f set.
 */
int header_seal(struct header *header, const struct device *device, const struct header_area *areas,
		size_t nr_areas, uint64_t data_offset, struct fault *f);

void header_done(struct header *header);

#endif
