/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * launch.c - computes what a guest has to measure to.
 * Trusts the files that it is told to measure, since they are the owner's; nothing of the host.
 */
#include "owner/launch/launch.h"

#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <string.h>

#include "base/guid.h"
#include "base/io.h"
#include "owner/io/file.h"
#include "owner/launch/firmware.h"

#define ENTRY_SIZE (GUID_SIZE + 2 + DIGEST_SIZE)
#define TABLE_SIZE (GUID_SIZE + 2 + 3 * ENTRY_SIZE)

static const char table_guid[] = "9438d606-4f22-4cc9-b479-a793d411fd21";
static const char append_guid[] = "97d02dd8-bd20-4c94-aa78-e7714d36ab2a";
static const char initrd_guid[] = "44baf731-3a2f-4bd7-9af1-41e29169781d";
static const char kernel_guid[] = "4de79437-abd2-427f-b835-d5b172d2045b";

static void md_freep(EVP_MD_CTX **md)
{
	EVP_MD_CTX_free(*md);
}

static int crypto_failed(struct fault *f)
{
	return fault_about(f, EXITCODE_IO, "libcrypto", "repair the installation of OpenSSL",
			   "it has no SHA-256");
}

static EVP_MD_CTX *new_md(void)
{
	EVP_MD_CTX *md = EVP_MD_CTX_new();

	if (md && EVP_DigestInit_ex(md, EVP_sha256(), NULL) != 1) {
		EVP_MD_CTX_free(md);
		md = NULL;
	}
	return md;
}

/* Adds a whole file to a hash, however large it is. */
static int hash_file(const char *path, EVP_MD_CTX *md, struct fault *f)
{
	_cleanup_close_ int fd = file_open(path, f);
	_cleanup_free_ unsigned char *buf = malloc(1 << 20);
	ssize_t n;

	if (fd < 0)
		return fd;
	if (!buf)
		return fault_io(f, path, -ENOMEM, "cannot read");
	for (;;) {
		n = io_read(fd, buf, 1 << 20);
		if (n < 0)
			return fault_io(f, path, (int)n, "cannot read");
		if (n == 0)
			return 0;
		if (EVP_DigestUpdate(md, buf, (size_t)n) != 1)
			return crypto_failed(f);
	}
}

static int file_sha256(const char *path, struct digest *ret_digest, struct fault *f)
{
	_cleanup_(md_freep) EVP_MD_CTX *md = new_md();
	int r;

	if (!md)
		return crypto_failed(f);
	r = hash_file(path, md, f);
	if (r < 0)
		return r;
	return EVP_DigestFinal_ex(md, ret_digest->octets, NULL) == 1 ? 0 : crypto_failed(f);
}

static unsigned char *put_head(unsigned char *p, const char guid[static GUID_TEXT_SIZE], size_t len)
{
	guid_bytes(guid, p);
	p[GUID_SIZE] = (unsigned char)len; /* u16, not u32 as in the secret table */
	p[GUID_SIZE + 1] = 0;
	return p + GUID_SIZE + 2;
}

static unsigned char *put_entry(unsigned char *p, const char guid[static GUID_TEXT_SIZE],
				const struct digest *digest)
{
	p = put_head(p, guid, ENTRY_SIZE);
	memcpy(p, digest->octets, DIGEST_SIZE);
	return p + DIGEST_SIZE;
}

int launch_hashes(const char *kernel, const char *initrd, const char *append,
		  unsigned char ret_table[static LAUNCH_HASHES_SIZE], struct fault *f)
{
	unsigned char table[LAUNCH_HASHES_SIZE] = { 0 }, *p = table;
	struct digest kernel_hash, initrd_hash, append_hash;
	int r;

	if (!append)
		append = "";
	if (digest_sha256(append, strlen(append) + 1, &append_hash) < 0 || /* with its NUL */
	    digest_sha256("", 0, &initrd_hash) < 0)
		return crypto_failed(f);
	r = file_sha256(kernel, &kernel_hash, f);
	if (r == 0 && initrd)
		r = file_sha256(initrd, &initrd_hash, f);
	if (r < 0)
		return r;
	p = put_head(p, table_guid, TABLE_SIZE);
	p = put_entry(p, append_guid, &append_hash);
	p = put_entry(p, initrd_guid, &initrd_hash);
	(void)put_entry(p, kernel_guid, &kernel_hash); /* the padding is zero already */
	memcpy(ret_table, table, sizeof(table));
	return 0;
}

/* Adds the hashes, if the host is to set them. */
static int add_hashes(const struct launch_inputs *in, const unsigned char *image, size_t size,
		      EVP_MD_CTX *md, struct fault *f)
{
	unsigned char table[LAUNCH_HASHES_SIZE];
	struct firmware firmware;
	int r;

	if (!in->kernel)
		return 0;
	r = firmware_parse(in->firmware, image, size, &firmware, f);
	if (r < 0)
		return r;
	if (firmware.hashes.size < LAUNCH_HASHES_SIZE)
		return firmware_refuse(f, in->firmware,
				       "it has no place for the hashes of kernel, initrd and "
				       "command line");
	r = launch_hashes(in->kernel, in->initrd, in->append, table, f);
	if (r < 0)
		return r;
	return EVP_DigestUpdate(md, table, sizeof(table)) == 1 ? 0 : crypto_failed(f);
}

