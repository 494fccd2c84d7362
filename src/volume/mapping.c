/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * mapping.c - reads live device-mapper tables back and compares them.
 * Trusts the kernel; trusts neither libcryptsetup nor the header that it has read. May not
 * change a mapping.
 */
#include "volume/mapping.h"

#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>

#include "base/paths.h"
#include "base/text.h"
#include "volume/dm.h"

#define SECTOR 512
#define OPTIONS_MAX 16
#define HMAC_SHA256_SIZE 32

static int parse_table(const struct dm_ioctl *io, struct mapping *m)
{
	const char *base = (const char *)io + io->data_start;
	const char *end = (const char *)io + DM_BUFFER_SIZE;
	struct dm_target_spec spec;
	const char *params = base + sizeof(spec);

	m->nr_targets = io->target_count;
	if (io->target_count == 0)
		return 0;
	if (io->data_start > DM_BUFFER_SIZE - sizeof(spec) - 1)
		return -EIO;
	memcpy(&spec, base, sizeof(spec));
	if (!memchr(spec.target_type, '\0', sizeof(spec.target_type)) ||
	    !memchr(params, '\0', (size_t)(end - params)))
		return -EIO;
	if (strlen(params) >= sizeof(m->params))
		return -E2BIG;
	m->start = spec.sector_start;
	m->length = spec.length;
	memcpy(m->type, spec.target_type, sizeof(m->type));
	memcpy(m->params, params, strlen(params) + 1);
	return 0;
}

int mapping_read(const struct root *root, const char *name, struct mapping *ret_mapping)
{
	_cleanup_close_ int fd = root_open(root, PATH_DM_CONTROL, O_RDWR, 0);
	_cleanup_free_ struct dm_ioctl *io = calloc(1, DM_BUFFER_SIZE);
	struct mapping m = { 0 };
	int r;

	if (fd < 0)
		return fd;
	if (!io)
		return -ENOMEM;
	r = dm_call(fd, DM_TABLE_STATUS, name, DM_STATUS_TABLE_FLAG | DM_SECURE_DATA_FLAG, io);
	if (r < 0)
		return r;
	r = parse_table(io, &m);
	if (r >= 0) {
		m.dev = makedev((unsigned int)(io->dev >> 8 & 0xfff),
				(unsigned int)((io->dev & 0xff) | (io->dev >> 12 & 0xfff00)));
		memcpy(m.uuid, io->uuid, sizeof(m.uuid));
		m.uuid[sizeof(m.uuid) - 1] = '\0';
		m.read_only = io->flags & DM_READONLY_FLAG;
		m.suspended_or_pending = io->flags & (DM_SUSPEND_FLAG | DM_INACTIVE_PRESENT_FLAG);
	}
	explicit_bzero(io, DM_BUFFER_SIZE); /* a table without the keyring holds the key */
	if (r >= 0)
		*ret_mapping = m;
	explicit_bzero(&m, sizeof(m));
	return r;
}

int mapping_refuse_taken(const struct root *root, const char *name, struct fault *f)
{
	char dif_name[CONF_NAME_SIZE + sizeof(MAPPING_DIF_SUFFIX)];
	const char *const names[] = { name, dif_name };
	struct mapping live;
	size_t i;
	int r;

	(void)snprintf(dif_name, sizeof(dif_name), "%s" MAPPING_DIF_SUFFIX, name); /* fits */
	for (i = 0; i < ARRAY_SIZE(names); i++) {
		r = mapping_read(root, names[i], &live);
		explicit_bzero(&live, sizeof(live));
		if (r >= 0)
			return fault_set(f, EXITCODE_BUSY, EEXIST,
					 "a mapping '%s' is there already", names[i]);
		if (r != -ENXIO)
			return fault_errno(f, EXITCODE_BUSY, r,
					   "it is unknown whether a mapping '%s' is there",
					   names[i]);
	}
	return 0;
}

static int differs(struct fault *f, const char *name, const char *what)
{
	return fault_set(f, EXITCODE_MAPPING_DIFFERS, EPERM,
			 "the live mapping '%s' is not what was asked for: %s differs", name, what);
}

/* Takes the next word of *cursor and compares it. */
static bool next_is(char **cursor, const char *expected)
{
	char *word = text_word(cursor, " ");

	return word && strcmp(word, expected) == 0;
}

struct options {
	char words[OPTIONS_MAX][32];
	unsigned int nr;
};

static void add_option(struct options *o, const char *name, unsigned int value, const char *end)
{
	(void)snprintf(o->words[o->nr++], sizeof(o->words[0]), "%s%u%s", name, value,
		       end); /* fits */
}

