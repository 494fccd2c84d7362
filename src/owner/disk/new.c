/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * new.c - formats a LUKS2 header with libcryptsetup, in memory of our own.
 * Trusts getrandom(2) and libcryptsetup; lets the unlocker's policy judge what came out.
 */
#include "owner/disk/new.h"

#include <libcryptsetup.h>
#include <sys/mman.h>
#include <sys/random.h>

#include "base/io.h"
#include "base/paths.h"
#include "owner/disk/image.h"
#include "owner/disk/xts.h"
#include "volume/volume.h"

/* Bytes: for 16 keyslots. libcryptsetup fills all of it with random bytes, 4 KiB at a time. */
#define KEYSLOTS_SIZE (4 * 1024 * 1024)
#define FD_PATH_SIZE 32

static void crypt_freep(struct crypt_device **cd)
{
	crypt_free(*cd); /* takes NULL */
}

/* The costs are fixed: what this machine could do says nothing about the guest. */
static const struct crypt_pbkdf_type kdfs[] = {
	[NEWHEADER_KDF_MINIMAL] = {
		.type = CRYPT_KDF_PBKDF2,
		.hash = "sha256",
		.iterations = POLICY_ITERATIONS_MIN,
		.flags = CRYPT_PBKDF_NO_BENCHMARK,
	},
	[NEWHEADER_KDF_ARGON2ID] = {
		.type = CRYPT_KDF_ARGON2ID,
		.hash = "sha256", /* of the splitter */
		.iterations = 4,
		.max_memory_kb = 256 * 1024,
		.parallel_threads = POLICY_ARGON2_CPUS_MAX,
		.flags = CRYPT_PBKDF_NO_BENCHMARK,
	},
	[NEWHEADER_KDF_PBKDF2] = {
		.type = CRYPT_KDF_PBKDF2,
		.hash = "sha256",
		.iterations = 1000000,
		.flags = CRYPT_PBKDF_NO_BENCHMARK,
	},
};

int newheader_format(struct crypt_device *cd, const char *uuid, const struct secret *passphrase,
		     enum newheader_kdf kdf, uint32_t sector_size, const struct secret *key)
{
	struct crypt_params_luks2 params = { .sector_size = sector_size };
	int r;

	r = crypt_set_data_offset(cd, NEWHEADER_SIZE / 512);
	if (r >= 0)
		r = crypt_set_metadata_size(cd, HEADER_COPY_SIZE, KEYSLOTS_SIZE);
	if (r >= 0)
		r = crypt_set_pbkdf_type(cd, &kdfs[kdf]);
	if (r >= 0)
		r = crypt_format(cd, CRYPT_LUKS2, "aes", "xts-plain64", uuid,
				 key ? (const char *)key->bytes : NULL, XTS_KEY_SIZE, &params);
	if (r >= 0)
		r = crypt_keyslot_add_by_volume_key(cd, CRYPT_ANY_SLOT, NULL, XTS_KEY_SIZE,
						    (const char *)passphrase->bytes,
						    passphrase->len);
	return r;
}

static int format_file(const char *path, const char *uuid, const struct secret *passphrase,
		       enum newheader_kdf kdf, uint32_t sector_size, const struct secret *key)
{
	_cleanup_(crypt_freep) struct crypt_device *cd = NULL;
	int r;

	volume_init_library();
	r = crypt_init(&cd, path);
	if (r >= 0)
		r = newheader_format(cd, uuid, passphrase, kdf, sector_size, key);
	return r < 0 ? r : 0;
}

int newheader_renew(const char *path, struct crypt_device *other, const struct secret *passphrase,
		    enum newheader_kdf kdf, const struct secret *key)
{
	return format_file(path, crypt_get_uuid(other), passphrase, kdf,
			   (uint32_t)crypt_get_sector_size(other), key);
}

static int judge(struct newheader *h, uint64_t data_size, struct fault *f)
{
	_cleanup_free_ struct conf *conf = malloc(sizeof(*conf));
	unsigned char metadata[HEADER_METADATA_SIZE];
	int r;

	r = conf ? io_read_at(h->fd, metadata, sizeof(metadata), 0) : -ENOMEM;
	if (r >= 0) {
		conf_defaults(conf);
		r = policy_judge(metadata, NEWHEADER_SIZE + data_size, conf, &conf->volumes[0],
				 &h->verdict);
	}
	if (r == -EPERM)
		return fault_set(f, EXITCODE_HEADER_REFUSED, EPERM,
				 "the unlocker would refuse the new header: it breaks the rule '%s'",
				 h->verdict.rule);
	if (r < 0)
		return fault_errno(f, EXITCODE_NO_MEMORY, r, "cannot judge the new header");
	return 0;
}

int newheader_begin(struct newheader *header, struct fault *f)
{
	int r = secret_init(&header->key, f);

	if (r < 0)
		return r;
	/* Up to 256 bytes come all at once: getrandom(2). */
	if (getrandom(header->key.bytes, XTS_KEY_SIZE, 0) != XTS_KEY_SIZE)
		return fault_set(f, EXITCODE_INTERNAL, EIO, "no random numbers");
	header->key.len = XTS_KEY_SIZE;
	return 0;
}

int newheader_make(struct newheader *header, const struct secret *passphrase,
		   enum newheader_kdf kdf, uint32_t sector_size, uint64_t data_size,
		   struct fault *f)
{
	char path[FD_PATH_SIZE];
	int r;

	header->fd = memfd_create("luks2-header", MFD_CLOEXEC);
	if (header->fd < 0 || ftruncate(header->fd, NEWHEADER_SIZE + NEWHEADER_SPACE) < 0)
		return fault_io(f, "memory", -errno, "no room for the header");
	(void)snprintf(path, sizeof(path), PATH_SELF_FD, header->fd); /* fits */
	r = format_file(path, NULL, passphrase, kdf, sector_size, &header->key);
	if (r >= 0 && ftruncate(header->fd, NEWHEADER_SIZE) < 0)
		r = -errno;
	if (r < 0)
		return fault_errno(f, r == -ENOMEM ? EXITCODE_NO_MEMORY : EXITCODE_INTERNAL, r,
				   "libcryptsetup cannot make the header");
	return judge(header, data_size, f);
}

int newheader_write(const struct newheader *header, int fd, uint64_t offset)
{
	return image_copy(header->fd, 0, fd, offset, NEWHEADER_SIZE);
}

void newheader_done(struct newheader *header)
{
	util_closep(&header->fd);
	secret_done(&header->key);
	*header = NEWHEADER_NULL;
}
