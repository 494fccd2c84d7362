/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * cocotab.c - fuzz target: the table of volumes. What is accepted has names that no path and no
 * shell would take for something else, each once, and one root.
 */
#include "fuzz.h"

#include "conf/cocotab.h"

static void check_device(const struct device_spec *d)
{
	size_t len = strnlen(d->value, sizeof(d->value));

	FUZZ_MUST(len < sizeof(d->value));
	FUZZ_MUST((d->kind == DEVICE_KIND_AUTO) == (len == 0));
	if (d->kind == DEVICE_KIND_LABEL)
		FUZZ_MUST(len <= 47 && d->value[len - 1] != ' ');
	if (d->kind == DEVICE_KIND_PATH)
		FUZZ_MUST(strncmp(d->value, "/dev/", 5) == 0 && !strstr(d->value, "/../"));
}

static void check_volume(const struct conf *conf, size_t i)
{
	const struct volume_conf *v = &conf->volumes[i];
	char guid[GUID_TEXT_SIZE];
	size_t k;

	FUZZ_MUST(strnlen(v->name, sizeof(v->name)) < sizeof(v->name) && v->name[0] != '\0');
	FUZZ_MUST(!strpbrk(v->name, "/ \t\\\"'$`*?") && v->name[0] != '.' && v->name[0] != '-');
	FUZZ_MUST(strcmp(v->name, "control") != 0); /* the device mapper's own */
	for (k = 0; k < i; k++)
		FUZZ_MUST(strcmp(v->name, conf->volumes[k].name) != 0);
	check_device(&v->device);
	FUZZ_MUST(v->device.kind != DEVICE_KIND_AUTO || conf->nr_volumes == 1);
	FUZZ_MUST(guid_from_text(v->secret.guid, guid) == 0 && strcmp(guid, v->secret.guid) == 0);
	FUZZ_MUST(!(v->options & VOLUME_OPTION_ALLOW_DISCARDS) ||
		  !(v->options & VOLUME_OPTION_INTEGRITY_HMAC_SHA256));
	FUZZ_MUST(v->metadata_size >= CONF_METADATA_SIZE && v->metadata_size <= 4 * 1024 * 1024 &&
		  (v->metadata_size & (v->metadata_size - 1)) == 0);
	FUZZ_MUST(v->tokens.nr <= CONF_TOKENS_MAX);
	for (k = 0; k < v->tokens.nr; k++)
		FUZZ_MUST(v->tokens.names[k][0] != '\0' &&
			  memchr(v->tokens.names[k], '\0', CONF_NAME_SIZE));
}

static void check(const struct conf *conf)
{
	size_t i, roots = 0;

	FUZZ_MUST(conf->nr_volumes >= 1 && conf->nr_volumes <= CONF_VOLUMES_MAX);
	FUZZ_MUST(conf->root_volume < conf->nr_volumes);
	for (i = 0; i < conf->nr_volumes; i++) {
		bool root = conf->volumes[i].options & VOLUME_OPTION_ROOT;

		check_volume(conf, i);
		roots += root;
		FUZZ_MUST(!root || conf->root_volume == i);
	}
	FUZZ_MUST(roots <= 1);
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
	r = cocotab_parse(&conf, text, "cocotab", &f);
	FUZZ_MUST(r == 0 || (r == -EINVAL && f.code == EXITCODE_CONFIG && f.why[0]));
	if (r == 0) {
		fuzz_accepted++;
		check(&conf);
	}
	free(text);
	return 0;
}
