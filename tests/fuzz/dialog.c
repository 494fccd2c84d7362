/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * dialog.c - fuzz target: what is typed at a console. The first byte chooses the page. Only words
 * on offer and whole answers are events, just as often as by a second, simpler way to read lines;
 * what is said is printable, and of what is typed it has nothing but words.
 */
#include "boot/dialog.h"

#include "fuzz.h"

#define STEP_US 50000 /* between two bytes */

/* The second way: without keys that are more than one byte. */
struct typist {
	char line[DIALOG_LINE_MAX];
	size_t len;
	bool too_long;
};

/* Returns true if the byte ends a line that is this word. */
static bool types_word(struct typist *t, unsigned char c, const char *word)
{
	char line[DIALOG_LINE_MAX + 1];
	bool is;

	if (c == '\r' || c == '\n') {
		while (t->len > 0 && t->line[t->len - 1] == ' ')
			t->len--;
		memcpy(line, t->line, t->len);
		line[t->len] = '\0';
		is = !t->too_long && strcmp(line + strspn(line, " "), word) == 0;
		*t = (struct typist){ 0 };
		return is;
	}
	if (c == 0x15)
		*t = (struct typist){ 0 };
	else if ((c == 0x08 || c == 0x7f) && !t->too_long)
		t->len -= t->len > 0;
	else if (c >= 0x20 && c < 0x7f && t->len == DIALOG_LINE_MAX)
		t->too_long = true;
	else if (c >= 0x20 && c < 0x7f)
		t->line[t->len++] = (char)c;
	return false;
}

static void check_shown(const struct dialog *d)
{
	size_t i;

	FUZZ_MUST(d->out_len <= sizeof(d->out) && d->len <= DIALOG_LINE_MAX && d->echoed <= d->len);
	for (i = 0; i < d->out_len; i++)
		FUZZ_MUST((d->out[i] >= 0x20 && d->out[i] <= 0x7e) || strchr("\r\n\b", d->out[i]));
	FUZZ_MUST(d->echoed == 0 || strncmp(d->line, "report", d->echoed) == 0 ||
		  strncmp(d->line, "times", d->echoed) == 0 ||
		  strncmp(d->line, "challenge", d->echoed) == 0 ||
		  strncmp(d->line, "reboot", d->echoed) == 0 ||
		  strncmp(d->line, "poweroff", d->echoed) == 0);
}

/* True if the byte was an event, which was one that the page has on offer. */
static bool check_event(const struct dialog *d, enum dialog_result result)
{
	if (result == DIALOG_WORD)
		FUZZ_MUST((d->action == RESCUE_REBOOT || d->action == RESCUE_POWEROFF) &&
			  (d->page->actions & 1U << d->action));
	if (result == DIALOG_ANSWER)
		FUZZ_MUST(d->page->challenge && d->reader.len > 0 &&
			  d->reader.len <= LINE_MESSAGE_MAX);
	return result != DIALOG_NOTHING;
}

static size_t count_reboots(const char *bytes, size_t size)
{
	struct typist typist = { 0 };
	size_t i, nr = 0;

	for (i = 0; i < size; i++)
		nr += types_word(&typist, (unsigned char)bytes[i], "reboot");
	return nr;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const char challenge[] = "challenge, in more than one line of a console's";
	static struct dialog dialog;
	unsigned int choice = fuzz_choice(&data, &size);
	const struct console_page page = {
		.screens = { { "report", "report\n" }, { "times", "times\x1b\n" } },
		.nr_screens = 2,
		.actions = 1U << RESCUE_REBOOT | (choice & 1 ? 1U << RESCUE_POWEROFF : 0) |
			   1U << RESCUE_UNLOCK,
		.challenge = choice & 2 ? challenge : NULL,
		.challenge_len = choice & 2 ? sizeof(challenge) - 1 : 0,
	};
	char *bytes = fuzz_copy(data, size);
	size_t i, reboots = 0, events = 0;

	dialog_init(&dialog, &page);
	for (i = 0; i < size; i++) {
		enum dialog_result result =
			dialog_take(&dialog, (unsigned char)bytes[i], i * STEP_US);

		check_shown(&dialog);
		events += check_event(&dialog, result);
		reboots += result == DIALOG_WORD && dialog.action == RESCUE_REBOOT;
		if (!(choice & 4))
			dialog_wrote(&dialog, dialog.out_len);
		else if (dialog.out_len > 0 && i % 16 == 0)
			dialog_wrote(&dialog, 1);
	}
	if (size == 0 || !memchr(bytes, 0x1b, size))
		FUZZ_MUST(reboots == count_reboots(bytes, size));
	fuzz_accepted += events > 0;
	free(bytes);
	return 0;
}
