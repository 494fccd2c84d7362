/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * report.c - collects stage times and writes status.json.
 * Trusts its callers to have made foreign text printable; never gets a secret to see.
 */
#include "boot/report.h"

#include <json-c/json.h>
#include <string.h>
#include <sys/resource.h>

#include "base/paths.h"

#define PROC_STATUS_MAX 16384
#define STATUS_VERSION 1

static const char *const stage_names[_STAGE_MAX] = {
	[STAGE_PREPARE] = "prepare",
	[STAGE_MODULES] = "modules",
	[STAGE_SECRET_MODULE] = "secret-module",
	[STAGE_EXCHANGE] = "exchange",
	[STAGE_READ] = "read",
	[STAGE_WIPE] = "wipe",
	[STAGE_DEVICE] = "device",
	[STAGE_HEADER] = "header",
	[STAGE_KEYSLOT] = "keyslot",
	[STAGE_MAPPING] = "mapping",
	[STAGE_READ_BACK] = "read-back",
};

void report_init(struct report *ret_report)
{
	size_t i;

	memset(ret_report, 0, sizeof(*ret_report));
	for (i = 0; i < CONF_VOLUMES_MAX; i++)
		ret_report->runs[i] = RUN_NULL;
	ret_report->rescue.keyslot = -1;
}

static uint64_t own_peak_kib(const struct root *root)
{
	_cleanup_free_ char *text = NULL;
	char *p, *word;
	uint64_t kib = 0;

	if (root_read_text(root, PATH_PROC_STATUS, PROC_STATUS_MAX, &text) < 0)
		return 0;
	p = strstr(text, "VmHWM:");
	if (!p)
		return 0;
	p += strlen("VmHWM:");
	word = text_word(&p, " \t\n");
	return word && text_u64(word, UINT64_MAX, &kib) == 0 ? kib : 0;
}

/* The larger of this process and of those it has waited for, in KiB. proc(5): VmHWM is this
 * program's alone; getrusage(2) would count what was there before it was executed. */
static uint64_t peak_memory_kib(const struct root *root)
{
	uint64_t self = own_peak_kib(root);
	struct rusage children = { 0 };

	(void)getrusage(RUSAGE_CHILDREN, &children); /* cannot fail with this argument */
	return (uint64_t)children.ru_maxrss > self ? (uint64_t)children.ru_maxrss : self;
}

static void add_string(struct json_object *obj, const char *key, const char *value)
{
	json_object_object_add(obj, key, json_object_new_string(value));
}

static void add_u64(struct json_object *obj, const char *key, uint64_t value)
{
	json_object_object_add(obj, key, json_object_new_uint64(value));
}

static struct json_object *source_json(const struct source_info *src)
{
	struct json_object *obj = json_object_new_object();

	add_string(obj, "kind", src->kind ? src->kind : "launch-secret");
	add_string(obj, "module", src->module);
	add_string(obj, "path", src->path ? src->path : "");
	add_u64(obj, "found", src->found);
	add_u64(obj, "read", src->read);
	add_u64(obj, "wiped", src->wiped);
	add_u64(obj, "kept", src->kept);
	json_object_object_add(obj, "refetchable", json_object_new_boolean(src->refetchable));
	if (src->tee) {
		add_string(obj, "tee", src->tee);
		add_string(obj, "broker", src->broker);
		add_u64(obj, "attempts", src->attempts);
		add_u64(obj, "route_us", src->route_us);
		add_u64(obj, "answer_us", src->answer_us);
	}
	return obj;
}

static struct json_object *volume_json(const struct volume_conf *conf, const struct run *run)
{
	struct json_object *obj = json_object_new_object();
	char mapping[sizeof(PATH_DM_DIR) + CONF_NAME_SIZE + 1], secret[REFERENCE_TEXT_SIZE];

	reference_text(&conf->secret, secret);
	(void)snprintf(mapping, sizeof(mapping), "%s/%s", PATH_DM_DIR, conf->name); /* fits */
	add_string(obj, "name", conf->name);
	add_string(obj, "device", run->device);
	add_string(obj, "uuid", run->verdict.uuid);
	add_string(obj, "cipher", run->verdict.cipher);
	add_string(obj, "secret", secret);
	add_string(obj, "form", run->keyslot < 0 ? "" : volume_form_name(run->form));
	add_string(obj, "header", run->header);
	json_object_object_add(obj, "keyslot", json_object_new_int(run->keyslot));
	add_string(obj, "mapping", run->mapped ? mapping : "");
	return obj;
}

