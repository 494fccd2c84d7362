/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * conf.c - what the keys of coco-unlock.conf mean, what holds without them, and the kernel command
 * line's timeout.
 * Trusts the files of the initramfs to be the owner's, but not to be free of mistakes:
 * whatever is unknown is an error with file and line. Does not trust the command line.
 * More than 400 lines: the keys stand in one table.
 */
#include "conf/conf.h"

#include <fcntl.h>
#include <string.h>

#include "base/paths.h"
#include "conf/cocotab.h"
#include "conf/conffiles.h"
#include "conf/ini.h"
#include "conf/kbssection.h"
#include "conf/rescueconf.h"
#include "conf/rootsection.h"
#include "conf/value.h"

#define CONF_ROOT_TIMEOUT_MS_MIN 10000
#define CONF_TIMEOUT_MS 90000
#define CONF_TIMEOUT_KBS_MS 300000    /* a broker and its network may start late */
#define CONF_RESCUE_TIMEOUT_MS 900000 /* somebody has to see it, and to answer */
#define CMDLINE_TIMEOUT "coco_unlock.timeout="

static const char *const action_names[_FAILURE_ACTION_MAX] = {
	[FAILURE_ACTION_POWEROFF] = "poweroff",
	[FAILURE_ACTION_REBOOT] = "reboot",
	[FAILURE_ACTION_HALT] = "halt",
	[FAILURE_ACTION_RESCUE] = "rescue",
};

static const char *const source_names[] = {
	[SOURCE_EFI] = "efi",
	[SOURCE_KBS] = "kbs",
};

static const char *const default_modules[] = { "efi_secret", "coco_secret", "sev_secret" };

const char *conf_action_name(enum failure_action action)
{
	return (unsigned int)action < ARRAY_SIZE(action_names) ? action_names[action] : "poweroff";
}

const char *conf_source_name(enum source_kind kind)
{
	return (unsigned int)kind < ARRAY_SIZE(source_names) ? source_names[kind] : "";
}

void conf_defaults(struct conf *ret_conf)
{
	size_t i;

	memset(ret_conf, 0, sizeof(*ret_conf));
	ret_conf->timeout_ms = CONF_TIMEOUT_MS;
	ret_conf->root_timeout_ms = 180000;
	ret_conf->check_cmdline = true;
	ret_conf->allow_words.defaults = true;
	ret_conf->failure_action = FAILURE_ACTION_POWEROFF;
	ret_conf->rescue.timeout_ms = CONF_RESCUE_TIMEOUT_MS;
	for (i = 0; i < ARRAY_SIZE(default_modules); i++)
		(void)snprintf(ret_conf->secret_modules.names[i], CONF_NAME_SIZE, "%s",
			       default_modules[i]); /* constants that fit */
	ret_conf->secret_modules.nr = ARRAY_SIZE(default_modules);
	(void)snprintf(ret_conf->ciphers.names[0], CONF_NAME_SIZE, "aes-xts-plain64");
	ret_conf->ciphers.nr = 1;
	(void)snprintf(ret_conf->volumes[0].name, CONF_NAME_SIZE, "root");
	ret_conf->volumes[0].device.kind = DEVICE_KIND_AUTO;
	ret_conf->volumes[0].secret = REFERENCE_DISK_SECRET;
	ret_conf->volumes[0].metadata_size = CONF_METADATA_SIZE;
	ret_conf->nr_volumes = 1;
	(void)snprintf(ret_conf->init, sizeof(ret_conf->init), "/sbin/init");
	ret_conf->modules.defaults = true;
	ret_conf->sources[0] = SOURCE_EFI;
	ret_conf->nr_sources = 1;
	ret_conf->kbs.event_log = true;
}

bool conf_rescues(const struct conf *conf)
{
	return conf->failure_action == FAILURE_ACTION_RESCUE && !conf->rescue.shell;
}

bool conf_has_shell(const struct conf *conf)
{
	return conf->failure_action == FAILURE_ACTION_RESCUE && conf->rescue.shell;
}

bool conf_has_source(const struct conf *conf, enum source_kind kind)
{
	size_t i;

	for (i = 0; i < conf->nr_sources; i++)
		if (conf->sources[i] == kind)
			return true;
	return false;
}

