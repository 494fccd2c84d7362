/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * screen.c - writes the pages that a console shows after a failure.
 * Trusts no text: names of devices and partitions are the host's, and all is made printable and
 * cut to its place. Looks at sysfs alone, and at no disk; never gets a secret to see.
 */
#include "boot/screen.h"

#include <stdarg.h>
#include <string.h>

#include "base/paths.h"
#include "base/text.h"

#define LABEL_COLUMNS 9 /* in front of a field */

/* How many lines of the report a field may have; with those of one line they are SCREEN_LINES. */
#define REASON_LINES 5
#define NEXT_LINES 5
#define VOLUME_LINES 4
#define NOTE_LINES 3

#define DEVICES_MAX 128
#define DEVICE_NAME_SIZE 40
#define SYSFS_MAX 4096 /* bytes of a file of sysfs */

/* A page that is being written. */
struct page {
	char *text; /* SCREEN_SIZE bytes */
	size_t lines;
};

static struct page page_on(char text[static SCREEN_SIZE])
{
	*text = '\0';
	return (struct page){ .text = text };
}

static void line(struct page *p, const char *fmt, ...) _printf_(2, 3);

static void line(struct page *p, const char *fmt, ...)
{
	char raw[SCREEN_COLUMNS + 1], text[SCREEN_COLUMNS + 1];
	va_list ap;

	if (p->lines == SCREEN_LINES)
		return;
	va_start(ap, fmt);
	(void)vsnprintf(raw, sizeof(raw), fmt, ap); /* cut on purpose */
	va_end(ap);
	text_printable(raw, text, sizeof(text));
	text_append(p->text, SCREEN_SIZE, "%s\n", text);
	p->lines++;
}

/* How much of a text goes into a line: up to a blank, if there is one. */
static size_t fitting(const char *text, size_t columns)
{
	size_t i, len = strlen(text);

	if (len <= columns)
		return len;
	for (i = columns; i > 0 && text[i] != ' '; i--)
		;
	return i > 0 ? i : columns;
}

static const char *behind(const char *text, size_t n)
{
	text += n;
	return text + strspn(text, " ");
}

static void field(struct page *p, const char *label, const char *text, size_t max)
{
	const size_t columns = SCREEN_COLUMNS - LABEL_COLUMNS;
	size_t i, n;

	for (i = 0; i < max && *text != '\0'; i++) {
		bool cut;

		n = fitting(text, columns);
		cut = i + 1 == max && *behind(text, n) != '\0';
		if (cut)
			n = fitting(text, columns - strlen(" ..."));
		line(p, "%-*s%.*s%s", LABEL_COLUMNS, i == 0 ? label : "", (int)n, text,
		     cut ? " ..." : "");
		text = behind(text, n);
	}
}

void screen_wrap(const char *text, char *ret_text, size_t size)
{
	size_t n;

	*ret_text = '\0';
	while (*text != '\0') {
		n = fitting(text, SCREEN_COLUMNS);
		text_append(ret_text, size, "%s%.*s", *ret_text ? "\n" : "", (int)n, text);
		text = behind(text, n);
	}
}

static void volume_line(struct page *p, const struct volume_conf *conf, const struct run *run)
{
	char found[64 + POLICY_RULE_SIZE] = "header not looked at";

	if (strcmp(run->header, "accepted") == 0)
		(void)snprintf(found, sizeof(found), "header accepted, %s",
			       run->keyslot < 0 ? "not opened" : "opened");
	else if (*run->header)
		(void)snprintf(found, sizeof(found), "header breaks the rule '%s'", run->header);
	line(p, "%-*s%s: %s, %s", LABEL_COLUMNS, "volume", conf->name,
	     *run->device ? run->device : "no device", found);
}

static void volume_lines(struct page *p, const struct conf *conf, const struct report *report)
{
	size_t i, shown = conf->nr_volumes;

	if (shown > VOLUME_LINES)
		shown = VOLUME_LINES - 1;
	for (i = 0; i < shown; i++)
		volume_line(p, &conf->volumes[i], &report->runs[i]);
	if (shown < conf->nr_volumes)
		line(p, "%-*sand %zu more", LABEL_COLUMNS, "", conf->nr_volumes - shown);
}

static void words_line(struct page *p, const struct console_page *page)
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
	line(p, "%-*s%s", LABEL_COLUMNS, "words", text_strip(words));
}

