/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * line.c - messages as lines: a vector, every length there and back, and what consoles and hosts do
 * to them: lines lost, doubled, in any order, with escapes, cut, mixed, and megabytes of noise.
 */
#include "rescue/line.h"

#include <time.h>

#include "base/digest.h"
#include "fixture.h"

#define MESSAGE "what a guest says to its owner, and the owner to his guest"

static struct line_reader reader;
static unsigned char message[LINE_MESSAGE_MAX];
static char lines[LINE_NUMBERS_MAX + 3][LINE_TEXT_SIZE];

/* The message's lines, in lines[]. Returns how many. */
static size_t write_lines(enum line_kind kind, size_t len)
{
	size_t i, nr = line_count(len);

	for (i = 0; i < nr; i++)
		line_text(kind, message, len, i, lines[i]);
	return nr;
}

static bool is_whole(enum line_result result, size_t len)
{
	return result == LINE_COMPLETE && reader.len == len &&
	       memcmp(reader.message, message, len) == 0;
}

/* tests/cli/rescue.t has the same vector by another implementation. */
static void test_vector(void)
{
	memcpy(message, MESSAGE, strlen(MESSAGE));
	is_int(line_count(strlen(MESSAGE)), 4, "%zu bytes are 2 lines and 2 marks",
	       strlen(MESSAGE));
	(void)write_lines(LINE_CHALLENGE, strlen(MESSAGE));
	is_str(lines[0], "-----BEGIN COCO-UNLOCK CHALLENGE-----", "the begin mark");
	is_str(lines[1], "001/002 d2hhdCBhIGd1ZXN0IHNheXMgdG8gaXRzIG93bmVyLCBhbmQg 54e368d",
	       "a full line");
	is_int(strlen(lines[1]), 64, "... has 64 characters");
	is_str(lines[2], "002/002 dGhlIG93bmVyIHRvIGhpcyBndWVzdA== 8e8c740", "the last line");
	is_str(lines[3], "-----END COCO-UNLOCK CHALLENGE-----", "the end mark");
	(void)write_lines(LINE_ANSWER, strlen(MESSAGE));
	is_str(lines[0], "-----BEGIN COCO-UNLOCK ANSWER-----", "the marks of an answer");
	is_str(lines[3], "-----END COCO-UNLOCK ANSWER-----", "... are others");
}

static void fill(void)
{
	unsigned int value = 1;
	size_t i;

	for (i = 0; i < sizeof(message); i++) {
		value = value * 1103515245 + 12345;
		message[i] = (unsigned char)(value >> 16);
	}
}

static void test_lengths(void)
{
	size_t len, i, good = 0;

	fill();
	for (len = 1; len <= LINE_MESSAGE_MAX; len += len < 200 || len > 16300 ? 1 : 97) {
		size_t nr = write_lines(LINE_ANSWER, len);

		line_reader_init(&reader, LINE_ANSWER);
		if (line_read(&reader, lines[0]) != LINE_BEGUN)
			break;
		for (i = 1; i + 1 < nr; i++)
			if (line_read(&reader, lines[i]) != LINE_TAKEN || reader.n != i ||
			    strlen(lines[i]) > 64)
				break;
		if (i + 1 != nr || !is_whole(line_read(&reader, lines[i]), len))
			break;
		good++;
	}
	ok(len > LINE_MESSAGE_MAX, "%zu lengths up to %d there and back", good, LINE_MESSAGE_MAX);
}

static void start(size_t len)
{
	(void)write_lines(LINE_ANSWER, len);
	line_reader_init(&reader, LINE_ANSWER);
	(void)line_read(&reader, lines[0]);
}

static void test_order(void)
{
	size_t nr, i;

	start(360);
	nr = line_count(360);
	for (i = nr - 2; i > 0; i--)
		(void)line_read(&reader, lines[i]);
	ok(is_whole(line_read(&reader, lines[nr - 1]), 360), "lines in the other order");
	start(360);
	for (i = 1; i + 1 < nr; i++) {
		(void)line_read(&reader, lines[i]);
		(void)line_read(&reader, lines[i]);
		(void)line_read(&reader, lines[1]);
	}
	ok(is_whole(line_read(&reader, lines[nr - 1]), 360), "lines doubled");
	is_int(line_read(&reader, lines[nr - 1]), LINE_FOREIGN, "a second end mark ends nothing");
	start(360);
	for (i = 1; i + 1 < nr; i++)
		if (i != 3 && i != 10)
			(void)line_read(&reader, lines[i]);
	is_int(line_read(&reader, lines[nr - 1]), LINE_MISSING, "two lines are lost");
	is_int(reader.n, 3, "... the first is named");
	is_int(line_missing(&reader, 3), 10, "... and the second");
	is_int(line_missing(&reader, 10), 0, "... and no more");
	is_int(line_read(&reader, lines[10]), LINE_TAKEN, "one is sent again");
	is_int(line_read(&reader, lines[nr - 1]), LINE_MISSING, "... one is still lost");
	is_int(line_read(&reader, lines[3]), LINE_TAKEN, "the other one, too");
	ok(is_whole(line_read(&reader, lines[nr - 1]), 360), "... then it is whole");
	line_reader_init(&reader, LINE_ANSWER);
	for (i = 1; i + 1 < nr; i++)
		(void)line_read(&reader, lines[i]);
	ok(is_whole(line_read(&reader, lines[nr - 1]), 360), "the begin mark may be lost");
	line_reader_init(&reader, LINE_ANSWER);
	is_int(line_read(&reader, lines[nr - 1]), LINE_FOREIGN, "an end mark alone is nothing");
	is_int(line_read(&reader, lines[0]), LINE_BEGUN, "a begin mark");
	is_int(line_read(&reader, lines[nr - 1]), LINE_MISSING, "... and an end mark");
	is_int(reader.n, 0, "... without a line between them");
	start(360);
	(void)line_read(&reader, lines[1]);
	(void)line_read(&reader, lines[2]);
	is_int(line_read(&reader, lines[0]), LINE_BEGUN, "a begin mark behind two lines");
	(void)line_read(&reader, lines[1]);
	is_int(line_read(&reader, lines[nr - 1]), LINE_MISSING, "... forgets them");
	is_int(reader.n, 2, "... also the one that does not come again");
}

