/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * dialog.c - makes lines of what is typed, obeys words, takes the lines of an answer.
 * Trusts no byte: whoever types is the host until a signature says otherwise. May not hold more
 * than one line, one message and one buffer of output, whatever comes, and shows nothing of what is
 * typed but words of its own, since somebody may type a secret here by mistake.
 */
#include "boot/dialog.h"

#include <stdarg.h>
#include <string.h>

#include "base/text.h"

#define KEY_BACKSPACE 0x08
#define KEY_KILL 0x15 /* ^U */
#define KEY_ESCAPE 0x1b
#define KEY_DELETE 0x7f

#define WORD_CHALLENGE "challenge"
#define SAY_COLUMNS 79

/* Bytes as they are, or nothing of them. */
static void put(struct dialog *d, const char *bytes, size_t len)
{
	if (len > sizeof(d->out) - d->out_len)
		return;
	memcpy(d->out + d->out_len, bytes, len);
	d->out_len += len;
}

void dialog_say(struct dialog *d, const char *text)
{
	size_t start = d->out_len, end = start;

	for (; *text != '\0'; text++) {
		unsigned char c = (unsigned char)*text;

		if (sizeof(d->out) - end < 4)
			return; /* nobody reads: out_len is as it was */
		if (c == '\n')
			d->out[end++] = '\r';
		d->out[end++] = c == '\n' || (c >= 0x20 && c <= 0x7e) ? (char)c : '?';
	}
	if (end > start && d->out[end - 1] != '\n') {
		d->out[end++] = '\r';
		d->out[end++] = '\n';
	}
	d->out_len = end;
}

static void say(struct dialog *d, const char *fmt, ...) _printf_(2, 3);

static void say(struct dialog *d, const char *fmt, ...)
{
	char text[2 * SAY_COLUMNS];
	va_list ap;

	va_start(ap, fmt);
	(void)vsnprintf(text, sizeof(text), fmt, ap); /* a long one is cut on purpose */
	va_end(ap);
	dialog_say(d, text);
}

void dialog_wrote(struct dialog *d, size_t n)
{
	memmove(d->out, d->out + n, d->out_len - n);
	d->out_len -= n;
}

void dialog_init(struct dialog *d, const struct console_page *page)
{
	memset(d, 0, sizeof(*d));
	d->page = page;
	line_reader_init(&d->reader, LINE_ANSWER);
	dialog_say(d, "\n");
	if (page->nr_screens > 0)
		dialog_say(d, page->screens[0].text);
}

/* The nth word that is obeyed here, or NULL. */
static const char *word_at(const struct console_page *page, size_t n)
{
	static const enum rescue_action by_word[] = { RESCUE_REBOOT, RESCUE_POWEROFF };
	size_t i;

	if (n < page->nr_screens)
		return page->screens[n].word;
	n -= page->nr_screens;
	if (page->challenge && n-- == 0)
		return WORD_CHALLENGE;
	for (i = 0; i < ARRAY_SIZE(by_word); i++)
		if ((page->actions & 1U << by_word[i]) && n-- == 0)
			return rescue_action_name(by_word[i]);
	return NULL;
}

/* Is the line, as far as it was typed, the beginning of a word? */
static bool begins_word(const struct dialog *d)
{
	const char *word;
	size_t i;

	for (i = 0; (word = word_at(d->page, i)); i++)
		if (d->len <= strlen(word) && memcmp(d->line, word, d->len) == 0)
			return true;
	return false;
}

static void take_back(struct dialog *d)
{
	if (d->len == 0 || d->too_long)
		return;
	if (d->echoed == d->len) {
		put(d, "\b \b", 3);
		d->echoed--;
	}
	d->len--;
}

static void forget_line(struct dialog *d)
{
	d->len = d->echoed = 0;
	d->too_long = false;
	d->escape = DIALOG_PLAIN;
}

static void take_all_back(struct dialog *d)
{
	for (; d->echoed > 0; d->echoed--)
		put(d, "\b \b", 3);
	forget_line(d);
}

static void type(struct dialog *d, char c)
{
	if (d->len == DIALOG_LINE_MAX) {
		d->too_long = true;
		return;
	}
	d->line[d->len++] = c;
	if (d->echoed + 1 == d->len && begins_word(d)) {
		put(d, &c, 1);
		d->echoed++;
	}
}

/* What is unknown is answered once a second at most: 10 MB of noise are no flood of our own. */
static void hint(struct dialog *d, uint64_t now_us)
{
	char text[SAY_COLUMNS + 1] = "words:";
	const char *word;
	size_t i;

	if (now_us < d->hint_us)
		return;
	d->hint_us = now_us + DIALOG_HINT_US;
	for (i = 0; (word = word_at(d->page, i)); i++)
		text_append(text, sizeof(text), " %s", word);
	dialog_say(d, text);
}

/* All of the challenge's lines, or the one with this number. */
static void show_challenge(struct dialog *d, size_t number)
{
	const unsigned char *message = (const unsigned char *)d->page->challenge;
	size_t i, count = line_count(d->page->challenge_len);
	char text[LINE_TEXT_SIZE];

	for (i = 0; i < count; i++) {
		if (number != 0 && i != number)
			continue;
		line_text(LINE_CHALLENGE, message, d->page->challenge_len, i, text);
		dialog_say(d, text);
	}
}

