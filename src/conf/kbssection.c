/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * kbssection.c - what the keys of [Kbs] mean, and what of them goes with the other keys and with
 * cocotab.
 * Trusts the files to be the owner's, but not to be free of mistakes. Nothing here is ever taken
 * from a disk, from the command line or from the host; no name is looked up anywhere.
 * Formats: RFC 7468 section 5, X.690.
 */
#include "conf/kbssection.h"

#include <fcntl.h>
#include <string.h>

#include "base/base64.h"
#include "base/io.h"
#include "base/paths.h"
#include "conf/brokerurl.h"
#include "conf/value.h"

#define MODULE_CHARS "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-"
#define BLANKS " \t"

#define PEM_BEGIN "-----BEGIN CERTIFICATE-----"
#define PEM_END "-----END CERTIFICATE-----"

/* Grows with each line; an empty value empties it. */
int kbssection_set_url(struct conf *conf, char *value)
{
	struct kbs_conf *kbs = &conf->kbs;
	char *word;

	if (*value == '\0')
		kbs->nr_urls = 0;
	while ((word = text_word(&value, BLANKS))) {
		if (kbs->nr_urls == CONF_URLS_MAX)
			return -E2BIG;
		if (brokerurl_parse(word, &kbs->urls[kbs->nr_urls]) < 0)
			return -EINVAL;
		kbs->urls[kbs->nr_urls++].place = kbs->url_place;
	}
	return 0;
}

/* Base64, as curl and HPKP have it, or the hexadecimal digits that sha256sum prints. */
int kbssection_set_pin(struct conf *conf, char *value)
{
	struct kbs_conf *kbs = &conf->kbs;
	char *word;

	if (*value == '\0')
		kbs->nr_pins = 0;
	while ((word = text_word(&value, BLANKS))) {
		struct digest pin;

		if (kbs->nr_pins == CONF_PINS_MAX)
			return -E2BIG;
		if (base64_decode(BASE64_PADDED, word, strlen(word), pin.octets, DIGEST_SIZE) !=
			    DIGEST_SIZE &&
		    digest_parse(word, &pin) < 0)
			return -EINVAL;
		kbs->pins[kbs->nr_pins++] = pin;
	}
	return 0;
}

/* A path, or nothing. */
static int set_file(char *to, const char *value)
{
	if (*value != '\0')
		return value_path(value, to, CONF_DEVICE_SIZE);
	*to = '\0';
	return 0;
}

int kbssection_set_ca(struct conf *conf, char *value)
{
	return set_file(conf->kbs.broker_ca, value);
}

int kbssection_set_vcek(struct conf *conf, char *value)
{
	return set_file(conf->kbs.vcek, value);
}

static const struct broker_host *find_host(const struct kbs_conf *kbs, const char *name)
{
	size_t i;

	for (i = 0; i < kbs->nr_hosts; i++)
		if (strcmp(kbs->hosts[i].name, name) == 0)
			return &kbs->hosts[i];
	return NULL;
}

/* NAME ADDRESS; an empty value empties the table. A name has one address, so that nobody has to
 * guess which one is tried. */
int kbssection_set_host(struct conf *conf, char *value)
{
	struct kbs_conf *kbs = &conf->kbs;
	struct broker_host host;
	char *name = text_word(&value, BLANKS), *address = text_word(&value, BLANKS);

	if (!name) {
		kbs->nr_hosts = 0;
		return 0;
	}
	if (!address || text_word(&value, BLANKS) || brokerurl_parse_name(name, host.name) < 0 ||
	    brokerurl_parse_address(address, host.address) < 0 || find_host(kbs, host.name))
		return -EINVAL;
	if (kbs->nr_hosts == CONF_HOSTS_MAX)
		return -E2BIG;
	kbs->hosts[kbs->nr_hosts++] = host;
	return 0;
}

int kbssection_set_resource(struct conf *conf, char *value)
{
	if (*value != '\0')
		return reference_parse_resource(value, conf->kbs.resource);
	*conf->kbs.resource = '\0';
	return 0;
}

int kbssection_set_format(struct conf *conf, char *value)
{
	if (strcmp(value, "table") != 0 && strcmp(value, "secret") != 0)
		return -EINVAL;
	conf->kbs.format = *value == 't' ? RESOURCE_TABLE : RESOURCE_SECRET;
	return 0;
}

int kbssection_set_event_log(struct conf *conf, char *value)
{
	if (strcmp(value, "auto") != 0 && strcmp(value, "no") != 0)
		return -EINVAL;
	conf->kbs.event_log = *value == 'a';
	return 0;
}

/* An empty value: the built-in list. */
int kbssection_set_nics(struct conf *conf, char *value)
{
	if (*value != '\0')
		return value_names(value, MODULE_CHARS, &conf->kbs.nics);
	conf->kbs.nics.nr = 0;
	return 0;
}

int kbssection_set_keep_network(struct conf *conf, char *value)
{
	return value_bool(value, &conf->kbs.keep_network);
}

