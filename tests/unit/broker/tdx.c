/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * tdx.c - quotes and event logs as the broker wants them. Both are made here, and the registers are
 * computed here, too, so that a mistake of the walk is not made twice.
 */
#include "broker/tdx.h"

#include <openssl/evp.h>

#include "broker/eventlog.h"
#include "bytes.h"

#define QUOTE_MAX 1024
#define LOG_MAX 8192
#define SIGNATURE_SIZE 20
#define V4_SIZE (48 + 584 + 4 + SIGNATURE_SIZE)

static unsigned char quote[QUOTE_MAX], *body;
static size_t quote_len;
static unsigned char log_bytes[LOG_MAX];
static size_t log_len;
static unsigned char rtmr[EVENTLOG_REGISTERS][EVENTLOG_DIGEST_SIZE];
static struct evidence evidence;
static struct eventlog eventlog;
static struct eventlog_flaw flaw;
static struct fault f;

static void put(const char *hex)
{
	log_len += bytes_from_hex(hex, log_bytes + log_len, LOG_MAX - log_len);
}

/* type 2 or 3 is of a body of version 5; 0: version 4. */
static void make_quote(unsigned char type)
{
	size_t size = type == 3 ? 648 : 584, at = type ? 54 : 48, i;

	for (i = 0; i < QUOTE_MAX; i++)
		quote[i] = (unsigned char)(7 * i);
	memcpy(quote, "\4\0\2\0\x81\0\0\0", 8);
	if (type) {
		quote[0] = 5;
		memcpy(quote + 48, (unsigned char[]){ type, 0, (unsigned char)size, 2, 0, 0 }, 6);
	}
	body = quote + at;
	memcpy(body + 328, rtmr, sizeof(rtmr));
	memcpy(body + size, (unsigned char[]){ SIGNATURE_SIZE, 0, 0, 0 }, 4);
	quote_len = at + size + 4 + SIGNATURE_SIZE;
}

#define SPEC "5370656320494420 4576656e74303300 00000000 00 02 00 02"
#define SPEC_384 SPEC "01000000 0c00 3000 00"
#define FIRST "00000000 03000000 0000000000000000000000000000000000000000 "

static void begin(void)
{
	log_len = 0;
	memset(rtmr, 0, sizeof(rtmr));
	put(FIRST "21000000" SPEC_384);
}

static void put32(uint32_t value)
{
	char hex[9];

	(void)sprintf(hex, "%02x%02x%02x%02x", value & 0xff, value >> 8 & 0xff, value >> 16 & 0xff,
		      value >> 24);
	put(hex);
}

/* A record with one digest, whose bytes are all this one, and its register. */
static void event(uint32_t index, uint32_t type, unsigned char byte, uint32_t size)
{
	unsigned char both[2 * EVENTLOG_DIGEST_SIZE];
	uint32_t i;

	put32(index);
	put32(type);
	put("01000000 0c00");
	memset(log_bytes + log_len, byte, EVENTLOG_DIGEST_SIZE);
	log_len += EVENTLOG_DIGEST_SIZE;
	put32(size);
	for (i = 0; i < size; i++)
		put("e7");
	if (index < 1 || index > EVENTLOG_REGISTERS || type == 3)
		return;
	memcpy(both, rtmr[index - 1], EVENTLOG_DIGEST_SIZE);
	memset(both + EVENTLOG_DIGEST_SIZE, byte, EVENTLOG_DIGEST_SIZE);
	BYTES_MUST(EVP_Digest(both, sizeof(both), rtmr[index - 1], NULL, EVP_sha384(), NULL) == 1);
}

/* One that firmware would write: all registers but the last. */
static void usual(void)
{
	begin();
	event(1, 0x8000000b, 1, 40);
	event(1, 0x80000001, 2, 0);
	event(0xffffffff, 3, 0, 10); /* a cloud's own words */
	event(0, 3, 0, 10);
	event(2, 0x80000003, 3, 70);
	event(1, 4, 4, 4);
	event(3, 0xd, 5, 1);
}

/* From memory of its own, so that a sanitizer sees each byte that is read behind it. */
static int replay(size_t len)
{
	unsigned char *copy = malloc(len + 1);
	int r;

	BYTES_MUST(copy);
	memcpy(copy, log_bytes, len);
	flaw = (struct eventlog_flaw){ 0 };
	eventlog.nr = 4711;
	r = eventlog_replay(copy, len, &eventlog, &flaw);
	free(copy);
	return r;
}

