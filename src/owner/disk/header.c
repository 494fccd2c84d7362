/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * header.c - changes a LUKS2 header with libcryptsetup, away from the disk.
 * Trusts the image only as far as the unlocker's policy accepts its header. libcryptsetup
 * never gets the image itself to see, so it can neither lock, repair nor half-write it.
 */
#include "owner/disk/header.h"

#include <libcryptsetup.h>
#include <string.h>
#include <sys/mman.h>

#include "base/io.h"
#include "base/paths.h"
#include "disk/header.h"
#include "owner/disk/luks1.h"
#include "owner/disk/rules.h"
#include "volume/volume.h"

#define BLOCK 4096
#define ITERATIONS_GRUB 1000000 /* a second or so; the unlocker tries both forms up to 5 million */

static const unsigned char zeros[BLOCK];

/* Bytes of both copies. */
static size_t metadata_size(const struct luksheader *h)
{
	return 2 * (size_t)h->vc->metadata_size;
}

/* Copies everything before the data. */
static int copy_out(const struct image *image, int fd, uint64_t size)
{
	if (ftruncate(fd, (off_t)size) < 0)
		return -errno;
	return image_copy(image->fd, image->offset, fd, 0, size);
}

/* LUKS2 specification, 2.1: fields of the binary header. */
#define OFFSET_SEQID 16
#define OFFSET_SALT 104
#define SALT_SIZE 64
#define OFFSET_HDR_OFFSET 256
#define OFFSET_CHECKSUM 448
#define CHECKSUM_SIZE 64

static const unsigned char magics[2][8] = {
	{ 'L', 'U', 'K', 'S', 0xba, 0xbe, 0x00, 0x02 },
	{ 'S', 'K', 'U', 'L', 0xba, 0xbe, 0x00, 0x02 },
};

static int checksum(const unsigned char *copy, size_t size, struct digest *ret_digest)
{
	const size_t behind = OFFSET_CHECKSUM + CHECKSUM_SIZE;
	const struct digest_part parts[] = {
		{ copy, OFFSET_CHECKSUM },
		{ zeros, CHECKSUM_SIZE },
		{ copy + behind, size - behind },
	};

	return digest_sha256_parts(parts, ARRAY_SIZE(parts), ret_digest);
}

/* True if copy number n (0, 1), of size bytes, was written to its end. */
static bool is_whole(const unsigned char *metadata, size_t size, size_t n)
{
	const unsigned char *copy = metadata + n * size;
	struct digest digest;

	return memcmp(copy, magics[n], sizeof(magics[n])) == 0 &&
	       checksum(copy, size, &digest) == 0 &&
	       memcmp(copy + OFFSET_CHECKSUM, digest.octets, DIGEST_SIZE) == 0;
}

/* Makes copy number `to` from the other one, which is whole. Its salt, which is all that is its
 * own and never changes, is kept if it is there: the result is then what was to be written, and
 * what a table pins. Returns 0 or -errno. */
static int copy_over(unsigned char *metadata, size_t size, size_t to)
{
	unsigned char *copy = metadata + to * size, salt[SALT_SIZE];
	bool has_salt = memcmp(copy, magics[to], sizeof(magics[to])) == 0;
	struct digest digest;
	size_t i;
	int r;

	memcpy(salt, copy + OFFSET_SALT, sizeof(salt));
	memcpy(copy, metadata + (1 - to) * size, size);
	memcpy(copy, magics[to], sizeof(magics[to]));
	if (has_salt)
		memcpy(copy + OFFSET_SALT, salt, sizeof(salt));
	memset(copy + OFFSET_HDR_OFFSET, 0, 8);
	for (i = 0; to == 1 && i < 4; i++) /* big endian */
		copy[OFFSET_HDR_OFFSET + 7 - i] = (unsigned char)(size >> 8 * i);
	r = checksum(copy, size, &digest);
	if (r < 0)
		return r;
	memset(copy + OFFSET_CHECKSUM, 0, CHECKSUM_SIZE);
	memcpy(copy + OFFSET_CHECKSUM, digest.octets, DIGEST_SIZE);
	return 0;
}

