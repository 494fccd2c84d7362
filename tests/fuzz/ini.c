/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * ini.c - fuzz target: coco-unlock.conf. What is accepted lies in the ranges of conf.h, and neither
 * asks for a cipher that is none nor allows every word of the command line.
 */
#include "fuzz.h"

#include "conf/conf.h"

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

static void check(const struct conf *conf)
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
