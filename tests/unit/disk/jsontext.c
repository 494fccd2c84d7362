/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * jsontext.c - the raw scan of JSON text: what RFC 8259 has and LUKS2 needs passes; what
 * could be read in two ways does not.
 */
#include "disk/jsontext.h"

#include <time.h>

#include <json-c/json.h>

#include "tap.h"

/* The text in memory of its own, so that a sanitizer sees each byte that is read behind it. */
static int check(const char *text, size_t len)
{
	char *copy = malloc(len ? len : 1);
	int r;

	if (!copy)
		return -ENOMEM;
	memcpy(copy, text, len);
	r = jsontext_check(copy, len);
	free(copy);
	return r;
}

static const struct {
	const char *text;
	int result;
} cases[] = {
	/* RFC 8259, 2 and 4: one object, white space around every token */
	{ "{}", 0 },
	{ " \t\n\r{ \t\n\r} \t\n\r", 0 },
	{ "{\"a\":1}", 0 },
	{ " { \"a\" : 1 , \"b\" : [ 1 , 2 ] } ", 0 },
	{ "", -EINVAL },
	{ " ", -EINVAL },
	{ "[]", -EINVAL },
	{ "1", -EINVAL },
	{ "\"a\"", -EINVAL },
	{ "null", -EINVAL },
	{ "{}{}", -EINVAL },
	{ "{},", -EINVAL },
	{ "{}x", -EINVAL },
	{ "x{}", -EINVAL },
	{ "{} /* c */", -EINVAL },
	{ "\xef\xbb\xbf{}", -EINVAL },
	{ "\v{}", -EINVAL },
	{ "\f{}", -EINVAL },
	{ "{,}", -EINVAL },
	{ "{\"a\":1,}", -EINVAL },
	{ "{,\"a\":1}", -EINVAL },
	{ "{\"a\":1 \"b\":2}", -EINVAL },
	{ "{\"a\":1,,\"b\":2}", -EINVAL },
	{ "{\"a\"}", -EINVAL },
	{ "{\"a\":}", -EINVAL },
	{ "{\"a\" 1}", -EINVAL },
	{ "{\"a\"=1}", -EINVAL },
	{ "{\"a\":1;}", -EINVAL },
	{ "{a:1}", -EINVAL },
	{ "{'a':1}", -EINVAL },
	{ "{1:1}", -EINVAL },
	{ "{null:1}", -EINVAL },
	{ "{\"a\":1]", -EINVAL },
	{ "{\"a\":[1}", -EINVAL },
	{ "{\"a\":[1,]}", -EINVAL },
	{ "{\"a\":[,1]}", -EINVAL },
	{ "{\"a\":[1 2]}", -EINVAL },
	{ "{\"a\":[]}", 0 },
	{ "{\"a\":[ ]}", 0 },
	{ "{\"a\":[{}]}", 0 },
	{ "{\"a\":[{},[]]}", 0 },

	/* 3: literals, in lower case */
	{ "{\"a\":true,\"b\":false,\"c\":null}", 0 },
	{ "{\"a\":True}", -EINVAL },
	{ "{\"a\":tru}", -EINVAL },
	{ "{\"a\":truex}", -EINVAL },
	{ "{\"a\":nul}", -EINVAL },
	{ "{\"a\":NaN}", -EINVAL },
	{ "{\"a\":Infinity}", -EINVAL },
	{ "{\"a\":-Infinity}", -EINVAL },

	/* 6: numbers; of them only whole ones */
	{ "{\"a\":0}", 0 },
	{ "{\"a\":-0}", 0 },
	{ "{\"a\":-1}", 0 },
	{ "{\"a\":10}", 0 },
	{ "{\"a\":123456789012345678901234567890}", 0 }, /* the policy has the bounds */
	{ "{\"a\":00}", -EINVAL },
	{ "{\"a\":01}", -EINVAL },
	{ "{\"a\":-}", -EINVAL },
	{ "{\"a\":-01}", -EINVAL },
	{ "{\"a\":--1}", -EINVAL },
	{ "{\"a\":+1}", -EINVAL },
	{ "{\"a\":1.0}", -EINVAL },
	{ "{\"a\":.5}", -EINVAL },
	{ "{\"a\":1.}", -EINVAL },
	{ "{\"a\":1e3}", -EINVAL },
	{ "{\"a\":1E3}", -EINVAL },
	{ "{\"a\":0x10}", -EINVAL },
	{ "{\"a\":1x}", -EINVAL },
	{ "{\"a\":1_0}", -EINVAL },

	/* 7: strings, ASCII only */
	{ "{\"a\":\"\"}", 0 },
	{ "{\"a\":\" !#$%&'()*+,-./[]^_`{|}~\"}", 0 },
	{ "{\"a\":\"\\\"\\\\\\/\\b\\f\\n\\r\\t\\u0041\\uaBcD\"}", 0 },
	{ "{\"a\":\"\\u0000\"}", 0 }, /* a value; the policy compares lengths */
	{ "{\"a\":\"\\uD800\"}", 0 },
	{ "{\"a\":\"\\x41\"}", -EINVAL },
	{ "{\"a\":\"\\U0041\"}", -EINVAL },
	{ "{\"a\":\"\\u004\"}", -EINVAL },
	{ "{\"a\":\"\\u004g\"}", -EINVAL },
	{ "{\"a\":\"\\u\"}", -EINVAL },
	{ "{\"a\":\"\\a\"}", -EINVAL },
	{ "{\"a\":\"\\'\"}", -EINVAL },
	{ "{\"a\":\"\\", -EINVAL },
	{ "{\"a\":\"\\\"}", -EINVAL },
	{ "{\"a\":\"\n\"}", -EINVAL },
	{ "{\"a\":\"\t\"}", -EINVAL },
	{ "{\"a\":\"\x01\"}", -EINVAL },
	{ "{\"a\":\"\x1f\"}", -EINVAL },
	{ "{\"a\":\"\x7f\"}", -EINVAL },
	{ "{\"a\":\"\xc3\xa4\"}", -EINVAL },
	{ "{\"a\":\"\x80\"}", -EINVAL },
	{ "{\"a\":\"\xff\"}", -EINVAL },
	{ "{\"a\":'x'}", -EINVAL },
	{ "{\"a\":x}", -EINVAL },
	{ "{\"a\":\"x}", -EINVAL },

	/* names: no escape, not twice */
	{ "{\"\":1}", 0 },
	{ "{\"a\\u0062\":1}", -EINVAL },
	{ "{\"\\u0061\":1,\"a\":2}", -EINVAL },
	{ "{\"a\\\\\":1}", -EINVAL },
	{ "{\"a\\/b\":1}", -EINVAL },
	{ "{\"\xc3\xa4\":1}", -EINVAL },
	{ "{\"a\":1,\"a\":1}", -EEXIST },
	{ "{\"a\":1,\"b\":2,\"a\":3}", -EEXIST },
	{ "{\"\":1,\"\":1}", -EEXIST },
	{ "{\"a\":1,\"A\":1}", 0 },
	{ "{\"a\":1,\"aa\":1,\"a \":1}", 0 },
	{ "{\"aa\":1,\"a\":1}", 0 },
	{ "{\"a\":{\"a\":{\"a\":1}}}", 0 },
	{ "{\"a\":{\"b\":1},\"b\":{\"a\":1}}", 0 },
	{ "{\"a\":{\"b\":1,\"b\":2}}", -EEXIST },
	{ "{\"a\":{\"b\":1},\"a\":{\"b\":1}}", -EEXIST },
	{ "{\"a\":{\"b\":1},\"c\":{\"b\":1},\"b\":1}", 0 },
	{ "{\"b\":1,\"a\":{\"c\":1},\"b\":1}", -EEXIST },
	{ "{\"b\":1,\"a\":[{\"c\":1},{\"c\":1}],\"c\":1}", 0 },
	{ "{\"a\":[{\"c\":1,\"c\":1}]}", -EEXIST },
	{ "{\"a\":{\"b\":{\"c\":{\"d\":{\"e\":{\"f\":{\"g\":1,\"g\":1}}}}}}}", -EEXIST },
	{ "{\"a\":1,\"a\":", -EEXIST }, /* before anything else is looked at */
};

