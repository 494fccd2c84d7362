/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * kbssection.c - what the keys of [Kbs] mean, and what of them goes with the other keys and with
 * cocotab.
 * Trusts the files to be the owner's, but not to be free of mistakes. Nothing here is ever taken
 * from a disk, from the command line or from the host; no name is looked up anywhere.
 * Formats: RFC 3986 (a small part of it), RFC 7468 section 5, X.690.
 */
#include "conf/kbssection.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <string.h>

#include "base/io.h"
#include "base/paths.h"
#include "conf/value.h"

#define LETTERS "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
#define DIGITS "0123456789"
#define MODULE_CHARS LETTERS DIGITS "_-"
#define NAME_CHARS LETTERS DIGITS "-."
#define PREFIX_CHARS LETTERS DIGITS "-._~/"
#define SCHEME "https://"
#define PORT_HTTPS 443
#define BLANKS " \t"

#define PEM_BEGIN "-----BEGIN CERTIFICATE-----"
#define PEM_END "-----END CERTIFICATE-----"

/* Can one machine have it? Linux connects to itself over 0.0.0.0 and [::]. */
static bool is_of_one(const struct in_addr *v4)
{
	uint32_t address = ntohl(v4->s_addr);

	return address >> 24 != 0 && !IN_MULTICAST(address) && address != INADDR_BROADCAST;
}

/* An IPv6 address of a link needs a name of the link, which nobody knows before it is there; one
 * that stands for an IPv4 address would be a second way to write that. */
static bool is_of_one6(const struct in6_addr *v6)
{
	return !IN6_IS_ADDR_UNSPECIFIED(v6) && !IN6_IS_ADDR_MULTICAST(v6) &&
	       !IN6_IS_ADDR_LINKLOCAL(v6) && !IN6_IS_ADDR_V4MAPPED(v6);
}

/* An IP literal, as inet_ntop(3) writes it. */
static int parse_address(const char *text, char ret_address[static CONF_ADDRESS_SIZE])
{
	struct in_addr v4;
	struct in6_addr v6;

	if (inet_pton(AF_INET, text, &v4) == 1) {
		if (!is_of_one(&v4))
			return -EINVAL;
		return inet_ntop(AF_INET, &v4, ret_address, CONF_ADDRESS_SIZE) ? 0 : -EINVAL;
	}
	if (inet_pton(AF_INET6, text, &v6) != 1 || !is_of_one6(&v6))
		return -EINVAL;
	return inet_ntop(AF_INET6, &v6, ret_address, CONF_ADDRESS_SIZE) ? 0 : -EINVAL;
}

/* A name of DNS. One whose last label is a number would be a mistaken address. */
static int parse_name(const char *text, char ret_name[static CONF_HOST_SIZE])
{
	const char *last = strrchr(text, '.');
	size_t len = strlen(text), i, label = 0;

	last = last ? last + 1 : text;
	if (len == 0 || len > 253 || text[strspn(text, NAME_CHARS)] != '\0' ||
	    last[strspn(last, DIGITS)] == '\0')
		return -EINVAL;
	for (i = 0; i <= len; i++) {
		if (text[i] != '.' && text[i] != '\0') {
			label++;
			continue;
		}
		if (label == 0 || label > 63 || text[i - label] == '-' || text[i - 1] == '-')
			return -EINVAL;
		label = 0;
	}
	for (i = 0; i <= len; i++)
		ret_name[i] =
			text[i] >= 'A' && text[i] <= 'Z' ? (char)(text[i] - 'A' + 'a') : text[i];
	return 0;
}

/* [ADDRESS] is of IPv6, without brackets it is a name or of IPv4. `text` is changed in place. */
static int parse_host(char *text, struct broker_url *url)
{
	size_t len = strlen(text);

	if (*text == '[') {
		if (text[len - 1] != ']')
			return -EINVAL;
		text[len - 1] = '\0';
		text++;
		if (!strchr(text, ':'))
			return -EINVAL;
	} else if (strchr(text, ':')) {
		return -EINVAL;
	}
	if (parse_address(text, url->address) < 0)
		return parse_name(text, url->host);
	memcpy(url->host, url->address, sizeof(url->address));
	return 0;
}

/* What stands behind the host, "/a/b" or "/a/b/"; no segment that a server might take away. */
static int parse_prefix(const char *text, char ret_prefix[static CONF_URL_SIZE])
{
	size_t len = strlen(text);
	char path[CONF_URL_SIZE + 1];

	if (len > 0 && text[len - 1] == '/')
		len--;
	(void)snprintf(path, sizeof(path), "%.*s/", (int)len, text); /* fits: text is of a URL */
	if (path[strspn(path, PREFIX_CHARS)] != '\0' || strstr(path, "//") || strstr(path, "/./") ||
	    strstr(path, "/../"))
		return -EINVAL;
	memcpy(ret_prefix, path, len);
	ret_prefix[len] = '\0';
	return 0;
}

/* https://HOST[:PORT][/PREFIX]: a user, a query or a fragment has no character that is allowed. */
static int parse_url(const char *word, struct broker_url *ret_url)
{
	struct broker_url url = { .port = PORT_HTTPS };
	char host[CONF_URL_SIZE], *port;
	const char *rest;
	uint64_t n;

	if (strlen(word) >= CONF_URL_SIZE || strncmp(word, SCHEME, strlen(SCHEME)) != 0)
		return -EINVAL;
	memcpy(url.text, word, strlen(word) + 1);
	rest = word + strlen(SCHEME);
	(void)snprintf(host, sizeof(host), "%.*s", (int)strcspn(rest, "/"), rest); /* fits */
	if (*host == '\0' || parse_prefix(rest + strlen(host), url.prefix) < 0)
		return -EINVAL;
	port = strrchr(host, ':');
	if (port && !strchr(port, ']')) {
		*port++ = '\0';
		if (strlen(port) > 5 || text_u64(port, 65535, &n) < 0 || n == 0 || *host == '\0')
			return -EINVAL;
		url.port = (unsigned int)n;
	}
	if (parse_host(host, &url) < 0)
		return -EINVAL;
	*ret_url = url;
	return 0;
}

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
		if (parse_url(word, &kbs->urls[kbs->nr_urls]) < 0)
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
		if (value_base64(word, pin.octets) < 0 && digest_parse(word, &pin) < 0)
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
	if (!address || text_word(&value, BLANKS) || parse_name(name, host.name) < 0 ||
	    parse_address(address, host.address) < 0 || find_host(kbs, host.name))
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