/* [Kbs] has a line, but nobody has asked for the broker. */
static int check_unused(const struct conf *conf, struct fault *f)
{
	const struct kbs_conf *kbs = &conf->kbs;
	const struct ini_place *places[] = { &kbs->url_place, &kbs->ca_place, &kbs->vcek_place,
					     &kbs->place };
	char buffer[INI_PLACE_SIZE];
	size_t i;

	if (conf->sources_place.line > 0)
		return 0; /* the owner has chosen: see kbssection_warn() */
	for (i = 0; i < ARRAY_SIZE(places); i++)
		if (places[i]->line > 0)
			return fault_advise(f, EXITCODE_CONFIG, EINVAL,
					    "put Sources=kbs into the section [Unlock]; or "
					    "Sources=efi, and [Kbs] has no effect",
					    "%sthe section [Kbs], but no Sources= that says kbs",
					    ini_place_text(places[i], buffer));
	return 0;
}

/* A broker that has failed would be asked again as another one, and too soon. */
static int check_twice(const struct kbs_conf *kbs, size_t nr, struct fault *f)
{
	const struct broker_url *url = &kbs->urls[nr];
	char buffer[INI_PLACE_SIZE];
	size_t i;

	for (i = 0; i < nr; i++) {
		const struct broker_url *first = &kbs->urls[i];

		if (strcmp(first->host, url->host) == 0 && first->port == url->port &&
		    strcmp(first->prefix, url->prefix) == 0)
			return fault_advise(f, EXITCODE_CONFIG, EINVAL, "remove one of the two",
					    "%s%s is listed twice, first as %s (%s:%u)",
					    ini_place_text(&url->place, buffer), url->text,
					    first->text, first->place.file, first->place.line);
	}
	return 0;
}

static int check_urls(struct conf *conf, struct fault *f)
{
	struct kbs_conf *kbs = &conf->kbs;
	const struct broker_host *host;
	char buffer[INI_PLACE_SIZE];
	size_t i;
	int r;

	if (kbs->nr_urls == 0)
		return fault_advise(f, EXITCODE_CONFIG, EINVAL,
				    "put Url=https://HOST into the section [Kbs]",
				    "%sSources= has kbs, and [Kbs] has no Url=",
				    ini_place_text(&conf->sources_place, buffer));
	if (kbs->nr_pins == 0 && !*kbs->broker_ca)
		return fault_advise(
			f, EXITCODE_CONFIG, EINVAL,
			"put Pin= with the digest of the broker's public key, or BrokerCA= with the "
			"path of your own CA's certificate, into the section [Kbs]",
			"%snothing says how the broker is known again: neither Pin= nor BrokerCA=",
			ini_place_text(&kbs->urls[0].place, buffer));
	for (i = 0; i < kbs->nr_urls; i++) {
		r = check_twice(kbs, i, f);
		if (r < 0)
			return r;
		if (*kbs->urls[i].address)
			continue;
		host = find_host(kbs, kbs->urls[i].host);
		if (!host)
			return fault_advise(f, EXITCODE_CONFIG, EINVAL,
					    "put Host=NAME ADDRESS into the section [Kbs], with "
					    "this name: nothing is resolved at boot",
					    "%sno Host= gives the address of %s",
					    ini_place_text(&kbs->urls[i].place, buffer),
					    kbs->urls[i].host);
		memcpy(kbs->urls[i].address, host->address, sizeof(host->address));
	}
	return 0;
}

/* A line of cocotab that no source, or not every one that it says, can serve. */
static int check_volume(const struct conf *conf, const struct volume_conf *v, struct fault *f)
{
	const struct ini_place place = { .file = PATH_COCOTAB, .line = v->line };
	const struct kbs_conf *kbs = &conf->kbs;
	bool is_resource = v->secret.kind == REFERENCE_RESOURCE;
	char buffer[INI_PLACE_SIZE];

	(void)ini_place_text(&place, buffer);
	if (!conf_has_source(conf, SOURCE_KBS)) {
		if (!is_resource)
			return 0;
		return fault_advise(f, EXITCODE_CONFIG, EINVAL,
				    "put Sources=kbs into the section [Unlock] of coco-unlock.conf",
				    "%svolume '%s' is opened with a resource of a key broker, "
				    "and Sources= has no kbs",
				    buffer, v->name);
	}
	if (!is_resource && !*kbs->resource)
		return fault_advise(f, EXITCODE_CONFIG, EINVAL,
				    "put Resource=REPOSITORY/TYPE/TAG into the section [Kbs], or "
				    "kbs:///REPOSITORY/TYPE/TAG into the line of cocotab",
				    "%svolume '%s' needs the broker's Resource=, and [Kbs] has none",
				    buffer, v->name);
	if (kbs->format == RESOURCE_SECRET && v->secret.has_guid &&
	    (!is_resource || !conf_has_source(conf, SOURCE_EFI)))
		return fault_advise(f, EXITCODE_CONFIG, EINVAL,
				    "remove the GUID, or set ResourceFormat=table",
				    "%svolume '%s' names an entry of a table, and "
				    "ResourceFormat=secret says that there is none",
				    buffer, v->name);
	return 0;
}