static int write_both(size_t q, size_t l)
{
	struct frame frame = { .type = FRAME_EVIDENCE, .nr = _EVIDENCE_MAX };
	unsigned char *copies[2] = { malloc(q + 1), malloc(l + 1) };
	int r;

	BYTES_MUST(copies[0] && copies[1]);
	memcpy(copies[0], quote, q);
	memcpy(copies[1], log_bytes, l);
	frame.fields[EVIDENCE_REPORT] = (struct frame_field){ copies[0], q };
	frame.fields[EVIDENCE_EVENT_LOG] = (struct frame_field){ copies[1], l };
	evidence_done(&evidence);
	f = (struct fault){ 0 };
	r = evidence_write("tdx", &frame, &evidence, &f);
	free(copies[0]);
	free(copies[1]);
	return r;
}

/* What the text has to be, by libcrypto's own encoder over the whole. */
static bool is_evidence(size_t q, size_t l)
{
	static char want[(QUOTE_MAX + LOG_MAX) * 2];
	static unsigned char marked[LOG_MAX + 8], base64[LOG_MAX * 2];
	size_t at;

	if (l > 0) {
		memcpy(marked, log_bytes, l);
		memset(marked + l, 0xff, 8);
		(void)EVP_EncodeBlock(base64, marked, (int)l + 8);
		at = (size_t)sprintf(want, "{\"cc_eventlog\":\"%s\",", (char *)base64);
	} else {
		at = (size_t)sprintf(want, "{\"cc_eventlog\":null,");
	}
	(void)EVP_EncodeBlock(base64, quote, (int)q);
	(void)sprintf(want + at, "\"quote\":\"%s\"}", (char *)base64);
	return evidence.json && strcmp(evidence.json, want) == 0;
}

static void test_quotes(void)
{
	unsigned char type;
	size_t len, refused;

	begin();
	for (type = 0; type <= 3; type++) {
		if (type == 1)
			continue;
		make_quote(type);
		ok(write_both(quote_len, 0) == 0 && is_evidence(quote_len, 0) && !evidence.note[0],
		   "a quote of version %d, type %d", type ? 5 : 4, type);
		ok(tdx_quote_body(quote, quote_len, &f) == body, "... its body is found");
		for (len = 0, refused = 0; len < quote_len; len++)
			refused += write_both(len, 0) < 0 && f.code == EXITCODE_REPORT_FAILED &&
				   !evidence.json;
		is_int(refused, quote_len, "... cut at any byte it is refused");
		ok(write_both(quote_len + 1, 0) == 0 && is_evidence(quote_len + 1, 0),
		   "... bytes behind it go along");
	}
}

static void bad_quote(unsigned char type, size_t at, unsigned char byte, const char *why)
{
	make_quote(type);
	quote[at] = byte;
	if (!ok(write_both(quote_len, 0) < 0 && f.code == EXITCODE_REPORT_FAILED &&
			strstr(f.why, why),
		"byte %zu = %d of type %d: %s", at, byte, type, why))
		printf("# %s\n", f.why);
}

static void test_bad_quotes(void)
{
	bad_quote(0, 0, 3, "version 3 ");
	bad_quote(0, 0, 6, "version 6 ");
	bad_quote(0, 1, 1, "version 260 ");
	bad_quote(0, 4, 0, "TEE 0x0,");
	bad_quote(0, 7, 1, "TEE 0x1000081,");
	bad_quote(0, 632, SIGNATURE_SIZE + 1, "signature is cut");
	bad_quote(0, 635, 0x80, "signature is cut");
	bad_quote(2, 48, 1, "another type");
	bad_quote(2, 48, 4, "another type");
	bad_quote(2, 49, 1, "another type");
	bad_quote(2, 48, 3, "another size");
	bad_quote(3, 48, 2, "another size");
	bad_quote(2, 53, 1, "another size");
	bad_quote(3, 702, SIGNATURE_SIZE + 1, "signature is cut");
}

