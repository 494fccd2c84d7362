/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * screen.c - writes the pages that a console shows after a failure.
 * Trusts no text: screentext.c makes all of it printable and cuts it to its place. May not look at
 * the machine, which screendevices.c does; never gets a secret to see.
 */
#include "boot/screen.h"

#include <string.h>

#include "base/text.h"
#include "boot/screendevices.h"

/* How many lines of the report a field may have; with those of one line they are SCREEN_LINES. */
#define REASON_LINES 5
#define NEXT_LINES 5
#define VOLUME_LINES 4
#define NOTE_LINES 3

static void volume_line(struct screen_page *p, const struct volume_conf *conf,
			const struct run *run)
{
	char found[64 + POLICY_RULE_SIZE] = "header not looked at";

	if (strcmp(run->header, "accepted") == 0)
		(void)snprintf(found, sizeof(found), "header accepted, %s",
			       run->keyslot < 0 ? "not opened" : "opened");
	else if (*run->header)
		(void)snprintf(found, sizeof(found), "header breaks the rule '%s'", run->header);
	screen_line(p, "%-*s%s: %s, %s", SCREEN_LABEL_COLUMNS, "volume", conf->name,
		    *run->device ? run->device : "no device", found);
}

static void volume_lines(struct screen_page *p, const struct conf *conf,
			 const struct report *report)
{
	size_t i, shown = conf->nr_volumes;

	if (shown > VOLUME_LINES)
		shown = VOLUME_LINES - 1;
	for (i = 0; i < shown; i++)
		volume_line(p, &conf->volumes[i], &report->runs[i]);
	if (shown < conf->nr_volumes)
		screen_line(p, "%-*sand %zu more", SCREEN_LABEL_COLUMNS, "",
			    conf->nr_volumes - shown);
}

static void words_line(struct screen_page *p, const struct console_page *page)
{
	char words[SCREEN_COLUMNS + 1] = "";
	size_t i;

	for (i = 0; i < page->nr_screens; i++)
		text_append(words, sizeof(words), "%s ", page->screens[i].word);
	if (page->challenge)
		text_append(words, sizeof(words), "challenge ");
	if (page->actions & 1U << RESCUE_REBOOT)
		text_append(words, sizeof(words), "reboot ");
	if (page->actions & 1U << RESCUE_POWEROFF)
		text_append(words, sizeof(words), "poweroff ");
	screen_line(p, "%-*s%s", SCREEN_LABEL_COLUMNS, "words", text_strip(words));
}

static void report_page(const struct screen_facts *facts, const struct console_page *page,
			char text[static SCREEN_SIZE])
{
	const struct fault *f = facts->fault;
	uint64_t limit_s = facts->conf->rescue.timeout_ms / 1000;
	struct screen_page p = screen_page_on(text);

	screen_line(&p,
		    "coco-unlock: this boot has stopped. The console is the host's: type no secret.");
	screen_line(&p, "%s", "");
	screen_line(&p, "%-*s%d %s", SCREEN_LABEL_COLUMNS, "code", (int)f->code,
		    exitcode_name(f->code));
	screen_field(&p, "reason", f->why, REASON_LINES);
	screen_field(&p, "next", fault_next(f), NEXT_LINES);
	volume_lines(&p, facts->conf, facts->report);
	if (facts->note)
		screen_field(&p, "note", facts->note, NOTE_LINES);
	screen_line(&p, "%-*sthe machine powers off %ju min %ju s after the first failure",
		    SCREEN_LABEL_COLUMNS, "time", (uintmax_t)limit_s / 60, (uintmax_t)limit_s % 60);
	if (page->challenge)
		screen_line(&p,
			    "%-*spaste the lines that `coco-secret answer` makes of the challenge",
			    SCREEN_LABEL_COLUMNS, "answer");
	words_line(&p, page);
}

/* What is known of an entry by its name. */
static void entry_use(const struct conf *conf, const char *guid, char *ret_use, size_t size)
{
	static const struct {
		const char *guid, *use;
	} known[] = {
		{ GUID_DISK_SECRET, "disk secret" },
		{ GUID_POLICY, "policy entry" },
		{ GUID_RESCUE, "rescue entry" },
		{ GUID_KERNEL_EXAMPLE, "the example of the kernel's documentation" },
	};
	size_t i;

	*ret_use = '\0';
	for (i = 0; i < ARRAY_SIZE(known); i++)
		if (strcmp(guid, known[i].guid) == 0)
			text_append(ret_use, size, ", %s", known[i].use);
	for (i = 0; i < conf->nr_volumes; i++)
		if (strcmp(guid, conf->volumes[i].secret.guid) == 0)
			text_append(ret_use, size, ", of volume %s", conf->volumes[i].name);
	if (conf_keeps(conf, guid))
		text_append(ret_use, size, ", in KeepSecrets=");
}