bool report_stage(const struct report *report, enum stage stage, uint64_t *ret_start_us,
		  uint64_t *ret_us)
{
	uint64_t start_us = report->stages.start_us[stage], us = report->stages.us[stage];
	size_t i;

	for (i = 0; i < CONF_VOLUMES_MAX; i++) {
		const struct stages *s = &report->runs[i].stages;

		if (s->start_us[stage] != 0 && (start_us == 0 || s->start_us[stage] < start_us))
			start_us = s->start_us[stage];
		us += s->us[stage];
	}
	*ret_start_us = start_us;
	*ret_us = us;
	return start_us != 0;
}

const char *report_stage_name(enum stage stage)
{
	return stage_names[stage];
}

static struct json_object *stage_json(const struct report *report, enum stage stage)
{
	struct json_object *obj;
	uint64_t start_us, us;

	if (!report_stage(report, stage, &start_us, &us))
		return NULL;
	obj = json_object_new_object();
	add_string(obj, "name", stage_names[stage]);
	add_u64(obj, "start_us", start_us);
	add_u64(obj, "us", us);
	return obj;
}

static struct json_object *stages_json(const struct report *report)
{
	struct json_object *stages = json_object_new_array(), *stage;
	size_t i;

	for (i = 0; i < _STAGE_MAX; i++) {
		stage = stage_json(report, (enum stage)i);
		if (stage)
			json_object_array_add(stages, stage);
	}
	return stages;
}

static struct json_object *rescue_json(const struct rescue_record *rescue)
{
	struct json_object *obj = json_object_new_object();

	json_object_object_add(obj, "code", json_object_new_int((int)rescue->code));
	add_string(obj, "name", exitcode_name(rescue->code));
	add_u64(obj, "tries", rescue->tries);
	add_u64(obj, "refused", rescue->refused);
	add_string(obj, "console", rescue->console);
	add_string(obj, "action", rescue->action ? rescue->action : "");
	add_string(obj, "volume", rescue->volume);
	add_string(obj, "device", rescue->device);
	json_object_object_add(obj, "keyslot", json_object_new_int(rescue->keyslot));
	return obj;
}

static struct json_object *status_json(const struct root *root, const struct conf *conf,
				       const struct report *report, const struct fault *fault,
				       const char *action)
{
	struct json_object *obj = json_object_new_object(), *volumes = json_object_new_array();
	size_t i;

	json_object_object_add(obj, "version", json_object_new_int(STATUS_VERSION));
	add_string(obj, "result", fault->code == EXITCODE_OK ? "ok" : "failed");
	json_object_object_add(obj, "code", json_object_new_int((int)fault->code));
	add_string(obj, "name", exitcode_name(fault->code));
	add_string(obj, "reason", fault->why);
	add_string(obj, "next", fault_next(fault));
	add_string(obj, "action", action);
	json_object_object_add(obj, "source", source_json(&report->source));
	for (i = 0; i < conf->nr_volumes; i++)
		json_object_array_add(volumes, volume_json(&conf->volumes[i], &report->runs[i]));
	json_object_object_add(obj, "volumes", volumes);
	json_object_object_add(obj, "stages", stages_json(report));
	if (report->rescue.happened)
		json_object_object_add(obj, "rescue", rescue_json(&report->rescue));
	add_u64(obj, "peak_memory_kib", peak_memory_kib(root));
	return obj;
}

int report_write(const struct root *root, const struct conf *conf, const struct report *report,
		 const struct fault *fault, const char *action)
{
	struct json_object *obj = status_json(root, conf, report, fault, action);
	const char *text =
		json_object_to_json_string_ext(obj, JSON_C_TO_STRING_PLAIN |
							    JSON_C_TO_STRING_NOSLASHESCAPE);
	_cleanup_free_ char *line = NULL;
	int r = -ENOMEM;

	if (text && asprintf(&line, "%s\n", text) >= 0)
		r = root_replace_text(root, PATH_STATUS, line, 0644);
	else
		line = NULL;
	json_object_put(obj);
	return r;
}

int report_remove(const struct root *root)
{
	return unlinkat(root->fd, PATH_STATUS + 1, 0) < 0 && errno != ENOENT && errno != ENOTDIR ?
		       -errno :
		       0;
}
