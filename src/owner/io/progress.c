/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * progress.c - a bar for a terminal, plain lines for everything else.
 * Trusts its numbers. May only write to the given stream; what cannot be written is lost.
 */
#include "owner/io/progress.h"

#include <string.h>
#include <time.h>

#include "base/text.h"

#define BAR 24 /* columns */
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

void progress_format(char *line, size_t size, const char *what, bool terminal, uint64_t done,
		     uint64_t total, double seconds)
{
	unsigned int percent = total ? (unsigned int)((double)done * 100 / (double)total) : 100;
	char bar[BAR + 1];

	line[0] = '\0';
	if (terminal) {
		memset(bar, '.', BAR);
		memset(bar, '#', percent * BAR / 100);
		bar[BAR] = '\0';
		text_append(line, size, "%s [%s] ", what, bar);
	} else {
		text_append(line, size, "%s: ", what);
	}
	text_append(line, size, "%3u %% of %.0f MiB", percent, (double)total / MIB);
	if (done == 0 || seconds <= 0)
		return;
	text_append(line, size, ", %.0f MiB/s", (double)done / MIB / seconds);
	if (done < total)
		append_left(line, size, done, total, seconds);
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
	progress_format(line, sizeof(line), p->what, p->terminal, done, total, now() - p->start);
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
