/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * volume.c - the libcryptsetup part: load, unlock, map.
 * Trusts the sealed header copy, because the policy has accepted it; never lets
 * libcryptsetup see the disk as a header device. May not print.
 */
#include "volume/volume.h"

#include <fcntl.h>
#include <libcryptsetup.h>
#include <string.h>

#include "base/log.h"
#include "base/paths.h"

#define SELF_FD_SIZE 32

static const struct {
	unsigned int option;
	uint32_t flag;
} activation_flags[] = {
	{ VOLUME_OPTION_READ_ONLY, CRYPT_ACTIVATE_READONLY },
	{ VOLUME_OPTION_SAME_CPU_CRYPT, CRYPT_ACTIVATE_SAME_CPU_CRYPT },
	{ VOLUME_OPTION_SUBMIT_FROM_CRYPT_CPUS, CRYPT_ACTIVATE_SUBMIT_FROM_CRYPT_CPUS },
	{ VOLUME_OPTION_NO_READ_WORKQUEUE, CRYPT_ACTIVATE_NO_READ_WORKQUEUE },
	{ VOLUME_OPTION_NO_WRITE_WORKQUEUE, CRYPT_ACTIVATE_NO_WRITE_WORKQUEUE },
	{ VOLUME_OPTION_ALLOW_DISCARDS, CRYPT_ACTIVATE_ALLOW_DISCARDS },
};

/* Since libcryptsetup 2.7; 0 is CRYPT_SW_ONLY. */
extern int crypt_get_hw_encryption_type(struct crypt_device *cd) __attribute__((weak));

/* Its messages may quote the header: they go to the journal's debug level only. */
static void library_message(int level, const char *msg, void *usrptr)
{
	char line[256];

	(void)level;
	(void)usrptr;
	text_printable(msg, line, sizeof(line));
	log_debug("libcryptsetup: %s", line);
}

void volume_init_library(void)
{
	crypt_set_log_callback(NULL, library_message, NULL);
	crypt_token_external_disable();
	(void)crypt_metadata_locking(NULL, 0); /* also switches automatic recovery off */
}

int volume_load(const struct header *header, const struct device *device, struct volume *ret_volume,
		struct fault *f)
{
	_cleanup_(volume_done) struct volume volume = VOLUME_NULL;
	char header_path[SELF_FD_SIZE], data_path[SELF_FD_SIZE];
	int r;

	(void)snprintf(header_path, sizeof(header_path), PATH_SELF_FD, header->fd); /* fits */
	(void)snprintf(data_path, sizeof(data_path), PATH_SELF_FD, device->fd);
	r = crypt_init_data_device(&volume.cd, header_path, data_path);
	if (r >= 0)
		r = crypt_load(volume.cd, CRYPT_LUKS2, NULL);
	if (r == -ENOMEM)
		return fault_set(f, EXITCODE_NO_MEMORY, ENOMEM, "no memory for libcryptsetup");
	if (r < 0)
		return fault_errno(f, EXITCODE_HEADER_REFUSED, r,
				   "libcryptsetup does not accept the header copy of %s",
				   device->path);
	*ret_volume = volume;
	volume = VOLUME_NULL;
	return 0;
}

static bool cipher_is(const char *expected, const char *cipher, const char *mode)
{
	char text[CONF_NAME_SIZE];

	return cipher && mode &&
	       (size_t)snprintf(text, sizeof(text), "%s-%s", cipher, mode) < sizeof(text) &&
	       strcmp(text, expected) == 0;
}