static void report_page(const struct screen_facts *facts, const struct console_page *page,
			char text[static SCREEN_SIZE])
{
	const struct fault *f = facts->fault;
	uint64_t limit_s = facts->conf->rescue.timeout_ms / 1000;
	struct page p = page_on(text);

	line(&p, "coco-unlock: this boot has stopped. The console is the host's: type no secret.");
	line(&p, "%s", "");
	line(&p, "%-*s%d %s", LABEL_COLUMNS, "code", (int)f->code, exitcode_name(f->code));
	field(&p, "reason", f->why, REASON_LINES);
	field(&p, "next", fault_next(f), NEXT_LINES);
	volume_lines(&p, facts->conf, facts->report);
	if (facts->note)
		field(&p, "note", facts->note, NOTE_LINES);
	line(&p, "%-*sthe machine powers off %ju min %ju s after the first failure", LABEL_COLUMNS,
	     "time", (uintmax_t)limit_s / 60, (uintmax_t)limit_s % 60);
	if (page->challenge)
		line(&p, "%-*spaste the lines that `coco-secret answer` makes of the challenge",
		     LABEL_COLUMNS, "answer");
	words_line(&p, page);
}

/* A file of a device in sysfs, without its last newline; "" if it has none. */
static void device_file(const struct root *root, const char *device, const char *name,
			char *ret_text, size_t size)
{
	_cleanup_free_ char *text = NULL;
	char path[sizeof(PATH_SYS_BLOCK) + DEVICE_NAME_SIZE + 32];

	*ret_text = '\0';
	(void)snprintf(path, sizeof(path), "%s/%s/%s", PATH_SYS_BLOCK, device, name); /* fits */
	if (root_read_text(root, path, SYSFS_MAX, &text) >= 0)
		text_append(ret_text, size, "%.*s", (int)strcspn(text, "\n"), text);
}

/* What the kernel's event of the device says, such as PARTUUID=... */
static void device_fact(const char *uevent, const char *key, char *ret_value, size_t size)
{
	const char *at = uevent;
	size_t len = strlen(key);

	*ret_value = '\0';
	for (; *at != '\0'; at += strcspn(at, "\n"), at += *at == '\n')
		if (strncmp(at, key, len) == 0 && at[len] == '=')
			text_append(ret_value, size, "%.*s", (int)strcspn(at + len + 1, "\n"),
				    at + len + 1);
}

/* Facts of a device that not every one has, each behind its name. */
static void device_facts(const struct root *root, const char *device, const char *uevent,
			 char *text, size_t size)
{
	static const char *const keys[] = { "PARTUUID", "PARTNAME" };
	static const char *const files[] = { "serial", "dm/name", "md/array_state" };
	char value[64];
	size_t i;

	for (i = 0; i < ARRAY_SIZE(keys); i++) {
		device_fact(uevent, keys[i], value, sizeof(value));
		if (*value)
			text_append(text, size, " %s=%s", keys[i], value);
	}
	for (i = 0; i < ARRAY_SIZE(files); i++) {
		device_file(root, device, files[i], value, sizeof(value));
		if (*value)
			text_append(text, size, " %s=%s", files[i], value);
	}
}

static void size_text(uint64_t sectors, char *ret_text, size_t size)
{
	static const char *const units[] = { "KiB", "MiB", "GiB", "TiB", "PiB" };
	double value = (double)sectors / 2; /* Linux' sysfs-block: of 512 bytes, whatever it is */
	size_t i;

	for (i = 0; value >= 1024 && i + 1 < ARRAY_SIZE(units); i++)
		value /= 1024;
	(void)snprintf(ret_text, size, "%.1f %s", value, units[i]);
}

/* Of these the kernel makes some without a disk behind them. */
static bool is_empty_slot(const char *name, uint64_t sectors)
{
	static const char *const prefixes[] = { "loop", "ram", "nbd", "zram" };
	size_t i;

	for (i = 0; i < ARRAY_SIZE(prefixes); i++)
		if (strncmp(name, prefixes[i], strlen(prefixes[i])) == 0)
			return sectors == 0;
	return false;
}

struct device_list {
	const struct root *root;
	char names[DEVICES_MAX][DEVICE_NAME_SIZE];
	size_t nr, more; /* more: had no room */
};

