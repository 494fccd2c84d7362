/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * secret.c - secret bytes are read whole, stay in locked pages, and are zero when these go.
 */
#include "base/secret.h"

#include <sys/wait.h>

#include "fixture.h"
#include "inject.h"

static unsigned char pattern[SECRET_CAPACITY + 1];

/* A pipe whose writer hands the bytes out in pieces. */
static int pipe_of(const unsigned char *bytes, size_t len, size_t piece)
{
	int fds[2];

	FIXTURE_MUST(pipe2(fds, O_CLOEXEC) == 0);
	if (fork() == 0) {
		(void)close(fds[0]);
		while (len > 0) {
			size_t n = len < piece ? len : piece;

			if (write(fds[1], bytes, n) != (ssize_t)n)
				_exit(1);
			bytes += n;
			len -= n;
		}
		_exit(0);
	}
	(void)close(fds[1]);
	return fds[0];
}

static void end_pipe(int fd)
{
	(void)close(fd);
	(void)wait(NULL);
}

/* proc(5): the flags of a mapping, two letters each. */
static bool mapping_has_flag(const void *p, const char *flag)
{
	FILE *maps = fopen("/proc/self/smaps", "re");
	bool inside = false, found = false;
	char line[512];

	FIXTURE_MUST(maps);
	while (fgets(line, sizeof(line), maps)) {
		unsigned long from, to;

		if (sscanf(line, "%lx-%lx ", &from, &to) == 2)
			inside = from <= (unsigned long)p && (unsigned long)p < to;
		else if (inside && strncmp(line, "VmFlags:", 8) == 0)
			found = strstr(line, flag) != NULL;
	}
	(void)fclose(maps);
	return found;
}

static void test_pages(void)
{
	struct secret s = SECRET_NULL;
	struct fault f = { 0 };
	int status = -1;
	pid_t child;

	is_int(secret_init(&s, &f), 0, "init");
	ok(s.bytes && s.len == 0, "an empty secret has room and no length");
	ok(mapping_has_flag(s.bytes, " lo"), "its pages are locked");
	ok(mapping_has_flag(s.bytes, " dd"), "they are left out of dumps");
	ok(mapping_has_flag(s.bytes, " wf"), "they are marked to be wiped on fork");
	ok(!mapping_has_flag(pattern, " lo") && !mapping_has_flag(pattern, " dd") &&
		   !mapping_has_flag(pattern, " wf"),
	   "premise: other pages are not");
	memset(s.bytes, 0x5a, SECRET_CAPACITY);
	child = fork();
	if (child == 0)
		_exit(inject_all_zero(s.bytes, SECRET_CAPACITY) ? 0 : 1);
	FIXTURE_MUST(child > 0 && waitpid(child, &status, 0) == child);
	is_int(status, 0, "a child process finds zeros");
	ok(!inject_all_zero(s.bytes, SECRET_CAPACITY), "the parent still has the bytes");
	secret_done(&s);
	ok(inject_secrets.wiped == 1 && inject_secrets.dirty == 0, "all zero when unmapped");
	ok(!s.bytes && s.len == 0, "done leaves nothing");
	secret_done(&s);
	is_int(inject_secrets.wiped, 1, "done twice is harmless");
	s = SECRET_NULL;
	secret_done(&s);
	is_int(inject_secrets.nr_live, 0, "no mapping is left");
}

static void test_init_fails(void)
{
	static const struct {
		enum inject_call call;
		unsigned int nth;
	} cases[] = {
		{ INJECT_MMAP, 1 },
		{ INJECT_MADVISE, 1 },
		{ INJECT_MADVISE, 2 },
		{ INJECT_MLOCK, 1 },
	};
	struct secret s = { .bytes = NULL, .len = 7 };
	struct fault f;
	size_t i;

	for (i = 0; i < ARRAY_SIZE(cases); i++) {
		f = (struct fault){ 0 };
		inject_failure(cases[i].call, cases[i].nth, EPERM);
		is_int(secret_init(&s, &f), -EPERM, "init fails where %s no. %u does",
		       inject_names[cases[i].call], cases[i].nth);
		ok(inject.hit && !s.bytes && s.len == 7, "and hands out nothing");
		ok(f.code == EXITCODE_NO_MEMORY && strcmp(f.what, "memory") == 0 &&
			   strcmp(f.why,
				  "no locked memory for a secret: Operation not permitted") == 0,
		   "and says why: %s", f.why);
	}
	inject_failure(INJECT_NONE, 0, 0);
	is_int(inject_secrets.nr_live, 0, "no mapping is left");
}

