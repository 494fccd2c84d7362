/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * conf.h - what the owner of the image has configured: coco-unlock.conf(5), cocotab(5) and
 * the one word of the kernel command line that is obeyed.
 */
#ifndef COCO_CONF_H
#define COCO_CONF_H

#include <stdbool.h>
#include <stdint.h>

#include "base/digest.h"
#include "base/ed25519.h"
#include "base/fault.h"
#include "base/root.h"
#include "base/text.h"
#include "conf/ini.h"
#include "conf/reference.h"

#define CONF_KEEP_MAX 64    /* GUIDs */
#define CONF_NAMES_MAX 8    /* modules, ciphers */
#define CONF_NAME_SIZE 64   /* bytes with the final NUL */
#define CONF_VOLUMES_MAX 16 /* lines of cocotab */
#define CONF_DEVICE_SIZE 256
#define CONF_TIMEOUT_MS_MAX 3600000
#define CONF_TOKENS_MAX 4 /* types of tokens of one volume */
#define CONF_WORDS_MAX 64 /* words of AllowWords= */
#define CONF_WORD_SIZE 128
#define CONF_METADATA_SIZE 16384 /* bytes of one copy of a header: what all tools make */
#define CONF_CMDLINE_MAX 65536	 /* bytes of the kernel command line */
#define CONF_OPTIONS_SIZE 512	 /* bytes of mount options */
#define CONF_MODULES_MAX 64	 /* words of Modules= */
#define CONF_URLS_MAX 4		 /* of brokers */
#define CONF_URL_SIZE 256
#define CONF_HOST_SIZE 256   /* a name or an IP literal */
#define CONF_ADDRESS_SIZE 46 /* an IP literal: INET6_ADDRSTRLEN */
#define CONF_PINS_MAX 4	     /* keys of brokers */
#define CONF_HOSTS_MAX 8     /* lines of Host= */
#define CONF_SOURCES_MAX 4
#define CONF_CERTIFICATE_MAX 16384 /* bytes of BrokerCA= and VCEK= files */
#define CONF_RESCUE_KEYS_MAX 4

enum failure_action {
	FAILURE_ACTION_POWEROFF,
	FAILURE_ACTION_REBOOT,
	FAILURE_ACTION_HALT,
	FAILURE_ACTION_RESCUE,
	_FAILURE_ACTION_MAX,
};

enum device_kind {
	DEVICE_KIND_AUTO,
	DEVICE_KIND_PATH,
	DEVICE_KIND_UUID,
	DEVICE_KIND_PARTUUID,
	DEVICE_KIND_LABEL,
};

enum volume_option {
	VOLUME_OPTION_READ_ONLY = 1 << 0,
	VOLUME_OPTION_SAME_CPU_CRYPT = 1 << 1,
	VOLUME_OPTION_SUBMIT_FROM_CRYPT_CPUS = 1 << 2,
	VOLUME_OPTION_NO_READ_WORKQUEUE = 1 << 3,
	VOLUME_OPTION_NO_WRITE_WORKQUEUE = 1 << 4,
	VOLUME_OPTION_ALLOW_DISCARDS = 1 << 5,
	VOLUME_OPTION_INTEGRITY_HMAC_SHA256 = 1 << 6,
	VOLUME_OPTION_ROOT = 1 << 7,
};

struct device_spec {
	enum device_kind kind;
	char value[CONF_DEVICE_SIZE]; /* path, UUID (lower case) or label; empty for auto */
};

struct name_list {
	char names[CONF_NAMES_MAX][CONF_NAME_SIZE];
	size_t nr;
};

/* One line of cocotab. */
struct volume_conf {
	char name[CONF_NAME_SIZE]; /* of the mapping under /dev/mapper */
	struct device_spec device;
	struct reference secret;
	unsigned int options;	 /* of enum volume_option */
	struct name_list tokens; /* types that the header may carry; never acted on */
	uint32_t metadata_size;	 /* bytes of one copy of the header, one of nine: cocotab(5) */
	unsigned int line;	 /* of cocotab; 0: there is no such file */
};

/* AllowWords=: exact words, and prefixes, which end in `*`. */
struct word_list {
	char words[CONF_WORDS_MAX][CONF_WORD_SIZE];
	size_t nr;
	bool defaults; /* the built-in list counts, too */
};

/* Modules=: names of kernel modules. */
struct module_list {
	char names[CONF_MODULES_MAX][CONF_NAME_SIZE];
	size_t nr;
	bool defaults; /* the built-in list counts, too */
};

/* What is mounted from where; all of it is the owner's word. */
struct mount_conf {
	char device[CONF_DEVICE_SIZE]; /* a path; empty: see rootsection.h */
	char type[CONF_NAME_SIZE];
	char options[CONF_OPTIONS_SIZE]; /* with commas, as in fstab(5) */
};

enum source_kind {
	SOURCE_EFI, /* a launch secret */
	SOURCE_KBS, /* a key broker, after attestation */
};

enum resource_format {
	RESOURCE_TABLE,	 /* a secret table, as coco-secret prepare writes it */
	RESOURCE_SECRET, /* the bare secret */
};

/* One base URL of a broker: https://HOST[:PORT][/PREFIX]. */
struct broker_url {
	char text[CONF_URL_SIZE];	 /* as configured, for people */
	char host[CONF_HOST_SIZE];	 /* lower case, without brackets */
	char address[CONF_ADDRESS_SIZE]; /* the host itself, or what Host= says of it */
	char prefix[CONF_URL_SIZE];	 /* empty, or with a slash in front and none at the end */
	unsigned int port;		 /* 1..65535; 443 if the URL has none */
	struct ini_place place;
};