static int check_vmsas(const struct launch_inputs *in, struct fault *f)
{
	bool es = in->policy & LAUNCH_POLICY_ES;

	if (es && in->nr_vmsas == 0)
		return fault_about(f, EXITCODE_REFUSED, "policy",
				   "give --vmsa FILE for each processor, or the right --policy",
				   "0x%x is SEV-ES (bit 2), which measures the processors' registers",
				   in->policy);
	if (!es && in->nr_vmsas > 0)
		return fault_about(f, EXITCODE_REFUSED, "policy",
				   "leave out --vmsa, or give the right --policy",
				   "0x%x is not SEV-ES (bit 2), and there are VMSAs", in->policy);
	if (!es && in->nr_cpus > 0)
		return fault_about(f, EXITCODE_REFUSED, "--cpus",
				   "leave it out, or give --vmsa and the --policy of SEV-ES",
				   "without SEV-ES (bit 2 of the policy) no processor is measured");
	if (in->nr_cpus > 0 && (in->nr_cpus < in->nr_vmsas || in->nr_vmsas == 0 ||
				(in->nr_cpus > 1 && in->nr_vmsas < 2)))
		return fault_about(
			f, EXITCODE_REFUSED, "--cpus",
			"give --vmsa for the first processor, and for the second if there is one",
			"%zu processors do not go with %zu VMSAs", in->nr_cpus, in->nr_vmsas);
	return 0;
}

static int add_vmsas(const struct launch_inputs *in, EVP_MD_CTX *md, struct fault *f)
{
	size_t i, k, size;
	int r;

	for (i = 0; i < in->nr_vmsas; i++) {
		bool last = i + 1 == in->nr_vmsas && in->nr_cpus > 0;
		size_t times = last ? in->nr_cpus - i : 1;
		_cleanup_free_ unsigned char *vmsa = NULL;
		const char *path = in->vmsas[i];

		r = file_read(path, LAUNCH_VMSA_SIZE, &vmsa, &size, f);
		if (r < 0)
			return r;
		if (size != LAUNCH_VMSA_SIZE)
			return fault_about(f, EXITCODE_BAD_INPUT, path, "use the right file",
					   "a VMSA has %d bytes, and not %zu", LAUNCH_VMSA_SIZE,
					   size);
		for (k = 0; k < times; k++)
			if (EVP_DigestUpdate(md, vmsa, size) != 1)
				return crypto_failed(f);
	}
	return 0;
}

int launch_digest(const struct launch_inputs *in, struct digest *ret_digest, struct fault *f)
{
	_cleanup_(md_freep) EVP_MD_CTX *md = new_md();
	_cleanup_free_ unsigned char *image = NULL;
	size_t size = 0;
	int r = check_vmsas(in, f);

	if (!md)
		return crypto_failed(f);
	if (r == 0)
		r = file_read(in->firmware, FIRMWARE_SIZE_MAX, &image, &size, f);
	if (r < 0)
		return r;
	if (size == 0)
		return fault_about(f, EXITCODE_BAD_INPUT, in->firmware, "use the right file",
				   "it is empty");
	if (EVP_DigestUpdate(md, image, size) != 1)
		return crypto_failed(f);
	r = add_hashes(in, image, size, md, f);
	if (r == 0)
		r = add_vmsas(in, md, f);
	if (r < 0)
		return r;
	return EVP_DigestFinal_ex(md, ret_digest->octets, NULL) == 1 ? 0 : crypto_failed(f);
}

int launch_hmac(const struct secret *key, const unsigned char *data, size_t len,
		struct digest *ret_digest)
{
	struct digest digest;
	unsigned int size = 0;

	if (!HMAC(EVP_sha256(), key->bytes, (int)key->len, data, len, digest.octets, &size) ||
	    size != DIGEST_SIZE)
		return -ENOTSUP;
	*ret_digest = digest;
	return 0;
}

int launch_measurement(const struct secret *tik, const struct launch_platform *platform,
		       const struct digest *digest,
		       const unsigned char nonce[static LAUNCH_NONCE_SIZE],
		       struct digest *ret_measurement)
{
	unsigned char message[8 + DIGEST_SIZE + LAUNCH_NONCE_SIZE] = {
		0x04,
		platform->api_major,
		platform->api_minor,
		platform->build,
		(unsigned char)platform->policy,
		(unsigned char)(platform->policy >> 8),
		(unsigned char)(platform->policy >> 16),
		(unsigned char)(platform->policy >> 24),
	};

	memcpy(message + 8, digest->octets, DIGEST_SIZE);
	memcpy(message + 8 + DIGEST_SIZE, nonce, LAUNCH_NONCE_SIZE);
	return launch_hmac(tik, message, sizeof(message), ret_measurement);
}

int launch_check(const struct secret *tik, const struct launch_platform *platform,
		 const struct digest *digest, const unsigned char blob[static LAUNCH_BLOB_SIZE])
{
	struct digest expected, reported;
	int r = launch_measurement(tik, platform, digest, blob + DIGEST_SIZE, &expected);

	memcpy(reported.octets, blob, DIGEST_SIZE);
	return r < 0 ? r : digest_equal(&expected, &reported) ? 0 : -EPERM;
}