/* Completes what a crash has left half written. True if there was something to do. */
static bool mend(unsigned char *metadata, size_t size)
{
	bool first = is_whole(metadata, size, 0), second = is_whole(metadata, size, 1);
	int newer;

	if (!first && !second)
		return false;
	newer = memcmp(metadata + OFFSET_SEQID, metadata + size + OFFSET_SEQID, 8);
	if (first && second && newer == 0)
		return false;
	return copy_over(metadata, size, !second || (first && newer > 0) ? 1 : 0) == 0;
}

static int refuse_rule(const struct luksheader *h, const unsigned char *metadata,
		       const struct verdict *v, struct fault *f)
{
	char next[FAULT_NEXT_MAX];

	if (!rules_way(h->image, v, metadata, h->vc, next, sizeof(next)))
		*next = '\0';
	return fault_advise(f, EXITCODE_HEADER_REFUSED, EPERM, next,
			    "the unlocker would refuse the header of %s: it breaks the rule '%s'",
			    h->image->path, v->rule);
}

static int refuse_other(const struct image *image, struct fault *f)
{
	char way[FAULT_NEXT_MAX];

	if (luks1_refuse_begun(image, f) < 0)
		return -EINVAL;
	if (luks1_way(image, way, sizeof(way)))
		(void)fault_about(f, EXITCODE_NOT_LUKS2, image->path, way,
				  "its header is LUKS1, and a guest opens LUKS2 only");
	return fault_set(f, EXITCODE_NOT_LUKS2, EINVAL, "%s has no LUKS2 header", image->path);
}

static int judge(const struct luksheader *h, const unsigned char *metadata,
		 struct verdict *ret_verdict, struct fault *f)
{
	int r = policy_judge(metadata, h->image->size, h->conf, h->vc, ret_verdict);

	if (r == -ENOMEM)
		return fault_set(f, EXITCODE_NO_MEMORY, ENOMEM, "no memory to judge the header");
	return r < 0 ? refuse_rule(h, metadata, ret_verdict, f) : 0;
}

/* Judges the copy as it is now. */
static int judge_copy(const struct luksheader *h, struct verdict *ret_verdict, struct fault *f)
{
	_cleanup_free_ unsigned char *metadata = malloc(metadata_size(h));
	int r = metadata ? io_read_at(h->fd, metadata, metadata_size(h), 0) : -ENOMEM;

	if (r < 0)
		return fault_errno(f, EXITCODE_INTERNAL, r, "cannot read the changed header");
	return judge(h, metadata, ret_verdict, f);
}

static int load(struct luksheader *h, struct fault *f)
{
	char path[32];
	int r;

	(void)snprintf(path, sizeof(path), PATH_SELF_FD, h->fd); /* fits */
	volume_init_library();
	r = crypt_init(&h->cd, path);
	if (r >= 0)
		r = crypt_load(h->cd, CRYPT_LUKS2, NULL);
	if (r < 0)
		return fault_errno(f, EXITCODE_HEADER_REFUSED, r,
				   "libcryptsetup does not accept the header of %s",
				   h->image->path);
	return 0;
}

int luksheader_take(const struct image *image, const struct conf *conf,
		    const struct volume_conf *vc, struct luksheader *ret_header, struct fault *f)
{
	_cleanup_(luksheader_done) struct luksheader h = {
		.image = image, .conf = conf, .vc = vc, .fd = -EBADF
	};
	_cleanup_free_ unsigned char *metadata = malloc(metadata_size(&h));
	int r;

	if (!metadata)
		return fault_set(f, EXITCODE_NO_MEMORY, ENOMEM, "no memory for the header copy");
	if (image->size < metadata_size(&h))
		return fault_set(f, EXITCODE_NOT_LUKS2, EINVAL,
				 "%s is too small for a LUKS2 header", image->path);
	r = io_read_at(image->fd, metadata, metadata_size(&h), image->offset);
	if (r < 0)
		return fault_errno(f, EXITCODE_NO_DEVICE, r, "cannot read %s", image->path);
	h.mended = mend(metadata, vc->metadata_size);
	if (memcmp(metadata, magics[0], sizeof(magics[0])) != 0)
		return refuse_other(image, f);
	r = judge(&h, metadata, &h.verdict, f);
	if (r < 0)
		return r;
	h.fd = memfd_create("luks2-header", MFD_CLOEXEC);
	r = h.fd < 0 ? -errno : copy_out(image, h.fd, h.verdict.data_offset);
	if (r >= 0)
		r = io_write_at(h.fd, metadata, metadata_size(&h), 0); /* mended or not */
	if (r < 0)
		return fault_io(f, image->path, r, "cannot copy its header");
	r = load(&h, f);
	if (r < 0)
		return r;
	*ret_header = h;
	h = LUKSHEADER_NULL;
	return 0;
}