static const char *check_keyslot(struct crypt_device *cd, int id, const struct verdict *v)
{
	const struct policy_keyslot *slot = NULL;
	crypt_keyslot_info status = crypt_keyslot_status(cd, id);
	uint64_t offset, size;
	const char *cipher;
	size_t key_size;
	uint32_t i;

	for (i = 0; i < v->nr_keyslots; i++)
		if (v->keyslots[i].id == (uint32_t)id)
			slot = &v->keyslots[i];
	if (!slot)
		return status == CRYPT_SLOT_INACTIVE ? NULL : "accessor-keyslot";
	if (status != CRYPT_SLOT_ACTIVE && status != CRYPT_SLOT_ACTIVE_LAST)
		return "accessor-keyslot";
	cipher = crypt_keyslot_get_encryption(cd, id, &key_size);
	if (!cipher || strstr(cipher, "null") || (key_size != 32 && key_size != 64) ||
	    crypt_keyslot_area(cd, id, &offset, &size) < 0 || offset != slot->area.offset ||
	    size != slot->area.size ||
	    crypt_keyslot_get_key_size(cd, id) != (int)v->volume_key_size)
		return "accessor-keyslot";
	return NULL;
}

/* Ignored at activation, whatever they say: the same that the policy lets pass. A library that does
 * not know high_priority (before 2.8) passes over it, since that is how it treats any name that is
 * new to it. */
#define FLAG_HIGH_PRIORITY (1U << 28) /* CRYPT_ACTIVATE_HIGH_PRIORITY of libcryptsetup 2.8 */
#define FLAGS_IGNORED                                                               \
	(CRYPT_ACTIVATE_ALLOW_DISCARDS | CRYPT_ACTIVATE_SAME_CPU_CRYPT |            \
	 CRYPT_ACTIVATE_SUBMIT_FROM_CRYPT_CPUS | CRYPT_ACTIVATE_NO_READ_WORKQUEUE | \
	 CRYPT_ACTIVATE_NO_WRITE_WORKQUEUE | FLAG_HIGH_PRIORITY)

static const char *check_flags(struct crypt_device *cd)
{
	uint32_t flags;

	if (crypt_persistent_flags_get(cd, CRYPT_FLAGS_REQUIREMENTS, &flags) < 0 || flags != 0)
		return "accessor-requirements";
	if (crypt_persistent_flags_get(cd, CRYPT_FLAGS_ACTIVATION, &flags) < 0)
		return "accessor-flags";
	return (flags & ~(uint32_t)FLAGS_IGNORED) == 0 ? NULL : "accessor-flags";
}

static const char *check_integrity(struct crypt_device *cd, const struct verdict *v)
{
	struct crypt_params_integrity ip = { 0 };
	int r = crypt_get_integrity_info(cd, &ip);

	if (!v->integrity)
		return r < 0 || ip.integrity ? "accessor-integrity" : NULL;
	return r >= 0 && ip.integrity && strcmp(ip.integrity, "hmac(sha256)") == 0 ?
		       NULL :
		       "accessor-integrity";
}

static const char *check_accessors(struct crypt_device *cd, const struct volume_conf *conf,
				   const struct verdict *v)
{
	uint64_t metadata_size = 0;
	const char *uuid = crypt_get_uuid(cd), *rule;
	int id;

	if (!cipher_is(v->cipher, crypt_get_cipher(cd), crypt_get_cipher_mode(cd)))
		return "accessor-cipher";
	if (crypt_get_data_offset(cd) != v->data_offset / 512)
		return "accessor-offset";
	if (crypt_get_sector_size(cd) != (int)v->sector_size)
		return "accessor-sector-size";
	if (crypt_get_volume_key_size(cd) != (int)v->volume_key_size)
		return "accessor-key-size";
	if (!uuid || strcmp(uuid, v->uuid) != 0)
		return "accessor-uuid";
	if (crypt_get_metadata_size(cd, &metadata_size, NULL) < 0 ||
	    metadata_size != conf->metadata_size)
		return "accessor-metadata";
	if (crypt_reencrypt_status(cd, NULL) != CRYPT_REENCRYPT_NONE)
		return "accessor-reencryption";
	if (crypt_get_hw_encryption_type && crypt_get_hw_encryption_type(cd) != 0)
		return "accessor-hardware";
	rule = check_flags(cd);
	if (!rule)
		rule = check_integrity(cd, v);
	for (id = 0; id < crypt_keyslot_max(CRYPT_LUKS2) && !rule; id++)
		rule = check_keyslot(cd, id, v);
	return rule;
}

