/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * kbssection.c - the section [Kbs] and Sources=: what each key takes, what goes with what, and
 * which line is to blame.
 */
#include "conf/kbssection.h"

#include "base/paths.h"
#include "fixture.h"

#define GUID "11111111-2222-3333-4444-555555555555"
#define PIN_BASE64 "47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=" /* SHA-256 of nothing */
#define PIN_HEX "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
#define CONF_TEXT \
	"[Unlock]\nSources=kbs\n[Kbs]\nUrl=https://192.0.2.1\nPin=" PIN_HEX "\nResource=a/b/c\n"
#define A_63 "aaaaaaaaaabbbbbbbbbbccccccccccddddddddddeeeeeeeeeeffffffffff123"

static struct conf conf;
static struct fault f;
static struct fixture fx;

/* One line of [Kbs], over the defaults. */
static int line(const char *text)
{
	char copy[4096];

	(void)snprintf(copy, sizeof(copy), "[Kbs]\n%s\n", text);
	conf_defaults(&conf);
	f = (struct fault){ 0 };
	return conf_parse_ini(&conf, copy, "FILE", &f);
}

static void test_url(void)
{
	static const struct {
		const char *url, *host, *address, *prefix;
		unsigned int port;
	} good[] = {
		{ "https://192.0.2.1", "192.0.2.1", "192.0.2.1", "", 443 },
		{ "https://192.0.2.1/", "192.0.2.1", "192.0.2.1", "", 443 },
		{ "https://192.0.2.1:8080", "192.0.2.1", "192.0.2.1", "", 8080 },
		{ "https://192.0.2.1:00443/a", "192.0.2.1", "192.0.2.1", "/a", 443 },
		{ "https://[2001:DB8::1]", "2001:db8::1", "2001:db8::1", "", 443 },
		{ "https://[2001:db8:0:0::1]:65535/x/", "2001:db8::1", "2001:db8::1", "/x", 65535 },
		{ "https://[::1]:1/a/b-_.~C", "::1", "::1", "/a/b-_.~C", 1 },
		{ "https://Broker.Lan.org/kbs/", "broker.lan.org", "", "/kbs", 443 },
		{ "https://broker", "broker", "", "", 443 },
		{ "https://1.0.0.0", "1.0.0.0", "1.0.0.0", "", 443 },
		{ "https://223.255.255.255", "223.255.255.255", "223.255.255.255", "", 443 },
		{ "https://169.254.1.1", "169.254.1.1", "169.254.1.1", "", 443 },
		{ "https://[fdff::1]", "fdff::1", "fdff::1", "", 443 },
		{ "https://3com.lan:8443/..a/b", "3com.lan", "", "/..a/b", 8443 },
		{ "https://" A_63 ".x", A_63 ".x", "", "", 443 },
	};
	static const char *const bad[] = {
		"http://192.0.2.1",
		"HTTPS://192.0.2.1",
		"192.0.2.1",
		"https:",
		"https://",
		"https:///a",
		"https://:443",
		"https://:443/a",
		"https://192.0.2.1:",
		"https://192.0.2.1:0",
		"https://192.0.2.1:65536",
		"https://192.0.2.1:123456",
		"https://192.0.2.1:x",
		"https://192.0.2.1:-1",
		"https://192.0.2.1:1:2",
		"https://user@192.0.2.1",
		"https://user:pw@192.0.2.1",
		"https://192.0.2.1?a",
		"https://192.0.2.1/?a=b",
		"https://192.0.2.1/a#b",
		"https://192.0.2.1#b",
		"https://192.0.2.1//",
		"https://192.0.2.1/a//b",
		"https://192.0.2.1/a//",
		"https://192.0.2.1/./a",
		"https://192.0.2.1/../a",
		"https://192.0.2.1/a/..",
		"https://192.0.2.1/a/../",
		"https://192.0.2.1/a/.",
		"https://192.0.2.1/%61",
		"https://192.0.2.1/a;b",
		"https://192.0.2.1/a\\b",
		"https://192.0.2.256",
		"https://192.0.2",
		"https://192.0.2.1.",
		"https://127.1",
		"https://2130706433",
		"https://0x7f.1",
		"https://::1",
		"https://[::1",
		"https://::1]",
		"https://[::1]a",
		"https://[192.0.2.1]",
		"https://[]",
		"https://[",
		"https://[broker]",
		"https://[fe80::1]",
		"https://[fe80::1%eth0]",
		"https://[fe80::1%25eth0]",
		"https://0.0.0.0",
		"https://0.0.0.1",
		"https://0.255.255.255:8080/a",
		"https://224.0.0.1",
		"https://239.255.255.255",
		"https://255.255.255.255",
		"https://[::]",
		"https://[0:0::0]:443",
		"https://[ff02::1]",
		"https://[ff0e::1]",
		"https://[::ffff:192.0.2.1]",
		"https://[::ffff:0.0.0.0]",
		"https://[::ffff:c000:201]",
		"https://a..b",
		"https://.a",
		"https://a.",
		"https://-a",
		"https://a-",
		"https://a.-b",
		"https://a-.b",
		"https://a_b",
		"https://b\xc3\xbc.lan",
		"https://" A_63 "4.x",
		"https://x/" A_63 A_63 A_63 A_63,
		"kbs:///a/b/c",
		"ftp://192.0.2.1",
	};
	char text[512];
	size_t i;

	for (i = 0; i < ARRAY_SIZE(good); i++) {
		const struct broker_url *url = &conf.kbs.urls[0];

		(void)snprintf(text, sizeof(text), "Url=%s", good[i].url);
		ok(line(text) == 0 && conf.kbs.nr_urls == 1 &&
			   strcmp(url->text, good[i].url) == 0 &&
			   strcmp(url->host, good[i].host) == 0 &&
			   strcmp(url->address, good[i].address) == 0 &&
			   strcmp(url->prefix, good[i].prefix) == 0 && url->port == good[i].port &&
			   url->place.line == 2,
		   "%s is %s (%s) %u %s", good[i].url, url->host, url->address, url->port,
		   url->prefix);
	}
	for (i = 0; i < ARRAY_SIZE(bad); i++) {
		(void)snprintf(text, sizeof(text), "Url=%s", bad[i]);
		ok(line(text) == -EINVAL && f.code == EXITCODE_CONFIG && conf.kbs.nr_urls == 0 &&
			   strncmp(f.why, "FILE:2: Url= takes URLs such as https://HOST", 44) == 0,
		   "refused: %s", bad[i]);
	}
	ok(line("Url=https://a https://b\nUrl=https://c\n\nUrl=https://d") == 0 &&
		   conf.kbs.nr_urls == 4 && strcmp(conf.kbs.urls[3].host, "d") == 0 &&
		   conf.kbs.urls[1].place.line == 2 && conf.kbs.urls[3].place.line == 5,
	   "four of them, in several lines");
	ok(line("Url=https://a https://b https://c https://d https://e") == -EINVAL, "not five");
	ok(line("Url=https://a\nUrl=\nUrl=https://b") == 0 && conf.kbs.nr_urls == 1 &&
		   strcmp(conf.kbs.urls[0].host, "b") == 0,
	   "an empty value empties the list");
}