const char *conf_resource(const struct conf *conf, const struct reference *ref)
{
	return ref->kind == REFERENCE_RESOURCE ? ref->resource : conf->kbs.resource;
}

bool conf_is_in_resource(const struct conf *conf, const struct reference *ref, const char *resource)
{
	return strcmp(conf_resource(conf, ref), resource) == 0;
}

bool conf_keeps(const struct conf *conf, const char *guid)
{
	size_t i;

	for (i = 0; i < conf->nr_keep; i++)
		if (strcmp(conf->keep[i], guid) == 0)
			return true;
	return false;
}

bool conf_wants_integrity(const struct conf *conf)
{
	size_t i;

	for (i = 0; i < conf->nr_volumes; i++)
		if (conf->volumes[i].options & VOLUME_OPTION_INTEGRITY_HMAC_SHA256)
			return true;
	return false;
}

/* "90", "90s", "2min", "500ms" as in systemd.time(7), these units only. */
static int parse_timeout(const char *value, uint64_t *ret_ms)
{
	static const struct {
		const char *unit;
		uint64_t ms;
	} units[] = { { "", 1000 }, { "s", 1000 }, { "ms", 1 }, { "min", 60000 } };
	size_t digits = strspn(value, "0123456789"), i;
	char number[16];
	uint64_t n;

	if (digits == 0 || digits >= sizeof(number))
		return -EINVAL;
	memcpy(number, value, digits);
	number[digits] = '\0';
	if (text_u64(number, CONF_TIMEOUT_MS_MAX, &n) < 0)
		return -EINVAL;
	for (i = 0; i < ARRAY_SIZE(units); i++) {
		if (strcmp(value + digits, units[i].unit) != 0)
			continue;
		n *= units[i].ms; /* both factors are bounded */
		if (n < 1000 || n > CONF_TIMEOUT_MS_MAX)
			return -ERANGE;
		*ret_ms = n;
		return 0;
	}
	return -EINVAL;
}

static int set_timeout(struct conf *conf, char *value)
{
	return parse_timeout(value, &conf->timeout_ms);
}

static int set_root_timeout(struct conf *conf, char *value)
{
	uint64_t ms;
	int r;

	r = parse_timeout(value, &ms);
	if (r < 0)
		return r;
	if (ms < CONF_ROOT_TIMEOUT_MS_MIN)
		return -ERANGE;
	conf->root_timeout_ms = ms;
	return 0;
}

static int set_rescue_timeout(struct conf *conf, char *value)
{
	return parse_timeout(value, &conf->rescue.timeout_ms);
}

/* In the place of what an earlier line has said. */
static int set_sources(struct conf *conf, char *value)
{
	char *word;
	size_t i;

	conf->nr_sources = 0;
	while ((word = text_word(&value, " \t"))) {
		for (i = 0; i < ARRAY_SIZE(source_names); i++)
			if (strcmp(word, source_names[i]) == 0)
				break;
		if (i == ARRAY_SIZE(source_names) || conf_has_source(conf, (enum source_kind)i))
			return -EINVAL;
		conf->sources[conf->nr_sources++] = (enum source_kind)i;
	}
	return conf->nr_sources > 0 ? 0 : -EINVAL;
}

static int set_require_policy(struct conf *conf, char *value)
{
	return value_bool(value, &conf->require_policy);
}

static int set_check_cmdline(struct conf *conf, char *value)
{
	return value_bool(value, &conf->check_cmdline);
}

static int set_fsck(struct conf *conf, char *value)
{
	return value_bool(value, &conf->fsck);
}

/* Grows with each line; an empty value empties all, the built-in list included. */
static int set_words(struct conf *conf, char *value)
{
	struct word_list *list = &conf->allow_words;
	char *word;

	if (*value == '\0') {
		list->nr = 0;
		list->defaults = false;
	}
	while ((word = text_word(&value, " \t"))) {
		if (list->nr == CONF_WORDS_MAX)
			return -E2BIG;
		/* A lone `*` would allow everything: CheckCommandLine=no says that. */
		if (strlen(word) >= CONF_WORD_SIZE || strcmp(word, "*") == 0 ||
		    word[strcspn(word, "\"'\\")] != '\0')
			return -EINVAL;
		memcpy(list->words[list->nr++], word, strlen(word) + 1);
	}
	return 0;
}