static void secrets_page(const struct screen_facts *facts, char text[static SCREEN_SIZE])
{
	const struct source_info *src = &facts->report->source;
	const struct attempts *attempts = facts->attempts;
	size_t i, nr = attempts ? attempts->nr_entries : 0, shown;
	struct screen_page p = screen_page_on(text);
	char use[SCREEN_COLUMNS + 1];

	screen_line(&p, "Secrets that were there, by name; what they held is not kept here:");
	screen_line(&p, "%-*s%s: %u found, %u read, %u wiped, %u kept", SCREEN_LABEL_COLUMNS,
		    "source", src->kind ? src->kind : "launch-secret", src->found, src->read,
		    src->wiped, src->kept);
	if (attempts && nr > ARRAY_SIZE(attempts->entries))
		nr = ARRAY_SIZE(attempts->entries);
	shown = SCREEN_LINES - p.lines;
	shown = nr > shown ? shown - 1 : nr;
	for (i = 0; i < shown; i++) {
		entry_use(facts->conf, attempts->entries[i], use, sizeof(use));
		screen_line(&p, "%s%s", attempts->entries[i], use);
	}
	if (shown < nr)
		screen_line(&p, "and %zu more", nr - shown);
	if (nr == 0)
		screen_line(&p, "no name is known");
}

void screen_bar(uint64_t start_us, uint64_t us, uint64_t total_us,
		char ret_bar[static SCREEN_BAR_COLUMNS + 1])
{
	const double scale = total_us > 0 ? (double)SCREEN_BAR_COLUMNS / (double)total_us : 0;
	double first = (double)start_us * scale, last = first + (double)us * scale;
	size_t i, from, to;

	from = first < SCREEN_BAR_COLUMNS - 1 ? (size_t)first : SCREEN_BAR_COLUMNS - 1;
	to = last < SCREEN_BAR_COLUMNS ? (size_t)(last + 0.5) : SCREEN_BAR_COLUMNS;
	if (to <= from)
		to = from + 1;
	for (i = 0; i < SCREEN_BAR_COLUMNS; i++)
		ret_bar[i] = i >= from && i < to ? '#' : '.';
	ret_bar[i] = '\0';
}

static void times_page(const struct report *report, char text[static SCREEN_SIZE])
{
	uint64_t start_us, us, first_us = UINT64_MAX, last_us = 0;
	char bar[SCREEN_BAR_COLUMNS + 1];
	struct screen_page p = screen_page_on(text);
	enum stage stage;

	for (stage = 0; stage < _STAGE_MAX; stage++) {
		if (!report_stage(report, stage, &start_us, &us))
			continue;
		first_us = start_us < first_us ? start_us : first_us;
		last_us = start_us + us > last_us ? start_us + us : last_us;
	}
	screen_line(&p, "%-14s %12s %12s", "stage", "begins at", "lasted");
	for (stage = 0; stage < _STAGE_MAX; stage++) {
		if (!report_stage(report, stage, &start_us, &us))
			continue;
		screen_bar(start_us - first_us, us, last_us - first_us, bar);
		screen_line(&p, "%-14s %9.1f ms %9.1f ms %s", report_stage_name(stage),
			    (double)(start_us - first_us) / 1000, (double)us / 1000, bar);
	}
	if (last_us == 0)
		screen_line(&p, "no stage was reached");
}

void screens_make(const struct screen_facts *facts, struct screens *screens,
		  struct console_page *page)
{
	const struct console_screen all[] = {
		{ "report", screens->report },
		{ "devices", screens->devices },
		{ "secrets", screens->secrets },
		{ "times", screens->times },
	};

	_Static_assert(ARRAY_SIZE(all) <= CONSOLE_SCREENS_MAX, "all have room");
	memcpy(page->screens, all, sizeof(all));
	page->nr_screens = ARRAY_SIZE(all);
	report_page(facts, page, screens->report);
	screen_devices(facts->root, screens->devices);
	secrets_page(facts, screens->secrets);
	times_page(facts->report, screens->times);
}