static void test_earlier_fault(void)
{
	struct secret s = SECRET_NULL;
	struct fault f = { 0 };

	(void)fault_set(&f, EXITCODE_CONFIG, EINVAL, "earlier");
	inject_failure(INJECT_MLOCK, 1, EPERM);
	is_int(secret_init(&s, &f), -EPERM, "init fails behind an earlier fault");
	inject_failure(INJECT_NONE, 0, 0);
	ok(f.code == EXITCODE_CONFIG && strcmp(f.why, "earlier") == 0 && !*f.what,
	   "which stays as it is");
}

static void test_read(void)
{
	/* clang-format off */
	static const struct {
		size_t len;
		size_t piece;
	} cases[] = {
		{ 1, 1 },     { 32, 1 },    { 3032, 7 },
		{ 4096, 4096 }, { 4097, 4096 }, { SECRET_CAPACITY - 1, 1000 },
		{ SECRET_CAPACITY, 4096 }, { SECRET_CAPACITY, 777 },
	};
	/* clang-format on */
	_cleanup_secret_ struct secret s = SECRET_NULL;
	size_t i;
	int fd;

	FIXTURE_MUST(secret_init(&s, &(struct fault){ 0 }) == 0);
	for (i = 0; i < ARRAY_SIZE(cases); i++) {
		fd = pipe_of(pattern, cases[i].len, cases[i].piece);
		is_int(secret_read(&s, fd), 0, "read %zu bytes in pieces of %zu", cases[i].len,
		       cases[i].piece);
		ok(s.len == cases[i].len && memcmp(s.bytes, pattern, s.len) == 0,
		   "every byte is there, NULs and newlines included");
		end_pipe(fd);
	}
	inject_piece = 7;
	fd = pipe_of(pattern, 3032, 3032);
	ok(secret_read(&s, fd) == 0 && s.len == 3032 && memcmp(s.bytes, pattern, s.len) == 0,
	   "a file that hands out 7 bytes at once");
	inject_piece = 0;
	end_pipe(fd);
	fd = pipe_of(pattern, 0, 1);
	ok(secret_read(&s, fd) == 0 && s.len == 0, "an empty file is an empty secret");
	end_pipe(fd);
}

static void test_read_fails(void)
{
	_cleanup_secret_ struct secret s = SECRET_NULL;
	unsigned int nth;
	int fd;

	FIXTURE_MUST(secret_init(&s, &(struct fault){ 0 }) == 0);
	fd = pipe_of(pattern, SECRET_CAPACITY + 1, 4096);
	is_int(secret_read(&s, fd), -EFBIG, "one byte too much");
	ok(s.len == 0 && inject_all_zero(s.bytes, SECRET_CAPACITY), "nothing of it stays");
	end_pipe(fd);
	fd = open("/dev/zero", O_RDONLY | O_CLOEXEC);
	is_int(secret_read(&s, fd), -EFBIG, "a file without an end");
	(void)close(fd);
	is_int(secret_read(&s, -EBADF), -EBADF, "no file");
	for (nth = 1; nth <= 2; nth++) { /* the data, and the end */
		fd = pipe_of(pattern, 8192, 4096);
		inject_failure(INJECT_READ, nth, EIO);
		is_int(secret_read(&s, fd), -EIO, "an error at read no. %u", nth);
		ok(s.len == 0 && inject_all_zero(s.bytes, SECRET_CAPACITY), "nothing stays");
		inject_failure(INJECT_NONE, 0, 0);
		end_pipe(fd);
		fd = pipe_of(pattern, 8192, 4096);
		inject_failure(INJECT_READ, nth, EINTR);
		ok(secret_read(&s, fd) == 0 && s.len == 8192 && memcmp(s.bytes, pattern, 8192) == 0,
		   "a signal at read no. %u loses nothing", nth);
		ok(inject.hit, "premise: the signal came");
		inject_failure(INJECT_NONE, 0, 0);
		end_pipe(fd);
	}
}

static void test_ends_in_nul(void)
{
	unsigned char bytes[] = { 'a', 0, 'b', 0 };
	struct secret s = { .bytes = bytes, .len = 4 };

	ok(secret_ends_in_nul(&s), "ends in NUL");
	s.len = 3;
	ok(!secret_ends_in_nul(&s), "does not, though there is one inside and one behind");
	s.len = 0;
	ok(!secret_ends_in_nul(&s), "empty does not");
}

