/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * options.h - a table of options: it reads a command line, and it is the list in --help, which
 * in turn is what bash completes. So no option is known to one of them alone.
 */
#ifndef COCO_OPTIONS_H
#define COCO_OPTIONS_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include "base/fault.h"

#define OPTION_ROWS_MAX 32
#define OPTION_LIST_MAX 512

/* What a value becomes. */
enum option_kind {
	OPTION_KIND_END,
	OPTION_KIND_OPERAND, /* no option: what a word without dashes means, for the help */
	OPTION_KIND_FLAG,    /* bool */
	OPTION_KIND_TEXT,    /* const char *, the last one given */
	OPTION_KIND_WORD,    /* the same, but one of the words in `value` */
	OPTION_KIND_LIST,    /* struct option_list of files, each one given */
	OPTION_KIND_NUMBER,  /* struct option_number, at most `max` */
};

/* What a program does with the file that a value names: it looks by this whether a run has two
 * names of one file, of which one is written. */
enum option_use {
	OPTION_USE_NONE,   /* no file */
	OPTION_USE_READ,   /* or a value that may be the name of a file */
	OPTION_USE_WRITE,  /* made, or replaced */
	OPTION_USE_CHANGE, /* read, then replaced */
	OPTION_USE_LOOK,   /* a disk, or DISK#PARTITION, that is only read */
	OPTION_USE_DISK,   /* the same, and it may be written */
	OPTION_USE_ENTRY,  /* WORD=FILE, which is read */
};

struct option_list {
	size_t nr;
	const char *texts[OPTION_LIST_MAX]; /* not owned */
};

struct option_number {
	uint64_t value;
	bool given;
};

struct option_row {
	enum option_kind kind;
	char letter;	   /* or 0 */
	const char *name;  /* without dashes */
	const char *value; /* its name in the help: FILE; of a word all of them: "hex|base64" */
	const char *help;  /* is wrapped; NULL: not shown */
	size_t offset;	   /* in what options_parse() fills */
	uint64_t max;
	enum option_use use;
	const char *spares; /* the row whose file may be overwritten, by intention; or NULL */
	bool stream;	    /* WRITE: "-" is standard output */
};

/* The offset of a member, which must be of this type. */
#define OPTION_IS_(type, member, wanted) \
	__builtin_types_compatible_p(__typeof__(((type *)0)->member), wanted)
#define OPTION_AT_(type, member, wanted) \
	(offsetof(type, member) + 0 * sizeof(char[OPTION_IS_(type, member, wanted) ? 1 : -1]))

/* Rows. `type` is the struct that is filled, `member` where in it. { 0 } ends a table. The operands
 * stand in it in their order; an entry as the last one goes for the rest, too. What is
 * behind the help of OPTION_FILE() are more members of the row. */
#define OPTION_OPERAND(name_, use_, help_) \
	{ .kind = OPTION_KIND_OPERAND, .name = name_, .help = help_, .use = use_ }
#define OPTION_FLAG(name_, type, member, help_) \
	{ .kind = OPTION_KIND_FLAG,             \
	  .name = name_,                        \
	  .help = help_,                        \
	  .offset = OPTION_AT_(type, member, bool) }
#define OPTION_TEXT(letter_, name_, value_, type, member, help_) \
	{ .kind = OPTION_KIND_TEXT,                              \
	  .letter = letter_,                                     \
	  .name = name_,                                         \
	  .value = value_,                                       \
	  .help = help_,                                         \
	  .offset = OPTION_AT_(type, member, const char *) }
#define OPTION_FILE(letter_, name_, value_, type, member, use_, help_, ...) \
	{ .kind = OPTION_KIND_TEXT,                                         \
	  .letter = letter_,                                                \
	  .name = name_,                                                    \
	  .value = value_,                                                  \
	  .help = help_,                                                    \
	  .use = use_,                                                      \
	  .offset = OPTION_AT_(type, member, const char *),                 \
	  __VA_ARGS__ }
#define OPTION_WORD(name_, words, type, member, help_) \
	{ .kind = OPTION_KIND_WORD,                    \
	  .name = name_,                               \
	  .value = words,                              \
	  .help = help_,                               \
	  .offset = OPTION_AT_(type, member, const char *) }
#define OPTION_FILES(name_, value_, type, member, use_, help_) \
	{ .kind = OPTION_KIND_LIST,                            \
	  .name = name_,                                       \
	  .value = value_,                                     \
	  .help = help_,                                       \
	  .use = use_,                                         \
	  .offset = OPTION_AT_(type, member, struct option_list) }
#define OPTION_NUMBER(name_, max_, type, member, help_) \
	{ .kind = OPTION_KIND_NUMBER,                   \
	  .name = name_,                                \
	  .value = "N",                                 \
	  .help = help_,                                \
	  .max = max_,                                  \
	  .offset = OPTION_AT_(type, member, struct option_number) }

/*
 * Reads the options of argv, whose first word is no option, into *values, and moves the operands
 * to its end. Long names may be cut where they stay unique. What is not given is not touched.
 * Returns the index of the first operand, or -EINVAL with f.
 */
int options_parse(const struct option_row *rows, int argc, char **argv, void *values,
		  struct fault *f);

/* The list for --help: a line begins with two blanks and the option, its text stands behind. */
void options_print(const struct option_row *rows, FILE *out);

/* Reads a decimal number, or a hexadecimal one behind 0x. Returns 0, -EINVAL or -ERANGE. */
int options_number(const char *text, uint64_t max, uint64_t *ret_value);

#endif