static void test_pin(void)
{
	static const char *const bad[] = {
		"x",
		"47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU",
		"47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFV=",
		"47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFUA",
		"47DEQpj8HBSa-_TImW-5JCeuQeRkm5NMpJWZG3hSuFU=",
		"47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuF==",
		"47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU==",
		"=7DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=",
		"sha256//47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=",
		"E3B0C44298FC1C149AFBF4C8996FB92427AE41E4649B934CA495991B7852B855",
		"e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b85",
		"e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b8555",
		"E3:B0:C4:42:98:FC:1C:14:9A:FB:F4:C8:99:6F:B9:24:27:AE:41:E4:64:9B:93:4C:A4:95:99:1B:78:52:"
		"B8:55",
	};
	char text[512];
	size_t i;

	ok(line("Pin=" PIN_BASE64 "\nPin=" PIN_HEX) == 0 && conf.kbs.nr_pins == 2 &&
		   digest_equal(&conf.kbs.pins[0], &conf.kbs.pins[1]) &&
		   conf.kbs.pins[0].octets[0] == 0xe3 && conf.kbs.pins[0].octets[31] == 0x55,
	   "a digest in base64 and in hexadecimal digits is the same");
	for (i = 0; i < ARRAY_SIZE(bad); i++) {
		(void)snprintf(text, sizeof(text), "Pin=%s", bad[i]);
		ok(line(text) == -EINVAL && conf.kbs.nr_pins == 0, "refused: %s", bad[i]);
	}
	ok(line("Pin=" PIN_HEX " " PIN_HEX " " PIN_HEX " " PIN_HEX) == 0, "four of them");
	ok(line("Pin=" PIN_HEX " " PIN_HEX " " PIN_HEX " " PIN_HEX " " PIN_HEX) == -EINVAL,
	   "not five");
	ok(line("Pin=" PIN_HEX "\nPin=") == 0 && conf.kbs.nr_pins == 0, "or none again");
}

