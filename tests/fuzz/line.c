/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * line.c - fuzz target: lines from a console. The first byte chooses the kind of message (`A`: an
 * answer), and if each line gets the checksum that it ought to have (`B`). A message that is whole
 * is the same once more when it is written and read; a number that is missing is one of its own.
 */
#include "rescue/line.h"

#include "base/digest.h"

#include "fuzz.h"

static struct line_reader reader, again;

static void check_message(enum line_kind kind)
{
	char text[LINE_TEXT_SIZE];
	size_t i, nr = line_count(reader.len);
	enum line_result result = LINE_FOREIGN;

	FUZZ_MUST(reader.len > 0 && reader.len <= LINE_MESSAGE_MAX && nr == reader.total + 2);
	line_reader_init(&again, kind);
	for (i = 0; i < nr; i++) {
		line_text(kind, reader.message, reader.len, i, text);
		FUZZ_MUST(strlen(text) <= 64);
		result = line_read(&again, text);
		FUZZ_MUST(result == (i == 0	 ? LINE_BEGUN :
				     i == nr - 1 ? LINE_COMPLETE :
						   LINE_TAKEN));
	}
	FUZZ_MUST(again.len == reader.len &&
		  memcmp(again.message, reader.message, reader.len) == 0);
}

static void check_missing(void)
{
	unsigned int n, nr = 0;

	FUZZ_MUST(reader.n == line_missing(&reader, 0));
	for (n = reader.n; n > 0; n = line_missing(&reader, n)) {
		FUZZ_MUST(n <= reader.total && reader.lengths[n] == 0);
		nr++;
	}
	FUZZ_MUST(nr <= LINE_NUMBERS_MAX && (nr > 0 || reader.total == 0));
}

/* Returns true if a message is whole. */
static bool take(const char *text, enum line_kind kind)
{
	switch (line_read(&reader, text)) {
	case LINE_FOREIGN:
	case LINE_BROKEN:
		return false;
	case LINE_BEGUN:
		FUZZ_MUST(reader.begun && reader.total == 0);
		return false;
	case LINE_TAKEN:
		FUZZ_MUST(reader.begun && reader.n > 0 && reader.n <= reader.total);
		FUZZ_MUST(reader.total <= LINE_NUMBERS_MAX && reader.lengths[reader.n] > 0);
		return false;
	case LINE_MISSING:
		check_missing();
		return false;
	case LINE_COMPLETE:
		check_message(kind);
		return true;
	}
	FUZZ_MUST(false);
	return false;
}

/* "NNN/TTT PAYLOAD" as it is, with a blank and the checksum of all that. */
static bool take_with_checksum(const char *text, enum line_kind kind)
{
	struct digest digest;
	char *line;
	bool whole;

	FUZZ_MUST(digest_sha256(text, strlen(text), &digest) == 0);
	FUZZ_MUST(asprintf(&line, "%s %02x%02x%02x%x", text, digest.octets[0], digest.octets[1],
			   digest.octets[2], digest.octets[3] >> 4) > 0);
	whole = take(line, kind);
	free(line);
	return whole;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	unsigned int choice = fuzz_choice(&data, &size);
	enum line_kind kind = choice & 1 ? LINE_ANSWER : LINE_CHALLENGE;
	char *text = fuzz_text(data, size), *next = text, *line;
	bool whole = false;

	line_reader_init(&reader, kind);
	while (text && (line = strsep(&next, "\n"))) {
		bool numbered = strlen(line) > 7 && line[3] == '/' && line[7] == ' ';

		if (choice & 2 && numbered)
			whole |= take_with_checksum(line, kind);
		else
			whole |= take(line, kind);
	}
	fuzz_accepted += whole;
	free(text);
	return 0;
}