/* "N opt1 .. optN", or nothing at all if there are none; in any order, each of them once. */
static bool options_match(char **cursor, const struct options *wanted)
{
	char *count = text_word(cursor, " "), *word;
	unsigned int seen = 0, nr = 0, i;
	uint64_t n = 0;

	if (!count)
		return wanted->nr == 0;
	if (text_u64(count, OPTIONS_MAX, &n) < 0)
		return false;
	while ((word = text_word(cursor, " "))) {
		for (i = 0; i < wanted->nr; i++)
			if (strcmp(wanted->words[i], word) == 0 && !(seen & 1U << i))
				break;
		if (i == wanted->nr)
			return false;
		seen |= 1U << i;
		nr++;
	}
	return nr == wanted->nr && n == nr;
}

static void crypt_options(const struct volume_conf *vc, const struct verdict *v,
			  struct options *ret_options)
{
	static const struct {
		unsigned int option;
		const char *word;
	} words[] = {
		{ VOLUME_OPTION_ALLOW_DISCARDS, "allow_discards" },
		{ VOLUME_OPTION_SAME_CPU_CRYPT, "same_cpu_crypt" },
		{ VOLUME_OPTION_SUBMIT_FROM_CRYPT_CPUS, "submit_from_crypt_cpus" },
		{ VOLUME_OPTION_NO_READ_WORKQUEUE, "no_read_workqueue" },
		{ VOLUME_OPTION_NO_WRITE_WORKQUEUE, "no_write_workqueue" },
	};
	struct options o = { .nr = 0 };
	size_t i;

	for (i = 0; i < ARRAY_SIZE(words); i++)
		if (vc->options & words[i].option)
			(void)snprintf(o.words[o.nr++], sizeof(o.words[0]), "%s", words[i].word);
	if (v->sector_size != SECTOR)
		add_option(&o, "sector_size:", v->sector_size, "");
	if (v->integrity)
		add_option(&o, "integrity:", HMAC_SHA256_SIZE, ":aead");
	*ret_options = o;
}

/* dm-crypt's name for "alg-mode-plain64" below an authenticating hmac(sha256). */
static bool cipher_text(const struct verdict *v, char *buf, size_t size)
{
	char cipher[CONF_NAME_SIZE], *cursor = cipher, *alg, *mode, *iv;
	int len;

	memcpy(cipher, v->cipher, sizeof(cipher));
	if (!v->integrity) {
		len = snprintf(buf, size, "%s", cipher);
	} else {
		alg = text_word(&cursor, "-");
		mode = text_word(&cursor, "-");
		iv = text_word(&cursor, "-");
		if (!alg || !mode || !iv)
			return false;
		len = snprintf(buf, size, "capi:authenc(hmac(sha256),%s(%s))-%s", mode, alg, iv);
	}
	return len > 0 && (size_t)len < size;
}

/* What is below: the disk at the data offset, or the integrity device from its start. */
struct lower {
	dev_t dev;
	uint64_t offset; /* sectors */
	uint64_t length;
};

static int check_crypt(const struct mapping *m, const struct volume_conf *vc,
		       const struct verdict *v, const struct lower *lower, struct fault *f)
{
	char params[MAPPING_PARAMS_SIZE], expected[160], *cursor = params;
	struct options options;

	if (m->nr_targets != 1 || m->start != 0)
		return differs(f, vc->name, "the number of targets");
	if (strcmp(m->type, "crypt") != 0)
		return differs(f, vc->name, "the target's type");
	if (m->length != lower->length)
		return differs(f, vc->name, "the size");
	memcpy(params, m->params, sizeof(params));
	if (!cipher_text(v, expected, sizeof(expected)) || !next_is(&cursor, expected))
		return differs(f, vc->name, "the cipher");
	(void)snprintf(expected, sizeof(expected), ":%u:logon:cryptsetup:%s-d%u",
		       v->volume_key_size, v->uuid, v->digest_id); /* fits */
	if (!next_is(&cursor, expected))
		return differs(f, vc->name, "the key");
	if (!next_is(&cursor, "0"))
		return differs(f, vc->name, "the IV offset");
	(void)snprintf(expected, sizeof(expected), "%u:%u", major(lower->dev), minor(lower->dev));
	if (!next_is(&cursor, expected))
		return differs(f, vc->name, "the device");
	(void)snprintf(expected, sizeof(expected), "%llu", (unsigned long long)lower->offset);
	if (!next_is(&cursor, expected))
		return differs(f, vc->name, "the offset");
	crypt_options(vc, v, &options);
	return options_match(&cursor, &options) ? 0 : differs(f, vc->name, "an option");
}

