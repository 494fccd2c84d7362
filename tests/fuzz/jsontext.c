/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * jsontext.c - fuzz target: the scan of JSON text. What it accepts, json-c must accept, too, but
 * for a number of more than 64 bits, which 0.18 refuses; and no member may get lost in its tree,
 * which is what a name that stands twice does.
 */
#include "fuzz.h"

#include <json-c/json.h>

#include "disk/jsontext.h"

/* Colons outside of strings: one for each member. */
static size_t members_of_text(const char *text, size_t size)
{
	bool string = false;
	size_t i, nr = 0;

	for (i = 0; i < size; i++) {
		if (string && text[i] == '\\')
			i++;
		else if (text[i] == '"')
			string = !string;
		else if (!string && text[i] == ':')
			nr++;
	}
	return nr;
}

static size_t members_of_tree(struct json_object *node)
{
	size_t i, nr = 0;

	if (json_object_is_type(node, json_type_object)) {
		json_object_object_foreach(node, key, value) {
			(void)key;
			nr += 1 + members_of_tree(value);
		}
	} else if (json_object_is_type(node, json_type_array)) {
		for (i = 0; i < json_object_array_length(node); i++)
			nr += members_of_tree(json_object_array_get_idx(node, i));
	}
	return nr;
}

static void compare(const char *text, size_t size)
{
	struct json_tokener *tok = json_tokener_new_ex(JSONTEXT_DEPTH_MAX + 1);
	struct json_object *root;
	char *copy = fuzz_text((const uint8_t *)text, size);

	FUZZ_MUST(tok && copy); /* a NUL is never accepted */
	json_tokener_set_flags(tok, JSON_TOKENER_STRICT);
	root = json_tokener_parse_ex(tok, copy, (int)size + 1);
	if (root || json_tokener_get_error(tok) != json_tokener_error_parse_number) {
		FUZZ_MUST(json_object_is_type(root, json_type_object));
		FUZZ_MUST(members_of_tree(root) == members_of_text(text, size));
	}
	json_object_put(root);
	json_tokener_free(tok);
	free(copy);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *text = fuzz_copy(data, size);
	int r = jsontext_check(text, size);

	FUZZ_MUST(r == 0 || r == -EINVAL || r == -EEXIST || r == -E2BIG);
	if (r == 0) {
		fuzz_accepted++;
		compare(text, size);
	}
	free(text);
	return 0;
}
