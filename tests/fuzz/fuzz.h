/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * fuzz.h - what all fuzz targets share. A target is one C file with LLVMFuzzerTestOneInput():
 * libFuzzer calls it, or driver.c, where there is no clang.
 *
 * A target gives the bytes to a parser and then holds it to its promises: what it accepts lies in
 * the documented ranges, and reads the same a second time, by another way where there is one. It
 * opens no file but memory, and leaves nothing behind from one input to the next.
 */
#ifndef FUZZ_H
#define FUZZ_H

#include <fcntl.h>
#include <sanitizer/asan_interface.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/secret.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* How many inputs the parser has accepted, for driver.c: a target that refuses all of them tests
 * only the refusal. */
unsigned long fuzz_accepted;

#define FUZZ_MUST(condition)                                                                      \
	do {                                                                                      \
		if (!(condition)) {                                                               \
			fprintf(stderr, "%s:%d: not kept: %s\n", __FILE__, __LINE__, #condition); \
			abort();                                                                  \
		}                                                                                 \
	} while (0)

/* The first byte of an input, where it chooses between configurations. Letters from `@` on keep
 * seeds readable: `A` sets bit 0. */
static inline unsigned int fuzz_choice(const uint8_t **data, size_t *size)
{
	if (*size == 0)
		return 0;
	(*size)--;
	return *(*data)++;
}

/* A copy that ends where the bytes end, so that the sanitizer sees a read behind it. */
static inline void *fuzz_copy(const uint8_t *data, size_t size)
{
	void *copy = malloc(size ? size : 1);

	FUZZ_MUST(copy);
	if (size)
		memcpy(copy, data, size);
	return copy;
}

/* The same with a NUL behind it; or NULL for bytes that have one inside, which root_read_text()
 * refuses, so that no parser of text ever sees them. */
static inline char *fuzz_text(const uint8_t *data, size_t size)
{
	char *text;

	if (size && memchr(data, '\0', size))
		return NULL;
	text = malloc(size + 1);
	FUZZ_MUST(text);
	if (size)
		memcpy(text, data, size);
	text[size] = '\0';
	return text;
}

/* Locked pages for the whole run. */
static inline void fuzz_secret_init(struct secret *s)
{
	if (!s->bytes)
		FUZZ_MUST(secret_init(s, &(struct fault){ 0 }) == 0);
}

/* All of the pages may be written. */
static inline void fuzz_secret_open(struct secret *s)
{
	ASAN_UNPOISON_MEMORY_REGION(s->bytes, SECRET_CAPACITY);
}

/* Fills it; what is behind these bytes may not even be read. */
static inline void fuzz_secret_set(struct secret *s, const uint8_t *data, size_t size)
{
	fuzz_secret_init(s);
	fuzz_secret_open(s);
	if (size > SECRET_CAPACITY)
		size = SECRET_CAPACITY;
	memset(s->bytes, 0, SECRET_CAPACITY);
	if (size)
		memcpy(s->bytes, data, size);
	s->len = size;
	ASAN_POISON_MEMORY_REGION(s->bytes + size, SECRET_CAPACITY - size);
}

#define FUZZ_PATH_SIZE 32

/* A file in memory, and its name for those who open files. The descriptor stays open for the
 * whole run. */
static inline int fuzz_file(char ret_path[FUZZ_PATH_SIZE])
{
	int fd = memfd_create("fuzz", MFD_CLOEXEC);

	FUZZ_MUST(fd >= 0);
	if (ret_path)
		(void)snprintf(ret_path, FUZZ_PATH_SIZE, "/proc/./self/fd/%d",
			       fd); /* fits; no base64 */
	return fd;
}

/* It holds exactly this, and zeros up to `total`. */
static inline void fuzz_file_set(int fd, const void *data, size_t size, off_t total)
{
	FUZZ_MUST(ftruncate(fd, 0) == 0 && lseek(fd, 0, SEEK_SET) == 0);
	FUZZ_MUST(pwrite(fd, data, size, 0) == (ssize_t)size && ftruncate(fd, total) == 0);
}

#endif