static int try_form(const struct luksheader *h, const struct secret *passphrase, size_t len,
		    struct secret *key)
{
	size_t size = SECRET_CAPACITY;
	int slot = crypt_volume_key_get(h->cd, CRYPT_ANY_SLOT, (char *)key->bytes, &size,
					(const char *)passphrase->bytes, len);

	key->len = slot < 0 ? 0 : size;
	return slot;
}

int luksheader_open(const struct luksheader *header, const struct secret *passphrase,
		    struct secret *ret_key, struct fault *f)
{
	_cleanup_secret_ struct secret key = SECRET_NULL;
	int r, slot;

	r = secret_init(&key, f);
	if (r < 0)
		return r;
	slot = try_form(header, passphrase, passphrase->len, &key);
	if (slot == -EPERM && secret_ends_in_nul(passphrase) && passphrase->len > 1)
		slot = try_form(header, passphrase, passphrase->len - 1, &key);
	if (slot == -EPERM)
		return fault_set(f, EXITCODE_SECRET_REFUSED, EPERM,
				 "this passphrase opens no keyslot of %s", header->image->path);
	if (slot < 0)
		return fault_errno(f, slot == -ENOMEM ? EXITCODE_NO_MEMORY : EXITCODE_INTERNAL,
				   slot, "cannot open a keyslot of %s", header->image->path);
	*ret_key = key;
	key = SECRET_NULL;
	return slot;
}

static int no_room(const struct luksheader *h, struct fault *f)
{
	(void)fault_about(f, EXITCODE_REFUSED, h->image->path, "",
			  "its header has no room for another keyslot, beside the %d that it has",
			  __builtin_popcount(luksheader_keyslots(h)));
	return -ENOSPC;
}

int luksheader_add(struct luksheader *header, const struct secret *volume_key,
		   const struct secret *passphrase, enum luksheader_kdf kdf, struct fault *f)
{
	const struct crypt_pbkdf_type pbkdf2 = {
		.type = CRYPT_KDF_PBKDF2,
		.hash = "sha256",
		.iterations = kdf == LUKSHEADER_KDF_GRUB ? ITERATIONS_GRUB : POLICY_ITERATIONS_MIN,
		.flags = CRYPT_PBKDF_NO_BENCHMARK,
	};
	struct verdict verdict;
	int r, slot;

	if (__builtin_popcount(luksheader_keyslots(header)) >= HEADER_AREAS_MAX)
		return no_room(header, f);
	r = crypt_set_pbkdf_type(header->cd, kdf == LUKSHEADER_KDF_DEFAULT ? NULL : &pbkdf2);
	if (r < 0)
		return fault_errno(f, EXITCODE_INTERNAL, r, "cannot set a key derivation");
	slot = crypt_keyslot_add_by_volume_key(header->cd, CRYPT_ANY_SLOT,
					       (const char *)volume_key->bytes, volume_key->len,
					       (const char *)passphrase->bytes, passphrase->len);
	if (slot == -EINVAL || slot == -ENOSPC)
		return no_room(header, f);
	if (slot < 0)
		return fault_errno(f, EXITCODE_INTERNAL, slot, "cannot add a keyslot to %s",
				   header->image->path);
	r = judge_copy(header, &verdict, f);
	return r < 0 ? r : slot;
}

/* True if this block of the copy is part of a keyslot's area. */
static bool is_used(const struct verdict *v, uint64_t at)
{
	uint32_t i;

	for (i = 0; i < v->nr_keyslots; i++)
		if (at + BLOCK > v->keyslots[i].area.offset &&
		    at < v->keyslots[i].area.offset + v->keyslots[i].area.size)
			return true;
	return false;
}