/* "challenge", or that and a number for somebody who has lost one of its lines. */
static bool ask_challenge(struct dialog *d, char *text)
{
	char *cursor = text, *word;
	uint64_t number = 0;

	if (!d->page->challenge)
		return false;
	word = text_word(&cursor, " ");
	if (!word || strcmp(word, WORD_CHALLENGE) != 0)
		return false;
	word = text_word(&cursor, " ");
	if (word && (text_word(&cursor, " ") || text_u64(word, 999, &number) < 0 || number == 0))
		return false;
	show_challenge(d, (size_t)number);
	return true;
}

static bool show_screen(struct dialog *d, const char *word)
{
	size_t i;

	for (i = 0; i < d->page->nr_screens; i++)
		if (strcmp(word, d->page->screens[i].word) == 0) {
			dialog_say(d, d->page->screens[i].text);
			return true;
		}
	return false;
}

static void say_missing(struct dialog *d)
{
	char text[SAY_COLUMNS + 1] = "missing";
	unsigned int n;

	if (d->reader.total == 0)
		text_append(text, sizeof(text), " 001 ..."); /* nobody knows how many */
	for (n = line_missing(&d->reader, 0); n != 0; n = line_missing(&d->reader, n)) {
		if (strlen(text) + strlen(" 000 ...") > SAY_COLUMNS) {
			text_append(text, sizeof(text), " ...");
			break;
		}
		text_append(text, sizeof(text), " %03u", n);
	}
	dialog_say(d, text);
}

static enum dialog_result take_answer_line(struct dialog *d, uint64_t now_us)
{
	switch (line_read(&d->reader, d->line)) {
	case LINE_BEGUN:
		dialog_say(d, "begun: all lines of before are forgotten");
		break;
	case LINE_TAKEN:
		say(d, "ok %03u", d->reader.n);
		break;
	case LINE_BROKEN:
		say(d, "again %03u", d->reader.n);
		break;
	case LINE_MISSING:
		say_missing(d);
		break;
	case LINE_COMPLETE:
		say(d, "complete: %zu bytes", d->reader.len);
		return DIALOG_ANSWER;
	case LINE_FOREIGN:
		hint(d, now_us);
		break;
	}
	return DIALOG_NOTHING;
}

/* A word is one that word_at() lists, so that nothing else is reached by typing. */
static bool is_action(const struct dialog *d, const char *word, enum rescue_action *ret_action)
{
	int action = rescue_action_from_name(word);

	if ((action != RESCUE_REBOOT && action != RESCUE_POWEROFF) ||
	    !(d->page->actions & 1U << action))
		return false;
	*ret_action = (enum rescue_action)action;
	return true;
}

static enum dialog_result obey(struct dialog *d, uint64_t now_us)
{
	char copy[DIALOG_LINE_MAX + 1], *word;

	memcpy(copy, d->line, sizeof(copy));
	word = text_strip(copy);
	if (is_action(d, word, &d->action))
		return DIALOG_WORD;
	if (show_screen(d, word) || ask_challenge(d, word))
		return DIALOG_NOTHING;
	if (d->page->challenge)
		return take_answer_line(d, now_us);
	hint(d, now_us);
	return DIALOG_NOTHING;
}

static enum dialog_result end_line(struct dialog *d, uint64_t now_us)
{
	enum dialog_result result = DIALOG_NOTHING;

	if (d->echoed > 0)
		put(d, "\r\n", 2);
	d->line[d->len] = '\0';
	if (d->too_long || d->len == 0)
		hint(d, now_us);
	else
		result = obey(d, now_us);
	forget_line(d);
	return result;
}

/* True if the character belongs to a key that is no letter, such as an arrow. */
static bool skip_escape(struct dialog *d, unsigned char c)
{
	switch (d->escape) {
	case DIALOG_PLAIN:
		return false;
	case DIALOG_ESCAPE:
		d->escape = c == '[' ? DIALOG_CONTROL : c == 'O' ? DIALOG_SHIFTED : DIALOG_PLAIN;
		return true;
	case DIALOG_CONTROL:
		if (c >= 0x40 && c <= 0x7e) /* ECMA-48, 5.4: final bytes */
			d->escape = DIALOG_PLAIN;
		return true;
	case DIALOG_SHIFTED:
		d->escape = DIALOG_PLAIN;
		return true;
	}
	return false;
}

enum dialog_result dialog_take(struct dialog *d, unsigned char c, uint64_t now_us)
{
	bool after_cr = d->after_cr;

	d->after_cr = c == '\r';
	if (c == '\n' && after_cr)
		return DIALOG_NOTHING;
	if (c == '\r' || c == '\n')
		return end_line(d, now_us);
	if (c == KEY_ESCAPE)
		d->escape = DIALOG_ESCAPE;
	else if (c == KEY_BACKSPACE || c == KEY_DELETE)
		take_back(d);
	else if (c == KEY_KILL)
		take_all_back(d);
	else if (c >= 0x20 && c <= 0x7e && !skip_escape(d, c))
		type(d, (char)c);
	return DIALOG_NOTHING;
}