int kbssection_complete(struct conf *conf, struct fault *f)
{
	bool has_kbs = conf_has_source(conf, SOURCE_KBS);
	char buffer[INI_PLACE_SIZE];
	size_t i;
	int r;

	r = has_kbs ? check_urls(conf, f) : check_unused(conf, f);
	if (r < 0)
		return r;
	if (conf->nr_keep > 0 && !conf_has_source(conf, SOURCE_EFI))
		return fault_advise(f, EXITCODE_CONFIG, EINVAL,
				    "remove KeepSecrets=: a workload can ask the broker itself",
				    "%sKeepSecrets= spares entries of the launch secret, and "
				    "Sources= has no efi",
				    ini_place_text(&conf->keep_place, buffer));
	for (i = 0; i < conf->nr_volumes; i++) {
		r = check_volume(conf, &conf->volumes[i], f);
		if (r < 0)
			return r;
	}
	return 0;
}

/* Returns how many bytes there are, which the caller owns, or -errno. */
static ssize_t read_file(const struct root *root, const char *path, unsigned char **ret_bytes)
{
	_cleanup_free_ unsigned char *bytes = malloc(CONF_CERTIFICATE_MAX + 1);
	_cleanup_close_ int fd = root_open(root, path, O_RDONLY | O_NONBLOCK, 0);
	ssize_t n;

	if (!bytes)
		return -ENOMEM;
	if (fd < 0)
		return fd;
	n = io_read(fd, bytes, CONF_CERTIFICATE_MAX + 1);
	if (n > CONF_CERTIFICATE_MAX)
		return -EFBIG;
	if (n >= 0)
		*ret_bytes = TAKE_PTR(bytes);
	return n;
}

/* How often is it in the text? */
static unsigned int count(const char *text, const char *part)
{
	unsigned int nr = 0;

	while ((text = strstr(text, part))) {
		text += strlen(part);
		nr++;
	}
	return nr;
}

/* Returns what is wrong with a file that should be one certificate in PEM, or NULL. */
static const char *pem_fault(const unsigned char *bytes, size_t len)
{
	_cleanup_free_ char *text = malloc(len + 1);
	const char *begin;

	if (!text)
		return "cannot be looked at: no memory";
	memcpy(text, bytes, len);
	text[len] = '\0';
	if (strstr(text, "PRIVATE KEY-----"))
		return "holds a private key, which does not belong into an image";
	begin = strstr(text, PEM_BEGIN);
	if (strlen(text) != len || !begin || !strstr(begin, PEM_END))
		return "is no certificate in PEM";
	return count(text, PEM_BEGIN) > 1 ? "holds more than one certificate" : NULL;
}

/* The same for DER: one SEQUENCE of the file's length, which takes two bytes. */
static const char *der_fault(const unsigned char *bytes, size_t len)
{
	if (len > 10 && memcmp(bytes, "-----BEGIN", 10) == 0)
		return "is PEM: openssl x509 -outform DER makes DER of it";
	if (len < 256 + 4 || bytes[0] != 0x30 || bytes[1] != 0x82 ||
	    ((size_t)bytes[2] << 8 | bytes[3]) != len - 4)
		return "is no certificate in DER";
	return NULL;
}

static int check_file(const struct root *root, const char *key, const char *path,
		      const struct ini_place *place,
		      const char *(*fault)(const unsigned char *bytes, size_t len), struct fault *f)
{
	_cleanup_free_ unsigned char *bytes = NULL;
	char buffer[INI_PLACE_SIZE];
	const char *what;
	ssize_t n;

	if (!*path)
		return 0;
	(void)ini_place_text(place, buffer);
	n = read_file(root, path, &bytes);
	if (n < 0)
		return fault_errno(f, EXITCODE_CONFIG, (int)n, "%s%s=: %s", buffer, key, path);
	what = fault(bytes, (size_t)n);
	if (what)
		return fault_set(f, EXITCODE_CONFIG, EINVAL, "%s%s=: %s %s", buffer, key, path,
				 what);
	return 0;
}

int kbssection_check_files(const struct root *root, const struct conf *conf, struct fault *f)
{
	const struct kbs_conf *kbs = &conf->kbs;
	int r;

	if (!conf_has_source(conf, SOURCE_KBS))
		return 0;
	r = check_file(root, "BrokerCA", kbs->broker_ca, &kbs->ca_place, pem_fault, f);
	if (r < 0)
		return r;
	return check_file(root, "VCEK", kbs->vcek, &kbs->vcek_place, der_fault, f);
}

void kbssection_warn(const struct conf *conf, const struct warning_sink *sink)
{
	const struct kbs_conf *kbs = &conf->kbs;

	if (conf_has_source(conf, SOURCE_KBS)) {
		if (kbs->nr_pins > 0 && *kbs->broker_ca)
			warning_say(sink, "Pin=",
				    "a broker has to fit Pin= or BrokerCA=, not both; next: "
				    "remove the one that you do not mean");
		return;
	}
	if (kbs->nr_urls > 0)
		warning_say(sink, "[Kbs]", "has no effect: Sources= has no kbs");
}