int volume_check(const struct volume *volume, const struct volume_conf *conf,
		 const struct verdict *verdict, const char **ret_rule, struct fault *f)
{
	const char *rule = check_accessors(volume->cd, conf, verdict);

	if (!rule)
		return 0;
	*ret_rule = rule;
	return fault_set(f, EXITCODE_HEADER_REFUSED, EPERM,
			 "libcryptsetup reads the header of volume %s in another way: it breaks "
			 "the rule '%s'",
			 conf->name, rule);
}

/* One keyslot with the first len bytes. Returns its number, or -errno. */
static int try_keyslot(struct volume *volume, int id, const struct secret *secret, size_t len)
{
	size_t size = SECRET_CAPACITY;
	int r;

	r = crypt_volume_key_get(volume->cd, id, (char *)volume->key.bytes, &size,
				 (const char *)secret->bytes, len);
	if (r >= 0)
		volume->key.len = size;
	return r;
}

/* The keyslots in the order in which they are tried. */
static void order_keyslots(const struct verdict *v, const struct policy_keyslot *ret_order[])
{
	uint32_t i, k;

	for (i = 0; i < v->nr_keyslots; i++) {
		const struct policy_keyslot *slot = &v->keyslots[i];

		for (k = i; k > 0; k--) {
			const struct policy_keyslot *before = ret_order[k - 1];

			if (before->priority > slot->priority ||
			    (before->priority == slot->priority && before->id < slot->id))
				break;
			ret_order[k] = before;
		}
		ret_order[k] = slot;
	}
}

/* Returns the number of the keyslot that opened; or -EPERM, -EOVERFLOW if one was left out, or
 * the error of one that broke off. */
static int try_form(struct volume *volume, const struct verdict *v, const struct secret *secret,
		    size_t len, int keyslot, uint64_t memory_kib)
{
	const struct policy_keyslot *order[HEADER_AREAS_MAX];
	int r, result = -EPERM;
	uint32_t i;

	order_keyslots(v, order);
	for (i = 0; i < v->nr_keyslots; i++) {
		if (keyslot != VOLUME_KEYSLOT_ANY && order[i]->id != (uint32_t)keyslot)
			continue;
		if (order[i]->memory_kib > memory_kib) {
			result = -EOVERFLOW;
			continue;
		}
		r = try_keyslot(volume, (int)order[i]->id, secret, len);
		if (r != -EPERM)
			return r;
	}
	return result;
}

static bool costs_allow_twice(const struct verdict *v)
{
	return v->iterations <= POLICY_ITERATIONS_MAX / 2 &&
	       v->argon2_kib <= POLICY_ARGON2_KIB_MAX / 2;
}

static int no_memory(const struct verdict *v, uint64_t memory_kib, struct fault *f)
{
	uint64_t needed = 0;
	uint32_t i;

	for (i = 0; i < v->nr_keyslots; i++)
		if (v->keyslots[i].memory_kib > needed)
			needed = v->keyslots[i].memory_kib;
	if (needed <= memory_kib) /* the library has said so */
		return fault_set(f, EXITCODE_NO_MEMORY, ENOMEM,
				 "this guest has too little memory for the keyslot's key derivation");
	return fault_set(f, EXITCODE_NO_MEMORY, ENOMEM,
			 "the keyslot's key derivation needs %llu MiB, this guest has %llu MiB left, "
			 "and no other keyslot opens",
			 (unsigned long long)(needed / 1024),
			 (unsigned long long)(memory_kib / 1024));
}