/* dm-integrity's options that only shape its journal; their numbers are free. */
static bool is_harmless(const char *word)
{
	static const char *const prefixes[] = {
		"interleave_sectors:", "buffer_sectors:", "journal_sectors:",
		"journal_watermark:",  "commit_time:",	  "block_size:",
	};
	size_t i;

	for (i = 0; i < ARRAY_SIZE(prefixes); i++)
		if (strncmp(word, prefixes[i], strlen(prefixes[i])) == 0)
			return true;
	return strcmp(word, "fix_padding") == 0 || strcmp(word, "fix_hmac") == 0;
}

/* "DEVICE OFFSET 32 J N option..": a journal, tags of 32 bytes, and nothing that reads or
 * writes elsewhere or leaves sectors without their tag. */
static int check_integrity(const struct mapping *m, const char *name, const struct lower *lower,
			   struct fault *f)
{
	char params[MAPPING_PARAMS_SIZE], expected[64], *cursor = params, *word;

	if (m->nr_targets != 1 || m->start != 0 || strcmp(m->type, "integrity") != 0)
		return differs(f, name, "the target");
	memcpy(params, m->params, sizeof(params));
	(void)snprintf(expected, sizeof(expected), "%u:%u", major(lower->dev), minor(lower->dev));
	if (!next_is(&cursor, expected))
		return differs(f, name, "the device");
	(void)snprintf(expected, sizeof(expected), "%llu", (unsigned long long)lower->offset);
	if (!next_is(&cursor, expected) || !next_is(&cursor, "32") || !next_is(&cursor, "J"))
		return differs(f, name, "offset, tag size or mode");
	(void)text_word(&cursor, " "); /* the number of options */
	while ((word = text_word(&cursor, " ")))
		if (!is_harmless(word))
			return differs(f, name, "an option");
	return 0;
}

/* "CRYPT-LUKS2-" and the UUID without dashes and the name, as libcryptsetup has it since 2.0. */
static bool uuid_matches(const struct mapping *m, const char *name, const char *luks_uuid)
{
	char expected[MAPPING_UUID_SIZE + CONF_NAME_SIZE], *p = expected;

	p += snprintf(expected, sizeof(expected), "CRYPT-LUKS2-");
	for (; *luks_uuid; luks_uuid++)
		if (*luks_uuid != '-')
			*p++ = *luks_uuid;
	(void)snprintf(p, sizeof(expected) - (size_t)(p - expected), "-%s", name);
	return strcmp(m->uuid, expected) == 0;
}

static int read_live(const struct root *root, const char *name, struct mapping *ret_mapping,
		     struct fault *f)
{
	int r = mapping_read(root, name, ret_mapping);

	if (r < 0)
		return fault_errno(f, EXITCODE_MAPPING_DIFFERS, r,
				   "the live mapping '%s' cannot be read back", name);
	if (ret_mapping->suspended_or_pending)
		return differs(f, name, "its state");
	return 0;
}

int mapping_check(const struct root *root, const struct volume_conf *vc, const struct verdict *v,
		  const struct device *device, struct mapping *ret_mapping, struct fault *f)
{
	char dif_name[CONF_NAME_SIZE + sizeof(MAPPING_DIF_SUFFIX)];
	struct mapping m, dif;
	struct lower lower;
	struct stat st;
	int r;

	if (fstat(device->fd, &st) < 0 || !S_ISBLK(st.st_mode))
		return differs(f, vc->name, "the device");
	lower.dev = st.st_rdev;
	lower.offset = v->data_offset / SECTOR;
	lower.length = (device->size - v->data_offset) / SECTOR;
	if (v->integrity) {
		(void)snprintf(dif_name, sizeof(dif_name), "%s" MAPPING_DIF_SUFFIX,
			       vc->name); /* fits */
		r = read_live(root, dif_name, &dif, f);
		if (r >= 0)
			r = check_integrity(&dif, dif_name, &lower, f);
		if (r < 0)
			return r;
		if (dif.length > lower.length)
			return differs(f, dif_name, "the size");
		lower = (struct lower){ .dev = dif.dev, .offset = 0, .length = dif.length };
	}
	r = read_live(root, vc->name, &m, f);
	if (r < 0)
		return r;
	if (!uuid_matches(&m, vc->name, v->uuid))
		return differs(f, vc->name, "the UUID");
	if (m.read_only != !!(vc->options & VOLUME_OPTION_READ_ONLY))
		return differs(f, vc->name, "the access mode");
	r = check_crypt(&m, vc, v, &lower, f);
	if (r < 0)
		return r;
	*ret_mapping = m;
	return 0;
}
