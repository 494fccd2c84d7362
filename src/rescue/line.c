/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * line.c - writes a message as lines, and puts it together again from whatever a console or a
 * person makes of them.
 * Trusts no byte of a line. May not know what a message says: a line that is good is neither
 * authentic nor of the right message, which signature and HMAC show.
 */
#include "rescue/line.h"

#include <string.h>

#include "base/base64.h"
#include "base/digest.h"

#define NUMBERS_SIZE 8	/* "NNN/TTT " */
#define CHECKSUM_SIZE 7 /* hexadecimal digits */

static const char *const names[] = {
	[LINE_CHALLENGE] = "CHALLENGE",
	[LINE_ANSWER] = "ANSWER",
};

static void mark(enum line_kind kind, const char *which, char ret_text[static LINE_TEXT_SIZE])
{
	(void)snprintf(ret_text, LINE_TEXT_SIZE, "-----%s COCO-UNLOCK %s-----", which, names[kind]);
}

/* Of the first len characters. Without SHA-256 it is a text that no reader takes. */
static void checksum(const char *text, size_t len, char ret_sum[static CHECKSUM_SIZE + 1])
{
	struct digest digest;

	ret_sum[0] = '\0';
	if (digest_sha256(text, len, &digest) >= 0)
		(void)snprintf(ret_sum, CHECKSUM_SIZE + 1, "%02x%02x%02x%x", digest.octets[0],
			       digest.octets[1], digest.octets[2], digest.octets[3] >> 4);
}

static unsigned int numbers(size_t len)
{
	return (unsigned int)((len + LINE_PAYLOAD - 1) / LINE_PAYLOAD);
}

size_t line_count(size_t len)
{
	return numbers(len) + 2;
}

void line_text(enum line_kind kind, const unsigned char *message, size_t len, size_t n,
	       char ret_text[static LINE_TEXT_SIZE])
{
	size_t offset = n == 0 ? 0 : (n - 1) * LINE_PAYLOAD, size;
	char sum[CHECKSUM_SIZE + 1];

	if (n == 0 || offset >= len) {
		mark(kind, n == 0 ? "BEGIN" : "END", ret_text);
		return;
	}
	size = len - offset < LINE_PAYLOAD ? len - offset : LINE_PAYLOAD;
	(void)snprintf(ret_text, LINE_TEXT_SIZE, "%03zu/%03u ", n, numbers(len));
	size = NUMBERS_SIZE +
	       base64_encode(BASE64_PADDED, message + offset, size, ret_text + NUMBERS_SIZE);
	checksum(ret_text, size, sum);
	(void)snprintf(ret_text + size, LINE_TEXT_SIZE - size, " %s", sum);
}

void line_reader_init(struct line_reader *reader, enum line_kind kind)
{
	memset(reader, 0, sizeof(*reader));
	reader->kind = kind;
}

/* The bytes of an older message may stay: none is handed out that was not written again. */
static void begin(struct line_reader *reader)
{
	memset(reader->lengths, 0, sizeof(reader->lengths));
	reader->begun = true;
	reader->total = reader->n = 0;
	reader->len = 0;
}

/* Behind an escape: ECMA-48, sections 5.4 (CSI) and 5.6 (strings: OSC, DCS, SOS, PM and APC, which
 * some end by a bell), and what has only one more byte. */
static const char *skip_escape(const char *text)
{
	if (*text == '[') {
		text++;
		text += strspn(text, "0123456789:;<=>?");
		text += strspn(text, " !\"#$%&'()*+,-./");
		return *text >= '@' && *text <= '~' ? text + 1 : text;
	}
	if (*text != '\0' && strchr("]PX^_", *text)) {
		text += strcspn(text, "\a\x1b");
		if (*text == '\a')
			return text + 1;
		return text[0] == '\x1b' && text[1] == '\\' ? text + 2 : text;
	}
	text += strspn(text, " !\"#$%&'()*+,-./");
	return *text >= '0' && *text <= '~' ? text + 1 : text;
}

/* The text without what a terminal adds, and without blanks around it; what is too long to be a
 * line is cut where that can still be seen. */