/* A line of Host=: what stands for a resolver. */
struct broker_host {
	char name[CONF_HOST_SIZE];	 /* lower case */
	char address[CONF_ADDRESS_SIZE]; /* as inet_ntop(3) writes it */
};

/* [Kbs]: all of it comes from the image, never from a disk, the command line or the host. */
struct kbs_conf {
	struct broker_url urls[CONF_URLS_MAX];
	size_t nr_urls;
	struct broker_host hosts[CONF_HOSTS_MAX];
	size_t nr_hosts;
	struct digest pins[CONF_PINS_MAX]; /* SHA-256 of the server's SubjectPublicKeyInfo */
	size_t nr_pins;
	char broker_ca[CONF_DEVICE_SIZE];	/* path of a PEM file, or empty */
	char vcek[CONF_DEVICE_SIZE];		/* path of a DER file, or empty */
	char resource[REFERENCE_RESOURCE_SIZE]; /* of Resource=: repo/type/tag, or empty */
	enum resource_format format;
	bool event_log;	       /* of TDX: sent where it matches the quote */
	bool keep_network;     /* addresses and routes stay for the real root */
	struct name_list nics; /* Nics=: kernel modules; nr 0: the built-in list */
	/* Where the last lines of Url=, BrokerCA=, VCEK= and of the other keys stand. */
	struct ini_place url_place, ca_place, vcek_place, place;
};

/* What a failed boot does under FailureAction=rescue. */
struct rescue_conf {
	bool shell; /* RescueShell=: a shell for whoever sits at the console */
	/* RescueKey=: public keys of the owner */
	unsigned char keys[CONF_RESCUE_KEYS_MAX][ED25519_KEY_SIZE];
	size_t nr_keys;
	uint64_t timeout_ms; /* RescueTimeout=, 1000..CONF_TIMEOUT_MS_MAX */
	struct ini_place shell_place, key_place, timeout_place; /* of their last lines */
};

struct conf {
	enum source_kind sources[CONF_SOURCES_MAX]; /* in the order of Sources= */
	size_t nr_sources;
	struct ini_place sources_place, keep_place, timeout_place; /* of their last lines */
	struct kbs_conf kbs;
	uint64_t timeout_ms;	  /* of the whole unlock, 1000..CONF_TIMEOUT_MS_MAX */
	uint64_t root_timeout_ms; /* of the rest of the initramfs, on top of it; same range */
	enum failure_action failure_action;
	struct rescue_conf rescue;
	char keep[CONF_KEEP_MAX][GUID_TEXT_SIZE]; /* entries that are not wiped */
	size_t nr_keep;
	struct name_list secret_modules; /* tried in this order */
	struct name_list ciphers;	 /* segment ciphers that may be mapped, exact strings */
	bool require_policy;		 /* no unlock without a policy entry */
	bool check_cmdline;
	struct word_list allow_words;
	struct volume_conf volumes[CONF_VOLUMES_MAX];
	size_t nr_volumes;
	size_t root_volume; /* the one that the root has to lie on */

	/* [Root] and [Image], for an initramfs of our own; systemd's does not look at them. */
	struct mount_conf root;
	struct mount_conf usr;	     /* device empty: /usr is in the root */
	char init[CONF_DEVICE_SIZE]; /* the root's first program */
	bool fsck;		     /* check the file systems before they are mounted */
	struct module_list modules;
};

/* The defaults alone: one volume `root` on the only LUKS2 device. */
void conf_defaults(struct conf *ret_conf);

/* Its name in Sources=. */
const char *conf_source_name(enum source_kind kind);

/*
 * Reads all configuration below the root into *ret_conf. Files that do not exist are
 * skipped. On an error *ret_conf holds the defaults, so that the failure action is the
 * strictest one and nothing is kept. Returns 0, -EINVAL (bad content: fault names file and
 * line) or -errno (unreadable file).
 */
int conf_load(const struct root *root, struct conf *ret_conf, struct fault *f);

/*
 * Applies coco_unlock.timeout=SECONDS of the kernel command line, which may come from the
 * host: it can only shorten the timeout; cmdline.h says what else may be in it.
 */
void conf_apply_cmdline(const struct root *root, struct conf *conf);

/* Is an entry of this GUID, in lower case, to stay in the secret table? */
bool conf_keeps(const struct conf *conf, const char *guid);

/* Does any volume have sums over its sectors, so that the kernel needs what makes them? */
bool conf_wants_integrity(const struct conf *conf);

/* Is this source in Sources=? */
bool conf_has_source(const struct conf *conf, enum source_kind kind);

/* Which resource of a broker has what is referred to: its own, or that of Resource=. */
const char *conf_resource(const struct conf *conf, const struct reference *ref);

/* Is it in this one? */
bool conf_is_in_resource(const struct conf *conf, const struct reference *ref,
			 const char *resource);

/* Does the program rescue a boot that fails? FailureAction=rescue without RescueShell=. */
bool conf_rescues(const struct conf *conf);

/* Does a failed boot end in a shell? FailureAction=rescue with RescueShell=yes. */
bool conf_has_shell(const struct conf *conf);

/* SHA-256 of what sha256sum(1) prints of the files of the configuration below the root: the file,
 * the drop-ins that count in their order, cocotab, the image's policy, each where it is there.
 * Returns 0, or -errno with f saying config or no-memory. */
int conf_digest(const struct root *root, struct digest *ret_digest, struct fault *f);

/* Its name in the file; "poweroff" for a number that is none. */
const char *conf_action_name(enum failure_action action);

/* Parts of conf_load() and conf_apply_cmdline(), apart for tests: `text` is changed in place.
 * conf_parse_ini() returns 0, or -EINVAL with f; what stood before the mistake has been set. */
int conf_parse_ini(struct conf *conf, char *text, const char *file, struct fault *f);
void conf_parse_cmdline(struct conf *conf, char *text);

#endif
