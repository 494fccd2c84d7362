/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * dialog.c - what is typed at a console: lines, words, keys that are no letters, an answer's lines
 * in whatever state they come, noise; and what is shown of all that.
 */
#include "boot/dialog.h"

#include <stdlib.h>

#include "tap.h"

static const char challenge[] =
	"the challenge: more than one line of base64, so that there are two";
static struct console_page page;
static struct dialog dialog;
static uint64_t now_us;

static void begin(void)
{
	page = (struct console_page){
		.screens = { { "report", "the report\n" }, { "times", "the times\n" } },
		.nr_screens = 2,
		.actions = 1U << RESCUE_UNLOCK | 1U << RESCUE_REBOOT | 1U << RESCUE_POWEROFF,
		.challenge = challenge,
		.challenge_len = sizeof(challenge) - 1,
	};
	now_us = 5000000;
	dialog_init(&dialog, &page);
	dialog_wrote(&dialog, dialog.out_len);
}

static enum dialog_result type_bytes(const char *bytes, size_t len)
{
	enum dialog_result result = DIALOG_NOTHING;
	size_t i;

	for (i = 0; i < len; i++) {
		enum dialog_result one = dialog_take(&dialog, (unsigned char)bytes[i], now_us);

		result = one != DIALOG_NOTHING ? one : result;
	}
	return result;
}

static enum dialog_result type_text(const char *text)
{
	return type_bytes(text, strlen(text));
}

/* What was said since the last call. */
static const char *heard(void)
{
	static char text[DIALOG_OUT_SIZE + 1];

	memcpy(text, dialog.out, dialog.out_len);
	text[dialog.out_len] = '\0';
	dialog_wrote(&dialog, dialog.out_len);
	return text;
}

#define HINT "words: report times challenge reboot poweroff\r\n"

static void test_words(void)
{
	begin();
	dialog_init(&dialog, &page);
	is_str(heard(), "\r\nthe report\r\n", "the first screen comes by itself");
	ok(type_text("times\r") == DIALOG_NOTHING, "a screen's word is no event");
	is_str(heard(), "times\r\nthe times\r\n", "a word is echoed, and its screen shown");
	ok(type_text("reboot\n") == DIALOG_WORD && dialog.action == RESCUE_REBOOT, "reboot");
	ok(type_text("  poweroff \r\n") == DIALOG_WORD && dialog.action == RESCUE_POWEROFF,
	   "poweroff, with blanks around it");
	(void)heard();
	ok(type_text("unlock\rfetch\r") == DIALOG_NOTHING, "no action but these by a word");
	is_str(heard(), HINT, "an unknown word: a hint, and no echo");
	page.actions = 1U << RESCUE_POWEROFF;
	page.challenge = NULL;
	now_us += DIALOG_HINT_US;
	ok(type_text("reboot\rchallenge\rREPORT\rreport2\r\r") == DIALOG_NOTHING,
	   "nor one that is not on offer");
	is_str(heard(), "re\r\nwords: report times poweroff\r\nreport\r\n",
	       "which the hint knows, once a second");
}

static void test_keys(void)
{
	begin();
	ok(type_text("rebox\x7f\x08oot\r") == DIALOG_WORD, "backspace and delete");
	is_str(heard(), "rebo\b \boot\r\n", "what was shown is taken back");
	ok(type_text("poweroff\x15times\r") == DIALOG_NOTHING, "^U");
	is_str(heard(), "poweroff\b \b\b \b\b \b\b \b\b \b\b \b\b \b\b \btimes\r\nthe times\r\n",
	       "takes all back");
	ok(type_text("\x7f\x7f\x15\x08re\x7f\x7f\x7freboot\r") == DIALOG_WORD,
	   "more back than there is");
	(void)heard();
	ok(type_text("\x1b[A\x1bOP\x1b[200~re\x1b[3~\x1b[1;5Cboo\x1bxt\r") == DIALOG_WORD,
	   "arrows and other keys do nothing");
	is_str(heard(), "reboot\r\n", "and are not shown");
	ok(type_text("\x1b[\rreboot\r") == DIALOG_WORD, "half a key ends with its line");
	ok(type_bytes("r\0e\x80\xff"
		      "b\x03\x04\x11\x13"
		      "oot\t\r",
		      16) == DIALOG_WORD,
	   "NUL, other control characters and those of 8 bits are ignored");
	(void)heard();
}

static void test_secret(void)
{
	begin();
	now_us += 1000;
	ok(type_text("Correct horse battery\r") == DIALOG_NOTHING && strcmp(heard(), HINT) == 0,
	   "of what is no word nothing is shown");
	ok(type_text("reports of passphrases\r") == DIALOG_NOTHING, "also if it begins like one");
	is_str(heard(), "report\r\n", "but for the word itself");
}