static void test_cases(void)
{
	size_t i;

	for (i = 0; i < ARRAY_SIZE(cases); i++)
		is_int(check(cases[i].text, strlen(cases[i].text)), cases[i].result, "%zu: %s", i,
		       cases[i].result == 0	  ? "taken" :
		       cases[i].result == -EEXIST ? "twice" :
						    "refused");
	is_int(check("{\"a\":\"x\0y\"}", 11), -EINVAL, "a NUL byte in a string");
	is_int(check("{\"a\0\":1}", 8), -EINVAL, "in a name");
	is_int(check("{}\0", 3), -EINVAL, "behind the object");
	is_int(check("{\0}", 3), -EINVAL, "inside of it");
	is_int(check("\0{}", 3), -EINVAL, "in front");
}

/* What is a JSON text here is one for json-c, too, but for its numbers. */
static void test_second_reader(void)
{
	unsigned int differ = 0;
	size_t i;

	for (i = 0; i < ARRAY_SIZE(cases); i++) {
		struct json_tokener *tok = json_tokener_new_ex(JSONTEXT_DEPTH_MAX + 1);
		int len = (int)strlen(cases[i].text);
		struct json_object *obj;

		if (cases[i].result == 0) {
			json_tokener_set_flags(tok, JSON_TOKENER_STRICT);
			obj = json_tokener_parse_ex(tok, cases[i].text, len + 1);
			/* As a number 0.18 refuses what does not fit into 64 bits. */
			if (!obj && json_tokener_get_error(tok) != json_tokener_error_parse_number)
				differ++, printf("# json-c refuses: %s\n", cases[i].text);
			json_object_put(obj);
		}
		json_tokener_free(tok);
	}
	is_int(differ, 0, "json-c reads whatever passes");
}