static void test_host(void)
{
	static const char *const bad[] = { "a",
					   "a b",
					   "a 192.0.2.1 192.0.2.2",
					   "a 192.0.2.1 b",
					   "192.0.2.1 a",
					   "192.0.2.1 192.0.2.2",
					   "a. 192.0.2.1",
					   "a_b 192.0.2.1",
					   "a [::1]",
					   "a fe80::1",
					   "a fe80::1%eth0",
					   "a 0.0.0.0",
					   "a 255.255.255.255",
					   "a 224.0.0.1",
					   "a ::",
					   "a ff02::1",
					   "a ::ffff:192.0.2.1",
					   "a 192.0.2.01x",
					   "a 192.0.2.1:443",
					   "https://a 192.0.2.1" };
	char text[512];
	size_t i;

	ok(line("Host=A.Lan  2001:DB8:0::5\nHost=b 192.0.2.7") == 0 && conf.kbs.nr_hosts == 2 &&
		   strcmp(conf.kbs.hosts[0].name, "a.lan") == 0 &&
		   strcmp(conf.kbs.hosts[0].address, "2001:db8::5") == 0 &&
		   strcmp(conf.kbs.hosts[1].address, "192.0.2.7") == 0,
	   "a table of names");
	for (i = 0; i < ARRAY_SIZE(bad); i++) {
		(void)snprintf(text, sizeof(text), "Host=%s", bad[i]);
		ok(line(text) == -EINVAL, "refused: Host=%s", bad[i]);
	}
	ok(line("Host=a 192.0.2.1\nHost=A 192.0.2.2") == -EINVAL, "a name has one address");
	ok(line("Host=a 192.0.2.1\nHost=\nHost=a 192.0.2.2") == 0 && conf.kbs.nr_hosts == 1,
	   "an empty value empties it");
	*text = '\0';
	for (i = 0; i <= CONF_HOSTS_MAX; i++) {
		ok(line(text) == 0 && conf.kbs.nr_hosts == i, "%zu names", i);
		text_append(text, sizeof(text), "Host=a%zu 192.0.2.1\n", i);
	}
	is_int(line(text), -EINVAL, "no more");
}

static void test_rest(void)
{
	static const struct {
		const char *text;
		bool good;
	} cases[] = {
		{ "Resource=a/b/c", true },
		{ "Resource=kbs:///a/b/c", true },
		{ "Resource=", true },
		{ "Resource=a/b", false },
		{ "Resource=a/b/c#" GUID, false },
		{ "ResourceFormat=table", true },
		{ "ResourceFormat=secret", true },
		{ "ResourceFormat=", false },
		{ "ResourceFormat=Table", false },
		{ "EventLog=auto", true },
		{ "EventLog=no", true },
		{ "EventLog=yes", false },
		{ "KeepNetwork=yes", true },
		{ "KeepNetwork=true", false },
		{ "Nics=virtio_net ena", true },
		{ "Nics=hv-netvsc", true },
		{ "Nics=", true },
		{ "Nics=a/b", false },
		{ "Nics=a b c d e f g h i", false },
		{ "BrokerCA=/etc/x.pem", true },
		{ "BrokerCA=", true },
		{ "BrokerCA=x.pem", false },
		{ "BrokerCA=/etc/../x.pem", false },
		{ "VCEK=/etc/x.der", true },
		{ "VCEK=/", false },
		{ "Vcek=/etc/x.der", false },
	};
	size_t i;

	for (i = 0; i < ARRAY_SIZE(cases); i++)
		is_int(line(cases[i].text), cases[i].good ? 0 : -EINVAL, "%s", cases[i].text);
	(void)line("");
	ok(conf.kbs.event_log && !conf.kbs.keep_network && conf.kbs.format == RESOURCE_TABLE &&
		   conf.kbs.nics.nr == 0 && !*conf.kbs.resource,
	   "the defaults");
	(void)line(
		"EventLog=no\nKeepNetwork=yes\nResourceFormat=secret\nNics=a b\nResource=kbs:///a/b/c");
	ok(!conf.kbs.event_log && conf.kbs.keep_network && conf.kbs.format == RESOURCE_SECRET &&
		   conf.kbs.nics.nr == 2 && strcmp(conf.kbs.resource, "a/b/c") == 0,
	   "and the other values");
}