int luksheader_scrub(struct luksheader *header, struct fault *f)
{
	unsigned char block[BLOCK];
	struct verdict verdict;
	uint64_t at;
	int r;

	r = judge_copy(header, &verdict, f);
	if (r < 0)
		return r;
	for (at = metadata_size(header); at < verdict.data_offset && r >= 0; at += BLOCK) {
		if (is_used(&verdict, at))
			continue;
		r = io_read_at(header->fd, block, BLOCK, at);
		if (r >= 0 && memcmp(block, zeros, BLOCK) != 0)
			r = io_write_at(header->fd, zeros, BLOCK, at);
	}
	if (r < 0)
		return fault_errno(f, EXITCODE_INTERNAL, r, "cannot change the copied header");
	return 0;
}

int luksheader_prefer(struct luksheader *header, int keyslot, struct fault *f)
{
	int r = crypt_keyslot_set_priority(header->cd, keyslot, CRYPT_SLOT_PRIORITY_PREFER);

	if (r < 0)
		return fault_errno(f, EXITCODE_INTERNAL, r, "cannot prefer keyslot %d of %s",
				   keyslot, header->image->path);
	return 0;
}

int luksheader_remove(struct luksheader *header, int keyslot, struct fault *f)
{
	int r = crypt_keyslot_destroy(header->cd, keyslot);

	if (r < 0)
		return fault_errno(f, EXITCODE_INTERNAL, r, "cannot remove keyslot %d of %s",
				   keyslot, header->image->path);
	return luksheader_scrub(header, f);
}

uint32_t luksheader_keyslots(const struct luksheader *header)
{
	uint32_t used = 0;
	int i;

	for (i = 0; i < crypt_keyslot_max(CRYPT_LUKS2); i++) {
		crypt_keyslot_info info = crypt_keyslot_status(header->cd, i);

		if (info == CRYPT_SLOT_ACTIVE || info == CRYPT_SLOT_ACTIVE_LAST)
			used |= 1U << i;
	}
	return used;
}

int luksheader_pin(const struct luksheader *header, struct digest *ret_pin)
{
	_cleanup_free_ unsigned char *metadata = malloc(metadata_size(header));
	int r = metadata ? io_read_at(header->fd, metadata, metadata_size(header), 0) : -ENOMEM;

	return r < 0 ? r : digest_sha256(metadata, metadata_size(header), ret_pin);
}

/* Writes the blocks from `begin` to `end` that differ. */
static int put_range(const struct luksheader *h, uint64_t begin, uint64_t end)
{
	unsigned char ours[BLOCK], theirs[BLOCK];
	uint64_t at;
	int r = 0;

	for (at = begin; at < end && r >= 0; at += BLOCK) {
		r = io_read_at(h->fd, ours, BLOCK, at);
		if (r >= 0)
			r = io_read_at(h->image->fd, theirs, BLOCK, h->image->offset + at);
		if (r >= 0 && memcmp(ours, theirs, BLOCK) != 0)
			r = io_write_at(h->image->fd, ours, BLOCK, h->image->offset + at);
	}
	return r;
}

static int sync_after(const struct luksheader *h, int r)
{
	return r >= 0 && fsync(h->image->fd) < 0 ? -errno : r;
}

int luksheader_put(const struct luksheader *header, struct fault *f)
{
	struct verdict v;
	uint32_t i;
	int r;

	r = judge_copy(header, &v, f);
	if (r < 0)
		return r;
	for (i = 0; i < v.nr_keyslots && r >= 0; i++)
		r = put_range(header, v.keyslots[i].area.offset,
			      v.keyslots[i].area.offset + v.keyslots[i].area.size);
	r = sync_after(header, r);
	if (r >= 0)
		r = sync_after(header,
			       put_range(header, metadata_size(header) / 2, metadata_size(header)));
	if (r >= 0)
		r = sync_after(header, put_range(header, 0, metadata_size(header) / 2));
	if (r >= 0)
		r = sync_after(header, put_range(header, metadata_size(header), v.data_offset));
	if (r < 0)
		return fault_errno(f, EXITCODE_NO_DEVICE, r, "cannot write the header of %s",
				   header->image->path);
	return 0;
}

void luksheader_done(struct luksheader *header)
{
	if (header->cd)
		crypt_free(header->cd);
	util_closep(&header->fd);
	*header = LUKSHEADER_NULL;
}
