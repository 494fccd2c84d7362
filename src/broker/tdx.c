/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * tdx.c - a TDX quote in the broker's form.
 * Trusts neither quote nor event log: both come through the host. May not take a log for more than
 * a broker would.
 */
#include "broker/tdx.h"

#include <string.h>

#include "base/base64.h"
#include "base/little.h"
#include "base/text.h"
#include "broker/eventlog.h"

#define HEADER_SIZE 48
#define TEE_TDX 0x81
#define BODY_SIZE 584	 /* of TDX 1.0, and in version 4 */
#define BODY_15_SIZE 648 /* of TDX 1.5 */
#define BODY_10 2	 /* types of bodies in version 5 */
#define BODY_15 3
#define LOG_MAX 524288	  /* bytes that are sent; a broker takes 2 MiB in all, as text */
#define BASE64_CHUNK 3072 /* bytes; a multiple of 3, so that nothing is filled up in between */

static const unsigned char *bad(struct fault *f, const char *what)
{
	(void)fault_set(f, EXITCODE_REPORT_FAILED, EBADMSG, "the quote is none of TDX: %s", what);
	return NULL;
}

const unsigned char *tdx_quote_body(const unsigned char *quote, size_t len, struct fault *f)
{
	size_t at = HEADER_SIZE, size = BODY_SIZE;
	uint32_t version, type;

	if (len < HEADER_SIZE + 6)
		return bad(f, "it is too short");
	version = little16(quote);
	if ((version != 4 && version != 5) || little32(quote + 4) != TEE_TDX) {
		(void)fault_set(f, EXITCODE_REPORT_FAILED, ENOTSUP,
				"the quote is of version %u for TEE 0x%x, and brokers read 4 and 5 "
				"for 0x%x",
				version, little32(quote + 4), TEE_TDX);
		return NULL;
	}
	if (version == 5) {
		type = little16(quote + at);
		if (type != BODY_10 && type != BODY_15)
			return bad(f, "its body is of another type");
		size = type == BODY_15 ? BODY_15_SIZE : BODY_SIZE;
		if (little32(quote + at + 2) != size)
			return bad(f, "its body is of another size than its type");
		at += 6;
	}
	if (len < at + size + 4)
		return bad(f, "it is cut");
	/* Services that make quotes may fill up what is behind the signature. */
	if (little32(quote + at + size) > len - at - size - 4)
		return bad(f, "its signature is cut");
	return quote + at;
}

static void put_base64(FILE *out, const unsigned char *bytes, size_t len)
{
	char text[BASE64_SIZE(BASE64_CHUNK)];
	size_t n;

	fputc('"', out);
	for (; len > 0; bytes += n, len -= n) {
		n = len < BASE64_CHUNK ? len : BASE64_CHUNK;
		(void)base64_encode(BASE64_PADDED, bytes, n, text);
		fputs(text, out);
	}
	fputc('"', out);
}

/* Is the log what the quote's registers say? Returns its length, or 0 with a note. */
static size_t judge_log(const struct frame_field *field, const unsigned char *body,
			struct evidence *evidence)
{
	struct eventlog log;
	struct eventlog_flaw flaw;
	size_t i;
	int r;

	if (field->len == 0)
		return 0;
	r = eventlog_replay(field->data, field->len, &log, &flaw);
	if (r == -EBADMSG)
		text_append(evidence->note, sizeof(evidence->note),
			    "the event log is not sent: it has %s, at byte %zu", flaw.why,
			    flaw.offset);
	else if (r < 0)
		text_append(evidence->note, sizeof(evidence->note),
			    "the event log is not sent: libcrypto has no SHA-384");
	else if (log.len > LOG_MAX)
		text_append(evidence->note, sizeof(evidence->note),
			    "the event log is not sent: it has %zu bytes, more than %d", log.len,
			    LOG_MAX);
	if (evidence->note[0])
		return 0;
	for (i = 0; i < EVENTLOG_REGISTERS; i++) {
		if (memcmp(body + TDX_AT_RTMR + i * EVENTLOG_DIGEST_SIZE, log.registers[i],
			   EVENTLOG_DIGEST_SIZE) == 0)
			continue;
		text_append(evidence->note, sizeof(evidence->note),
			    "the event log is not sent: it does not lead to the quote's RTMR%zu",
			    i);
		return 0;
	}
	return log.len;
}

int tdx_write(const struct frame *frame, FILE *out, struct evidence *evidence, struct fault *f)
{
	const struct frame_field *quote = &frame->fields[EVIDENCE_REPORT];
	const struct frame_field *log = &frame->fields[EVIDENCE_EVENT_LOG];
	const unsigned char *body = tdx_quote_body(quote->data, quote->len, f);
	_cleanup_free_ unsigned char *marked = NULL;
	size_t len;

	if (!body)
		return -EBADMSG;
	len = judge_log(log, body, evidence);
	fputs("{\"cc_eventlog\":", out);
	if (len > 0) {
		marked = malloc(len + EVENTLOG_MARK_SIZE);
		if (!marked)
			return fault_set(f, EXITCODE_NO_MEMORY, ENOMEM,
					 "no memory for the event log");
		memcpy(marked, log->data, len);
		memset(marked + len, 0xff, EVENTLOG_MARK_SIZE);
		put_base64(out, marked, len + EVENTLOG_MARK_SIZE);
	} else {
		fputs("null", out);
	}
	fputs(",\"quote\":", out);
	put_base64(out, quote->data, quote->len);
	fputc('}', out);
	return 0;
}
