/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * codec.c - fuzz target: bytes in base64, in hexadecimal, or as they are. What is decoded, encoded
 * again, is the same text but for white space; and what is written is read the same.
 */
#include "owner/io/file.h"

#include <ctype.h>

#include "fuzz.h"

enum way { READ_FILE, PARSE_VALUE, READ_VALUE, WRITE_AND_READ, NR_WAYS };

static struct secret secret = SECRET_NULL;
static char path[FUZZ_PATH_SIZE];
static int fd = -1;

static bool is_space(uint8_t c)
{
	return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

static size_t count_chars(const uint8_t *data, size_t size)
{
	size_t i, nr = 0;

	for (i = 0; i < size; i++)
		nr += !is_space(data[i]);
	return nr;
}

/* Is this the text of these bytes, apart from white space and the case of hexadecimal digits? */
static void check_text(const uint8_t *data, size_t size, enum codec format,
		       const unsigned char *bytes, size_t len)
{
	char *text = malloc(codec_text_len(format, len) + 1);
	size_t i, k = 0;

	FUZZ_MUST(text);
	codec_text(format, bytes, len, text);
	FUZZ_MUST(strlen(text) == codec_text_len(format, len));
	FUZZ_MUST(count_chars(data, size) == strlen(text));
	for (i = 0; i < size; i++)
		if (!is_space(data[i]))
			FUZZ_MUST((format == CODEC_HEX ? tolower(data[i]) : data[i]) == text[k++]);
	free(text);
}

static void read_file(const uint8_t *data, size_t size)
{
	enum codec format;
	struct fault f = { 0 };
	int r;

	fuzz_file_set(fd, data, size, (off_t)size);
	r = file_read_encoded(path, &secret, &format, &f);
	FUZZ_MUST(r == 0 || (f.code == EXITCODE_BAD_INPUT && secret.len == 0));
	if (r < 0)
		return;
	fuzz_accepted++;
	if (format != CODEC_BINARY)
		check_text(data, size, format, secret.bytes, secret.len);
	else
		FUZZ_MUST(secret.len == size && memcmp(secret.bytes, data, size) == 0);
}

/* A value of 3 to 66 bytes, which the next byte says. */
static void read_value(const uint8_t *data, size_t size, bool from_file)
{
	size_t len = 3 + fuzz_choice(&data, &size) % 64;
	unsigned char *bytes = malloc(len);
	char *text = fuzz_text(data, size);
	struct fault f = { 0 };
	int r = -EINVAL;

	FUZZ_MUST(bytes);
	fuzz_file_set(fd, data, size, (off_t)size);
	if (from_file)
		r = file_value(path, bytes, len, &f);
	else if (text)
		r = codec_parse(text, bytes, len);
	if (r == 0) {
		fuzz_accepted++;
		if (from_file && size == len)
			FUZZ_MUST(memcmp(bytes, data, len) == 0);
		else
			check_text(data, size,
				   count_chars(data, size) == 2 * len ? CODEC_HEX : CODEC_BASE64,
				   bytes, len);
	}
	free(bytes);
	free(text);
}

/* The text of base64 may happen to look like hexadecimal; then it is read as that. */
static void write_and_read(const uint8_t *data, size_t size)
{
	enum codec format = fuzz_choice(&data, &size) & 1 ? CODEC_HEX : CODEC_BASE64, found;
	struct fault f = { 0 };

	if (size > SECRET_CAPACITY || size == 0)
		return;
	fuzz_file_set(fd, "", 0, 0);
	FUZZ_MUST(file_put(fd, format, data, size) == 0);
	if (file_read_encoded(path, &secret, &found, &f) < 0 || found != format) {
		FUZZ_MUST(format == CODEC_BASE64);
		return;
	}
	fuzz_accepted++;
	FUZZ_MUST(secret.len == size && memcmp(secret.bytes, data, size) == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	enum way way = fuzz_choice(&data, &size) % NR_WAYS;

	fuzz_secret_init(&secret);
	if (fd < 0)
		fd = fuzz_file(path);
	if (way == READ_FILE)
		read_file(data, size);
	else if (way == WRITE_AND_READ)
		write_and_read(data, size);
	else
		read_value(data, size, way == READ_VALUE);
	return 0;
}
