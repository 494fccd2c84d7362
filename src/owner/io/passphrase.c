/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * passphrase.c - makes and reads secrets of the owner.
 * Trusts getrandom(2) and the person at the terminal. May not print a secret.
 */
#include "owner/io/passphrase.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/random.h>
#include <sys/signalfd.h>
#include <termios.h>

#include "base/io.h"
#include "base/paths.h"

#define RANDOM_SIZE 32
#define RECOVERY_SIZE 16
#define RECOVERY_CHECK_SIZE 1 /* of SHA-256: a slip passes with 1 in 256 */
#define RECOVERY_GROUP 4
#define RECOVERY_DIGITS (2 * (RECOVERY_SIZE + RECOVERY_CHECK_SIZE))
#define RECOVERY_LEN (RECOVERY_DIGITS + (RECOVERY_DIGITS - 1) / RECOVERY_GROUP)

static const char modhex[] = "cbdefghijklnrtuv";

/* Waits until the terminal can be read, or written. -EINTR: a signal waits. */
static int wait_terminal(int fd, short events, int signals)
{
	struct pollfd p[] = { { .fd = fd, .events = events }, { .fd = signals, .events = POLLIN } };

	while (poll(p, ARRAY_SIZE(p), -1) < 0)
		if (errno != EINTR)
			return -errno;
	return p[1].revents ? -EINTR : 0;
}

/* Reads up to the end of the line. -EINTR: a signal waits. */
static int read_line(int fd, int signals, struct secret *s)
{
	ssize_t n;
	int r;

	while (s->len < SECRET_CAPACITY) {
		r = wait_terminal(fd, POLLIN, signals);
		if (r < 0)
			return r;
		n = io_read(fd, s->bytes + s->len, 1);
		if (n < 0)
			return (int)n;
		if (n == 0 || s->bytes[s->len] == '\n')
			return s->len > 0 ? 0 : -ENODATA;
		s->len++;
	}
	return -EFBIG;
}

static int refuse_typed(int r, const char *otherwise, struct fault *f)
{
	char next[FAULT_TEXT_MAX];

	if (r == -EFBIG)
		return fault_advise(f, EXITCODE_USAGE, EFBIG,
				    "type what was asked for, and no more",
				    "a longer passphrase was typed than there can be");
	if (r != -ENODATA)
		return fault_errno(f, EXITCODE_INTERNAL, r, "the terminal");
	(void)snprintf(next, sizeof(next), "type it, or %s", otherwise); /* fits */
	return fault_advise(f, EXITCODE_USAGE, -r, next, "no passphrase was typed");
}

/* What would end or stop the process, and is not kept back already. */
static void take_signals(sigset_t *ret_signals)
{
	static const int numbers[] = { SIGHUP, SIGINT, SIGQUIT, SIGTERM, SIGTSTP };
	sigset_t blocked;
	size_t i;

	sigemptyset(&blocked);
	(void)sigprocmask(SIG_BLOCK, NULL, &blocked); /* cannot fail with these arguments */
	sigemptyset(ret_signals);
	for (i = 0; i < ARRAY_SIZE(numbers); i++)
		if (sigismember(&blocked, numbers[i]) == 0)
			sigaddset(ret_signals, numbers[i]);
}

/* What was typed for the modes before is not read in these. No wait for what is still to be
 * written, as TCSAFLUSH has it: that may be held back. */
static int set_modes(int fd, const struct termios *modes)
{
	if (tcsetattr(fd, TCSANOW, modes) < 0)
		return -errno;
	(void)tcflush(fd, TCIFLUSH); /* it could set them, so it is a terminal */
	return 0;
}

/* Without echo, and as it was behind that. The signals are blocked: nothing here may wait without
 * them, not even for a terminal that Ctrl-S has stopped. */
static int ask(int fd, int signals, const char *question, struct secret *s)
{
	struct pollfd out = { .fd = fd, .events = POLLOUT };
	struct termios old, quiet;
	int r;

	if (tcgetattr(fd, &old) < 0)
		return -errno;
	quiet = old;
	quiet.c_lflag &= ~(tcflag_t)ECHO;
	r = set_modes(fd, &quiet);
	if (r < 0)
		return r;
	r = wait_terminal(fd, POLLOUT, signals);
	if (r >= 0) {
		(void)dprintf(fd, "%s: ", question);
		r = read_line(fd, signals, s);
	}
	(void)set_modes(fd, &old);
	if (poll(&out, 1, 0) > 0)
		(void)dprintf(fd, "\n");
	return r;
}

/* A signal waits until the terminal shows again what is typed. Whom it does not end is asked once
 * more: it was stopped, or ignores it. */
static int ask_until_answered(int fd, const char *question, struct secret *s)
{
	_cleanup_close_ int signals = -EBADF;
	sigset_t set;
	int r;

	take_signals(&set);
	signals = signalfd(-1, &set, SFD_CLOEXEC);
	if (signals < 0)
		return -errno;
	do {
		(void)sigprocmask(SIG_BLOCK, &set, NULL); /* cannot fail, as above */
		r = ask(fd, signals, question, s);
		if (r < 0) { /* who is stopped, or ended, does not keep what was typed */
			explicit_bzero(s->bytes, s->len);
			s->len = 0;
		}
		(void)sigprocmask(SIG_UNBLOCK, &set, NULL);
	} while (r == -EINTR);
	return r;
}

int passphrase_from_terminal(const char *question, const char *otherwise, struct secret *ret_secret,
			     struct fault *f)
{
	_cleanup_close_ int fd = open(PATH_TTY, O_RDWR | O_CLOEXEC | O_NOCTTY);
	_cleanup_secret_ struct secret s = SECRET_NULL;
	char next[FAULT_TEXT_MAX];
	int r;

