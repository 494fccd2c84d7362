/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * cmd_status.c - shows the status file of the unlock that brought this system up.
 * Trusts the file no more than any other text: it is made printable.
 */
#include "guest/cmd.h"

#include <json-c/json.h>
#include <string.h>

#include "base/paths.h"
#include "base/text.h"

#define STATUS_MAX 65536

static const char *get(struct json_object *obj, const char *key, char buf[static 256])
{
	struct json_object *value = NULL;
	const char *text = NULL;

	if (json_object_object_get_ex(obj, key, &value))
		text = json_object_get_string(value); /* NULL for a JSON null */
	text_printable(text ? text : "", buf, 256);
	return buf;
}

static void print_volumes(struct json_object *status)
{
	struct json_object *list = NULL;
	char a[256], b[256], c[256];
	size_t i;

	if (!json_object_object_get_ex(status, "volumes", &list) ||
	    !json_object_is_type(list, json_type_array))
		return;
	for (i = 0; i < json_object_array_length(list); i++) {
		struct json_object *v = json_object_array_get_idx(list, i);

		printf("volume     %s on %s, uuid %s\n", get(v, "name", a), get(v, "device", b),
		       get(v, "uuid", c));
		printf("           header %s, cipher %s", get(v, "header", a), get(v, "cipher", b));
		printf(", keyslot %s, secret %s", get(v, "keyslot", a), get(v, "form", b));
		printf(", mapping %s\n", get(v, "mapping", a));
	}
}

static void print_stages(struct json_object *status)
{
	struct json_object *list = NULL, *value;
	uint64_t sum = 0;
	char a[256];
	size_t i;

	if (!json_object_object_get_ex(status, "stages", &list) ||
	    !json_object_is_type(list, json_type_array))
		return;
	for (i = 0; i < json_object_array_length(list); i++) {
		struct json_object *stage = json_object_array_get_idx(list, i);
		uint64_t us = 0;

		if (json_object_object_get_ex(stage, "us", &value))
			us = json_object_get_uint64(value);
		sum += us;
		printf("stage      %-14s %10.3f ms\n", get(stage, "name", a), (double)us / 1000);
	}
	printf("stage      %-14s %10.3f ms\n", "sum", (double)sum / 1000);
}

static int print_status(const char *text)
{
	struct json_object *status = json_tokener_parse(text), *source = NULL;
	char a[256], b[256], c[256], d[256];

	if (!status || !json_object_is_type(status, json_type_object)) {
		fprintf(stderr, "coco-unlock: %s is not a status file\n", PATH_STATUS);
		json_object_put(status);
		return EXITCODE_INTERNAL;
	}
	printf("result     %s (%s %s)\n", get(status, "result", a), get(status, "code", b),
	       get(status, "name", c));
	if (*get(status, "reason", a))
		printf("reason     %s\nnext       %s\naction     %s\n", a, get(status, "next", b),
		       get(status, "action", c));
	if (json_object_object_get_ex(status, "source", &source)) {
		printf("secrets    %s found by %s, %s read, %s wiped", get(source, "found", a),
		       get(source, *get(source, "broker", b) ? "broker" : "module", b),
		       get(source, "read", c), get(source, "wiped", d));
		printf(", %s kept\n", get(source, "kept", a));
		if (strcmp(get(source, "refetchable", a), "true") == 0)
			printf("           this guest can ask the broker for them again\n");
	}
	print_volumes(status);
	print_stages(status);
	printf("memory     %s KiB at the peak\n", get(status, "peak_memory_kib", a));
	json_object_put(status);
	return EXITCODE_OK;
}

static int run_status(const struct root *root, int argc, char **argv)
{
	_cleanup_free_ char *text = NULL;
	bool json = false;
	ssize_t n;
	int i;

	for (i = 1; i < argc; i++) {
		if (strcmp(argv[i], "--json") != 0)
			return cmd_usage(&cmd_status, argv[i]);
		json = true;
	}
	n = root_read_text(root, PATH_STATUS, STATUS_MAX, &text);
	if (n < 0) {
		fprintf(stderr,
			"coco-unlock: no status at %s (%s): coco-unlock has not run in this boot\n",
			PATH_STATUS, strerror((int)-n));
		return EXITCODE_NO_STATUS;
	}
	if (!json)
		return print_status(text);
	fputs(text, stdout);
	return EXITCODE_OK;
}

const struct cmd cmd_status = {
	.name = "status",
	.args = "[--json]",
	.help = "show how this system was unlocked: source, volumes, stage times, memory",
	.run = run_status,
};