/* FIPS 180-4 and RFC 4231 (test case 2), and the same for every byte that a secret may have. */
static void test_digests(void)
{
	_cleanup_secret_ struct secret s = SECRET_NULL;
	struct digest d, expected, other;

	FIXTURE_MUST(secret_init(&s, &(struct fault){ 0 }) == 0);
	FIXTURE_MUST(
		digest_parse("e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
			     &expected) == 0);
	ok(secret_sha256(&s, &d) == 0 && digest_equal(&d, &expected), "SHA-256 of nothing");
	memcpy(s.bytes, "abc", 3);
	s.len = 3;
	FIXTURE_MUST(
		digest_parse("ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad",
			     &expected) == 0);
	ok(secret_sha256(&s, &d) == 0 && digest_equal(&d, &expected), "SHA-256 of abc");
	memcpy(s.bytes, "abc\0", 4);
	s.len = 4;
	ok(secret_sha256(&s, &d) == 0 && !digest_equal(&d, &expected), "a NUL at the end counts");
	s.len = 2;
	ok(secret_sha256(&s, &d) == 0 && !digest_equal(&d, &expected), "and so does the length");
	memcpy(s.bytes, "Jefe", 4);
	s.len = 4;
	FIXTURE_MUST(
		digest_parse("5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843",
			     &expected) == 0);
	ok(secret_hmac_sha256(&s, "what do ya want for nothing?", &d) == 0 &&
		   digest_equal(&d, &expected),
	   "HMAC-SHA256 with the secret as the key");
	ok(secret_hmac_sha256(&s, "what do ya want for nothing", &d) == 0 &&
		   !digest_equal(&d, &expected),
	   "of another text");
	other = expected;
	other.octets[31] ^= 1;
	ok(!digest_equal(&other, &expected), "digests that differ in the last bit");
	other.octets[31] ^= 1;
	ok(digest_equal(&other, &expected), "and those that do not");
}

static void test_reveal(void)
{
	_cleanup_secret_ struct secret s = SECRET_NULL;
	char untouched[] = "untouched", *text = untouched;

	FIXTURE_MUST(secret_init(&s, &(struct fault){ 0 }) == 0);
	memcpy(s.bytes, "ab\ncd", 5);
	s.len = 5;
	is_int(secret_reveal_text(&s, 4, &text), -EFBIG, "a text that is too long");
	ok(text == untouched, "is not handed out");
	s.bytes[4] = '\0';
	is_int(secret_reveal_text(&s, 5, &text), -EINVAL, "one with a NUL");
	ok(text == untouched, "is not either");
	s.bytes[4] = 'd';
	is_int(secret_reveal_text(&s, 5, &text), 0, "one that fits");
	is_str(text, "ab\ncd", "is a string then");
	free(text);
	s.len = 2;
	is_int(secret_reveal_text(&s, 5, &text), 0, "a part of it");
	is_str(text, "ab", "ends where the secret does");
	free(text);
	s.len = 0;
	is_int(secret_reveal_text(&s, 0, &text), 0, "an empty one");
	is_str(text, "", "is an empty string");
	free(text);
}

static void test_digest_text(void)
{
	static const char good[] =
		"0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef";
	static const char *const bad[] = {
		"",
		"0",
		"0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcde",
		"0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef0",
		"0123456789abcdeF0123456789abcdef0123456789abcdef0123456789abcdef",
		"g123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef",
		" 123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef",
		"0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcde ",
		"0x23456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef",
	};
	struct digest d, before;
	size_t i;

	ok(digest_parse(good, &d) == 0 && d.octets[0] == 0x01 && d.octets[7] == 0xef &&
		   d.octets[31] == 0xef,
	   "64 digits are a digest");
	before = d;
	for (i = 0; i < ARRAY_SIZE(bad); i++)
		ok(digest_parse(bad[i], &d) == -EINVAL && digest_equal(&d, &before),
		   "these are none: '%s'", bad[i]);
	is_int(digest_init_library(), 0, "libcrypto is ready");
}

static void test_process(void)
{
	struct rlimit core = { .rlim_cur = 1, .rlim_max = 1 };

	FIXTURE_MUST(prctl(PR_GET_DUMPABLE, 0, 0, 0, 0) == 1);
	inject_failure(INJECT_PRCTL, 1, EACCES);
	is_int(secret_harden_process(), -EACCES, "harden: dumpable stays");
	inject_failure(INJECT_SETRLIMIT, 1, EPERM);
	is_int(secret_harden_process(), -EPERM, "harden: the core limit stays");
	inject_failure(INJECT_NONE, 0, 0);
	is_int(secret_harden_process(), 0, "harden");
	is_int(prctl(PR_GET_DUMPABLE, 0, 0, 0, 0), 0, "the process is not dumpable");
	FIXTURE_MUST(getrlimit(RLIMIT_CORE, &core) == 0);
	ok(core.rlim_cur == 0 && core.rlim_max == 0, "no core file, and none can be asked for");
}

int main(void)
{
	size_t i;

	for (i = 0; i < sizeof(pattern); i++) /* NUL, newline and all others, early */
		pattern[i] = (unsigned char)(i * 7 + (i >> 8));
	pattern[3] = 0;
	pattern[4] = '\n';
	test_pages();
	test_init_fails();
	test_earlier_fault();
	test_read();
	test_read_fails();
	test_ends_in_nul();
	test_digests();
	test_reveal();
	test_digest_text();
	test_process();
	is_int(inject_secrets.dirty, 0, "no mapping went with a byte of a secret in it");
	return tap_done();
}
