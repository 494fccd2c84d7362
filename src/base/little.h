/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * little.h - numbers of tables, reports, logs, frames and partitions: all are little-endian.
 */
#ifndef COCO_LITTLE_H
#define COCO_LITTLE_H

#include <stdint.h>

static inline uint32_t little16(const unsigned char *p)
{
	return (uint32_t)p[0] | (uint32_t)p[1] << 8;
}

static inline uint32_t little32(const unsigned char *p)
{
	return little16(p) | little16(p + 2) << 16;
}

static inline uint64_t little64(const unsigned char *p)
{
	return little32(p) | (uint64_t)little32(p + 4) << 32;
}

static inline void little32_put(unsigned char *p, uint32_t value)
{
	p[0] = (unsigned char)value;
	p[1] = (unsigned char)(value >> 8);
	p[2] = (unsigned char)(value >> 16);
	p[3] = (unsigned char)(value >> 24);
}

#endif