static void test_limits(void)
{
	char text[65536] = "";
	int n, i;

	for (n = JSONTEXT_DEPTH_MAX - 1; n <= JSONTEXT_DEPTH_MAX + 1; n++) {
		strcpy(text, "{\"a\":");
		for (i = 2; i < n; i++)
			strcat(text, "[");
		strcat(text, "1");
		for (i = 2; i < n; i++)
			strcat(text, "]");
		strcat(text, "}");
		is_int(check(text, strlen(text)), n <= JSONTEXT_DEPTH_MAX ? 0 : -E2BIG,
		       "a value at depth %d", n);
		*text = '\0';
		for (i = 1; i < n; i++)
			strcat(text, "{\"a\":");
		strcat(text, "{}");
		for (i = 1; i < n; i++)
			strcat(text, "}");
		is_int(check(text, strlen(text)), n <= JSONTEXT_DEPTH_MAX ? 0 : -E2BIG,
		       "%d objects in each other", n);
	}
	memset(text, '[', sizeof(text));
	memcpy(text, "{\"a\":", 5);
	is_int(check(text, sizeof(text)), -E2BIG, "as deep as there is room");

	for (n = JSONTEXT_MEMBERS_MAX; n <= JSONTEXT_MEMBERS_MAX + 1; n++) {
		strcpy(text, "{");
		for (i = 0; i < n; i++)
			sprintf(text + strlen(text), "%s\"%d\":1", i ? "," : "", i);
		strcat(text, "}");
		is_int(check(text, strlen(text)), n == JSONTEXT_MEMBERS_MAX ? 0 : -E2BIG,
		       "%d members of one object", n);
	}
	strcpy(text, "{");
	for (i = 0; i < 1000; i++) /* closed ones do not count */
		sprintf(text + strlen(text), "%s\"%d\":{\"x\":1}",
			i % 200 ? "," :
			i	? "},\"b\":{" :
				  "\"a\":{",
			i);
	strcat(text, "}}");
	is_int(check(text, strlen(text)), -EEXIST, "premise: b is there five times");
	strcpy(text, "{\"list\":[{");
	for (i = 0; i < 1000; i++)
		sprintf(text + strlen(text), "%s\"%d\":{\"x\":1}",
			i == 0	? "" :
			i % 200 ? "," :
				  "},{",
			i);
	strcat(text, "}]}");
	is_int(check(text, strlen(text)), 0, "a thousand members, 200 at a time");
	strcpy(text, "{\"a\":{");
	for (i = 0; i < JSONTEXT_MEMBERS_MAX; i++)
		sprintf(text + strlen(text), "%s\"%d\":1", i ? "," : "", i);
	strcat(text, "}}");
	is_int(check(text, strlen(text)), -E2BIG,
	       "those of the outer object count with the inner ones");
}