/* Files of a tree; NULL: no such file. */
static int load(const char *text, const char *cocotab)
{
	fixture_text(&fx, PATH_CONF, text);
	if (cocotab)
		fixture_text(&fx, PATH_COCOTAB, cocotab);
	else if (fixture_has(&fx, PATH_COCOTAB))
		fixture_unlink(&fx, PATH_COCOTAB);
	f = (struct fault){ 0 };
	return conf_load(&fx.root, &conf, &f);
}

static void refused(const char *text, const char *cocotab, const char *why)
{
	int r = load(text, cocotab);

	ok(r == -EINVAL && f.code == EXITCODE_CONFIG && conf.nr_sources == 1 &&
		   conf.sources[0] == SOURCE_EFI && conf.kbs.nr_urls == 0,
	   "refused, and the defaults hold");
	is_str(f.why, why, "... the reason");
}

#define AT PATH_CONF ":"
#define TAB PATH_COCOTAB ":"

static void test_sources(void)
{
	static const char *const bad[] = { "", "tpm", "kbs kbs", "efi,kbs", "EFI", "efi kbs efi" };
	char text[256];
	size_t i;

	is_int(load("", NULL), 0, "no file of settings");
	ok(conf.nr_sources == 1 && conf_has_source(&conf, SOURCE_EFI) &&
		   !conf_has_source(&conf, SOURCE_KBS) && conf.timeout_ms == 90000,
	   "the default: efi alone, 90 s");
	is_int(load(CONF_TEXT, NULL), 0, "kbs alone");
	ok(conf.nr_sources == 1 && conf.sources[0] == SOURCE_KBS && conf.timeout_ms == 300000,
	   "... has 5 min");
	is_int(load(CONF_TEXT "[Unlock]\nSources=efi kbs\nTimeout=90s\n", NULL), 0, "both");
	ok(conf.nr_sources == 2 && conf.sources[0] == SOURCE_EFI && conf.sources[1] == SOURCE_KBS &&
		   conf.timeout_ms == 90000,
	   "... in their order, and a Timeout= counts, were it the default of efi");
	is_str(conf_source_name(conf.sources[0]), "efi", "the name of one");
	is_str(conf_source_name(conf.sources[1]), "kbs", "and of the other");
	for (i = 0; i < ARRAY_SIZE(bad); i++) {
		(void)snprintf(text, sizeof(text), "[Unlock]\nSources=%s\n", bad[i]);
		refused(text, NULL, AT "2: Sources= takes efi, kbs or both");
	}
}