static int list_device(const char *name, void *data)
{
	struct device_list *list = data;
	uint64_t sectors = 0;
	char text[32];

	if (strlen(name) >= DEVICE_NAME_SIZE)
		return 0;
	device_file(list->root, name, "size", text, sizeof(text));
	if (text_u64(text, UINT64_MAX, &sectors) == 0 && is_empty_slot(name, sectors))
		return 0;
	if (list->nr == DEVICES_MAX)
		list->more++;
	else
		(void)snprintf(list->names[list->nr++], DEVICE_NAME_SIZE, "%s", name); /* fits */
	return 0;
}

static int by_name(const void *a, const void *b)
{
	return strverscmp(a, b);
}

static void device_line(struct page *p, const struct root *root, const char *name)
{
	char text[32], size[32] = "?", type[24], facts[SCREEN_COLUMNS + 1] = "";
	char path[sizeof(PATH_SYS_BLOCK) + DEVICE_NAME_SIZE + 8];
	_cleanup_free_ char *uevent = NULL;
	uint64_t sectors;

	device_file(root, name, "size", text, sizeof(text));
	if (text_u64(text, UINT64_MAX, &sectors) == 0)
		size_text(sectors, size, sizeof(size));
	device_file(root, name, "ro", text, sizeof(text));
	(void)snprintf(path, sizeof(path), "%s/%s/uevent", PATH_SYS_BLOCK, name); /* fits */
	if (root_read_text(root, path, SYSFS_MAX, &uevent) < 0)
		uevent = NULL;
	device_fact(uevent ? uevent : "", "DEVTYPE", type, sizeof(type));
	device_facts(root, name, uevent ? uevent : "", facts, sizeof(facts));
	line(p, "%-11.11s %11s  %-3s %-9.9s%s", name, size, strcmp(text, "1") == 0 ? "ro" : "rw",
	     type, facts);
}

static void devices_page(const struct root *root, char text[static SCREEN_SIZE])
{
	struct device_list list = { .root = root };
	struct page p = page_on(text);
	size_t i, shown;
	int r = root_walk(root, PATH_SYS_BLOCK, 0, list_device, &list);

	line(&p, "Block devices, as the kernel lists them; no disk was read for this page:");
	if (r < 0)
		line(&p, "the list cannot be read to its end: %s", strerror(-r));
	qsort(list.names, list.nr, sizeof(list.names[0]), by_name);
	shown = SCREEN_LINES - p.lines;
	if (list.nr + list.more > shown)
		shown--;
	else
		shown = list.nr;
	for (i = 0; i < shown; i++)
		device_line(&p, root, list.names[i]);
	if (shown < list.nr + list.more)
		line(&p, "and %zu more", list.nr + list.more - shown);
	if (r == 0 && list.nr == 0)
		line(&p, "none");
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
	struct page p = page_on(text);
	char use[SCREEN_COLUMNS + 1];

	line(&p, "Secrets that were there, by name; what they held is not kept here:");
	line(&p, "%-*s%s: %u found, %u read, %u wiped, %u kept", LABEL_COLUMNS, "source",
	     src->kind ? src->kind : "launch-secret", src->found, src->read, src->wiped, src->kept);
	if (attempts && nr > ARRAY_SIZE(attempts->entries))
		nr = ARRAY_SIZE(attempts->entries);
	shown = SCREEN_LINES - p.lines;
	shown = nr > shown ? shown - 1 : nr;
	for (i = 0; i < shown; i++) {
		entry_use(facts->conf, attempts->entries[i], use, sizeof(use));
		line(&p, "%s%s", attempts->entries[i], use);
	}
	if (shown < nr)
		line(&p, "and %zu more", nr - shown);
	if (nr == 0)
		line(&p, "no name is known");
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
	struct page p = page_on(text);
	enum stage stage;

	for (stage = 0; stage < _STAGE_MAX; stage++) {
		if (!report_stage(report, stage, &start_us, &us))
			continue;
		first_us = start_us < first_us ? start_us : first_us;
		last_us = start_us + us > last_us ? start_us + us : last_us;
	}
	line(&p, "%-14s %12s %12s", "stage", "begins at", "lasted");
	for (stage = 0; stage < _STAGE_MAX; stage++) {
		if (!report_stage(report, stage, &start_us, &us))
			continue;
		screen_bar(start_us - first_us, us, last_us - first_us, bar);
		line(&p, "%-14s %9.1f ms %9.1f ms %s", report_stage_name(stage),
		     (double)(start_us - first_us) / 1000, (double)us / 1000, bar);
	}
	if (last_us == 0)
		line(&p, "no stage was reached");
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
	devices_page(facts->root, screens->devices);
	secrets_page(facts, screens->secrets);
	times_page(facts->report, screens->times);
}
