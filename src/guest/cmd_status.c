/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * cmd_status.c - shows the status file of the unlock that brought this system up.
 * Trusts the file no more than any other text: it is made printable. The environment decides about
 * colours, and about nothing else.
 */
#include "guest/cmd.h"

#include <json-c/json.h>
#include <string.h>

#include "base/paths.h"
#include "base/text.h"
#include "boot/screen.h"

#define STATUS_MAX 65536

/* ECMA-48, 8.3.117: select graphic rendition. */
#define GOOD "\x1b[32m"
#define BAD "\x1b[1;31m"
#define NOTICE "\x1b[33m"
#define BAR "\x1b[36m"
#define PLAIN "\x1b[0m"

/* https://no-color.org: the variable counts if it is not empty. */
static bool has_colours(void)
{
	const char *no = getenv("NO_COLOR"), *term = getenv("TERM");

	return isatty(STDOUT_FILENO) && !(no && *no) && term && *term && strcmp(term, "dumb") != 0;
}

/* The colour, where there are any. */
static const char *in(bool colours, const char *colour)
{
	return colours ? colour : "";
}

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

static uint64_t number(struct json_object *obj, const char *key)
{
	struct json_object *value;

	return json_object_object_get_ex(obj, key, &value) ? json_object_get_uint64(value) : 0;
}

/* When all of them have begun and ended. */
static void get_span(struct json_object *stages, uint64_t *ret_first, uint64_t *ret_last)
{
	uint64_t first = UINT64_MAX, last = 0;
	size_t i;

	for (i = 0; i < json_object_array_length(stages); i++) {
		struct json_object *stage = json_object_array_get_idx(stages, i);
		uint64_t start = number(stage, "start_us"), end;

		if (__builtin_add_overflow(start, number(stage, "us"), &end))
			end = UINT64_MAX;
		first = start < first ? start : first;
		last = end > last ? end : last;
	}
	*ret_first = first;
	*ret_last = last;
}

/* A line of at most 80 columns. */
static void print_stage(struct json_object *stage, uint64_t first, uint64_t last, bool colours)
{
	char a[256], bar[SCREEN_BAR_COLUMNS + 1];
	uint64_t us = number(stage, "us");
	int before, marks;

	screen_bar(number(stage, "start_us") - first, us, last - first, bar);
	before = (int)strcspn(bar, "#");
	marks = (int)strspn(bar + before, "#");
	printf("stage      %-14.14s %10.3f ms  %.*s%s%.*s%s%s\n", get(stage, "name", a),
	       (double)us / 1000, before, bar, in(colours, BAR), marks, bar + before,
	       in(colours, PLAIN), bar + before + marks);
}

static void print_stages(struct json_object *status, bool colours)
{
	struct json_object *list = NULL;
	uint64_t sum = 0, first, last;
	size_t i;

	if (!json_object_object_get_ex(status, "stages", &list) ||
	    !json_object_is_type(list, json_type_array))
		return;
	get_span(list, &first, &last);
	for (i = 0; i < json_object_array_length(list); i++) {
		struct json_object *stage = json_object_array_get_idx(list, i);

		print_stage(stage, first, last, colours);
		sum += number(stage, "us");
	}
	printf("stage      %-14s %10.3f ms\n", "sum", (double)sum / 1000);
}

/* The first failure, and what somebody has said at a console. */
static void print_rescue(struct json_object *status, bool colours)
{
	struct json_object *rescue = NULL;
	char a[256], b[256], c[256];

	if (!json_object_object_get_ex(status, "rescue", &rescue))
		return;
	printf("rescue     %safter code %s (%s)%s: ", in(colours, NOTICE), get(rescue, "code", a),
	       get(rescue, "name", b), in(colours, PLAIN));
	if (*get(rescue, "console", b))
		printf("%s at %s; ", get(rescue, "action", a), b);
	printf("more tries: %s, answers refused: %s\n", get(rescue, "tries", a),
	       get(rescue, "refused", b));
	if (*get(rescue, "volume", a))
		printf("           for the volume %s: device %s, keyslot %s\n", a,
		       *get(rescue, "device", b) ? b : "of cocotab",
		       strcmp(get(rescue, "keyslot", c), "-1") == 0 ? "any" : c);
}

static int print_status(const char *text)
{
	struct json_object *status = json_tokener_parse(text), *source = NULL;
	bool colours = has_colours();
	char a[256], b[256], c[256], d[256];

	if (!status || !json_object_is_type(status, json_type_object)) {
		fprintf(stderr, "coco-unlock: %s is not a status file\n", PATH_STATUS);
		json_object_put(status);
		return EXITCODE_INTERNAL;
	}
	(void)get(status, "result", a);
	printf("result     %s%s%s (%s %s)\n", in(colours, strcmp(a, "ok") == 0 ? GOOD : BAD), a,
	       in(colours, PLAIN), get(status, "code", b), get(status, "name", c));
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
	print_rescue(status, colours);
	print_stages(status, colours);
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
	.help = "show how this system was unlocked: source, volumes, a rescue, times of stages",
	.run = run_status,
};
