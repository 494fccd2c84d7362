/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * trusting.c - for the lab's control of the challenge's HMAC: an owner who does not check it, and
 * the host whose key then stands in the challenge. Never part of an installation.
 *
 *     trusting answer CHALLENGE KEY.PEM SECRET K >ANSWER
 *     trusting open CHALLENGE OWNERS-PUBLIC-KEY ANSWER K PRIVATE
 *
 * What answer does is what `coco-secret answer` does, but for the check; open prints the secret,
 * as bytes. All words but the first are files; K, PRIVATE and the public key are 32 bytes.
 */
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "rescue/answer.h"
#include "rescue/signature.h"

static size_t get(const char *path, void *buffer, size_t size)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	ssize_t n = fd < 0 ? -1 : read(fd, buffer, size);

	if (fd >= 0)
		close(fd);
	if (n >= 0)
		return (size_t)n;
	perror(path);
	_exit(99);
}

static void get_secret(const char *path, struct secret *s)
{
	struct fault f = { 0 };

	if (secret_init(s, &f) < 0)
		_exit(99);
	s->len = get(path, s->bytes, SECRET_CAPACITY);
}

static int fails(const struct fault *f)
{
	fprintf(stderr, "trusting: %s\n", f->why);
	return 1;
}

static int nobody(struct secret *passphrase, struct fault *f)
{
	(void)passphrase;
	return fault_set(f, EXITCODE_INTERNAL, 1, "the key has a passphrase");
}

static int make(const char *text, size_t len, const struct challenge *challenge, char **words)
{
	struct answer answer = { .action = RESCUE_UNLOCK, .keyslot = -1 };
	unsigned char message[ANSWER_SIZE_MAX];
	struct answer_secret secret = { .volume = "root" };
	struct secret pem, shared;
	struct signing_key *key;
	struct fault f = { 0 };
	ssize_t n;

	get_secret(words[0], &pem);
	get_secret(words[1], &secret.secret);
	get_secret(words[2], &shared);
	if (signing_key_read(&pem, nobody, &key, &f) < 0)
		return fails(&f);
	n = answer_make(&answer, &secret, 1, text, len, &challenge->public, &shared, key, message,
			sizeof(message), &f);
	if (n < 0)
		return fails(&f);
	return write(STDOUT_FILENO, message, (size_t)n) == n ? 0 : 1;
}

static int open_it(const char *text, size_t len, const struct challenge *challenge, char **words)
{
	unsigned char key[1][ANSWER_KEY_SIZE], message[ANSWER_SIZE_MAX];
	struct rescue_keys keys = { .there = true, .public = challenge->public };
	const char *names[] = { "root" };
	struct secret secret = SECRET_NULL;
	struct answer answer;
	struct fault f = { 0 };
	size_t size;

	get(words[0], key, sizeof(key));
	size = get(words[1], message, sizeof(message));
	get(words[2], keys.shared, sizeof(keys.shared));
	get(words[3], keys.private, sizeof(keys.private));
	if (answer_check(message, size, text, len, key, 1, &answer, &f) < 0 ||
	    answer_open(&answer, message, text, len, &keys, names, 1, &secret, &f) < 0)
		return fails(&f);
	return write(STDOUT_FILENO, secret.bytes, secret.len) == (ssize_t)secret.len ? 0 : 1;
}

int main(int argc, char **argv)
{
	char text[CHALLENGE_SIZE_MAX];
	struct challenge challenge;
	struct fault f = { 0 };
	size_t len;

	if (argc < 6)
		return 99;
	len = get(argv[2], text, sizeof(text));
	if (challenge_read(text, len, &challenge, &f) < 0)
		return fails(&f);
	if (strcmp(argv[1], "answer") == 0)
		return make(text, len, &challenge, argv + 3);
	return argc == 7 ? open_it(text, len, &challenge, argv + 3) : 99;
}
