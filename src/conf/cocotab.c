/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * cocotab.c - the table of volumes: name, device, where the secret is, options.
 * Trusts the file to be the owner's, not to be free of mistakes; may not do I/O.
 */
#include "conf/cocotab.h"

#include <string.h>

#include "conf/devicespec.h"

#define MAPPING_CHARS "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-.+"

static const struct {
	const char *name;
	unsigned int option;
} options[] = {
	{ "read-only", VOLUME_OPTION_READ_ONLY },
	{ "same-cpu-crypt", VOLUME_OPTION_SAME_CPU_CRYPT },
	{ "submit-from-crypt-cpus", VOLUME_OPTION_SUBMIT_FROM_CRYPT_CPUS },
	{ "no-read-workqueue", VOLUME_OPTION_NO_READ_WORKQUEUE },
	{ "no-write-workqueue", VOLUME_OPTION_NO_WRITE_WORKQUEUE },
	{ "allow-discards", VOLUME_OPTION_ALLOW_DISCARDS },
	{ "integrity=hmac-sha256", VOLUME_OPTION_INTEGRITY_HMAC_SHA256 },
	{ "root", VOLUME_OPTION_ROOT },
};

#define METADATA_OPTION "metadata-size="
#define METADATA_SIZE_MAX (4 * 1024 * 1024) /* bytes */
#define TOKEN_OPTION "token="
#define TOKEN_CHARS "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-."

/* libdevmapper allows more characters; these need no escaping anywhere. */
bool cocotab_is_name(const char *word)
{
	return *word && strlen(word) < CONF_NAME_SIZE &&
	       word[strspn(word, MAPPING_CHARS)] == '\0' && *word != '.' && *word != '-' &&
	       strcmp(word, "control") != 0;
}

static int parse_name(const char *word, struct volume_conf *v)
{
	if (!cocotab_is_name(word))
		return -EINVAL;
	memcpy(v->name, word, strlen(word) + 1);
	return 0;
}

static bool is_default(const char *word)
{
	return !word || strcmp(word, "-") == 0 || strcmp(word, "none") == 0;
}

/* token=TYPE; the option may be given again for another type. */
static int parse_token(const char *type, struct name_list *tokens)
{
	size_t len = strlen(type);

	if (len == 0 || len >= CONF_NAME_SIZE || type[strspn(type, TOKEN_CHARS)] != '\0' ||
	    tokens->nr == CONF_TOKENS_MAX)
		return -EINVAL;
	memcpy(tokens->names[tokens->nr++], type, len + 1);
	return 0;
}

/* metadata-size=SIZE: bytes, or with k or m. LUKS2 On-Disk Format Specification 1.1, section 2:
 * 16 KiB, and each doubling of it up to 4 MiB. */
static int parse_metadata_size(const char *text, uint32_t *ret_size)
{
	size_t len = strspn(text, "0123456789");
	char number[16], unit = text[len];
	uint64_t n;

	if (len >= sizeof(number) || (unit && text[len + 1] != '\0') || !strchr("kKmM", unit))
		return -EINVAL; /* strchr() finds the final NUL, too: no unit */
	memcpy(number, text, len);
	number[len] = '\0';
	if (text_u64(number, METADATA_SIZE_MAX, &n) < 0)
		return -EINVAL;
	n *= unit == 'k' || unit == 'K' ? 1024 : unit ? 1024 * 1024 : 1;
	if (n < CONF_METADATA_SIZE || n > METADATA_SIZE_MAX || (n & (n - 1)) != 0)
		return -EINVAL;
	*ret_size = (uint32_t)n;
	return 0;
}

/* The options that have a value of their own. Returns 1, 0 if it is another one, or -EINVAL. */
static int parse_valued(const char *name, struct volume_conf *v, const char *file,
			unsigned int line, struct fault *f)
{
	if (strncmp(name, TOKEN_OPTION, sizeof(TOKEN_OPTION) - 1) == 0) {
		if (parse_token(name + sizeof(TOKEN_OPTION) - 1, &v->tokens) == 0)
			return 1;
		return fault_set(f, EXITCODE_CONFIG, EINVAL,
				 "%s:%u: '%s': not the type of a token, or more than %d of them",
				 file, line, name, CONF_TOKENS_MAX);
	}
	if (strncmp(name, METADATA_OPTION, sizeof(METADATA_OPTION) - 1) == 0) {
		if (v->metadata_size == 0 &&
		    parse_metadata_size(name + sizeof(METADATA_OPTION) - 1, &v->metadata_size) == 0)
			return 1;
		return fault_set(f, EXITCODE_CONFIG, EINVAL,
				 "%s:%u: '%s': not one of 16k, 32k, 64k, 128k, 256k, 512k, 1m, 2m, "
				 "4m, or given twice",
				 file, line, name);
	}
	return 0;
}

static int parse_options(char *word, struct volume_conf *v, const char *file, unsigned int line,
			 struct fault *f)
{
	char *name;
	size_t i;
	int r;