#define GOOD                                                                                                  \
	"{\"keyslots\":{\"0\":{\"type\":\"luks2\",\"af\":{\"stripes\":4000},\"x\":[true,null,\"\\u0041\"]}}," \
	"\"tokens\":{},\"n\":-12,\"s\":\"a\\nb\"}"

/* No text is good that is cut short, and no byte is one that may be left out unseen. */
static void test_truncations(void)
{
	unsigned int wrong = 0, taken = 0;
	char text[sizeof(GOOD)];
	size_t i;
	int c;

	is_int(check(GOOD, sizeof(GOOD) - 1), 0, "premise: a good text");
	for (i = 0; i < sizeof(GOOD) - 1; i++)
		wrong += check(GOOD, i) != -EINVAL;
	is_int(wrong, 0, "cut short anywhere it is refused");
	for (i = 0; i < sizeof(GOOD) - 1; i++) {
		for (c = 0; c < 256; c++) {
			int r;

			memcpy(text, GOOD, sizeof(GOOD));
			text[i] = (char)c;
			r = check(text, sizeof(GOOD) - 1);
			wrong += r != 0 && r != -EINVAL && r != -EEXIST;
			taken += r == 0 && (c < 0x20 || c > 0x7e) && !strchr("\t\n\r", c);
		}
	}
	ok(wrong == 0 && taken == 0, "any byte in any place: nothing that is no ASCII passes");
}

/* The most that the longest area of the format can hold is judged in no time, and takes no memory. */
static void test_long(void)
{
	static char text[4 * 1024 * 1024];
	const size_t len = sizeof(text) - 4096;
	struct timespec begin, end;
	size_t i;

	(void)clock_gettime(CLOCK_MONOTONIC, &begin);
	memset(text, ' ', len);
	memcpy(text, "{\"a\":\"", 6);
	memset(text + 6, 'x', len - 8);
	memcpy(text + len - 2, "\"}", 2);
	is_int(check(text, len), 0, "one string of 4 MiB");
	memset(text + 5, '1', len - 6);
	is_int(check(text, len), 0, "one number");
	for (i = 6; i + 1 < len; i += 2)
		memcpy(text + i, "0,", 2);
	text[5] = '[';
	memcpy(text + len - 3, "0]}", 3);
	is_int(check(text, len), -E2BIG, "two million values");
	memset(text, ' ', len);
	memcpy(text, "{\"a\":[", 6);
	for (i = 0; i < JSONTEXT_VALUES_MAX - 3; i++)
		memcpy(text + 6 + 2 * i, "0,", 2);
	memcpy(text + 6 + 2 * i, "0]}", 3);
	is_int(check(text, len), 0, "as many as there may be");
	memcpy(text + 6 + 2 * i, "0,0]}", 5);
	is_int(check(text, len), -E2BIG, "one more");
	(void)clock_gettime(CLOCK_MONOTONIC, &end);
	ok(end.tv_sec - begin.tv_sec < 10, "all of that in %ld seconds",
	   (long)(end.tv_sec - begin.tv_sec));
}

int main(void)
{
	test_cases();
	test_second_reader();
	test_limits();
	test_truncations();
	test_long();
	return tap_done();
}
