/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * frame.c - frames between the unlocking process and the broker program: what comes through whole,
 * and everything that does not.
 */
#include "source/kbs/frame.h"

#include <poll.h>
#include <stdbool.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>

#include "bytes.h"

static struct frame frame;
static int ours = -EBADF, theirs = -EBADF;

static void open_pair(void)
{
	int pair[2];

	BYTES_MUST(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair) == 0);
	util_closep(&ours);
	util_closep(&theirs);
	ours = pair[0];
	theirs = pair[1];
}

/* From memory of its own, so that a sanitizer sees each byte that is read behind it. */
static int parse(const unsigned char *bytes, size_t len)
{
	static unsigned char *copy;

	free(copy);
	copy = malloc(len + 1);
	BYTES_MUST(copy);
	memcpy(copy, bytes, len);
	frame.nr = 4711;
	return frame_parse(copy, len, &frame);
}

static void bad(const char *hex, const char *what)
{
	unsigned char bytes[256];
	size_t len = bytes_from_hex(hex, bytes, sizeof(bytes));

	ok(parse(bytes, len) == -EBADMSG && frame.nr == 4711, "refused: %s", what);
}

static void test_parse(void)
{
	unsigned char bytes[256];
	size_t len = bytes_from_hex("02000000 03000000 02000000 6162 00000000 01000000 63", bytes,
				    sizeof(bytes)),
	       i, refused = 0;

	ok(parse(bytes, len) == 0 && frame.type == FRAME_EVIDENCE && frame.nr == 3 &&
		   frame.fields[0].len == 2 && memcmp(frame.fields[0].data, "ab", 2) == 0 &&
		   frame.fields[1].len == 0 && frame.fields[2].len == 1 &&
		   frame.fields[2].data[0] == 'c' && !frame.fields[3].data,
	   "a frame of three fields");
	for (i = 0; i < len; i++)
		refused += parse(bytes, i) == -EBADMSG && frame.nr == 4711;
	is_int(refused, len, "... cut at any byte it is refused");
	ok(parse(bytes, len + 1) == -EBADMSG, "... with a byte behind it, too");
	for (i = 0, refused = 0; i < 256; i++) {
		bytes[0] = (unsigned char)i;
		refused +=
			parse(bytes, len) == (i >= FRAME_START && i <= FRAME_FAILED ? 0 : -EBADMSG);
	}
	is_int(refused, 256, "seven types, and no other");
	len = bytes_from_hex("01000000 08000000", bytes, sizeof(bytes));
	memset(bytes + len, 0, FRAME_FIELDS_MAX * 4);
	ok(parse(bytes, len + FRAME_FIELDS_MAX * 4) == 0 && frame.nr == FRAME_FIELDS_MAX,
	   "as many fields as may be");
	bytes[4]++;
	ok(parse(bytes, len + FRAME_FIELDS_MAX * 4 + 4) == -EBADMSG, "one more");
	bad("01000001 00000000", "a type of 2^24 + 1");
	bad("01000000 ffffffff", "2^32 - 1 fields");
	bad("01000000 00000001", "2^24 fields");
	bad("01000000 01000000 ffffffff", "a field of 2^32 - 1 bytes");
	bad("01000000 02000000 f8ffffff 00000000", "lengths whose sum is 2^32");
	bad("01000000 01000000 02000000 61", "a field that is a byte short");
	bad("01000000 02000000 01000000 61", "a count that is one too high");
	bad("01000000 00000000 00000000", "a count that is one too low");
	len = bytes_from_hex("01000000 00000000", bytes, sizeof(bytes));
	ok(parse(bytes, len) == 0 && frame.nr == 0, "a frame may have no field");
}

/* Does a frame of these fields come out as it went in? */
static bool through(enum frame_type type, const struct frame_field *fields, size_t nr, size_t max)
{
	_cleanup_free_ unsigned char *buffer = NULL;
	struct deadline soon = deadline_in_ms(5000);
	bool same;
	size_t i;
	pid_t pid;
	int status, r;

	fflush(stdout);
	open_pair();
	pid = fork();
	BYTES_MUST(pid >= 0);
	if (pid == 0)
		_exit(frame_send(theirs, type, fields, nr, soon) != 0);
	r = frame_receive(ours, max, soon, &buffer, &frame);
	same = r == 0 && frame.type == type && frame.nr == nr;
	for (i = 0; i < nr && same; i++)
		same = frame.fields[i].len == fields[i].len &&
		       (fields[i].len == 0 ||
			memcmp(frame.fields[i].data, fields[i].data, fields[i].len) == 0);
	BYTES_MUST(waitpid(pid, &status, 0) == pid);
	return same && status == 0;
}