static void test_complete(void)
{
	static const struct {
		const char *urls, *url, *first;
		unsigned int line;
	} twice[] = {
		{ "https://192.0.2.1", "https://192.0.2.1", "https://192.0.2.1", 4 },
		{ "https://192.0.2.1:443/", "https://192.0.2.1:443/", "https://192.0.2.1", 4 },
		{ "https://A.lan/x https://a.lan:443/x/", "https://a.lan:443/x/", "https://A.lan/x",
		  9 },
		{ "https://[2001:DB8::1]:1 https://192.0.2.3 https://[2001:db8:0::1]:01",
		  "https://[2001:db8:0::1]:01", "https://[2001:DB8::1]:1", 9 },
	};
	char text[1024], why[512];
	size_t i;

	refused("[Unlock]\nSources=kbs\n", NULL, AT "2: Sources= has kbs, and [Kbs] has no Url=");
	refused("[Unlock]\nSources=efi kbs\n[Kbs]\n\nUrl=https://192.0.2.1\n", NULL,
		AT "5: nothing says how the broker is known again: neither Pin= nor BrokerCA=");
	refused(CONF_TEXT "Url=https://192.0.2.2\nUrl=https://a https://B.lan\nHost=a 192.0.2.1\n",
		NULL, AT "8: no Host= gives the address of b.lan");
	is_int(load(CONF_TEXT "Host=b.Lan 2001:db8::1\nUrl=https://B.lan\n", NULL), 0,
	       "a name with an address");
	ok(strcmp(conf.kbs.urls[1].host, "b.lan") == 0 &&
		   strcmp(conf.kbs.urls[1].address, "2001:db8::1") == 0,
	   "... is known by its name, and found by its address");
	for (i = 0; i < ARRAY_SIZE(twice); i++) {
		(void)snprintf(text, sizeof(text), CONF_TEXT "Host=a.lan 192.0.2.2\n\nUrl=%s\n",
			       twice[i].urls);
		(void)snprintf(why, sizeof(why), AT "9: %s is listed twice, first as %s (" AT "%u)",
			       twice[i].url, twice[i].first, twice[i].line);
		refused(text, NULL, why);
	}
	is_int(load(CONF_TEXT "Url=https://192.0.2.1:444 https://192.0.2.1/a https://b.lan\n"
			      "Host=b.lan 192.0.2.1\n",
		    NULL),
	       0, "another port, prefix or name is another one");
	is_int(load(CONF_TEXT "Url=\nUrl=https://192.0.2.1\n", NULL), 0,
	       "what was emptied does not count");
	refused("[Kbs]\nUrl=https://192.0.2.1\n", NULL,
		AT "2: the section [Kbs], but no Sources= that says kbs");
	refused("[Kbs]\nKeepNetwork=no\n", NULL,
		AT "2: the section [Kbs], but no Sources= that says kbs");
	is_int(load(CONF_TEXT "[Unlock]\nSources=efi\n", NULL), 0,
	       "whoever says efi may leave [Kbs] as it is");
	refused(CONF_TEXT "[Unlock]\nKeepSecrets=" GUID "\n", NULL,
		AT "8: KeepSecrets= spares entries of the launch secret, and Sources= has no efi");
	is_int(load(CONF_TEXT "[Unlock]\nKeepSecrets=" GUID "\nSources=kbs efi\n", NULL), 0,
	       "with efi besides there is something to keep");
	is_int(load(CONF_TEXT "[Unlock]\nKeepSecrets=" GUID "\nKeepSecrets=\n", NULL), 0,
	       "and nothing is nothing");
}

static void test_cocotab(void)
{
	refused("", "# x\nroot auto kbs:///a/b/c\n",
		TAB
		"2: volume 'root' is opened with a resource of a key broker, and Sources= has no "
		"kbs");
	refused("[Unlock]\nSources=efi\n", "root auto kbs:///a/b/c#" GUID "\n",
		TAB
		"1: volume 'root' is opened with a resource of a key broker, and Sources= has no "
		"kbs");
	refused(CONF_TEXT "Resource=\n", "a /dev/a kbs:///a/b/c\nb /dev/b -\n",
		TAB "2: volume 'b' needs the broker's Resource=, and [Kbs] has none");
	refused(CONF_TEXT "Resource=\n", "a /dev/a " GUID "\n",
		TAB "1: volume 'a' needs the broker's Resource=, and [Kbs] has none");
	refused(CONF_TEXT "Resource=\n", NULL,
		"volume 'root' needs the broker's Resource=, and [Kbs] has none");
	is_int(load(CONF_TEXT "Resource=\n", "a /dev/a kbs:///a/b/c\nb /dev/b kbs:///a/b/d#" GUID),
	       0, "no line needs Resource=");
	refused(CONF_TEXT "ResourceFormat=secret\n", "a /dev/a -\nb /dev/b " GUID "\n",
		TAB "2: volume 'b' names an entry of a table, and ResourceFormat=secret says that "
		    "there is none");
	refused(CONF_TEXT "ResourceFormat=secret\n[Unlock]\nSources=kbs efi\n",
		"a /dev/a " GUID_DISK_SECRET "\n",
		TAB "1: volume 'a' names an entry of a table, and ResourceFormat=secret says that "
		    "there is none");
	refused(CONF_TEXT "ResourceFormat=secret\n", "a /dev/a kbs:///a/b/c#" GUID "\n",
		TAB "1: volume 'a' names an entry of a table, and ResourceFormat=secret says that "
		    "there is none");
	is_int(load(CONF_TEXT "ResourceFormat=secret\n[Unlock]\nSources=efi kbs\n",
		    "a /dev/a kbs:///a/b/c#" GUID "\nb /dev/b -\nc /dev/c kbs:///a/b/d"),
	       0, "where efi is used, the GUID is that of its entry");
	is_int(load(CONF_TEXT, "a /dev/a kbs:///a/b/c#" GUID "\nb /dev/b -\nc /dev/c " GUID), 0,
	       "entries of tables");
}

static unsigned int warnings;