static void test_long_lines(void)
{
	char line[DIALOG_LINE_MAX + 20];

	begin();
	memset(line, ' ', sizeof(line));
	memcpy(line, "reboot", 6);
	line[DIALOG_LINE_MAX] = '\r';
	ok(type_bytes(line, DIALOG_LINE_MAX + 1) == DIALOG_WORD, "a line of the greatest length");
	line[DIALOG_LINE_MAX] = ' ';
	line[DIALOG_LINE_MAX + 1] = '\r';
	ok(type_bytes(line, DIALOG_LINE_MAX + 2) == DIALOG_NOTHING,
	   "one that is longer is dropped as a whole");
	memset(line, 'x', sizeof(line));
	(void)type_bytes(line, sizeof(line));
	ok(type_text("reboot\r") == DIALOG_NOTHING, "its end is no line of its own");
	ok(type_text("reboot\r") == DIALOG_WORD, "and the next one is");
	(void)type_bytes(line, sizeof(line));
	ok(type_text("\x15reboot\r") == DIALOG_WORD, "^U forgets a long one, too");
	(void)heard();
}

static void test_hints(void)
{
	begin();
	ok(type_text("a\rb\r\r\n\nx\r") == DIALOG_NOTHING, "unknown lines");
	is_str(heard(), HINT, "one hint for all");
	now_us += DIALOG_HINT_US - 1;
	(void)type_text("d\r");
	is_str(heard(), "", "none before a second is over");
	now_us += 1;
	(void)type_text("d\r");
	is_str(heard(), HINT, "and one after");
	now_us += DIALOG_HINT_US;
	(void)type_text("\r\n");
	is_str(heard(), HINT, "an empty line asks for it, too; CR and LF are one end");
}

static void test_challenge(void)
{
	char line[LINE_TEXT_SIZE], expected[1000] = "challenge\r\n";
	size_t i;

	begin();
	(void)type_text("challenge\r");
	for (i = 0; i < line_count(page.challenge_len); i++) {
		line_text(LINE_CHALLENGE, (const unsigned char *)challenge, page.challenge_len, i,
			  line);
		strcat(strcat(expected, line), "\r\n");
	}
	is_str(heard(), expected, "the challenge, with its marks");
	line_text(LINE_CHALLENGE, (const unsigned char *)challenge, page.challenge_len, 2, line);
	(void)snprintf(expected, sizeof(expected), "challenge\r\n%s\r\n", line);
	(void)type_text("challenge 002\r");
	is_str(heard(), expected, "one of its lines");
	(void)type_text("challenge   2 \r");
	is_str(heard(), expected, "the same");
	(void)type_text("challenge 77\r");
	is_str(heard(), "challenge\r\n", "one that is not there");
	now_us += DIALOG_HINT_US;
	(void)type_text("challenge x\rchallenge 0\rchallenge 1 2\rchallenge 1000\r");
	is_str(strstr(heard(), "words"), HINT "challenge\r\nchallenge\r\nchallenge\r\n",
	       "no number");
}

static unsigned char message[2000];

/* Line n of the message as it is typed. */
static const char *answer_line(size_t n)
{
	static char line[LINE_TEXT_SIZE + 2];

	line_text(LINE_ANSWER, message, sizeof(message), n, line);
	return strcat(line, "\r");
}

static enum dialog_result type_answer(size_t from, size_t to)
{
	enum dialog_result result = DIALOG_NOTHING;
	size_t i;

	for (i = from; i < to && result == DIALOG_NOTHING; i++)
		result = type_text(answer_line(i));
	return result;
}

static bool has_message(void)
{
	return dialog.reader.len == sizeof(message) &&
	       memcmp(dialog.reader.message, message, sizeof(message)) == 0;
}

static void test_answer(void)
{
	size_t i, all = line_count(sizeof(message));
	char text[40];

	begin();
	for (i = 0; i < sizeof(message); i++)
		message[i] = (unsigned char)(i * 7 + i / 256);
	(void)type_text(answer_line(0));
	is_str(heard(), "begun: all lines of before are forgotten\r\n", "the begin mark");
	(void)type_text(answer_line(1));
	is_str(heard(), "ok 001\r\n", "a line is acknowledged, and not echoed");
	ok(type_answer(2, all) == DIALOG_ANSWER && has_message(), "an answer");
	(void)snprintf(text, sizeof(text), "\r\nok %03zu\r\ncomplete: 2000 bytes\r\n", all - 2);
	ok(strstr(heard(), text), "and what was said of it");

	begin();
	(void)type_answer(0, all / 2);
	(void)type_text("noise\rtimes\r");
	(void)type_answer(1, all / 2);
	ok(type_answer(all / 2, all) == DIALOG_ANSWER && has_message(),
	   "lines twice, and others between them");
	(void)heard();

	begin();
	(void)type_text(answer_line(0));
	for (i = all - 2; i > 0; i--)
		(void)type_text(answer_line(i));
	ok(type_text(answer_line(all - 1)) == DIALOG_ANSWER && has_message(), "in another order");
	(void)heard();
}

