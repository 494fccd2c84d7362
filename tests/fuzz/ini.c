/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * ini.c - fuzz target: coco-unlock.conf. What is accepted lies in the ranges of conf.h; it does not
 * ask for a cipher that is none, allow every word of the command line, or name a broker in a way
 * that others could read differently.
 */
#include "fuzz.h"

#include "conf/kbssection.h"

static void check_names(const struct name_list *list)
{
	size_t i;

	FUZZ_MUST(list->nr >= 1 && list->nr <= CONF_NAMES_MAX);
	for (i = 0; i < list->nr; i++)
		FUZZ_MUST(list->names[i][0] != '\0' &&
			  memchr(list->names[i], '\0', CONF_NAME_SIZE) &&
			  !strpbrk(list->names[i], "/.: ="));
}

static void check_ciphers(const struct name_list *list)
{
	size_t i;

	check_names(list);
	for (i = 0; i < list->nr; i++) {
		const char *name = list->names[i], *iv = strrchr(name, '-');

		FUZZ_MUST(iv && strcmp(iv, "-plain64") == 0 && !strstr(name, "null"));
		FUZZ_MUST(!strstr(name, "-ecb-") && iv != strchr(name, '-'));
	}
}

static void check_words(const struct word_list *list)
{
	size_t i;

	FUZZ_MUST(list->nr <= CONF_WORDS_MAX);
	for (i = 0; i < list->nr; i++)
		FUZZ_MUST(list->words[i][0] != '\0' && strcmp(list->words[i], "*") != 0 &&
			  memchr(list->words[i], '\0', CONF_WORD_SIZE));
}

/* What of a URL goes on the wire, into the kernel and into a certificate's check. */
static void check_url(const struct broker_url *url)
{
	size_t len = strnlen(url->prefix, sizeof(url->prefix));

	FUZZ_MUST(memchr(url->text, '\0', sizeof(url->text)));
	FUZZ_MUST(memchr(url->host, '\0', sizeof(url->host)) && url->host[0] != '\0');
	FUZZ_MUST(!strpbrk(url->host, "@/?#[]%\\ _ABCDEFGHIJKLMNOPQRSTUVWXYZ"));
	FUZZ_MUST(!strchr(url->host, ':') || strcmp(url->host, url->address) == 0);
	FUZZ_MUST(memchr(url->address, '\0', sizeof(url->address)));
	FUZZ_MUST(url->port >= 1 && url->port <= 65535 && url->place.line > 0);
	FUZZ_MUST(len < sizeof(url->prefix) && !strpbrk(url->prefix, "@?#%\\: \r\n"));
	FUZZ_MUST(len == 0 || (len > 1 && url->prefix[0] == '/' && url->prefix[len - 1] != '/'));
	FUZZ_MUST(!strstr(url->prefix, "//") && !strstr(url->prefix, "/../"));
}

static void check_kbs(struct conf *conf)
{
	struct kbs_conf *kbs = &conf->kbs;
	struct fault f = { 0 };
	struct reference ref;
	char word[REFERENCE_TEXT_SIZE];
	size_t i;
	int r;

	FUZZ_MUST(conf->nr_sources >= 1 && conf->nr_sources <= 2);
	FUZZ_MUST(conf->nr_sources == 1 || conf->sources[0] != conf->sources[1]);
	FUZZ_MUST(kbs->nr_urls <= CONF_URLS_MAX && kbs->nr_pins <= CONF_PINS_MAX);
	FUZZ_MUST(kbs->nr_hosts <= CONF_HOSTS_MAX && kbs->nics.nr <= CONF_NAMES_MAX);
	for (i = 0; i < kbs->nr_urls; i++)
		check_url(&kbs->urls[i]);
	for (i = 0; i < kbs->nics.nr; i++)
		FUZZ_MUST(kbs->nics.names[i][0] != '\0' && !strchr(kbs->nics.names[i], '/'));
	FUZZ_MUST(!*kbs->broker_ca || kbs->broker_ca[0] == '/');
	(void)snprintf(word, sizeof(word), "kbs:///%s", kbs->resource);
	FUZZ_MUST(!*kbs->resource || reference_parse(word, &ref) == 0);
	r = kbssection_complete(conf, &f);
	FUZZ_MUST(r == 0 || (r == -EINVAL && f.code == EXITCODE_CONFIG && f.why[0]));
	for (i = 0; i < kbs->nr_urls && r == 0 && conf_has_source(conf, SOURCE_KBS); i++)
		FUZZ_MUST(kbs->urls[i].address[0] != '\0' &&
			  (kbs->nr_pins > 0 || kbs->broker_ca[0]));
}

static void check(struct conf *conf)
{
	char guid[GUID_TEXT_SIZE];
	size_t i;

	FUZZ_MUST(conf->timeout_ms >= 1000 && conf->timeout_ms <= CONF_TIMEOUT_MS_MAX);
	FUZZ_MUST(conf->root_timeout_ms >= 10000 && conf->root_timeout_ms <= CONF_TIMEOUT_MS_MAX);
	FUZZ_MUST(conf->failure_action < _FAILURE_ACTION_MAX);
	FUZZ_MUST(conf->nr_keep <= CONF_KEEP_MAX);
	for (i = 0; i < conf->nr_keep; i++)
		FUZZ_MUST(guid_from_text(conf->keep[i], guid) == 0 &&
			  strcmp(guid, conf->keep[i]) == 0 && conf_keeps(conf, guid));
	check_names(&conf->secret_modules);
	check_ciphers(&conf->ciphers);
	check_words(&conf->allow_words);
	FUZZ_MUST(conf->nr_volumes == 1); /* cocotab's business */
	check_kbs(conf);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *text = fuzz_text(data, size);
	struct fault f = { 0 };
	struct conf conf;
	int r;

	if (!text)
		return 0;
	conf_defaults(&conf);
	r = conf_parse_ini(&conf, text, "coco-unlock.conf", &f);
	FUZZ_MUST(r == 0 || (r == -EINVAL && f.code == EXITCODE_CONFIG && f.why[0]));
	if (r == 0) {
		fuzz_accepted++;
		check(&conf);
	}
	free(text);
	return 0;
}