/* What a terminal, a person or a log puts around a line. */
static void test_terminal(void)
{
	static const char *const forms[] = {
		"%s\r",
		"  %s",
		"\t%s \t",
		"\x1b[200~%s",
		"%s\x1b[201~",
		"\x1b[0m\x1b[1;31m%s\x1b[K",
		"\x1b]0;title\a%s",
		"\x1b]0;title\x1b\\%s",
		"\x1bP+q544e\x1b\\%s",
		"\x1b_Gi=1\x1b\\%s\x1bX1\x1b\\",
		"%s\x1b^1 2\x1b\\",
		"\x1b(B%s",
		"\x1b=%s",
		"\r\r%s\r\r",
		"\xef\xbb\xbf%s",
		"\a\b%s\x7f",
		"%s\xc2\xa0",
		"\x1b[?2004h%s\x1b",
		"\x9b%s",
	};
	char text[256];
	size_t i, n, nr = line_count(50);

	for (i = 0; i < ARRAY_SIZE(forms); i++) {
		enum line_result result = LINE_FOREIGN;

		(void)write_lines(LINE_ANSWER, 50);
		line_reader_init(&reader, LINE_ANSWER);
		for (n = 0; n < nr; n++) {
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
			(void)snprintf(text, sizeof(text), forms[i], lines[n]);
#pragma GCC diagnostic pop
			result = line_read(&reader, text);
		}
		ok(is_whole(result, 50), "form %zu of what a terminal adds does no harm", i);
	}
}

/* Each character of a line in each other form. */
static void test_damage(void)
{
	unsigned int taken = 0, broken = 0, foreign = 0, at, c;
	char text[LINE_TEXT_SIZE];
	size_t len, i;

	for (i = 1; i <= 2; i++) {
		start(50);
		len = strlen(lines[i]);
		for (at = 0; at < len; at++) {
			for (c = ' ' + 1; c <= '~'; c++) {
				memcpy(text, lines[i], len + 1);
				if (text[at] == (char)c)
					continue;
				text[at] = (char)c;
				switch (line_read(&reader, text)) {
				case LINE_BROKEN:
					broken++;
					break;
				case LINE_FOREIGN:
					foreign++;
					break;
				default:
					taken++;
				}
			}
			memcpy(text, lines[i], len + 1);
			text[at] = '\0';
			taken += line_read(&reader, text) == LINE_TAKEN;
			memmove(text + at, lines[i] + at + 1, len - at);
			taken += line_read(&reader, text) == LINE_TAKEN;
		}
	}
	is_int(taken, 0, "no line is taken with a character changed, cut or lost");
	ok(broken > 0 && foreign > 0, "%u are broken, %u foreign", broken, foreign);
	is_int(line_missing(&reader, 0), 0, "... and nothing is known of the message");
	is_int(line_read(&reader, lines[1]), LINE_TAKEN, "the line itself is");
	memcpy(text, lines[1], 64);
	memcpy(text + 64, ".", 2);
	is_int(line_read(&reader, text), LINE_BROKEN, "... not with one more character");
	is_int(reader.n, 1, "... and it is said which");
}

/* Lines with a right checksum that no writer makes. */
static void craft(const char *front, char ret_text[static 512])
{
	struct digest digest;

	FIXTURE_MUST(digest_sha256(front, strlen(front), &digest) == 0);
	(void)snprintf(ret_text, 512, "%s %02x%02x%02x%x", front, digest.octets[0],
		       digest.octets[1], digest.octets[2], digest.octets[3] >> 4);
}