	(void)snprintf(next, sizeof(next), "run it on a terminal, or %s", otherwise); /* fits */
	if (fd < 0)
		return fault_advise(f, EXITCODE_USAGE, ENOTTY, next,
				    "there is no terminal to ask for the '%s'", question);
	r = secret_init(&s, f);
	if (r < 0)
		return r;
	r = ask_until_answered(fd, question, &s);
	if (r < 0)
		return refuse_typed(r, otherwise, f);
	*ret_secret = s;
	s = SECRET_NULL;
	return 0;
}

static int random_bytes(unsigned char *buf, size_t len, struct fault *f)
{
	if (getrandom(buf, len, 0) != (ssize_t)len)
		return fault_set(f, EXITCODE_INTERNAL, EIO, "no random numbers: %s",
				 strerror(errno));
	return 0;
}

int passphrase_generate(bool final_nul, struct secret *ret_secret, struct fault *f)
{
	static const char digits[] = "0123456789abcdef";
	_cleanup_secret_ struct secret s = SECRET_NULL;
	unsigned char *random, *out;
	size_t i;
	int r;

	r = secret_init(&s, f);
	if (r < 0)
		return r;
	/* The random bytes stay in the locked pages, behind the text. */
	random = s.bytes + SECRET_CAPACITY - RANDOM_SIZE;
	r = random_bytes(random, RANDOM_SIZE, f);
	if (r < 0)
		return r;
	for (i = 0, out = s.bytes; i < RANDOM_SIZE; i++) {
		*out++ = (unsigned char)digits[random[i] >> 4];
		*out++ = (unsigned char)digits[random[i] & 15];
	}
	explicit_bzero(random, RANDOM_SIZE);
	s.len = 2 * RANDOM_SIZE + (final_nul ? 1 : 0); /* the pages are zeros */
	*ret_secret = s;
	s = SECRET_NULL;
	return 0;
}

int passphrase_random(size_t len, struct secret *ret_secret, struct fault *f)
{
	_cleanup_secret_ struct secret s = SECRET_NULL;
	int r;

	r = secret_init(&s, f);
	if (r >= 0)
		r = random_bytes(s.bytes, len, f);
	if (r < 0)
		return r;
	s.len = len;
	*ret_secret = s;
	s = SECRET_NULL;
	return 0;
}

/* Letters in groups; out has room for RECOVERY_LEN. */
static void write_groups(unsigned char *out, const unsigned char *data)
{
	size_t i, digit = 0;

	for (i = 0; i < RECOVERY_SIZE + RECOVERY_CHECK_SIZE; i++) {
		int k;

		for (k = 0; k < 2; k++) {
			if (digit > 0 && digit % RECOVERY_GROUP == 0)
				*out++ = '-';
			*out++ = (unsigned char)modhex[k == 0 ? data[i] >> 4 : data[i] & 15];
			digit++;
		}
	}
}

int passphrase_generate_recovery(struct secret *ret_secret, struct fault *f)
{
	_cleanup_secret_ struct secret s = SECRET_NULL;
	struct digest digest;
	unsigned char *data;
	int r;

	r = secret_init(&s, f);
	if (r < 0)
		return r;
	data = s.bytes + SECRET_CAPACITY - RECOVERY_SIZE - RECOVERY_CHECK_SIZE;
	r = random_bytes(data, RECOVERY_SIZE, f);
	if (r < 0)
		return r;
	if (digest_sha256(data, RECOVERY_SIZE, &digest) < 0)
		return fault_set(f, EXITCODE_INTERNAL, ENOTSUP, "libcrypto has no SHA-256");
	memcpy(data + RECOVERY_SIZE, digest.octets, RECOVERY_CHECK_SIZE);
	write_groups(s.bytes, data);
	explicit_bzero(data, RECOVERY_SIZE + RECOVERY_CHECK_SIZE);
	explicit_bzero(&digest, sizeof(digest));
	s.len = RECOVERY_LEN;
	*ret_secret = s;
	s = SECRET_NULL;
	return 0;
}

bool passphrase_is_recovery(const struct secret *secret)
{
	unsigned char data[RECOVERY_SIZE + RECOVERY_CHECK_SIZE] = { 0 };
	struct digest digest = { { 0 } };
	size_t i, digit = 0;
	bool good;

	if (secret->len != RECOVERY_LEN)
		return false;
	for (i = 0; i < RECOVERY_LEN; i++) {
		bool dash = i % (RECOVERY_GROUP + 1) == RECOVERY_GROUP;
		const char *letter =
			dash || secret->bytes[i] == '\0' ? NULL : strchr(modhex, secret->bytes[i]);

		if (dash ? secret->bytes[i] != '-' : !letter)
			return false;
		if (dash)
			continue;
		data[digit / 2] |= (unsigned char)((letter - modhex) << (digit % 2 ? 0 : 4));
		digit++;
	}
	good = digest_sha256(data, RECOVERY_SIZE, &digest) == 0 &&
	       memcmp(digest.octets, data + RECOVERY_SIZE, RECOVERY_CHECK_SIZE) == 0;
	explicit_bzero(data, sizeof(data));
	return good;
}

int passphrase_append_nul(struct secret *secret)
{
	if (secret->len == SECRET_CAPACITY || memchr(secret->bytes, '\0', secret->len))
		return -EINVAL;
	secret->bytes[secret->len++] = '\0';
	return 0;
}

int passphrase_print(const struct secret *secret, FILE *out)
{
	return fwrite(secret->bytes, 1, secret->len, out) == secret->len ? 0 : -EIO;
}
