/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * options.c - reads a command line by a table of options, and prints the table.
 * Trusts the table, not the words: a value is taken only if it is of its row's kind. Prints
 * nothing about a mistake itself.
 */
#include "base/options.h"

#include <getopt.h>
#include <string.h>
#include <strings.h>

#include "base/text.h"

#define FIRST_ROW 0x100 /* what getopt_long() returns for row 0: no letter is so large */
#define TEXT_COLUMN 24
#define TEXT_WIDTH 66

int options_number(const char *text, uint64_t max, uint64_t *ret_value)
{
	static const char digits[] = "0123456789abcdef";
	uint64_t value = 0;

	if (strncasecmp(text, "0x", 2) != 0)
		return text_u64(text, max, ret_value);
	text += 2;
	if (*text == '\0' || strspn(text, "0123456789abcdefABCDEF") != strlen(text))
		return -EINVAL;
	for (; *text; text++) {
		if (value > max >> 4)
			return -ERANGE;
		value = value << 4 | (uint64_t)(strchr(digits, *text | 0x20) - digits);
	}
	if (value > max)
		return -ERANGE;
	*ret_value = value;
	return 0;
}

static int refuse(const struct option_row *row, const char *text, const char *wanted,
		  struct fault *f)
{
	return fault_set(f, EXITCODE_USAGE, EINVAL, "--%s=%s: not %s", row->name, text, wanted);
}

static int take_word(const struct option_row *row, const char *text, const char **ret_word,
		     struct fault *f)
{
	const char *word = row->value, *end;
	char wanted[128] = "";

	for (; word; word = end ? end + 1 : NULL) {
		size_t len = strcspn(word, "|");

		end = strchr(word, '|');
		if (strlen(text) == len && strncmp(word, text, len) == 0) {
			*ret_word = text;
			return 0;
		}
		text_append(wanted, sizeof(wanted), "%s%.*s",
			    word == row->value ? "" :
			    end		       ? ", " :
						 " or ",
			    (int)len, word);
	}
	return refuse(row, text, wanted, f);
}

static int take_number(const struct option_row *row, const char *text, struct option_number *n,
		       struct fault *f)
{
	char wanted[64];

	n->given = true;
	if (options_number(text, row->max, &n->value) == 0)
		return 0;
	(void)snprintf(wanted, sizeof(wanted), "a number from 0 to %llu",
		       (unsigned long long)row->max); /* fits */
	return refuse(row, text, wanted, f);
}

static int take_one_more(const struct option_row *row, const char *text, struct option_list *list,
			 struct fault *f)
{
	if (list->nr == OPTION_LIST_MAX)
		return fault_set(f, EXITCODE_USAGE, EINVAL, "--%s: more than %d of them", row->name,
				 OPTION_LIST_MAX);
	list->texts[list->nr++] = text;
	return 0;
}

static int take(const struct option_row *row, const char *text, void *values, struct fault *f)
{
	void *at = (char *)values + row->offset;

	switch (row->kind) {
	case OPTION_KIND_FLAG:
		*(bool *)at = true;
		return 0;
	case OPTION_KIND_TEXT:
		*(const char **)at = text;
		return 0;
	case OPTION_KIND_WORD:
		return take_word(row, text, at, f);
	case OPTION_KIND_LIST:
		return take_one_more(row, text, at, f);
	case OPTION_KIND_NUMBER:
		return take_number(row, text, at, f);
	case OPTION_KIND_OPERAND:
	case OPTION_KIND_END:
		break;
	}
	return -EINVAL;
}

/* The same table for getopt_long(): long options, and ":" with all letters. */
static void translate(const struct option_row *rows, struct option longs[OPTION_ROWS_MAX + 1],
		      char letters[2 + 2 * OPTION_ROWS_MAX])
{
	size_t i, nr = 0, len = 0;

	letters[len++] = ':';
	for (i = 0; i < OPTION_ROWS_MAX && rows[i].kind != OPTION_KIND_END; i++) {
		bool flag = rows[i].kind == OPTION_KIND_FLAG;

		if (rows[i].kind == OPTION_KIND_OPERAND)
			continue;
		longs[nr++] = (struct option){ rows[i].name, flag ? no_argument : required_argument,
					       NULL, FIRST_ROW + (int)i };
		if (rows[i].letter)
			letters[len++] = rows[i].letter;
		if (rows[i].letter && !flag)
			letters[len++] = ':';
	}
	longs[nr] = (struct option){ 0 };
	letters[len] = '\0';
}

/* The row of what getopt_long() has returned; NULL for a mistake. */
static const struct option_row *find(const struct option_row *rows, int c)
{
	if (c >= FIRST_ROW)
		return &rows[c - FIRST_ROW];
	for (; c != '?' && c != ':' && rows->kind != OPTION_KIND_END; rows++)
		if (rows->letter == c)
			return rows;
	return NULL;
}

int options_parse(const struct option_row *rows, int argc, char **argv, void *values,
		  struct fault *f)
{
	struct option longs[OPTION_ROWS_MAX + 1];
	char letters[2 + 2 * OPTION_ROWS_MAX];
	const struct option_row *row;
	int c;

	translate(rows, longs, letters);
	opterr = 0;
	optind = 0; /* begins anew */
	while ((c = getopt_long(argc, argv, letters, longs, NULL)) != -1) {
		row = find(rows, c);
		if (!row)
			return fault_set(f, EXITCODE_USAGE, EINVAL,
					 "'%s' is not an option, or lacks its value",
					 argv[optind - 1]);
		if (take(row, optarg, values, f) < 0)
			return -EINVAL;
	}
	return optind;
}

/* Words as far as they fit; the rest stands below them. `column` is where the line is now. */
static void print_text(const char *text, int column, FILE *out)
{
	while (*text) {
		size_t len = strlen(text);

		if (len > TEXT_WIDTH)
			for (len = TEXT_WIDTH; len > 0 && text[len] != ' '; len--)
				;
		if (len == 0) /* one long word */
			len = strcspn(text, " ");
		fprintf(out, "%*s%.*s\n", TEXT_COLUMN - column, "", (int)len, text);
		text += len;
		text += strspn(text, " ");
		column = 0;
	}
}

void options_print(const struct option_row *rows, FILE *out)
{
	for (; rows->kind != OPTION_KIND_END; rows++) {
		char label[128] = "  ";
		bool fits;

		if (!rows->help)
			continue;
		if (rows->letter)
			text_append(label, sizeof(label), "-%c, ", rows->letter);
		text_append(label, sizeof(label), "%s%s%s%s",
			    rows->kind == OPTION_KIND_OPERAND ? "" : "--", rows->name,
			    rows->value ? " " : "", rows->value ? rows->value : "");
		fits = strlen(label) <= TEXT_COLUMN - 2;
		fprintf(out, "%s%s", label, fits ? "" : "\n");
		print_text(rows->help, fits ? (int)strlen(label) : 0, out);
	}
}