static int set_action(struct conf *conf, char *value)
{
	size_t i;

	for (i = 0; i < ARRAY_SIZE(action_names); i++) {
		if (strcmp(value, action_names[i]) == 0) {
			conf->failure_action = (enum failure_action)i;
			return 0;
		}
	}
	return -EINVAL;
}

/* A list grows with each line; an empty value empties it, as in systemd's files. */
static int set_keep(struct conf *conf, char *value)
{
	char *word;

	if (*value == '\0')
		conf->nr_keep = 0;
	while ((word = text_word(&value, " \t"))) {
		if (conf->nr_keep == CONF_KEEP_MAX)
			return -E2BIG;
		if (guid_from_text(word, conf->keep[conf->nr_keep]) < 0)
			return -EINVAL;
		conf->nr_keep++;
	}
	return 0;
}

#define NAME_CHARS "abcdefghijklmnopqrstuvwxyz0123456789_"

static int set_modules(struct conf *conf, char *value)
{
	return value_names(value, NAME_CHARS, &conf->secret_modules);
}

/* algorithm-mode-plain64: no weak IV, no other syntax, and a null cipher never, whoever asks
 * for it. */
static bool is_cipher(const char *name)
{
	const char *mode = strchr(name, '-'), *iv = mode ? strchr(mode + 1, '-') : NULL;

	return iv && mode > name && iv > mode + 1 && strcmp(iv, "-plain64") == 0 &&
	       strncmp(mode, "-ecb-", 5) != 0 && !strstr(name, "null");
}

static int set_ciphers(struct conf *conf, char *value)
{
	struct name_list list;
	size_t i;
	int r;

	r = value_names(value, NAME_CHARS "-", &list);
	if (r < 0)
		return r;
	for (i = 0; i < list.nr; i++)
		if (!is_cipher(list.names[i]))
			return -EPERM;
	conf->ciphers = list;
	return 0;
}

#define PLACE(member) offsetof(struct conf, member)

static const struct ini_key keys[] = {
	{ "Unlock", "Sources", set_sources, "efi, kbs or both", PLACE(sources_place) },
	{ "Unlock", "Timeout", set_timeout, "a time between 1s and 60min", PLACE(timeout_place) },
	{ "Unlock", "RootTimeout", set_root_timeout, "a time between 10s and 60min", 0 },
	{ "Unlock", "FailureAction", set_action, "poweroff, reboot, halt or rescue", 0 },
	{ "Unlock", "RescueTimeout", set_rescue_timeout, "a time between 1s and 60min",
	  PLACE(rescue.timeout_place) },
	{ "Unlock", "RescueKey", rescueconf_set_key, "Ed25519 public keys in base64, at most 4",
	  PLACE(rescue.key_place) },
	{ "Unlock", "RescueShell", rescueconf_set_shell, "yes or no", PLACE(rescue.shell_place) },
	{ "Unlock", "KeepSecrets", set_keep, "GUIDs, at most 64", PLACE(keep_place) },
	{ "Unlock", "SecretModules", set_modules, "names of kernel modules, at most 8", 0 },
	{ "Policy", "Ciphers", set_ciphers,
	  "ciphers such as aes-xts-plain64, at most 8: algorithm, mode, plain64", 0 },
	{ "Policy", "RequirePolicyEntry", set_require_policy, "yes or no", 0 },
	{ "Policy", "CheckCommandLine", set_check_cmdline, "yes or no", 0 },
	{ "Policy", "AllowWords", set_words,
	  "words of the kernel command line without quotes, at most 64; "
	  "a final * makes a prefix of a word",
	  0 },
	{ "Root", "Device", rootsection_set_device,
	  "a path such as /dev/mapper/root or /dev/GROUP/VOLUME", 0 },
	{ "Root", "Type", rootsection_set_type, "the type of a file system, such as ext4", 0 },
	{ "Root", "Options", rootsection_set_options,
	  "mount options with commas between them, without blanks and quotes", 0 },
	{ "Root", "Usr", rootsection_set_usr, "DEVICE TYPE [OPTIONS]", 0 },
	{ "Root", "Init", rootsection_set_init, "an absolute path in the root", 0 },
	{ "Root", "Fsck", set_fsck, "yes or no", 0 },
	{ "Kbs", "Url", kbssection_set_url,
	  "URLs such as https://HOST, https://HOST:PORT/PATH or https://[ADDRESS], at most 4: without "
	  "user, query and fragment",
	  PLACE(kbs.url_place) },
	{ "Kbs", "Pin", kbssection_set_pin,
	  "SHA-256 digests of public keys in base64 or hexadecimal digits, at most 4",
	  PLACE(kbs.place) },
	{ "Kbs", "BrokerCA", kbssection_set_ca, "the path of a certificate in PEM",
	  PLACE(kbs.ca_place) },
	{ "Kbs", "Host", kbssection_set_host,
	  "NAME ADDRESS, each name once, at most 8 times; an address that one machine has, and not "
	  "of a link (fe80::)",
	  PLACE(kbs.place) },
	{ "Kbs", "Resource", kbssection_set_resource, "REPOSITORY/TYPE/TAG", PLACE(kbs.place) },
	{ "Kbs", "ResourceFormat", kbssection_set_format, "table or secret", PLACE(kbs.place) },
	{ "Kbs", "EventLog", kbssection_set_event_log, "auto or no", PLACE(kbs.place) },
	{ "Kbs", "VCEK", kbssection_set_vcek, "the path of a certificate in DER",
	  PLACE(kbs.vcek_place) },
	{ "Kbs", "Nics", kbssection_set_nics, "names of kernel modules, at most 8",
	  PLACE(kbs.place) },
	{ "Kbs", "KeepNetwork", kbssection_set_keep_network, "yes or no", PLACE(kbs.place) },
	{ "Image", "Modules", rootsection_set_modules, "names of kernel modules, at most 64", 0 },
};

