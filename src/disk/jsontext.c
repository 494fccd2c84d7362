/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * jsontext.c - scans JSON text for what a parser would swallow: names that occur twice, and
 * text that two parsers might read differently.
 * Trusts no byte; keeps no copy; its recursion is bounded.
 */
#include "disk/jsontext.h"

#include <stdbool.h>
#include <string.h>

struct name {
	const char *start;
	size_t len;
};

struct scanner {
	const char *p, *end;
	unsigned int depth, nr_values;
	struct name names[JSONTEXT_MEMBERS_MAX]; /* of the objects from the outermost inwards */
	size_t nr_names;
};

static int scan_value(struct scanner *s);

static char peek(const struct scanner *s)
{
	return s->p < s->end ? *s->p : '\0';
}

static bool take(struct scanner *s, char c)
{
	if (peek(s) != c || c == '\0')
		return false;
	s->p++;
	return true;
}

static void skip_space(struct scanner *s)
{
	while (s->p < s->end && (*s->p == ' ' || *s->p == '\t' || *s->p == '\n' || *s->p == '\r'))
		s->p++;
}

static bool is_hex(char c)
{
	return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F');
}

static int scan_escape(struct scanner *s)
{
	int i;

	if (take(s, 'u')) {
		for (i = 0; i < 4; i++, s->p++)
			if (!is_hex(peek(s)))
				return -EINVAL;
		return 0;
	}
	if (peek(s) == '\0' || !strchr("\"\\/bfnrt", peek(s)))
		return -EINVAL;
	s->p++;
	return 0;
}

/* Fills ret_name, if given, and then takes no escape at all. */
static int scan_string(struct scanner *s, struct name *ret_name)
{
	const char *start;

	if (!take(s, '"'))
		return -EINVAL;
	start = s->p;
	while (!take(s, '"')) {
		if (peek(s) < 0x20 || peek(s) > 0x7e) /* also the end, and all that is not ASCII */
			return -EINVAL;
		if (!take(s, '\\')) {
			s->p++;
			continue;
		}
		if (ret_name || scan_escape(s) < 0)
			return -EINVAL;
	}
	if (ret_name)
		*ret_name = (struct name){ start, (size_t)(s->p - 1 - start) };
	return 0;
}

static int scan_digits(struct scanner *s)
{
	if (peek(s) < '0' || peek(s) > '9')
		return -EINVAL;
	while (peek(s) >= '0' && peek(s) <= '9')
		s->p++;
	return 0;
}

/* Whole numbers only: LUKS2 has no others. */
static int scan_number(struct scanner *s)
{
	(void)take(s, '-');
	if (take(s, '0'))
		return 0;
	return scan_digits(s);
}

static int add_name(struct scanner *s, size_t first, const struct name *name)
{
	size_t i;

	for (i = first; i < s->nr_names; i++)
		if (s->names[i].len == name->len &&
		    memcmp(s->names[i].start, name->start, name->len) == 0)
			return -EEXIST;
	if (s->nr_names == JSONTEXT_MEMBERS_MAX)
		return -E2BIG;
	s->names[s->nr_names++] = *name;
	return 0;
}

static int scan_member(struct scanner *s, size_t first)
{
	struct name name;
	int r;

	skip_space(s);
	r = scan_string(s, &name);
	if (r < 0)
		return r;
	r = add_name(s, first, &name);
	if (r < 0)
		return r;
	skip_space(s);
	if (!take(s, ':'))
		return -EINVAL;
	return scan_value(s);
}

static int scan_object(struct scanner *s)
{
	size_t first = s->nr_names;
	int r;

	skip_space(s);
	if (take(s, '}'))
		return 0;
	do {
		r = scan_member(s, first);
		if (r < 0)
			return r;
		skip_space(s);
	} while (take(s, ','));
	s->nr_names = first;
	return take(s, '}') ? 0 : -EINVAL;
}

static int scan_array(struct scanner *s)
{
	int r;

	skip_space(s);
	if (take(s, ']'))
		return 0;
	do {
		r = scan_value(s);
		if (r < 0)
			return r;
		skip_space(s);
	} while (take(s, ','));
	return take(s, ']') ? 0 : -EINVAL;
}

static bool take_literal(struct scanner *s, const char *literal)
{
	size_t len = strlen(literal);

	if ((size_t)(s->end - s->p) < len || memcmp(s->p, literal, len) != 0)
		return false;
	s->p += len;
	return true;
}

static int scan_value(struct scanner *s)
{
	int r;

	if (s->depth == JSONTEXT_DEPTH_MAX || s->nr_values == JSONTEXT_VALUES_MAX)
		return -E2BIG;
	s->nr_values++;
	s->depth++;
	skip_space(s);
	if (take(s, '{'))
		r = scan_object(s);
	else if (take(s, '['))
		r = scan_array(s);
	else if (peek(s) == '"')
		r = scan_string(s, NULL);
	else if (take_literal(s, "true") || take_literal(s, "false") || take_literal(s, "null"))
		r = 0;
	else
		r = scan_number(s);
	s->depth--;
	return r;
}

int jsontext_check(const char *text, size_t len)
{
	struct scanner s = { .p = text, .end = text + len };
	int r;

	skip_space(&s);
	if (peek(&s) != '{')
		return -EINVAL;
	r = scan_value(&s);
	if (r < 0)
		return r;
	skip_space(&s);
	return s.p == s.end ? 0 : -EINVAL;
}