static void clean(const char *text, char ret_text[static LINE_TEXT_SIZE])
{
	size_t n = 0;

	while (*text != '\0' && n < LINE_TEXT_SIZE - 1) {
		char c = *text++;

		if (c == '\x1b')
			text = skip_escape(text);
		else if ((c == ' ' || c == '\t') && n > 0)
			ret_text[n++] = ' ';
		else if (c > ' ' && c <= '~')
			ret_text[n++] = c;
	}
	while (n > 0 && ret_text[n - 1] == ' ')
		n--;
	ret_text[n] = '\0';
}

static bool is_mark(const struct line_reader *reader, const char *text, const char *which)
{
	char wanted[LINE_TEXT_SIZE];

	mark(reader->kind, which, wanted);
	return strcmp(text, wanted) == 0;
}

/* Three digits, or -EINVAL. */
static int number(const char *text)
{
	int value = 0, i;

	for (i = 0; i < 3; i++) {
		if (text[i] < '0' || text[i] > '9')
			return -EINVAL;
		value = 10 * value + text[i] - '0';
	}
	return value;
}

static enum line_result broken(struct line_reader *reader, int n)
{
	reader->n = (unsigned int)n;
	return LINE_BROKEN;
}

/* Does it have the length that its number demands? */
static bool is_in_range(int n, int total, int size)
{
	if (n < 1 || n > total || total > LINE_NUMBERS_MAX)
		return false;
	if (n < total)
		return size == LINE_PAYLOAD;
	return (n - 1) * LINE_PAYLOAD + size <= LINE_MESSAGE_MAX;
}

/* text: "NNN/TTT " and more. */
static enum line_result take(struct line_reader *reader, const char *text, int n, int total)
{
	unsigned char payload[LINE_PAYLOAD];
	const char *blank = strchr(text + NUMBERS_SIZE, ' ');
	char sum[CHECKSUM_SIZE + 1];
	int size;

	if (!blank)
		return broken(reader, n);
	checksum(text, (size_t)(blank - text), sum);
	if (sum[0] == '\0' || strcmp(blank + 1, sum) != 0)
		return broken(reader, n);
	size = (int)base64_decode(BASE64_PADDED, text + NUMBERS_SIZE,
				  (size_t)(blank - text) - NUMBERS_SIZE, payload, sizeof(payload));
	if (size <= 0 || !is_in_range(n, total, size))
		return broken(reader, n);
	if (!reader->begun)
		begin(reader);
	if (reader->total != 0 && reader->total != (unsigned int)total)
		return broken(reader, n);
	reader->total = (unsigned int)total;
	reader->n = (unsigned int)n;
	reader->lengths[n] = (unsigned char)size;
	memcpy(reader->message + (n - 1) * LINE_PAYLOAD, payload, (size_t)size);
	return LINE_TAKEN;
}

static enum line_result end(struct line_reader *reader)
{
	if (!reader->begun)
		return LINE_FOREIGN;
	reader->n = line_missing(reader, 0);
	if (reader->n > 0 || reader->total == 0)
		return LINE_MISSING;
	reader->len = (reader->total - 1) * LINE_PAYLOAD + reader->lengths[reader->total];
	reader->begun = false;
	return LINE_COMPLETE;
}

enum line_result line_read(struct line_reader *reader, const char *text)
{
	char line[LINE_TEXT_SIZE];
	int n, total;

	clean(text, line);
	if (is_mark(reader, line, "BEGIN")) {
		begin(reader);
		return LINE_BEGUN;
	}
	if (is_mark(reader, line, "END"))
		return end(reader);
	n = number(line);
	if (n < 0 || line[3] != '/')
		return LINE_FOREIGN;
	total = number(line + 4);
	if (total < 0 || line[7] != ' ')
		return LINE_FOREIGN;
	return take(reader, line, n, total);
}

unsigned int line_missing(const struct line_reader *reader, unsigned int after)
{
	unsigned int n;

	for (n = after + 1; n <= reader->total; n++)
		if (reader->lengths[n] == 0)
			return n;
	return 0;
}