	if (is_default(word))
		return 0;
	while ((name = text_word(&word, ","))) {
		r = parse_valued(name, v, file, line, f);
		if (r < 0)
			return r;
		if (r > 0)
			continue;
		for (i = 0; i < ARRAY_SIZE(options); i++)
			if (strcmp(options[i].name, name) == 0)
				break;
		if (i == ARRAY_SIZE(options))
			return fault_set(f, EXITCODE_CONFIG, EINVAL, "%s:%u: unknown option '%s'",
					 file, line, name);
		v->options |= options[i].option;
	}
	if ((v->options & VOLUME_OPTION_ALLOW_DISCARDS) &&
	    (v->options & VOLUME_OPTION_INTEGRITY_HMAC_SHA256))
		return fault_set(f, EXITCODE_CONFIG, EINVAL,
				 "%s:%u: allow-discards does not go with integrity=", file, line);
	return 0;
}

static int parse_line(char *text, struct volume_conf *v, const char *file, unsigned int line,
		      struct fault *f)
{
	char *name = text_word(&text, " \t"), *device = devicespec_word(&text);
	char *secret = text_word(&text, " \t"), *opts = text_word(&text, " \t");
	char *extra = text_word(&text, " \t");
	const char *why;

	if (!device)
		return fault_set(f, EXITCODE_CONFIG, EINVAL,
				 "%s:%u: expected: volume device secret options", file, line);
	if (extra)
		return fault_set(f, EXITCODE_CONFIG, EINVAL, "%s:%u: unexpected fifth column '%s'",
				 file, line, extra);
	if (parse_name(name, v) < 0)
		return fault_set(f, EXITCODE_CONFIG, EINVAL, "%s:%u: '%s' is no name for a mapping",
				 file, line, name);
	if (devicespec_parse(device, &v->device, &why) < 0)
		return fault_set(f, EXITCODE_CONFIG, EINVAL, "%s:%u: device '%s' %s", file, line,
				 device, why);
	v->secret = REFERENCE_DISK_SECRET;
	if (!is_default(secret) && reference_parse(secret, &v->secret) < 0)
		return fault_set(f, EXITCODE_CONFIG, EINVAL,
				 strncmp(secret, "kbs:", 4) == 0 ?
					 "%s:%u: '%s' is neither kbs:///REPOSITORY/TYPE/TAG nor "
					 "that with #GUID" :
					 "%s:%u: '%s' is no GUID",
				 file, line, secret);
	v->line = line;
	return parse_options(opts, v, file, line, f);
}

static const struct volume_conf *find_option(const struct conf *conf, unsigned int option)
{
	size_t i;

	for (i = 0; i < conf->nr_volumes; i++)
		if (conf->volumes[i].options & option)
			return &conf->volumes[i];
	return NULL;
}

/* What the host writes on the command line has no say in it: the option, the name, the order. */
static size_t choose_root(const struct conf *conf)
{
	const struct volume_conf *v = find_option(conf, VOLUME_OPTION_ROOT);
	size_t i;

	if (v)
		return (size_t)(v - conf->volumes);
	for (i = 0; i < conf->nr_volumes; i++)
		if (strcmp(conf->volumes[i].name, "root") == 0)
			return i;
	return 0;
}

int cocotab_parse(struct conf *conf, char *text, const char *file, struct fault *f)
{
	unsigned int nr = 0;
	char *line;
	size_t i;
	int r;

	conf->nr_volumes = 0;
	while ((line = strsep(&text, "\n"))) {
		struct volume_conf v = { 0 };

		nr++;
		line = text_strip(line);
		if (*line == '\0' || *line == '#')
			continue;
		r = parse_line(line, &v, file, nr, f);
		if (r < 0)
			return r;
		if (v.metadata_size == 0)
			v.metadata_size = CONF_METADATA_SIZE;
		for (i = 0; i < conf->nr_volumes; i++)
			if (strcmp(conf->volumes[i].name, v.name) == 0)
				return fault_set(f, EXITCODE_CONFIG, EINVAL,
						 "%s:%u: volume '%s' is listed twice", file, nr,
						 v.name);
		if ((v.options & VOLUME_OPTION_ROOT) && find_option(conf, VOLUME_OPTION_ROOT))
			return fault_set(f, EXITCODE_CONFIG, EINVAL,
					 "%s:%u: a second volume with the option 'root'", file, nr);
		if (conf->nr_volumes == CONF_VOLUMES_MAX)
			return fault_set(f, EXITCODE_CONFIG, EINVAL, "%s:%u: more than %d volumes",
					 file, nr, CONF_VOLUMES_MAX);
		conf->volumes[conf->nr_volumes++] = v;
	}
	for (i = 0; i < conf->nr_volumes && conf->nr_volumes > 1; i++)
		if (conf->volumes[i].device.kind == DEVICE_KIND_AUTO)
			return fault_set(f, EXITCODE_CONFIG, EINVAL,
					 "%s: volume '%s' has device auto, which works for a single "
					 "volume only",
					 file, conf->volumes[i].name);
	if (conf->nr_volumes == 0)
		return fault_set(f, EXITCODE_CONFIG, EINVAL, "%s: lists no volume", file);
	conf->root_volume = choose_root(conf);
	return 0;
}