static void test_through(void)
{
	static unsigned char large[FRAME_SIZE_MAX];
	struct frame_field fields[FRAME_FIELDS_MAX + 1] = { { NULL, 0 } };
	const size_t most = FRAME_SIZE_MAX - FRAME_HEAD_SIZE - 4;
	enum frame_type type;
	size_t nr, i, good = 0;

	for (i = 0; i < sizeof(large); i++)
		large[i] = (unsigned char)(i * i >> 3);
	for (i = 0; i < FRAME_FIELDS_MAX; i++)
		fields[i] = (struct frame_field){ large + i, i * 1000 };
	for (type = FRAME_START; type <= FRAME_FAILED; type++)
		for (nr = 0; nr <= FRAME_FIELDS_MAX; nr++)
			good += through(type, fields, nr, FRAME_SIZE_MAX);
	is_int(good, 7 * (FRAME_FIELDS_MAX + 1), "each type, with each number of fields");
	fields[0] = (struct frame_field){ large, most };
	ok(through(FRAME_EVIDENCE, fields, 1, FRAME_SIZE_MAX),
	   "the largest frame, which no buffer of a socket holds");
	fields[0].len++;
	open_pair();
	is_int(frame_send(ours, FRAME_EVIDENCE, fields, 1, deadline_in_ms(0)), -EMSGSIZE,
	       "a byte more is not sent");
	fields[0].len = SIZE_MAX;
	fields[1].len = SIZE_MAX;
	is_int(frame_send(ours, FRAME_EVIDENCE, fields, 2, deadline_in_ms(0)), -EMSGSIZE,
	       "lengths whose sum wraps are not sent");
	memset(fields, 0, sizeof(fields));
	is_int(frame_send(ours, FRAME_START, fields, FRAME_FIELDS_MAX + 1, deadline_in_ms(0)),
	       -EMSGSIZE, "a field more is not sent");
	is_int(recv(theirs, large, 1, MSG_DONTWAIT), -1, "... of none of them a byte");
}

/* What is received of the first `part` bytes that come a few at a time, then the end if `ends`. */
static int receive_part(const char *hex, size_t part, size_t at_once, bool ends, size_t max,
			unsigned int ms)
{
	_cleanup_free_ unsigned char *buffer = NULL;
	unsigned char bytes[256];
	size_t len = bytes_from_hex(hex, bytes, sizeof(bytes)), at, n;
	pid_t pid;
	int r;

	if (len > part)
		len = part;
	fflush(stdout);
	open_pair();
	pid = fork();
	BYTES_MUST(pid >= 0);
	if (pid == 0) {
		for (at = 0; at < len; at += n) {
			n = len - at < at_once ? len - at : at_once;
			if (send(theirs, bytes + at, n, MSG_NOSIGNAL) != (ssize_t)n)
				_exit(1);
			(void)poll(NULL, 0, 1); /* lets the other side see so few */
		}
		_exit(0);
	}
	if (ends) {
		util_closep(&theirs);
		theirs = -EBADF;
	}
	frame.nr = 4711;
	r = frame_receive(ours, max, deadline_in_ms(ms), &buffer, &frame);
	if (r == 0)
		r = frame.nr == 2 && memcmp(frame.fields[1].data, "cd", 2) == 0 ? 0 : -EINVAL;
	else if (frame.nr != 4711 || buffer)
		r = -EINVAL;
	BYTES_MUST(waitpid(pid, NULL, 0) == pid);
	return r;
}

static int receive(const char *hex, size_t at_once, bool ends, size_t max, unsigned int ms)
{
	return receive_part(hex, SIZE_MAX, at_once, ends, max, ms);
}

#define TWO "14000000 03000000 02000000 02000000 6162 02000000 6364"
#define TWO_LEN 24

static void test_receive(void)
{
	size_t n, good = 0;
	uint64_t start;

	for (n = 1; n <= TWO_LEN; n++)
		good += receive(TWO, n, true, 20, 5000) == 0;
	is_int(good, TWO_LEN, "a frame that comes in pieces is whole");
	for (n = 0, good = 0; n < TWO_LEN; n++)
		good += receive_part(TWO, n, 64, true, 20, 5000) == -ENODATA;
	is_int(good, TWO_LEN, "the end after any byte before its last one is the end");
	is_int(receive(TWO, 64, true, 19, 5000), -EMSGSIZE, "larger than asked for");
	is_int(receive("ffffffff 03000000", 64, true, FRAME_SIZE_MAX, 5000), -EMSGSIZE,
	       "a length of 2^32 - 1");
	is_int(receive("07000000 03000000 000000", 64, true, 20, 5000), -EBADMSG,
	       "a length below a frame's own");
	is_int(receive("08000000 00000000 00000000", 64, true, 20, 5000), -EBADMSG, "type 0");
	is_int(receive("0c000000 03000000 01000000 01000000", 64, true, 20, 5000), -EBADMSG,
	       "a field that is not there");
	start = clock_us();
	is_int(receive("", 64, false, 20, 50), -ETIMEDOUT, "nothing comes: the deadline");
	is_int(receive("14000000 0300", 64, false, 20, 50), -ETIMEDOUT, "half of it comes");
	is_int(receive(TWO, 1, false, 20, 5), -ETIMEDOUT, "all of it comes, but too slowly");
	ok(clock_us() - start < 2000000, "... and nobody waits for longer");
}

static void test_send(void)
{
	static unsigned char large[FRAME_SIZE_MAX / 2];
	const struct frame_field field = { large, sizeof(large) };
	unsigned char *buffer = NULL;
	uint64_t start;

	open_pair();
	start = clock_us();
	is_int(frame_send(ours, FRAME_EVIDENCE, &field, 1, deadline_in_ms(50)), -ETIMEDOUT,
	       "nobody reads: the deadline");
	ok(clock_us() - start < 1000000, "... and nobody waits for longer");
	open_pair();
	util_closep(&theirs);
	theirs = -EBADF;
	is_int(frame_send(ours, FRAME_EVIDENCE, &field, 1, deadline_in_ms(50)), -EPIPE,
	       "nobody is there: an error, and no signal");
	open_pair();
	BYTES_MUST(send(ours, "", 1, 0) == 1);
	util_closep(&theirs); /* with a byte that was not read: a reset */
	theirs = -EBADF;
	is_int(frame_receive(ours, 20, deadline_in_ms(5000), &buffer, &frame), -ENODATA,
	       "an end that has left something unread is the end");
}

int main(void)
{
	test_parse();
	test_through();
	test_receive();
	test_send();
	return tap_done();
}
