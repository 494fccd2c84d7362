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

/* A resource has three parts, none of which a server could take for a step back. */
static void check_secret(const struct reference *ref)
{
	char guid[GUID_TEXT_SIZE], text[REFERENCE_TEXT_SIZE];
	const char *p = ref->resource;
	struct reference again;
	unsigned int slashes = 0;

	FUZZ_MUST(guid_from_text(ref->guid, guid) == 0 && strcmp(guid, ref->guid) == 0);
	FUZZ_MUST(memchr(ref->resource, '\0', sizeof(ref->resource)));
	FUZZ_MUST((ref->kind == REFERENCE_RESOURCE) == (*p != '\0'));
	FUZZ_MUST(ref->has_guid || strcmp(ref->guid, GUID_DISK_SECRET) == 0);
	FUZZ_MUST(*p != '.' && *p != '/' && !strstr(p, "//") && !strstr(p, "/.") &&
		  !strpbrk(p, "#?%\\: "));
	for (; *p != '\0'; p++)
		slashes += *p == '/';
	FUZZ_MUST(slashes == (ref->kind == REFERENCE_RESOURCE ? 2 : 0));
	if (ref->kind == REFERENCE_ENTRY && !ref->has_guid)
		return; /* no column */
	reference_text(ref, text);
	FUZZ_MUST(reference_parse(text, &again) == 0 && again.kind == ref->kind &&
		  again.has_guid == ref->has_guid && strcmp(again.guid, ref->guid) == 0 &&
		  strcmp(again.resource, ref->resource) == 0);
}

static void check_volume(const struct conf *conf, size_t i)
{
	const struct volume_conf *v = &conf->volumes[i];
	size_t k;

	FUZZ_MUST(strnlen(v->name, sizeof(v->name)) < sizeof(v->name) && v->name[0] != '\0');
	FUZZ_MUST(!strpbrk(v->name, "/ \t\\\"'$`*?") && v->name[0] != '.' && v->name[0] != '-');
	FUZZ_MUST(strcmp(v->name, "control") != 0); /* the device mapper's own */
	for (k = 0; k < i; k++)
		FUZZ_MUST(strcmp(v->name, conf->volumes[k].name) != 0);
	check_device(&v->device);
	FUZZ_MUST(v->device.kind != DEVICE_KIND_AUTO || conf->nr_volumes == 1);
	check_secret(&v->secret);
	FUZZ_MUST(v->line > 0);
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