static void test_crafted(void)
{
	static const char full[] = "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA";
	static const struct {
		const char *numbers, *payload, *what;
	} bad[] = {
		{ "000/001", full, "number 0" },
		{ "002/001", full, "a number beyond the last" },
		{ "001/000", full, "no lines at all" },
		{ "456/456", full, "a message of a byte too many" },
		{ "457/457", "AAAA", "a line too many" },
		{ "999/999", full, "999 lines" },
		{ "001/002", "AAAA", "a line that is not full, and not the last" },
		{ "001/001", "", "no payload" },
		{ "001/001", "AAA", "base64 without padding" },
		{ "001/001", "AA==AAAA", "padding in the middle" },
		{ "001/001", "A===", "three paddings" },
		{ "001/001", "====", "four" },
		{ "001/001", "AB==", "bits behind the end" },
		{ "001/001", "AAB=", "two bits behind the end" },
		{ "001/001", "AA-_", "the other alphabet" },
		{ "001/001", "AA=A", "a digit behind padding" },
	};
	char front[300], text[512];
	size_t i;

	for (i = 0; i < ARRAY_SIZE(bad); i++) {
		line_reader_init(&reader, LINE_ANSWER);
		(void)line_read(&reader, "-----BEGIN COCO-UNLOCK ANSWER-----");
		(void)snprintf(front, sizeof(front), "%s %s", bad[i].numbers, bad[i].payload);
		craft(front, text);
		ok(line_read(&reader, text) == LINE_BROKEN && reader.total == 0, "%s", bad[i].what);
	}
	craft("001/001 AAAA AAAA", text);
	is_int(line_read(&reader, text), LINE_BROKEN, "a blank in the payload");
	(void)snprintf(front, sizeof(front), "001/001 %s%s", full, "AAAA");
	craft(front, text);
	is_int(line_read(&reader, text), LINE_BROKEN, "39 bytes in a line");
	craft("456/456 AAAAAA==", text);
	is_int(line_read(&reader, text), LINE_TAKEN, "the last line that there can be");
}

static void test_mixed(void)
{
	unsigned char other[360];
	unsigned int taken = 0;
	char text[LINE_TEXT_SIZE];
	size_t i, nr = line_count(360);

	memset(other, 'x', sizeof(other));
	start(360);
	for (i = 1; i + 1 < nr; i++) {
		(void)line_read(&reader, lines[i]);
		if (i <= 9) {
			line_text(LINE_ANSWER, other, 300, i, text);
			taken += line_read(&reader, text) != LINE_BROKEN;
		}
	}
	is_int(taken, 0, "lines of a message of another length are not taken");
	ok(is_whole(line_read(&reader, lines[nr - 1]), 360), "... and do no harm");
	start(360);
	for (i = 1; i + 1 < nr; i++) {
		line_text(LINE_ANSWER, other, 360, i, text);
		(void)line_read(&reader, text);
	}
	for (i = 1; i < 5; i++)
		(void)line_read(&reader, lines[i]);
	is_int(line_read(&reader, lines[nr - 1]), LINE_COMPLETE, "two messages of one length");
	ok(memcmp(reader.message, message, 144) == 0 && reader.message[144] == 'x',
	   "... may mix: that is what signatures are for");
	start(360);
	for (i = 1; i + 1 < nr; i++)
		(void)line_read(&reader, lines[i]);
	line_text(LINE_CHALLENGE, message, 360, nr - 1, text);
	is_int(line_read(&reader, text), LINE_FOREIGN, "the end mark of the other kind is foreign");
	line_text(LINE_CHALLENGE, message, 360, 0, text);
	is_int(line_read(&reader, text), LINE_FOREIGN, "... as its begin mark");
	is_int(line_read(&reader, lines[0]), LINE_BEGUN, "a begin mark in the middle");
	is_int(line_read(&reader, lines[nr - 1]), LINE_MISSING, "... forgets what was there");
}

/* Of each kind of line that costs time, and of bytes; in lines of any length. */
static void test_noise(void)
{
	static char noise[70000];
	unsigned int value = 7, complete = 0;
	struct timespec from, to;
	size_t sent = 0, i;

	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &from);
	line_reader_init(&reader, LINE_ANSWER);
	while (sent < 10 * 1024 * 1024) {
		size_t len = sent % 5 == 0 ? sizeof(noise) - 1 : sent % 90 + 1;

		for (i = 0; i < len; i++) {
			value = value * 1103515245 + 12345;
			noise[i] = (char)(value >> 16 | 1);
		}
		if (sent % 3 == 0)
			memcpy(noise, "001/001 ", len < 8 ? len : 8);
		if (sent % 7 == 0 && len > 40)
			(void)snprintf(noise, sizeof(noise), "-----BEGIN COCO-UNLOCK ANSWER-----");
		noise[len] = '\0';
		complete += line_read(&reader, noise) == LINE_COMPLETE;
		sent += len;
	}
	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &to);
	is_int(complete, 0, "10 MB of noise are no message");
	ok(to.tv_sec - from.tv_sec < 5, "... in less than 5 seconds of a processor");
	for (i = 0, value = 0; i < line_count(360); i++) {
		if (i == 0)
			(void)write_lines(LINE_ANSWER, 360);
		value = line_read(&reader, lines[i]);
	}
	ok(is_whole((enum line_result)value, 360), "the message behind it is taken");
}

int main(void)
{
	test_vector();
	test_lengths();
	test_order();
	test_terminal();
	test_damage();
	test_crafted();
	test_mixed();
	test_noise();
	return tap_done();
}
