/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * reference.c - the third column of cocotab, and the value of Resource=: what is taken, and what is
 * none of either.
 */
#include "conf/reference.h"

#include "tap.h"

#define GUID "11111111-2222-3333-4444-555555aaaaaa"
#define LONG_50 "abcdefghijabcdefghijabcdefghijabcdefghijabcdefghij"
#define LONG_251 LONG_50 LONG_50 LONG_50 LONG_50 LONG_50 "a" /* with /b/c it is the longest */

static void test_good(void)
{
	static const struct {
		const char *word;
		enum reference_kind kind;
		const char *guid;
		bool has_guid;
		const char *resource;
		const char *text; /* NULL: the word */
	} cases[] = {
		{ GUID, REFERENCE_ENTRY, GUID, true, "", NULL },
		{ "11111111-2222-3333-4444-555555AAAAAA", REFERENCE_ENTRY, GUID, true, "", GUID },
		{ GUID_DISK_SECRET, REFERENCE_ENTRY, GUID_DISK_SECRET, true, "", NULL },
		{ "kbs:///default/disk/root", REFERENCE_RESOURCE, GUID_DISK_SECRET, false,
		  "default/disk/root", NULL },
		{ "kbs:///a/b/c#" GUID, REFERENCE_RESOURCE, GUID, true, "a/b/c", NULL },
		{ "kbs:///a/b/c#11111111-2222-3333-4444-555555AAAAAA", REFERENCE_RESOURCE, GUID,
		  true, "a/b/c", "kbs:///a/b/c#" GUID },
		{ "kbs:///-/_/0.", REFERENCE_RESOURCE, GUID_DISK_SECRET, false, "-/_/0.", NULL },
		{ "kbs:///A..b/x.y/Z-1_2", REFERENCE_RESOURCE, GUID_DISK_SECRET, false,
		  "A..b/x.y/Z-1_2", NULL },
		{ "kbs:///" LONG_251 "/b/c", REFERENCE_RESOURCE, GUID_DISK_SECRET, false,
		  LONG_251 "/b/c", NULL },
		{ "kbs:///" LONG_251 "/b/c#" GUID, REFERENCE_RESOURCE, GUID, true, LONG_251 "/b/c",
		  NULL },
	};
	char text[REFERENCE_TEXT_SIZE];
	struct reference ref;
	size_t i;

	for (i = 0; i < ARRAY_SIZE(cases); i++) {
		memset(&ref, 0xff, sizeof(ref));
		ok(reference_parse(cases[i].word, &ref) == 0 && ref.kind == cases[i].kind &&
			   strcmp(ref.guid, cases[i].guid) == 0 &&
			   ref.has_guid == cases[i].has_guid &&
			   strcmp(ref.resource, cases[i].resource) == 0,
		   "%s", cases[i].word);
		reference_text(&ref, text);
		is_str(text, cases[i].text ? cases[i].text : cases[i].word, "... and back");
	}
}

static void test_bad(void)
{
	static const char *const cases[] = {
		"",
		"x",
		"kbs",
		"kbs:",
		"kbs:a/b/c",
		"kbs:/a/b/c",
		"kbs://a/b/c",
		"kbs://host/a/b/c",
		"kbs://host:1/a/b/c",
		"kbs:///",
		"kbs:///a",
		"kbs:///a/b",
		"kbs:///a/b/",
		"kbs:///a//c",
		"kbs:////b/c",
		"kbs:////a/b/c",
		"kbs:///a/b/c/",
		"kbs:///a/b/c/d",
		"kbs:///.a/b/c",
		"kbs:///a/./c",
		"kbs:///a/b/..",
		"kbs:///a/b/.c",
		"kbs:///a/b/c?x=1",
		"kbs:///a/b/c#",
		"kbs:///a/b/c#x",
		"kbs:///a/b/c#" GUID "#",
		"kbs:///a/b/c#" GUID "0",
		"kbs:///a/b/c##" GUID,
		"kbs:///a/b#" GUID,
		"kbs:///#" GUID,
		"#" GUID,
		GUID "#" GUID,
		"a/b/c",
		"a/b/c#" GUID,
		"KBS:///a/b/c",
		"kbs:///a/b/c%20",
		"kbs:///a/b/\xc3\xa9",
		"kbs:///a/b/c\n",
		"kbs:///a\\/b/c",
		"kbs+plugin:///a/b/c",
		"kbs:///" LONG_251 "x/b/c",
		"kbs:///" LONG_251 "x/b/c#" GUID,
		"kbs:///kbs:///a/b/c",
		"https://a/b/c",
	};
	struct reference ref = REFERENCE_DISK_SECRET;
	size_t i;

	for (i = 0; i < ARRAY_SIZE(cases); i++)
		ok(reference_parse(cases[i], &ref) == -EINVAL && ref.kind == REFERENCE_ENTRY &&
			   strcmp(ref.guid, GUID_DISK_SECRET) == 0 && !ref.has_guid,
		   "refused: %s", cases[i]);
}

static void test_resource(void)
{
	static const struct {
		const char *word, *resource; /* NULL: refused */
	} cases[] = {
		{ "a/b/c", "a/b/c" },
		{ "kbs:///a/b/c", "a/b/c" },
		{ LONG_251 "/b/c", LONG_251 "/b/c" },
		{ LONG_251 "x/b/c", NULL },
		{ "/a/b/c", NULL },
		{ "kbs:////a/b/c", NULL },
		{ "kbs:///a/b/c#" GUID, NULL },
		{ "a/b", NULL },
		{ "a/b/c/d", NULL },
		{ "a b/c/d", NULL },
		{ "", NULL },
		{ GUID, NULL },
	};
	char resource[REFERENCE_RESOURCE_SIZE];
	size_t i;

	for (i = 0; i < ARRAY_SIZE(cases); i++) {
		int r = reference_parse_resource(cases[i].word, resource);

		if (cases[i].resource)
			ok(r == 0 && strcmp(resource, cases[i].resource) == 0, "resource %s",
			   cases[i].word);
		else
			is_int(r, -EINVAL, "no resource: '%s'", cases[i].word);
	}
}

int main(void)
{
	test_good();
	test_bad();
	test_resource();
	return tap_done();
}