static void test_log(void)
{
	static const char *const marks[] = { "",
					     "ffffffffffffffff",
					     "0000000000000000",
					     "ffffffffffffffffffff",
					     "00000000000000000c",
					     "ffffffffffffff",
					     "01" };
	size_t i, len;

	for (i = 0; i < ARRAY_SIZE(marks); i++) {
		usual();
		len = log_len;
		put(marks[i]);
		ok(replay(log_len) == 0 && eventlog.nr == 7 && eventlog.len == len &&
			   memcmp(eventlog.registers, rtmr, sizeof(rtmr)) == 0,
		   "a log with '%s' behind it leads to its registers", marks[i]);
		make_quote(0);
		ok(write_both(quote_len, log_len) == 0 && is_evidence(quote_len, len) &&
			   !evidence.note[0],
		   "... and is sent up to its mark");
	}
	begin();
	ok(replay(log_len) == 0 && eventlog.nr == 0 && eventlog.len == log_len,
	   "a log may have no event");
	log_len = 0;
	put(FIRST "34000000" SPEC
		  "04000000 0400 1400 0b00 2000 0c00 3000 0d00 4000 07 01020304050607");
	log_bytes[0] = 1; /* as other firmware has it */
	put("02000000 06000000 02000000 0400 1111111111111111111111111111111111111111 0c00");
	memset(log_bytes + log_len, 0x5c, 48);
	log_len += 48;
	put("00000000");
	len = log_len;
	memset(rtmr, 0, sizeof(rtmr));
	event(2, 4, 0x5c, 0);
	log_len = len; /* only its register is wanted */
	ok(replay(log_len) == 0 && eventlog.nr == 1 &&
		   memcmp(eventlog.registers, rtmr, sizeof(rtmr)) == 0,
	   "other algorithms are read over");
	for (i = 0; i < EVENTLOG_REGISTERS; i++) {
		usual();
		make_quote(0);
		body[328 + 48 * i + 47] ^= 1;
		ok(write_both(quote_len, log_len) == 0 && is_evidence(quote_len, 0) &&
			   strstr(evidence.note, "the quote's RTMR") &&
			   evidence.note[strlen(evidence.note) - 1] == (char)('0' + i),
		   "another RTMR%zu: null is sent, and a note says why", i);
	}
	usual();
	make_quote(0);
	event(4, 6, 9, 0);
	ok(write_both(quote_len, log_len) == 0 && is_evidence(quote_len, 0) && evidence.note[0],
	   "an event that the quote does not have: null");
}

static void test_cut(void)
{
	size_t ends[8], nr, i, len, wrong = 0;

	begin();
	ends[0] = log_len;
	for (nr = 1; nr < ARRAY_SIZE(ends); nr++) {
		event((uint32_t)nr % 3 + 1, 4, (unsigned char)nr, (uint32_t)nr * 5);
		ends[nr] = log_len;
	}
	make_quote(0);
	for (len = 0; len < log_len; len++) {
		int r = replay(len);
		bool whole = false;

		for (i = 0; i < nr; i++)
			whole |= len >= ends[i] && len - ends[i] < 8 && r == 0 &&
				 eventlog.nr == i && eventlog.len == ends[i];
		wrong += !whole &&
			 (r != -EBADMSG || !flaw.why || flaw.offset > len || eventlog.nr != 4711);
		wrong += write_both(quote_len, len) != 0 || !is_evidence(quote_len, 0) ||
			 (len > 0) != (evidence.note[0] != '\0');
	}
	is_int(wrong, 0, "cut at any byte a log is no more than what is whole, and is not sent");
	ok(write_both(quote_len, log_len) == 0 && is_evidence(quote_len, log_len), "whole, it is");
}

static void bad_log(const char *why, size_t offset, const char *what)
{
	int r = replay(log_len);

	if (!ok(r == -EBADMSG && flaw.why && strstr(flaw.why, why) && flaw.offset == offset &&
			eventlog.nr == 4711,
		"refused: %s", what))
		printf("# %d: %s at %zu\n", r, flaw.why ? flaw.why : "", flaw.offset);
	make_quote(0);
	ok(write_both(quote_len, log_len) == 0 && is_evidence(quote_len, 0) &&
		   strstr(evidence.note, why) && strlen(evidence.note) < sizeof(evidence.note) - 1,
	   "... null is sent, and a note says why");
}

static void first(const char *hex, const char *why, const char *what)
{
	log_len = 0;
	put(hex);
	put("00000000 00000000");
	bad_log(why, 0, what);
}

