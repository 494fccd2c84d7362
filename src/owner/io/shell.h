/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * shell.h - words and commands as a POSIX shell reads them back: for the commands that are printed.
 */
#ifndef COCO_OWNER_SHELL_H
#define COCO_OWNER_SHELL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

/*
 * Writes words, up to a NULL, with blanks between them; a word that is more than letters, digits
 * and _./-+:,@% is quoted (POSIX.1-2017, Shell Command Language, 2.2.2). Returns 0, or
 * -ENAMETOOLONG if that does not fit; buf is then empty, since half a command is another one.
 */
int shell_command(char *buf, size_t size, const char *const *words);

/* The same for one word. */
int shell_word(char *buf, size_t size, const char *word);

#define SHELL_NAME_SIZE 1024 /* bytes of a name in a next step, quotes included */

/* A file's name for a next step: one word of a command, with ./ in front of a dash; or `otherwise`
 * if the name is too long for buf, or would not be shown as it is (fault_shows()). Returns buf. */
const char *shell_name(char buf[SHELL_NAME_SIZE], const char *name, const char *otherwise);

/* The same command, however long, to a stream; without LF. */
void shell_print(FILE *out, const char *const *words);

/* A file's name as programs take it: ./ in front where a dash would make it an option, or standard
 * input. buf, of size bytes, may hold it; returns buf or the name itself. */
const char *shell_file(char *buf, size_t size, const char *name);

/* The same for a file that is read, in a command for another run: `otherwise`, a word that stands
 * for its name, where only this run has it, as standard input or a shell's <(...). */
const char *shell_source(char *buf, size_t size, const char *name, const char *otherwise);

/* Is it one of those? */
bool shell_is_stream(const char *name);

#endif