int conf_parse_ini(struct conf *conf, char *text, const char *file, struct fault *f)
{
	return ini_parse(text, file, keys, ARRAY_SIZE(keys), conf, f);
}

static int load_ini(const char *path, char *text, size_t len, void *data, struct fault *f)
{
	(void)len;
	return conf_parse_ini(data, text, path, f);
}

static int load_cocotab(const struct root *root, struct conf *conf, struct fault *f)
{
	_cleanup_free_ char *text = NULL;
	ssize_t n;

	n = root_read_text(root, PATH_COCOTAB, CONF_FILE_MAX, &text);
	if (n == -ENOENT)
		return 0;
	if (n < 0)
		return fault_errno(f, EXITCODE_CONFIG, (int)n, "%s", PATH_COCOTAB);
	return cocotab_parse(conf, text, PATH_COCOTAB, f);
}

static int load_all(const struct root *root, struct conf *conf, struct fault *f)
{
	int r;

	r = conffiles_walk(root, load_ini, conf, f);
	if (r < 0)
		return r;
	r = load_cocotab(root, conf, f);
	if (r < 0)
		return r;
	if (conf->timeout_place.line == 0 && conf_has_source(conf, SOURCE_KBS))
		conf->timeout_ms = CONF_TIMEOUT_KBS_MS;
	r = rescueconf_check(conf, f);
	if (r < 0)
		return r;
	return kbssection_complete(conf, f);
}

int conf_load(const struct root *root, struct conf *ret_conf, struct fault *f)
{
	int r;

	conf_defaults(ret_conf);
	r = load_all(root, ret_conf, f);
	if (r < 0)
		conf_defaults(ret_conf);
	return r;
}

void conf_parse_cmdline(struct conf *conf, char *text)
{
	uint64_t seconds;
	char *word;

	while ((word = text_word(&text, " \t\n"))) {
		if (strncmp(word, CMDLINE_TIMEOUT, sizeof(CMDLINE_TIMEOUT) - 1) != 0)
			continue;
		if (text_u64(word + sizeof(CMDLINE_TIMEOUT) - 1, CONF_TIMEOUT_MS_MAX / 1000,
			     &seconds) < 0)
			continue;
		if (seconds > 0 && seconds * 1000 < conf->timeout_ms)
			conf->timeout_ms = seconds * 1000;
	}
}

void conf_apply_cmdline(const struct root *root, struct conf *conf)
{
	_cleanup_free_ char *text = NULL;

	if (root_read_text(root, PATH_CMDLINE, CONF_CMDLINE_MAX, &text) >= 0)
		conf_parse_cmdline(conf, text);
}
