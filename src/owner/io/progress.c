/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * progress.c - a bar for a terminal, plain lines for everything else.
 * Trusts its numbers. May only write to the given stream; what cannot be written is lost.
 */
#include "owner/io/progress.h"

#include <string.h>
#include <sys/ioctl.h>
#include <time.h>

#include "base/text.h"

#define BAR 24 /* columns */
#define BAR_MIN 8
#define COLUMNS 80 /* if the terminal does not say it */
#define MIB (1024.0 * 1024)

static double now(void)
{
	struct timespec ts;

	(void)clock_gettime(CLOCK_MONOTONIC, &ts); /* cannot fail */
	return (double)ts.tv_sec + (double)ts.tv_nsec / 1e9;
}

void progress_start(struct progress *progress, FILE *file, const char *what)
{
	*progress = (struct progress){
		.file = file,
		.what = what,
		.terminal = isatty(fileno(file)),
		.start = now(),
	};
}

static void append_left(char *line, size_t size, uint64_t done, uint64_t total, double seconds)
{
	double left = seconds * (double)(total - done) / (double)done;
	unsigned long s;

	if (left > 359999)
		return;
	s = (unsigned long)(left + 0.5);
	if (s >= 3600)
		text_append(line, size, ", %lu:%02lu:%02lu left", s / 3600, s / 60 % 60, s % 60);
	else
		text_append(line, size, ", %lu:%02lu left", s / 60, s % 60);
}

/* How many columns a line has, with the last one left free: the cursor stands there. */
static size_t room_of(FILE *file)
{
	struct winsize window;

	if (ioctl(fileno(file), TIOCGWINSZ, &window) < 0 || window.ws_col == 0)
		return COLUMNS - 1;
	return window.ws_col - 1U;
}

/* The bar, as long as is left beside the numbers; without room for any, none. */
static void add_bar(char *line, const char *what, const char *numbers, unsigned int percent,
		    size_t room)
{
	size_t used = strlen(what) + strlen(" [] ") + strlen(numbers), len;
	char bar[BAR + 1];

	len = used + BAR_MIN > room ? 0 : room - used < BAR ? room - used : BAR;
	memset(bar, '.', len);
	memset(bar, '#', percent * len / 100);
	bar[len] = '\0';
	line[0] = '\0';
	text_append(line, PROGRESS_LINE_SIZE, "%s %s%s%s%s", what, len ? "[" : "", bar,
		    len ? "] " : "", numbers);
	if (strlen(line) > room)
		line[room] = '\0';
}

static void add_numbers(char *line, size_t size, uint64_t done, uint64_t total, double seconds,
			bool all)
{
	unsigned int percent = total ? (unsigned int)((double)done * 100 / (double)total) : 100;

	text_append(line, size, "%3u %%", percent);
	if (all)
		text_append(line, size, " of %.0f MiB", (double)total / MIB);
	if (done == 0 || seconds <= 0)
		return;
	text_append(line, size, ", %.0f MiB/s", (double)done / MIB / seconds);
	if (done < total)
		append_left(line, size, done, total, seconds);
}

void progress_format(char line[static PROGRESS_LINE_SIZE], const char *what, size_t room,
		     uint64_t done, uint64_t total, double seconds)
{
	unsigned int percent = total ? (unsigned int)((double)done * 100 / (double)total) : 100;
	char numbers[PROGRESS_LINE_SIZE] = "";

	line[0] = '\0';
	if (room == 0) {
		text_append(line, PROGRESS_LINE_SIZE, "%s: ", what);
		add_numbers(line, PROGRESS_LINE_SIZE, done, total, seconds, true);
		return;
	}
	if (room > PROGRESS_LINE_SIZE - 1)
		room = PROGRESS_LINE_SIZE - 1;
	add_numbers(numbers, sizeof(numbers), done, total, seconds, true);
	if (strlen(what) + strlen(" [] ") + BAR_MIN + strlen(numbers) > room) {
		numbers[0] = '\0';
		add_numbers(numbers, sizeof(numbers), done, total, seconds, false);
	}
	add_bar(line, what, numbers, percent, room);
}

void progress_show(void *data, uint64_t done, uint64_t total)
{
	struct progress *p = data;
	unsigned int tenth = total ? (unsigned int)((double)done * 10 / (double)total) : 10;
	char line[PROGRESS_LINE_SIZE];

	if (done == 0)
		p->start = now();
	if (!p->terminal && tenth == p->told)
		return;
	p->told = tenth;
	progress_format(line, p->what, p->terminal ? room_of(p->file) : 0, done, total,
			now() - p->start);
	/* On a terminal the line may be shorter than the last one: its rest is cleared. */
	fprintf(p->file, p->terminal ? "\r%s\033[K" : "%s\n", line);
	p->drawn = p->terminal;
	(void)fflush(p->file);
}

void progress_end(struct progress *progress)
{
	if (progress->drawn)
		fputc('\n', progress->file);
	progress->drawn = false;
	(void)fflush(progress->file);
}