int volume_unlock(struct volume *volume, const struct verdict *verdict, const struct secret *secret,
		  int keyslot, uint64_t memory_kib, struct fault *f)
{
	int r;

	r = secret_init(&volume->key, f);
	if (r < 0)
		return r;
	volume->form = SECRET_FORM_EXACT;
	r = try_form(volume, verdict, secret, secret->len, keyslot, memory_kib);
	if ((r == -EPERM || r == -EOVERFLOW) && secret_ends_in_nul(secret) && secret->len > 1 &&
	    costs_allow_twice(verdict)) {
		volume->form = SECRET_FORM_WITHOUT_FINAL_NUL;
		r = try_form(volume, verdict, secret, secret->len - 1, keyslot, memory_kib);
	}
	if (r >= 0) {
		volume->keyslot = r;
		return 0;
	}
	if (r == -EPERM && keyslot != VOLUME_KEYSLOT_ANY)
		return fault_set(f, EXITCODE_SECRET_REFUSED, EPERM,
				 "the secret does not open keyslot %d of the volume, and no other was "
				 "tried",
				 keyslot);
	if (r == -EPERM)
		return fault_set(f, EXITCODE_SECRET_REFUSED, EPERM,
				 "the secret opens no keyslot of the volume");
	if (r == -ENOMEM || r == -EOVERFLOW)
		return no_memory(verdict, memory_kib, f);
	return fault_errno(f, EXITCODE_HEADER_REFUSED, r, "no usable keyslot in the header");
}

/* The kernel looks at nothing on the disk itself, but for dm-integrity's part of it. */
static const char refused[] =
	"use a kernel that has the volume's cipher and the options of cocotab, "
	"and look for the kernel's own words in the lines above";
static const char refused_integrity[] =
	"look for the kernel's own words in the lines above; then attach the disk as it was "
	"prepared, if what dm-integrity has on it is damaged, or use a kernel that has the volume's "
	"cipher and the options of cocotab";

/* Of a table of dm-integrity that the kernel refuses, libcryptsetup says EBUSY, too. */
static bool is_in_use(const struct root *root, const char *device)
{
	_cleanup_close_ int fd = root_open(root, device, O_RDONLY | O_EXCL, 0);

	return fd < 0;
}

int volume_map(const struct root *root, const char *device, struct volume *volume,
	       const struct volume_conf *conf, struct fault *f)
{
	uint32_t flags = CRYPT_ACTIVATE_IGNORE_PERSISTENT;
	size_t i;
	int r;

	for (i = 0; i < ARRAY_SIZE(activation_flags); i++)
		if (conf->options & activation_flags[i].option)
			flags |= activation_flags[i].flag;
	r = crypt_activate_by_volume_key(volume->cd, conf->name, (const char *)volume->key.bytes,
					 volume->key.len, flags);
	secret_done(&volume->key);
	if (r == -EBUSY && !is_in_use(root, device))
		r = -EINVAL; /* as the kernel has said, in its log */
	if (r == -EEXIST || r == -EBUSY)
		return fault_set(f, EXITCODE_BUSY, -r,
				 "a mapping '%s' is there already, or the device is in use",
				 conf->name);
	if (r == -ENOTSUP || r == -ENODEV || r == -EINVAL)
		return fault_advise(f, EXITCODE_NO_DM_CRYPT, -r,
				    conf->options & VOLUME_OPTION_INTEGRITY_HMAC_SHA256 ?
					    refused_integrity :
					    refused,
				    "the kernel does not take the mapping '%s': %s", conf->name,
				    strerror(-r));
	if (r < 0)
		return fault_errno(f, EXITCODE_INTERNAL, r, "mapping '%s'", conf->name);
	return 0;
}

const char *volume_form_name(enum secret_form form)
{
	static const char *const names[] = {
		[SECRET_FORM_EXACT] = "exact",
		[SECRET_FORM_WITHOUT_FINAL_NUL] = "without-final-nul",
	};

	return names[form];
}

void volume_done(struct volume *volume)
{
	if (volume->cd)
		crypt_free(volume->cd);
	secret_done(&volume->key);
	*volume = VOLUME_NULL;
}