static void take(void *arg, const char *what, const char *text)
{
	(void)arg;
	(void)what;
	(void)text;
	warnings++;
}

static unsigned int warned(void)
{
	const struct warning_sink sink = { .take = take };

	warnings = 0;
	kbssection_warn(&conf, &sink);
	return warnings;
}

static void test_warn(void)
{
	FIXTURE_MUST(load(CONF_TEXT, NULL) == 0);
	is_int(warned(), 0, "no warning");
	FIXTURE_MUST(load(CONF_TEXT "BrokerCA=/etc/ca.pem\n", NULL) == 0);
	is_int(warned(), 1, "both a pin and a CA");
	FIXTURE_MUST(load(CONF_TEXT "[Unlock]\nSources=efi\n", NULL) == 0);
	is_int(warned(), 1, "[Kbs] without effect");
	FIXTURE_MUST(load("[Unlock]\nSources=efi\n", NULL) == 0);
	is_int(warned(), 0, "nothing of it");
}

#define BEGIN "-----BEGIN CERTIFICATE-----\n"
#define END "-----END CERTIFICATE-----\n"

/* The file's last line is 7 of PATH_CONF. */
static void checked(const char *key, const char *path, const void *data, size_t len,
		    const char *what)
{
	char text[1024], why[512];
	int r;

	(void)snprintf(text, sizeof(text), CONF_TEXT "%s=%s\n", key, path);
	FIXTURE_MUST(load(text, NULL) == 0);
	if (data)
		fixture_put(&fx, path, data, len);
	r = kbssection_check_files(&fx.root, &conf, &f);
	if (!what) {
		is_int(r, 0, "%s=: a good one", key);
		return;
	}
	(void)snprintf(why, sizeof(why), AT "7: %s=: %s%s", key, path, what);
	ok(r < 0 && f.code == EXITCODE_CONFIG, "%s=: %s", key, what);
	is_str(f.why, why, "... the reason");
}

static void checked_text(const char *text, const char *what)
{
	checked("BrokerCA", "/etc/x", text, strlen(text), what);
}

static void test_files(void)
{
	unsigned char der[CONF_CERTIFICATE_MAX + 1] = { 0x30, 0x82, 1296 >> 8, 1296 & 255 };

	checked("BrokerCA", "/etc/none.pem", NULL, 0, ": No such file or directory");
	fixture_mkdir(&fx, "/etc/dir");
	checked("BrokerCA", "/etc/dir", NULL, 0, ": Is a directory");
	checked_text("of the owner\n" BEGIN "MIIB\n" END, NULL);
	checked_text("", " is no certificate in PEM");
	checked_text(BEGIN "MIIB\n", " is no certificate in PEM");
	checked_text(END BEGIN, " is no certificate in PEM");
	checked_text("-----BEGIN PUBLIC KEY-----\n-----END PUBLIC KEY-----\n",
		     " is no certificate in PEM");
	checked_text(BEGIN END BEGIN END, " holds more than one certificate");
	checked_text(BEGIN END "-----BEGIN EC PRIVATE KEY-----\n",
		     " holds a private key, which does not belong into an image");
	checked("BrokerCA", "/etc/x", BEGIN END "\0", sizeof(BEGIN END),
		" is no certificate in PEM");
	checked("BrokerCA", "/etc/x", der, sizeof(der), ": File too large");
	checked("VCEK", "/etc/y", der, 1300, NULL);
	checked("VCEK", "/etc/y", der, 1299, " is no certificate in DER");
	checked("VCEK", "/etc/y", der, 1301, " is no certificate in DER");
	checked("VCEK", "/etc/y", der, 0, " is no certificate in DER");
	checked("VCEK", "/etc/y", BEGIN END, strlen(BEGIN END),
		" is PEM: openssl x509 -outform DER makes DER of it");
	der[0] = 0x31;
	checked("VCEK", "/etc/y", der, 1300, " is no certificate in DER");
	FIXTURE_MUST(load(CONF_TEXT "[Unlock]\nSources=efi\n[Kbs]\nBrokerCA=/none\n", NULL) == 0);
	is_int(kbssection_check_files(&fx.root, &conf, &f), 0, "without the source none is read");
}

int main(void)
{
	fixture_init(&fx);
	test_url();
	test_pin();
	test_host();
	test_rest();
	test_sources();
	test_complete();
	test_cocotab();
	test_warn();
	test_files();
	fixture_done(&fx);
	return tap_done();
}