static void test_lost(void)
{
	size_t all = line_count(sizeof(message));
	char line[LINE_TEXT_SIZE + 2];

	begin();
	(void)type_answer(0, 3);
	(void)strcpy(line, answer_line(3));
	line[20] = line[20] == 'A' ? 'B' : 'A';
	(void)heard();
	ok(type_text(line) == DIALOG_NOTHING, "a line with another letter");
	is_str(heard(), "again 003\r\n", "is to be sent again");
	(void)type_answer(5, all - 1);
	(void)heard();
	ok(type_text(answer_line(all - 1)) == DIALOG_NOTHING, "lines are lost");
	is_str(heard(), "missing 003 004\r\n", "which ones is said");
	(void)type_answer(3, 5);
	ok(type_text(answer_line(all - 1)) == DIALOG_ANSWER && has_message(),
	   "these and the end mark complete it");
	(void)heard();

	begin();
	(void)type_answer(0, 2);
	(void)heard();
	ok(type_text(answer_line(all - 1)) == DIALOG_NOTHING, "nearly all are lost");
	ok(strncmp(heard(), "missing 002 003 ", 16) == 0 && strlen(heard()) == 0, "the first ones");
	begin();
	(void)type_answer(0, 2);
	(void)heard();
	(void)type_text(answer_line(all - 1));
	ok(dialog.out_len <= 81 && strstr(heard(), " ...\r\n"), "... in one line");
	(void)type_text(answer_line(0));
	(void)heard();
	(void)type_text(answer_line(all - 1));
	is_str(heard(), "missing 001 ...\r\n", "all are lost");
}

static void test_no_challenge(void)
{
	begin();
	page.challenge = NULL;
	ok(type_answer(0, line_count(sizeof(message))) == DIALOG_NOTHING,
	   "where no answer is taken, its lines are nothing");
	is_str(heard(), "words: report times reboot poweroff\r\n", "but a hint");
	ok(!dialog.reader.begun, "and are not read");
}

static void test_noise(void)
{
	unsigned int i, seed = 1;
	bool quiet = true;

	begin();
	for (i = 0; i < 10000000; i++) {
		seed = seed * 1103515245 + 12345;
		if (dialog_take(&dialog, (unsigned char)(seed >> 16), now_us) != DIALOG_NOTHING)
			quiet = false;
	}
	ok(quiet, "10 MB of noise are neither a word nor an answer");
	ok(dialog.out_len <= sizeof(dialog.out), "and fill no more than the buffer");
	(void)heard();
	(void)type_text("\r");
	ok(type_answer(0, line_count(sizeof(message))) == DIALOG_ANSWER && has_message(),
	   "an answer behind it is taken");
}

static void test_full(void)
{
	size_t before;
	int i;

	begin();
	for (i = 0; i < 10000; i++)
		(void)type_text("times\r");
	before = dialog.out_len;
	ok(before <= sizeof(dialog.out) && before > sizeof(dialog.out) - 64,
	   "nobody reads: what is said stays within the buffer");
	ok(type_answer(0, line_count(sizeof(message))) == DIALOG_ANSWER && has_message(),
	   "and an answer is taken all the same");
	ok(type_text("reboot\r") == DIALOG_WORD, "as is a word");
}

static void test_say(void)
{
	begin();
	dialog_say(&dialog, "a\x1b[2J\x9b\tb\nc");
	is_str(heard(), "a?[2J??b\r\nc\r\n", "what is not printable is not shown");
	dialog_say(&dialog, "");
	is_str(heard(), "", "nothing is nothing");
	dialog_say(&dialog, "\n");
	is_str(heard(), "\r\n", "an empty line");
	dialog_say(&dialog, "0123456789");
	dialog_wrote(&dialog, 4);
	is_str(heard(), "456789\r\n", "a part was written");
}

int main(void)
{
	test_words();
	test_keys();
	test_secret();
	test_long_lines();
	test_hints();
	test_challenge();
	test_answer();
	test_lost();
	test_no_challenge();
	test_noise();
	test_full();
	test_say();
	return tap_done();
}
