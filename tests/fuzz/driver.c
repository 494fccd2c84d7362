/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * driver.c - main() of a fuzz target where libFuzzer is not: it feeds files, and then mutations of
 * them, the same ones in each run.
 *
 *     TARGET [-d DICTIONARY] [-r ROUNDS] FILE|DIRECTORY...
 *
 * Prints how many inputs there were and how many of them were accepted. An input that breaks a
 * promise ends the process; with -v each file is named before it is fed.
 */
#include <dirent.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define INPUT_MAX (1024 * 1024) /* bytes of a file */
#define GROWTH 512		/* that mutations may add */
#define INPUTS_MAX 65536
#define WORDS_MAX 256
#define WORD_SIZE 128

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
extern unsigned long fuzz_accepted;

struct input {
	unsigned char *bytes;
	size_t size;
};

static struct input inputs[INPUTS_MAX];
static size_t nr_inputs;
static struct {
	char bytes[WORD_SIZE];
	size_t size;
} words[WORDS_MAX];
static size_t nr_words;
static bool verbose;

static void fail(const char *what)
{
	perror(what);
	exit(2);
}

static void add_file(const char *path)
{
	FILE *file = fopen(path, "re");
	struct input *input = &inputs[nr_inputs];

	if (!file || nr_inputs == INPUTS_MAX)
		fail(path);
	input->bytes = malloc(INPUT_MAX);
	if (!input->bytes)
		fail(path);
	input->size = fread(input->bytes, 1, INPUT_MAX, file);
	if (ferror(file))
		fail(path);
	(void)fclose(file); /* only read */
	input->bytes = realloc(input->bytes, input->size ? input->size : 1);
	nr_inputs++;
	if (verbose)
		fprintf(stderr, "%s\n", path);
	(void)LLVMFuzzerTestOneInput(input->bytes, input->size);
}

/* In the order of names, so that each run is the same. */
static void add(const char *path)
{
	struct dirent **names;
	struct stat st;
	char child[4096];
	int n, i;

	if (stat(path, &st) < 0)
		fail(path);
	if (!S_ISDIR(st.st_mode)) {
		add_file(path);
		return;
	}
	n = scandir(path, &names, NULL, alphasort);
	if (n < 0)
		fail(path);
	for (i = 0; i < n; i++) {
		if (names[i]->d_name[0] != '.') {
			(void)snprintf(child, sizeof(child), "%s/%s", path, names[i]->d_name);
			add(child);
		}
		free(names[i]);
	}
	free(names);
}

/* One line of a dictionary: "word", with \\, \" and \xHH. */
static void add_word(const char *line)
{
	const char *p = strchr(line, '"');
	char hex[3] = "";

	if (!p || *line == '#' || nr_words == WORDS_MAX)
		return;
	for (p++; *p && *p != '"' && words[nr_words].size < WORD_SIZE; p++) {
		char c = *p;

		if (c == '\\' && p[1] == 'x' && p[2] && p[3]) {
			memcpy(hex, p + 2, 2);
			c = (char)strtoul(hex, NULL, 16);
			p += 3;
		} else if (c == '\\' && p[1]) {
			c = *++p;
		}
		words[nr_words].bytes[words[nr_words].size++] = c;
	}
	nr_words++;
}

static void read_words(const char *path)
{
	FILE *file = fopen(path, "re");
	char line[1024];

	if (!file)
		fail(path);
	while (fgets(line, sizeof(line), file))
		add_word(line);
	(void)fclose(file); /* only read */
}

static uint32_t number(uint32_t below)
{
	static uint32_t state = 4711;

	state = state * 1664525 + 1013904223;
	return (uint32_t)((uint64_t)state * below >> 32);
}

/* Puts a word of the dictionary there, with or in the place of what is there. */
static size_t put_word(unsigned char *bytes, size_t size, size_t room, bool insert)
{
	size_t at = number((uint32_t)size + 1), w, n;

	if (nr_words == 0)
		return size;
	w = number((uint32_t)nr_words);
	n = words[w].size;
	if (insert) {
		if (size + n > room)
			return size;
		memmove(bytes + at + n, bytes + at, size - at);
		size += n;
	} else if (n > size - at) {
		n = size - at;
	}
	memcpy(bytes + at, words[w].bytes, n);
	return size;
}

/* One change of size bytes, in a buffer that has room for more. Returns the new size. */
static size_t change(unsigned char *bytes, size_t size, size_t room)
{
	size_t at = size ? number((uint32_t)size) : 0, from = size ? number((uint32_t)size) : 0, n;

	switch (size ? number(7) : 2) {
	case 0:
		bytes[at] = (unsigned char)number(256);
		return size;
	case 1:
		bytes[at] ^= (unsigned char)(1 << number(8));
		return size;
	case 2:
		return put_word(bytes, size, room, true);
	case 3:
		return put_word(bytes, size, room, false);
	case 4: /* less */
		n = 1 + number(16);
		if (n > size - at)
			n = size - at;
		memmove(bytes + at, bytes + at + n, size - at - n);
		return size - n;
	case 5: /* a part over another one */
		n = number(64);
		if (from + n <= size && at + n <= size)
			memmove(bytes + at, bytes + from, n);
		return size;
	default: /* a number that is one more or less */
		bytes[at] = (unsigned char)(bytes[at] + (number(2) ? 1 : 255));
		return size;
	}
}

static void feed_mutations(unsigned long rounds)
{
	unsigned long round;

	for (round = 0; round < rounds && nr_inputs > 0; round++) {
		const struct input *input = &inputs[round % nr_inputs];
		size_t size = input->size, room = size + GROWTH;
		unsigned char *bytes = malloc(room), *exact;
		uint32_t n = 1 + number(4);

		if (!bytes)
			fail("malloc");
		memcpy(bytes, input->bytes, size);
		while (n--)
			size = change(bytes, size, room);
		exact = realloc(bytes, size ? size : 1);
		if (!exact)
			fail("realloc");
		(void)LLVMFuzzerTestOneInput(exact, size);
		free(exact);
	}
}

int main(int argc, char **argv)
{
	unsigned long rounds = 0, accepted;
	size_t i;
	int c;

	while ((c = getopt(argc, argv, "d:r:v")) != -1) {
		if (c == 'd')
			read_words(optarg);
		else if (c == 'r')
			rounds = strtoul(optarg, NULL, 10);
		else if (c == 'v')
			verbose = true;
		else
			return 2;
	}
	for (; optind < argc; optind++)
		add(argv[optind]);
	accepted = fuzz_accepted;
	feed_mutations(rounds);
	printf("files %zu accepted %lu mutations %lu accepted %lu\n", nr_inputs, accepted, rounds,
	       fuzz_accepted - accepted);
	for (i = 0; i < nr_inputs; i++)
		free(inputs[i].bytes);
	return nr_inputs == 0;
}
