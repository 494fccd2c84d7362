/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * header.c - copies a LUKS2 header from the disk into sealed memory.
 * Trusts no byte of it; reads each byte once; may not decide what is acceptable.
 */
#include "disk/header.h"

#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/sendfile.h>

#include "base/io.h"

/* LUKS2 spec, 2.1: both copies start with a magic and the version, big endian. */
static const unsigned char magic_primary[] = { 'L', 'U', 'K', 'S', 0xba, 0xbe, 0x00, 0x02 };
static const unsigned char magic_any_version[] = { 'L', 'U', 'K', 'S', 0xba, 0xbe };

/* It keeps all data. Whether a guest takes the result is judged then. */
#define CONVERT "on a machine that you trust: cryptsetup convert --type luks2 DISK"

static int check_magic(const struct header *header, const struct device *device, struct fault *f)
{
	const unsigned char *p = header->metadata;

	if (memcmp(p, magic_primary, sizeof(magic_primary)) == 0)
		return 0;
	if (memcmp(p, magic_any_version, sizeof(magic_any_version)) == 0)
		return fault_advise(f, EXITCODE_NOT_LUKS2, EINVAL,
				    p[6] == 0 && p[7] == 1 ? CONVERT : "",
				    "%s is LUKS version %u, not 2", device->path,
				    (unsigned int)p[6] << 8 | p[7]);
	return fault_set(f, EXITCODE_NOT_LUKS2, EINVAL, "%s has no LUKS2 header", device->path);
}

static int unreadable(const struct device *device, int r, const char *part, struct fault *f)
{
	return fault_advise(f, EXITCODE_NO_DEVICE, -r,
			    "attach a copy of the disk that can be read, from its beginning to the "
			    "last keyslot",
			    "cannot read %s of %s: %s", part, device->path, strerror(-r));
}

int header_read(const struct device *device, uint32_t copy_size, struct header *ret_header,
		struct fault *f)
{
	_cleanup_(header_done) struct header header = HEADER_NULL;
	int r;

	header.size = 2 * (size_t)copy_size;
	if (device->size < header.size)
		return fault_set(f, EXITCODE_NOT_LUKS2, EINVAL,
				 "%s is too small for a LUKS2 header", device->path);
	header.metadata = malloc(header.size);
	if (!header.metadata)
		return fault_set(f, EXITCODE_NO_MEMORY, ENOMEM, "no memory for the header copy");
	r = io_read_at(device->fd, header.metadata, header.size, device->offset);
	if (r < 0)
		return unreadable(device, r, "the header", f);
	r = check_magic(&header, device, f);
	if (r < 0)
		return r;
	header.fd = memfd_create("luks2-header", MFD_CLOEXEC | MFD_ALLOW_SEALING);
	if (header.fd < 0)
		return fault_errno(f, EXITCODE_INTERNAL, -errno, "memfd_create");
	r = io_write_at(header.fd, header.metadata, header.size, 0);
	if (r < 0)
		return fault_errno(f, EXITCODE_NO_MEMORY, r, "no memory for the header copy");
	*ret_header = header;
	header = HEADER_NULL;
	return 0;
}

/* Each byte goes from the disk into the copy once, and through no buffer of ours. */
static int copy_area(const struct header *header, const struct device *device,
		     const struct header_area *area)
{
	off_t offset = (off_t)(device->offset + area->offset);
	uint64_t left = area->size;
	ssize_t n;

	if (lseek(header->fd, (off_t)area->offset, SEEK_SET) < 0)
		return -errno;
	while (left > 0) {
		n = sendfile(header->fd, device->fd, &offset, left);
		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return n < 0 ? -errno : -ENODATA;
		left -= (uint64_t)n;
	}
	return 0;
}

int header_seal(struct header *header, const struct device *device, const struct header_area *areas,
		size_t nr_areas, uint64_t data_offset, struct fault *f)
{
	size_t i;
	int r = 0;

	for (i = 0; i < nr_areas && r >= 0; i++)
		r = copy_area(header, device, &areas[i]);
	if (r == -ENOMEM)
		return fault_errno(f, EXITCODE_NO_MEMORY, r, "cannot copy a keyslot of %s",
				   device->path);
	if (r < 0)
		return unreadable(device, r, "a keyslot", f);
	if (ftruncate(header->fd, (off_t)data_offset) < 0 ||
	    fcntl(header->fd, F_ADD_SEALS,
		  F_SEAL_SEAL | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE) < 0)
		return fault_errno(f, EXITCODE_INTERNAL, -errno, "cannot seal the header copy");
	return 0;
}

void header_done(struct header *header)
{
	util_closep(&header->fd);
	free(header->metadata);
	*header = HEADER_NULL;
}
