/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * paste.c - takes a challenge out of text in which anything may stand beside it.
 * Trusts no byte of it, and prints none.
 */
#include "owner/rescue/paste.h"

#include <string.h>
#include <unistd.h>

#include "base/text.h"
#include "owner/io/file.h"

#define PASTE_LINE_SIZE 1024 /* bytes that are looked at: a line of a challenge has 64 */

struct paste {
	struct line_reader reader;
	bool terminal;
	bool open;	   /* a challenge has begun, and is not whole */
	bool ended;	   /* its end mark has come, but a line was missing */
	unsigned int last; /* number of the line before, behind a challenge that was whole */
	char *text;	   /* of the last one that was whole */
	size_t len;	   /* 0: there was none */
};

/* "003, 007, 012 and more" */
static void list_missing(const struct line_reader *reader, char *buf, size_t size)
{
	unsigned int n = 0, nr;

	buf[0] = '\0';
	for (nr = 0; nr < 8 && (n = line_missing(reader, n)) > 0; nr++)
		text_append(buf, size, "%s%03u", nr ? ", " : "", n);
	if (n > 0 && line_missing(reader, n) > 0)
		text_append(buf, size, " and more");
}

static void say_missing(const struct paste *p)
{
	char list[80];

	list_missing(&p->reader, list, sizeof(list));
	if (list[0])
		fprintf(stderr,
			"Lines %s of %u are missing or not as they were: paste them, and the end mark, "
			"or all of it again.\n",
			list, p->reader.total);
	else
		fprintf(stderr, "There is nothing between its marks: paste all of it again.\n");
}

/* The line that was read last: is it one of the last challenge that was whole, once more? */
static bool is_known(const struct paste *p)
{
	const struct line_reader *reader = &p->reader;
	size_t offset = (reader->n - 1) * LINE_PAYLOAD, len = reader->lengths[reader->n];

	return line_count(p->len) == reader->total + 2 && offset + len <= p->len &&
	       memcmp(reader->message + offset, p->text + offset, len) == 0;
}

static void keep(struct paste *p)
{
	const struct line_reader *reader = &p->reader;

	p->open = false;
	p->len = (reader->total - 1) * LINE_PAYLOAD + reader->lengths[reader->total];
	memcpy(p->text, reader->message, p->len);
}

/* Another challenge begins with this line. Without a mark, only a line that is good says so. */
static bool restart(struct paste *p, const char *line)
{
	const struct line_reader before = p->reader;

	line_reader_init(&p->reader, LINE_CHALLENGE);
	if (line_read(&p->reader, line) == LINE_TAKEN) {
		p->ended = false;
		return true;
	}
	p->reader = before;
	return false;
}

/* A begin mark can be lost. Lines of the last challenge once more may be those of a newer one,
 * which begins alike, or be shown again; what goes back in number is another beginning.
 * A line can be lost, too. The guest shows it again, and who appends that to a record has the end
 * mark in front of it; at a terminal the end mark is typed once more. */
static void take_number(struct paste *p, const char *line)
{
	if (!p->open && p->reader.n < p->last)
		(void)restart(p, line); /* it was good already */
	p->last = p->reader.n;
	p->open = p->open || !is_known(p);
	if (!p->terminal && p->ended && line_missing(&p->reader, 0) == 0)
		keep(p);
}

/* Returns true if no more has to be read. */
static bool take_line(struct paste *p, const char *line)
{
	switch (line_read(&p->reader, line)) {
	case LINE_BEGUN:
		p->open = true;
		p->ended = false;
		break;
	case LINE_TAKEN:
		take_number(p, line);
		break;
	case LINE_BROKEN: /* or of another length */
		if (!p->open && restart(p, line))
			take_number(p, line);
		break;
	case LINE_MISSING:
		p->ended = true;
		if (p->terminal)
			say_missing(p);
		break;
	case LINE_COMPLETE:
		p->ended = false;
		p->last = 0;
		keep(p);
		return p->terminal;
	default:
		break;
	}
	return false;
}

/* Terminals and their records end lines in either way, or in both. Returns 0 or -errno. */
static int read_lines(struct paste *p, FILE *in)
{
	char line[PASTE_LINE_SIZE];
	size_t n = 0;
	int c;

	while ((c = getc(in)) != EOF) {
		if (c != '\n' && c != '\r') {
			if (c != '\0' && n < sizeof(line) - 1)
				line[n++] = (char)c;
			continue;
		}
		line[n] = '\0';
		n = 0;
		if (take_line(p, line))
			return 0;
	}
	if (ferror(in))
		return -errno;
	line[n] = '\0';
	(void)take_line(p, line); /* it was the last one */
	return 0;
}

static int refuse(const struct paste *p, const char *path, struct fault *f)
{
	static const char again[] =
		"copy all lines of the challenge, from its begin mark to its "
		"end mark; the word `challenge` at the guest's console shows it "
		"again";
	char list[80];

	list_missing(&p->reader, list, sizeof(list));
	if (list[0])
		return fault_about(f, EXITCODE_BAD_INPUT, path, again,
				   "the challenge is not whole: of its %u lines, these are missing or "
				   "not as they were: %s",
				   p->reader.total, list);
	return fault_about(f, EXITCODE_BAD_INPUT, path, again,
			   p->open ? "the end of the challenge is missing" :
				     "there is no challenge in it");
}

int paste_read(const char *path, char ret_text[static LINE_MESSAGE_MAX], size_t *ret_len,
	       struct fault *f)
{
	_cleanup_free_ struct paste *p = calloc(1, sizeof(*p));
	int fd = file_open(path, f);
	FILE *in;
	int r;

	if (fd < 0)
		return fd;
	in = p ? fdopen(fd, "r") : NULL;
	if (!in) {
		(void)close(fd); /* only read */
		return fault_io(f, path, -ENOMEM, "cannot read");
	}
	p->text = ret_text;
	p->terminal = isatty(fd) == 1;
	line_reader_init(&p->reader, LINE_CHALLENGE);
	if (p->terminal)
		fprintf(stderr, "Paste the challenge, from its begin mark to its end mark:\n");
	r = read_lines(p, in);
	(void)fclose(in); /* only read */
	if (r < 0)
		return fault_io(f, path, r, "cannot read");
	if (p->len == 0 || p->open)
		return refuse(p, path, f);
	*ret_len = p->len;
	return 0;
}