/* Behind an event that is good. */
static void second(const char *hex, const char *why, const char *what)
{
	size_t offset;

	begin();
	event(1, 4, 1, 4);
	offset = log_len;
	put(hex);
	put("ffffffffffffffff");
	bad_log(why, offset, what);
}

#define DIGEST                                             \
	"111111111111111111111111111111111111111111111111" \
	"111111111111111111111111111111111111111111111111"

static void test_bad_logs(void)
{
	first("", "does not describe", "nothing but a mark");
	first("00000000 04000000 0000000000000000000000000000000000000000 21000000" SPEC_384,
	      "does not describe", "a first record with an action");
	first(FIRST "21000000" SPEC "01000000 0c00 3000 01", "another length",
	      "vendor's bytes that are not there");
	first(FIRST "22000000" SPEC_384 "00", "another length", "a byte behind the vendor's");
	first(FIRST "20000000" SPEC "01000000 0c00 3000", "another length", "no vendor's bytes");
	first(FIRST "ffffffff" SPEC_384, "does not describe", "a first record of 4 GiB");
	first(FIRST "18000000" SPEC, "does not describe", "no list of algorithms");
	first(FIRST "21000000" SPEC "ffffffff 0c00 3000 00", "list of algorithms",
	      "2^32 - 1 of them");
	first(FIRST "21000000" SPEC "01000000 0500 3000 00", "list of algorithms", "one unknown");
	first(FIRST "21000000" SPEC "01000000 0c00 2000 00", "no digests",
	      "another size of SHA-384");
	first(FIRST "21000000" SPEC "01000000 0b00 2000 00", "no digests", "a log without SHA-384");
	first(FIRST "21000000 5370656320494420 4576656e74303200 00000000 00 02 00 02"
		    "01000000 0c00 3000 00",
	      "does not describe", "another signature");
	second("01000000 13000000 00000000 00000000", "type", "an event of type 0x13");
	second("01000000 0d000080 00000000 00000000", "type", "an event of type 0x8000000d");
	second("01000000 e3000080 00000000 00000000", "type", "an event of type 0x800000e3");
	second("01000000 04000000 01000000 0b00", "does not name", "a digest of SHA-256");
	second("01000000 04000000 01000000 1200", "does not name", "a digest of SM3");
	second("01000000 04000000 ffffffff 0c00" DIGEST, "does not name", "2^32 - 1 digests");
	second("01000000 04000000 02000000 0c00" DIGEST "0c00" DIGEST "00000000", "two ways",
	       "a second digest of SHA-384");
	second("01000000 03000000 01000000 0c00" DIGEST "00000000", "two ways",
	       "a digest of a register without an action");
	second("01000000 04000000 01000000 0c00" DIGEST "ffffffff", "cut", "an event of 4 GiB");
	second("01000000 04000000 01000000 0c00" DIGEST "09000000", "cut",
	       "an event longer than the log");
	second("01000000 04000000 01000000 0c00 1111", "cut", "a digest longer than the log");
}

/* A single event with this much data. */
static void test_large(size_t size, bool sent)
{
	struct frame frame = { .type = FRAME_EVIDENCE, .nr = _EVIDENCE_MAX };
	unsigned char *large;

	begin();
	event(1, 4, 1, 0);
	make_quote(0);
	size -= log_len;
	log_len -= 4;
	put32((uint32_t)size);
	large = calloc(1, log_len + size);
	BYTES_MUST(large);
	memcpy(large, log_bytes, log_len);
	frame.fields[EVIDENCE_REPORT] = (struct frame_field){ quote, quote_len };
	frame.fields[EVIDENCE_EVENT_LOG] = (struct frame_field){ large, log_len + size };
	evidence_done(&evidence);
	f = (struct fault){ 0 };
	ok(evidence_write("tdx", &frame, &evidence, &f) == 0 &&
		   (strlen(evidence.json) > size) == sent &&
		   sent == !strstr(evidence.note, "more than 524288"),
	   "a log of %zu bytes is %ssent", log_len + size, sent ? "" : "not ");
	free(large);
}

int main(void)
{
	test_large(524288, true);
	test_large(524289, false);
	test_quotes();
	test_bad_quotes();
	test_log();
	test_cut();
	test_bad_logs();
	evidence_done(&evidence);
	return tap_done();
}
